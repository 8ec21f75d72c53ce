/*
 * The HMI of an output that the host draws itself, put together from the atlas' elements: as the fallback
 * when a critical layer is missing, and, of it, the safety elements and frames above the layers. The
 * fallback covers what its ground covers: the whole output, or the critical layers' places. Without a
 * ground it covers the whole output, plainly.
 *
 * Values are the vehicle's signals (core/signals.h). What is unknown is shown as such: lamps are lit, numbers
 * are dashes, gauges have no needle.
 *
 * Thread: the compositor's. Nothing allocates after hmi_init().
 */
#ifndef COMPOSITOR_HMI_H
#define COMPOSITOR_HMI_H

#include <stdbool.h>
#include <stdint.h>

#include "compositor/scene.h"
#include "core/atlas.h"
#include "core/config.h"
#include "core/signals.h"

/* An element of the output. */
struct hmi_element {
	uint32_t index;  /* in the atlas */
	uint32_t id;     /* of its first sprite */
	uint32_t layer;  /* of a notice: whose it is; CONFIG_NONE: nobody's */
};

struct hmi {
	const struct atlas *atlas;
	struct rect area; /* of the fallback */
	uint32_t elements_len;
	struct hmi_element elements[ATLAS_ELEMENTS_MAX];
};

/* Finds the output's elements; `atlas` stays borrowed. Logs what is missing. */
void hmi_init(
	struct hmi *hmi, const struct atlas *atlas, const struct config *config, uint32_t output);

/* The picture of element `index` of the atlas for these values; of a readout the rightmost digit's. NULL:
 * nothing is to be drawn (a frame that is off, a gauge of an unknown value). */
const struct atlas_tile *hmi_tile(
	const struct hmi *hmi, uint32_t index, const int32_t values[SIGNAL_VALUES]);

/* Puts the whole HMI on top of the scene. Bit n of `missing`: layer n is. */
void hmi_add_fallback(const struct hmi *hmi, const int32_t values[SIGNAL_VALUES], uint32_t missing,
	struct scene *scene, const struct rect *output);

/* Puts on top of the scene the elements of `host_drawn` (by their index in the atlas), and the frames that
 * are on. */
void hmi_add_overlay(const struct hmi *hmi, const int32_t values[SIGNAL_VALUES],
	const bool host_drawn[ATLAS_ELEMENTS_MAX], struct scene *scene, const struct rect *output);

#endif
