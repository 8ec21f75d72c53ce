#include "compositor/painter.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "compositor/pixels.h"
#include "core/copy.h"
#include "core/macros.h"

#define CHUNK_PIXELS 256 /* converted at once before blending: stays in the first-level cache */

#define BAND_BYTES                                                                                 \
	(32 * 1024) /* of the target, drawn and blended at once: with its sources, in the second-level cache */

/* an area that only the first `below` opaque sprites may still show in */
struct pending {
	struct rect area;
	size_t below;
};

struct painter {
	uint64_t pixels_written;
	uint32_t positions[PAINTER_TARGET_MAX];
	uint32_t upper[PAINTER_SOURCE_MAX + 1];
	uint32_t lower[PAINTER_SOURCE_MAX + 1];
	int16_t mixed[(PAINTER_SOURCE_MAX + 1) * PIXEL_BYTES];
	uint32_t row[PAINTER_TARGET_MAX];
	/* of the present area: indices of those that show, and, of a part, who blends over its base */
	size_t opaque_len, blended_len;
	uint16_t opaque[PAINTER_SPRITES_MAX], blended[PAINTER_SPRITES_MAX];
	const struct sprite *above[PAINTER_SPRITES_MAX];
	/* each step takes one off and puts at most four on, all of them further down */
	struct pending pending[4 * (PAINTER_SPRITES_MAX + 1) + 1];
};

struct painter *painter_create(void) {
	return calloc(1, sizeof(struct painter));
}

void painter_destroy(struct painter *painter) {
	free(painter);
}

uint64_t painter_pixels_written(const struct painter *painter) {
	return painter->pixels_written;
}

static uint32_t *target_row(const struct painter_target *target, int32_t x, int32_t y) {
	return target->pixels + (size_t)y * (target->stride / PIXEL_BYTES) + (size_t)x;
}

static bool sprite_is_scaled(const struct sprite *sprite) {
	return sprite->pixels != NULL &&
		(sprite->place.width != sprite->width || sprite->place.height != sprite->height);
}

static const uint8_t *source_row(const struct sprite *sprite, uint32_t x, uint32_t y) {
	return sprite->pixels + (size_t)y * sprite->stride + (size_t)x * PIXEL_BYTES;
}

/* the one copy of an ordinary guest's frame */
static void copy_rows(
	const struct painter_target *target, const struct sprite *sprite, const struct rect *area) {
	uint32_t x = (uint32_t)(area->x - sprite->place.x);
	uint32_t y = (uint32_t)(area->y - sprite->place.y);
	size_t row_bytes = (size_t)area->width * PIXEL_BYTES;
	bool large = row_bytes * area->height >= COPY_STREAM_BYTES;

	for (uint32_t i = 0; i < area->height; i++) {
		uint32_t *to = target_row(target, area->x, area->y + (int32_t)i);
		const uint8_t *from = source_row(sprite, x, y + i);
		if (large) {
			copy_stream(to, from, row_bytes);
		} else {
			memcpy(to, from, row_bytes);
		}
	}
	if (large) {
		copy_stream_end();
	}
}

static void draw_plain(
	const struct painter_target *target, const struct sprite *sprite, const struct rect *area) {
	uint32_t colour = sprite->colour | 0xff000000;
	uint32_t chunk[CHUNK_PIXELS];
	pixels_fill(chunk, colour, CHUNK_PIXELS);

	for (uint32_t i = 0; i < area->height; i++) {
		uint32_t *to = target_row(target, area->x, area->y + (int32_t)i);
		if (sprite->opaque) {
			pixels_fill(to, colour, area->width);
			continue;
		}
		for (uint32_t x = 0; x < area->width; x += CHUNK_PIXELS) {
			pixels_over(
				to + x, chunk, MIN(CHUNK_PIXELS, area->width - x), sprite->opacity);
		}
	}
}

static void draw_unscaled(
	const struct painter_target *target, const struct sprite *sprite, const struct rect *area) {
	if (sprite->opaque &&
		(sprite->format == PIXEL_FORMAT_BGRX || sprite->format == PIXEL_FORMAT_BGRA)) {
		copy_rows(target, sprite, area);
		return;
	}
	uint32_t from_x = (uint32_t)(area->x - sprite->place.x);
	uint32_t from_y = (uint32_t)(area->y - sprite->place.y);
	uint32_t chunk[CHUNK_PIXELS];

	for (uint32_t y = 0; y < area->height; y++) {
		uint32_t *to = target_row(target, area->x, area->y + (int32_t)y);
		const uint8_t *from = source_row(sprite, from_x, from_y + y);
		if (sprite->opaque) {
			pixels_fetch(to, from, area->width, sprite->format);
			continue;
		}
		if (sprite->format == PIXEL_FORMAT_BGRA) {
			pixels_over(to, from, area->width, sprite->opacity);
			continue;
		}
		for (uint32_t x = 0; x < area->width; x += CHUNK_PIXELS) {
			uint32_t len = MIN(CHUNK_PIXELS, area->width - x);
			pixels_fetch(chunk, from + (size_t)x * PIXEL_BYTES, len, sprite->format);
			pixels_over(to + x, chunk, len, sprite->opacity);
		}
	}
}

/* `len` pixels from `first` on, and one more: the right neighbour of the last, with weight 0. */
static void fetch_for_sampling(
	uint32_t *to, const struct sprite *sprite, uint32_t first, uint32_t len, uint32_t y) {
	pixels_fetch(to, source_row(sprite, first, y), len, sprite->format);
	to[len] = to[len - 1];
}

static void draw_scaled(struct painter *painter, const struct painter_target *target,
	const struct sprite *sprite, const struct rect *area) {
	const struct rect *place = &sprite->place;
	uint32_t from_x = (uint32_t)(area->x - place->x);
	uint32_t from_y = (uint32_t)(area->y - place->y);

	for (uint32_t i = 0; i < area->width; i++) {
		painter->positions[i] = pixels_position(from_x + i, place->width, sprite->width);
	}
	uint32_t first = painter->positions[0] / PIXELS_WEIGHTS;
	uint32_t last = painter->positions[area->width - 1] / PIXELS_WEIGHTS + 1;
	uint32_t len = MIN(last, sprite->width - 1) - first + 1;
	uint32_t fetched_y = UINT32_MAX; /* the row that is in `upper` */

	for (uint32_t i = 0; i < area->height; i++) {
		uint32_t position = pixels_position(from_y + i, place->height, sprite->height);
		uint32_t y = position / PIXELS_WEIGHTS;
		if (y != fetched_y) {
			fetch_for_sampling(painter->upper, sprite, first, len, y);
			fetch_for_sampling(
				painter->lower, sprite, first, len, MIN(y + 1, sprite->height - 1));
			fetched_y = y;
		}
		pixels_mix_rows(painter->mixed, painter->upper, painter->lower, len + 1,
			position % PIXELS_WEIGHTS);

		uint32_t *to = target_row(target, area->x, area->y + (int32_t)i);
		uint32_t *sampled = sprite->opaque ? to : painter->row;
		pixels_sample_row(sampled, painter->mixed, painter->positions, area->width, first);
		if (!sprite->opaque) {
			pixels_over(to, sampled, area->width, sprite->opacity);
		}
	}
}

static void draw_sprite(struct painter *painter, const struct painter_target *target,
	const struct sprite *sprite, const struct rect *area) {
	if (sprite->pixels == NULL) {
		draw_plain(target, sprite, area);
	} else if (sprite_is_scaled(sprite)) {
		draw_scaled(painter, target, sprite, area);
	} else {
		draw_unscaled(target, sprite, area);
	}
	painter->pixels_written += (uint64_t)area->width * area->height;
}

/*
 * A part of the picture with its base: everything above that is in it blends, in order. In bands, so that
 * what is below is still in the cache when it is blended; scaling prepares so much for each area that
 * whole parts are cheaper there.
 */
static void draw_part(struct painter *painter, const struct painter_target *target,
	const struct sprite *sprites, const struct sprite *base, size_t first,
	const struct rect *part) {
	size_t above_len = 0;
	bool is_scaled = sprite_is_scaled(base);
	for (size_t i = first; i < painter->blended_len; i++) {
		const struct sprite *sprite = &sprites[painter->blended[i]];
		struct rect common = rect_intersect(&sprite->visible, part);
		if (!rect_is_empty(&common)) {
			painter->above[above_len++] = sprite;
			is_scaled = is_scaled || sprite_is_scaled(sprite);
		}
	}
	bool in_bands = above_len > 0 && !is_scaled;
	uint32_t rows = in_bands ? BAND_BYTES / (part->width * PIXEL_BYTES) + 1 : part->height;
	struct rect band = *part;
	for (uint32_t y = 0; y < part->height; y += rows) {
		band.y = part->y + (int32_t)y;
		band.height = MIN(rows, part->height - y);
		draw_sprite(painter, target, base, &band);
		for (size_t i = 0; i < above_len; i++) {
			struct rect common = rect_intersect(&painter->above[i]->visible, &band);
			if (!rect_is_empty(&common)) {
				draw_sprite(painter, target, painter->above[i], &common);
			}
		}
	}
}

/* What is left of `area` around `hole`, which lies inside it: at most four pieces. */
static size_t cut_out(const struct rect *area, const struct rect *hole, struct rect pieces[4]) {
	uint32_t above = (uint32_t)(hole->y - area->y);
	uint32_t below = area->height - above - hole->height;
	uint32_t left = (uint32_t)(hole->x - area->x);
	uint32_t right = area->width - left - hole->width;
	int32_t hole_end_x = hole->x + (int32_t)hole->width;
	int32_t hole_end_y = hole->y + (int32_t)hole->height;

	const struct rect all[4] = {
		{ area->x, area->y, area->width, above },
		{ area->x, hole_end_y, area->width, below },
		{ area->x, hole->y, left, hole->height },
		{ hole_end_x, hole->y, right, hole->height },
	};
	size_t len = 0;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (all[i].width > 0 && all[i].height > 0) {
			pieces[len++] = all[i];
		}
	}
	return len;
}

/* Those of the sprites that show in `area` at all. */
static void sort_out(struct painter *painter, const struct sprite *sprites, size_t len,
	const struct rect *area) {
	painter->opaque_len = painter->blended_len = 0;
	for (size_t i = 0; i < len; i++) {
		struct rect common = rect_intersect(&sprites[i].visible, area);
		if (rect_is_empty(&common)) {
			continue;
		}
		if (sprites[i].opaque) {
			painter->opaque[painter->opaque_len++] = (uint16_t)i;
		} else {
			painter->blended[painter->blended_len++] = (uint16_t)i;
		}
	}
}

/* The topmost of the first `below` opaque sprites that shows in `area`, or `below` itself: none. */
static size_t find_base(const struct painter *painter, const struct sprite *sprites, size_t below,
	const struct rect *area, struct rect *part) {
	for (size_t i = below; i-- > 0;) {
		*part = rect_intersect(&sprites[painter->opaque[i]].visible, area);
		if (!rect_is_empty(part)) {
			return i;
		}
	}
	return below;
}

/* The first of the blended sprites that is above sprite `index`. */
static size_t first_above(const struct painter *painter, size_t index) {
	size_t first = 0;
	while (first < painter->blended_len && painter->blended[first] < index) {
		first++;
	}
	return first;
}

/*
 * Front to back by areas, back to front inside each:
 *
 *    area            topmost opaque sprite B       B's part is drawn: B copied, what is above blended;
 *   +-----------+    +-----------+                 the pieces around it look for an opaque sprite
 *   |           |    |  +-----+--+--+              further down; where there is none: black
 *   |           | -> |  | B   |  |  |
 *   +-----------+    +--+-----+--+  |
 *                       +-----------+
 *
 * No opaque sprite above B shows in B's part (it would have been found first), so that all above blend.
 */
void painter_draw(struct painter *painter, const struct painter_target *target,
	const struct sprite *sprites, size_t len, const struct rect *area) {
	assert(len <= PAINTER_SPRITES_MAX);
	assert(target->width <= PAINTER_TARGET_MAX && target->height <= PAINTER_TARGET_MAX);
	const struct sprite black = { .opacity = 255, .opaque = true };
	const struct rect bounds = { 0, 0, target->width, target->height };
	size_t pending_len = 0;
	struct rect clipped = rect_intersect(area, &bounds);
	if (!rect_is_empty(&clipped)) {
		sort_out(painter, sprites, len, &clipped);
		painter->pending[pending_len++] = (struct pending) { clipped, painter->opaque_len };
	}

	while (pending_len > 0) {
		struct pending now = painter->pending[--pending_len];
		struct rect part;
		size_t base = find_base(painter, sprites, now.below, &now.area, &part);
		if (base == now.below) {
			draw_part(painter, target, sprites, &black, 0, &now.area);
			continue;
		}
		size_t index = painter->opaque[base];
		draw_part(painter, target, sprites, &sprites[index], first_above(painter, index),
			&part);

		struct rect pieces[4];
		size_t pieces_len = cut_out(&now.area, &part, pieces);
		for (size_t i = 0; i < pieces_len; i++) {
			painter->pending[pending_len++] = (struct pending) { pieces[i], base };
		}
	}
}
