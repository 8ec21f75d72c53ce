/*
 * Dividing a frame link's pool into areas: first fit, page aligned. An area is only handed out when
 * the consumer reads none of its bytes, so an area may be given back while its last picture is still
 * on the screen, and a pool taken over from a predecessor needs no bookkeeping of his.
 *
 * Thread: the loop's.
 */
#ifndef GPU_POOL_H
#define GPU_POOL_H

#include <stdint.h>

#include "core/frame_link.h"

/* Three buffers of two resources for each of sixteen scanouts, and some that wait to be shown. */
#define POOL_AREAS_MAX 128
#define POOL_ALIGNMENT 4096

struct pool_area {
	uint64_t offset, bytes;
};

struct pool {
	const struct frame_link *link; /* borrowed */
	uint64_t taken_bytes;
	uint32_t areas_len;
	struct pool_area areas[POOL_AREAS_MAX]; /* taken, by offset */
};

void pool_init(struct pool *pool, const struct frame_link *link);

/* 0: `bytes` (> 0) at *offset are the caller's. -ENOMEM: no such gap that nobody reads. */
int pool_take(struct pool *pool, uint64_t bytes, uint64_t *offset);
void pool_give(struct pool *pool, uint64_t offset);

#endif
