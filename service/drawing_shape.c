/*
 * Shapes: what the ground, frames and notices are drawn of.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "service/drawing_impl.h"

#define NUMERALS_MAX 100
#define CAPITALS 0.36 /* half the height of digits and capitals, of a font's size */

/* ---- reading ---- */

enum {
	NEEDS_SIZE = 1 << 0,
	NEEDS_RADIUS = 1 << 1,
	NEEDS_ARC = 1 << 2, /* from, to */
	NEEDS_LINE = 1 << 3,
	NEEDS_TICKS = 1 << 4, /* count, length */
	NEEDS_NUMBERS = 1 << 5, /* least, most, step */
	NEEDS_COLOUR = 1 << 6,
	NEEDS_END = 1 << 7,
	NEEDS_FONT = 1 << 8,
	NEEDS_TEXT = 1 << 9,
	NEEDS_SYMBOL = 1 << 10,
};

static const uint32_t needs[] = {
	[DRAWING_BOX] = NEEDS_SIZE | NEEDS_COLOUR,
	[DRAWING_OUTLINE] = NEEDS_SIZE | NEEDS_LINE | NEEDS_COLOUR,
	[DRAWING_SHADE] = NEEDS_SIZE | NEEDS_COLOUR | NEEDS_END,
	[DRAWING_GLOW] = NEEDS_RADIUS | NEEDS_COLOUR,
	[DRAWING_ARC] = NEEDS_RADIUS | NEEDS_ARC | NEEDS_LINE | NEEDS_COLOUR,
	[DRAWING_TICKS] = NEEDS_RADIUS | NEEDS_ARC | NEEDS_LINE | NEEDS_TICKS | NEEDS_COLOUR,
	[DRAWING_NUMERALS] = NEEDS_RADIUS | NEEDS_ARC | NEEDS_NUMBERS | NEEDS_FONT | NEEDS_COLOUR,
	[DRAWING_TEXT] = NEEDS_FONT | NEEDS_TEXT | NEEDS_COLOUR,
	[DRAWING_SYMBOL] = NEEDS_SIZE | NEEDS_SYMBOL,
};

static void check_needs(
	struct drawing_reader *reader, const char *where, const struct file_shape *file) {
	const struct {
		uint32_t need;
		const char *key;
		const void *given;
	} keys[] = {
		{ NEEDS_SIZE, "size", file->size },
		{ NEEDS_RADIUS, "radius", file->radius },
		{ NEEDS_ARC, "from", file->from },
		{ NEEDS_ARC, "to", file->to },
		{ NEEDS_LINE, "line", file->line },
		{ NEEDS_TICKS, "count", file->count },
		{ NEEDS_TICKS, "length", file->length },
		{ NEEDS_NUMBERS, "least", file->least },
		{ NEEDS_NUMBERS, "most", file->most },
		{ NEEDS_NUMBERS, "step", file->step },
		{ NEEDS_COLOUR, "colour", file->colour },
		{ NEEDS_END, "end", file->end },
		{ NEEDS_TEXT, "text", file->text },
		{ NEEDS_SYMBOL, "symbol", file->symbol },
	};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if ((needs[*file->kind] & keys[i].need) != 0 && keys[i].given == NULL) {
			config_source_error(
				reader->source, where, "%s.%s is missing", where, keys[i].key);
		}
	}
}

static double number(const float *given) {
	return given != NULL ? *given : 0;
}

static uint32_t whole(const uint32_t *given) {
	return given != NULL ? *given : 0;
}

static void read_numbers(struct drawing_reader *reader, const char *where,
	const struct file_shape *file, struct drawing_shape *shape) {
	shape->radius = number(file->radius);
	shape->from = number(file->from);
	shape->to = number(file->to);
	shape->line = number(file->line);
	shape->length = number(file->length);
	shape->count = whole(file->count);
	shape->least = whole(file->least);
	shape->most = whole(file->most);
	shape->step = whole(file->step);
	shape->align = file->align != NULL ? *file->align : (uint32_t)CANVAS_LEFT;
	if (shape->kind == DRAWING_TICKS && (shape->count < 2 || shape->count > 1000)) {
		config_source_error(reader->source, where, "%s.count: %u; allowed: 2 to 1000",
			where, shape->count);
	}
	if (shape->kind == DRAWING_NUMERALS &&
		(shape->step == 0 || shape->most <= shape->least ||
			(shape->most - shape->least) / shape->step > NUMERALS_MAX)) {
		config_source_error(reader->source, where,
			"%s: least, most and step make no numerals; allowed: up to %d", where,
			NUMERALS_MAX);
	}
}

static bool read_shape(struct drawing_reader *reader, const char *where,
	const struct file_shape *file, struct drawing_shape *shape) {
	if (file->kind == NULL) {
		config_source_error(reader->source, where, "%s.kind is missing", where);
		return false;
	}
	shape->kind = *file->kind;
	check_needs(reader, where, file);
	int32_t x = 0, y = 0;
	uint32_t width = 0, height = 0;
	(void)drawing_read_place(reader, where, "at", file->at, &x, &y);
	if (file->size != NULL) {
		(void)drawing_read_size(reader, where, "size", file->size, &width, &height);
	}
	shape->at = (struct canvas_point) { x, y };
	shape->width = width;
	shape->height = height;
	read_numbers(reader, where, file, shape);
	drawing_read_colour(reader, where, "colour", file->colour, &shape->colour);
	drawing_read_colour(reader, where, "end", file->end, &shape->end);
	if ((needs[shape->kind] & NEEDS_FONT) != 0) {
		drawing_read_font(reader, where, file->font, &shape->font);
	}
	shape->symbol = drawing_read_symbol(reader, where, file->symbol);
	return drawing_read_text(reader, where, "text", file->text, &shape->text);
}

bool drawing_read_shapes(struct drawing_reader *reader, const char *where,
	const struct file_shape *file, uint32_t len, struct drawing_shapes *shapes) {
	shapes->items = len > 0 ? calloc(len, sizeof(*shapes->items)) : NULL;
	if (shapes->items == NULL) {
		if (len > 0) {
			config_source_error(reader->source, where, "out of memory");
		}
		return false;
	}
	shapes->len = len;
	bool has_texts = false;
	for (uint32_t i = 0; i < len; i++) {
		struct drawing_where at = drawing_where("%s[%u]", where, i);
		has_texts |= read_shape(reader, at.text, &file[i], &shapes->items[i]);
	}
	return has_texts;
}

/* ---- painting ---- */

static struct canvas_point polar(const struct drawing_shape *shape, double radius, double degrees) {
	double radians = degrees * M_PI / 180;
	return (struct canvas_point) {
		.x = shape->at.x + radius * cos(radians),
		.y = shape->at.y + radius * sin(radians),
	};
}

static void paint_ticks(const struct drawing_shape *shape, struct canvas *canvas, uint32_t colour) {
	for (uint32_t i = 0; i < shape->count; i++) {
		double degrees =
			shape->from + (shape->to - shape->from) * i / (double)(shape->count - 1);
		canvas_line(canvas, polar(shape, shape->radius, degrees),
			polar(shape, shape->radius - shape->length, degrees), shape->line, colour);
	}
}

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

static void paint_numerals(
	const struct drawing_shape *shape, struct canvas *canvas, uint32_t colour) {
	struct canvas_font font = canvas_font_from(&shape->font, CANVAS_CENTRE, colour);
	for (uint32_t value = shape->least; value <= shape->most; value += shape->step) {
		double part = (double)(value - shape->least) / (shape->most - shape->least);
		struct canvas_point at =
			polar(shape, shape->radius, shape->from + (shape->to - shape->from) * part);
		char text[16];
		snprintf(text, sizeof(text), "%u", value);
		at.y += shape->font.size * CAPITALS;
		canvas_text(canvas, at, &font, text);
	}
}

static void paint_shape(
	const struct drawing_shape *shape, struct canvas *canvas, uint32_t theme, uint32_t locale) {
	uint32_t colour = shape->colour.argb[theme];
	double x = shape->at.x, y = shape->at.y;
	switch (shape->kind) {
	case DRAWING_BOX:
		canvas_box(canvas, x, y, shape->width, shape->height, shape->radius, colour);
		break;
	case DRAWING_OUTLINE:
		canvas_frame(canvas, x, y, shape->width, shape->height, shape->radius, shape->line,
			colour);
		break;
	case DRAWING_SHADE:
		canvas_shade(canvas, x, y, shape->width, shape->height, shape->radius, colour,
			shape->end.argb[theme]);
		break;
	case DRAWING_GLOW:
		canvas_glow(canvas, shape->at, shape->radius, colour);
		break;
	case DRAWING_ARC:
		canvas_arc(canvas, shape->at, shape->radius, shape->from, shape->to, shape->line,
			colour);
		break;
	case DRAWING_TICKS:
		paint_ticks(shape, canvas, colour);
		break;
	case DRAWING_NUMERALS:
		paint_numerals(shape, canvas, colour);
		break;
	case DRAWING_TEXT: {
		struct canvas_font font = canvas_font_from(&shape->font, shape->align, colour);
		canvas_text(canvas, shape->at, &font, shape->text.values[locale]);
		break;
	}
	case DRAWING_SYMBOL:
		canvas_symbol(canvas, shape->at, shape->width, shape->height, shape->symbol,
			shape->colour.is_given ? &colour : NULL);
		break;
	}
}

void drawing_paint_shapes(const struct drawing_shapes *shapes, struct canvas *canvas,
	uint32_t theme, uint32_t locale) {
	for (uint32_t i = 0; i < shapes->len; i++) {
		paint_shape(&shapes->items[i], canvas, theme, locale);
	}
}

void drawing_paint_ground(
	const struct drawing *drawing, struct canvas *canvas, uint32_t theme, uint32_t locale) {
	drawing_paint_shapes(&drawing->ground, canvas, theme, locale);
}
