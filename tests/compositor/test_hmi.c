#include "compositor/hmi.h"

#include <stdio.h>
#include <string.h>

#include "core/fd.h"
#include "core/macros.h"
#include "tests/compositor/reference.h"
#include "tests/suite.h"
#include "tests/support/grants.h"
#include "tests/support/test_atlas.h"

#define WIDTH 100
#define HEIGHT 80
#define LAYER 0x556677 /* the colour under the overlay */

static struct scene scene;
static struct config config;
static struct atlas atlas;
static struct hmi hmi;
static int32_t values[SIGNAL_VALUES];
static const struct rect output = { 0, 0, WIDTH, HEIGHT };

static void make(const char *without) {
	test_config_init(&config, WIDTH, HEIGHT);
	uint32_t guest = test_config_add_guest(&config, "cluster", 1, 50, 50);
	test_config_add_layer(&config, "left", guest, 0, (struct rect) { 0, 0, 50, 50 })->critical =
		1;
	test_config_add_layer(&config, "right", guest, 0, (struct rect) { 50, 0, 50, 50 })
		->critical = 1;
	test_config_add_layer(&config, "other", guest, 0, (struct rect) { 0, 50, 50, 30 });
	int fd = test_atlas_create_fd(&config, without);
	ck_assert_int_eq(atlas_map(&atlas, fd), 0);
	fd_close(&fd);
	hmi_init(&hmi, &atlas, &config, 0);
	for (unsigned i = 0; i < SIGNAL_VALUES; i++) {
		values[i] = SIGNAL_UNKNOWN;
	}
}

static void make_all(void) {
	make(NULL);
}

static void unmake(void) {
	atlas_unmap(&atlas);
}

static uint32_t find(const char *name) {
	for (uint32_t i = 0; i < atlas.elements_len; i++) {
		if (strcmp(atlas.elements[i].name, name) == 0) {
			return i;
		}
	}
	ck_abort_msg("there is no element %s", name);
	return 0;
}

static uint32_t colour(const char *tile) {
	char name[88];
	snprintf(name, sizeof(name), "hmi/main/%s", tile);
	return test_atlas_colour(name);
}

static uint32_t pixel(uint32_t missing, int32_t x, int32_t y) {
	scene_clear(&scene);
	hmi_add_fallback(&hmi, values, missing, &scene, &output);
	return reference_pixel(scene.sprites, scene.len, x, y);
}

/* The fallback has `tile` there. */
static void expect(int32_t x, int32_t y, const char *tile) {
	ck_assert_msg(pixel(0, x, y) == colour(tile), "no %s at %d,%d", tile, x, y);
}

static const struct {
	int32_t speed; /* in 0.1 km/h */
	uint32_t decimals;
	const char *shown; /* ' ' for a blank */
} speeds[] = {
	{ SIGNAL_UNKNOWN, 0, "---" },
	{ 0, 0, "  0" },
	{ 4, 0, "  0" },
	{ 5, 0, "  1" },
	{ 70, 0, "  7" },
	{ 475, 0, " 48" },
	{ 500, 0, " 50" },
	{ 1234, 0, "123" },
	{ 9994, 0, "999" },
	{ 9995, 0, "---" }, /* has no place */
	{ INT32_MAX, 0, "---" },
	{ -70, 0, " -7" },
	{ -990, 0, "-99" },
	{ -1000, 0, "---" },
	{ INT32_MIN + 1, 0, "---" },
	{ 0, 1, " 00" },
	{ 5, 1, " 05" },
	{ -5, 1, "-05" },
	{ 475, 1, "475" },
	{ 1000, 1, "---" },
	{ 0, 2, "000" },
	{ 7, 2, "070" },
	{ -7, 2, "---" }, /* no place for the sign */
	{ INT32_MAX, 2, "---" },
	{ SIGNAL_UNKNOWN, 2, "---" },
};

START_TEST(shows_numbers) {
	uint32_t speed = find("speed");
	/* the test's own copy: an atlas is not to be changed */
	static struct atlas_element elements[ATLAS_ELEMENTS_MAX];
	memcpy(elements, atlas.elements, atlas.elements_len * sizeof(*elements));
	elements[speed].decimals = speeds[_i].decimals;
	atlas.elements = elements;
	values[SIGNAL_SPEED] = speeds[_i].speed;
	for (int32_t i = 0; i < 3; i++) {
		char tile[16];
		char digit = speeds[_i].shown[i];
		snprintf(tile, sizeof(tile), digit == ' ' ? "speed/blank" : "speed/%c", digit);
		int32_t x = 2 + i * TEST_ATLAS_DIGIT_WIDTH;
		expect(x, 4, tile);
		expect(x + TEST_ATLAS_DIGIT_WIDTH - 1, 4 + TEST_ATLAS_DIGIT_HEIGHT - 1, tile);
	}
}
END_TEST

static const struct {
	enum signal_id signal;
	int32_t value;
	int32_t x, y;
	const char *tile;
} states[] = {
	{ SIGNAL_GEAR, 0, 34, 4, "gear/P" }, { SIGNAL_GEAR, 3, 34, 4, "gear/D" },
	{ SIGNAL_GEAR, 4, 34, 4, "gear/-" }, { SIGNAL_GEAR, -1, 34, 4, "gear/-" },
	{ SIGNAL_GEAR, SIGNAL_UNKNOWN, 34, 4, "gear/-" },
	{ SIGNAL_GEAR, INT32_MAX, 34, 4, "gear/-" },
	{ SIGNAL_REVS, SIGNAL_UNKNOWN, 44, 4, "ground/one" }, { SIGNAL_REVS, 0, 44, 4, "revs/0" },
	{ SIGNAL_REVS, 499, 44, 4, "revs/0" }, { SIGNAL_REVS, 500, 44, 4, "revs/1" },
	{ SIGNAL_REVS, 4000, 44, 4, "revs/4" }, { SIGNAL_REVS, 8000, 44, 4, "revs/8" },
	{ SIGNAL_REVS, 12000, 44, 4, "revs/8" }, { SIGNAL_REVS, INT32_MAX, 44, 4, "revs/8" },
	{ SIGNAL_REVS, -1, 44, 4, "revs/0" }, { SIGNAL_REVS, INT32_MIN + 1, 44, 4, "revs/0" },
	{ SIGNAL_BRAKE, 0, 26, 20, "brake/off" }, { SIGNAL_BRAKE, 1, 26, 20, "brake/on" },
	{ SIGNAL_BRAKE, -7, 26, 20, "brake/on" },
	{ SIGNAL_BRAKE, SIGNAL_UNKNOWN, 26, 20, "brake/on" },
	{ SIGNAL_CAMERA, 0, 52, 20, "ground/one" }, { SIGNAL_CAMERA, 1, 52, 20, "camera/one" },
	{ SIGNAL_CAMERA, SIGNAL_UNKNOWN, 52, 20, "ground/one" },
	{ SIGNAL_THEME, 0, 26, 20, "brake/on" }, { SIGNAL_THEME, 1, 26, 20, "brake/on@night" },
	{ SIGNAL_THEME, 2, 26, 20, "brake/on" }, { SIGNAL_THEME, 1, 2, 4, "speed/-@night" },
	{ SIGNAL_THEME, 1, 99, 79, "ground/one@night" },
	{ SIGNAL_LOCALE, 1, 26, 20, "brake/on" }, /* shared */
};

START_TEST(shows_states) {
	values[states[_i].signal] = states[_i].value;
	expect(states[_i].x, states[_i].y, states[_i].tile);
}
END_TEST

START_TEST(a_tile_stands_for_an_element) {
	char name[88];
	values[SIGNAL_REVS] = 2000;
	values[SIGNAL_SPEED] = 120;
	ck_assert_str_eq(hmi_tile(&hmi, find("revs"), values)->name, "hmi/main/revs/2");
	ck_assert_str_eq(hmi_tile(&hmi, find("speed"), values)->name, "hmi/main/speed/2");
	ck_assert_str_eq(hmi_tile(&hmi, find("left"), values)->name, "hmi/main/left/one");
	ck_assert_ptr_null(hmi_tile(&hmi, find("camera"), values));
	for (int lit = 0; lit < 2; lit++) {
		for (unsigned i = 0; i < TEST_ATLAS_LAMPS; i++) {
			values[test_lamps[i].signal] = lit;
			snprintf(name, sizeof(name), "hmi/main/%s/%s", test_lamps[i].name,
				lit ? "on" : "off");
			ck_assert_str_eq(
				hmi_tile(&hmi, find(test_lamps[i].name), values)->name, name);
		}
	}
}
END_TEST

START_TEST(says_who_is_missing) {
	uint32_t ground = colour("ground/one");
	for (uint32_t missing = 0; missing < 8; missing++) {
		ck_assert_uint_eq(pixel(missing, 2, 28), missing & 1 ? colour("left/one") : ground);
		ck_assert_uint_eq(
			pixel(missing, 2, 34), missing & 2 ? colour("right/one") : ground);
		/* never asked for: no notice of its own, and nothing is drawn */
		ck_assert_uint_eq(pixel(missing, 2, 40), ground);
	}
}
END_TEST

START_TEST(only_what_changed_is_damage) {
	static struct scene before;
	struct rects damage;
	values[SIGNAL_SPEED] = 1200;
	scene_clear(&before);
	hmi_add_fallback(&hmi, values, 1, &before, &output);
	values[SIGNAL_SPEED] = 1210;
	values[SIGNAL_LOCALE] = 1; /* the same pixels */
	scene_clear(&scene);
	hmi_add_fallback(&hmi, values, 1, &scene, &output);
	rects_clear(&damage);
	scene_compare(&before, &scene, &damage);
	const struct rect last_digit = { 2 + 2 * TEST_ATLAS_DIGIT_WIDTH, 4, TEST_ATLAS_DIGIT_WIDTH,
		TEST_ATLAS_DIGIT_HEIGHT };
	ck_assert_uint_eq(damage.len, 1);
	ck_assert(rect_equal(&damage.items[0], &last_digit));
}
END_TEST

/* ---- above the layers ---- */

static bool host_drawn[ATLAS_ELEMENTS_MAX];

static void add_layer(void) {
	const struct sprite layer = {
		.colour = LAYER, .opacity = 255, .opaque = true, .place = output
	};
	const struct scene_item item = { .id = 0, .content = &config };
	scene_clear(&scene);
	scene_add(&scene, &item, &layer, &output);
}

static uint32_t overlay_pixel(int32_t x, int32_t y) {
	add_layer();
	hmi_add_overlay(&hmi, values, host_drawn, &scene, &output);
	return reference_pixel(scene.sprites, scene.len, x, y);
}

START_TEST(the_host_draws_what_it_shall) {
	for (unsigned drawn = 0; drawn < 1u << TEST_ATLAS_LAMPS; drawn += 5) {
		for (unsigned i = 0; i < TEST_ATLAS_LAMPS; i++) {
			host_drawn[find(test_lamps[i].name)] = (drawn >> i & 1) != 0;
		}
		for (unsigned i = 0; i < TEST_ATLAS_LAMPS; i++) {
			char tile[32];
			snprintf(tile, sizeof(tile), "%s/on", test_lamps[i].name);
			ck_assert_uint_eq(overlay_pixel(2 + 6 * (int32_t)i, 20),
				drawn >> i & 1 ? colour(tile) : LAYER);
		}
		ck_assert_uint_eq(overlay_pixel(2, 4), LAYER);
		ck_assert_uint_eq(overlay_pixel(99, 79), LAYER);
	}
}
END_TEST

START_TEST(frames_are_above_the_layers) {
	static const int32_t camera[] = { SIGNAL_UNKNOWN, 0, 1 };
	for (unsigned i = 0; i < ARRAY_LEN(camera); i++) {
		values[SIGNAL_CAMERA] = camera[i];
		ck_assert_uint_eq(
			overlay_pixel(61, 29), camera[i] == 1 ? colour("camera/one") : LAYER);
	}
}
END_TEST

/* An element that was in the fallback and stays above the layers is not drawn again. */
START_TEST(the_same_element_stays) {
	static struct scene before;
	struct rects damage;
	scene_clear(&before);
	hmi_add_fallback(&hmi, values, 0, &before, &output);
	host_drawn[find("brake")] = true;
	add_layer();
	hmi_add_overlay(&hmi, values, host_drawn, &scene, &output);
	const struct scene_item *was = NULL, *is = &scene.items[scene.len - 1];
	for (size_t i = 0; i < before.len; i++) {
		if (before.items[i].id == is->id) {
			was = &before.items[i];
		}
	}
	ck_assert_ptr_nonnull(was);
	ck_assert_ptr_eq(was->content, is->content);
	ck_assert_int_eq(was->order, is->order);
	rects_clear(&damage);
	scene_compare(&scene, &scene, &damage);
	ck_assert_uint_eq(damage.len, 0);
}
END_TEST

/* ---- an atlas that lacks something ---- */

static const struct {
	const char *without;
	int32_t x, y;
	const char *seen; /* NULL: something plain */
} lacks[] = {
	{ "/ground", 99, 79, NULL },
	{ "/ground", 2, 4, "speed/-" },
	{ "/speed", 2, 4, "ground/one" },
	{ "/brake", 26, 20, "ground/one" },
	{ "/left", 2, 28, "ground/one" },
	{ "hmi/", 0, 0, NULL },
	{ "hmi/", 26, 20, NULL },
	{ "hmi/", 99, 79, NULL },
};

START_TEST(lives_with_less) {
	make(lacks[_i].without);
	uint32_t seen = pixel(3, lacks[_i].x, lacks[_i].y);
	if (lacks[_i].seen != NULL) {
		ck_assert_uint_eq(seen, colour(lacks[_i].seen));
	} else {
		ck_assert_uint_ne(seen, 0);
		ck_assert_uint_ne(seen, colour("ground/one"));
	}
	memset(host_drawn, 1, sizeof(host_drawn));
	ck_assert_uint_eq(overlay_pixel(0, 0),
		strcmp(lacks[_i].without, "hmi/") == 0 || strcmp(lacks[_i].without, "/ground") == 0
			? LAYER
			: colour("ground/one"));
	unmake();
}
END_TEST

START_TEST(without_an_atlas_it_is_plain) {
	make(NULL);
	unmake();
	hmi_init(&hmi, &atlas, &config, 0);
	ck_assert_uint_ne(pixel(3, 0, 0), 0);
	ck_assert_uint_eq(pixel(3, 0, 0), pixel(0, WIDTH - 1, HEIGHT - 1));
	memset(host_drawn, 1, sizeof(host_drawn));
	ck_assert_uint_eq(overlay_pixel(26, 20), LAYER);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor hmi");
	TCase *fallback = suite_case(suite, "fallback");
	tcase_add_checked_fixture(fallback, make_all, unmake);
	tcase_add_loop_test(fallback, shows_numbers, 0, ARRAY_LEN(speeds));
	tcase_add_loop_test(fallback, shows_states, 0, ARRAY_LEN(states));
	tcase_add_test(fallback, a_tile_stands_for_an_element);
	tcase_add_test(fallback, says_who_is_missing);
	tcase_add_test(fallback, only_what_changed_is_damage);
	TCase *overlay = suite_case(suite, "overlay");
	tcase_add_checked_fixture(overlay, make_all, unmake);
	tcase_add_test(overlay, the_host_draws_what_it_shall);
	tcase_add_test(overlay, frames_are_above_the_layers);
	tcase_add_test(overlay, the_same_element_stays);
	TCase *missing = suite_case(suite, "missing");
	tcase_add_loop_test(missing, lives_with_less, 0, ARRAY_LEN(lacks));
	tcase_add_test(missing, without_an_atlas_it_is_plain);
	return suite;
}
