/*
 * Draws sprites, back to front, into a part of a picture, touching each pixel as seldom as it can: an
 * opaque sprite hides the work below it, at the price of a few rectangles.
 *
 * Thread: the compositor's. No call but create and destroy allocates.
 */
#ifndef COMPOSITOR_PAINTER_H
#define COMPOSITOR_PAINTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/pixel_format.h"
#include "core/rect.h"

#define PAINTER_TARGET_MAX 8192  /* pixels each way of a target */
#define PAINTER_SOURCE_MAX 16384 /* pixels each way of a sprite's picture */
#define PAINTER_SPRITES_MAX 448 /* layers with cursors, and an HMI of all elements */

struct sprite {
	const uint8_t *pixels; /* `height` rows of `stride` bytes; NULL: plain `colour` */
	uint32_t stride;
	uint32_t width, height; /* of the pixels, 1..PAINTER_SOURCE_MAX */
	enum pixel_format format; /* premultiplied where it has alpha */
	uint32_t colour; /* 0x00RRGGBB, when there are no pixels */
	uint8_t opacity;
	bool opaque; /* hides what is below: every alpha is 255, and so is the opacity */
	struct rect place; /* where all of it would go; of another size than the pixels: scaled */
	struct rect visible; /* the part of `place` that is drawn */
};

struct painter_target {
	uint32_t *pixels; /* BGRX */
	uint32_t stride; /* bytes */
	uint32_t width, height;
};

struct painter;

struct painter *painter_create(void); /* NULL with errno */
void painter_destroy(struct painter *painter);

/*
 * Draws `area` of the scene: sprites[0] is the rearmost. Pixels that no sprite covers become black.
 * `area` and every `visible` are clipped to the target. len <= PAINTER_SPRITES_MAX.
 */
void painter_draw(struct painter *painter, const struct painter_target *target,
	const struct sprite *sprites, size_t len, const struct rect *area);

/* Pixels written so far, blends counted again: what occlusion saves, for tests and statistics. */
uint64_t painter_pixels_written(const struct painter *painter);

#endif
