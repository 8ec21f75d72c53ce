/*
 * What stands in a lost layer's place: its name, and that it has no signal. Calm on purpose: it may be
 * there for long.
 */
#include <math.h>

#include "service/assets_impl.h"

/* the drawing's own units; the layer may have any size and shape */
#define WIDTH 640.0
#define HEIGHT 360.0

#define GROUND_TOP 0xff1a222b
#define GROUND_BOTTOM 0xff0b0f13
#define LINE 0xff2c3641
#define DIM 0xff5f6d7b
#define TEXT 0xffe8edf2
#define QUIET 0xff9aa7b4

static void draw_no_signal(struct canvas *canvas, uint32_t colour) {
	canvas_stroke(canvas,
		"M 6 10 L 58 10 L 58 46 L 6 46 Z M 22 56 L 42 56 M 32 46 L 32 56"
		"M 25 21 L 39 35 M 39 21 L 25 35",
		4, colour);
}

void assets_add_placeholder(struct atlas_builder *builder, const struct config_layer *layer) {
	uint32_t width = layer->place.width, height = layer->place.height;
	struct rect place = { 0, 0, width, height };
	uint32_t *pixels = atlas_builder_add(builder, &place, "placeholder/%s", layer->name);
	struct canvas *canvas = pixels != NULL ? atlas_builder_draw(builder) : NULL;
	if (canvas == NULL) {
		return;
	}
	canvas_shade(canvas, 0, 0, width, height, 0, GROUND_TOP, GROUND_BOTTOM);

	double scale = fmin(width / WIDTH, height / HEIGHT);
	struct canvas_point origin = {
		.x = (width - WIDTH * scale) / 2,
		.y = (height - HEIGHT * scale) / 2,
	};
	double inset = fmax(6 * scale, 1);
	canvas_frame(canvas, inset, inset, width - 2 * inset, height - 2 * inset, 10 * scale,
		fmax(1.5 * scale, 1), LINE);

	struct canvas_point symbol = { origin.x + 272 * scale, origin.y + 78 * scale };
	canvas_place(canvas, symbol, 1.5 * scale);
	draw_no_signal(canvas, DIM);
	canvas_place(canvas, origin, scale);
	canvas_text(canvas, (struct canvas_point) { WIDTH / 2, 236 },
		&(struct canvas_font) { NULL, 36, true, CANVAS_CENTRE, TEXT }, layer->name);
	canvas_text(canvas, (struct canvas_point) { WIDTH / 2, 274 },
		&(struct canvas_font) { NULL, 20, false, CANVAS_CENTRE, QUIET }, "no signal");
	canvas_destroy(canvas);
}
