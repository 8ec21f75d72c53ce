/*
 * Rows of 4-byte pixels in memory. Thread: any; pure functions.
 */
#ifndef GPU_PIXELS_H
#define GPU_PIXELS_H

#include <stdint.h>
#include <string.h>

#include "core/pixel_format.h"
#include "core/rect.h"

struct pixels {
	uint8_t *base; /* the top left pixel */
	uint32_t stride; /* bytes */
};

static inline uint8_t *pixels_at(const struct pixels *pixels, const struct rect *rect) {
	return pixels->base + (uint64_t)(uint32_t)rect->y * pixels->stride +
		(uint64_t)(uint32_t)rect->x * PIXEL_BYTES;
}

/* Copies `rect` from one picture to the same place in another one. */
static inline void pixels_copy(
	const struct pixels *to, const struct pixels *from, const struct rect *rect) {
	uint8_t *to_row = pixels_at(to, rect);
	const uint8_t *from_row = pixels_at(from, rect);
	uint64_t row_bytes = (uint64_t)rect->width * PIXEL_BYTES;
	if (row_bytes == to->stride && row_bytes == from->stride) {
		memcpy(to_row, from_row, row_bytes * rect->height);
		return;
	}
	for (uint32_t y = 0; y < rect->height; y++) {
		memcpy(to_row, from_row, row_bytes);
		to_row += to->stride;
		from_row += from->stride;
	}
}

static inline void pixels_clear(const struct pixels *to, const struct rect *rect) {
	uint8_t *row = pixels_at(to, rect);
	for (uint32_t y = 0; y < rect->height; y++) {
		memset(row, 0, (uint64_t)rect->width * PIXEL_BYTES);
		row += to->stride;
	}
}

#endif
