/*
 * The symbols of the test guest's telltales, drawn by us after the shapes everybody knows from ISO 2575.
 *
 * Thread: any; one cairo context per thread.
 */
#ifndef TESTS_GUEST_PROGRAMS_TELLTALE_ICON_H
#define TESTS_GUEST_PROGRAMS_TELLTALE_ICON_H

#include <cairo.h>

#include "tests/guest/programs/drive.h"

/* Draws the symbol into a box of 2 x 2 around the origin, in the context's source. */
void telltale_icon_draw(cairo_t *cr, enum telltale telltale);

/* Its colour when lit, 0xRRGGBB. */
uint32_t telltale_icon_colour(enum telltale telltale);

#endif
