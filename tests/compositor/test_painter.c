#include "compositor/painter.h"

#include <stdlib.h>
#include <string.h>

#include "compositor/scene.h"
#include "core/macros.h"
#include "tests/compositor/reference.h"
#include "tests/suite.h"

#define WIDTH 97
#define HEIGHT 61
#define POOL_BYTES (256 * 1024)
#define SPRITES 9

struct canvas {
	struct painter *painter;
	struct painter_target target;
	uint32_t pixels[HEIGHT * (WIDTH + 3)]; /* rows of another stride than any sprite's */
	uint8_t pool[POOL_BYTES];
	uint64_t random;
};

static void canvas_init(struct canvas *canvas, uint64_t seed) {
	canvas->painter = painter_create();
	ck_assert_ptr_nonnull(canvas->painter);
	canvas->random = seed * 7919 + 1;
	canvas->target = (struct painter_target) {
		.pixels = canvas->pixels,
		.stride = (WIDTH + 3) * 4,
		.width = WIDTH,
		.height = HEIGHT,
	};
	memset(canvas->pixels, 0xa5, sizeof(canvas->pixels));
	for (size_t i = 0; i < POOL_BYTES; i++) {
		canvas->pool[i] = (uint8_t)reference_random(&canvas->random);
	}
}

static uint32_t below(struct canvas *canvas, uint32_t limit) {
	return reference_random(&canvas->random) % limit;
}

/* a row of the table below says which of these a random scene may have */
enum { SCALED = 1, FORMATS = 2, OPACITY = 4, CLIPPED = 8, OUTSIDE = 16, PLAIN = 32 };

static struct sprite random_sprite(struct canvas *canvas, int traits) {
	struct sprite sprite = {
		.width = 1 + below(canvas, 90),
		.height = 1 + below(canvas, 70),
		.format = PIXEL_FORMAT_BGRX,
		.opacity = 255,
	};
	sprite.stride = (sprite.width + below(canvas, 5)) * 4;
	sprite.pixels = canvas->pool + 4 * below(canvas, (POOL_BYTES - 94 * 4 * 70) / 4);
	if (traits & FORMATS) {
		sprite.format = 1 + below(canvas, PIXEL_FORMAT_COUNT - 1);
	}
	if (traits & OPACITY && below(canvas, 2) == 0) {
		sprite.opacity = (uint8_t)below(canvas, 256);
	}
	if (traits & PLAIN && below(canvas, 3) == 0) {
		sprite.pixels = NULL;
		sprite.colour = reference_random(&canvas->random) & 0xffffff;
	}
	sprite.opaque = sprite.opacity == 255 &&
		(sprite.pixels == NULL || !pixel_format_has_alpha(sprite.format));
	sprite.place = (struct rect) {
		.x = (int32_t)below(canvas, WIDTH),
		.y = (int32_t)below(canvas, HEIGHT),
		.width = sprite.width,
		.height = sprite.height,
	};
	if (traits & OUTSIDE) {
		sprite.place.x -= 40;
		sprite.place.y -= 30;
	}
	if (traits & SCALED && below(canvas, 2) == 0) {
		sprite.place.width = 1 + below(canvas, 200);
		sprite.place.height = 1 + below(canvas, 140);
	}
	return sprite;
}

static size_t random_sprites(struct canvas *canvas, int traits, struct sprite *sprites) {
	static struct scene scene;
	scene_clear(&scene);
	for (uint32_t i = 0; i < SPRITES; i++) {
		struct sprite sprite = random_sprite(canvas, traits);
		struct rect clip = { 0, 0, WIDTH, HEIGHT };
		if (traits & CLIPPED) {
			clip.x = (int32_t)below(canvas, WIDTH);
			clip.y = (int32_t)below(canvas, HEIGHT);
			clip.width = below(canvas, WIDTH);
			clip.height = below(canvas, HEIGHT);
		}
		scene_add(&scene, &(struct scene_item) { .id = i }, &sprite, &clip);
	}
	memcpy(sprites, scene.sprites, scene.len * sizeof(*sprites));
	return scene.len;
}

static void compare(const struct canvas *canvas, const struct sprite *sprites, size_t len,
	const struct rect *drawn) {
	for (int32_t y = 0; y < HEIGHT; y++) {
		for (int32_t x = 0; x < WIDTH + 3; x++) {
			uint32_t seen = canvas->pixels[y * (WIDTH + 3) + x];
			bool inside = x < WIDTH && x >= drawn->x && y >= drawn->y &&
				x < drawn->x + (int32_t)drawn->width &&
				y < drawn->y + (int32_t)drawn->height;
			uint32_t expected = 0xa5a5a5a5;
			if (inside) {
				expected = reference_pixel(sprites, len, x, y);
				seen &= 0xffffff;
			}
			if (seen != expected) {
				ck_abort_msg("%d,%d: %06x, not %06x", x, y, seen, expected);
			}
		}
	}
}

static const struct {
	const char *name;
	int traits;
} scenes[] = {
	{ "opaque", 0 },
	{ "formats", FORMATS },
	{ "opacity", OPACITY },
	{ "clipped", CLIPPED },
	{ "outside", OUTSIDE },
	{ "plain", PLAIN | OPACITY },
	{ "scaled", SCALED },
	{ "scaled, blended", SCALED | FORMATS | OPACITY },
	{ "everything", SCALED | FORMATS | OPACITY | CLIPPED | OUTSIDE | PLAIN },
};

START_TEST(composes_like_the_reference) {
	static struct canvas canvas;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		canvas_init(&canvas, seed + (uint64_t)_i * 1000);
		struct sprite sprites[SPRITES];
		size_t len = random_sprites(&canvas, scenes[_i].traits, sprites);
		struct rect area = { 0, 0, WIDTH, HEIGHT };
		if (seed % 2 == 0) {
			area = (struct rect) { (int32_t)below(&canvas, WIDTH),
				(int32_t)below(&canvas, HEIGHT), 1 + below(&canvas, WIDTH),
				1 + below(&canvas, HEIGHT) };
		}
		painter_draw(canvas.painter, &canvas.target, sprites, len, &area);
		compare(&canvas, sprites, len, &area);
		painter_destroy(canvas.painter);
	}
}
END_TEST

START_TEST(an_opaque_sprite_hides_the_work_below) {
	static struct canvas canvas;
	canvas_init(&canvas, 1);
	struct rect all = { 0, 0, WIDTH, HEIGHT };
	struct sprite full = {
		.pixels = canvas.pool,
		.stride = WIDTH * 4,
		.width = WIDTH,
		.height = HEIGHT,
		.format = PIXEL_FORMAT_BGRX,
		.opacity = 255,
		.opaque = true,
		.place = all,
		.visible = all,
	};
	struct sprite sprites[3] = { full, full, full };
	painter_draw(canvas.painter, &canvas.target, sprites, 3, &all);
	ck_assert_uint_eq(painter_pixels_written(canvas.painter), WIDTH * HEIGHT);

	/* a window in the middle: still one write a pixel */
	sprites[2].visible = (struct rect) { 10, 10, 20, 20 };
	painter_draw(canvas.painter, &canvas.target, sprites, 3, &all);
	ck_assert_uint_eq(painter_pixels_written(canvas.painter), 2 * WIDTH * HEIGHT);

	/* a blended one on top: its pixels twice */
	sprites[2].opacity = 100;
	sprites[2].opaque = false;
	painter_draw(canvas.painter, &canvas.target, sprites, 3, &all);
	ck_assert_uint_eq(painter_pixels_written(canvas.painter), 3 * WIDTH * HEIGHT + 400);
	painter_destroy(canvas.painter);
}
END_TEST

START_TEST(many_sprites_in_a_grid) {
	static struct canvas canvas;
	static struct sprite sprites[PAINTER_SPRITES_MAX];
	canvas_init(&canvas, 5);
	for (size_t i = 0; i < PAINTER_SPRITES_MAX; i++) {
		sprites[i] = random_sprite(&canvas, OUTSIDE);
		sprites[i].place.width = sprites[i].width = 5;
		sprites[i].place.height = sprites[i].height = 5;
		sprites[i].visible = sprites[i].place;
	}
	struct rect huge = { -50, -50, 1000, 1000 };
	struct rect all = { 0, 0, WIDTH, HEIGHT };
	painter_draw(canvas.painter, &canvas.target, sprites, PAINTER_SPRITES_MAX, &huge);
	compare(&canvas, sprites, PAINTER_SPRITES_MAX, &all);
	ck_assert_uint_eq(painter_pixels_written(canvas.painter), WIDTH * HEIGHT);
	painter_destroy(canvas.painter);
}
END_TEST

/* A picture so large that what is blended is drawn in bands, the last one of them smaller. */
START_TEST(blends_in_bands) {
	enum { WIDE = 1021, HIGH = 101 };
	static uint32_t pixels[WIDE * HIGH], pool[WIDE * HIGH + 64];
	const struct painter_target target = { pixels, WIDE * 4, WIDE, HIGH };
	const struct rect all = { 0, 0, WIDE, HIGH };
	struct painter *painter = painter_create();
	uint64_t random = 3;
	for (size_t i = 0; i < ARRAY_LEN(pool); i++) {
		pool[i] = reference_random(&random);
	}
	struct sprite sprites[4];
	for (size_t i = 0; i < ARRAY_LEN(sprites); i++) {
		sprites[i] = (struct sprite) {
			.pixels = (const uint8_t *)(pool + i * 16),
			.stride = WIDE * 4,
			.width = WIDE,
			.height = HIGH,
			.format = i == 0 ? PIXEL_FORMAT_BGRX : PIXEL_FORMAT_BGRA,
			.opacity = 255,
			.opaque = i == 0,
			.place = all,
			.visible = all,
		};
	}
	sprites[1].visible = (struct rect) { 7, 13, 900, 60 };
	sprites[2].pixels = NULL;
	sprites[2].opacity = 77;
	sprites[2].visible.height = 50;
	sprites[3].format = PIXEL_FORMAT_ABGR;
	sprites[3].opacity = (uint8_t)_i;
	painter_draw(painter, &target, sprites, ARRAY_LEN(sprites), &all);
	for (int32_t y = 0; y < HIGH; y++) {
		for (int32_t x = 0; x < WIDE; x++) {
			ck_assert_uint_eq(pixels[y * WIDE + x] & 0xffffff,
				reference_pixel(sprites, ARRAY_LEN(sprites), x, y));
		}
	}
	ck_assert_uint_eq(painter_pixels_written(painter), 2 * WIDE * HIGH + 900 * 60 + WIDE * 50);
	painter_destroy(painter);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor painter");
	TCase *reference = suite_case(suite, "reference");
	tcase_add_loop_test(reference, composes_like_the_reference, 0, ARRAY_LEN(scenes));
	tcase_add_loop_test(reference, blends_in_bands, 254, 256);
	TCase *occlusion = suite_case(suite, "occlusion");
	tcase_add_test(occlusion, an_opaque_sprite_hides_the_work_below);
	tcase_add_test(occlusion, many_sprites_in_a_grid);
	return suite;
}
