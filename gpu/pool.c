#include "gpu/pool.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "core/checked.h"

/* how far to look on in a gap of which the consumer still reads a part */
#define STEP_BYTES (UINT64_C(256) * 1024)

void pool_init(struct pool *pool, const struct frame_link *link) {
	*pool = (struct pool) { .link = link };
}

/* A place for `bytes` in [start, end) that nobody reads. */
static bool find_in_gap(
	const struct pool *pool, uint64_t start, uint64_t end, uint64_t bytes, uint64_t *offset) {
	for (uint64_t at = start; at <= end && bytes <= end - at; at += STEP_BYTES) {
		if (!frame_link_is_busy(pool->link, at, bytes)) {
			*offset = at;
			return true;
		}
	}
	return false;
}

static void insert(struct pool *pool, uint32_t index, uint64_t offset, uint64_t bytes) {
	memmove(&pool->areas[index + 1], &pool->areas[index],
		(pool->areas_len - index) * sizeof(pool->areas[0]));
	pool->areas[index] = (struct pool_area) { .offset = offset, .bytes = bytes };
	pool->areas_len++;
	pool->taken_bytes += bytes;
}

int pool_take(struct pool *pool, uint64_t bytes, uint64_t *offset) {
	assert(bytes > 0);
	if (pool->areas_len == POOL_AREAS_MAX ||
		!checked_round_up_u64(bytes, POOL_ALIGNMENT, &bytes)) {
		return -ENOMEM;
	}
	uint64_t start = 0;
	for (uint32_t i = 0; i <= pool->areas_len; i++) {
		uint64_t end =
			i < pool->areas_len ? pool->areas[i].offset : pool->link->link.pool_bytes;
		if (find_in_gap(pool, start, end, bytes, offset)) {
			insert(pool, i, *offset, bytes);
			return 0;
		}
		if (i < pool->areas_len) {
			start = pool->areas[i].offset + pool->areas[i].bytes;
		}
	}
	return -ENOMEM;
}

void pool_give(struct pool *pool, uint64_t offset) {
	uint32_t index = 0;
	while (index < pool->areas_len && pool->areas[index].offset != offset) {
		index++;
	}
	assert(index < pool->areas_len);
	pool->taken_bytes -= pool->areas[index].bytes;
	pool->areas_len--;
	memmove(&pool->areas[index], &pool->areas[index + 1],
		(pool->areas_len - index) * sizeof(pool->areas[0]));
}
