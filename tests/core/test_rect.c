#include "core/rect.h"

#include <stdlib.h>
#include <string.h>

#include "core/macros.h"
#include "tests/suite.h"

#define FAR INT32_MAX
#define NEAR INT32_MIN
#define HUGE_SIZE UINT32_MAX

static const struct {
	const char *name;
	struct rect a, b, common, around;
} pairs[] = {
	{ "overlap", { 0, 0, 10, 10 }, { 5, 6, 10, 10 }, { 5, 6, 5, 4 }, { 0, 0, 15, 16 } },
	{ "touch", { 0, 0, 10, 10 }, { 10, 0, 10, 10 }, { 0, 0, 0, 0 }, { 0, 0, 20, 10 } },
	{ "apart", { -5, -5, 2, 2 }, { 5, 5, 2, 2 }, { 0, 0, 0, 0 }, { -5, -5, 12, 12 } },
	{ "inside", { 0, 0, 9, 9 }, { 2, 3, 1, 1 }, { 2, 3, 1, 1 }, { 0, 0, 9, 9 } },
	{ "one empty", { 3, 3, 0, 5 }, { 1, 1, 4, 4 }, { 0, 0, 0, 0 }, { 1, 1, 4, 4 } },
	{ "both empty", { 3, 3, 0, 5 }, { 9, 9, 1, 0 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 } },
	{ "right edge past 32 bits", { FAR, FAR, HUGE_SIZE, HUGE_SIZE }, { FAR, FAR, 1, 1 },
		{ FAR, FAR, 1, 1 }, { FAR, FAR, HUGE_SIZE, HUGE_SIZE } },
	{ "all there is", { NEAR, NEAR, HUGE_SIZE, HUGE_SIZE }, { -1, -1, 3, 3 }, { -1, -1, 3, 3 },
		{ NEAR, NEAR, HUGE_SIZE, HUGE_SIZE } },
	{ "union saturates", { NEAR, 0, 1, 1 }, { FAR, 0, HUGE_SIZE, 1 }, { 0, 0, 0, 0 },
		{ NEAR, 0, HUGE_SIZE, 1 } },
};

START_TEST(pairs_of_rectangles) {
	for (int swap = 0; swap < 2; swap++) {
		const struct rect *a = swap ? &pairs[_i].b : &pairs[_i].a;
		const struct rect *b = swap ? &pairs[_i].a : &pairs[_i].b;
		struct rect common = rect_intersect(a, b);
		struct rect around = rect_union(a, b);
		ck_assert_msg(rect_equal(&common, &pairs[_i].common), "%s", pairs[_i].name);
		ck_assert_msg(rect_equal(&around, &pairs[_i].around), "%s", pairs[_i].name);
	}
}
END_TEST

static const struct {
	const char *name;
	struct rect rect;
	bool fits; /* in 100 x 50 */
} fits[] = {
	{ "whole", { 0, 0, 100, 50 }, true },
	{ "corner", { 99, 49, 1, 1 }, true },
	{ "empty at the corner", { 100, 50, 0, 0 }, true },
	{ "left of it", { -1, 0, 1, 1 }, false },
	{ "above it", { 0, -1, 1, 1 }, false },
	{ "one too wide", { 1, 0, 100, 1 }, false },
	{ "one too high", { 0, 1, 1, 50 }, false },
	{ "sum wraps 32 bits", { 1, 1, HUGE_SIZE, HUGE_SIZE }, false },
	{ "far away and huge", { FAR, FAR, HUGE_SIZE, HUGE_SIZE }, false },
	{ "far away and empty", { FAR, 0, 0, 0 }, false },
};

START_TEST(fitting) {
	ck_assert_msg(rect_fits(&fits[_i].rect, 100, 50) == fits[_i].fits, "%s", fits[_i].name);
}
END_TEST

START_TEST(lists_leave_out_what_is_covered) {
	struct rects rects = { 0 };
	rects_add(&rects, &(struct rect) { 10, 10, 5, 5 });
	rects_add(&rects, &(struct rect) { 30, 30, 5, 5 });
	rects_add(&rects, &(struct rect) { 11, 11, 2, 2 }); /* covered by the first */
	rects_add(&rects, &(struct rect) { 0, 0, 0, 9 }); /* empty */
	ck_assert_uint_eq(rects.len, 2);
	rects_add(&rects, &(struct rect) { 0, 0, 20, 20 }); /* covers the first */
	ck_assert_uint_eq(rects.len, 2);
	struct rect bounds = rects_bounds(&rects);
	ck_assert(rect_equal(&bounds, &(struct rect) { 0, 0, 35, 35 }));
	rects_clear(&rects);
	bounds = rects_bounds(&rects);
	ck_assert(rect_is_empty(&bounds));
}
END_TEST

START_TEST(clipping_drops_what_is_outside) {
	struct rects rects = { 0 };
	rects_add(&rects, &(struct rect) { -5, -5, 10, 10 });
	rects_add(&rects, &(struct rect) { 40, 40, 10, 10 });
	rects_clip(&rects, &(struct rect) { 0, 0, 20, 20 });
	ck_assert_uint_eq(rects.len, 1);
	ck_assert(rect_equal(&rects.items[0], &(struct rect) { 0, 0, 5, 5 }));
}
END_TEST

#define FIELD 64

static void paint(uint8_t field[FIELD][FIELD], const struct rect *rect) {
	for (uint32_t y = 0; y < rect->height; y++) {
		for (uint32_t x = 0; x < rect->width; x++) {
			field[rect->y + (int32_t)y][rect->x + (int32_t)x] = 1;
		}
	}
}

/* Row: a seed. However many are added, each pixel that was added is covered, and the list stays short. */
START_TEST(lists_cover_what_was_added) {
	srandom((unsigned)_i + 1);
	uint8_t added[FIELD][FIELD] = { { 0 } };
	uint8_t covered[FIELD][FIELD] = { { 0 } };
	struct rects rects = { 0 };
	for (int n = 0; n < 100; n++) {
		struct rect rect = {
			.x = (int32_t)(random() % (FIELD - 8)),
			.y = (int32_t)(random() % (FIELD - 8)),
			.width = (uint32_t)(random() % 9),
			.height = (uint32_t)(random() % 9),
		};
		rects_add(&rects, &rect);
		paint(added, &rect);
		ck_assert_uint_le(rects.len, RECTS_MAX);
	}
	for (uint32_t i = 0; i < rects.len; i++) {
		paint(covered, &rects.items[i]);
	}
	for (int y = 0; y < FIELD; y++) {
		for (int x = 0; x < FIELD; x++) {
			ck_assert(covered[y][x] >= added[y][x]);
		}
	}
}
END_TEST

START_TEST(lists_of_hostile_rectangles) {
	struct rects rects = { 0 };
	for (int n = 0; n < 3 * RECTS_MAX; n++) {
		rects_add(&rects, &(struct rect) { NEAR + n, FAR - n, HUGE_SIZE - (uint32_t)n, 1 });
		rects_add(&rects, &(struct rect) { FAR - n, NEAR + n, 1, HUGE_SIZE - (uint32_t)n });
	}
	ck_assert_uint_le(rects.len, RECTS_MAX);
	struct rects all = { 0 };
	rects_add_all(&all, &rects);
	struct rect bounds = rects_bounds(&all);
	ck_assert(bounds.x == NEAR && bounds.y == NEAR);
	ck_assert(bounds.width == HUGE_SIZE && bounds.height == HUGE_SIZE);
}
END_TEST

static bool rects_hold(const struct rects *rects, int32_t x, int32_t y) {
	struct rect pixel = { x, y, 1, 1 };
	for (uint32_t i = 0; i < rects->len; i++) {
		struct rect part = rect_intersect(&rects->items[i], &pixel);
		if (!rect_is_empty(&part)) {
			return true;
		}
	}
	return false;
}

static const struct {
	const char *name;
	struct rect hole;
	uint32_t pieces;
} holes[] = {
	{ "inside", { 3, 3, 4, 4 }, 4 },
	{ "beside", { 12, 0, 4, 4 }, 1 },
	{ "all of it", { 0, 0, 10, 10 }, 0 },
	{ "more than it", { -5, -5, 30, 30 }, 0 },
	{ "a corner", { 6, 6, 20, 20 }, 2 },
	{ "a band across", { -1, 4, 20, 2 }, 2 },
	{ "a stripe down", { 4, -1, 2, 20 }, 2 },
	{ "one edge", { 0, 0, 2, 10 }, 1 },
	{ "nothing", { 4, 4, 0, 0 }, 1 },
};

START_TEST(subtracting_leaves_what_is_around) {
	const struct rect whole = { 0, 0, 10, 10 };
	struct rects rects;
	rects_clear(&rects);
	rects_add(&rects, &whole);
	rects_subtract(&rects, &holes[_i].hole);
	ck_assert_msg(rects.len == holes[_i].pieces, "%s: %u pieces", holes[_i].name, rects.len);
	struct rects hole = { .len = 1, .items = { holes[_i].hole } };
	for (int32_t y = -2; y < 14; y++) {
		for (int32_t x = -2; x < 14; x++) {
			bool inside = x >= 0 && y >= 0 && x < 10 && y < 10;
			ck_assert_msg(
				rects_hold(&rects, x, y) == (inside && !rects_hold(&hole, x, y)),
				"%s: %d,%d", holes[_i].name, x, y);
		}
	}
}
END_TEST

START_TEST(subtracting_from_a_full_list_loses_nothing) {
	struct rects rects;
	rects_clear(&rects);
	for (int32_t i = 0; i < RECTS_MAX; i++) {
		rects_add(&rects, &(struct rect) { i * 20, 0, 10, 10 });
	}
	const struct rect hole = { 0, 4, RECTS_MAX * 20, 2 };
	rects_subtract(&rects, &hole);
	for (int32_t i = 0; i < RECTS_MAX; i++) {
		ck_assert(rects_hold(&rects, i * 20, 0));
		ck_assert(rects_hold(&rects, i * 20 + 9, 9));
	}
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core rect");
	TCase *tcase = suite_case(suite, "rectangles");
	tcase_add_loop_test(tcase, pairs_of_rectangles, 0, ARRAY_LEN(pairs));
	tcase_add_loop_test(tcase, fitting, 0, ARRAY_LEN(fits));
	tcase = suite_case(suite, "lists");
	tcase_add_test(tcase, lists_leave_out_what_is_covered);
	tcase_add_test(tcase, clipping_drops_what_is_outside);
	tcase_add_loop_test(tcase, subtracting_leaves_what_is_around, 0, ARRAY_LEN(holes));
	tcase_add_test(tcase, subtracting_from_a_full_list_loses_nothing);
	tcase_add_loop_test(tcase, lists_cover_what_was_added, 0, 20);
	tcase_add_test(tcase, lists_of_hostile_rectangles);
	return suite;
}
