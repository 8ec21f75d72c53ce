/*
 * Drawing: shapes, symbols and text into a picture's pixels, antialiased. Everything the host draws
 * itself is drawn by this before start.
 *
 * Pixels are premultiplied BGRA. Lengths are in units of the current place: canvas_place() says where
 * its origin is and how many pixels a unit has. Colours are 0xAARRGGBB, not premultiplied.
 *
 * Thread: any, one per canvas.
 */
#ifndef SERVICE_CANVAS_H
#define SERVICE_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct canvas;
struct symbol;

struct canvas_point {
	double x, y;
};

enum canvas_align { CANVAS_LEFT, CANVAS_CENTRE, CANVAS_RIGHT };

struct canvas_font {
	const char *family; /* NULL: B612 */
	double size; /* units; the height of capitals is about 0.72 of it */
	bool bold;
	enum canvas_align align;
	uint32_t colour;
};

/* Draws into `pixels` (borrowed), rows of width * 4 bytes, of which the first is pixel `first` of the
 * plane that canvas_place() speaks of. NULL with errno. */
struct canvas *canvas_create(
	uint32_t *pixels, uint32_t width, uint32_t height, struct canvas_point first);
void canvas_destroy(struct canvas *canvas);

/* From now on 0,0 is at pixel `origin` of the plane, and a unit is `scale` pixels. */
void canvas_place(struct canvas *canvas, struct canvas_point origin, double scale);

/* A rectangle with round corners (radius 0: sharp ones). */
void canvas_box(struct canvas *canvas, double x, double y, double width, double height,
	double radius, uint32_t colour);
/* The same, from `top` colour to `bottom` colour. */
void canvas_shade(struct canvas *canvas, double x, double y, double width, double height,
	double radius, uint32_t top, uint32_t bottom);
/* Its outline. */
void canvas_frame(struct canvas *canvas, double x, double y, double width, double height,
	double radius, double line, uint32_t colour);

/* An arc; degrees clockwise from three o'clock; straight ends. */
void canvas_arc(struct canvas *canvas, struct canvas_point centre, double radius, double from,
	double to, double line, uint32_t colour);

/* A straight line with straight ends. */
void canvas_line(struct canvas *canvas, struct canvas_point from, struct canvas_point to,
	double line, uint32_t colour);
void canvas_polygon(
	struct canvas *canvas, const struct canvas_point *corners, size_t len, uint32_t colour);

/* A symbol, as large as fits into width x height: its shape in one colour, or NULL: in its own. */
void canvas_symbol(struct canvas *canvas, struct canvas_point at, double width, double height,
	struct symbol *symbol, const uint32_t *colour);

/* A disc that fades from `colour` in its centre to nothing at its edge. */
void canvas_glow(struct canvas *canvas, struct canvas_point centre, double radius, uint32_t colour);

/*
 * A line with round ends and corners along a shape, as in the `d` attribute of SVG with the commands M, L,
 * C, Z and O (a circle: centre and radius), all absolute: "M 10 10 L 20 30 Z O 5 5 2".
 */
void canvas_stroke(struct canvas *canvas, const char *shape, double line, uint32_t colour);

/* One line of text, `at` is on its base line. Returns its width. */
double canvas_text(struct canvas *canvas, struct canvas_point at, const struct canvas_font *font,
	const char *text);

/* Gives back what the libraries keep for the next canvas (fonts, most of all). No canvas may be alive. */
void canvas_forget(void);

#endif
