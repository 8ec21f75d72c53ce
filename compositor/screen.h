/*
 * An output at work: its clock, its layers, its state (screen_state.h), its picture.
 *
 * Thread: the compositor's. Nothing allocates or blocks after screen_init().
 */
#ifndef COMPOSITOR_SCREEN_H
#define COMPOSITOR_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "compositor/canvas.h"
#include "compositor/flips.h"
#include "compositor/hmi.h"
#include "compositor/journal.h"
#include "compositor/layer.h"
#include "compositor/pace.h"
#include "compositor/screen_state.h"
#include "compositor/timing.h"
#include "compositor/verifier.h"
#include "compositor/watchdog.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/stats.h"

/* A transition of a layer at this tick, until it is logged. */
struct screen_event {
	struct layer *layer;
	struct layer_transition transition;
};

struct screen_values {
	_Atomic uint64_t *state, *cause, *ticks, *frames, *missed, *fallbacks, *fallback_ns;
	_Atomic uint64_t *mode_sets, *repaints; /* tried where pictures did not arrive */
	_Atomic uint64_t *compose_ns_last, *compose_ns_max;
	_Atomic uint64_t *lateness_ns_last, *lateness_ns_max;
};

struct screen {
	const struct config_output *config;
	uint32_t index;           /* in the configuration */
	struct output *output; /* owned */
	struct ticker ticker;
	struct pace pace;
	struct canvas canvas;
	struct verifier verifier;
	struct flips flips;
	struct timing timing;
	struct watchdog_chain chain; /* of this tick; its owner begins it */
	struct screen_machine machine;
	uint64_t reported;        /* set of causes found in the output since the last tick */
	bool is_acknowledged;     /* since the last tick */
	struct layer *layers[CONFIG_LAYERS_MAX]; /* borrowed; rearmost first */
	uint32_t layers_len;
	const struct atlas *atlas;
	struct hmi hmi;
	const int32_t *values;    /* the signals: what the HMI shows; borrowed */
	bool has_overlay;         /* signals are expected: safety elements are above the layers */
	uint64_t tick;
	uint64_t missed;          /* of the ticker, as told last */
	uint32_t events_len;
	struct screen_event events[CONFIG_LAYERS_MAX * LAYER_TRANSITIONS_MAX];
	uint32_t transitions_len; /* its own at this tick, until they are logged */
	struct screen_transition transitions[SCREEN_TRANSITIONS_MAX];
	struct journal journal;
	struct screen_values exported;
};

/* What it works with; all but `stats` stays borrowed. */
struct screen_parts {
	const struct atlas *atlas;
	const struct atlas_copies *copies;
	const int32_t *values;    /* the signals: SIGNAL_VALUES of them, read at each tick */
	struct painter *painter;
	struct safety_page *page; /* may be NULL */
	struct stats *stats;
};

/*
 * Takes over `output`; `step_fd` is borrowed, as in ticker_init(). 0 or -errno. Layers are added next,
 * once each; their clock is `screen->ticker`.
 */
int screen_init(struct screen *screen, const struct config *config, uint32_t index,
	struct output *output, int step_fd, const struct screen_parts *parts);
void screen_finish(struct screen *screen);

void screen_add_layer(struct screen *screen, const struct config *config, struct layer *layer);
/* To be called when a layer's z changed. */
void screen_sort_layers(struct screen *screen);

/* First light: shows the fallback HMI (or placeholders, where there is none) without looking at any
 * guest. Then the ticker may be started. */
void screen_light(struct screen *screen);

/* Something was found wrong with the output, or with what it depends on: judged at the next tick, and
 * forgotten then. What lasts is reported at each tick. */
void screen_report(struct screen *screen, enum fault_cause cause);
/* Ends its latch and its safe state. */
void screen_acknowledge(struct screen *screen);

enum screen_state screen_state(const struct screen *screen);

/* The output's time, ns: by its ticks, so that a stepped one is exact. */
uint64_t screen_time_ns(const struct screen *screen);

/* A tick that was due at `due_ns` and taken at `now_ns`: judges, composes, shows, counts, logs. The
 * guests' newest pictures were taken before. Returns when the picture was shown, for output_tick(), which
 * the caller owes once all else that belongs to the tick is done. */
uint64_t screen_tick(struct screen *screen, uint64_t due_ns, uint64_t now_ns);

/* Whether time alone may change something: ticks must go on although nothing was published. */
bool screen_is_waiting(const struct screen *screen);

#endif
