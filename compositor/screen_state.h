/*
 * The state of an output: what may be on it. Judged once a tick, after its layers.
 *
 *                          first light
 *              INIT -----------------------------> FALLBACK <----------------------+
 *   (without a   |                                  |   ^                          |
 *    fallback    |             restored, and dwelt, |   | a critical layer is      |
 *    HMI)        |                  and not latched |   | missing, or a fault      |
 *                |                                  v   | asks for the fallback    |
 *                +------------------------------> NORMAL <---> DEGRADED            |
 *                                                      some layer is not live      |
 *                                                                                  |
 *              any but INIT ---- unsafe ----> SAFE ---- acknowledged --------------+
 *              INIT ------- was safe before --> SAFE
 *
 * FALLBACK shows the fallback HMI in place of the critical layers and above all others; an output without
 * one is DEGRADED instead, with placeholders, also when it leaves SAFE. SAFE is black, and nothing else is
 * drawn.
 *
 *   restored   every critical layer is LIVE (a SUSPECT one is not missing, but not live either), and for
 *              SCREEN_GOOD_TICKS no check of the output failed
 *   dwelt      FALLBACK lasted for dwell_ticks
 *   latched    flicker_max visible transitions (into FALLBACK, and out of it but for the first time) within
 *              flicker_ticks; ends by acknowledgement
 *   unsafe     a fault whose reaction is SAFE, or SCREEN_STRIKES failed checks of the output within
 *              SCREEN_STRIKE_TICKS while the fallback is shown: the last thing to show is wrong
 *   was safe   the compositor that died showed the safe state: its successor does not end it
 *
 * All times are counted in ticks.
 *
 * Thread: the compositor's. Plain storage.
 */
#ifndef COMPOSITOR_SCREEN_STATE_H
#define COMPOSITOR_SCREEN_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/config.h"
#include "core/fault.h"

enum screen_state {
	SCREEN_INIT,
	SCREEN_FALLBACK,
	SCREEN_NORMAL,
	SCREEN_DEGRADED,
	SCREEN_SAFE,
};
#define SCREEN_STATE_NAMES "init|fallback|normal|degraded|safe"

#define SCREEN_GOOD_TICKS 30
#define SCREEN_STRIKES 2
#define SCREEN_STRIKE_TICKS 60
#define SCREEN_VISIBLE_MAX CONFIG_FLICKER_MAX

struct screen_limits {
	bool has_fallback;
	uint64_t dwell_ticks;
	uint32_t flicker_max;   /* 0: never */
	uint64_t flicker_ticks;
};

/* What is known at a tick. */
struct screen_signs {
	enum fault_cause
		missing;  /* why a critical layer is not shown, or one asks for the fallback */
	uint64_t missing_onset_ns; /* its onset, when it became so at this tick; else 0 */
	enum fault_cause unsafe; /* a layer lost at this tick by a cause whose reaction is SAFE */
	bool waiting; /* some critical layer is not LIVE */
	bool impaired; /* some layer is not LIVE */
	uint64_t reported; /* set of causes (FAULT_BIT) found in the output since the last tick */
	uint64_t noted;            /* set of causes that are only to be written down */
	bool acknowledged;
	bool no_hysteresis; /* neither dwell nor latch */
};

struct screen_transition {
	enum screen_state from, to; /* equal: a cause was only written down, or the latch closed */
	enum fault_cause cause; /* NONE: all is well again */
	enum fault_reaction reaction;
	uint64_t onset_ns;
};

struct screen_machine {
	enum screen_state state;
	enum fault_cause cause; /* why it is not NORMAL, as far as a cause is known */
	bool is_latched;
	/* of a predecessor, until the first tick: why it was SAFE; whether the fallback was latched */
	enum fault_cause was_unsafe;
	bool was_latched;
	struct screen_limits limits;
	uint64_t since_tick; /* of the state */
	bool was_restored; /* FALLBACK was left once: what follows is flicker */
	bool has_failed; /* a fault asked for the fallback, */
	uint64_t failed_tick; /* and this was the last time */
	uint64_t strikes; /* failed checks while in FALLBACK so far, and when the last ones were */
	uint64_t strike_ticks[SCREEN_STRIKES];
	uint64_t visible; /* visible transitions so far, and when the last ones were */
	uint64_t visible_ticks[SCREEN_VISIBLE_MAX];
	uint64_t well_ns; /* the last tick without a fault */
	uint64_t logged; /* set of causes that were written down and last */
	bool is_waiting; /* time alone may change the state: ticks must go on */
};

void screen_machine_init(struct screen_machine *machine, const struct screen_limits *limits);

/* Goes on where a predecessor ended, before the first tick: `unsafe`: why it was SAFE, NONE: it was not. */
void screen_machine_restore(
	struct screen_machine *machine, enum fault_cause unsafe, bool is_latched);

/* A tick: at most one change of state, then what was only written down. */
#define SCREEN_TRANSITIONS_MAX 4
size_t screen_machine_step(struct screen_machine *machine, const struct screen_signs *signs,
	uint64_t tick, uint64_t now_ns,
	struct screen_transition transitions[SCREEN_TRANSITIONS_MAX]);

/* What is done about a cause that was found in an output: LOG, FALLBACK or SAFE. */
enum fault_reaction screen_reaction(enum fault_cause cause);
const char *screen_state_name(enum screen_state state);

#endif
