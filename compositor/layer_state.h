/*
 * The state of a layer: whether a guest's picture can be believed, and what to show when not.
 *
 * Judged once a tick of the layer's output from what is known then, and from nothing else: all times
 * are counted in ticks, so that a stepped output behaves as a real one.
 *
 *                   peer is here              picture
 *        ABSENT ---------------> STARTING ----------------------> LIVE <--------------+
 *          ^                         |                          |  ^ |                |
 *          +-------------------------+                    doubt |  | | lost           | enough good
 *              peer is gone                                     v  | | picture        | ticks, and
 *                                                             SUSPECT|                | dwelt
 *                                                                |   |                |
 *                                                  held too long |   |                |
 *                                                        or lost v   v    picture     |
 *      QUARANTINED <---------------------------------- PLACEHOLDER -------------> RECOVERING
 *           |            too many losses                  ^   ^                       |
 *           +---------------------------------------------+   +-----------------------+
 *                          acknowledged                             lost or doubt
 *
 * A layer that was QUARANTINED when the compositor died is so again from the first tick of its successor.
 *
 * LIVE and SUSPECT show the guest's (last) picture, all others the layer's placeholder.
 *
 * What a cause does is its reaction:
 *
 *   log           it is written down, once each time it begins; the state stays
 *   hold          doubt: the last picture stays for hold_ticks, that of a refused picture for at least
 *                 LAYER_REFUSED_TICKS; then the placeholder. LAYER_STRIKES refused pictures within
 *                 LAYER_STRIKE_TICKS are a loss
 *   placeholder   of STUCK and STALLED: doubt for hold_ticks first, since the picture in hand is a good
 *                 one; of any other cause: lost, at once
 *   fallback,     as placeholder; screen_state.h says what it means to the output
 *   safe
 *
 * A check may ask for another reaction than the layer's to what it found. In PLACEHOLDER and QUARANTINED a
 * cause whose reaction is stronger than that to the causes so far raises it: a transition from the state to
 * itself, with that reaction. It is not lowered before the layer is LIVE again.
 *
 * Thread: the compositor's. Plain storage.
 */
#ifndef COMPOSITOR_LAYER_STATE_H
#define COMPOSITOR_LAYER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/config.h"
#include "core/fault.h"
#include "core/link.h"

enum layer_state {
	LAYER_ABSENT,
	LAYER_STARTING,
	LAYER_LIVE,
	LAYER_SUSPECT,
	LAYER_PLACEHOLDER,
	LAYER_RECOVERING,
	LAYER_QUARANTINED,
};
#define LAYER_STATE_NAMES "absent|starting|live|suspect|placeholder|recovering|quarantined"

#define LAYER_REFUSED_TICKS 6 /* 100 ms at 60 Hz: guests of 30 frames/s have three chances */
#define LAYER_STRIKES 3
#define LAYER_STRIKE_TICKS 60
#define LAYER_LOSSES_MAX CONFIG_QUARANTINE_LOSSES_MAX

/* a set of causes */
#define FAULT_BIT(cause) (UINT64_C(1) << (cause))
_Static_assert(FAULT_CAUSES <= 64, "a bit each");

struct layer_limits {
	uint64_t hold_ticks;      /* how long SUSPECT lasts; 0: not at all */
	uint64_t stall_ticks;     /* it must flush within these; 0: it may be silent */
	uint64_t heartbeat_ticks; /* a heartbeat must come, and go on, within these; 0: none */
	uint64_t recover_ticks;   /* good ticks in RECOVERING, >= 1 */
	uint64_t dwell_ticks;     /* the least time from PLACEHOLDER to LIVE */
	/* so many losses within these end its chances; resets and switched-off displays are what guests do
	 * when they boot, and do not count. 0: never */
	uint32_t quarantine_losses;
	uint64_t quarantine_ticks;
	uint32_t reactions[FAULT_CAUSES]; /* enum fault_reaction */
};

/* What is known at a tick. */
struct layer_signs {
	bool died; /* the endpoint's process, and no new one is known */
	bool stuck; /* see guest.h */
	bool blank; /* there is no picture, or it was taken back */
	bool frozen; /* pictures come, the counter in them stands still */
	enum fault_cause refused; /* why the newest picture was refused; NONE: it is in hand */
	enum link_peer peer;
	uint64_t resets; /* so far */
	uint64_t frames; /* good ones taken so far */
	uint64_t refusals; /* pictures refused so far */
	uint64_t flushes; /* so far */
	uint64_t hearts; /* heartbeats so far; 0: none came */
	uint64_t heart_number; /* what the last one said */
	/* sets of causes that checks found since the last tick, by the reaction they ask for; DEFAULT: the
	 * layer's own to the cause */
	uint64_t reported[FAULT_REACTIONS];
	bool acknowledged; /* quarantine ends */
	bool no_hysteresis; /* neither dwell nor quarantine */
	bool no_stall, no_heartbeat; /* not looked at */
};

/* What happened at a tick, for log, safety page and statistics. */
struct layer_transition {
	/* equal: a cause was only written down, or, where its reaction is stronger than that, raised the
	 * reaction */
	enum layer_state from, to;
	enum fault_cause cause; /* of a loss; what ended, in a recovery */
	enum fault_reaction reaction; /* to the cause */
	uint64_t onset_ns; /* the last time it was known to be well: the loss is not older */
};

struct layer_machine {
	enum layer_state state;
	enum fault_cause cause; /* of not being LIVE; kept until it is again */
	enum fault_reaction reaction; /* the strongest since it was LIVE; LOG while it is */
	struct layer_limits limits;
	bool was_quarantined; /* by a predecessor; until the first tick */
	bool has_valid; /* the picture in hand is one from after the last loss of its source */
	uint64_t since_tick; /* of the state */
	uint64_t lost_tick; /* when PLACEHOLDER was entered from a state that shows the picture */
	uint64_t good_ticks; /* in RECOVERING */
	uint64_t flush_tick; /* the last tick with a flush */
	bool has_heart; /* a heartbeat came since the last loss of its source */
	uint64_t heart_tick, heart_number_tick; /* when one came, when its number was a new one */
	uint64_t well_ns; /* the last tick without a cause */
	uint64_t logged; /* set of causes that were written down and last */
	uint64_t strikes; /* refused pictures so far that count, and when the last ones were */
	uint64_t strike_ticks[LAYER_STRIKES];
	uint64_t losses; /* so far that count, and when the last ones were */
	uint64_t loss_ticks[LAYER_LOSSES_MAX];
	struct layer_signs seen; /* at the last tick */
};

void layer_machine_init(struct layer_machine *machine, const struct layer_limits *limits);

/* Goes on where a predecessor ended, before the first tick: in quarantine, for this cause. */
void layer_machine_restore(
	struct layer_machine *machine, enum fault_cause cause, enum fault_reaction reaction);

/* A tick: the transitions made, in order, then causes that were only written down; at most
 * LAYER_TRANSITIONS_MAX. */
#define LAYER_TRANSITIONS_MAX 6
size_t layer_machine_step(struct layer_machine *machine, const struct layer_signs *signs,
	uint64_t tick, uint64_t now_ns, struct layer_transition transitions[LAYER_TRANSITIONS_MAX]);

/* Whether the guest's picture is on screen: LIVE or SUSPECT. */
bool layer_machine_shows_picture(const struct layer_machine *machine);
/* Whether time alone may change the state or make a cause: ticks must go on. */
bool layer_machine_is_waiting(const struct layer_machine *machine);

const char *layer_state_name(enum layer_state state);

#endif
