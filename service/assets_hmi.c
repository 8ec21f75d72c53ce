/*
 * The fallback HMI: what the driver must see when the guest that usually shows it does not. Drawn where
 * the critical layers of the output are, so that others can go on beside it; on the whole output when
 * there is none.
 *
 *      name                 BASIC DISPLAY
 *                           .-"""""-.
 *      GEAR               /           \        CLUSTER
 *      P R N D           |    1 2 3    |       no signal
 *                         \   km/h    /
 *      -----------------------------------------------------
 *          <-   beam  brake  oil  battery  belt  engine  ->
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "service/assets_impl.h"
#include "service/assets_old.h"

/* the drawing's own units: the shape of a cluster display */
#define WIDTH 1280.0
#define HEIGHT 480.0

#define DIGIT_WIDTH 104.0
#define DIGIT_HEIGHT 124.0
#define SPEED_X (WIDTH / 2 - 1.5 * DIGIT_WIDTH)
#define SPEED_Y 176.0
#define GEAR_X 84.0
#define GEAR_Y 196.0
#define GEAR_STEP 72.0
#define GEAR_WIDTH (4 * GEAR_STEP)
#define GEAR_HEIGHT 84.0
#define MISSING_X 900.0
#define MISSING_Y 196.0
#define MISSING_WIDTH 320.0
#define MISSING_HEIGHT 48.0
#define MISSING_ROWS 4
#define CORNER_RADIUS 18.0 /* pixels */
#define TELLTALE_BOX 84.0 /* with room for the glow */
#define TELLTALE_STEP 112.0
#define TELLTALE_Y 393.0

static const char gears[] = "PRND";

struct hmi {
	struct atlas_builder *builder;
	const char *output;
	struct rect area; /* that the background covers, on the output */
	const uint32_t *background; /* in the builder */
	struct canvas_point origin; /* of the drawing, in pixels of the output */
	double scale;
};

static const struct canvas_font label_font = { NULL, 19, false, CANVAS_LEFT, (uint32_t)ASSETS_DIM };

/* Where the drawing goes: around the critical layers, or all of the output. */
static struct rect find_area(const struct config *config, unsigned output) {
	struct rect whole = { 0, 0, config->outputs[output].width, config->outputs[output].height };
	struct rect area = { 0 };
	for (unsigned i = 0; i < config->layers_len; i++) {
		const struct config_layer *layer = &config->layers[i];
		if (layer->output == output && layer->critical) {
			area = rect_union(&area, &layer->place);
		}
	}
	area = rect_intersect(&area, &whole);
	return rect_is_empty(&area) ? whole : area;
}

/* A tile of the output that covers a place of the drawing, with the background in it, or NULL. */
static struct canvas *begin_tile(
	const struct hmi *hmi, double x, double y, double width, double height, const char *name) {
	struct rect place = {
		.x = (int32_t)floor(hmi->origin.x + x * hmi->scale),
		.y = (int32_t)floor(hmi->origin.y + y * hmi->scale),
		.width = (uint32_t)fmax(ceil(width * hmi->scale), 1),
		.height = (uint32_t)fmax(ceil(height * hmi->scale), 1),
	};
	place = rect_intersect(&place, &hmi->area);
	uint32_t *pixels = atlas_builder_add(hmi->builder, &place, "hmi/%s/%s", hmi->output, name);
	if (pixels == NULL) {
		return NULL;
	}
	for (uint32_t row = 0; row < place.height; row++) {
		memcpy(pixels + (size_t)row * place.width,
			hmi->background +
				((size_t)(place.y - hmi->area.y) + row) * hmi->area.width +
				(size_t)(place.x - hmi->area.x),
			place.width * sizeof(uint32_t));
	}
	struct canvas *canvas = atlas_builder_draw(hmi->builder);
	if (canvas != NULL) {
		canvas_place(canvas, hmi->origin, hmi->scale);
	}
	return canvas;
}

/* The ring around the speed: a scale without a pointer would lie, so it has no numbers. */
static void draw_ring(struct canvas *canvas) {
	struct canvas_point centre = { WIDTH / 2, 250 };
	canvas_arc(canvas, centre, 182, 138, 402, 10, 0xff171c22);
	canvas_arc(canvas, centre, 188, 138, 402, 2, (uint32_t)ASSETS_LINE);
	for (int degrees = 138; degrees <= 402; degrees += 6) {
		bool major = (degrees - 138) % 24 == 0;
		canvas_arc(canvas, centre, major ? 199 : 196, degrees - 0.4, degrees + 0.4,
			major ? 14 : 8, major ? (uint32_t)ASSETS_QUIET : (uint32_t)ASSETS_LINE);
	}
	canvas_arc(canvas, centre, 214, 138, 200, 3, (uint32_t)ASSETS_ACCENT);
	canvas_arc(canvas, centre, 214, 340, 402, 3, (uint32_t)ASSETS_ACCENT);
	canvas_text(canvas, (struct canvas_point) { WIDTH / 2, 338 },
		&(struct canvas_font) { NULL, 26, false, CANVAS_CENTRE, (uint32_t)ASSETS_QUIET },
		"km/h");
}

static void draw_heading(struct canvas *canvas, const char *name) {
	canvas_text(canvas, (struct canvas_point) { GEAR_X, 62 },
		&(struct canvas_font) { NULL, 22, true, CANVAS_LEFT, (uint32_t)ASSETS_QUIET },
		name);
	struct canvas_font font = { NULL, 19, true, CANVAS_RIGHT, (uint32_t)ASSETS_AMBER };
	canvas_text(canvas, (struct canvas_point) { 1196, 61 }, &font, "BASIC DISPLAY");
	canvas_stroke(canvas, "M 1020 65 L 1031 45 L 1042 65 Z M 1031 53 L 1031 58", 2.5,
		(uint32_t)ASSETS_AMBER);
	canvas_fill(canvas, "O 1031 61.8 1.3", (uint32_t)ASSETS_AMBER);
}

static void draw_background(struct canvas *canvas, const struct hmi *hmi,
	const struct config_output *output, const char *name) {
	const struct rect *area = &hmi->area;
	bool whole = area->width == output->width && area->height == output->height;
	double radius = whole ? 0 : CORNER_RADIUS;
	/* behind the round corners, what is around them */
	canvas_box(canvas, area->x, area->y, area->width, area->height, 0,
		0xff000000 | output->background);
	canvas_shade(canvas, area->x, area->y, area->width, area->height, radius,
		(uint32_t)ASSETS_NIGHT_TOP, (uint32_t)ASSETS_NIGHT_BOTTOM);
	if (!whole) {
		canvas_frame(canvas, area->x + 1, area->y + 1, area->width - 2.0,
			area->height - 2.0, radius, 1.5, (uint32_t)ASSETS_LINE);
	}
	canvas_place(canvas, hmi->origin, hmi->scale);
	draw_heading(canvas, name);
	draw_ring(canvas);
	canvas_text(canvas, (struct canvas_point) { GEAR_X, 180 }, &label_font, "GEAR");
	canvas_text(canvas, (struct canvas_point) { MISSING_X, 180 }, &label_font, "PICTURE");
	canvas_box(canvas, 84, 396, WIDTH - 168, 1.5, 0, (uint32_t)ASSETS_LINE);
}

static void add_background(struct hmi *hmi, const struct config_output *output, const char *name) {
	uint32_t *pixels =
		atlas_builder_add(hmi->builder, &hmi->area, "hmi/%s/background", hmi->output);
	struct canvas *canvas = pixels != NULL ? atlas_builder_draw(hmi->builder) : NULL;
	hmi->background = pixels;
	if (canvas != NULL) {
		draw_background(canvas, hmi, output, name);
		canvas_destroy(canvas);
	}
}

static void add_speed(const struct hmi *hmi) {
	static const char digits[] = "0123456789-";
	struct canvas_point at = { SPEED_X + DIGIT_WIDTH / 2, SPEED_Y + DIGIT_HEIGHT - 8 };
	for (const char *digit = digits; *digit != '\0'; digit++) {
		char name[16];
		snprintf(name, sizeof(name), "speed/%c", *digit);
		struct canvas *canvas =
			begin_tile(hmi, SPEED_X, SPEED_Y, DIGIT_WIDTH, DIGIT_HEIGHT, name);
		if (canvas == NULL) {
			return;
		}
		if (*digit == '-') {
			canvas_box(canvas, at.x - 26, SPEED_Y + DIGIT_HEIGHT / 2 + 2, 52, 10, 5,
				(uint32_t)ASSETS_DIM);
		} else {
			char text[2] = { *digit };
			canvas_text(canvas, at,
				&(struct canvas_font) {
					NULL, 148, true, CANVAS_CENTRE, (uint32_t)ASSETS_TEXT },
				text);
		}
		canvas_destroy(canvas);
	}
}

/* The whole row of gears, with one of them chosen. */
static void add_gear(const struct hmi *hmi, char chosen) {
	char name[16];
	snprintf(name, sizeof(name), "gear/%c", chosen);
	struct canvas *canvas = begin_tile(hmi, GEAR_X - 12, GEAR_Y, GEAR_WIDTH, GEAR_HEIGHT, name);
	if (canvas == NULL) {
		return;
	}
	for (unsigned i = 0; i < sizeof(gears) - 1; i++) {
		char text[2] = { gears[i] };
		bool on = gears[i] == chosen;
		double x = GEAR_X - 12 + i * GEAR_STEP;
		if (on) {
			canvas_box(canvas, x + 3, GEAR_Y + 5, GEAR_STEP - 6, GEAR_HEIGHT - 10, 12,
				0xff1d3a4f);
			canvas_frame(canvas, x + 3, GEAR_Y + 5, GEAR_STEP - 6, GEAR_HEIGHT - 10, 12,
				2, (uint32_t)ASSETS_ACCENT);
		}
		struct canvas_font font = {
			.size = on ? 54 : 42,
			.bold = on,
			.align = CANVAS_CENTRE,
			.colour = on ? (uint32_t)ASSETS_TEXT : (uint32_t)ASSETS_DIM,
		};
		struct canvas_point at = { x + GEAR_STEP / 2,
			GEAR_Y + GEAR_HEIGHT / 2 + font.size * 0.36 };
		canvas_text(canvas, at, &font, text);
	}
	canvas_destroy(canvas);
}

static void add_telltale(const struct hmi *hmi, unsigned index, bool on) {
	char name[32];
	snprintf(name, sizeof(name), "telltale/%u/%s", index, on ? "on" : "off");
	double x =
		WIDTH / 2 + (index - (HMI_TELLTALES - 1) / 2.0) * TELLTALE_STEP - TELLTALE_BOX / 2;
	struct canvas *canvas = begin_tile(hmi, x, TELLTALE_Y, TELLTALE_BOX, TELLTALE_BOX, name);
	if (canvas == NULL) {
		return;
	}
	/* the symbol's own 64 units in 56 of the drawing's, in the middle of the box */
	double inset = (TELLTALE_BOX - 56) / 2;
	struct canvas_point origin = {
		.x = hmi->origin.x + (x + inset) * hmi->scale,
		.y = hmi->origin.y + (TELLTALE_Y + inset) * hmi->scale,
	};
	canvas_place(canvas, origin, hmi->scale * 56 / 64);
	assets_draw_telltale(canvas, index, on);
	canvas_destroy(canvas);
}

static void add_missing(const struct hmi *hmi, const char *layer, unsigned row) {
	char name[64], text[64];
	double y = MISSING_Y + row * MISSING_HEIGHT;
	snprintf(name, sizeof(name), "missing/%s", layer);
	snprintf(text, sizeof(text), "%s: no signal", layer);
	/* long names are written smaller: a bold letter is 0.6 of the size wide */
	double size = fmin(25, (MISSING_WIDTH - 26) / (0.6 * (double)strlen(text)));
	struct canvas *canvas = begin_tile(hmi, MISSING_X, y, MISSING_WIDTH, MISSING_HEIGHT, name);
	if (canvas == NULL) {
		return;
	}
	canvas_text(canvas, (struct canvas_point) { MISSING_X + 26, y + 33 },
		&(struct canvas_font) { NULL, size, true, CANVAS_LEFT, (uint32_t)ASSETS_AMBER },
		text);
	canvas_box(canvas, MISSING_X, y + 15, 12, 18, 3, (uint32_t)ASSETS_AMBER);
	canvas_destroy(canvas);
}

void assets_add_hmi(struct atlas_builder *builder, const struct config *config, unsigned output) {
	struct rect area = find_area(config, output);
	double scale = fmin(area.width / WIDTH, area.height / HEIGHT);
	struct hmi hmi = {
		.builder = builder,
		.output = config->outputs[output].name,
		.area = area,
		.origin = {
			.x = area.x + (area.width - WIDTH * scale) / 2,
			.y = area.y + (area.height - HEIGHT * scale) / 2,
		},
		.scale = scale,
	};
	add_background(&hmi, &config->outputs[output], config->name);
	add_speed(&hmi);
	for (const char *gear = "PRND-"; *gear != '\0'; gear++) {
		add_gear(&hmi, *gear);
	}
	for (unsigned i = 0; i < HMI_TELLTALES; i++) {
		add_telltale(&hmi, i, false);
		add_telltale(&hmi, i, true);
	}
	unsigned row = 0;
	for (unsigned i = 0; i < config->layers_len; i++) {
		const struct config_layer *layer = &config->layers[i];
		if (layer->output == output && layer->critical) {
			add_missing(&hmi, layer->name, MIN(row, MISSING_ROWS - 1));
			row++;
		}
	}
}
