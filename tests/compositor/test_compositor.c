#include "compositor/compositor.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "core/macros.h"
#include "core/pixel_format.h"
#include "tests/compositor/pair.h"
#include "tests/suite.h"
#include "tests/support/test_atlas.h"

static struct rig rig;

START_TEST(first_light_is_the_fallback) {
	struct config config;
	pair_config(&config);
	rig_init(&rig, &config, NULL);
	pair_expect_fallback(&rig);
	ck_assert_uint_eq(rig_value(&rig, "output.main.frames"), 1);
	ck_assert_uint_eq(rig_value(&rig, "output.main.ticks"), 0);
	ck_assert_uint_gt(rig_value(&rig, "output.main.fallback_ns"), 0);
	/* nothing comes: nothing changes, and no picture is shown again */
	rig_step(&rig, 5);
	pair_expect_fallback(&rig);
	ck_assert_uint_eq(rig_value(&rig, "output.main.frames"), 1);
	pair_expect(&rig, "layer.cluster", LAYER_STARTING);
	rig_finish(&rig);
}
END_TEST

START_TEST(guests_pictures_take_over) {
	struct config config;
	pair_config(&config);
	rig_init(&rig, &config, NULL);
	rig_publish_plain(&rig, 1, 0, pair_right.width, PAIR_HEIGHT, PAIR_IVI);
	rig_step(&rig, 1);
	pair_expect_fallback(&rig); /* the critical one is still missing */
	pair_draw(&rig);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 0, 0), PAIR_CLUSTER);
	ck_assert_uint_eq(rig_pixel(&rig, PAIR_WIDTH / 2 - 1, PAIR_HEIGHT - 1), PAIR_CLUSTER);
	ck_assert_uint_eq(rig_pixel(&rig, PAIR_WIDTH / 2, 0), PAIR_IVI);
	/* and hear of it */
	uint64_t latched_ns = 0;
	ck_assert_uint_eq(frame_link_latched(&rig.guests[0].link, 0, &latched_ns), 1);
	ck_assert_uint_eq(frame_link_latched(&rig.guests[1].link, 0, NULL), 2);
	ck_assert_uint_gt(latched_ns, 0);
	rig_finish(&rig);
}
END_TEST

static const char *const missing_tiles[] = { "", "hmi/", "/speed", "/brake", "placeholder",
	"/ground", "hmi/main/cluster" };

START_TEST(missing_tiles_are_plain_areas) {
	struct config config;
	pair_config(&config);
	rig_init(&rig, &config, missing_tiles[_i]);
	rig_look(&rig);
	pair_expect(&rig, "output.main", SCREEN_FALLBACK);
	pair_draw(&rig);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	link_set_peer(&rig.guests[1].link.link, LINK_PEER_ABSENT);
	rig_step(&rig, 1);
	rig_look(&rig);
	/* nothing of the guest is left, tile or not */
	ck_assert_uint_ne(rig_pixel(&rig, PAIR_WIDTH / 2, 0), PAIR_IVI);
	ck_assert_uint_ne(rig_pixel(&rig, PAIR_WIDTH / 2, 0), PAIR_BACKGROUND);
	link_set_peer(&rig.guests[0].link.link, LINK_PEER_ABSENT);
	rig_step(&rig, 1);
	pair_expect(&rig, "output.main", SCREEN_FALLBACK);
	rig_look(&rig);
	ck_assert_uint_ne(rig_pixel(&rig, 0, 0), PAIR_CLUSTER);
	rig_finish(&rig);
}
END_TEST

START_TEST(a_successor_finds_the_last_pictures) {
	struct config config;
	pair_config(&config);
	rig_init(&rig, &config, NULL);
	pair_draw(&rig);
	rig_step(&rig, 3);
	rig_restart(&rig);
	pair_expect_fallback(&rig); /* first light, before any link is looked at */
	rig_step(&rig, 1);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 0, 0), PAIR_CLUSTER);
	ck_assert_uint_eq(rig_pixel(&rig, PAIR_WIDTH - 1, 0), PAIR_IVI);
	ck_assert_uint_eq(atomic_load(&rig.reader.page->generation), 2);
	rig_finish(&rig);
}
END_TEST

/* An endpoint that dies, and is there again with a guest that drew nothing yet. */
static void replace_endpoint(uint32_t guest) {
	struct frame_link *link = &rig.guests[guest].link;
	frame_link_finish(link);
	test_grants_producer(&rig.grants, guest, link);
	link_set_peer(&link->link, LINK_PEER_RUNNING);
}

START_TEST(a_successor_takes_no_picture_of_the_dead) {
	struct config config;
	pair_config(&config);
	rig_init(&rig, &config, NULL);
	pair_draw(&rig);
	rig_step(&rig, 3);
	/* while no compositor looked */
	replace_endpoint(0);
	replace_endpoint(1);
	rig_restart(&rig);
	for (unsigned i = 0; i < 5; i++) {
		rig_step(&rig, 1);
		pair_expect(&rig, "output.main", SCREEN_FALLBACK);
		rig_look(&rig);
		for (int32_t x = 0; x < PAIR_WIDTH; x++) {
			ck_assert_uint_ne(rig_pixel(&rig, x, 0), PAIR_CLUSTER);
			ck_assert_uint_ne(rig_pixel(&rig, x, 0), PAIR_IVI);
		}
	}
	pair_draw(&rig);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 0, 0), PAIR_CLUSTER);
	rig_finish(&rig);
}
END_TEST

static struct frame_mode mode_of(uint32_t guest) {
	struct frame_mode mode;
	ck_assert(frame_link_mode(&rig.guests[guest].link, 0, &mode));
	return mode;
}

START_TEST(commands_change_layers_and_modes) {
	struct config config;
	pair_config(&config);
	config.layers[1].scale = 1;
	rig_init(&rig, &config, NULL);
	pair_draw(&rig);
	ck_assert_uint_eq(mode_of(0).width, pair_left.width);
	ck_assert_uint_eq(mode_of(0).enabled, 1);
	ck_assert_uint_eq(mode_of(0).serial, 1);

	/* an unscaled layer's size is its guest's mode, a scaled one's is not */
	ck_assert_int_eq(rig_command(&rig, "cluster", CONTROL_LAYER_SIZE, 30, 20), 0);
	ck_assert_uint_eq(mode_of(0).width, 30);
	ck_assert_uint_eq(mode_of(0).height, 20);
	ck_assert_int_eq(rig_command(&rig, "ivi", CONTROL_LAYER_SIZE, 20, 20), 0);
	ck_assert_uint_eq(mode_of(1).width, pair_right.width);
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert_uint_eq(
		rig_pixel(&rig, 29, 19), PAIR_CLUSTER); /* cropped until the guest follows */
	ck_assert_uint_eq(rig_pixel(&rig, 30, 19), PAIR_BACKGROUND);
	ck_assert_uint_eq(
		rig_pixel(&rig, PAIR_WIDTH / 2 + 19, 19), PAIR_IVI); /* all of it, smaller */
	ck_assert_uint_eq(rig_pixel(&rig, PAIR_WIDTH / 2 + 20, 19), PAIR_BACKGROUND);

	ck_assert_int_eq(rig_command(&rig, "ivi", CONTROL_LAYER_AT, 20, -5), 0);
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 20, 0), PAIR_IVI);
	ck_assert_int_eq(rig_command(&rig, "ivi", CONTROL_LAYER_Z, -1, 0), 0);
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 20, 0), PAIR_CLUSTER);
	ck_assert_uint_eq(rig_pixel(&rig, 30, 0), PAIR_IVI);
	ck_assert_int_eq(rig_command(&rig, "cluster", CONTROL_LAYER_VISIBLE, 0, 0), 0);
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 0, 0), PAIR_BACKGROUND);
	ck_assert_int_eq(rig_command(&rig, "ivi", CONTROL_LAYER_OPACITY, 0, 0), 0);
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 30, 0), PAIR_BACKGROUND);

	ck_assert_int_eq(rig_command(&rig, "ivi", CONTROL_LAYER_CONNECT, 0, 0), 0);
	ck_assert_uint_eq(mode_of(1).enabled, 0);
	ck_assert_int_eq(rig_command(&rig, "ivi", CONTROL_LAYER_CONNECT, 1, 0), 0);
	ck_assert_uint_eq(mode_of(1).enabled, 1);
	rig_finish(&rig);
}
END_TEST

static const struct {
	const char *layer;
	int64_t command, a, b;
	int error;
} refused[] = {
	{ "nobody", CONTROL_LAYER_AT, 0, 0, ENOENT },
	{ "", CONTROL_LAYER_AT, 0, 0, ENOENT },
	{ "ivi", CONTROL_LAYER_AT, INT64_MAX, 0, EINVAL },
	{ "ivi", CONTROL_LAYER_AT, 0, INT64_MIN, EINVAL },
	{ "ivi", CONTROL_LAYER_SIZE, 0, 10, EINVAL },
	{ "ivi", CONTROL_LAYER_SIZE, 10, 8193, EINVAL },
	{ "ivi", CONTROL_LAYER_SIZE, -1, -1, EINVAL },
	{ "ivi", CONTROL_LAYER_Z, INT64_C(1) << 31, 0, EINVAL },
	{ "ivi", CONTROL_LAYER_OPACITY, 256, 0, EINVAL },
	{ "ivi", CONTROL_LAYER_OPACITY, -1, 0, EINVAL },
	{ "ivi", CONTROL_LAYER_VISIBLE, 2, 0, EINVAL },
	{ "ivi", CONTROL_LAYER_CONNECT, 2, 0, EINVAL },
	{ "still", CONTROL_LAYER_CONNECT, 0, 0, EINVAL },
	{ "ivi", 6, 0, 0, EINVAL },
	{ "ivi", -1, 0, 0, EINVAL },
};

START_TEST(a_wrong_command_changes_nothing) {
	struct config config;
	pair_config(&config);
	test_config_add_layer(
		&config, "still", CONFIG_NONE, CONFIG_NONE, (struct rect) { 80, 50, 10, 10 });
	rig_init(&rig, &config, NULL);
	pair_draw(&rig);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 80, 50), test_atlas_colour("picture/still"));
	uint64_t frames = rig_value(&rig, "output.main.frames");
	ck_assert_int_eq(
		rig_command(&rig, refused[_i].layer, (enum control_layer)refused[_i].command,
			refused[_i].a, refused[_i].b),
		refused[_i].error);
	rig_step(&rig, 1);
	ck_assert_uint_eq(rig_value(&rig, "output.main.frames"), frames);
	rig_finish(&rig);
}
END_TEST

START_TEST(a_cursor_stays_inside_its_layer) {
	struct config config;
	static uint32_t image[FRAME_CURSOR_SIZE * FRAME_CURSOR_SIZE];
	pair_config(&config);
	rig_init(&rig, &config, NULL);
	pair_draw(&rig);
	for (size_t i = 0; i < ARRAY_LEN(image); i++) {
		image[i] = 0xffff0000;
	}
	struct frame_cursor cursor = { .visible = 1, .x = 44, .y = 10, .hot_x = 4, .hot_y = 2 };
	frame_link_publish_cursor(&rig.guests[0].link, 0, &cursor, image);
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 39, 8), PAIR_CLUSTER);
	ck_assert_uint_eq(rig_pixel(&rig, 40, 7), PAIR_CLUSTER);
	ck_assert_uint_eq(rig_pixel(&rig, 40, 8), 0xff0000);
	ck_assert_uint_eq(rig_pixel(&rig, 47, 63), 0xff0000);
	for (int32_t y = 0; y < PAIR_HEIGHT; y++) {
		ck_assert_uint_eq(rig_pixel(&rig, 48, y), PAIR_IVI); /* the other guest's */
	}
	/* a layer above covers it; moving costs two small rectangles, not a picture */
	cursor.x = 10;
	frame_link_publish_cursor(&rig.guests[0].link, 0, &cursor, NULL);
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 6, 8), 0xff0000);
	ck_assert_uint_eq(rig_pixel(&rig, 5, 8), PAIR_CLUSTER);
	cursor.visible = 0;
	frame_link_publish_cursor(&rig.guests[0].link, 0, &cursor, NULL);
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 6, 8), PAIR_CLUSTER);
	rig_finish(&rig);
}
END_TEST

/* a tick of the other output; what is on it then */
static uint32_t second_after_step(struct output_reader *reader, int32_t x, int32_t y) {
	static uint32_t picture[PAIR_WIDTH * PAIR_HEIGHT];
	uint64_t before = atomic_load(&reader->page->tick);
	test_grants_step(&rig.grants, 1, 1);
	while (atomic_load(&reader->page->tick) == before) {
		ck_assert_int_ge(loop_dispatch(rig.loop, 60000), 1);
	}
	ck_assert_int_gt(output_reader_copy(reader, picture), 0);
	return picture[y * PAIR_WIDTH + x] & 0xffffff;
}

START_TEST(a_scanout_on_two_outputs) {
	struct config config;
	struct output_reader second;
	pair_config(&config);
	config.outputs[1] = config.outputs[0];
	strcpy(config.outputs[1].name, "other");
	config.outputs_len = 2;
	struct config_layer *mirror = test_config_add_layer(
		&config, "mirror", 0, 0, (struct rect) { 0, 0, PAIR_WIDTH, PAIR_HEIGHT });
	mirror->output = 1;
	mirror->scale = 1;
	mirror->hold_ms = 49;
	mirror->reactions[FAULT_BLANKED] = FAULT_REACTION_HOLD;
	rig_init(&rig, &config, NULL);
	test_grants_reader(&rig.grants, 1, &second);
	pair_draw(&rig);
	ck_assert_uint_eq(
		second_after_step(&second, PAIR_WIDTH - 1, PAIR_HEIGHT - 1), PAIR_CLUSTER);
	pair_expect(&rig, "output.other", SCREEN_NORMAL);

	/* pictures that came at the first output's ticks are whole on the second one */
	uint8_t *buffer = rig_buffer(&rig, 0, 0, (size_t)pair_left.width * PAIR_HEIGHT * 4);
	memset(buffer, 0x55, (size_t)pair_left.width * PAIR_HEIGHT * 4);
	struct frame frame = { .width = pair_left.width,
		.height = PAIR_HEIGHT,
		.stride = pair_left.width * 4,
		.format = PIXEL_FORMAT_BGRX };
	rects_add(&frame.damage, &(struct rect) { 0, 0, pair_left.width, 20 });
	rig_publish(&rig, 0, 0, buffer, &frame);
	rig_step(&rig, 1);
	rects_clear(&frame.damage);
	rects_add(&frame.damage, &(struct rect) { 0, 40, pair_left.width, PAIR_HEIGHT - 40 });
	rig_publish(&rig, 0, 0, buffer, &frame);
	rig_step(&rig, 1);
	ck_assert_uint_eq(second_after_step(&second, 9, 5), 0x555555);
	ck_assert_uint_eq(second_after_step(&second, 9, PAIR_HEIGHT - 1), 0x555555);

	/* one output holds the picture that the other has given up; only then is it let go */
	struct frame_link *link = &rig.guests[0].link;
	frame_link_retract(link, 0);
	rig_step(&rig, 1);
	pair_expect(&rig, "output.main", SCREEN_FALLBACK);
	ck_assert_uint_eq(second_after_step(&second, 9, 5), 0x555555);
	pair_expect(&rig, "layer.mirror", LAYER_SUSPECT);
	ck_assert(frame_link_is_busy(link, 0, link->link.pool_bytes));
	for (unsigned i = 0; i < 3; i++) {
		second_after_step(&second, 0, 0);
	}
	pair_expect(&rig, "layer.mirror", LAYER_PLACEHOLDER);
	rig_step(&rig, 1);
	ck_assert(!frame_link_is_busy(link, 0, link->link.pool_bytes));
	output_reader_finish(&second);
	rig_finish(&rig);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor compositor");
	TCase *life = suite_case(suite, "life");
	tcase_add_test(life, first_light_is_the_fallback);
	tcase_add_test(life, guests_pictures_take_over);
	tcase_add_test(life, a_successor_finds_the_last_pictures);
	tcase_add_test(life, a_successor_takes_no_picture_of_the_dead);
	tcase_add_loop_test(life, missing_tiles_are_plain_areas, 0, ARRAY_LEN(missing_tiles));
	TCase *commands = suite_case(suite, "commands");
	tcase_add_test(commands, commands_change_layers_and_modes);
	tcase_add_loop_test(commands, a_wrong_command_changes_nothing, 0, ARRAY_LEN(refused));
	TCase *pictures = suite_case(suite, "pictures");
	tcase_add_test(pictures, a_cursor_stays_inside_its_layer);
	tcase_add_test(pictures, a_scanout_on_two_outputs);
	return suite;
}
