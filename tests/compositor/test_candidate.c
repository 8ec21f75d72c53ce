#include "compositor/candidate.h"

#include <string.h>

#include "compositor/inject.h"
#include "core/clock.h"
#include "core/macros.h"
#include "core/pixel_format.h"
#include "tests/suite.h"

#define WIDTH 40
#define HEIGHT 36

static uint32_t pixels[HEIGHT][WIDTH];
static struct candidate_memory memory;
static struct candidate_rules rules;
static uint64_t now_ms;

static struct frame_view view_of(enum pixel_format format) {
	return (struct frame_view) {
		.frame = {
			.width = WIDTH,
			.height = HEIGHT,
			.stride = sizeof(pixels[0]),
			.format = format,
		},
		.pixels = (const uint8_t *)pixels,
	};
}

static void begin(void) {
	memset(pixels, 0xff, sizeof(pixels));
	memory = (struct candidate_memory) { 0 };
	rules = (struct candidate_rules) { .tag = true };
	now_ms = 5000;
}

static enum fault_cause judge(void) {
	struct frame_view view = view_of(PIXEL_FORMAT_BGRX);
	return candidate_judge(&memory, &rules, &view, now_ms * NS_PER_MS);
}

static void paint(uint32_t row, uint32_t counter, uint32_t time_ms) {
	const struct frame_tag tag = { counter, time_ms, 0 };
	frame_tag_encode(&tag, pixels[row]);
}

static enum fault_cause judge_tags(uint32_t counter, uint32_t time_ms) {
	paint(0, counter, time_ms);
	paint(HEIGHT - 1, counter, time_ms);
	return judge();
}

/* ---- frame tags ---- */

START_TEST(a_tag_must_be_whole) {
	begin();
	ck_assert_int_eq(judge(), FAULT_BAD_FRAME);
	paint(0, 1, 1);
	ck_assert_int_eq(judge(), FAULT_TORN);
	paint(HEIGHT - 1, 2, 1);
	ck_assert_int_eq(judge(), FAULT_TORN);
	paint(HEIGHT - 1, 1, 1);
	ck_assert_int_eq(judge(), FAULT_NONE);
	memset(pixels[0], 0, sizeof(pixels[0]));
	ck_assert_int_eq(judge(), FAULT_TORN);
	rules.tag = false;
	ck_assert_int_eq(judge(), FAULT_NONE);
}
END_TEST

START_TEST(a_picture_must_have_room_for_it) {
	begin();
	ck_assert_int_eq(judge_tags(1, 1), FAULT_NONE);
	struct frame_view view = view_of(PIXEL_FORMAT_RGBX);
	ck_assert_int_eq(candidate_judge(&memory, &rules, &view, 0), FAULT_BAD_FRAME);
	view = view_of(PIXEL_FORMAT_BGRX);
	view.frame.width = FRAME_TAG_PIXELS - 1;
	ck_assert_int_eq(candidate_judge(&memory, &rules, &view, 0), FAULT_BAD_FRAME);
	view = view_of(PIXEL_FORMAT_BGRX);
	view.frame.height = 1;
	ck_assert_int_eq(candidate_judge(&memory, &rules, &view, 0), FAULT_BAD_FRAME);
}
END_TEST

static const struct {
	const char *name;
	uint32_t lag_ms;
	struct {
		uint32_t counter, time_ms;
		uint32_t after_ms; /* the picture before */
		enum fault_cause cause;
	} pictures[8];
} sequences[] = {
	{ "in order", 50,
		{ { 1, 100, 17, FAULT_NONE }, { 2, 117, 17, FAULT_NONE },
			{ 9, 134, 17, FAULT_NONE }, { 10, 151, 17, FAULT_NONE } } },
	{ "over the wrap", 50,
		{ { UINT32_MAX, UINT32_MAX - 5, 17, FAULT_NONE }, { 0, 12, 17, FAULT_NONE },
			{ 1, 29, 17, FAULT_NONE } } },
	{ "an old one again", 50,
		{ { 7, 100, 17, FAULT_NONE }, { 8, 117, 17, FAULT_NONE },
			{ 7, 100, 17, FAULT_LAGGED }, { 9, 151, 17, FAULT_NONE } } },
	{ "an old one for ever", 50,
		{ { 7, 100, 17, FAULT_NONE }, { 8, 117, 17, FAULT_NONE },
			{ 7, 100, 17, FAULT_LAGGED }, { 7, 100, 17, FAULT_LAGGED },
			{ 7, 100, 17, FAULT_LAGGED }, { 7, 100, 17, FAULT_LAGGED },
			{ 7, 100, 17, FAULT_LAGGED } } },
	{ "old ones in their order", 50,
		{ { 5, 100, 17, FAULT_NONE }, { 9, 167, 67, FAULT_NONE },
			{ 6, 117, 17, FAULT_LAGGED }, { 7, 134, 17, FAULT_LAGGED },
			{ 8, 151, 17, FAULT_LAGGED }, { 8, 152, 17, FAULT_LAGGED } } },
	{ "a program that began anew", 50,
		{ { 700, 100, 17, FAULT_NONE }, { 1, 117, 17, FAULT_LAGGED },
			{ 2, 134, 17, FAULT_LAGGED }, { 3, 151, 17, FAULT_NONE },
			{ 4, 168, 17, FAULT_NONE } } },
	{ "a little late", 50,
		{ { 1, 100, 17, FAULT_NONE }, { 2, 117, 60, FAULT_NONE },
			{ 3, 134, 17, FAULT_NONE } } },
	{ "too late", 50,
		{ { 1, 100, 17, FAULT_NONE }, { 2, 117, 90, FAULT_LAGGED },
			{ 3, 207, 17, FAULT_NONE } } },
	{ "later and later", 50,
		{ { 1, 100, 17, FAULT_NONE }, { 2, 117, 40, FAULT_NONE },
			{ 3, 134, 40, FAULT_NONE }, { 4, 151, 40, FAULT_LAGGED },
			{ 5, 168, 40, FAULT_LAGGED } } },
	{ "no matter how late", 0, { { 1, 100, 17, FAULT_NONE }, { 2, 117, 900, FAULT_NONE } } },
	{ "the first one was late", 50,
		{ { 1, 100, 17, FAULT_NONE }, { 2, 400, 17, FAULT_NONE },
			{ 3, 417, 17, FAULT_NONE } } },
	{ "and then the others are", 50,
		{ { 1, 100, 17, FAULT_NONE }, { 2, 400, 17, FAULT_NONE },
			{ 3, 334, 17, FAULT_LAGGED } } },
	{ "the guest was paused", 50,
		{ { 1, 100, 17, FAULT_NONE }, { 2, 117, 4000, FAULT_NONE },
			{ 3, 134, 17, FAULT_NONE } } },
	{ "the same again is not late", 50,
		{ { 1, 100, 17, FAULT_NONE }, { 1, 100, 500, FAULT_NONE },
			{ 1, 100, 300, FAULT_NONE }, { 2, 917, 17, FAULT_NONE } } },
};

START_TEST(sequence) {
	begin();
	rules.lag_ms = sequences[_i].lag_ms;
	for (size_t i = 0; i < ARRAY_LEN(sequences[_i].pictures); i++) {
		uint32_t after_ms = sequences[_i].pictures[i].after_ms;
		if (after_ms == 0) {
			break;
		}
		now_ms += after_ms;
		enum fault_cause cause = judge_tags(
			sequences[_i].pictures[i].counter, sequences[_i].pictures[i].time_ms);
		ck_assert_msg(cause == sequences[_i].pictures[i].cause, "%s: picture %zu: %s",
			sequences[_i].name, i, fault_name(cause));
	}
}
END_TEST

START_TEST(clocks_that_drift_apart_are_no_lag) {
	begin();
	rules.lag_ms = 20;
	uint32_t guest_us = 0;
	for (uint32_t i = 0; i < 60 * 600; i++) {
		/* 500 ppm slower than ours, for ten minutes */
		guest_us += 16660 - 8;
		now_ms = 5000 + (uint64_t)i * 16660 / 1000;
		ck_assert_int_eq(judge_tags(i, guest_us / 1000), FAULT_NONE);
	}
}
END_TEST

START_TEST(a_counter_that_stands_still) {
	begin();
	rules.frozen_frames = 3;
	ck_assert_int_eq(judge_tags(5, 100), FAULT_NONE);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert(!candidate_is_frozen(&memory, &rules));
		ck_assert_int_eq(judge_tags(5, 100), FAULT_NONE);
	}
	ck_assert(candidate_is_frozen(&memory, &rules));
	ck_assert_int_eq(judge_tags(6, 100), FAULT_NONE);
	ck_assert(!candidate_is_frozen(&memory, &rules));
}
END_TEST

static const struct {
	const char *name;
	enum mechanism mechanism;
	uint32_t top, bottom; /* counters, after 7 and 7; 0: no tag */
	enum fault_cause cause;
} mechanisms[] = {
	{ "order", MECHANISM_ORDER, 6, 6, FAULT_LAGGED },
	{ "torn", MECHANISM_TORN, 8, 7, FAULT_TORN },
	{ "half a tag", MECHANISM_TORN, 0, 8, FAULT_TORN },
	{ "no tag", MECHANISM_SANE, 0, 0, FAULT_BAD_FRAME },
};

START_TEST(each_mechanism_finds_its_fault) {
	begin();
	inject_init(true);
	ck_assert_int_eq(judge_tags(7, 100), FAULT_NONE);
	memset(pixels, 0xff, sizeof(pixels));
	if (mechanisms[_i].top != 0) {
		paint(0, mechanisms[_i].top, 90);
	}
	if (mechanisms[_i].bottom != 0) {
		paint(HEIGHT - 1, mechanisms[_i].bottom, 90);
	}
	ck_assert_int_eq(judge(), mechanisms[_i].cause);
	ck_assert_int_eq(mechanism_set(mechanisms[_i].mechanism, false), 0);
	ck_assert_int_eq(judge(), FAULT_NONE);
	inject_init(false);
}
END_TEST

/* ---- alpha ---- */

static const enum pixel_format with_alpha[] = {
	PIXEL_FORMAT_BGRA,
	PIXEL_FORMAT_ARGB,
	PIXEL_FORMAT_RGBA,
	PIXEL_FORMAT_ABGR,
};

static bool alpha_is_last(enum pixel_format format) {
	return format == PIXEL_FORMAT_BGRA || format == PIXEL_FORMAT_RGBA;
}

START_TEST(any_transparent_pixel_is_found_in_time) {
	enum pixel_format format = with_alpha[_i];
	struct frame_view view = view_of(format);
	for (uint32_t y = 0; y < HEIGHT; y++) {
		begin();
		rules = (struct candidate_rules) { .opaque = true };
		((uint8_t *)&pixels[y][y])[alpha_is_last(format) ? 3 : 0] = 0xfe;
		unsigned pictures = 0;
		while (candidate_judge(&memory, &rules, &view, 0) == FAULT_NONE) {
			pictures++;
			ck_assert_uint_lt(pictures, CANDIDATE_ROWS);
		}
	}
	begin();
	rules = (struct candidate_rules) { .opaque = true };
	memset(pixels, 0, sizeof(pixels));
	for (size_t i = 0; i < sizeof(pixels); i += 4) {
		((uint8_t *)pixels)[i + (alpha_is_last(format) ? 3 : 0)] = 0xff;
	}
	for (unsigned i = 0; i < 2 * CANDIDATE_ROWS; i++) {
		ck_assert_int_eq(candidate_judge(&memory, &rules, &view, 0), FAULT_NONE);
	}
}
END_TEST

START_TEST(a_watched_rectangle_is_looked_at_in_each_picture) {
	begin();
	rules = (struct candidate_rules) { .opaque = true };
	candidate_watch(&rules, &(struct rect) { 10, 5, 4, 3 });
	candidate_watch(&rules, &(struct rect) { -5, -5, 8, 8 });
	candidate_watch(&rules, &(struct rect) { WIDTH - 2, HEIGHT - 2, 900, 900 });
	struct frame_view view = view_of(PIXEL_FORMAT_BGRA);
	static const struct {
		uint32_t x, y;
	} corners[] = { { 10, 5 }, { 13, 7 }, { 2, 2 }, { WIDTH - 1, HEIGHT - 1 } };
	for (size_t i = 0; i < ARRAY_LEN(corners); i++) {
		uint32_t *pixel = &pixels[corners[i].y][corners[i].x];
		*pixel = 0x00ffffff;
		ck_assert_int_eq(candidate_judge(&memory, &rules, &view, 0), FAULT_TRANSPARENT);
		*pixel = UINT32_MAX;
		ck_assert_int_eq(candidate_judge(&memory, &rules, &view, 0), FAULT_NONE);
	}
}
END_TEST

START_TEST(alpha_matters_only_where_it_is) {
	begin();
	rules = (struct candidate_rules) { .opaque = true };
	memset(pixels, 0, sizeof(pixels));
	struct frame_view view = view_of(PIXEL_FORMAT_BGRX);
	ck_assert_int_eq(candidate_judge(&memory, &rules, &view, 0), FAULT_NONE);
	view = view_of(PIXEL_FORMAT_BGRA);
	ck_assert_int_eq(candidate_judge(&memory, &rules, &view, 0), FAULT_TRANSPARENT);
	inject_init(true);
	mechanism_set(MECHANISM_OPAQUE, false);
	ck_assert_int_eq(candidate_judge(&memory, &rules, &view, 0), FAULT_NONE);
	inject_init(false);
	rules.opaque = false;
	ck_assert_int_eq(candidate_judge(&memory, &rules, &view, 0), FAULT_NONE);
}
END_TEST

START_TEST(the_strictest_of_two_layers_counts) {
	struct candidate_rules strict = { 0 };
	const struct config_layer layers[] = {
		{ .lag_ms = 100, .frozen_frames = 0, .opaque = 1 },
		{ .lag_ms = 50, .frozen_frames = 9, .tag = 1 },
		{ .lag_ms = 0, .frozen_frames = 20 },
	};
	for (size_t i = 0; i < ARRAY_LEN(layers); i++) {
		candidate_add_rules(&strict, &layers[i]);
	}
	ck_assert_uint_eq(strict.lag_ms, 50);
	ck_assert_uint_eq(strict.frozen_frames, 9);
	ck_assert(strict.tag && strict.opaque);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor candidate");
	TCase *tags = suite_case(suite, "tags");
	tcase_add_test(tags, a_tag_must_be_whole);
	tcase_add_test(tags, a_picture_must_have_room_for_it);
	tcase_add_loop_test(tags, sequence, 0, ARRAY_LEN(sequences));
	tcase_add_test(tags, clocks_that_drift_apart_are_no_lag);
	tcase_add_test(tags, a_counter_that_stands_still);
	tcase_add_loop_test(tags, each_mechanism_finds_its_fault, 0, ARRAY_LEN(mechanisms));
	TCase *alpha = suite_case(suite, "alpha");
	tcase_add_loop_test(
		alpha, any_transparent_pixel_is_found_in_time, 0, ARRAY_LEN(with_alpha));
	tcase_add_test(alpha, a_watched_rectangle_is_looked_at_in_each_picture);
	tcase_add_test(alpha, alpha_matters_only_where_it_is);
	tcase_add_test(alpha, the_strictest_of_two_layers_counts);
	return suite;
}
