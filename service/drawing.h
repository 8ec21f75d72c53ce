/*
 * A drawing: what an HMI looks like, read from its file (fascia.hmi.yaml(5)) and checked: every name is
 * resolved, every value in range, every element on the drawing, no safety element in the way of another
 * one. Themes and locales are in the order of the signals of these names.
 *
 * Lengths are in units of the drawing, of which a pixel of the output has one or more; angles in
 * degrees, clockwise from three o'clock. Thread: any, one at a time.
 */
#ifndef SERVICE_DRAWING_H
#define SERVICE_DRAWING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/atlas.h"
#include "core/rect.h"
#include "service/canvas.h"
#include "service/config_source.h"
#include "service/symbol.h"

#define DRAWING_NAMES_MAX 64   /* of colours, texts, fonts: each */
#define DRAWING_SHAPES_MAX 128 /* of the ground; of an element */
#define DRAWING_ELEMENTS_MAX 64 /* a quarter of an atlas: it may have four outputs */
#define DRAWING_CHOICES_MAX 8
#define DRAWING_STATES_MAX 512

enum drawing_shape_kind {
	DRAWING_BOX,      /* at, size, radius, colour */
	DRAWING_OUTLINE,  /* the same with a line */
	DRAWING_SHADE,    /* a box from colour (top) to end (bottom) */
	DRAWING_GLOW,     /* around at, radius: colour that fades */
	DRAWING_ARC,      /* around at, radius, from, to, line */
	DRAWING_TICKS,    /* count of them along an arc, inwards for length */
	DRAWING_NUMERALS, /* least..most by step along an arc */
	DRAWING_TEXT,     /* at is on its base line */
	DRAWING_SYMBOL,   /* at, size; in its own colours when it is given none */
};

/* In each theme. */
struct drawing_colour {
	uint32_t argb[ATLAS_THEMES_MAX];
	bool is_given;
};

/* In each locale; borrowed from the drawing's file. NULL: none. */
struct drawing_text {
	const char *values[ATLAS_LOCALES_MAX];
};

struct drawing_font {
	const char *family;
	bool bold;
	double size;
};

struct drawing_shape {
	enum drawing_shape_kind kind;
	struct canvas_point at;
	double width, height;
	double radius, from, to, line, length;
	uint32_t count, least, most, step;
	struct drawing_colour colour, end;
	struct drawing_font font;
	enum canvas_align align;
	struct drawing_text text;
	struct symbol *symbol; /* owned; NULL: none */
};

struct drawing_needle {
	struct canvas_point at; /* what it turns around */
	double inner, outer;    /* from there to its ends */
	double width, from, to;
};

struct drawing_shapes {
	struct drawing_shape *items; /* owned */
	uint32_t len;
};

struct drawing_element {
	struct atlas_element
		atlas; /* as it goes into the atlas, but for output, place, and first_tile */
	struct rect place;          /* in units */
	bool has_texts;             /* looks different in each locale */
	struct drawing_colour colour, off, plate;
	struct drawing_font font;
	struct drawing_text choices[DRAWING_CHOICES_MAX];
	bool single; /* of the choices only the chosen one is drawn; unknown: the first */
	struct symbol *symbol; /* owned; NULL: none */
	bool has_needle;
	struct drawing_needle needle;
	struct drawing_shapes shapes;
};

struct drawing {
	struct config_source *source; /* owned: for complaints about what is drawn */
	struct file_drawing *file;    /* owned */
	uint32_t width, height;
	uint32_t themes_len, locales_len;
	struct drawing_shapes ground;
	uint32_t elements_len;
	struct drawing_element elements[DRAWING_ELEMENTS_MAX];
};

/* Reads and checks the file. Symbols are found beside it. NULL after writing to `errors` all that is
 * wrong, each with FILE:LINE and what is allowed. */
struct drawing *drawing_load(const char *path, FILE *errors);
void drawing_destroy(struct drawing *drawing); /* NULL is legal */

/* Draws the ground onto a canvas in units of the drawing. */
void drawing_paint_ground(
	const struct drawing *drawing, struct canvas *canvas, uint32_t theme, uint32_t locale);

/* Where one state of an element is drawn: its place, or what a needle covers, in units. */
struct drawing_box {
	double x, y, width, height;
};
struct drawing_box drawing_state_box(const struct drawing_element *element, uint32_t state);

/* Draws one state of it. Of a readout: one digit, in a box of its cell's size at its leftmost cell. */
void drawing_paint_state(const struct drawing_element *element, struct canvas *canvas,
	uint32_t theme, uint32_t locale, uint32_t state);

#endif
