/*
 * The bank of chimes: the sounds of the safety voice, rendered before start by `fascia` at the mixer's
 * rate and handed to it as one write-sealed memfd.
 *
 *   struct chimes_header | for each chime its frames, 2 x 32-bit float, interleaved
 *
 * No sample is beyond CHIMES_PEAK: that is the headroom the mixer keeps free of everything else while a
 * chime sounds (audio/mixer/safety_voice.h). A chime begins and ends at silence, so that it needs no
 * fade.
 *
 * Thread: any; read-only.
 */
#ifndef CORE_CHIMES_H
#define CORE_CHIMES_H

#include <stddef.h>
#include <stdint.h>

#include "core/cue.h"

#define CHIMES_MAGIC 0x4d494843u /* "CHIM" */
#define CHIMES_VERSION 1
#define CHIMES_CHANNELS 2
#define CHIMES_PEAK_PERCENT 70 /* of full scale */
#define CHIMES_PEAK (CHIMES_PEAK_PERCENT / 100.0f)
#define CHIMES_SECONDS_MAX 4 /* of one chime: what takes longer is no chime, and delays the next */

struct chimes_entry {
	uint64_t offset; /* of its first frame from the file's start, multiple of 64 */
	uint32_t frames; /* 1..; of CUE_CHIME_NONE, which is not in the file: 0 */
	uint32_t crc32; /* of its frames */
};

struct chimes_header {
	uint32_t magic, version;
	uint64_t size_bytes;
	uint32_t rate; /* Hz */
	uint32_t crc32; /* of this header with this field 0 */
	struct chimes_entry chimes[CUE_CHIMES];
};

struct chimes {
	const uint8_t *base; /* NULL: no bank */
	size_t size_bytes;
	uint32_t rate;
	struct chimes_entry entries[CUE_CHIMES]; /* a private copy */
};

/* The checksum that belongs in header->crc32, whatever is in there. */
uint32_t chimes_crc32(const struct chimes_header *header);

/* Maps and checks a bank (borrows `fd`): seals, sizes, all checksums, the peak. 0, -EPERM: not sealed,
 * -EINVAL: damaged, of another version, or not of this rate, -errno. On error there is no bank. */
int chimes_map(struct chimes *chimes, int fd, uint32_t rate);
void chimes_unmap(struct chimes *chimes);

/* The frames of a chime that is in the bank: `chime` is one of enum cue_chime, and not NONE. */
const float *chimes_samples(const struct chimes *chimes, enum cue_chime chime);

#endif
