/*
 * What the files that draw assets share. For assets*.c only.
 */
#ifndef SERVICE_ASSETS_IMPL_H
#define SERVICE_ASSETS_IMPL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/atlas.h"
#include "core/config.h"
#include "core/macros.h"
#include "core/rect.h"
#include "service/atlas_builder.h"
#include "service/canvas.h"
#include "service/drawing.h"

/* Where a drawing goes on an output. */
struct assets_target {
	const char *output;  /* its name */
	struct rect area;    /* the ground covers all of it */
	struct canvas_point origin; /* of the drawing, in pixels of the output */
	double scale;        /* pixels a unit */
};

/* In the middle of the area, as large as fits. */
struct assets_target assets_target_from_area(
	const struct drawing *drawing, const char *output, const struct rect *area);

/* Adds a drawing's ground and elements. */
void assets_add_drawing(struct atlas_builder *builder, const struct drawing *drawing,
	const struct assets_target *target);
/* Adds its ground only. */
void assets_add_ground(struct atlas_builder *builder, const struct drawing *drawing,
	const struct assets_target *target);
/* After the builder has finished: complains through the drawing when a safety element that it added,
 * from `first` on, has two states with one checksum. */
bool assets_states_differ(
	const struct atlas_builder *builder, const struct drawing *drawing, uint32_t first);

/* Adds the elements of a built atlas, moved to the area's corner. */
void assets_add_built(struct atlas_builder *builder, const struct atlas *atlas, const char *output,
	const struct rect *area);

/* Makes a notice for each critical layer of the output out of the notice that is among its elements,
 * from `first` on, which then is gone. */
void assets_expand_notice(struct atlas_builder *builder, const struct config *config,
	unsigned output, uint32_t first);

/* Adds what stands in a lost layer's place. */
void assets_add_placeholder(struct atlas_builder *builder, const struct config_layer *layer);

#endif
