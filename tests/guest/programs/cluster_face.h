/*
 * The instrument cluster's picture, kept up to date in the frame buffers of its caller. The still
 * parts are painted once; a draw touches only what differs from what that buffer shows, which is what
 * makes it quick on an emulated processor.
 *
 * Thread: one.
 */
#ifndef TESTS_GUEST_PROGRAMS_CLUSTER_FACE_H
#define TESTS_GUEST_PROGRAMS_CLUSTER_FACE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/guest/programs/cluster_art.h"
#include "tests/guest/programs/drive.h"

enum { FACE_SPEED, FACE_REVS, FACE_GEAR, FACE_ODOMETER, FACE_TRIP, FACE_CLOCK, FACE_FIELDS };
#define FACE_TEXT_BYTES 12

/* A frame buffer, XRGB8888, of the face's size. `shown` is the face's own; zeroed: nothing known. */
struct face_buffer {
	uint8_t *pixels;
	uint32_t stride; /* bytes */
	struct {
		bool valid;
		double angle[ART_DIALS];
		char text[FACE_FIELDS][FACE_TEXT_BYTES];
		uint32_t telltales;
		unsigned road_phase;
	} shown;
};

struct cluster_face;

/* Paints the still parts for a display of this size. NULL: no memory. */
struct cluster_face *cluster_face_create(uint32_t width, uint32_t height);
void cluster_face_destroy(struct cluster_face *face);

/* Makes the buffer show this moment of the drive. */
void cluster_face_draw(
	struct cluster_face *face, struct face_buffer *buffer, const struct drive *drive);

#endif
