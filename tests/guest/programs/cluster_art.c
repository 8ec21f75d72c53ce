#include "tests/guest/programs/cluster_art.h"

#include <math.h>
#include <stdio.h>

#include "tests/guest/programs/telltale_icon.h"

#define INK 0xe9f0f7
#define DIM 0x75879b
#define FAINT 0x2a3646
#define RED 0xff4a3d

const struct art_dial art_dials[ART_DIALS] = {
	[ART_SPEED] = { 278, 252, 205, 240, 20, 10, 40, 1000, 1, "km/h", 0x1577ff, 0x4fe3ff },
	[ART_REVS] = { 1002, 252, 205, 8000, 1000, 500, 1000, 6500, 1000, "1/min x 1000", 0x4fe3ff,
		0x1577ff },
};

const struct art_box art_road = { 520, 104, 240, 186 };

#define LAMP(slot) { 466 + 45 * (slot), 424, 30, 30 }

const struct art_box art_telltales[TELLTALES] = {
	[TELLTALE_LEFT] = { 508, 26, 44, 44 },
	[TELLTALE_RIGHT] = { 728, 26, 44, 44 },
	[TELLTALE_LOW_BEAM] = LAMP(0),
	[TELLTALE_HIGH_BEAM] = LAMP(1),
	[TELLTALE_BELT] = LAMP(2),
	[TELLTALE_BRAKE] = LAMP(3),
	[TELLTALE_ABS] = LAMP(4),
	[TELLTALE_OIL] = LAMP(5),
	[TELLTALE_BATTERY] = LAMP(6),
	[TELLTALE_ENGINE] = LAMP(7),
};

void art_source(cairo_t *cr, uint32_t rgb, double alpha) {
	cairo_set_source_rgba(
		cr, (rgb >> 16) / 255.0, ((rgb >> 8) & 0xff) / 255.0, (rgb & 0xff) / 255.0, alpha);
}

void art_text(cairo_t *cr, const char *text, double x, double y, double size, bool bold) {
	cairo_text_extents_t extents;

	cairo_select_font_face(cr, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
		bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(cr, size);
	cairo_text_extents(cr, text, &extents);
	cairo_move_to(cr, x - extents.x_bearing - extents.width / 2, y);
	cairo_show_text(cr, text);
	cairo_new_path(cr);
}

static void add_stop(cairo_pattern_t *pattern, double offset, uint32_t rgb, double alpha) {
	cairo_pattern_add_color_stop_rgba(pattern, offset, (rgb >> 16) / 255.0,
		((rgb >> 8) & 0xff) / 255.0, (rgb & 0xff) / 255.0, alpha);
}

double art_dial_angle(const struct art_dial *dial, double value) {
	double part = fmax(0, fmin(1, value / dial->max));

	return ART_DIAL_START + part * ART_DIAL_SWEEP;
}

/* ---- dials ---- */

static void paint_dial_plate(cairo_t *cr, const struct art_dial *dial) {
	double r = dial->radius;
	cairo_pattern_t *plate =
		cairo_pattern_create_radial(dial->x, dial->y, r * 0.1, dial->x, dial->y, r * 1.06);

	add_stop(plate, 0, 0x0b111b, 1);
	add_stop(plate, 0.72, 0x101a29, 1);
	add_stop(plate, 0.9, 0x0a1019, 1);
	add_stop(plate, 1, 0x05080d, 1);
	cairo_arc(cr, dial->x, dial->y, r * 1.06, 0, 2 * M_PI);
	cairo_set_source(cr, plate);
	cairo_fill_preserve(cr);
	cairo_pattern_destroy(plate);
	cairo_pattern_t *rim =
		cairo_pattern_create_linear(0, dial->y - r * 1.06, 0, dial->y + r * 1.06);
	add_stop(rim, 0, 0x5d6f85, 1);
	add_stop(rim, 0.35, 0x263140, 1);
	add_stop(rim, 0.7, 0x151c26, 1);
	add_stop(rim, 1, 0x3a4859, 1);
	cairo_set_source(cr, rim);
	cairo_set_line_width(cr, 2.5);
	cairo_stroke(cr);
	cairo_pattern_destroy(rim);
}

static void ring_path(cairo_t *cr, const struct art_dial *dial, double from, double to) {
	cairo_new_path(cr);
	cairo_arc(cr, dial->x, dial->y, dial->radius * ART_RING_OUTER, from, to);
	cairo_arc_negative(cr, dial->x, dial->y, dial->radius * ART_RING_INNER, to, from);
	cairo_close_path(cr);
}

static void paint_ring(cairo_t *cr, const struct art_dial *dial) {
	ring_path(cr, dial, ART_DIAL_START, ART_DIAL_START + ART_DIAL_SWEEP);
	art_source(cr, 0x17212e, 1);
	cairo_fill(cr);
	if (dial->red_from < dial->max) {
		ring_path(cr, dial, art_dial_angle(dial, dial->red_from),
			ART_DIAL_START + ART_DIAL_SWEEP);
		art_source(cr, RED, 0.45);
		cairo_fill(cr);
	}
	cairo_arc(cr, dial->x, dial->y, dial->radius * 0.60, 0, 2 * M_PI);
	art_source(cr, FAINT, 0.9);
	cairo_set_line_width(cr, 1.2);
	cairo_stroke(cr);
}

static void paint_tick(cairo_t *cr, const struct art_dial *dial, double value, bool major) {
	double angle = art_dial_angle(dial, value);
	double inner = dial->radius * (major ? 0.80 : 0.825), outer = dial->radius * 0.85;

	art_source(cr, value >= dial->red_from ? RED : major ? INK : DIM, 1);
	cairo_set_line_width(cr, major ? 3 : 1.5);
	cairo_move_to(cr, dial->x + inner * cos(angle), dial->y + inner * sin(angle));
	cairo_line_to(cr, dial->x + outer * cos(angle), dial->y + outer * sin(angle));
	cairo_stroke(cr);
}

static void paint_label(cairo_t *cr, const struct art_dial *dial, double value) {
	double angle = art_dial_angle(dial, value), at = dial->radius * 0.70;
	char text[8];

	snprintf(text, sizeof(text), "%.0f", value / dial->label_unit);
	art_source(cr, value >= dial->red_from ? RED : 0xb9c7d6, 1);
	art_text(cr, text, dial->x + at * cos(angle), dial->y + at * sin(angle) + 6, 16, false);
}

static void paint_dial(cairo_t *cr, const struct art_dial *dial) {
	paint_dial_plate(cr, dial);
	paint_ring(cr, dial);
	for (double value = 0; value <= dial->max; value += dial->minor) {
		paint_tick(cr, dial, value, fmod(value, dial->major) == 0);
		if (fmod(value, dial->label) == 0) {
			paint_label(cr, dial, value);
		}
	}
	art_source(cr, DIM, 1);
	art_text(cr, dial->unit, dial->x, dial->y + 52, 15, false);
}

static void paint_ring_lit(cairo_t *cr, const struct art_dial *dial) {
	double r = dial->radius;
	cairo_pattern_t *glow = cairo_pattern_create_linear(
		dial->x - r, dial->y + r / 2, dial->x + r, dial->y - r / 2);

	add_stop(glow, 0, dial->colour, 1);
	add_stop(glow, 1, dial->colour_end, 1);
	ring_path(cr, dial, ART_DIAL_START, ART_DIAL_START + ART_DIAL_SWEEP);
	cairo_set_source(cr, glow);
	cairo_fill(cr);
	cairo_pattern_destroy(glow);
	if (dial->red_from < dial->max) {
		ring_path(cr, dial, art_dial_angle(dial, dial->red_from),
			ART_DIAL_START + ART_DIAL_SWEEP);
		art_source(cr, RED, 1);
		cairo_fill(cr);
	}
	cairo_arc(cr, dial->x, dial->y, r * 0.915, ART_DIAL_START, ART_DIAL_START + ART_DIAL_SWEEP);
	cairo_set_source_rgba(cr, 1, 1, 1, 0.22);
	cairo_set_line_width(cr, r * 0.02);
	cairo_stroke(cr);
}

void art_paint_pointer(cairo_t *cr, const struct art_dial *dial, double angle) {
	double r = dial->radius;

	cairo_save(cr);
	cairo_translate(cr, dial->x, dial->y);
	cairo_rotate(cr, angle);
	cairo_move_to(cr, r * ART_POINTER_INNER, -1.5);
	cairo_line_to(cr, r * ART_POINTER_OUTER, -4);
	cairo_line_to(cr, r * ART_POINTER_OUTER, 4);
	cairo_line_to(cr, r * ART_POINTER_INNER, 1.5);
	cairo_close_path(cr);
	art_source(cr, 0xffffff, 1);
	cairo_fill_preserve(cr);
	art_source(cr, RED, 1);
	cairo_set_line_width(cr, 2);
	cairo_stroke(cr);
	cairo_restore(cr);
}

/* ---- the middle ---- */

/* Screen position of a point on the road: x metres to the right, z >= 1 times the nearest distance. */
static void road_point(double x, double z, double *screen_x, double *screen_y) {
	*screen_x = art_road.x + art_road.width / 2 + x * 30 / z;
	*screen_y = art_road.y + art_road.height * (0.10 + 0.88 / z);
}

static void road_quad(cairo_t *cr, double x, double half_width, double z0, double z1) {
	const double corners[4][2] = { { x - half_width, z0 }, { x + half_width, z0 },
		{ x + half_width, z1 }, { x - half_width, z1 } };

	for (int i = 0; i < 4; i++) {
		double screen_x, screen_y;
		road_point(corners[i][0], corners[i][1], &screen_x, &screen_y);
		cairo_line_to(cr, screen_x, screen_y);
	}
	cairo_close_path(cr);
	cairo_fill(cr);
}

static void paint_car(cairo_t *cr) {
	double x = art_road.x + art_road.width / 2, y = art_road.y + art_road.height - 26;

	cairo_move_to(cr, x - 30, y + 12);
	cairo_curve_to(cr, x - 33, y - 6, x - 28, y - 12, x - 22, y - 14);
	cairo_curve_to(cr, x - 17, y - 34, x - 14, y - 36, x, y - 36);
	cairo_curve_to(cr, x + 14, y - 36, x + 17, y - 34, x + 22, y - 14);
	cairo_curve_to(cr, x + 28, y - 12, x + 33, y - 6, x + 30, y + 12);
	cairo_close_path(cr);
	art_source(cr, 0xdfe8f1, 1);
	cairo_fill_preserve(cr);
	art_source(cr, 0x0a0f16, 1);
	cairo_set_line_width(cr, 1);
	cairo_stroke(cr);
	cairo_move_to(cr, x - 16, y - 16);
	cairo_line_to(cr, x - 12, y - 31);
	cairo_line_to(cr, x + 12, y - 31);
	cairo_line_to(cr, x + 16, y - 16);
	cairo_close_path(cr);
	art_source(cr, 0x22303f, 1);
	cairo_fill(cr);
	art_source(cr, RED, 1);
	cairo_rectangle(cr, x - 27, y - 6, 13, 4);
	cairo_rectangle(cr, x + 14, y - 6, 13, 4);
	cairo_fill(cr);
}

static void paint_lanes(cairo_t *cr, double shift) {
	art_source(cr, 0x131c28, 1);
	road_quad(cr, 0, 5.4, 0.9, 30);
	art_source(cr, 0x1b2a3d, 1);
	road_quad(cr, 0, 1.75, 0.9, 30);
	art_source(cr, 0x2f9bff, 0.9);
	road_quad(cr, -1.8, 0.05, 0.9, 30);
	road_quad(cr, 1.8, 0.05, 0.9, 30);
	art_source(cr, 0x9fb2c6, 0.85);
	for (int i = 0; i < 24; i++) {
		double z = 0.4 + 1.2 * (i - shift);
		if (z + 0.45 > 0.9) {
			road_quad(cr, -5.2, 0.07, fmax(0.9, z), z + 0.45);
			road_quad(cr, 5.2, 0.07, fmax(0.9, z), z + 0.45);
		}
	}
}

/* Fades what is drawn between cairo_push_group() and here, along a line. */
static void pop_faded(cairo_t *cr, cairo_pattern_t *fade) {
	cairo_pop_group_to_source(cr);
	cairo_mask(cr, fade);
	cairo_pattern_destroy(fade);
}

void art_paint_road(cairo_t *cr, unsigned phase) {
	const struct art_box *box = &art_road;
	cairo_pattern_t *far = cairo_pattern_create_linear(0, box->y, 0, box->y + box->height);
	cairo_pattern_t *side = cairo_pattern_create_linear(box->x, 0, box->x + box->width, 0);

	add_stop(far, 0.1, 0, 0);
	add_stop(far, 0.5, 0, 1);
	add_stop(far, 1, 0, 1);
	add_stop(side, 0, 0, 0);
	add_stop(side, 0.22, 0, 1);
	add_stop(side, 0.78, 0, 1);
	add_stop(side, 1, 0, 0);
	cairo_save(cr);
	cairo_rectangle(cr, box->x, box->y, box->width, box->height);
	cairo_clip(cr);
	cairo_push_group(cr);
	cairo_push_group(cr);
	paint_lanes(cr, (double)phase / ART_ROAD_PHASES);
	pop_faded(cr, far);
	pop_faded(cr, side);
	paint_car(cr);
	cairo_restore(cr);
}

static void paint_telltales(cairo_t *cr, bool lit) {
	for (int i = 0; i < TELLTALES; i++) {
		const struct art_box *box = &art_telltales[i];

		cairo_save(cr);
		cairo_translate(cr, box->x + box->width / 2, box->y + box->height / 2);
		cairo_scale(cr, box->width * 0.45, box->height * 0.45);
		art_source(cr, lit ? telltale_icon_colour((enum telltale)i) : 0x1d2733, 1);
		telltale_icon_draw(cr, (enum telltale)i);
		cairo_restore(cr);
	}
}

/* A small bar in a dial's gap: fuel and coolant. They do not move: the tank of a demo is full. */
static void paint_level(cairo_t *cr, double x, const char *low, const char *high, int filled) {
	for (int i = 0; i < 10; i++) {
		art_source(cr, i < filled ? 0x4fe3ff : FAINT, i < filled ? 0.85 : 1);
		cairo_rectangle(cr, x - 59 + i * 12, 402, 9, 8);
		cairo_fill(cr);
	}
	art_source(cr, DIM, 1);
	art_text(cr, low, x - 72, 411, 13, false);
	art_text(cr, high, x + 74, 411, 13, false);
}

static void paint_middle(cairo_t *cr) {
	art_source(cr, FAINT, 1);
	cairo_set_line_width(cr, 1);
	cairo_move_to(cr, 470, 410.5);
	cairo_line_to(cr, 810, 410.5);
	cairo_move_to(cr, 520, 300.5);
	cairo_line_to(cr, 760, 300.5);
	cairo_stroke(cr);
	art_source(cr, DIM, 1);
	art_text(cr, "km", 630, 397, 12, false);
	art_text(cr, "trip", 672, 397, 12, false);
	art_source(cr, DIM, 1);
	art_text(cr, "21.5 °C", 640, 84, 13, false);
}

void art_paint_background(cairo_t *cr) {
	cairo_pattern_t *sky = cairo_pattern_create_radial(640, 230, 40, 640, 260, 760);

	add_stop(sky, 0, 0x0e1826, 1);
	add_stop(sky, 0.45, 0x080d15, 1);
	add_stop(sky, 1, 0x030508, 1);
	cairo_set_source(cr, sky);
	cairo_paint(cr);
	cairo_pattern_destroy(sky);
	for (int i = 0; i < ART_DIALS; i++) {
		paint_dial(cr, &art_dials[i]);
	}
	paint_middle(cr);
	paint_level(cr, art_dials[ART_SPEED].x, "E", "F", 8);
	paint_level(cr, art_dials[ART_REVS].x, "C", "H", 5);
	paint_telltales(cr, false);
}

void art_paint_lit(cairo_t *cr) {
	for (int i = 0; i < ART_DIALS; i++) {
		paint_ring_lit(cr, &art_dials[i]);
	}
	paint_telltales(cr, true);
}
