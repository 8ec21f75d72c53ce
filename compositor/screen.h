/*
 * An output at work: its clock, its layers, its state, its picture.
 *
 *   INIT --first light--> FALLBACK --no critical layer is missing--> NORMAL <--> DEGRADED
 *                            ^                                         |            |
 *                            +---------- a critical layer is missing --+------------+
 *
 * FALLBACK shows the fallback HMI in place of the critical layers and above all others; an output
 * without one is DEGRADED instead, with placeholders. DEGRADED: some layer is not live. A suspect layer is not missing, since its last picture
 * is held, but not live either. Against flicker each layer's way back is as long as its recover_frames.
 *
 * Thread: the compositor's. Nothing allocates or blocks after screen_init().
 */
#ifndef COMPOSITOR_SCREEN_H
#define COMPOSITOR_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "compositor/canvas.h"
#include "compositor/hmi.h"
#include "compositor/layer.h"
#include "compositor/pace.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/stats.h"

enum screen_state {
	SCREEN_INIT,
	SCREEN_FALLBACK,
	SCREEN_NORMAL,
	SCREEN_DEGRADED,
};
#define SCREEN_STATE_NAMES "init|fallback|normal|degraded"

/* A transition of a layer at this tick, until it is logged. */
struct screen_event {
	const struct layer *layer;
	struct layer_transition transition;
};

struct screen_values {
	_Atomic uint64_t *state, *ticks, *frames, *missed, *fallbacks, *fallback_ns;
	_Atomic uint64_t *compose_ns_last, *compose_ns_max;
	_Atomic uint64_t *lateness_ns_last, *lateness_ns_max;
};

struct screen {
	const struct config_output *config;
	struct output *output; /* owned */
	struct ticker ticker;
	struct pace pace;
	struct canvas canvas;
	enum screen_state state;
	struct layer *layers[CONFIG_LAYERS_MAX]; /* borrowed; rearmost first */
	uint32_t layers_len;
	struct hmi hmi;
	struct hmi_values values; /* what the fallback HMI shows */
	uint64_t tick;
	uint64_t missed;          /* of the ticker, as told last */
	uint32_t events_len;
	struct screen_event events[CONFIG_LAYERS_MAX * LAYER_TRANSITIONS_MAX];
	struct screen_values exported;
};

/*
 * Takes over `output`; `step_fd` is borrowed, as in ticker_init(). 0 or -errno. Layers are added next,
 * once each; their clock is `screen->ticker`.
 */
int screen_init(struct screen *screen, const struct config *config, uint32_t index,
	const struct atlas *atlas, struct output *output, int step_fd, struct painter *painter,
	struct stats *stats);
void screen_finish(struct screen *screen);

void screen_add_layer(struct screen *screen, struct layer *layer);
/* To be called when a layer's z changed. */
void screen_sort_layers(struct screen *screen);

/* First light: shows the fallback HMI (or placeholders, where there is none) without looking at any
 * guest. Then the ticker may be started. */
void screen_light(struct screen *screen);

/* A tick that was due at `due_ns` and taken at `now_ns`: judges, composes, shows, counts, logs. The
 * guests' newest pictures were taken before. Returns when the picture was shown, for output_tick(), which
 * the caller owes once all else that belongs to the tick is done. */
uint64_t screen_tick(struct screen *screen, uint64_t due_ns, uint64_t now_ns);

/* Whether time alone may change something: ticks must go on although nothing was published. */
bool screen_is_waiting(const struct screen *screen);

#endif
