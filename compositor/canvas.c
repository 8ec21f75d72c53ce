#include "compositor/canvas.h"

#include "core/clock.h"
#include "core/macros.h"

#define BACKGROUND_ID (SCENE_IDS - 1)

void canvas_init(struct canvas *canvas, struct output *output, struct painter *painter,
	uint32_t background) {
	*canvas = (struct canvas) {
		.output = output,
		.painter = painter,
		.background = background,
	};
}

struct rect canvas_bounds(const struct canvas *canvas) {
	return (struct rect) { 0, 0, canvas->output->width, canvas->output->height };
}

struct scene *canvas_begin(struct canvas *canvas) {
	struct scene *scene = &canvas->scenes[1 - canvas->shown];
	struct rect bounds = canvas_bounds(canvas);
	const struct sprite sprite = {
		.colour = canvas->background,
		.opacity = 255,
		.opaque = true,
		.place = bounds,
	};
	const struct scene_item item = {
		.id = BACKGROUND_ID,
		.order = INT64_MIN,
		.content = canvas,
	};
	scene_clear(scene);
	scene_add(scene, &item, &sprite, &bounds);
	return scene;
}

static void draw(
	struct canvas *canvas, const struct output_picture *picture, const struct rects *damage) {
	const struct scene *scene = &canvas->scenes[1 - canvas->shown];
	const struct painter_target target = {
		.pixels = picture->pixels,
		.stride = picture->stride,
		.width = canvas->output->width,
		.height = canvas->output->height,
	};
	for (uint32_t i = 0; i < damage->len; i++) {
		painter_draw(
			canvas->painter, &target, scene->sprites, scene->len, &damage->items[i]);
	}
}

/* All that differs between the picture's content and the new scene. */
static struct rects outdated(const struct canvas *canvas, const struct output_picture *picture,
	const struct rects *damage) {
	struct rects all = *damage;
	if (picture->age == 0) {
		struct rect bounds = canvas_bounds(canvas);
		rects_add(&all, &bounds);
		return all;
	}
	for (unsigned i = 0; i + 1 < picture->age; i++) {
		rects_add_all(&all, &canvas->history[i]);
	}
	return all;
}

uint64_t canvas_show(struct canvas *canvas) {
	struct rects damage;
	rects_clear(&damage);
	scene_compare(&canvas->scenes[canvas->shown], &canvas->scenes[1 - canvas->shown], &damage);
	if (canvas->is_behind) {
		struct rect bounds = canvas_bounds(canvas);
		rects_add(&damage, &bounds);
	}
	if (damage.len == 0) {
		canvas->shown = 1 - canvas->shown; /* equal, and its pixels may be elsewhere */
		return 0;
	}
	struct output_picture picture;
	output_begin(canvas->output, &picture);
	struct rects drawn = outdated(canvas, &picture, &damage);
	draw(canvas, &picture, &drawn);
	uint64_t now_ns = clock_now_ns();
	if (output_show(canvas->output, now_ns) < 0) {
		canvas->is_behind = true;
		return 0;
	}
	canvas->is_behind = false;

	for (size_t i = ARRAY_LEN(canvas->history) - 1; i > 0; i--) {
		canvas->history[i] = canvas->history[i - 1];
	}
	canvas->history[0] = damage;
	canvas->shown = 1 - canvas->shown;
	return now_ns;
}
