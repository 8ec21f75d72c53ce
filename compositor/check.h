/*
 * Checks of a region of a picture, with the semantics of hardware checkers: see design.md 5 and
 * reference/compositor.md F.4. A check passes or fails; what it failed by is told in `found`, a CRC, a
 * difference or a count, to be compared with what was asked for.
 *
 * Alpha bytes are never looked at: a pixel is its blue, green and red. A region that is empty or lies
 * not wholly inside the view never passes: what is not there cannot be right.
 *
 *   EXACT, OFF   check_exact()       LIVE      check_live()       COUNTER  check_counter()
 *   PRESENCE     check_presence()    CONTRAST  check_contrast()   BLACK    check_black()
 *   OWNER        check_owner()
 *
 * Thread: any; pure functions but for the states of LIVE and COUNTER. Nothing allocates; costs are bounded
 * by the region's pixels, check_find() by CHECK_FIND_WORK times those.
 */
#ifndef COMPOSITOR_CHECK_H
#define COMPOSITOR_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/rect.h"

/* Pixels (BGRX in memory) and where they are on an output. */
struct check_view {
	const uint32_t *pixels; /* of bounds.x, bounds.y; may be NULL when the bounds are empty */
	uint32_t stride_bytes;  /* multiple of 4 */
	struct rect bounds;
};

bool check_view_holds(const struct check_view *view, const struct rect *rect);

/*
 * CRC-32 over the rows of `rect`, each pixel as the bytes B, G, R, 255. Parts outside the view do not
 * count; of nothing it is 0.
 */
uint32_t check_crc(const struct check_view *view, const struct rect *rect);

/* EXACT: the region's CRC is one of `allowed`. OFF is the same, with the CRC of what is there when the
 * element is not. `found`: the CRC. */
bool check_exact(const struct check_view *view, const struct rect *rect, const uint32_t *allowed,
	size_t allowed_len, uint32_t *found);

/*
 * LIVE: the region's CRC must change. Zeroed before the first frame, then called at each: fails while the
 * region has looked the same for `frames` of them. It is looked at in each (skip + 1)th frame only; in
 * those between the last verdict stands. `found`: the CRC.
 */
struct check_live {
	bool has_crc;
	uint32_t crc;
	uint32_t unchanged; /* frames since it was seen first */
	uint32_t until_look;
};
bool check_live(struct check_live *live, const struct check_view *view, const struct rect *rect,
	uint32_t frames, uint32_t skip, uint32_t *found);

/*
 * COUNTER: a frame tag (core/frame_tag.h) at the region's top left, whose counter must go on. As with
 * LIVE; a tag that is damaged, or missing, or went back, did not go on. `found`: the counter.
 */
struct check_counter {
	bool has_counter;
	uint32_t counter;
	uint32_t unchanged;
};
bool check_counter(struct check_counter *state, const struct check_view *view,
	const struct rect *rect, uint32_t frames, uint32_t *found);

/*
 * PRESENCE: the region resembles `reference` (a picture of any size, which is scaled to the region's).
 * Compared is luminance, of the reference's brighter and darker pixels apart, after allowing for one
 * factor of dimming down to a quarter: what it takes to tell something from nothing, from its negative or
 * from another symbol. Passes up to a mean difference of `threshold`. `found`: that difference, 0..255.
 */
struct check_reference {
	const uint32_t *pixels; /* rows of `width` */
	uint32_t width, height; /* 1.. */
};
bool check_presence(const struct check_view *view, const struct rect *rect,
	const struct check_reference *reference, uint32_t threshold, uint32_t *found);

/* CONTRAST: the luminances that all but 1 % of the pixels are below and above differ by `threshold` or
 * more. `found`: by how much they do. */
bool check_contrast(const struct check_view *view, const struct rect *rect, uint32_t threshold,
	uint32_t *found);

/* BLACK: fails when more than 99.5 % of the region, looked at in a grid of at most CHECK_GRID points each
 * way, are of one colour. `found`: how many of 1000 points are. */
#define CHECK_GRID 64
bool check_black(const struct check_view *view, const struct rect *rect, uint32_t *found);

/* OWNER: every pixel is the one that `owner` has there. `found`: how many are not. */
bool check_owner(const struct check_view *view, const struct rect *rect,
	const struct check_view *owner, uint32_t *found);

/*
 * Whether a picture of the region's size that is not in its region is nearby: moved by up to
 * CHECK_FIND_REACH pixels each way, mirrored, or both. A picture of one colour is never found: it is
 * everywhere. Looks at no more than CHECK_FIND_WORK times the region's pixels, and gives up then.
 */
#define CHECK_FIND_REACH 16
#define CHECK_FIND_WORK 4
struct check_found {
	int32_t x, y; /* from where it belongs */
	bool is_mirrored_x, is_mirrored_y;
};
bool check_find(const struct check_view *view, const struct rect *rect, const uint32_t *picture,
	struct check_found *found);

#endif
