/*
 * What a layer's guest drew, as checks see it: the picture in hand, whether it is shown or not.
 *
 * The pixels are in the guest's pool: a compromised endpoint may change them at any time, so that what is
 * found here is a hint and never a proof. What is shown is checked where it was composed.
 *
 * Thread: the compositor's. Nothing allocates.
 */
#ifndef COMPOSITOR_LAYER_VIEW_H
#define COMPOSITOR_LAYER_VIEW_H

#include <stdbool.h>

#include "compositor/check.h"
#include "compositor/layer.h"
#include "compositor/painter.h"

/* The picture, from 0,0 on. False: there is none, or one whose format keeps alpha among the colours. */
bool layer_view(const struct layer *layer, struct check_view *view);

/* Where a place on the output is in the picture: as it is for one that is shown 1:1, else rounded to
 * whole pixels. */
struct rect layer_view_place(
	const struct layer *layer, const struct check_view *view, const struct rect *place);

/* Whether the picture's pixels appear as they are: 1:1, opaque, blue first. */
bool layer_view_is_direct(const struct layer *layer);

/* What of the output the picture covers, as it is placed and clipped. */
struct rect layer_view_visible(
	const struct layer *layer, const struct check_view *view, const struct rect *output);

/* The picture as a sprite that shows nothing but its part in `place`, opaque. It is direct. */
struct sprite layer_view_sprite(
	const struct layer *layer, const struct check_view *view, const struct rect *place);

#endif
