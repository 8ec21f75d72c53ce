/*
 * What single drawings cost, beside pixman where it can do the same. Not a test: it prints, and judges
 * nothing. Whole frames are measured and judged by `./dev bench compose`.
 */
#include <pixman.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "compositor/painter.h"

#define WIDTH 1920
#define HEIGHT 1080
#define ROUNDS 100
#define MANY 320

static uint32_t *from, *to;

/* what this thread used: other work on the machine counts as little as it can */
static uint64_t used_ns(void) {
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int compare(const void *a, const void *b) {
	const uint64_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

static void report(const char *name, void (*work)(void *data), void *data) {
	uint64_t times[ROUNDS];
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t start = used_ns();
		work(data);
		times[i] = used_ns() - start;
	}
	qsort(times, ROUNDS, sizeof(times[0]), compare);
	printf("%-34s median %8.1f us, least %8.1f, 90 of 100 below %8.1f\n", name,
		(double)times[ROUNDS / 2] / 1000, (double)times[0] / 1000,
		(double)times[ROUNDS * 9 / 10] / 1000);
}

struct drawing {
	struct painter *painter;
	struct sprite sprites[PAINTER_SPRITES_MAX];
	size_t len;
	struct rect area;
};

static void draw(void *data) {
	struct drawing *drawing = data;
	const struct painter_target target = { to, WIDTH * 4, WIDTH, HEIGHT };
	painter_draw(drawing->painter, &target, drawing->sprites, drawing->len, &drawing->area);
}

struct pixman_drawing {
	pixman_op_t op;
	pixman_image_t *source, *mask, *target;
	uint32_t width, height;
};

static void draw_pixman(void *data) {
	struct pixman_drawing *d = data;
	pixman_image_composite32(d->op, d->source, d->mask, d->target, 0, 0, 0, 0, 0, 0,
		(int)d->width, (int)d->height);
}

static struct sprite whole(enum pixel_format format, uint8_t opacity) {
	return (struct sprite) {
		.pixels = (const uint8_t *)from,
		.stride = WIDTH * 4,
		.width = WIDTH,
		.height = HEIGHT,
		.format = format,
		.opacity = opacity,
		.opaque = opacity == 255 && !pixel_format_has_alpha(format),
		.place = { 0, 0, WIDTH, HEIGHT },
		.visible = { 0, 0, WIDTH, HEIGHT },
	};
}

static void measure_own(struct painter *painter) {
	struct drawing drawing = { .painter = painter, .len = 1, .area = { 0, 0, WIDTH, HEIGHT } };
	drawing.sprites[0] = whole(PIXEL_FORMAT_BGRX, 255);
	report("opaque BGRX", draw, &drawing);
	drawing.sprites[0].place.width = drawing.sprites[0].width = WIDTH - 1;
	drawing.sprites[0].visible.width = WIDTH - 1;
	report("opaque BGRX, row by row", draw, &drawing);
	drawing.sprites[0] = whole(PIXEL_FORMAT_RGBX, 255);
	report("opaque RGBX", draw, &drawing);
	drawing.sprites[0] = whole(PIXEL_FORMAT_BGRX, 255);
	drawing.sprites[1] = whole(PIXEL_FORMAT_BGRX, 255);
	drawing.len = 2;
	report("two opaque, one above the other", draw, &drawing);
	drawing.sprites[1] = whole(PIXEL_FORMAT_BGRA, 255);
	report("BGRA over BGRX", draw, &drawing);
	drawing.area = (struct rect) { 100, 100, 64, 64 };
	drawing.len = 1;
	report("64x64 of it, opaque", draw, &drawing);
	drawing.len = 2;
	report("64x64 of it, blended", draw, &drawing);
	drawing.area = (struct rect) { 0, 0, WIDTH, HEIGHT };
	drawing.len = 1;
	drawing.sprites[0] = whole(PIXEL_FORMAT_BGRX, 255);
	drawing.sprites[0].width = 1280;
	drawing.sprites[0].height = 720;
	report("1280x720 scaled up", draw, &drawing);
}

/* As many opaque elements as an HMI may have, over two layers: what looking for the base costs. */
static void measure_many(struct painter *painter) {
	static struct drawing drawing;
	drawing = (struct drawing) {
		.painter = painter, .len = 2 + MANY, .area = { 0, 0, WIDTH, HEIGHT }
	};
	drawing.sprites[0] = whole(PIXEL_FORMAT_BGRX, 255);
	drawing.sprites[1] = whole(PIXEL_FORMAT_BGRA, 255);
	for (unsigned i = 0; i < MANY; i++) {
		struct sprite *sprite = &drawing.sprites[2 + i];
		*sprite = whole(PIXEL_FORMAT_BGRX, 255);
		sprite->width = sprite->height = 64;
		sprite->place.x = 10 + (int32_t)(i % 25 * 75);
		sprite->place.y = 10 + (int32_t)(i / 25 * 80);
		sprite->place.width = sprite->place.height = 64;
		sprite->visible = sprite->place;
	}
	report("2 layers, 320 opaque elements", draw, &drawing);
	drawing.area = drawing.sprites[100].place;
	report("one of 320 elements", draw, &drawing);
}

static void measure_pixman(void) {
	pixman_image_t *target =
		pixman_image_create_bits(PIXMAN_x8r8g8b8, WIDTH, HEIGHT, to, WIDTH * 4);
	pixman_image_t *x8 =
		pixman_image_create_bits(PIXMAN_x8r8g8b8, WIDTH, HEIGHT, from, WIDTH * 4);
	pixman_image_t *a8 =
		pixman_image_create_bits(PIXMAN_a8r8g8b8, WIDTH, HEIGHT, from, WIDTH * 4);
	pixman_image_t *small =
		pixman_image_create_bits(PIXMAN_x8r8g8b8, 1280, 720, from, 1280 * 4);
	pixman_transform_t transform;
	pixman_transform_init_scale(&transform, pixman_double_to_fixed(1280.0 / WIDTH),
		pixman_double_to_fixed(720.0 / HEIGHT));
	pixman_image_set_transform(small, &transform);
	pixman_image_set_filter(small, PIXMAN_FILTER_BILINEAR, NULL, 0);

	struct pixman_drawing drawing = { PIXMAN_OP_SRC, x8, NULL, target, WIDTH, HEIGHT };
	report("pixman: opaque BGRX", draw_pixman, &drawing);
	drawing.op = PIXMAN_OP_OVER;
	drawing.source = a8;
	report("pixman: BGRA over (no copy below)", draw_pixman, &drawing);
	drawing.op = PIXMAN_OP_SRC;
	drawing.source = small;
	report("pixman: 1280x720 scaled up", draw_pixman, &drawing);
	pixman_image_unref(small);
	pixman_image_unref(a8);
	pixman_image_unref(x8);
	pixman_image_unref(target);
}

int main(void) {
	size_t bytes = (size_t)WIDTH * HEIGHT * 4;
	from = malloc(bytes);
	to = malloc(bytes);
	struct painter *painter = painter_create();
	if (from == NULL || to == NULL || painter == NULL) {
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < bytes / 4; i++) {
		from[i] = (uint32_t)i * 2654435761u;
	}
	measure_many(painter);
	measure_own(painter);
	measure_pixman();
	painter_destroy(painter);
	free(to);
	free(from);
	return EXIT_SUCCESS;
}
