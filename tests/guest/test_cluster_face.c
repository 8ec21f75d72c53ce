#include "tests/guest/programs/cluster_face.h"

#include <stdlib.h>
#include <string.h>

#include "compositor/check.h"
#include "core/atlas.h"
#include "core/macros.h"
#include "tests/guest/programs/vehicle.h"
#include "tests/suite.h"

#define LINES 4

/* What is drawn line by line is what is drawn at once at the end. */
static const struct {
	const char *name;
	uint32_t width, height;
	const char *lines[LINES];
} rows[] = {
	{ "nothing is known", 1280, 480, { NULL } },
	{ "lamps go on and out", 1280, 480, { "brake=on abs=on", "brake=off", "turn-left=on" } },
	{ "needles turn", 1280, 480, { "speed=0 revs=800", "speed=60", "speed=61.5 revs=2300" } },
	{ "the night comes", 1280, 480, { "theme=day speed=5", "theme=night", "speed=7" } },
	{ "a camera's frame comes and goes", 1280, 480, { "camera=on", "gear=R", "camera=off" } },
	{ "on a smaller display", 800, 400, { "brake=on", "speed=100", "brake=off" } },
	{ "on a larger one", 1300, 500, { "brake=on", "speed=100", "brake=off" } },
	{ "as small as a tag", FRAME_TAG_PIXELS, 2, { "brake=on", "speed=100" } },
};

static struct face_buffer buffer_create(uint32_t width, uint32_t height) {
	struct face_buffer buffer;
	uint8_t *pixels = calloc(height, (size_t)width * 4);
	ck_assert_ptr_nonnull(pixels);
	ck_assert_int_eq(face_buffer_init(&buffer, pixels, width * 4, width, height), 0);
	return buffer;
}

static void buffer_destroy(struct face_buffer *buffer) {
	free(buffer->pixels);
	face_buffer_finish(buffer);
}

static struct cluster_face *face_create(void) {
	struct cluster_face *face = cluster_face_create(CLUSTER_ATLAS);
	ck_assert_ptr_nonnull(face);
	return face;
}

static void draw(struct cluster_face *face, struct face_buffer *buffer,
	const struct vehicle *vehicle, uint32_t counter) {
	int32_t values[SIGNAL_VALUES];
	vehicle_values(vehicle, 0, values);
	cluster_face_draw(face, buffer, values, &(struct frame_tag) { .counter = counter });
}

START_TEST(small_changes_add_up) {
	uint32_t width = rows[_i].width, height = rows[_i].height;
	struct cluster_face *face = face_create();
	struct face_buffer grown = buffer_create(width, height);
	struct face_buffer fresh = buffer_create(width, height);
	struct vehicle vehicle;
	vehicle_init(&vehicle);
	for (int i = 0; i < LINES && rows[_i].lines[i] != NULL; i++) {
		draw(face, &grown, &vehicle, (uint32_t)i);
		ck_assert(vehicle_take_line(&vehicle, rows[_i].lines[i], 0));
	}
	draw(face, &grown, &vehicle, LINES);
	draw(face, &fresh, &vehicle, LINES);
	ck_assert_msg(memcmp(grown.pixels, fresh.pixels, (size_t)width * height * 4) == 0, "%s",
		rows[_i].name);
	buffer_destroy(&grown);
	buffer_destroy(&fresh);
	cluster_face_destroy(face);
}
END_TEST

static struct frame_tag tag_of_row(const struct face_buffer *buffer, uint32_t y) {
	struct frame_tag tag;
	uint32_t pixels[FRAME_TAG_PIXELS];
	memcpy(pixels, buffer->pixels + (size_t)y * buffer->stride, sizeof(pixels));
	ck_assert(frame_tag_decode(&tag, pixels));
	return tag;
}

START_TEST(each_picture_carries_its_tag) {
	struct cluster_face *face = face_create();
	struct face_buffer buffer = buffer_create(1280, 480);
	struct vehicle vehicle;
	vehicle_init(&vehicle);
	for (uint32_t counter = 1; counter < 4; counter++) {
		vehicle_take_line(&vehicle, counter == 2 ? "theme=night" : "theme=day", 0);
		draw(face, &buffer, &vehicle, counter);
		ck_assert_uint_eq(tag_of_row(&buffer, 0).counter, counter);
		ck_assert_uint_eq(tag_of_row(&buffer, 479).counter, counter);
	}
	buffer_destroy(&buffer);
	cluster_face_destroy(face);
}
END_TEST

/* As the host looks at it. */
static void check_element(const struct atlas *atlas, const struct atlas_element *element,
	const struct face_buffer *buffer, uint32_t state) {
	const struct atlas_tile *tile = atlas_element_tile(atlas, element, 0, 0, state);
	const struct check_view view = {
		.pixels = (const uint32_t *)(const void *)buffer->pixels,
		.stride_bytes = buffer->stride,
		.bounds = { 0, 0, buffer->width, buffer->height },
	};
	const struct rect place = { tile->x, tile->y, tile->width, tile->height };
	uint32_t found;
	ck_assert_msg(check_exact(&view, &place, &tile->shown_crc32, 1, &found), "%s in state %u",
		element->name, state);
}

START_TEST(the_host_finds_its_telltales) {
	struct cluster_face *face = face_create();
	struct face_buffer buffer = buffer_create(1280, 480);
	const struct atlas *atlas = cluster_face_atlas(face);
	int32_t values[SIGNAL_VALUES] = { 0 };
	uint32_t checked = 0;
	for (uint32_t state = 0; state < 2; state++) {
		for (uint32_t id = SIGNAL_TELLTALES; id < SIGNAL_TELLTALES_END; id++) {
			values[id] = (int32_t)state;
		}
		cluster_face_draw(face, &buffer, values, &(struct frame_tag) { 0 });
		for (uint32_t i = 0; i < atlas->elements_len; i++) {
			const struct atlas_element *element = &atlas->elements[i];
			if (element->safety != 0 && element->kind == ATLAS_LAMP) {
				check_element(atlas, element, &buffer, state);
				checked++;
			}
		}
	}
	ck_assert_uint_ge(checked, 2 * 16);
	buffer_destroy(&buffer);
	cluster_face_destroy(face);
}
END_TEST

START_TEST(what_is_no_atlas_is_refused) {
	ck_assert_ptr_null(cluster_face_create("/no/such/file"));
	ck_assert_ptr_null(cluster_face_create("/proc/self/exe"));
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("guest cluster_face");
	TCase *tests = suite_case(suite, "pictures");
	tcase_add_loop_test(tests, small_changes_add_up, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tests, each_picture_carries_its_tag);
	tcase_add_test(tests, the_host_finds_its_telltales);
	tcase_add_test(tests, what_is_no_atlas_is_refused);
	return suite;
}
