#include "service/canvas.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <cairo.h>
#include <fontconfig/fontconfig.h>

#include "service/symbol.h"

/* drawn for cockpit screens: open shapes, no digit or letter taken for another */
#define FONT_FAMILY "B612"

struct canvas {
	cairo_surface_t *surface;
	cairo_t *cairo;
	struct canvas_point first;
	double scale;
};

/* the same shapes at every size, whatever this machine likes for its desktop */
static void set_font_options(cairo_t *cairo) {
	cairo_font_options_t *options = cairo_font_options_create();
	cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
	cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
	cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
	cairo_set_font_options(cairo, options);
	cairo_font_options_destroy(options);
}

struct canvas *canvas_create(
	uint32_t *pixels, uint32_t width, uint32_t height, struct canvas_point first) {
	struct canvas *canvas = calloc(1, sizeof(*canvas));
	if (canvas == NULL) {
		return NULL;
	}
	canvas->surface = cairo_image_surface_create_for_data((unsigned char *)pixels,
		CAIRO_FORMAT_ARGB32, (int)width, (int)height, (int)width * 4);
	canvas->cairo = cairo_create(canvas->surface);
	canvas->first = first;
	/* cairo's objects are never NULL: a failed one is in an error state */
	if (cairo_status(canvas->cairo) != CAIRO_STATUS_SUCCESS) {
		canvas_destroy(canvas);
		errno = ENOMEM;
		return NULL;
	}
	cairo_set_line_cap(canvas->cairo, CAIRO_LINE_CAP_ROUND);
	cairo_set_line_join(canvas->cairo, CAIRO_LINE_JOIN_ROUND);
	set_font_options(canvas->cairo);
	canvas_place(canvas, (struct canvas_point) { 0, 0 }, 1);
	return canvas;
}

void canvas_destroy(struct canvas *canvas) {
	if (canvas == NULL) {
		return;
	}
	cairo_destroy(canvas->cairo);
	cairo_surface_flush(canvas->surface);
	cairo_surface_destroy(canvas->surface);
	free(canvas);
}

void canvas_place(struct canvas *canvas, struct canvas_point origin, double scale) {
	cairo_identity_matrix(canvas->cairo);
	cairo_translate(canvas->cairo, origin.x - canvas->first.x, origin.y - canvas->first.y);
	cairo_scale(canvas->cairo, scale, scale);
	canvas->scale = scale;
}

static double channel(uint32_t colour, unsigned shift) {
	return (colour >> shift & 0xff) / 255.0;
}

static void set_colour(struct canvas *canvas, uint32_t colour) {
	cairo_set_source_rgba(canvas->cairo, channel(colour, 16), channel(colour, 8),
		channel(colour, 0), channel(colour, 24));
}

static void add_stop(cairo_pattern_t *pattern, double offset, uint32_t colour, double alpha) {
	cairo_pattern_add_color_stop_rgba(pattern, offset, channel(colour, 16), channel(colour, 8),
		channel(colour, 0), alpha);
}

static void add_box(
	struct canvas *canvas, double x, double y, double width, double height, double radius) {
	cairo_t *cairo = canvas->cairo;
	radius = fmin(radius, fmin(width, height) / 2);
	cairo_new_path(cairo);
	if (radius <= 0) {
		cairo_rectangle(cairo, x, y, width, height);
		return;
	}
	cairo_arc(cairo, x + width - radius, y + radius, radius, -M_PI_2, 0);
	cairo_arc(cairo, x + width - radius, y + height - radius, radius, 0, M_PI_2);
	cairo_arc(cairo, x + radius, y + height - radius, radius, M_PI_2, M_PI);
	cairo_arc(cairo, x + radius, y + radius, radius, M_PI, 3 * M_PI_2);
	cairo_close_path(cairo);
}

void canvas_box(struct canvas *canvas, double x, double y, double width, double height,
	double radius, uint32_t colour) {
	add_box(canvas, x, y, width, height, radius);
	set_colour(canvas, colour);
	cairo_fill(canvas->cairo);
}

void canvas_shade(struct canvas *canvas, double x, double y, double width, double height,
	double radius, uint32_t top, uint32_t bottom) {
	cairo_pattern_t *pattern = cairo_pattern_create_linear(0, y, 0, y + height);
	add_stop(pattern, 0, top, channel(top, 24));
	add_stop(pattern, 1, bottom, channel(bottom, 24));
	add_box(canvas, x, y, width, height, radius);
	cairo_set_source(canvas->cairo, pattern);
	cairo_fill(canvas->cairo);
	cairo_pattern_destroy(pattern);
}

void canvas_frame(struct canvas *canvas, double x, double y, double width, double height,
	double radius, double line, uint32_t colour) {
	add_box(canvas, x, y, width, height, radius);
	set_colour(canvas, colour);
	cairo_set_line_width(canvas->cairo, line);
	cairo_stroke(canvas->cairo);
}

void canvas_arc(struct canvas *canvas, struct canvas_point centre, double radius, double from,
	double to, double line, uint32_t colour) {
	cairo_new_path(canvas->cairo);
	cairo_arc(canvas->cairo, centre.x, centre.y, radius, from * M_PI / 180, to * M_PI / 180);
	set_colour(canvas, colour);
	cairo_set_line_width(canvas->cairo, line);
	cairo_set_line_cap(canvas->cairo, CAIRO_LINE_CAP_BUTT);
	cairo_stroke(canvas->cairo);
	cairo_set_line_cap(canvas->cairo, CAIRO_LINE_CAP_ROUND);
}

void canvas_line(struct canvas *canvas, struct canvas_point from, struct canvas_point to,
	double line, uint32_t colour) {
	cairo_new_path(canvas->cairo);
	cairo_move_to(canvas->cairo, from.x, from.y);
	cairo_line_to(canvas->cairo, to.x, to.y);
	set_colour(canvas, colour);
	cairo_set_line_width(canvas->cairo, line);
	cairo_set_line_cap(canvas->cairo, CAIRO_LINE_CAP_BUTT);
	cairo_stroke(canvas->cairo);
	cairo_set_line_cap(canvas->cairo, CAIRO_LINE_CAP_ROUND);
}

void canvas_polygon(
	struct canvas *canvas, const struct canvas_point *corners, size_t len, uint32_t colour) {
	cairo_new_path(canvas->cairo);
	for (size_t i = 0; i < len; i++) {
		cairo_line_to(canvas->cairo, corners[i].x, corners[i].y);
	}
	cairo_close_path(canvas->cairo);
	set_colour(canvas, colour);
	cairo_fill(canvas->cairo);
}

void canvas_symbol(struct canvas *canvas, struct canvas_point at, double width, double height,
	struct symbol *symbol, const uint32_t *colour) {
	uint32_t pixels_x = (uint32_t)fmax(round(width * canvas->scale), 1);
	uint32_t pixels_y = (uint32_t)fmax(round(height * canvas->scale), 1);
	const uint32_t *pixels = symbol_draw(symbol, pixels_x, pixels_y);
	if (pixels == NULL) {
		return; /* its colours' CRCs are equal then, which is found */
	}
	cairo_t *cairo = canvas->cairo;
	cairo_surface_t *surface = cairo_image_surface_create_for_data((unsigned char *)pixels,
		CAIRO_FORMAT_ARGB32, (int)pixels_x, (int)pixels_y, (int)pixels_x * 4);
	cairo_save(cairo);
	cairo_user_to_device(cairo, &at.x, &at.y);
	cairo_identity_matrix(cairo);
	/* on whole pixels: it was drawn for them */
	double x = round(at.x), y = round(at.y);
	if (colour != NULL) {
		set_colour(canvas, *colour);
		cairo_mask_surface(cairo, surface, x, y);
	} else {
		cairo_set_source_surface(cairo, surface, x, y);
		cairo_paint(cairo);
	}
	cairo_restore(cairo);
	cairo_surface_destroy(surface);
}

void canvas_glow(
	struct canvas *canvas, struct canvas_point centre, double radius, uint32_t colour) {
	cairo_pattern_t *pattern =
		cairo_pattern_create_radial(centre.x, centre.y, 0, centre.x, centre.y, radius);
	add_stop(pattern, 0, colour, channel(colour, 24));
	add_stop(pattern, 1, colour, 0);
	cairo_new_path(canvas->cairo);
	cairo_arc(canvas->cairo, centre.x, centre.y, radius, 0, 2 * M_PI);
	cairo_set_source(canvas->cairo, pattern);
	cairo_fill(canvas->cairo);
	cairo_pattern_destroy(pattern);
}

static unsigned argument_count(char command) {
	switch (command) {
	case 'M':
	case 'L':
		return 2;
	case 'O':
		return 3;
	case 'C':
		return 6;
	default:
		assert(command == 'Z'); /* shapes are ours */
		return 0;
	}
}

static void add_command(cairo_t *cairo, char command, const double *args) {
	switch (command) {
	case 'M':
		cairo_move_to(cairo, args[0], args[1]);
		break;
	case 'L':
		cairo_line_to(cairo, args[0], args[1]);
		break;
	case 'C':
		cairo_curve_to(cairo, args[0], args[1], args[2], args[3], args[4], args[5]);
		break;
	case 'O':
		cairo_new_sub_path(cairo);
		cairo_arc(cairo, args[0], args[1], args[2], 0, 2 * M_PI);
		cairo_close_path(cairo);
		break;
	default:
		cairo_close_path(cairo);
		break;
	}
}

static void add_shape(struct canvas *canvas, const char *shape) {
	cairo_new_path(canvas->cairo);
	while (*shape != '\0') {
		char command = *shape++;
		if (command == ' ') {
			continue;
		}
		double args[6];
		for (unsigned i = 0; i < argument_count(command); i++) {
			char *end;
			args[i] = strtod(shape, &end);
			assert(end != shape);
			shape = end;
		}
		add_command(canvas->cairo, command, args);
	}
}

void canvas_stroke(struct canvas *canvas, const char *shape, double line, uint32_t colour) {
	add_shape(canvas, shape);
	set_colour(canvas, colour);
	cairo_set_line_width(canvas->cairo, line);
	cairo_stroke(canvas->cairo);
}

double canvas_text(struct canvas *canvas, struct canvas_point at, const struct canvas_font *font,
	const char *text) {
	cairo_t *cairo = canvas->cairo;
	cairo_select_font_face(cairo, font->family != NULL ? font->family : FONT_FAMILY,
		CAIRO_FONT_SLANT_NORMAL,
		font->bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(cairo, font->size);
	cairo_text_extents_t extents;
	cairo_text_extents(cairo, text, &extents);
	double before = font->align == CANVAS_LEFT ? 0
		: font->align == CANVAS_RIGHT      ? extents.x_advance
						   : extents.x_advance / 2;
	set_colour(canvas, font->colour);
	cairo_move_to(cairo, at.x - before, at.y);
	cairo_show_text(cairo, text);
	cairo_new_path(cairo);
	return extents.x_advance;
}

void canvas_forget(void) {
	cairo_debug_reset_static_data();
	FcFini();
}
