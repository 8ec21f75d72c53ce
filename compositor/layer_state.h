/*
 * The state of a layer: whether a guest's picture can be believed, and what to show when not.
 *
 * Judged once a tick of the layer's output from what is known then, and from nothing else: all times
 * are counted in ticks, so that a stepped output behaves as a real one.
 *
 *                   peer is here              picture
 *        ABSENT ---------------> STARTING ----------------------> LIVE <--------------+
 *          ^                         |                           |  ^                 |
 *          +-------------------------+                     loss  |  | picture         | enough
 *              peer is gone                                      v  |                 | good
 *                                                             SUSPECT                 | ticks
 *                                                                |                    |
 *                                                                | held long enough   |
 *                                                                v       picture      |
 *                                                          PLACEHOLDER ---------> RECOVERING
 *                                                                ^                    |
 *                                                                +--------------------+
 *                                                                         loss
 *
 * LIVE and SUSPECT show the guest's (last) picture, all others the layer's placeholder.
 *
 * Thread: the compositor's. Plain storage.
 */
#ifndef COMPOSITOR_LAYER_STATE_H
#define COMPOSITOR_LAYER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/link.h"

enum layer_state {
	LAYER_ABSENT,
	LAYER_STARTING,
	LAYER_LIVE,
	LAYER_SUSPECT,
	LAYER_PLACEHOLDER,
	LAYER_RECOVERING,
};
#define LAYER_STATE_NAMES "absent|starting|live|suspect|placeholder|recovering"

/* Why a picture is not believed; the first that applies. */
enum layer_cause {
	LAYER_CAUSE_NONE,
	LAYER_CAUSE_NEVER_STARTED,
	LAYER_CAUSE_DIED,    /* the endpoint's process ended */
	LAYER_CAUSE_HUNG_UP, /* the VMM closed its connection, or none was there yet */
	LAYER_CAUSE_RESET,   /* the device was reset, or has no driver */
	LAYER_CAUSE_BLANKED, /* the guest switched its scanout off */
	LAYER_CAUSE_STUCK,   /* the endpoint does not answer ticks */
	LAYER_CAUSE_STALLED, /* no flush within the layer's stall_ms */
};

#define LAYER_CAUSE_NAMES "none|new|died|hung-up|reset|blank|stuck|stalled"

struct layer_limits {
	uint64_t hold_ticks;    /* how long SUSPECT lasts; 0: not at all */
	uint64_t stall_ticks;   /* it must flush within these; 0: it may be silent */
	uint64_t recover_ticks; /* good ticks in RECOVERING, >= 1 */
};

/* What is known at a tick. */
struct layer_signs {
	bool died;           /* the endpoint's process, and no new one is known */
	bool stuck;          /* see guest.h */
	bool blank;          /* there is no picture, or it was taken back */
	enum link_peer peer;
	uint64_t resets;     /* so far */
	uint64_t frames;     /* good ones taken so far */
	uint64_t flushes;    /* so far */
};

/* What happened at a tick, for log and statistics. */
struct layer_transition {
	enum layer_state from, to;
	enum layer_cause cause;   /* of a loss; what ended, in a recovery */
	uint64_t onset_ns; /* the last time it was known to be well: the loss is not older */
};

struct layer_machine {
	enum layer_state state;
	enum layer_cause cause; /* of not being LIVE; kept until it is again */
	struct layer_limits limits;
	bool has_valid; /* the picture in hand is one from after the last loss of its source */
	uint64_t since_tick; /* of the state */
	uint64_t good_ticks; /* in RECOVERING */
	uint64_t flush_tick; /* the last tick with a flush */
	uint64_t well_ns; /* the last tick without a cause */
	struct layer_signs seen; /* at the last tick */
};

void layer_machine_init(struct layer_machine *machine, const struct layer_limits *limits);

/* A tick: the transitions made, in order, at most LAYER_TRANSITIONS_MAX. */
#define LAYER_TRANSITIONS_MAX 4
size_t layer_machine_step(struct layer_machine *machine, const struct layer_signs *signs,
	uint64_t tick, uint64_t now_ns, struct layer_transition transitions[LAYER_TRANSITIONS_MAX]);

/* Whether the guest's picture is on screen: LIVE or SUSPECT. */
bool layer_machine_shows_picture(const struct layer_machine *machine);
/* Whether time alone may change the state or make a cause: ticks must go on. */
bool layer_machine_is_waiting(const struct layer_machine *machine);

const char *layer_state_name(enum layer_state state);
const char *layer_cause_name(enum layer_cause cause);

#endif
