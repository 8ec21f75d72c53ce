/*
 * The vehicle's signals as the compositor gets them: a socket of protected messages (core/signals.h), of
 * which each tick takes what is there, and what became of the last ones.
 *
 *   ABSENT --a good message--> VALID --none in time--> TIMED_OUT --a good message--> VALID
 *
 * Outside VALID every value is unknown: the HMI lights all safety telltales. Time is told by the caller.
 *
 * Thread: the compositor's. Nothing allocates or blocks after signals_init().
 */
#ifndef COMPOSITOR_SIGNALS_H
#define COMPOSITOR_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/safety_page.h"
#include "core/signals.h"
#include "core/stats.h"

#define SIGNALS_PER_TICK 16 /* taken at most: a flood costs no more than this */
#define SIGNALS_STALE_MAX 1024 /* dropped at the start at most: more than a socket holds */

enum signals_state {
	SIGNALS_ABSENT, /* none came yet, or none are expected */
	SIGNALS_VALID,
	SIGNALS_TIMED_OUT,
};
#define SIGNALS_STATE_NAMES "absent|valid|timed-out"

struct signals {
	bool is_expected;
	int socket; /* owned; -1: none */
	enum signals_state state, reported;
	struct signal_receiver receiver;
	uint64_t tick;         /* of the last change of state, and the following */
	uint64_t detect_ns;
	uint64_t heard_ns;     /* CLOCK_MONOTONIC of the last good message's tick */
	bool was_corrupt;      /* messages came since that one, and were refused */
	enum fault_cause cause; /* of the last time-out; NONE: there was none */
	_Atomic uint64_t *exported_state;
	_Atomic uint64_t *exported[SIGNAL_VERDICTS];
};

/* Takes over `socket` (-1: none). When no signals are expected, it is closed and all stays unknown. What is
 * in it was sent to a predecessor, nobody knows when: it is dropped. */
void signals_init(struct signals *signals, bool is_expected, int socket, uint64_t timeout_ns,
	struct stats *stats);
void signals_finish(struct signals *signals);

/* At the start of tick `tick`, whose time is `time_ns` on the clock of the time-out and `now_ns` on
 * CLOCK_MONOTONIC: takes messages and judges. True: a value changed. */
bool signals_take(struct signals *signals, uint64_t tick, uint64_t time_ns, uint64_t now_ns);

/* Once the picture of that tick is shown: logs a change of state, and records it in the page (NULL: there
 * is none). */
void signals_report(struct signals *signals, struct safety_page *page, uint64_t shown_ns);

#endif
