#include "compositor/verifier.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "compositor/compositor_parts.h"
#include "compositor/inject.h"
#include "core/macros.h"
#include "tests/compositor/lamp.h"
#include "tests/compositor/pair.h"
#include "tests/suite.h"

/* ---- what a guest may do wrong ---- */

static const struct {
	const char *name;
	int32_t value;
	struct lamp_drawing drawing;
	enum fault_cause cause;
	unsigned
		forgiven; /* more frames before the layer is to blame: it may be ahead of its signals */
} wrongs[] = {
	{ "a bit", 0, { .tile = "brake/off", .has_flipped_bit = true }, FAULT_WRONG_PIXELS, 0 },
	{ "nothing at all", 0, { .tile = NULL }, FAULT_WRONG_PIXELS, 0 },
	{ "not requested", 0, { .tile = "brake/on" }, FAULT_WRONG_PIXELS, LAMP_FOLLOW_TICKS - 2 },
	{ "requested, not shown", 1, { .tile = "brake/off" }, FAULT_WRONG_PIXELS,
		LAMP_FOLLOW_TICKS - 2 },
	{ "another lamp", 1, { .tile = "airbag/on" }, FAULT_WRONG_PIXELS, 0 },
	{ "of another theme", 1, { .tile = "brake/on@night" }, FAULT_WRONG_PIXELS,
		LAMP_FOLLOW_TICKS - 2 },
	{ "misplaced", 1, { .tile = "brake/on", .dx = 3, .dy = -2 }, FAULT_MISPLACED, 0 },
	{ "mirrored", 1, { .tile = "brake/on", .is_mirrored = true }, FAULT_MISPLACED, 0 },
};

START_TEST(wrong_pixels_never_leave) {
	const char *right = wrongs[_i].value ? "brake/on" : "brake/off";
	struct config config;
	lamp_config(&config);
	lamp_start(&config);
	lamp_settle();
	if (wrongs[_i].value) {
		lamp_request(1);
		lamp_draw(&lamp_on);
		lamp_expect("brake/on", false, SAFETY_PASSED);
		rig_step(&lamp_rig, LAMP_FOLLOW_TICKS);
	}
	uint64_t frames = rig_value(&lamp_rig, "output.main.frames");
	lamp_draw(&wrongs[_i].drawing);
	lamp_expect(right, false, SAFETY_REPAIRED);
	ck_assert_uint_eq(rig_value(&lamp_rig, "output.main.frames"), frames + 1);
	pair_expect(&lamp_rig, "output.main", SCREEN_NORMAL);
	ck_assert_uint_eq(lamp_recorded(SAFETY_ELEMENT, "brake"), wrongs[_i].cause);

	for (unsigned i = 0; i < wrongs[_i].forgiven; i++) {
		lamp_expect(right, true, SAFETY_PASSED);
		pair_expect(&lamp_rig, "output.main", SCREEN_NORMAL);
	}
	/* the second frame in a row: the layer is not believed any more */
	lamp_expect(right, true, SAFETY_PASSED);
	pair_expect(&lamp_rig, "output.main", SCREEN_FALLBACK);
	ck_assert_uint_eq(rig_value(&lamp_rig, "layer.cluster.cause"), wrongs[_i].cause);
	for (unsigned i = 0; i < 5 * LAMP_RECOVER; i++) {
		lamp_draw(&wrongs[_i].drawing);
		lamp_expect(right, true, SAFETY_PASSED);
		pair_expect(&lamp_rig, "output.main", SCREEN_FALLBACK);
	}
	lamp_finish();
}
END_TEST

START_TEST(one_wrong_frame_is_repaired_and_forgiven) {
	struct config config;
	lamp_config(&config);
	lamp_start(&config);
	lamp_settle();
	lamp_draw(&lamp_on);
	lamp_expect("brake/off", false, SAFETY_REPAIRED);
	for (unsigned i = 1; i < LAMP_RECOVER; i++) {
		lamp_draw(&lamp_off);
		lamp_expect("brake/off", true, SAFETY_PASSED);
		pair_expect(&lamp_rig, "output.main", SCREEN_NORMAL);
	}
	lamp_draw(&lamp_off);
	lamp_expect("brake/off", false, SAFETY_PASSED);
	pair_expect(&lamp_rig, "output.main", SCREEN_NORMAL);
	ck_assert_uint_eq(lamp_region("brake").failures, 1);
	lamp_finish();
}
END_TEST

/* It is never wrong for long, nor right. */
START_TEST(a_guest_that_alternates_is_not_believed) {
	const struct lamp_drawing wrong = { .tile = "brake/off", .has_flipped_bit = true };
	struct config config;
	lamp_config(&config);
	lamp_start(&config);
	lamp_settle();
	uint64_t before = atomic_load(&lamp_page->newest);
	for (unsigned i = 0; i < 2 * ELEMENT_STRIKES - 1; i++) {
		lamp_draw(i % 2 ? &lamp_off : &wrong);
		lamp_expect("brake/off", i > 0, i > 0 ? SAFETY_PASSED : SAFETY_REPAIRED);
	}
	lamp_draw(&lamp_off);
	lamp_expect("brake/off", true, SAFETY_PASSED);
	pair_expect(&lamp_rig, "output.main", SCREEN_FALLBACK);
	ck_assert_uint_eq(rig_value(&lamp_rig, "layer.cluster.cause"), FAULT_WRONG_PIXELS);
	ck_assert_uint_le(atomic_load(&lamp_page->newest) - before, 4);
	lamp_finish();
}
END_TEST

/* An indicator that is dead blinks faster than its guest may lag. */
START_TEST(a_dead_indicator_is_found) {
	enum { HALF = 18 };
	struct config config;
	lamp_config(&config);
	config.layers[0].follow_ms = 2 * HALF * 1000 / 60;
	lamp_start(&config);
	lamp_settle();
	for (unsigned i = 0; i < 4 * HALF; i++) {
		if (i % HALF == 0) {
			lamp_request(i / HALF % 2 == 0);
		}
		rig_step(&lamp_rig, 1);
	}
	for (unsigned i = 0; i < 8 * HALF; i++) {
		bool is_on = i / HALF % 2 == 0;
		if (i % HALF == 0) {
			lamp_request(is_on);
		}
		lamp_draw(&lamp_off);
		lamp_expect(is_on ? "brake/on" : "brake/off", true, SAFETY_PASSED);
	}
	ck_assert_uint_eq(lamp_recorded(SAFETY_ELEMENT, "brake"), FAULT_WRONG_PIXELS);
	lamp_finish();
}
END_TEST

START_TEST(a_guest_may_follow_later) {
	struct config config;
	lamp_config(&config);
	lamp_start(&config);
	lamp_settle();
	lamp_request(1);
	for (unsigned i = 0; i + 1 < LAMP_FOLLOW_TICKS; i++) {
		lamp_expect("brake/off", false, SAFETY_PASSED);
	}
	lamp_draw(&lamp_on);
	lamp_expect("brake/on", false, SAFETY_PASSED);
	pair_expect(&lamp_rig, "output.main", SCREEN_NORMAL);
	/* but not for good */
	lamp_request(0);
	for (unsigned i = 0; i < LAMP_FOLLOW_TICKS; i++) {
		lamp_expect("brake/on", false, SAFETY_PASSED);
	}
	lamp_expect("brake/off", false, SAFETY_REPAIRED);
	lamp_finish();
}
END_TEST

/* Nobody can know then what to draw. */
START_TEST(without_signals_nobody_is_to_blame) {
	struct config config;
	lamp_config(&config);
	config.safety.signal_timeout_ms = 100;
	lamp_start(&config);
	lamp_settle();
	for (unsigned i = 0; i < 60; i++) {
		lamp_draw(&lamp_off);
		rig_step(&lamp_rig, 1);
		pair_expect(&lamp_rig, "output.main", SCREEN_NORMAL);
	}
	lamp_expect("brake/on", true, SAFETY_PASSED);
	lamp_request(0);
	lamp_expect("brake/off", false, SAFETY_PASSED);
	ck_assert_uint_eq(rig_value(&lamp_rig, "output.main.failures"), 0);
	lamp_finish();
}
END_TEST

START_TEST(the_host_does_not_lag) {
	struct config config;
	lamp_config(&config);
	config.verified_len = 0;
	lamp_start(&config);
	lamp_draw_ivi();
	lamp_draw(&lamp_off);
	lamp_expect("brake/off", true, SAFETY_PASSED);
	for (unsigned i = 0; i < 10; i++) {
		const char *now = i % 2 ? "brake/on" : "brake/off";
		lamp_request(i % 2);
		/* whatever a guest thinks of it */
		lamp_draw(i % 3 ? &lamp_on : &lamp_off);
		lamp_expect(now, true, SAFETY_PASSED);
	}
	ck_assert_uint_eq(rig_value(&lamp_rig, "output.main.failures"), 0);
	lamp_finish();
}
END_TEST

START_TEST(a_layer_comes_back_with_the_right_pixels_only) {
	struct config config;
	lamp_config(&config);
	lamp_start(&config);
	rig_step(&lamp_rig, LAMP_FOLLOW_TICKS + 1);
	/* from the start: wrong ones are not shown at all */
	lamp_draw_ivi();
	for (unsigned i = 0; i < 5; i++) {
		lamp_draw(&lamp_on);
		lamp_expect("brake/off", true, SAFETY_PASSED);
		pair_expect(&lamp_rig, "output.main", SCREEN_FALLBACK);
	}
	for (unsigned i = 0; i < 2 * LAMP_RECOVER; i++) {
		lamp_draw(&lamp_off);
		rig_step(&lamp_rig, 1);
		rig_look(&lamp_rig);
		ck_assert(lamp_shows("brake/off"));
	}
	pair_expect(&lamp_rig, "output.main", SCREEN_NORMAL);
	lamp_expect("brake/off", false, SAFETY_PASSED);
	lamp_finish();
}
END_TEST

START_TEST(a_loss_does_not_flicker) {
	struct config config;
	lamp_config(&config);
	lamp_start(&config);
	lamp_settle();
	link_set_peer(&lamp_rig.guests[0].link.link, LINK_PEER_ABSENT);
	lamp_expect("brake/off", true, SAFETY_PASSED);
	pair_expect(&lamp_rig, "output.main", SCREEN_FALLBACK);
	lamp_request(1);
	lamp_expect("brake/on", true, SAFETY_PASSED);
	lamp_finish();
}
END_TEST

/* Nothing new but that it is there. */
static void flush(void) {
	frame_link_count_flush(&lamp_rig.guests[0].link, 0);
}

static void stay_behind(void) {
	lamp_draw(&lamp_off);
}

static void catch_up(void) {
	lamp_draw(&lamp_on);
}

static const struct {
	const char *name;
	enum fault_cause cause;
	void (*end)(void); /* of its silence; NULL: it is gone */
	bool returns;
} silences[] = {
	{ "gone", FAULT_HUNG_UP, NULL, false },
	{ "killed", FAULT_DIED, NULL, false },
	{ "behind, and nothing new", FAULT_STALLED, flush, false },
	{ "still behind", FAULT_STALLED, stay_behind, false },
	{ "right again", FAULT_STALLED, catch_up, true },
};

/* What was lost for one reason is not blamed for being behind later, and does not come back behind. */
START_TEST(a_silent_guest_is_not_blamed) {
	struct config config;
	lamp_config(&config);
	config.layers[0].stall_ms = 200;
	config.layers[0].recover_frames = 1;
	lamp_start(&config);
	lamp_settle();
	if (silences[_i].cause == FAULT_HUNG_UP) {
		link_set_peer(&lamp_rig.guests[0].link.link, LINK_PEER_ABSENT);
	} else if (silences[_i].cause == FAULT_DIED) { /* and had no time to say so */
		guest_mark_died(&lamp_rig.compositor->seats[0].guest);
	}
	rig_step(&lamp_rig, 30);
	ck_assert_uint_eq(rig_value(&lamp_rig, "layer.cluster.cause"), silences[_i].cause);
	pair_expect(&lamp_rig, "layer.cluster", LAYER_PLACEHOLDER);
	uint64_t newest = atomic_load(&lamp_page->newest);
	lamp_request(1);
	for (unsigned i = 0; i < 10 * LAMP_FOLLOW_TICKS; i++) {
		lamp_expect("brake/on", true, SAFETY_PASSED);
	}
	ck_assert_uint_eq(rig_value(&lamp_rig, "layer.cluster.cause"), silences[_i].cause);
	ck_assert_msg(atomic_load(&lamp_page->newest) == newest, "%s", silences[_i].name);
	for (unsigned i = 0; silences[_i].end != NULL && i < 5; i++) {
		silences[_i].end();
		rig_step(&lamp_rig, 1);
		rig_look(&lamp_rig);
		ck_assert(lamp_shows("brake/on"));
		pair_expect(&lamp_rig, "layer.cluster",
			silences[_i].returns ? LAYER_LIVE : LAYER_PLACEHOLDER);
	}
	lamp_finish();
}
END_TEST

/* ---- what others may do to it ---- */

START_TEST(a_cursor_is_kept_off) {
	struct config config;
	lamp_config(&config);
	config.verified_len = (uint32_t)_i; /* drawn by the host, by the guest */
	lamp_start(&config);
	lamp_draw_ivi();
	lamp_draw(&lamp_off);
	rig_step(&lamp_rig, 1);
	static uint32_t image[FRAME_CURSOR_SIZE * FRAME_CURSOR_SIZE];
	for (size_t i = 0; i < ARRAY_LEN(image); i++) {
		image[i] = 0xffff0000;
	}
	const struct frame_cursor cursor = { .x = LAMP_X - 3, .y = LAMP_Y - 3, .visible = 1 };
	frame_link_publish_cursor(&lamp_rig.guests[0].link, 0, &cursor, image);
	for (unsigned i = 0; i < 3; i++) {
		lamp_expect("brake/off", _i == 0, SAFETY_PASSED);
		ck_assert_uint_eq(rig_pixel(&lamp_rig, LAMP_X - 1, LAMP_Y), 0xff0000);
		ck_assert_uint_eq(
			rig_pixel(&lamp_rig, LAMP_X + LAMP_SIZE, LAMP_Y + LAMP_SIZE), 0xff0000);
		lamp_draw(&lamp_off);
	}
	pair_expect(&lamp_rig, "output.main", SCREEN_NORMAL);
	lamp_finish();
}
END_TEST

START_TEST(another_layer_is_kept_off) {
	struct config config;
	lamp_config(&config);
	config.verified_len = (uint32_t)_i;
	config.layers[1].z = 5;
	lamp_start(&config);
	lamp_draw_ivi();
	lamp_draw(&lamp_off);
	rig_step(&lamp_rig, 1);
	ck_assert_int_eq(rig_command(&lamp_rig, "ivi", CONTROL_LAYER_AT, LAMP_X - 2, 0), 0);
	lamp_expect("brake/off", _i == 0, SAFETY_PASSED);
	ck_assert_uint_eq(rig_pixel(&lamp_rig, LAMP_X - 1, LAMP_Y), PAIR_IVI);
	/* moved, changed and moved back */
	for (int64_t x = LAMP_X - 2; x < LAMP_X + 8; x++) {
		rig_command(&lamp_rig, "ivi", CONTROL_LAYER_AT, x, 0);
		lamp_draw_ivi();
		lamp_expect("brake/off", _i == 0, SAFETY_PASSED);
	}
	pair_expect(&lamp_rig, "output.main", SCREEN_NORMAL);
	lamp_finish();
}
END_TEST

static const struct {
	const char *name;
	enum control_layer command;
	int64_t a, b;
} hidings[] = {
	{ "moved", CONTROL_LAYER_AT, 1, 0 },
	{ "half out of the output", CONTROL_LAYER_AT, -30, 0 },
	{ "smaller than it", CONTROL_LAYER_SIZE, LAMP_X + 2, LAMP_Y + 2 },
	{ "translucent", CONTROL_LAYER_OPACITY, 254, 0 },
	{ "invisible", CONTROL_LAYER_VISIBLE, 0, 0 },
};

START_TEST(a_layer_that_does_not_show_it_whole_is_not_asked) {
	struct config config;
	lamp_config(&config);
	lamp_start(&config);
	lamp_settle();
	ck_assert_int_eq(rig_command(&lamp_rig, "cluster", hidings[_i].command, hidings[_i].a,
				 hidings[_i].b),
		0);
	rig_step(&lamp_rig, 1);
	rig_look(&lamp_rig);
	ck_assert_msg(lamp_shows("brake/off"), "%s", hidings[_i].name);
	for (unsigned i = 0; i < 5; i++) {
		rig_step(&lamp_rig, 1);
		rig_look(&lamp_rig);
		ck_assert_msg(lamp_shows("brake/off"), "%s", hidings[_i].name);
	}
	lamp_finish();
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor verifier");
	TCase *guest = suite_case(suite, "guest");
	tcase_add_loop_test(guest, wrong_pixels_never_leave, 0, ARRAY_LEN(wrongs));
	tcase_add_test(guest, one_wrong_frame_is_repaired_and_forgiven);
	tcase_add_test(guest, a_guest_that_alternates_is_not_believed);
	tcase_add_test(guest, a_dead_indicator_is_found);
	tcase_add_test(guest, a_guest_may_follow_later);
	tcase_add_test(guest, without_signals_nobody_is_to_blame);
	tcase_add_test(guest, the_host_does_not_lag);
	tcase_add_test(guest, a_layer_comes_back_with_the_right_pixels_only);
	tcase_add_test(guest, a_loss_does_not_flicker);
	tcase_add_loop_test(guest, a_silent_guest_is_not_blamed, 0, ARRAY_LEN(silences));
	TCase *others = suite_case(suite, "others");
	tcase_add_loop_test(others, a_cursor_is_kept_off, 0, 2);
	tcase_add_loop_test(others, another_layer_is_kept_off, 0, 2);
	tcase_add_loop_test(
		others, a_layer_that_does_not_show_it_whole_is_not_asked, 0, ARRAY_LEN(hidings));
	return suite;
}
