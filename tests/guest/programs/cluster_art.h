/*
 * What the test guest's instrument cluster looks like: its geometry, and the pictures that never
 * change, painted with cairo once. Units are those of a 1280 x 480 display; the caller scales.
 *
 * Thread: any; one cairo context per thread.
 */
#ifndef TESTS_GUEST_PROGRAMS_CLUSTER_ART_H
#define TESTS_GUEST_PROGRAMS_CLUSTER_ART_H

#include <cairo.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/guest/programs/drive.h"

#define ART_WIDTH 1280
#define ART_HEIGHT 480

struct art_box {
	double x, y, width, height;
};

/* A dial: a ring from ART_DIAL_START over ART_DIAL_SWEEP, clockwise. */
struct art_dial {
	double x, y, radius;
	double max; /* value at the ring's end */
	double major, minor, label; /* steps of the ticks and of the labels */
	double red_from; /* start of the red range; above max: none */
	double label_unit; /* labels show value / label_unit */
	const char *unit;
	uint32_t colour, colour_end;
};

enum { ART_SPEED, ART_REVS, ART_DIALS };

#define ART_DIAL_START (M_PI * 5 / 6)
#define ART_DIAL_SWEEP (M_PI * 4 / 3)
#define ART_RING_INNER 0.865 /* of the radius */
#define ART_RING_OUTER 0.965
#define ART_POINTER_INNER 0.77
#define ART_POINTER_OUTER 1.0

extern const struct art_dial art_dials[ART_DIALS];
extern const struct art_box art_road;
extern const struct art_box art_telltales[TELLTALES];

#define ART_ROAD_PHASES 16
#define ART_ROAD_METRES 12.0 /* from one marking to the next */

double art_dial_angle(const struct art_dial *dial, double value);

/* Everything that does not move, with rings and telltales dark. */
void art_paint_background(cairo_t *cr);
/* Over the background: rings and telltales fully lit. */
void art_paint_lit(cairo_t *cr);
/* The road, over the background; phase 0..ART_ROAD_PHASES-1. */
void art_paint_road(cairo_t *cr, unsigned phase);
/* A dial's pointer at an angle. */
void art_paint_pointer(cairo_t *cr, const struct art_dial *dial, double angle);

void art_source(cairo_t *cr, uint32_t rgb, double alpha);
/* Text with its middle at x and its base line at y. */
void art_text(cairo_t *cr, const char *text, double x, double y, double size, bool bold);

#endif
