#include "compositor/analyze.h"

#include <stdio.h>
#include <string.h>

#include "compositor/compositor.h"
#include "core/macros.h"
#include "tests/compositor/pair.h"
#include "tests/suite.h"

static struct rig rig;
static struct analysis analysis;

static void hide(void) {
	rig_command(&rig, "ivi", CONTROL_LAYER_VISIBLE, 0, 0);
}

static void make_clear(void) {
	rig_command(&rig, "ivi", CONTROL_LAYER_OPACITY, 0, 0);
}

static void move_off(void) {
	rig_command(&rig, "ivi", CONTROL_LAYER_AT, PAIR_WIDTH, 0);
}

static void move_half_off(void) {
	rig_command(&rig, "ivi", CONTROL_LAYER_AT, PAIR_WIDTH - 8, 0);
}

static void cover_by_cluster(void) {
	rig_command(&rig, "cluster", CONTROL_LAYER_Z, 9, 0);
	rig_command(&rig, "ivi", CONTROL_LAYER_AT, 8, 0);
}

static void shine_through_cluster(void) {
	cover_by_cluster();
	rig_command(&rig, "cluster", CONTROL_LAYER_OPACITY, 99, 0);
}

static void lose_cluster(void) {
	link_set_peer(&rig.guests[0].link.link, LINK_PEER_ABSENT);
}

static void lose_ivi(void) {
	link_set_peer(&rig.guests[1].link.link, LINK_PEER_ABSENT);
}

static void unplug(void) {
	rig_command(&rig, "ivi", CONTROL_LAYER_CONNECT, 0, 0);
}

static void nothing(void) {
}

static const struct {
	const char *name;
	void (*happen)(void);
	const char *layer;
	const char *says[3]; /* of some lines */
	const char *says_not;
} rows[] = {
	{ "all well", nothing, "ivi",
		{ "state: live", "up to 3072 of its 3072 pixels", "48x64 pixels, format BGRX" },
		"hidden" },
	{ "place", nothing, "ivi", { "output main (normal), at 48,0, 48x64, z 0, not scaled" },
		"clipped" },
	{ "hidden", hide, "ivi", { "not to be visible", "nothing of it" }, "off the output" },
	{ "transparent", make_clear, "ivi", { "opacity is 0", "nothing of it" }, NULL },
	{ "off the output", move_off, "ivi", { "it is off the output", "nothing of it" }, NULL },
	{ "clipped", move_half_off, "ivi",
		{ "a part of it is off the output", "up to 512 of its 3072 pixels" }, "hidden" },
	{ "covered", cover_by_cluster, "ivi",
		{ "covered by layer cluster", "up to 512 of its 3072 pixels" }, "not fully" },
	{ "shining through", shine_through_cluster, "ivi",
		{ "covered, not fully, by layer cluster", "up to 3072 of its 3072 pixels" }, NULL },
	{ "the one on top", cover_by_cluster, "cluster", { "up to 3072 of its 3072 pixels" },
		"covered" },
	{ "under the fallback", lose_cluster, "ivi",
		{ "state: live", "covered by the fallback HMI", "up to 0 of its 3072 pixels" },
		"layer cluster" },
	{ "lost, and replaced by the fallback", lose_cluster, "cluster",
		{ "state: placeholder", "cause: hung-up",
			"the fallback HMI is shown in its place" },
		"live" },
	{ "lost", lose_ivi, "ivi",
		{ "state: placeholder", "cause: hung-up", "up to 3072 of its 3072 pixels" }, NULL },
	{ "unplugged", unplug, "ivi", { "its display is unplugged" }, NULL },
};

static bool says(const char *text) {
	for (size_t i = 0; i < analysis.len; i++) {
		if (strstr(analysis.lines[i], text) != NULL) {
			return true;
		}
	}
	return false;
}

START_TEST(it_says_why) {
	struct config config;
	pair_config(&config);
	rig_init(&rig, &config, NULL);
	pair_draw(&rig);
	rows[_i].happen();
	rig_step(&rig, 1);
	compositor_analyze(rig.compositor, rows[_i].layer, &analysis);
	for (size_t i = 0; i < ARRAY_LEN(rows[_i].says) && rows[_i].says[i] != NULL; i++) {
		ck_assert_msg(says(rows[_i].says[i]), "%s: no line says '%s' but, first, '%s'",
			rows[_i].name, rows[_i].says[i], analysis.lines[analysis.len - 1]);
	}
	if (rows[_i].says_not != NULL) {
		ck_assert_msg(!says(rows[_i].says_not), "%s: a line says '%s'", rows[_i].name,
			rows[_i].says_not);
	}
	rig_finish(&rig);
}
END_TEST

START_TEST(never_started_and_quarantined) {
	struct config config;
	pair_config(&config);
	config.layers[1].quarantine_losses = 1;
	config.layers[1].quarantine_ms = 10000;
	rig_init(&rig, &config, NULL);
	rig_step(&rig, 1);
	compositor_analyze(rig.compositor, "ivi", &analysis);
	ck_assert(says("state: starting") && says("no good picture ever came"));
	pair_draw(&rig);
	lose_ivi();
	rig_step(&rig, 1);
	compositor_analyze(rig.compositor, "ivi", &analysis);
	ck_assert(says("state: quarantined") && says("'fascia ack'"));
	compositor_analyze(rig.compositor, "nobody", &analysis);
	ck_assert_uint_eq(analysis.len, 0);
	rig_finish(&rig);
}
END_TEST

START_TEST(more_than_there_is_room_for) {
	struct config config;
	pair_config(&config);
	for (uint32_t i = 0; i < CONFIG_VERIFIED_MAX; i++) {
		snprintf(config.verified[i].element, sizeof(config.verified[i].element), "e%u", i);
		config.verified[i].layer = 1;
	}
	config.verified_len = CONFIG_VERIFIED_MAX;
	config.layers[1].opaque = 1;
	rig_init(&rig, &config, NULL);
	pair_draw(&rig);
	compositor_analyze(rig.compositor, "ivi", &analysis);
	ck_assert_uint_eq(analysis.len, ANALYSIS_LINES_MAX);
	ck_assert(says("element e0"));
	rig_finish(&rig);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor analyze");
	TCase *lines = suite_case(suite, "lines");
	tcase_add_loop_test(lines, it_says_why, 0, ARRAY_LEN(rows));
	tcase_add_test(lines, never_started_and_quarantined);
	tcase_add_test(lines, more_than_there_is_room_for);
	return suite;
}
