/*
 * A random walk over everything that changes a picture: frames of all formats and sizes with partial
 * damage, cursors, commands, guests that come and go. After each step the whole output is compared with
 * a slow reference that knows nothing of damage, ages, occlusion or links.
 */
#include <stdio.h>
#include <string.h>

#include "compositor/scene.h"
#include "core/control.h"
#include "core/macros.h"
#include "tests/compositor/reference.h"
#include "tests/compositor/rig.h"
#include "tests/suite.h"
#include "tests/support/test_atlas.h"

#define WIDTH 110
#define HEIGHT 70
#define GUESTS 4
#define SIDE_MAX 90
#define STEPS 250
#define BACKGROUND 0x102030

/* what the test knows of a guest's layer */
struct actor {
	char name[16];
	bool scaled;
	bool is_there;
	struct rect place, clip;
	int32_t z;
	uint8_t opacity;
	bool visible;
	uint32_t width, height;
	enum pixel_format format;
	uint8_t pixels[SIDE_MAX * SIDE_MAX * 4];
	bool has_image;
	struct frame_cursor cursor;
};

static struct actor actors[GUESTS];
static struct rig rig;
static uint64_t random_state;

static uint32_t below(uint32_t limit) {
	return reference_random(&random_state) % limit;
}

static void make_config(struct config *config) {
	test_config_init(config, WIDTH, HEIGHT);
	config->outputs[0].fallback = 0;
	for (uint32_t i = 0; i < GUESTS; i++) {
		struct actor *actor = &actors[i];
		*actor = (struct actor) { .place = { (int32_t)(20 * i), (int32_t)(9 * i), 50, 40 },
			.opacity = 255,
			.visible = true,
			.scaled = i % 2 == 1 };
		snprintf(actor->name, sizeof(actor->name), "guest%u", i);
		uint32_t guest = test_config_add_guest(config, actor->name, 1, 50, 40);
		struct config_layer *layer =
			test_config_add_layer(config, actor->name, guest, 0, actor->place);
		layer->scale = actor->scaled;
		if (i == 2) {
			layer->clip = actor->clip = (struct rect) { 30, 10, 60, 45 };
		}
	}
}

static void draw(uint32_t guest) {
	struct actor *actor = &actors[guest];
	struct rect damage;
	bool anew = actor->width == 0 || !actor->is_there || below(4) == 0;
	if (anew) {
		actor->width = 1 + below(SIDE_MAX);
		actor->height = 1 + below(SIDE_MAX);
		actor->format = 1 + below(PIXEL_FORMAT_COUNT - 1);
		damage = (struct rect) { 0, 0, actor->width, actor->height };
	} else {
		struct rect bounds = { 0, 0, actor->width, actor->height };
		damage = (struct rect) { (int32_t)below(actor->width),
			(int32_t)below(actor->height), 1 + below(20), 1 + below(20) };
		damage = rect_intersect(&damage, &bounds);
	}
	for (uint32_t y = 0; y < damage.height; y++) {
		for (uint32_t x = 0; x < 4 * damage.width; x++) {
			size_t row = ((size_t)damage.y + y) * actor->width;
			actor->pixels[4 * (row + (size_t)damage.x) + x] =
				(uint8_t)reference_random(&random_state);
		}
	}
	/* into a buffer with rows of another length, at an odd place */
	struct frame frame = {
		.width = actor->width,
		.height = actor->height,
		.stride = (actor->width + below(4)) * PIXEL_BYTES,
		.format = actor->format,
	};
	rects_add(&frame.damage, &damage);
	uint8_t *buffer = rig_buffer(&rig, guest, 0, (size_t)frame.stride * frame.height);
	for (uint32_t y = 0; y < frame.height; y++) {
		memcpy(buffer + (size_t)y * frame.stride,
			actor->pixels + (size_t)y * frame.width * PIXEL_BYTES,
			(size_t)frame.width * PIXEL_BYTES);
	}
	rig_publish(&rig, guest, 0, buffer, &frame);
	link_set_peer(&rig.guests[guest].link.link, LINK_PEER_RUNNING);
	actor->is_there = true;
}

static void move_cursor(uint32_t guest) {
	struct actor *actor = &actors[guest];
	bool new_image = !actor->has_image || below(3) == 0;
	struct frame_cursor *cursor = &actor->cursor;
	cursor->visible = below(4) != 0;
	cursor->x = (int32_t)below(120) - 20;
	cursor->y = (int32_t)below(100) - 20;
	cursor->hot_x = below(FRAME_CURSOR_SIZE);
	cursor->hot_y = below(FRAME_CURSOR_SIZE);
	for (size_t i = 0; new_image && i < ARRAY_LEN(cursor->image); i++) {
		cursor->image[i] = reference_random(&random_state);
	}
	actor->has_image = true;
	frame_link_publish_cursor(
		&rig.guests[guest].link, 0, cursor, new_image ? cursor->image : NULL);
}

static void hang_up(uint32_t guest) {
	frame_link_retract(&rig.guests[guest].link, 0);
	link_set_peer(&rig.guests[guest].link.link, LINK_PEER_ABSENT);
	actors[guest].is_there = false;
	actors[guest].cursor.visible = 0;
}

static void command(struct actor *actor) {
	int err = 0;
	switch (below(5)) {
	case 0:
		actor->place.x = (int32_t)below(WIDTH) - 30;
		actor->place.y = (int32_t)below(HEIGHT) - 20;
		err = rig_command(
			&rig, actor->name, CONTROL_LAYER_AT, actor->place.x, actor->place.y);
		break;
	case 1:
		actor->place.width = 1 + below(100);
		actor->place.height = 1 + below(80);
		err = rig_command(&rig, actor->name, CONTROL_LAYER_SIZE, actor->place.width,
			actor->place.height);
		break;
	case 2:
		actor->z = (int32_t)below(5) - 2;
		err = rig_command(&rig, actor->name, CONTROL_LAYER_Z, actor->z, 0);
		break;
	case 3:
		actor->opacity = below(3) == 0 ? (uint8_t)below(256) : 255;
		err = rig_command(&rig, actor->name, CONTROL_LAYER_OPACITY, actor->opacity, 0);
		break;
	default:
		actor->visible = below(4) != 0;
		err = rig_command(&rig, actor->name, CONTROL_LAYER_VISIBLE, actor->visible, 0);
	}
	ck_assert_int_eq(err, 0);
}

static void act(void) {
	uint32_t guest = below(GUESTS);
	switch (below(12)) {
	case 0:
		hang_up(guest);
		break;
	case 1:
	case 2:
	case 3:
		command(&actors[guest]);
		break;
	case 4:
	case 5:
		if (actors[guest].is_there) {
			move_cursor(guest);
		}
		break;
	default:
		draw(guest);
	}
}

/* ---- the reference's scene ---- */

static struct sprite expected[2 * GUESTS + 1];
static size_t expected_len;

static void expect_sprite(struct sprite sprite, struct rect clip) {
	sprite.visible = rect_intersect(&sprite.place, &clip);
	if (!rect_is_empty(&sprite.visible)) {
		expected[expected_len++] = sprite;
	}
}

static int32_t floor_divide(int64_t a, int64_t b) {
	int64_t quotient = a / b;
	return (int32_t)(a % b < 0 ? quotient - 1 : quotient);
}

static void expect_cursor(const struct actor *actor, struct rect picture, struct rect clip) {
	const struct frame_cursor *cursor = &actor->cursor;
	int64_t x = (int64_t)cursor->x - cursor->hot_x, y = (int64_t)cursor->y - cursor->hot_y;
	struct sprite sprite = { .pixels = (const uint8_t *)cursor->image,
		.stride = 256,
		.width = 64,
		.height = 64,
		.format = PIXEL_FORMAT_BGRA,
		.opacity = actor->opacity };
	sprite.place = (struct rect) {
		.x = picture.x + floor_divide(x * picture.width, actor->width),
		.y = picture.y + floor_divide(y * picture.height, actor->height),
		.width = MAX(64 * picture.width / actor->width, 1),
		.height = MAX(64 * picture.height / actor->height, 1),
	};
	expect_sprite(sprite, rect_intersect(&clip, &picture));
}

static void expect_actor(const struct actor *actor) {
	const struct rect screen = { 0, 0, WIDTH, HEIGHT };
	struct rect clip = rect_intersect(&actor->place, &screen);
	char tile[32];
	if (!actor->visible) {
		return;
	}
	if (!rect_is_empty(&actor->clip)) {
		clip = rect_intersect(&clip, &actor->clip);
	}
	if (!actor->is_there) {
		snprintf(tile, sizeof(tile), "placeholder/%.15s", actor->name);
		expect_sprite((struct sprite) { .colour = test_atlas_colour(tile),
				      .opacity = actor->opacity,
				      .place = actor->place },
			clip);
		return;
	}
	struct rect picture = actor->place;
	if (!actor->scaled) {
		picture.width = actor->width;
		picture.height = actor->height;
	}
	expect_sprite((struct sprite) { .pixels = actor->pixels,
			      .stride = actor->width * 4,
			      .width = actor->width,
			      .height = actor->height,
			      .format = actor->format,
			      .opacity = actor->opacity,
			      .place = picture },
		clip);
	if (actor->cursor.visible) {
		expect_cursor(actor, picture, clip);
	}
}

static void expect_scene(void) {
	const struct rect screen = { 0, 0, WIDTH, HEIGHT };
	expected_len = 0;
	expect_sprite(
		(struct sprite) { .colour = BACKGROUND, .opacity = 255, .place = screen }, screen);
	for (int32_t z = -2; z <= 2; z++) {
		for (uint32_t i = 0; i < GUESTS; i++) {
			if (actors[i].z == z) {
				expect_actor(&actors[i]);
			}
		}
	}
}

START_TEST(every_picture_is_as_the_reference_says) {
	struct config config;
	random_state = (uint64_t)_i * 77 + 5;
	make_config(&config);
	rig_init(&rig, &config, NULL);
	for (uint32_t i = 0; i < GUESTS; i++) {
		draw(i);
	}
	for (unsigned step = 0; step < STEPS; step++) {
		rig_step(&rig, 1);
		rig_look(&rig);
		expect_scene();
		for (int32_t y = 0; y < HEIGHT; y++) {
			for (int32_t x = 0; x < WIDTH; x++) {
				uint32_t should = reference_pixel(expected, expected_len, x, y);
				if (rig_pixel(&rig, x, y) != should) {
					ck_abort_msg("step %u, %d,%d: %06x, not %06x", step, x, y,
						rig_pixel(&rig, x, y), should);
				}
			}
		}
		for (uint32_t n = below(4); n > 0; n--) {
			act();
		}
	}
	rig_finish(&rig);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor walk");
	TCase *walk = suite_case(suite, "walk");
	tcase_add_loop_test(walk, every_picture_is_as_the_reference_says, 0, 4);
	return suite;
}
