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

const struct scene *canvas_scene(const struct canvas *canvas) {
	return &canvas->scenes[1 - canvas->shown];
}

static struct painter_target target_of(const struct canvas *canvas) {
	return (struct painter_target) {
		.pixels = canvas->picture.pixels,
		.stride = canvas->picture.stride,
		.width = canvas->output->width,
		.height = canvas->output->height,
	};
}

static void draw(struct canvas *canvas, const struct rects *damage) {
	const struct scene *scene = canvas_scene(canvas);
	const struct painter_target target = target_of(canvas);
	for (uint32_t i = 0; i < damage->len; i++) {
		painter_draw(
			canvas->painter, &target, scene->sprites, scene->len, &damage->items[i]);
	}
}

/* All that differs between the back picture's content and the new scene. */
static struct rects outdated(const struct canvas *canvas) {
	struct rects all = canvas->damage;
	if (canvas->picture.age == 0) {
		struct rect bounds = canvas_bounds(canvas);
		rects_add(&all, &bounds);
		return all;
	}
	for (unsigned i = 0; i + 1 < canvas->picture.age; i++) {
		rects_add_all(&all, &canvas->history[i]);
	}
	return all;
}

static void begin_picture(struct canvas *canvas) {
	output_begin(canvas->output, &canvas->picture);
	struct rects drawn = outdated(canvas);
	draw(canvas, &drawn);
	canvas->has_picture = true;
}

bool canvas_compose(struct canvas *canvas) {
	canvas->has_picture = false;
	canvas->damage = canvas->repaired;
	rects_clear(&canvas->repaired);
	scene_compare(&canvas->scenes[canvas->shown], &canvas->scenes[1 - canvas->shown],
		&canvas->damage);
	if (canvas->is_behind) {
		struct rect bounds = canvas_bounds(canvas);
		rects_add(&canvas->damage, &bounds);
	}
	if (canvas->damage.len > 0) {
		begin_picture(canvas);
	}
	return canvas->has_picture;
}

struct check_view canvas_view(const struct canvas *canvas) {
	if (canvas->picture.pixels == NULL) {
		return (struct check_view) { 0 };
	}
	return (struct check_view) {
		.pixels = canvas->picture.pixels,
		.stride_bytes = canvas->picture.stride,
		.bounds = canvas_bounds(canvas),
	};
}

struct painter_target canvas_touch(struct canvas *canvas, const struct rect *rect) {
	if (!canvas->has_picture) {
		begin_picture(canvas);
	}
	struct rect bounds = canvas_bounds(canvas);
	struct rect touched = rect_intersect(rect, &bounds);
	rects_add(&canvas->repaired, &touched);
	return target_of(canvas);
}

void canvas_repair(struct canvas *canvas, const struct sprite *sprite) {
	const struct painter_target target = canvas_touch(canvas, &sprite->visible);
	painter_draw(canvas->painter, &target, sprite, 1, &sprite->visible);
}

static void remember_damage(struct canvas *canvas) {
	for (size_t i = ARRAY_LEN(canvas->history) - 1; i > 0; i--) {
		canvas->history[i] = canvas->history[i - 1];
	}
	canvas->history[0] = canvas->damage;
}

int canvas_present(struct canvas *canvas, uint64_t *shown_ns) {
	*shown_ns = 0;
	if (canvas->has_picture) {
		uint64_t now_ns = clock_now_ns();
		int err = output_show(canvas->output, now_ns);
		canvas->has_picture = false;
		canvas->is_behind = err < 0;
		if (err < 0) {
			return err;
		}
		remember_damage(canvas);
		*shown_ns = now_ns;
	}
	/* without a picture they are equal, and the new one's pixels may be elsewhere */
	canvas->shown = 1 - canvas->shown;
	return 0;
}

void canvas_forget_shown(struct canvas *canvas) {
	canvas->is_behind = true;
}
