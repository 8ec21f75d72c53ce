/*
 * Guest memory: the regions a VMM shares, and the only way from guest addresses to host pointers.
 *
 * An address range becomes host spans that cover it exactly, or an error: never a shorter range, and
 * never one span over two regions. Regions are checked when they are set (size, overflow, overlap,
 * the file's real size, sealed against shrinking unless `allow_unsealed`). A region that is sent again
 * unchanged keeps its mapping, so pointers into it stay valid.
 *
 * Content may change while it is read: copy once, then check. A fault (SIGBUS) in guest memory ends
 * the process; that is the endpoint's contract (design 1).
 *
 * Thread: the session's.
 */
#ifndef PROTOCOL_GUEST_MEMORY_H
#define PROTOCOL_GUEST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/span.h"

#define GUEST_MEMORY_REGIONS_MAX 32

struct guest_region {
	uint64_t guest_address; /* guest-physical */
	uint64_t user_address; /* in the VMM: ring addresses are given in it */
	uint64_t size_bytes;
	uint64_t file_offset;
	uint8_t *base; /* ours; NULL: known but not mapped */
	int fd; /* owned */
	uint64_t device, inode; /* of the file: tells whether it is the same region again */
};

struct guest_memory {
	uint32_t regions_len;
	struct guest_region regions[GUEST_MEMORY_REGIONS_MAX]; /* sorted by guest_address */
	bool allow_unsealed;
	uint64_t generation; /* changes whenever a mapping went away: cached spans are void then */
	uint64_t additions; /* changes whenever one came: what had no spans may have some now */
};

void guest_memory_init(struct guest_memory *memory, bool allow_unsealed);
void guest_memory_finish(struct guest_memory *memory);

/* What the wire says of a region (SET_MEM_TABLE, ADD_MEM_REG). */
struct guest_region_wire {
	uint64_t guest_address, size_bytes, user_address, file_offset;
};

/* Replaces the table; takes over all `fds` on success and on error. On error the old table stands.
 * 0, -EINVAL (bad geometry), -EBADF/-EPERM (unusable file), -ENOMEM, -errno of mmap. */
int guest_memory_set_table(struct guest_memory *memory, const struct guest_region_wire *wire,
	const int *fds, size_t len);
int guest_memory_add(struct guest_memory *memory, const struct guest_region_wire *wire, int fd);
int guest_memory_remove(struct guest_memory *memory, const struct guest_region_wire *wire);

/*
 * Guest-physical range to spans. Returns how many spans (>= 1), -EFAULT if any byte of it is in no
 * mapped region, -ENOSPC if it needs more than spans_max, -EINVAL if len is 0 or the range wraps.
 */
int guest_memory_spans(const struct guest_memory *memory, uint64_t guest_address, uint64_t len,
	struct span *spans, size_t spans_max);

/* A VMM address range inside one region, as ring addresses must be. NULL if it is not. */
uint8_t *guest_memory_from_user(
	const struct guest_memory *memory, uint64_t user_address, uint64_t len);

#endif
