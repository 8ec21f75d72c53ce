/* What the verifier does about faults of our own: memory, composition, output. */
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

START_TEST(a_composed_picture_is_repaired) {
	static const enum inject_fault faults[] = { INJECT_FLIP_COMPOSED, INJECT_OVERDRAW };
	static const enum fault_cause causes[] = { FAULT_WRONG_PIXELS, FAULT_OVERDRAWN };
	struct config config;
	lamp_config(&config);
	config.verified_len = 0;
	lamp_start(&config);
	lamp_draw_ivi();
	lamp_draw(&lamp_off);
	lamp_expect("brake/off", true, SAFETY_PASSED);
	ck_assert_int_eq(inject_fault(faults[_i], "brake", 0, 1), 0);
	lamp_expect("brake/off", true, SAFETY_REPAIRED);
	ck_assert_uint_eq(lamp_recorded(SAFETY_ELEMENT, "brake"), causes[_i]);
	for (unsigned i = 0; i < 5; i++) {
		lamp_expect("brake/off", true, SAFETY_PASSED);
		pair_expect(&lamp_rig, "output.main", SCREEN_NORMAL);
	}
	/* twice in a row is once too often */
	ck_assert_int_eq(inject_fault(faults[_i], "brake", 0, 2), 0);
	lamp_expect("brake/off", true, SAFETY_REPAIRED);
	lamp_expect("brake/off", true, SAFETY_REPAIRED);
	lamp_expect("brake/off", true, SAFETY_PASSED);
	pair_expect(&lamp_rig, "output.main", SCREEN_FALLBACK);
	lamp_finish();
}
END_TEST

/* Whatever a guest made be written, an accident of our own is written down, too. */
START_TEST(no_guest_hides_what_is_our_own) {
	struct config config;
	lamp_config(&config);
	config.layers[0].recover_frames = 1;
	lamp_start(&config);
	lamp_settle();
	for (unsigned i = 0; i < 4 * RECORD_BURST; i++) {
		lamp_draw(i % 2 ? &lamp_off : &lamp_on);
		rig_step(&lamp_rig, 1);
	}
	ck_assert_uint_gt(rig_value(&lamp_rig, "output.main.untold"), 0);
	lamp_draw(&lamp_on); /* so that the host draws it */
	rig_step(&lamp_rig, 2);
	uint64_t before = atomic_load(&lamp_page->newest);
	ck_assert_int_eq(inject_fault(INJECT_FLIP_COMPOSED, "brake", 0, 1), 0);
	lamp_expect("brake/off", true, SAFETY_REPAIRED);
	ck_assert_uint_gt(atomic_load(&lamp_page->newest), before);
	ck_assert_uint_eq(lamp_recorded(SAFETY_ELEMENT, "brake"), FAULT_WRONG_PIXELS);
	lamp_finish();
}
END_TEST

START_TEST(what_changes_behind_the_check_lasts_one_frame) {
	struct config config;
	lamp_config(&config);
	lamp_start(&config);
	lamp_settle();
	ck_assert_int_eq(inject_fault(INJECT_FLIP_SHOWN, "brake", 0, 1), 0);
	rig_step(&lamp_rig, 1);
	rig_look(&lamp_rig);
	ck_assert(!lamp_shows("brake/off"));
	rig_step(&lamp_rig, 1);
	rig_look(&lamp_rig);
	ck_assert(lamp_shows("brake/off"));
	ck_assert_uint_eq(lamp_recorded(SAFETY_ELEMENT, "brake"), FAULT_SHOWN_WRONG);
	pair_expect(&lamp_rig, "output.main", SCREEN_FALLBACK);
	for (unsigned i = 0; i < 5; i++) {
		lamp_expect("brake/off", true, SAFETY_PASSED);
	}
	lamp_finish();
}
END_TEST

static void inject(enum inject_fault fault, const char *text, int64_t number, int64_t ticks) {
	struct control_message request = { .type = CONTROL_INJECT, .arg = { number, ticks } };
	struct control_message reply;
	snprintf(request.name, sizeof(request.name), "%s", inject_fault_name(fault));
	snprintf(request.text, sizeof(request.text), "%s", text);
	compositor_command(lamp_rig.compositor, &request, &reply);
	ck_assert_int_eq(reply.arg[0], 0);
}

START_TEST(a_damaged_tile_is_painted_from_the_second_copy) {
	struct config config;
	lamp_config(&config);
	config.verified_len = 0;
	lamp_start(&config);
	lamp_draw_ivi();
	lamp_draw(&lamp_off);
	lamp_expect("brake/off", true, SAFETY_PASSED);
	/* found when it is drawn, before any scrubbing comes by */
	inject(INJECT_FLIP_ATLAS, "hmi/main/brake/on", 0, 0);
	lamp_request(1);
	lamp_expect("brake/on", true, SAFETY_REPAIRED);
	ck_assert_uint_eq(lamp_recorded(SAFETY_ELEMENT, "brake"), FAULT_ATLAS);
	pair_expect(&lamp_rig, "output.main", SCREEN_NORMAL);
	lamp_finish();
}
END_TEST

static bool is_all_black(void) {
	for (int32_t i = 0; i < PAIR_WIDTH * PAIR_HEIGHT; i++) {
		if (rig_pixel(&lamp_rig, i % PAIR_WIDTH, i / PAIR_WIDTH) != 0) {
			return false;
		}
	}
	return true;
}

static const struct {
	const char *name;
	bool is_verified; /* in a guest's layer */
	bool is_requested; /* the lamp changes then, */
	bool is_drawn; /* the picture under it does, */
	enum inject_fault change; /* or a bit of it; INJECT_FAULTS: none */
} hopeless[] = {
	{ "the host's, in a new picture", false, true, true, INJECT_FAULTS },
	{ "the host's, changed by itself", false, true, false, INJECT_FAULTS },
	{ "the host's, drawn again", false, false, true, INJECT_FAULTS },
	{ "the host's, on its way", false, false, false, INJECT_FLIP_COMPOSED },
	{ "the host's, shown already", false, false, false, INJECT_FLIP_SHOWN },
	{ "the guest's, in a new picture", true, false, true, INJECT_FAULTS },
};

static void lose_both_copies(size_t row) {
	const struct lamp_drawing wrong = { .tile = "brake/off", .has_flipped_bit = true };
	enum inject_fault change = hopeless[row].change;
	if (change != INJECT_FAULTS) {
		ck_assert_int_eq(inject_fault(change, "brake", 0, 1), 0);
	}
	if (change == INJECT_FLIP_SHOWN) {
		rig_step(&lamp_rig, 1); /* after which it is wrong */
	}
	inject(INJECT_FLIP_ATLAS,
		hopeless[row].is_requested ? "hmi/main/brake/on" : "hmi/main/brake/off", 1, 0);
	if (hopeless[row].is_requested) {
		lamp_request(1);
	}
	if (hopeless[row].is_drawn) {
		lamp_draw(&wrong);
	}
}

static void acknowledge(void) {
	const struct control_message request = { .type = CONTROL_ACKNOWLEDGE };
	struct control_message reply;
	compositor_command(lamp_rig.compositor, &request, &reply);
	ck_assert_int_eq(reply.arg[0], 0);
}

START_TEST(without_a_whole_copy_nothing_is_shown) {
	struct config config;
	lamp_config(&config);
	config.verified_len = hopeless[_i].is_verified;
	lamp_start(&config);
	lamp_draw_ivi();
	lamp_draw(&lamp_off);
	rig_step(&lamp_rig, LAMP_FOLLOW_TICKS + 1);
	lamp_expect("brake/off", !hopeless[_i].is_verified, SAFETY_PASSED);
	lose_both_copies((size_t)_i);
	uint64_t frames = rig_value(&lamp_rig, "output.main.frames");
	rig_step(&lamp_rig, 1);
	rig_look(&lamp_rig);
	ck_assert_msg(is_all_black(), "%s", hopeless[_i].name);
	ck_assert_uint_eq(rig_value(&lamp_rig, "output.main.frames"), frames + 1);
	ck_assert_uint_eq(lamp_region("brake").verdict, SAFETY_FAILED);
	ck_assert_uint_eq(lamp_recorded(SAFETY_ELEMENT, "brake"), FAULT_ATLAS_LOST);
	for (unsigned i = 0; i < 5; i++) {
		rig_step(&lamp_rig, 1);
		rig_look(&lamp_rig);
		ck_assert_msg(is_all_black(), "%s", hopeless[_i].name);
		pair_expect(&lamp_rig, "output.main", SCREEN_SAFE);
		ck_assert_uint_eq(rig_value(&lamp_rig, "output.main.cause"), FAULT_ATLAS_LOST);
	}
	/* somebody wants to try again: not a frame of it */
	acknowledge();
	for (unsigned i = 0; i < 5; i++) {
		rig_step(&lamp_rig, 1);
		rig_look(&lamp_rig);
		ck_assert_msg(is_all_black(), "%s", hopeless[_i].name);
	}
	pair_expect(&lamp_rig, "output.main", SCREEN_SAFE);
	lamp_finish();
}
END_TEST

START_TEST(a_stale_read_back_is_noticed) {
	struct config config;
	lamp_config(&config);
	lamp_start(&config);
	lamp_settle();
	if (_i != 0) { /* the twin, without the mechanism */
		ck_assert_int_eq(mechanism_set(MECHANISM_READBACK, false), 0);
	}
	inject(INJECT_STALE_READBACK, "main", 0, 10);
	/* what is read is the newest picture until there is another one */
	lamp_draw_content('x');
	rig_step(&lamp_rig, 1);
	ck_assert_uint_eq(lamp_recorded(SAFETY_ELEMENT, "main"), FAULT_NONE);
	rig_step(&lamp_rig, 1);
	ck_assert_uint_eq(
		lamp_recorded(SAFETY_ELEMENT, "main"), _i != 0 ? FAULT_NONE : FAULT_READBACK_STALE);
	pair_expect(&lamp_rig, "output.main", SCREEN_NORMAL); /* it is written down */
	uint64_t newest = atomic_load(&lamp_page->newest);
	rig_step(&lamp_rig, 5);
	ck_assert_uint_eq(atomic_load(&lamp_page->newest), newest); /* once */
	lamp_finish();
}
END_TEST

/* The twins of the above, without the mechanism: the fault must be seen. */
START_TEST(without_the_mechanism_faults_are_shown) {
	struct config config;
	lamp_config(&config);
	lamp_start(&config);
	lamp_settle();
	ck_assert_int_eq(mechanism_set(MECHANISM_EXACT, false), 0);
	lamp_draw(&lamp_on);
	rig_step(&lamp_rig, 3);
	rig_look(&lamp_rig);
	ck_assert(lamp_shows("brake/on"));
	ck_assert_uint_eq(lamp_region("brake").verdict, SAFETY_IDLE);
	ck_assert_int_eq(mechanism_set(MECHANISM_EXACT, true), 0);
	lamp_expect("brake/off", false, SAFETY_REPAIRED);
	lamp_finish();
}
END_TEST

START_TEST(a_blind_check_sees_nothing) {
	struct config config;
	lamp_config(&config);
	lamp_start(&config);
	lamp_settle();
	ck_assert_int_eq(inject_fault(INJECT_BLIND, "", 0, 3), 0);
	lamp_draw(&lamp_on);
	rig_step(&lamp_rig, 2);
	rig_look(&lamp_rig);
	ck_assert(lamp_shows("brake/on"));
	lamp_finish();
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor verifier own");
	TCase *own = suite_case(suite, "own");
	tcase_add_loop_test(own, a_composed_picture_is_repaired, 0, 2);
	tcase_add_test(own, no_guest_hides_what_is_our_own);
	tcase_add_test(own, a_damaged_tile_is_painted_from_the_second_copy);
	tcase_add_loop_test(own, without_a_whole_copy_nothing_is_shown, 0, ARRAY_LEN(hopeless));
	tcase_add_loop_test(own, a_stale_read_back_is_noticed, 0, 2);
	tcase_add_test(own, what_changes_behind_the_check_lasts_one_frame);
	tcase_add_test(own, without_the_mechanism_faults_are_shown);
	tcase_add_test(own, a_blind_check_sees_nothing);
	return suite;
}
