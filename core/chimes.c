#include "core/chimes.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "core/checked.h"
#include "core/crc32.h"
#include "core/fd.h"

#define SEALS_CONSTANT (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)
#define ALIGN 64 /* of a chime's frames: a cache line */
#define FRAME_BYTES (CHIMES_CHANNELS * sizeof(float))

uint32_t chimes_crc32(const struct chimes_header *header) {
	struct chimes_header unsigned_header = *header;
	unsigned_header.crc32 = 0;
	return crc32_update(0, &unsigned_header, sizeof(unsigned_header));
}

/* Not a number is beyond every limit, too. */
static bool is_within_peak(const float *samples, uint64_t frames) {
	bool within = true;
	for (uint64_t i = 0; i < frames * CHIMES_CHANNELS; i++) {
		within &= fabsf(samples[i]) <= CHIMES_PEAK;
	}
	return within;
}

static bool is_entry_sane(const struct chimes *chimes, enum cue_chime chime) {
	const struct chimes_entry *entry = &chimes->entries[chime];
	uint64_t bytes = (uint64_t)entry->frames * FRAME_BYTES;
	if (entry->frames == 0 || entry->frames > (uint64_t)CHIMES_SECONDS_MAX * chimes->rate ||
		entry->offset < sizeof(struct chimes_header) || entry->offset % ALIGN != 0 ||
		!checked_range_fits(entry->offset, bytes, chimes->size_bytes)) {
		return false;
	}
	const float *samples = chimes_samples(chimes, chime);
	return crc32_update(0, samples, bytes) == entry->crc32 &&
		is_within_peak(samples, entry->frames);
}

static bool is_sane(struct chimes *chimes, uint32_t rate) {
	struct chimes_header header;
	memcpy(&header, chimes->base, sizeof(header));
	if (header.magic != CHIMES_MAGIC || header.version != CHIMES_VERSION ||
		header.size_bytes != chimes->size_bytes || header.rate != rate ||
		header.crc32 != chimes_crc32(&header) ||
		header.chimes[CUE_CHIME_NONE].frames != 0) {
		return false;
	}
	chimes->rate = rate;
	memcpy(chimes->entries, header.chimes, sizeof(chimes->entries));
	for (unsigned i = CUE_CHIME_NONE + 1; i < CUE_CHIMES; i++) {
		if (!is_entry_sane(chimes, (enum cue_chime)i)) {
			return false;
		}
	}
	return true;
}

int chimes_map(struct chimes *chimes, int fd, uint32_t rate) {
	*chimes = (struct chimes) { 0 };
	size_t size_bytes;
	int rc = fd_memfd_check(fd, SEALS_CONSTANT, sizeof(struct chimes_header), &size_bytes);
	if (rc < 0) {
		return rc;
	}
	/* private: older kernels refuse a shared mapping of a write-sealed file */
	void *base = mmap(NULL, size_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (base == MAP_FAILED) {
		return -errno;
	}
	chimes->base = base;
	chimes->size_bytes = size_bytes;
	if (!is_sane(chimes, rate)) {
		chimes_unmap(chimes);
		return -EINVAL;
	}
	return 0;
}

void chimes_unmap(struct chimes *chimes) {
	if (chimes->base != NULL) {
		munmap((void *)(uintptr_t)chimes->base, chimes->size_bytes);
	}
	*chimes = (struct chimes) { 0 };
}

const float *chimes_samples(const struct chimes *chimes, enum cue_chime chime) {
	assert(chimes->base != NULL && chime > CUE_CHIME_NONE && chime < CUE_CHIMES);
	return (const float *)(const void *)(chimes->base + chimes->entries[chime].offset);
}
