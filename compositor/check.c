#include "compositor/check.h"

#include <assert.h>

#include "core/crc32.h"
#include "core/frame_tag.h"
#include "core/macros.h"
#include "core/pixel_format.h"

#define COLOUR UINT32_C(0x00ffffff)
#define OPAQUE UINT32_C(0xff000000)

#define CHUNK_PIXELS 2048 /* 8 KiB: stays in the first-level cache with what it is gathered from */

bool check_view_holds(const struct check_view *view, const struct rect *rect) {
	if (rect_is_empty(rect)) {
		return false;
	}
	struct rect held = rect_intersect(&view->bounds, rect);
	return rect_equal(&held, rect);
}

/* `x`, `y` inside the view. */
static const uint32_t *pixel_at(const struct check_view *view, int64_t x, int64_t y) {
	return view->pixels + (size_t)(y - view->bounds.y) * (view->stride_bytes / PIXEL_BYTES) +
		(size_t)(x - view->bounds.x);
}

static const uint32_t *row_of(
	const struct check_view *view, const struct rect *rect, uint32_t row) {
	return pixel_at(view, rect->x, (int64_t)rect->y + row);
}

/* red and blue 2 and 1 parts, green 5: no table, no division */
static uint32_t luminance(uint32_t pixel) {
	return (2 * (pixel >> 16 & 0xff) + 5 * (pixel >> 8 & 0xff) + (pixel & 0xff)) / 8;
}

/* ---- EXACT, OFF, LIVE, COUNTER ---- */

static void gather(uint32_t *restrict to, const uint32_t *restrict from, size_t len) {
	for (size_t i = 0; i < len; i++) {
		to[i] = from[i] | OPAQUE;
	}
}

uint32_t check_crc(const struct check_view *view, const struct rect *rect) {
	struct rect held = rect_intersect(&view->bounds, rect);
	uint32_t chunk[CHUNK_PIXELS];
	uint32_t used = 0;
	uint32_t crc = 0;

	for (uint32_t y = 0; y < held.height; y++) {
		const uint32_t *from = row_of(view, &held, y);
		for (uint32_t x = 0; x < held.width;) {
			uint32_t len = MIN(held.width - x, CHUNK_PIXELS - used);
			gather(chunk + used, from + x, len);
			x += len;
			used += len;
			if (used == CHUNK_PIXELS) {
				crc = crc32_update(crc, chunk, sizeof(chunk));
				used = 0;
			}
		}
	}
	return crc32_update(crc, chunk, (size_t)used * PIXEL_BYTES);
}

bool check_exact(const struct check_view *view, const struct rect *rect, const uint32_t *allowed,
	size_t allowed_len, uint32_t *found) {
	bool is_allowed = false;
	*found = check_crc(view, rect);
	for (size_t i = 0; i < allowed_len; i++) {
		is_allowed |= *found == allowed[i];
	}
	return is_allowed && check_view_holds(view, rect);
}

/* One more look at something that has to change within `frames`. */
static void note(uint32_t *unchanged, bool has_changed, uint32_t frames, uint32_t step) {
	uint64_t sum = has_changed ? 0 : (uint64_t)*unchanged + step;
	*unchanged = (uint32_t)MIN(sum, frames);
}

bool check_live(struct check_live *live, const struct check_view *view, const struct rect *rect,
	uint32_t frames, uint32_t skip, uint32_t *found) {
	if (!check_view_holds(view, rect)) {
		*found = 0;
		return false;
	}
	if (live->until_look > 0) {
		live->until_look--;
	} else {
		uint32_t crc = check_crc(view, rect);
		note(&live->unchanged, !live->has_crc || crc != live->crc, frames, skip + 1);
		live->has_crc = true;
		live->crc = crc;
		live->until_look = skip;
	}
	*found = live->crc;
	return live->unchanged < frames;
}

bool check_counter(struct check_counter *state, const struct check_view *view,
	const struct rect *rect, uint32_t frames, uint32_t *found) {
	struct frame_tag tag;
	*found = 0;
	if (!check_view_holds(view, rect) || rect->width < FRAME_TAG_PIXELS) {
		return false;
	}
	bool has_tag = frame_tag_decode(&tag, row_of(view, rect, 0));
	/* it wraps: half of all numbers are ahead */
	bool goes_on =
		has_tag && (!state->has_counter || (int32_t)(tag.counter - state->counter) > 0);
	note(&state->unchanged, goes_on, frames, 1);
	if (has_tag) {
		state->has_counter = true;
		state->counter = tag.counter;
	}
	*found = state->counter;
	return state->unchanged < frames;
}

/* ---- PRESENCE, CONTRAST, BLACK, OWNER ---- */

/* The reference's luminance at a pixel of a region of this size: the nearest one's. */
static uint32_t reference_at(
	const struct check_reference *reference, const struct rect *rect, uint32_t x, uint32_t y) {
	uint64_t from_x = (uint64_t)x * reference->width / rect->width;
	uint64_t from_y = (uint64_t)y * reference->height / rect->height;
	return luminance(reference->pixels[from_y * reference->width + from_x]);
}

/* of the reference's darker and brighter pixels */
struct presence {
	uint64_t pixels[2], seen[2], expected[2], difference[2];
};

static uint32_t middle_of(const struct check_reference *reference) {
	uint32_t least = 255, most = 0;
	uint64_t len = (uint64_t)reference->width * reference->height;
	for (uint64_t i = 0; i < len; i++) {
		uint32_t value = luminance(reference->pixels[i]);
		least = MIN(least, value);
		most = MAX(most, value);
	}
	return (least + most) / 2;
}

static void sum_up(struct presence *presence, const struct check_view *view,
	const struct rect *rect, const struct check_reference *reference, uint32_t middle,
	uint32_t dimming) {
	*presence = (struct presence) { 0 };
	for (uint32_t y = 0; y < rect->height; y++) {
		const uint32_t *row = row_of(view, rect, y);
		for (uint32_t x = 0; x < rect->width; x++) {
			uint32_t expected = reference_at(reference, rect, x, y);
			uint32_t seen = luminance(row[x]);
			unsigned half = expected > middle;
			presence->pixels[half]++;
			presence->seen[half] += seen;
			presence->expected[half] += expected;
			uint32_t lit = MIN(seen * 256 / dimming, 255);
			presence->difference[half] +=
				lit > expected ? lit - expected : expected - lit;
		}
	}
}

#define UNDIMMED 256 /* 1, as a factor of dimming */

bool check_presence(const struct check_view *view, const struct rect *rect,
	const struct check_reference *reference, uint32_t threshold, uint32_t *found) {
	*found = 255;
	if (!check_view_holds(view, rect)) {
		return false;
	}
	struct presence presence;
	uint32_t middle = middle_of(reference);
	sum_up(&presence, view, rect, reference, middle, UNDIMMED);
	/* a reference of one luminance has no brighter half */
	unsigned bright = presence.pixels[1] > 0;
	uint64_t dimming = presence.expected[bright] > 0
		? presence.seen[bright] * UNDIMMED / presence.expected[bright]
		: UNDIMMED;
	dimming = MIN(MAX(dimming, UNDIMMED / 4), UNDIMMED);
	sum_up(&presence, view, rect, reference, middle, (uint32_t)dimming);

	uint64_t difference = 0;
	for (unsigned half = 0; half < 2; half++) {
		if (presence.pixels[half] > 0) {
			/* rounded up: 0 is no difference at all */
			uint64_t mean = (presence.difference[half] + presence.pixels[half] - 1) /
				presence.pixels[half];
			difference = MAX(difference, mean);
		}
	}
	*found = (uint32_t)difference;
	return difference <= threshold;
}

bool check_contrast(const struct check_view *view, const struct rect *rect, uint32_t threshold,
	uint32_t *found) {
	*found = 0;
	if (!check_view_holds(view, rect)) {
		return false;
	}
	uint32_t counts[256] = { 0 };
	for (uint32_t y = 0; y < rect->height; y++) {
		const uint32_t *row = row_of(view, rect, y);
		for (uint32_t x = 0; x < rect->width; x++) {
			counts[luminance(row[x])]++;
		}
	}
	uint64_t few = (uint64_t)rect->width * rect->height / 100;
	uint32_t least = 0, most = 255;
	for (uint64_t below = counts[0]; below <= few; below += counts[least]) {
		least++;
	}
	for (uint64_t above = counts[255]; above <= few; above += counts[most]) {
		most--;
	}
	*found = most > least ? most - least : 0;
	return *found >= threshold;
}

struct grid {
	uint32_t width, height;
};

static uint32_t grid_at(const struct check_view *view, const struct rect *rect,
	const struct grid *grid, uint32_t x, uint32_t y) {
	/* the middle of each cell */
	uint64_t at_x = ((uint64_t)2 * x + 1) * rect->width / (2 * grid->width);
	uint64_t at_y = ((uint64_t)2 * y + 1) * rect->height / (2 * grid->height);
	return row_of(view, rect, (uint32_t)at_y)[at_x] & COLOUR;
}

bool check_black(const struct check_view *view, const struct rect *rect, uint32_t *found) {
	*found = 1000;
	if (!check_view_holds(view, rect)) {
		return false;
	}
	const struct grid grid = { MIN(rect->width, CHECK_GRID), MIN(rect->height, CHECK_GRID) };
	uint32_t points[CHECK_GRID * CHECK_GRID];
	uint32_t len = 0;
	/* a colour of more than half of the points outlives all others */
	uint32_t colour = 0, lead = 0;
	for (uint32_t y = 0; y < grid.height; y++) {
		for (uint32_t x = 0; x < grid.width; x++) {
			uint32_t point = grid_at(view, rect, &grid, x, y);
			points[len++] = point;
			if (lead == 0) {
				colour = point;
			}
			lead = point == colour ? lead + 1 : lead - 1;
		}
	}
	uint32_t same = 0;
	for (uint32_t i = 0; i < len; i++) {
		same += points[i] == colour;
	}
	assert(len > 0);
	*found = same * 1000 / len;
	return same * 1000 <= len * 995;
}

bool check_owner(const struct check_view *view, const struct rect *rect,
	const struct check_view *owner, uint32_t *found) {
	*found = UINT32_MAX;
	if (!check_view_holds(view, rect) || !check_view_holds(owner, rect)) {
		return false;
	}
	uint32_t foreign = 0;
	for (uint32_t y = 0; y < rect->height; y++) {
		const uint32_t *shown = row_of(view, rect, y);
		const uint32_t *own = row_of(owner, rect, y);
		for (uint32_t x = 0; x < rect->width; x++) {
			foreign += ((shown[x] ^ own[x]) & COLOUR) != 0;
		}
	}
	*found = foreign;
	return foreign == 0;
}

/* ---- looking for a picture that is not where it belongs ---- */

#define PROBES 8

/* a pixel of the picture that tells it from its ground, in its own coordinates */
struct probe {
	uint32_t x, y, colour;
};

struct finder {
	const struct check_view *view;
	const struct rect *rect;
	const uint32_t *picture;
	struct probe probes[PROBES];
	uint32_t probes_len;
	uint64_t work; /* pixels that may still be compared */
};

/* Pixels spread over all that differ from their left neighbour: edges of what is drawn. */
static void choose_probes(struct finder *finder) {
	const struct rect *rect = finder->rect;
	uint64_t len = (uint64_t)rect->width * rect->height;
	uint64_t edges = 0;
	for (uint64_t i = 1; i < len; i++) {
		edges += ((finder->picture[i] ^ finder->picture[i - 1]) & COLOUR) != 0;
	}
	uint64_t each = MAX(edges / PROBES, 1);
	uint64_t edge = 0;
	for (uint64_t i = 1; i < len && finder->probes_len < PROBES; i++) {
		if (((finder->picture[i] ^ finder->picture[i - 1]) & COLOUR) != 0 &&
			edge++ % each == 0) {
			finder->probes[finder->probes_len++] = (struct probe) {
				.x = (uint32_t)(i % rect->width),
				.y = (uint32_t)(i / rect->width),
				.colour = finder->picture[i] & COLOUR,
			};
		}
	}
}

/* Whether the picture's row is at `place`, turned as said. */
static bool row_matches(const struct finder *finder, const struct rect *place,
	const struct check_found *found, uint32_t y) {
	const uint32_t *seen = row_of(finder->view, place, y);
	uint32_t width = place->width;
	uint32_t picture_y = found->is_mirrored_y ? place->height - 1 - y : y;
	const uint32_t *row = finder->picture + (size_t)picture_y * width;
	uint32_t wrong = 0;
	for (uint32_t x = 0; x < width; x++) {
		uint32_t picture_x = found->is_mirrored_x ? width - 1 - x : x;
		wrong |= (seen[x] ^ row[picture_x]) & COLOUR;
	}
	return wrong == 0;
}

static bool probes_match(
	const struct finder *finder, const struct rect *place, const struct check_found *found) {
	for (uint32_t i = 0; i < finder->probes_len; i++) {
		const struct probe *probe = &finder->probes[i];
		uint32_t x = found->is_mirrored_x ? place->width - 1 - probe->x : probe->x;
		uint32_t y = found->is_mirrored_y ? place->height - 1 - probe->y : probe->y;
		if ((row_of(finder->view, place, y)[x] & COLOUR) != probe->colour) {
			return false;
		}
	}
	return true;
}

static bool is_at(struct finder *finder, const struct check_found *found) {
	struct rect place = *finder->rect;
	if (__builtin_add_overflow(place.x, found->x, &place.x) ||
		__builtin_add_overflow(place.y, found->y, &place.y) ||
		!check_view_holds(finder->view, &place) || !probes_match(finder, &place, found)) {
		return false;
	}
	for (uint32_t y = 0; y < place.height; y++) {
		if (finder->work < place.width) {
			return false;
		}
		finder->work -= place.width;
		if (!row_matches(finder, &place, found, y)) {
			return false;
		}
	}
	return true;
}

bool check_find(const struct check_view *view, const struct rect *rect, const uint32_t *picture,
	struct check_found *found) {
	if (!check_view_holds(view, rect)) {
		return false;
	}
	struct finder finder = {
		.view = view,
		.rect = rect,
		.picture = picture,
		.work = (uint64_t)rect->width * rect->height * CHECK_FIND_WORK,
	};
	choose_probes(&finder);
	if (finder.probes_len == 0) {
		return false;
	}
	for (unsigned turn = 0; turn < 4; turn++) {
		found->is_mirrored_x = (turn & 1) != 0;
		found->is_mirrored_y = (turn & 2) != 0;
		for (int32_t y = -CHECK_FIND_REACH; y <= CHECK_FIND_REACH; y++) {
			for (int32_t x = -CHECK_FIND_REACH; x <= CHECK_FIND_REACH; x++) {
				found->x = x;
				found->y = y;
				bool is_there = turn == 0 && x == 0 && y == 0;
				if (!is_there && is_at(&finder, found)) {
					return true;
				}
			}
		}
	}
	return false;
}
