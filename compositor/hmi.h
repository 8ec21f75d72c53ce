/*
 * The fallback HMI of an output: what the driver must see when a critical layer is missing, put together
 * from the atlas' tiles. It covers what its background tile covers: the whole output, or the critical
 * layers' places. Without that tile it covers the whole output, plainly.
 *
 * Until signals arrive everything is unknown, and unknown is shown as such: dashes, and every telltale
 * lit.
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

#define HMI_DIGITS 3
#define HMI_GEARS "PRND-"
#define HMI_UNKNOWN (-1)

struct hmi_values {
	int32_t speed;           /* 0..999, else unknown */
	char gear;               /* one of HMI_GEARS, else unknown */
	bool lit[HMI_TELLTALES];
};

/* A tile and where it goes; without pixels a plain area of the same size. */
struct hmi_tile {
	const struct atlas_tile *tile; /* NULL: not in the atlas */
	struct rect place;             /* empty: nothing of its kind is in the atlas */
};

struct hmi {
	const struct atlas *atlas;
	struct hmi_tile ground; /* plain, under the background: no layer shines through it */
	struct hmi_tile background;
	struct hmi_tile speed[11]; /* the digits, then "-" */
	struct hmi_tile gear[5]; /* as in HMI_GEARS */
	struct hmi_tile telltale[HMI_TELLTALES][2]; /* off, on */
	struct hmi_tile missing[CONFIG_LAYERS_MAX]; /* by layer; of critical ones on this output */
};

void hmi_values_init(struct hmi_values *values); /* all unknown */

/* Finds the tiles and logs those that are missing. */
void hmi_init(
	struct hmi *hmi, const struct atlas *atlas, const struct config *config, uint32_t output);

/* Puts the HMI on top of the scene. Bit n of `missing`: layer n is. */
void hmi_add_to_scene(const struct hmi *hmi, const struct hmi_values *values, uint32_t missing,
	struct scene *scene, const struct rect *output);

#endif
