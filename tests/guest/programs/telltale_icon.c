#include "tests/guest/programs/telltale_icon.h"

#include <math.h>

#define GREEN 0x35d07f
#define BLUE 0x4aa3ff
#define AMBER 0xffb020
#define RED 0xff4a3d

static void line(cairo_t *cr, double x0, double y0, double x1, double y1) {
	cairo_move_to(cr, x0, y0);
	cairo_line_to(cr, x1, y1);
	cairo_stroke(cr);
}

static void polygon(cairo_t *cr, const double (*points)[2], int len) {
	cairo_move_to(cr, points[0][0], points[0][1]);
	for (int i = 1; i < len; i++) {
		cairo_line_to(cr, points[i][0], points[i][1]);
	}
	cairo_close_path(cr);
}

static void letters(cairo_t *cr, const char *text, double size) {
	cairo_text_extents_t extents;

	cairo_select_font_face(cr, "sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_BOLD);
	cairo_set_font_size(cr, size);
	cairo_text_extents(cr, text, &extents);
	cairo_move_to(cr, -extents.x_bearing - extents.width / 2,
		-extents.y_bearing - extents.height / 2);
	cairo_show_text(cr, text);
}

static void draw_arrow(cairo_t *cr) {
	static const double arrow[][2] = { { -1, 0 }, { -0.1, -0.85 }, { -0.1, -0.38 },
		{ 0.95, -0.38 }, { 0.95, 0.38 }, { -0.1, 0.38 }, { -0.1, 0.85 } };

	polygon(cr, arrow, 7);
	cairo_fill(cr);
}

static void draw_right(cairo_t *cr) {
	cairo_scale(cr, -1, 1);
	draw_arrow(cr);
}

static void draw_lamp(cairo_t *cr, double slope) {
	cairo_move_to(cr, 0.1, -0.62);
	cairo_curve_to(cr, 1.15, -0.62, 1.15, 0.62, 0.1, 0.62);
	cairo_close_path(cr);
	cairo_stroke(cr);
	for (int i = 0; i < 4; i++) {
		double y = -0.55 + 0.367 * i;
		line(cr, -0.12, y, -0.95, y + slope);
	}
}

static void draw_high_beam(cairo_t *cr) {
	draw_lamp(cr, 0);
}

static void draw_low_beam(cairo_t *cr) {
	draw_lamp(cr, 0.3);
}

static void draw_belt(cairo_t *cr) {
	cairo_arc(cr, 0, -0.68, 0.26, 0, 2 * M_PI);
	cairo_fill(cr);
	cairo_move_to(cr, -0.5, 0.9);
	cairo_curve_to(cr, -0.62, -0.1, -0.55, -0.3, 0, -0.3);
	cairo_curve_to(cr, 0.55, -0.3, 0.62, -0.1, 0.5, 0.9);
	cairo_stroke(cr);
	line(cr, 0.42, -0.2, -0.45, 0.85);
}

static void draw_brackets(cairo_t *cr) {
	cairo_arc(cr, 0, 0, 0.62, 0, 2 * M_PI);
	cairo_stroke(cr);
	cairo_arc(cr, 0, 0, 0.93, -0.65, 0.65);
	cairo_stroke(cr);
	cairo_arc(cr, 0, 0, 0.93, M_PI - 0.65, M_PI + 0.65);
	cairo_stroke(cr);
}

static void draw_brake(cairo_t *cr) {
	draw_brackets(cr);
	line(cr, 0, -0.33, 0, 0.12);
	cairo_arc(cr, 0, 0.33, 0.1, 0, 2 * M_PI);
	cairo_fill(cr);
}

static void draw_abs(cairo_t *cr) {
	draw_brackets(cr);
	letters(cr, "ABS", 0.48);
}

static void draw_oil(cairo_t *cr) {
	static const double can[][2] = { { -0.6, -0.2 }, { 0.28, -0.2 }, { 0.85, -0.45 },
		{ 0.95, -0.3 }, { 0.3, 0.45 }, { -0.6, 0.45 } };

	polygon(cr, can, 6);
	cairo_stroke(cr);
	line(cr, -0.15, -0.2, -0.15, -0.45);
	line(cr, -0.35, -0.45, 0.05, -0.45);
	line(cr, -0.6, 0.1, -0.95, -0.1);
	cairo_arc(cr, 0.9, 0.25, 0.12, 0, 2 * M_PI);
	cairo_fill(cr);
}

static void draw_battery(cairo_t *cr) {
	cairo_rectangle(cr, -0.85, -0.4, 1.7, 0.95);
	cairo_stroke(cr);
	line(cr, -0.62, -0.55, -0.3, -0.55);
	line(cr, 0.3, -0.55, 0.62, -0.55);
	line(cr, -0.62, 0.08, -0.22, 0.08);
	line(cr, 0.22, 0.08, 0.62, 0.08);
	line(cr, 0.42, -0.12, 0.42, 0.28);
}

static void draw_engine(cairo_t *cr) {
	static const double block[][2] = { { -0.6, -0.3 }, { -0.25, -0.3 }, { -0.05, -0.5 },
		{ 0.35, -0.5 }, { 0.5, -0.3 }, { 0.62, -0.3 }, { 0.62, -0.05 }, { 0.92, -0.05 },
		{ 0.92, 0.5 }, { 0.62, 0.5 }, { 0.35, 0.68 }, { -0.25, 0.68 }, { -0.45, 0.45 },
		{ -0.6, 0.45 } };

	polygon(cr, block, 14);
	cairo_stroke(cr);
	line(cr, -0.15, -0.72, 0.42, -0.72);
	line(cr, 0.14, -0.72, 0.14, -0.5);
	line(cr, -0.92, -0.15, -0.92, 0.35);
	line(cr, -0.92, 0.1, -0.6, 0.1);
}

static const struct {
	void (*draw)(cairo_t *cr);
	uint32_t colour;
} icons[TELLTALES] = {
	[TELLTALE_LEFT] = { draw_arrow, GREEN },
	[TELLTALE_RIGHT] = { draw_right, GREEN },
	[TELLTALE_HIGH_BEAM] = { draw_high_beam, BLUE },
	[TELLTALE_LOW_BEAM] = { draw_low_beam, GREEN },
	[TELLTALE_BELT] = { draw_belt, RED },
	[TELLTALE_BRAKE] = { draw_brake, RED },
	[TELLTALE_ABS] = { draw_abs, AMBER },
	[TELLTALE_OIL] = { draw_oil, RED },
	[TELLTALE_BATTERY] = { draw_battery, RED },
	[TELLTALE_ENGINE] = { draw_engine, AMBER },
};

void telltale_icon_draw(cairo_t *cr, enum telltale telltale) {
	cairo_save(cr);
	cairo_set_line_width(cr, 0.15);
	cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
	cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
	icons[telltale].draw(cr);
	cairo_restore(cr);
}

uint32_t telltale_icon_colour(enum telltale telltale) {
	return icons[telltale].colour;
}
