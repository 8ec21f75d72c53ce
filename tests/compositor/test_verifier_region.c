/* The configured regions as the verifier looks at them. */
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

/* frames of the cluster: a letter each, a picture of that; the same one again: the same picture */
static const struct {
	const char *name;
	enum safety_check check;
	uint32_t frames, threshold;
	const char *pictures;
	const char *states; /* of the layer, after each: l live, p placeholder, r recovering */
	enum fault_cause cause;
} regions[] = {
	{ "live: it moves", SAFETY_LIVE, 2, 0, "abababab", "llllllll", FAULT_NONE },
	{ "live: it freezes", SAFETY_LIVE, 3, 0, "abbbbbb", "lllllpp", FAULT_FROZEN },
	{ "live: it goes on", SAFETY_LIVE, 2, 0, "aaaabababab", "lllprllllll", FAULT_NONE },
	{ "counter: it goes on", SAFETY_COUNTER, 2, 0, "0123456", "lllllll", FAULT_NONE },
	{ "counter: it stops", SAFETY_COUNTER, 2, 0, "0123333", "llllllp", FAULT_FROZEN },
	{ "contrast: there", SAFETY_CONTRAST, 1, 60, "xxxx", "llll", FAULT_NONE },
	{ "contrast: gone", SAFETY_CONTRAST, 1, 60, "xxaaa", "llllp", FAULT_INVISIBLE },
	{ "contrast: gone once", SAFETY_CONTRAST, 1, 60, "xaxax", "lllll", FAULT_NONE },
	{ "black: something", SAFETY_BLACK, 2, 0, "xxxxx", "lllll", FAULT_NONE },
	{ "black: all of one", SAFETY_BLACK, 1, 0, "xxaaa", "llllp", FAULT_UNIFORM },
	{ "presence: there", SAFETY_PRESENCE, 1, 20, "ssss", "llll", FAULT_NONE },
	{ "presence: gone", SAFETY_PRESENCE, 1, 20, "saaaa", "lllpp", FAULT_INVISIBLE },
};

static enum layer_state state_of(char letter) {
	return letter == 'l' ? LAYER_LIVE : letter == 'p' ? LAYER_PLACEHOLDER : LAYER_RECOVERING;
}

START_TEST(a_region_is_watched) {
	struct config config;
	lamp_config(&config);
	config.layers[0].recover_frames = 2;
	config.regions_len = 1;
	config.regions[0] = (struct config_region) {
		.name = "watched",
		.check = regions[_i].check,
		.place = lamp_watched,
		.frames = regions[_i].frames,
		.threshold = regions[_i].threshold,
	};
	if (regions[_i].check == SAFETY_PRESENCE) {
		snprintf(config.regions[0].element, sizeof(config.regions[0].element), "airbag");
	}
	config.regions[0].place.width = regions[_i].check == SAFETY_COUNTER ? 12 : 5;
	lamp_start(&config);
	lamp_draw_ivi();
	for (size_t i = 0; regions[_i].pictures[i] != '\0'; i++) {
		char before = i > 0 ? regions[_i].pictures[i - 1] : '\0';
		if (regions[_i].pictures[i] != before) {
			lamp_draw_content(regions[_i].pictures[i]);
		}
		rig_step(&lamp_rig, 1);
		uint64_t state = rig_value(&lamp_rig, "layer.cluster.state");
		ck_assert_msg(state == state_of(regions[_i].states[i]), "%s: frame %zu: state %u",
			regions[_i].name, i, (unsigned)state);
	}
	ck_assert_uint_eq(rig_value(&lamp_rig, "layer.cluster.cause"), regions[_i].cause);
	ck_assert_uint_gt(lamp_region("watched").checks, 0);
	lamp_finish();
}
END_TEST

START_TEST(an_owner_is_alone) {
	struct config config;
	lamp_config(&config);
	config.layers[1].z = 5;
	config.regions_len = 1;
	config.regions[0] = (struct config_region) {
		.name = "own",
		.check = SAFETY_OWNER,
		.place = lamp_watched,
		.frames = 1,
	};
	lamp_start(&config);
	lamp_settle();
	ck_assert_uint_eq(lamp_region("own").verdict, SAFETY_PASSED);
	rig_command(&lamp_rig, "ivi", CONTROL_LAYER_AT, lamp_watched.x + 2, 0);
	rig_step(&lamp_rig, 1);
	ck_assert_uint_eq(lamp_region("own").verdict, SAFETY_FAILED);
	rig_step(&lamp_rig, 2);
	ck_assert_uint_eq(rig_value(&lamp_rig, "layer.cluster.cause"), FAULT_OVERDRAWN);
	lamp_finish();
}
END_TEST

START_TEST(a_region_may_only_be_logged) {
	struct config config;
	lamp_config(&config);
	config.regions_len = 1;
	config.regions[0] = (struct config_region) {
		.name = "logged",
		.check = SAFETY_BLACK,
		.place = lamp_watched,
		.frames = 1,
		.reaction = FAULT_REACTION_LOG,
	};
	lamp_start(&config);
	lamp_settle();
	rig_step(&lamp_rig, 5);
	pair_expect(&lamp_rig, "output.main", SCREEN_NORMAL);
	ck_assert_uint_eq(lamp_region("logged").verdict, SAFETY_FAILED);
	ck_assert_uint_eq(lamp_recorded(SAFETY_REGION, "logged"), FAULT_UNIFORM);
	lamp_finish();
}
END_TEST

/* A picture of the layer that is not critical: stripes, or all of one colour. */
static void draw_stripes(bool has_stripes) {
	const struct frame frame = {
		.width = pair_right.width,
		.height = PAIR_HEIGHT,
		.stride = pair_right.width * 4,
		.format = PIXEL_FORMAT_BGRX,
	};
	uint8_t *buffer = rig_buffer(&lamp_rig, 1, 0, (size_t)frame.stride * frame.height);
	uint32_t *pixels = (uint32_t *)(void *)buffer;
	for (uint32_t i = 0; i < frame.width * frame.height; i++) {
		pixels[i] = has_stripes && i % 2 ? 0xffffff : 0x404040;
	}
	rig_publish(&lamp_rig, 1, 0, buffer, &frame);
}

static struct config_region stripes(enum fault_reaction reaction) {
	struct config_region region = {
		.name = "stripes",
		.check = SAFETY_CONTRAST,
		.layer = 1,
		.place = { pair_right.x + 4, 4, 8, 8 },
		.frames = 1,
		.threshold = 60,
		.reaction = reaction,
	};
	return region;
}

static const struct {
	const char *name;
	enum fault_reaction own, of_layer;
	enum layer_state layer;
	enum screen_state output;
} answers[] = {
	{ "the layer's", FAULT_REACTION_DEFAULT, FAULT_REACTION_DEFAULT, LAYER_PLACEHOLDER,
		SCREEN_DEGRADED },
	{ "the layer's: fallback", FAULT_REACTION_DEFAULT, FAULT_REACTION_FALLBACK,
		LAYER_PLACEHOLDER, SCREEN_FALLBACK },
	{ "log", FAULT_REACTION_LOG, FAULT_REACTION_FALLBACK, LAYER_LIVE, SCREEN_NORMAL },
	{ "hold", FAULT_REACTION_HOLD, FAULT_REACTION_FALLBACK, LAYER_SUSPECT, SCREEN_DEGRADED },
	{ "placeholder", FAULT_REACTION_PLACEHOLDER, FAULT_REACTION_SAFE, LAYER_PLACEHOLDER,
		SCREEN_DEGRADED },
	{ "fallback", FAULT_REACTION_FALLBACK, FAULT_REACTION_LOG, LAYER_PLACEHOLDER,
		SCREEN_FALLBACK },
	{ "safe", FAULT_REACTION_SAFE, FAULT_REACTION_LOG, LAYER_PLACEHOLDER, SCREEN_SAFE },
};

START_TEST(a_region_has_its_own_reaction) {
	struct config config;
	lamp_config(&config);
	config.layers[1].hold_ms = 1000;
	config.layers[1].reactions[FAULT_INVISIBLE] = answers[_i].of_layer;
	config.regions_len = 1;
	config.regions[0] = stripes(answers[_i].own);
	lamp_start(&config);
	draw_stripes(true);
	lamp_draw(&lamp_off);
	rig_step(&lamp_rig, LAMP_FOLLOW_TICKS + 1);
	pair_expect(&lamp_rig, "output.main", SCREEN_NORMAL);
	for (unsigned i = 0; i < 5; i++) {
		draw_stripes(false);
		rig_step(&lamp_rig, 1);
	}
	ck_assert_uint_eq(lamp_recorded(SAFETY_REGION, "stripes"), FAULT_INVISIBLE);
	pair_expect(&lamp_rig, "layer.ivi", answers[_i].layer);
	pair_expect(&lamp_rig, "output.main", answers[_i].output);
	/* the host's own pictures are right: nothing is worse later */
	for (unsigned i = 0; i < 5; i++) {
		draw_stripes(false);
		rig_step(&lamp_rig, 1);
	}
	pair_expect(&lamp_rig, "output.main", answers[_i].output);
	lamp_finish();
}
END_TEST

START_TEST(a_layer_that_is_gone_may_be_worse_yet) {
	static const enum fault_reaction reactions[] = { FAULT_REACTION_FALLBACK,
		FAULT_REACTION_SAFE };
	static const enum screen_state states[] = { SCREEN_FALLBACK, SCREEN_SAFE };
	struct config config;
	lamp_config(&config);
	config.regions_len = 2;
	config.regions[0] = stripes(FAULT_REACTION_PLACEHOLDER);
	config.regions[1] = stripes(reactions[_i]);
	snprintf(config.regions[1].name, sizeof(config.regions[1].name), "something");
	config.regions[1].check = SAFETY_BLACK;
	config.regions[1].frames = 4;
	lamp_start(&config);
	draw_stripes(true);
	lamp_draw(&lamp_off);
	rig_step(&lamp_rig, LAMP_FOLLOW_TICKS + 1);
	draw_stripes(false);
	rig_step(&lamp_rig, 3);
	pair_expect(&lamp_rig, "layer.ivi", LAYER_PLACEHOLDER);
	pair_expect(&lamp_rig, "output.main", SCREEN_DEGRADED);
	for (unsigned i = 0; i < 4; i++) {
		draw_stripes(false);
		rig_step(&lamp_rig, 1);
	}
	pair_expect(&lamp_rig, "layer.ivi", LAYER_PLACEHOLDER);
	pair_expect(&lamp_rig, "output.main", states[_i]);
	ck_assert_uint_eq(rig_value(&lamp_rig, "layer.ivi.cause"), FAULT_UNIFORM);
	lamp_finish();
}
END_TEST

/* More at a tick than can be told of. */
START_TEST(what_is_not_told_is_counted) {
	struct config config;
	lamp_config(&config);
	config.regions_len = VERIFIER_EVENTS + 5;
	for (uint32_t i = 0; i < config.regions_len; i++) {
		config.regions[i] = stripes(FAULT_REACTION_LOG);
		snprintf(config.regions[i].name, sizeof(config.regions[i].name), "stripes%u",
			(unsigned)i);
	}
	lamp_start(&config);
	draw_stripes(true);
	lamp_draw(&lamp_off);
	rig_step(&lamp_rig, LAMP_FOLLOW_TICKS + 1);
	ck_assert_uint_eq(rig_value(&lamp_rig, "output.main.untold"), 0);
	uint64_t before = atomic_load(&lamp_page->newest);
	draw_stripes(false);
	rig_step(&lamp_rig, 4);
	/* first those that are more than a tick can tell, then those that are more than a guest may cause */
	ck_assert_uint_eq(
		rig_value(&lamp_rig, "output.main.untold"), VERIFIER_EVENTS + 5 - RECORD_BURST);
	ck_assert_uint_eq(atomic_load(&lamp_page->newest), before + RECORD_BURST);
	lamp_finish();
}
END_TEST

START_TEST(a_critical_layer_is_not_all_of_one_colour) {
	struct config config;
	lamp_config(&config);
	config.verified_len = 0;
	config.layers[0].dark = (uint32_t)_i;
	lamp_start(&config);
	lamp_draw_ivi();
	lamp_draw_content('x');
	rig_step(&lamp_rig, 1);
	pair_expect(&lamp_rig, "output.main", SCREEN_NORMAL);
	rig_publish_plain(&lamp_rig, 0, 0, pair_left.width, PAIR_HEIGHT, PAIR_CLUSTER);
	rig_step(&lamp_rig, REGION_UNIFORM_FRAMES - 1);
	pair_expect(&lamp_rig, "output.main", SCREEN_NORMAL);
	rig_step(&lamp_rig, 1);
	pair_expect(&lamp_rig, "output.main", _i ? SCREEN_NORMAL : SCREEN_FALLBACK);
	ck_assert_uint_eq(
		rig_value(&lamp_rig, "layer.cluster.cause"), _i ? FAULT_NONE : FAULT_UNIFORM);
	lamp_finish();
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor verifier region");
	TCase *region = suite_case(suite, "region");
	tcase_add_loop_test(region, a_region_is_watched, 0, ARRAY_LEN(regions));
	tcase_add_test(region, an_owner_is_alone);
	tcase_add_test(region, a_region_may_only_be_logged);
	tcase_add_loop_test(region, a_region_has_its_own_reaction, 0, ARRAY_LEN(answers));
	tcase_add_loop_test(region, a_layer_that_is_gone_may_be_worse_yet, 0, 2);
	tcase_add_test(region, what_is_not_told_is_counted);
	tcase_add_loop_test(region, a_critical_layer_is_not_all_of_one_colour, 0, 2);
	return suite;
}
