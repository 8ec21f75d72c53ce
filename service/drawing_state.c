/*
 * How each state of an element looks.
 */
#include <math.h>
#include <stddef.h>

#include "service/drawing_impl.h"

#define CAPITALS 0.36 /* half the height of digits and capitals, of a font's size */
#define READOUT_DASH 10
#define READOUT_BLANK 11
#define NEEDLE_TIP 0.4    /* of its width */
#define NEEDLE_MARGIN 2.5 /* units around it: its edge is soft */
#define BAR_GAP 2.0

static struct canvas_font canvas_font_from(
	const struct drawing_font *font, enum canvas_align align, uint32_t colour) {
	return (struct canvas_font) {
		.family = font->family,
		.size = font->size,
		.bold = font->bold,
		.align = align,
		.colour = colour,
	};
}

static void needle_corners(const struct drawing_element *element, uint32_t state, double margin,
	struct canvas_point corners[4]) {
	const struct drawing_needle *needle = &element->needle;
	double part = (double)state / (element->atlas.states_len - 1);
	double radians = (needle->from + (needle->to - needle->from) * part) * M_PI / 180;
	double c = cos(radians), s = sin(radians);
	const struct canvas_point flat[4] = {
		{ needle->inner - margin, -needle->width / 2 - margin },
		{ needle->outer + margin, -needle->width / 2 * NEEDLE_TIP - margin },
		{ needle->outer + margin, needle->width / 2 * NEEDLE_TIP + margin },
		{ needle->inner - margin, needle->width / 2 + margin },
	};
	for (int i = 0; i < 4; i++) {
		corners[i].x = needle->at.x + flat[i].x * c - flat[i].y * s;
		corners[i].y = needle->at.y + flat[i].x * s + flat[i].y * c;
	}
}

static struct drawing_box needle_box(const struct drawing_element *element, uint32_t state) {
	struct canvas_point corners[4];
	needle_corners(element, state, NEEDLE_MARGIN, corners);
	double left = corners[0].x, right = left, top = corners[0].y, bottom = top;
	for (int i = 1; i < 4; i++) {
		left = fmin(left, corners[i].x);
		right = fmax(right, corners[i].x);
		top = fmin(top, corners[i].y);
		bottom = fmax(bottom, corners[i].y);
	}
	return (struct drawing_box) { left, top, right - left, bottom - top };
}

struct drawing_box drawing_state_box(const struct drawing_element *element, uint32_t state) {
	if (element->has_needle) {
		return needle_box(element, state);
	}
	return (struct drawing_box) {
		.x = element->place.x,
		.y = element->place.y,
		.width = element->place.width,
		.height = element->place.height,
	};
}

static void paint_lamp(const struct drawing_element *element, struct canvas *canvas, uint32_t theme,
	uint32_t state) {
	const struct drawing_colour *colour = state != 0 ? &element->colour : &element->off;
	struct canvas_point at = { element->place.x, element->place.y };
	if (colour->is_given) {
		canvas_symbol(canvas, at, element->place.width, element->place.height,
			element->symbol, &colour->argb[theme]);
	}
}

static void paint_single(const struct drawing_element *element, struct canvas *canvas,
	uint32_t theme, uint32_t locale, uint32_t state) {
	uint32_t shown = state < element->atlas.states_len - 1 ? state : 0;
	struct canvas_font font =
		canvas_font_from(&element->font, CANVAS_CENTRE, element->colour.argb[theme]);
	const struct canvas_point at = {
		.x = element->place.x + element->place.width / 2.0,
		.y = element->place.y + element->place.height / 2.0 + font.size * CAPITALS,
	};
	canvas_text(canvas, at, &font, element->choices[shown].values[locale]);
}

/* All of them in a row, the chosen one bright and larger. */
static void paint_row(const struct drawing_element *element, struct canvas *canvas, uint32_t theme,
	uint32_t locale, uint32_t state) {
	uint32_t len = element->atlas.states_len - 1;
	double step = (double)element->place.width / len;
	for (uint32_t i = 0; i < len; i++) {
		bool chosen = i == state;
		struct canvas_font font = canvas_font_from(&element->font, CANVAS_CENTRE,
			(chosen ? &element->colour : &element->off)->argb[theme]);
		font.bold = chosen;
		font.size *= chosen ? 1 : 0.62;
		const struct canvas_point at = {
			.x = element->place.x + (i + 0.5) * step,
			.y = element->place.y + element->place.height / 2.0 + font.size * CAPITALS,
		};
		canvas_text(canvas, at, &font, element->choices[i].values[locale]);
	}
}

static void paint_digit(const struct drawing_element *element, struct canvas *canvas,
	uint32_t theme, uint32_t state) {
	double width = (double)element->place.width / element->atlas.digits;
	double middle = element->place.y + element->place.height / 2.0;
	uint32_t colour = element->colour.argb[theme];
	struct canvas_font font = canvas_font_from(&element->font, CANVAS_CENTRE, colour);
	if (state == READOUT_BLANK) {
		return;
	}
	if (state == READOUT_DASH) {
		double line = font.size * 0.1, dash = fmin(font.size * 0.4, width * 0.7);
		canvas_box(canvas, element->place.x + (width - dash) / 2, middle - line / 2, dash,
			line, line / 2, colour);
		return;
	}
	const char text[2] = { (char)('0' + state) };
	canvas_text(canvas,
		(struct canvas_point) {
			element->place.x + width / 2, middle + font.size * CAPITALS },
		&font, text);
}

static void paint_needle(const struct drawing_element *element, struct canvas *canvas,
	uint32_t theme, uint32_t state) {
	uint32_t colour = element->colour.argb[theme];
	struct canvas_point corners[4];
	needle_corners(element, state, 1.2, corners);
	canvas_polygon(canvas, corners, 4, (colour & 0xffffff) | 0x50000000);
	needle_corners(element, state, 0, corners);
	canvas_polygon(canvas, corners, 4, colour);
}

/* A row of segments, as many bright as the state says. */
static void paint_bar(const struct drawing_element *element, struct canvas *canvas, uint32_t theme,
	uint32_t state) {
	uint32_t len = element->atlas.states_len - 1;
	double step = (element->place.width + BAR_GAP) / len;
	for (uint32_t i = 0; i < len; i++) {
		const struct drawing_colour *colour = i < state ? &element->colour : &element->off;
		canvas_box(canvas, element->place.x + i * step, element->place.y, step - BAR_GAP,
			element->place.height, 1, colour->argb[theme]);
	}
}

void drawing_paint_state(const struct drawing_element *element, struct canvas *canvas,
	uint32_t theme, uint32_t locale, uint32_t state) {
	if (element->plate.is_given) {
		canvas_box(canvas, element->place.x, element->place.y, element->place.width,
			element->place.height, 0, element->plate.argb[theme]);
	}
	switch (element->atlas.kind) {
	case ATLAS_LAMP:
		paint_lamp(element, canvas, theme, state);
		break;
	case ATLAS_CHOICE:
		if (element->single) {
			paint_single(element, canvas, theme, locale, state);
		} else {
			paint_row(element, canvas, theme, locale, state);
		}
		break;
	case ATLAS_READOUT:
		paint_digit(element, canvas, theme, state);
		break;
	case ATLAS_GAUGE:
		if (element->has_needle) {
			paint_needle(element, canvas, theme, state);
		} else {
			paint_bar(element, canvas, theme, state);
		}
		break;
	default:
		drawing_paint_shapes(&element->shapes, canvas, theme, locale);
		break;
	}
}
