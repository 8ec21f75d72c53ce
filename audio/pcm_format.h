/*
 * The sample formats a guest may play, and what makes 32-bit float of each (virtio 1.3, 5.14.6.6.2.1;
 * containers are little-endian).
 *
 * Everything Linux maps except compressed and DSD streams and IEC958 subframes, which are not linear
 * samples. Integers become value / 2^(bits - 1): up to 24 bits nothing is lost.
 *
 * Thread: any; no state.
 */
#ifndef AUDIO_PCM_FORMAT_H
#define AUDIO_PCM_FORMAT_H

#include <stddef.h>
#include <stdint.h>

struct pcm_format {
	const char *name;
	uint32_t bytes; /* of a sample's container: 1, 2, 3, 4 or 8 */
	/* `data` needs no alignment. Floats come out as they are: what is not a number stays so. */
	void (*to_float)(const uint8_t *data, float *samples, size_t samples_len);
};

/* By the wire's number, which may be anything; NULL: not offered. */
const struct pcm_format *pcm_format_from_index(unsigned index);

/* The offered formats as bits. */
uint64_t pcm_format_mask(void);

#endif
