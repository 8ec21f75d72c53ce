#include "core/rect.h"

#include <stddef.h>

#include "core/macros.h"

static int64_t right(const struct rect *rect) {
	return (int64_t)rect->x + rect->width;
}

static int64_t bottom(const struct rect *rect) {
	return (int64_t)rect->y + rect->height;
}

static uint64_t area(const struct rect *rect) {
	return (uint64_t)rect->width * rect->height;
}

bool rect_is_empty(const struct rect *rect) {
	return rect->width == 0 || rect->height == 0;
}

bool rect_equal(const struct rect *a, const struct rect *b) {
	return a->x == b->x && a->y == b->y && a->width == b->width && a->height == b->height;
}

bool rect_fits(const struct rect *rect, uint32_t width, uint32_t height) {
	return rect->x >= 0 && rect->y >= 0 && right(rect) <= width && bottom(rect) <= height;
}

/* From corners; saturates. The right and lower corner do not belong to it. */
static struct rect rect_from_corners(int64_t x1, int64_t y1, int64_t x2, int64_t y2) {
	if (x2 <= x1 || y2 <= y1) {
		return (struct rect) { 0 };
	}
	return (struct rect) {
		.x = (int32_t)x1,
		.y = (int32_t)y1,
		.width = (uint32_t)MIN(x2 - x1, (int64_t)UINT32_MAX),
		.height = (uint32_t)MIN(y2 - y1, (int64_t)UINT32_MAX),
	};
}

struct rect rect_intersect(const struct rect *a, const struct rect *b) {
	return rect_from_corners(MAX(a->x, b->x), MAX(a->y, b->y), MIN(right(a), right(b)),
		MIN(bottom(a), bottom(b)));
}

struct rect rect_union(const struct rect *a, const struct rect *b) {
	if (rect_is_empty(a)) {
		return rect_is_empty(b) ? (struct rect) { 0 } : *b;
	}
	if (rect_is_empty(b)) {
		return *a;
	}
	return rect_from_corners(MIN(a->x, b->x), MIN(a->y, b->y), MAX(right(a), right(b)),
		MAX(bottom(a), bottom(b)));
}

static bool contains(const struct rect *outer, const struct rect *inner) {
	return inner->x >= outer->x && inner->y >= outer->y && right(inner) <= right(outer) &&
		bottom(inner) <= bottom(outer);
}

void rects_clear(struct rects *rects) {
	rects->len = 0;
}

/* Removes what lies inside `rect`. */
static void remove_contained(struct rects *rects, const struct rect *rect) {
	uint32_t kept = 0;
	for (uint32_t i = 0; i < rects->len; i++) {
		if (!contains(rect, &rects->items[i])) {
			rects->items[kept++] = rects->items[i];
		}
	}
	rects->len = kept;
}

/* Takes out the rectangle whose box with `rect` adds the least area, and returns that box. */
static struct rect merge_nearest(struct rects *rects, const struct rect *rect) {
	uint32_t nearest = 0;
	uint64_t least = UINT64_MAX;
	for (uint32_t i = 0; i < rects->len; i++) {
		struct rect box = rect_union(&rects->items[i], rect);
		uint64_t growth = area(&box) - area(&rects->items[i]);
		if (growth < least) {
			least = growth;
			nearest = i;
		}
	}
	struct rect box = rect_union(&rects->items[nearest], rect);
	rects->items[nearest] = rects->items[--rects->len];
	return box;
}

void rects_add(struct rects *rects, const struct rect *rect) {
	if (rect_is_empty(rect)) {
		return;
	}
	for (uint32_t i = 0; i < rects->len; i++) {
		if (contains(&rects->items[i], rect)) {
			return;
		}
	}
	struct rect added = *rect;
	remove_contained(rects, &added);
	if (rects->len == RECTS_MAX) {
		added = merge_nearest(rects, &added);
		remove_contained(rects, &added);
	}
	rects->items[rects->len++] = added;
}

void rects_add_all(struct rects *rects, const struct rects *other) {
	for (uint32_t i = 0; i < other->len; i++) {
		rects_add(rects, &other->items[i]);
	}
}

void rects_clip(struct rects *rects, const struct rect *clip) {
	uint32_t kept = 0;
	for (uint32_t i = 0; i < rects->len; i++) {
		struct rect part = rect_intersect(&rects->items[i], clip);
		if (!rect_is_empty(&part)) {
			rects->items[kept++] = part;
		}
	}
	rects->len = kept;
}

/* What is left of `rect` around `part`, which lies in it: above, below, left and right. */
static void add_around(struct rects *rects, const struct rect *rect, const struct rect *part) {
	uint32_t above = (uint32_t)(part->y - rect->y);
	uint32_t left = (uint32_t)(part->x - rect->x);
	const struct rect around[] = {
		{ rect->x, rect->y, rect->width, above },
		{ rect->x, part->y + (int32_t)part->height, rect->width,
			rect->height - above - part->height },
		{ rect->x, part->y, left, part->height },
		{ part->x + (int32_t)part->width, part->y, rect->width - left - part->width,
			part->height },
	};
	for (size_t i = 0; i < ARRAY_LEN(around); i++) {
		rects_add(rects, &around[i]);
	}
}

void rects_subtract(struct rects *rects, const struct rect *hole) {
	struct rects left;
	rects_clear(&left);
	for (uint32_t i = 0; i < rects->len; i++) {
		struct rect part = rect_intersect(&rects->items[i], hole);
		if (rect_is_empty(&part)) {
			rects_add(&left, &rects->items[i]);
		} else {
			add_around(&left, &rects->items[i], &part);
		}
	}
	*rects = left;
}

struct rect rects_bounds(const struct rects *rects) {
	struct rect bounds = { 0 };
	for (uint32_t i = 0; i < rects->len; i++) {
		bounds = rect_union(&bounds, &rects->items[i]);
	}
	return bounds;
}
