/*
 * A region of a layer that is checked besides the safety elements: as configured, and, of every critical
 * layer that is not `dark`, that its picture is not all of one colour.
 *
 * It is looked at in the composed picture while its layer is shown there, else in the guest's own picture,
 * so that a layer does not come back with what it was taken away for; uniformity is always looked for in
 * the guest's own, since the host's elements are in the composed one. A configuration with another layer in
 * front of a region is refused: it would decide about this one's.
 *
 * Thread: the compositor's. Plain storage.
 */
#ifndef COMPOSITOR_REGION_H
#define COMPOSITOR_REGION_H

#include <stdbool.h>
#include <stdint.h>

#include "compositor/check.h"
#include "compositor/layer.h"
#include "compositor/scene.h"
#include "core/atlas.h"
#include "core/config.h"
#include "core/fault.h"
#include "core/safety_page.h"

#define REGION_UNIFORM_FRAMES 3 /* of one colour: so many are a fault */

struct region {
	const char *name;
	enum safety_check check;
	struct layer *layer;
	struct rect place; /* on the output */
	bool is_of_picture; /* looked at in the guest's own picture only: all of it */
	uint32_t frames, skip, threshold;
	enum fault_reaction reaction; /* DEFAULT: the layer's */
	uint32_t element; /* PRESENCE: in the atlas */

	struct check_live live;
	struct check_counter counter;
	uint32_t failed; /* frames in a row, as far as they matter */
	bool is_fault;
	bool was_shown; /* in the last picture composed */
	uint64_t looked_tick;
	uint64_t well_ns;
	struct safety_region *page;
};

void region_init(struct region *region, const struct config_region *config, struct layer *layer);
/* The uniformity of a layer; `name` outlives it. */
void region_init_uniform(struct region *region, const char *name, struct layer *layer);

enum fault_cause region_cause(const struct region *region);
/* What is done about it. Never DEFAULT. */
enum fault_reaction region_reaction(const struct region *region);

/* What is looked at, and what may be needed to judge it. */
struct region_sight {
	struct check_view view;
	struct rect place;          /* in the view */
	const struct scene *scene;  /* OWNER: of the composed picture; NULL: an own one */
	struct check_reference reference; /* PRESENCE */
	uint64_t tick, now_ns;
	bool is_blind; /* says that all is well, whatever it sees */
};

/* The own picture as a sight: fills view and place. False: none. */
bool region_see_own(const struct region *region, struct region_sight *sight);

/* A frame of it. At most one a tick counts. What is found is in `is_fault`. */
void region_look(struct region *region, const struct region_sight *sight);
/* There is nothing to look at. */
void region_rest(struct region *region);

#endif
