/*
 * Rectangles in pixels. Thread: any; pure functions.
 */
#ifndef CORE_RECT_H
#define CORE_RECT_H

#include <stdbool.h>
#include <stdint.h>

struct rect {
	int32_t x, y;          /* top left corner, may be negative for places on an output */
	uint32_t width, height; /* 0 x 0: empty */
};

bool rect_is_empty(const struct rect *rect);
bool rect_equal(const struct rect *a, const struct rect *b);

/* Whether `rect` lies inside 0,0 width x height. No overflow for any input. */
bool rect_fits(const struct rect *rect, uint32_t width, uint32_t height);

/* The common part, or an empty rectangle. Right for any input (64 bit inside). */
struct rect rect_intersect(const struct rect *a, const struct rect *b);

/* The smallest rectangle around both; an empty one does not count. Saturates where its size would not
 * fit 32 bits. */
struct rect rect_union(const struct rect *a, const struct rect *b);

/*
 * A list of at most RECTS_MAX rectangles that covers at least what was added to it: past the maximum,
 * rectangles are merged into bounding boxes. For damage.
 */
#define RECTS_MAX 16
struct rects {
	uint32_t len;
	struct rect items[RECTS_MAX];
};

void rects_clear(struct rects *rects);
void rects_add(struct rects *rects, const struct rect *rect);
void rects_add_all(struct rects *rects, const struct rects *other);
/* Keeps what lies inside `clip`. */
void rects_clip(struct rects *rects, const struct rect *clip);
/* Takes `hole` out, where the maximum allows: what is left covers at least all that is outside it. */
void rects_subtract(struct rects *rects, const struct rect *hole);
struct rect rects_bounds(const struct rects *rects);

#endif
