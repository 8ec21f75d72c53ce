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

static struct scene scene;
static struct config config;
static struct atlas atlas;
static struct hmi hmi;

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
}

static uint32_t pixel(const struct hmi_values *values, uint32_t missing, int32_t x, int32_t y) {
	const struct rect output = { 0, 0, WIDTH, HEIGHT };
	scene_clear(&scene);
	hmi_add_to_scene(&hmi, values, missing, &scene, &output);
	return reference_pixel(scene.sprites, scene.len, x, y);
}

static const struct {
	int32_t speed;
	char gear;
	const char *shown; /* three digits and the gear */
} rows[] = {
	{ HMI_UNKNOWN, '-', "----" },
	{ 0, 'P', "000P" },
	{ 7, 'R', "007R" },
	{ 50, 'N', "050N" },
	{ 123, 'D', "123D" },
	{ 999, 'D', "999D" },
	{ 1000, 'D', "---D" },
	{ INT32_MIN, 'X', "----" },
	{ INT32_MAX, '\0', "----" },
};

START_TEST(shows_speed_and_gear) {
	make(NULL);
	struct hmi_values values;
	hmi_values_init(&values);
	values.speed = rows[_i].speed;
	values.gear = rows[_i].gear;
	for (int32_t i = 0; i < 4; i++) {
		char name[88];
		snprintf(name, sizeof(name), "hmi/main/%s/%c", i < 3 ? "speed" : "gear",
			rows[_i].shown[i]);
		int32_t x = 2 + (i < 3 ? i : 4) * TEST_ATLAS_DIGIT_WIDTH;
		ck_assert_uint_eq(pixel(&values, 0, x, 4), test_atlas_colour(name));
		ck_assert_uint_eq(pixel(&values, 0, x + TEST_ATLAS_DIGIT_WIDTH - 1,
					  4 + TEST_ATLAS_DIGIT_HEIGHT - 1),
			test_atlas_colour(name));
	}
	atlas_unmap(&atlas);
}
END_TEST

START_TEST(telltales_are_lit_until_something_is_known) {
	make(NULL);
	struct hmi_values values;
	hmi_values_init(&values);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < HMI_TELLTALES; i++) {
			char name[88];
			snprintf(name, sizeof(name), "hmi/main/telltale/%d/%s", i,
				values.lit[i] ? "on" : "off");
			ck_assert_uint_eq(
				pixel(&values, 0, 2 + 6 * i, 20), test_atlas_colour(name));
			ck_assert(round == 1 || values.lit[i]);
		}
		values.lit[1] = values.lit[6] = false;
	}
	atlas_unmap(&atlas);
}
END_TEST

START_TEST(says_who_is_missing) {
	make(NULL);
	struct hmi_values values;
	hmi_values_init(&values);
	uint32_t ground = test_atlas_colour("hmi/main/background");
	for (uint32_t missing = 0; missing < 8; missing++) {
		ck_assert_uint_eq(pixel(&values, missing, 2, 28),
			missing & 1 ? test_atlas_colour("hmi/main/missing/left") : ground);
		ck_assert_uint_eq(pixel(&values, missing, 2, 34),
			missing & 2 ? test_atlas_colour("hmi/main/missing/right") : ground);
		/* never asked for: no tile of its own, and nothing is drawn */
		ck_assert_uint_eq(pixel(&values, missing, 2, 40), ground);
	}
	atlas_unmap(&atlas);
}
END_TEST

START_TEST(only_what_changed_is_damage) {
	static struct scene before;
	make(NULL);
	const struct rect output = { 0, 0, WIDTH, HEIGHT };
	struct hmi_values values;
	struct rects damage;
	hmi_values_init(&values);
	values.speed = 120;
	scene_clear(&before);
	hmi_add_to_scene(&hmi, &values, 1, &before, &output);
	values.speed = 121;
	scene_clear(&scene);
	hmi_add_to_scene(&hmi, &values, 1, &scene, &output);
	rects_clear(&damage);
	scene_compare(&before, &scene, &damage);
	const struct rect last_digit = { 2 + 2 * TEST_ATLAS_DIGIT_WIDTH, 4, TEST_ATLAS_DIGIT_WIDTH,
		TEST_ATLAS_DIGIT_HEIGHT };
	ck_assert_uint_eq(damage.len, 1);
	ck_assert(rect_equal(&damage.items[0], &last_digit));
	atlas_unmap(&atlas);
}
END_TEST

static const struct {
	const char *without;
	int32_t x, y; /* inside what is missing */
	const char *not_this; /* what would be seen if nothing stood for it */
} lacks[] = {
	{ "speed/-", 2, 4, "hmi/main/background" },
	{ "gear/-", 2 + 4 * TEST_ATLAS_DIGIT_WIDTH, 4, "hmi/main/background" },
	{ "telltale/2/on", 2 + 12, 20, "hmi/main/telltale/2/off" },
};

START_TEST(a_plain_area_stands_for_a_missing_tile) {
	make(lacks[_i].without);
	struct hmi_values values;
	hmi_values_init(&values);
	uint32_t seen = pixel(&values, 0, lacks[_i].x, lacks[_i].y);
	ck_assert_uint_ne(seen, test_atlas_colour(lacks[_i].not_this));
	ck_assert_uint_ne(seen, 0);
	atlas_unmap(&atlas);
}
END_TEST

START_TEST(without_any_tile_it_covers_the_output) {
	make("hmi/");
	struct hmi_values values;
	hmi_values_init(&values);
	ck_assert_uint_ne(pixel(&values, 3, 0, 0), 0);
	ck_assert_uint_eq(pixel(&values, 3, 0, 0), pixel(&values, 3, WIDTH - 1, HEIGHT - 1));
	atlas_unmap(&atlas);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor hmi");
	TCase *values = suite_case(suite, "values");
	tcase_add_loop_test(values, shows_speed_and_gear, 0, ARRAY_LEN(rows));
	tcase_add_test(values, telltales_are_lit_until_something_is_known);
	tcase_add_test(values, says_who_is_missing);
	tcase_add_test(values, only_what_changed_is_damage);
	TCase *missing = suite_case(suite, "missing");
	tcase_add_loop_test(missing, a_plain_area_stands_for_a_missing_tile, 0, ARRAY_LEN(lacks));
	tcase_add_test(missing, without_any_tile_it_covers_the_output);
	return suite;
}
