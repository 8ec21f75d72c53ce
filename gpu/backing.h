/*
 * The guest memory behind a resource: a list of guest ranges, seen as one byte string, with the host
 * addresses they have now. Neighbours are merged, so a list of single pages costs what its pieces
 * really are.
 *
 * Host addresses are void when the memory table changes: backing_translate() is called again then; as
 * long as it fails, the backing has no bytes.
 *
 * Thread: the loop's.
 */
#ifndef GPU_BACKING_H
#define GPU_BACKING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/rect.h"
#include "gpu/host_image.h"
#include "gpu/pixels.h"
#include "protocol/guest_memory.h"

struct backing_range {
	uint64_t address, len; /* guest-physical, bytes */
};

struct backing_span {
	uint64_t offset; /* of its first byte in the string */
	uint64_t len;
	uint8_t *base;
};

struct backing {
	uint64_t bytes; /* that can be read now: 0 or all of total_bytes */
	uint64_t total_bytes;
	uint32_t ranges_len;
	uint32_t spans_len;
	struct backing_range *ranges; /* owned; NULL: no backing */
	struct backing_span *spans; /* owned; NULL: not translated */
	uint64_t taken_bytes; /* of the store's memory, for the two lists */
};

/* What a list of entries is read from: the readable part of a chain. */
struct backing_source {
	const struct span *spans;
	size_t spans_len;
	uint64_t offset; /* of the first entry */
	uint32_t entries_len; /* all of them are present: the caller has checked */
};

/* 0; -EINVAL: an empty entry or addresses that wrap; -EFAULT: memory that the guest does not have;
 * -ENOMEM: budget. On error *backing is empty. */
int backing_init(struct backing *backing, const struct backing_source *source,
	const struct guest_memory *memory, struct image_store *store);
void backing_finish(struct backing *backing, struct image_store *store);
static inline bool backing_is_present(const struct backing *backing) {
	return backing->ranges != NULL;
}

int backing_translate(
	struct backing *backing, const struct guest_memory *memory, struct image_store *store);

/* Where a picture lies in a backing. */
struct backing_picture {
	uint64_t offset; /* of the top left pixel of what is copied */
	uint64_t stride; /* bytes */
};

/* Whether every byte of width x height pixels from there is in the backing. */
bool backing_has_picture(const struct backing *backing, const struct backing_picture *picture,
	uint32_t width, uint32_t height);

/* Copies width x height pixels (checked by backing_has_picture) to `to` row by row. */
void backing_copy_picture(const struct backing *backing, const struct backing_picture *picture,
	uint8_t *to, uint32_t to_stride, uint32_t width, uint32_t height);

#endif
