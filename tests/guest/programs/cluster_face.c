#include "tests/guest/programs/cluster_face.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Characters a field can show; one cell each, so that digits do not dance. */
static const char alphabet[] = "0123456789.:D ";
#define ALPHABET_LEN (sizeof(alphabet) - 1)

/* A dial's pointer is redrawn in steps of this angle, so that no box reaches the dial's middle. */
#define SECTOR_STEP 0.15

enum { TYPE_HUGE, TYPE_LARGE, TYPE_SMALL, TYPES };

static const struct {
	double size, cell; /* design units */
	bool bold;
	uint32_t colour;
} types[TYPES] = {
	[TYPE_HUGE] = { 66, 46, true, 0xf4f8fc },
	[TYPE_LARGE] = { 40, 29, true, 0x4fe3ff },
	[TYPE_SMALL] = { 17, 11.5, false, 0xb9c7d6 },
};

/* Text is centred on x, its base line at y. */
static const struct {
	double x, y;
	int type;
} fields[FACE_FIELDS] = {
	[FACE_SPEED] = { 278, 274, TYPE_HUGE },
	[FACE_REVS] = { 1002, 274, TYPE_HUGE },
	[FACE_GEAR] = { 640, 346, TYPE_LARGE },
	[FACE_ODOMETER] = { 582, 397, TYPE_SMALL },
	[FACE_TRIP] = { 724, 397, TYPE_SMALL },
	[FACE_CLOCK] = { 640, 56, TYPE_SMALL },
};

struct box {
	int x, y, width, height; /* pixels, inside the picture */
};

struct glyphs {
	cairo_surface_t *surface; /* ALPHABET_LEN cells side by side */
	int cell, height, ascent; /* pixels */
};

struct cluster_face {
	int width, height;
	double scale, left, top; /* from design units to pixels */
	cairo_surface_t *background, *lit;
	cairo_surface_t *road[ART_ROAD_PHASES]; /* of road_box's size */
	struct box road_box;
	struct glyphs glyphs[TYPES];
};

/* ---- boxes ---- */

static struct box box_outwards(
	const struct cluster_face *face, double x0, double y0, double x1, double y1) {
	int left = (int)fmax(0, floor(face->left + x0 * face->scale));
	int top = (int)fmax(0, floor(face->top + y0 * face->scale));
	int right = (int)fmin(face->width, ceil(face->left + x1 * face->scale));
	int bottom = (int)fmin(face->height, ceil(face->top + y1 * face->scale));

	return (struct box) { left, top, right > left ? right - left : 0,
		bottom > top ? bottom - top : 0 };
}

static struct box box_of(const struct cluster_face *face, const struct art_box *art) {
	return box_outwards(face, art->x, art->y, art->x + art->width, art->y + art->height);
}

/* Copies a box of a picture whose own origin lies at (x, y) of the display. */
static void copy_box(
	const struct face_buffer *buffer, cairo_surface_t *picture, int x, int y, struct box box) {
	size_t stride = (size_t)cairo_image_surface_get_stride(picture);
	const uint8_t *from =
		cairo_image_surface_get_data(picture) + (box.y - y) * (int)stride + 4 * (box.x - x);
	uint8_t *to = buffer->pixels + (size_t)box.y * buffer->stride + 4 * (size_t)box.x;

	for (int row = 0; row < box.height; row++) {
		memcpy(to, from, 4 * (size_t)box.width);
		from += stride;
		to += buffer->stride;
	}
}

/* ---- the still parts ---- */

static cairo_surface_t *picture_create(
	const struct cluster_face *face, struct box box, cairo_t **cr_out) {
	cairo_surface_t *surface =
		cairo_image_surface_create(CAIRO_FORMAT_RGB24, box.width, box.height);
	cairo_t *cr = cairo_create(surface);

	cairo_translate(cr, face->left - box.x, face->top - box.y);
	cairo_scale(cr, face->scale, face->scale);
	*cr_out = cr;
	return surface;
}

static void paint_over_background(cairo_t *cr, struct cluster_face *face, struct box box) {
	cairo_save(cr);
	cairo_identity_matrix(cr);
	cairo_set_source_surface(cr, face->background, -box.x, -box.y);
	cairo_paint(cr);
	cairo_restore(cr);
}

static void face_paint(struct cluster_face *face) {
	struct box all = { 0, 0, face->width, face->height };
	cairo_t *cr;

	face->background = picture_create(face, all, &cr);
	art_paint_background(cr);
	cairo_destroy(cr);
	face->lit = picture_create(face, all, &cr);
	paint_over_background(cr, face, all);
	art_paint_lit(cr);
	cairo_destroy(cr);
	face->road_box = box_of(face, &art_road);
	for (unsigned i = 0; i < ART_ROAD_PHASES; i++) {
		face->road[i] = picture_create(face, face->road_box, &cr);
		paint_over_background(cr, face, face->road_box);
		art_paint_road(cr, i);
		cairo_destroy(cr);
	}
}

static void glyphs_paint(struct glyphs *glyphs, int type, double scale) {
	double size = types[type].size * scale;

	glyphs->cell = (int)ceil(types[type].cell * scale);
	glyphs->height = (int)ceil(size);
	glyphs->ascent = (int)ceil(size * 0.78);
	glyphs->surface = cairo_image_surface_create(
		CAIRO_FORMAT_ARGB32, glyphs->cell * (int)ALPHABET_LEN, glyphs->height);
	cairo_t *cr = cairo_create(glyphs->surface);
	art_source(cr, types[type].colour, 1);
	for (size_t i = 0; i < ALPHABET_LEN; i++) {
		char text[2] = { alphabet[i] };
		art_text(cr, text, glyphs->cell * ((double)i + 0.5), glyphs->ascent, size,
			types[type].bold);
	}
	cairo_destroy(cr);
	cairo_surface_flush(glyphs->surface);
}

static bool face_is_painted(const struct cluster_face *face) {
	bool ok = cairo_surface_status(face->background) == CAIRO_STATUS_SUCCESS &&
		cairo_surface_status(face->lit) == CAIRO_STATUS_SUCCESS;

	for (int i = 0; i < ART_ROAD_PHASES; i++) {
		ok = ok && cairo_surface_status(face->road[i]) == CAIRO_STATUS_SUCCESS;
	}
	for (int i = 0; i < TYPES; i++) {
		ok = ok && cairo_surface_status(face->glyphs[i].surface) == CAIRO_STATUS_SUCCESS;
	}
	return ok;
}

struct cluster_face *cluster_face_create(uint32_t width, uint32_t height) {
	struct cluster_face *face = calloc(1, sizeof(*face));

	if (!face) {
		return NULL;
	}
	face->width = (int)width;
	face->height = (int)height;
	face->scale = fmin((double)width / ART_WIDTH, (double)height / ART_HEIGHT);
	face->left = floor((width - ART_WIDTH * face->scale) / 2);
	face->top = floor((height - ART_HEIGHT * face->scale) / 2);
	face_paint(face);
	for (int i = 0; i < TYPES; i++) {
		glyphs_paint(&face->glyphs[i], i, face->scale);
	}
	if (!face_is_painted(face)) {
		cluster_face_destroy(face);
		return NULL;
	}
	return face;
}

void cluster_face_destroy(struct cluster_face *face) {
	if (!face) {
		return;
	}
	cairo_surface_destroy(face->background);
	cairo_surface_destroy(face->lit);
	for (int i = 0; i < ART_ROAD_PHASES; i++) {
		cairo_surface_destroy(face->road[i]);
	}
	for (int i = 0; i < TYPES; i++) {
		cairo_surface_destroy(face->glyphs[i].surface);
	}
	free(face);
}

/* ---- what moves ---- */

/* What a pointer touches at angles between these two. */
static struct box sector_box(
	const struct cluster_face *face, const struct art_dial *dial, double from, double to) {
	double x0 = INFINITY, y0 = INFINITY, x1 = -INFINITY, y1 = -INFINITY;
	const double margin = 7;

	for (int i = 0; i < 10; i++) {
		double angle = from + (to - from) * (i / 2) / 4;
		double r = dial->radius * (i % 2 ? ART_POINTER_OUTER : ART_POINTER_INNER);
		double x = dial->x + r * cos(angle), y = dial->y + r * sin(angle);
		x0 = fmin(x0, x), x1 = fmax(x1, x);
		y0 = fmin(y0, y), y1 = fmax(y1, y);
	}
	return box_outwards(face, x0 - margin, y0 - margin, x1 + margin, y1 + margin);
}

static void draw_dial(struct cluster_face *face, struct face_buffer *buffer, cairo_t *cr,
	const struct art_dial *dial, double old, double angle) {
	double from = fmin(old, angle), to = fmax(old, angle);

	cairo_save(cr);
	for (double at = from;; at += SECTOR_STEP) {
		struct box box = sector_box(face, dial, at, fmin(at + SECTOR_STEP, to));
		copy_box(buffer, face->background, 0, 0, box);
		cairo_rectangle(cr, box.x, box.y, box.width, box.height);
		if (at + SECTOR_STEP >= to) {
			break;
		}
	}
	cairo_clip(cr);
	cairo_translate(cr, face->left, face->top);
	cairo_scale(cr, face->scale, face->scale);
	cairo_arc(cr, dial->x, dial->y, dial->radius * ART_RING_OUTER, ART_DIAL_START, angle);
	cairo_arc_negative(
		cr, dial->x, dial->y, dial->radius * ART_RING_INNER, angle, ART_DIAL_START);
	cairo_close_path(cr);
	cairo_identity_matrix(cr);
	cairo_set_source_surface(cr, face->lit, 0, 0);
	cairo_fill(cr);
	cairo_translate(cr, face->left, face->top);
	cairo_scale(cr, face->scale, face->scale);
	art_paint_pointer(cr, dial, angle);
	cairo_restore(cr);
}

static void draw_field(struct cluster_face *face, struct face_buffer *buffer, cairo_t *cr,
	int field, const char *text, size_t old_len) {
	const struct glyphs *glyphs = &face->glyphs[fields[field].type];
	int len = (int)strlen(text), longest = len > (int)old_len ? len : (int)old_len;
	double middle = face->left + fields[field].x * face->scale;
	int top = (int)(face->top + fields[field].y * face->scale) - glyphs->ascent;
	int x = (int)(middle - longest * glyphs->cell / 2.0) - 1;

	copy_box(buffer, face->background, 0, 0,
		(struct box) { x, top, longest * glyphs->cell + 2, glyphs->height });
	x = (int)(middle - len * glyphs->cell / 2.0);
	for (int i = 0; i < len; i++, x += glyphs->cell) {
		const char *found = strchr(alphabet, text[i]);
		if (found) {
			cairo_set_source_surface(cr, glyphs->surface,
				x - (int)(found - alphabet) * glyphs->cell, top);
			cairo_rectangle(cr, x, top, glyphs->cell, glyphs->height);
			cairo_fill(cr);
		}
	}
}

static void write_fields(char text[FACE_FIELDS][FACE_TEXT_BYTES], const struct drive *drive) {
	snprintf(text[FACE_SPEED], FACE_TEXT_BYTES, "%.0f", drive->speed_kmh);
	snprintf(text[FACE_REVS], FACE_TEXT_BYTES, "%.1f", drive->revs / 1000);
	snprintf(text[FACE_GEAR], FACE_TEXT_BYTES, "D%u", drive->gear % 10);
	snprintf(text[FACE_ODOMETER], FACE_TEXT_BYTES, "%06u", drive->odometer % 1000000);
	snprintf(text[FACE_TRIP], FACE_TEXT_BYTES, "%u.%u", drive->trip / 10 % 10000,
		drive->trip % 10);
	snprintf(text[FACE_CLOCK], FACE_TEXT_BYTES, "%02u:%02u", drive->minute / 60 % 24,
		drive->minute % 60);
}

static void draw_fields(struct cluster_face *face, struct face_buffer *buffer, cairo_t *cr,
	const struct drive *drive) {
	char text[FACE_FIELDS][FACE_TEXT_BYTES];

	write_fields(text, drive);
	for (int i = 0; i < FACE_FIELDS; i++) {
		char *shown = buffer->shown.text[i];
		if (strcmp(shown, text[i]) != 0) {
			draw_field(face, buffer, cr, i, text[i], strlen(shown));
			strcpy(shown, text[i]);
		}
	}
}

static void draw_telltales(
	struct cluster_face *face, struct face_buffer *buffer, const struct drive *drive) {
	uint32_t changed = buffer->shown.telltales ^ drive->telltales;

	for (int i = 0; i < TELLTALES; i++) {
		if (changed >> i & 1) {
			copy_box(buffer, drive->telltales >> i & 1 ? face->lit : face->background,
				0, 0, box_of(face, &art_telltales[i]));
		}
	}
	buffer->shown.telltales = drive->telltales;
}

static void draw_dials(struct cluster_face *face, struct face_buffer *buffer, cairo_t *cr,
	const struct drive *drive) {
	const double values[ART_DIALS] = {
		[ART_SPEED] = drive->speed_kmh, [ART_REVS] = drive->revs
	};

	for (int i = 0; i < ART_DIALS; i++) {
		double angle = art_dial_angle(&art_dials[i], values[i]);
		double *shown = &buffer->shown.angle[i];
		if (angle != *shown) {
			draw_dial(face, buffer, cr, &art_dials[i], *shown, angle);
			*shown = angle;
		}
	}
}

/* A buffer nothing is known of: the background, pointers to be drawn from the ring's start. */
static void draw_from_nothing(struct cluster_face *face, struct face_buffer *buffer) {
	memset(&buffer->shown, 0, sizeof(buffer->shown));
	copy_box(buffer, face->background, 0, 0, (struct box) { 0, 0, face->width, face->height });
	for (int i = 0; i < ART_DIALS; i++) {
		buffer->shown.angle[i] = ART_DIAL_START - 0.01;
	}
	buffer->shown.road_phase = ART_ROAD_PHASES;
	buffer->shown.valid = true;
}

void cluster_face_draw(
	struct cluster_face *face, struct face_buffer *buffer, const struct drive *drive) {
	cairo_surface_t *target = cairo_image_surface_create_for_data(
		buffer->pixels, CAIRO_FORMAT_RGB24, face->width, face->height, (int)buffer->stride);
	cairo_t *cr = cairo_create(target);
	double marking = drive->distance_m / ART_ROAD_METRES;
	unsigned phase = (unsigned)((marking - floor(marking)) * ART_ROAD_PHASES) % ART_ROAD_PHASES;

	if (!buffer->shown.valid) {
		draw_from_nothing(face, buffer);
	}
	if (phase != buffer->shown.road_phase) {
		copy_box(buffer, face->road[phase], face->road_box.x, face->road_box.y,
			face->road_box);
		buffer->shown.road_phase = phase;
	}
	draw_telltales(face, buffer, drive);
	draw_dials(face, buffer, cr, drive);
	draw_fields(face, buffer, cr, drive);
	cairo_destroy(cr);
	cairo_surface_destroy(target);
}
