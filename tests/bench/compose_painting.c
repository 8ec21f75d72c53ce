/* Full frames as the promise describes them: two layers, the upper one blended, and 40 elements. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compositor/painter.h"
#include "tests/bench/compose_figures.h"

#define WIDTH 1920
#define HEIGHT_MAX 1080
#define ELEMENTS 40

struct painting {
	struct painter *painter;
	uint32_t *from, *upper, *to;
	uint32_t height;
	struct sprite sprites[2 + ELEMENTS];
	size_t len;
};

static bool copy(void *data) {
	struct painting *painting = data;
	memcpy(painting->to, painting->from, (size_t)WIDTH * painting->height * 4);
	return true;
}

static bool draw(void *data) {
	struct painting *painting = data;
	const struct painter_target target = { painting->to, WIDTH * 4, WIDTH, HEIGHT_MAX };
	const struct rect area = { 0, 0, WIDTH, painting->height };
	uint64_t before = painter_pixels_written(painting->painter);
	painter_draw(painting->painter, &target, painting->sprites, painting->len, &area);
	return painter_pixels_written(painting->painter) - before >=
		(uint64_t)WIDTH * painting->height;
}

static struct sprite whole(const uint32_t *pixels, enum pixel_format format) {
	return (struct sprite) {
		.pixels = (const uint8_t *)pixels,
		.stride = WIDTH * 4,
		.width = WIDTH,
		.height = HEIGHT_MAX,
		.format = format,
		.opacity = 255,
		.opaque = !pixel_format_has_alpha(format),
		.place = { 0, 0, WIDTH, HEIGHT_MAX },
		.visible = { 0, 0, WIDTH, HEIGHT_MAX },
	};
}

/* Element `index` of a cluster: two gauges' needles, 24 lamps, 14 digits. */
static struct sprite element(const struct painting *painting, unsigned index) {
	struct sprite sprite = whole(painting->from + (size_t)index * 1024, PIXEL_FORMAT_BGRA);
	if (index < 2) {
		sprite.place = (struct rect) { index == 0 ? 200 : 1320, 160, 400, 400 };
	} else if (index < 26) {
		int32_t x = 40 + (int32_t)(index - 2) * 76;
		sprite.place = (struct rect) { x, 20, 64, 64 };
	} else {
		int32_t x = 680 + (int32_t)(index - 26) * 40;
		sprite.place = (struct rect) { x, (int32_t)painting->height - 100, 36, 56 };
	}
	sprite.visible = sprite.place;
	sprite.width = sprite.place.width;
	sprite.height = sprite.place.height;
	sprite.opaque = index >= 2;
	return sprite;
}

/* `upper`: the pixels of the blended layer. */
static void set_scene(struct painting *painting, uint32_t height, const uint32_t *upper) {
	painting->height = height;
	painting->len = 2 + ELEMENTS;
	painting->sprites[0] = whole(painting->from, PIXEL_FORMAT_BGRX);
	painting->sprites[1] = whole(upper, PIXEL_FORMAT_BGRA);
	for (unsigned i = 0; i < ELEMENTS; i++) {
		painting->sprites[2 + i] = element(painting, i);
	}
}

static void measure(struct figures *figures, struct painting *painting, unsigned runs) {
	static const struct {
		uint32_t height;
		double bound_ms;
		const char *copied, *drawn, *mixed;
	} frames[] = {
		{ 720, 2, "memcpy of 1920x720", "1920x720, 2 full layers, 40 elements",
			"the same, the upper in parts clear or solid" },
		{ 1080, 3, "memcpy of 1920x1080", "1920x1080, 2 full layers, 40 elements",
			"the same, the upper in parts clear or solid" },
	};
	for (unsigned i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		set_scene(painting, frames[i].height, painting->from);
		figures_measure(
			figures, figures_add(figures, frames[i].copied, 0), runs, copy, painting);
		figures_measure(figures, figures_add(figures, frames[i].drawn, frames[i].bound_ms),
			runs, draw, painting);
		set_scene(painting, frames[i].height, painting->upper);
		figures_measure(figures, figures_add(figures, frames[i].mixed, frames[i].bound_ms),
			runs, draw, painting);
	}
}

static void fill(struct painting *painting) {
	for (size_t i = 0; i < (size_t)WIDTH * HEIGHT_MAX; i++) {
		/* as a guest's HMI is: clear, solid and in between by parts of rows */
		uint32_t alpha = i / 64 % 4 == 0 ? 0 : i / 64 % 4 == 1 ? 255 : (uint32_t)i & 0xff;
		uint32_t grey = alpha * (uint32_t)(i % 251) / 255;
		painting->from[i] = (uint32_t)i * 2654435761u;
		painting->upper[i] = alpha << 24 | grey << 16 | grey << 8 | grey;
	}
}

int compose_painting(struct figures *figures, unsigned runs) {
	size_t bytes = (size_t)WIDTH * HEIGHT_MAX * 4;
	static struct painting painting;
	painting = (struct painting) { .painter = painter_create(),
		.from = malloc(bytes),
		.upper = malloc(bytes),
		.to = calloc(1, bytes) };
	bool good = painting.painter && painting.from && painting.upper && painting.to;
	if (good) {
		fill(&painting);
		measure(figures, &painting, runs);
	}
	painter_destroy(painting.painter);
	free(painting.from);
	free(painting.upper);
	free(painting.to);
	return good ? 0 : -ENOMEM;
}
