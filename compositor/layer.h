/*
 * A layer: a guest's scanout or a picture of the atlas, somewhere on an output. Its configuration, what
 * commands changed of it, its state, and what it looks like in a scene.
 *
 * Thread: the compositor's. Nothing allocates after layer_init().
 */
#ifndef COMPOSITOR_LAYER_H
#define COMPOSITOR_LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "compositor/guest.h"
#include "compositor/layer_state.h"
#include "compositor/scene.h"
#include "core/atlas.h"
#include "core/config.h"
#include "core/stats.h"

struct layer {
	const struct config_layer *config;
	uint32_t index;                 /* in the configuration */
	struct guest *guest;            /* NULL: a picture of the atlas */
	const struct atlas *atlas;
	const struct atlas_tile *tile;  /* its placeholder or picture; NULL: not in the atlas */

	/* as configured, then as commanded */
	struct rect place;
	int32_t z;
	uint8_t opacity;
	bool is_visible;
	bool is_connected;

	struct layer_machine machine;   /* of a guest's layer */
	const struct ticker *ticker;    /* of its output */
	uint64_t reported[FAULT_REACTIONS]; /* since the last tick, as in struct layer_signs */
	bool is_acknowledged;           /* since the last tick */
	struct rects damage;            /* of the guest's picture, since it was composed last */

	/* exported */
	_Atomic uint64_t *state_value;
	_Atomic uint64_t *cause_value; /* of not being live */
	_Atomic uint64_t *frames_value;
	_Atomic uint64_t *rejected_value;
	_Atomic uint64_t *losses_value;
	_Atomic uint64_t *lost_ns_value;
};

/* `guest` uses the layer's channel already. `output`, `ticker`: the layer's, for its times; the ticker
 * outlives it. */
void layer_init(struct layer *layer, const struct config_layer *config, uint32_t index,
	struct guest *guest, const struct atlas *atlas, const struct config_output *output,
	const struct ticker *ticker, struct stats *stats);

/* A new picture came on its channel. */
void layer_add_damage(struct layer *layer, const struct rects *damage);

/* A check found this wrong with what the layer shows: judged at the next tick, and forgotten then. What
 * lasts is reported at each tick. `reaction`: what is to be done; DEFAULT: what the layer's configuration
 * says of the cause. */
void layer_report(struct layer *layer, enum fault_cause cause, enum fault_reaction reaction);
/* Ends its quarantine, if it is in one. */
void layer_acknowledge(struct layer *layer);

/* One tick of its output: see layer_machine_step(). */
size_t layer_step(struct layer *layer, uint64_t tick, uint64_t now_ns,
	struct layer_transition transitions[LAYER_TRANSITIONS_MAX]);

enum layer_state layer_state(const struct layer *layer);

/* Whether its guest's picture is looked at: it is shown, or it may come to be. A picture whose source is
 * gone is never shown again. */
bool layer_is_judged(const struct layer *layer);
/* A picture was taken that layer_step() has not seen. */
bool layer_has_new_picture(const struct layer *layer);

/* Puts the layer and its cursor on top of the scene, and forgets the damage. */
void layer_add_to_scene(struct layer *layer, struct scene *scene, const struct rect *output);

/* Carries out a command (enum control_layer, its values). 0, or -EINVAL: a value out of range, or not for
 * this kind of layer; nothing was changed then. What it means for the guest's display is the caller's. */
int layer_command(struct layer *layer, int64_t command, const int64_t values[3]);

#endif
