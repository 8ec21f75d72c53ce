/*
 * The chimes of the HMI: an element that goes on is cued to the mixer, and the mixer's word that it is
 * being heard is waited for, with a deadline.
 *
 *      element off -> on ──> asked ──> begun ──> heard
 *                              │         └── not within CUES_HEARD_MS ──┐
 *                              └── refused, or not begun in chime_ms ──> lost: recorded, and the buzzer
 *
 * On is what a valid signal says; one that is unknown in between changes nothing. What is on when the
 * first signals come is cued, too: after a start of the compositor a chime too many is better than none.
 * At most one chime is asked for in CUES_QUIET_MS, unless a more severe one is due: of a burst, the
 * driver hears the most severe.
 *
 * Thread: the compositor's. Nothing allocates or blocks after cues_init().
 */
#ifndef COMPOSITOR_CUES_H
#define COMPOSITOR_CUES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/atlas.h"
#include "core/config.h"
#include "core/cue.h"
#include "core/safety_page.h"
#include "core/signals.h"
#include "core/stats.h"

#define CUES_QUIET_MS 1000
#define CUES_HEARD_MS 5000 /* longer than the longest chime */

struct cues_setup {
	const struct config_safety *config; /* borrowed, as all but the descriptors */
	const struct atlas *atlas;
	struct safety_page *page;           /* NULL: none */
	struct stats *stats;
	int *fds;      /* CUE_FDS, taken over; -1: none were granted */
	int buzzer;    /* taken over; -1: none */
};

struct cues_element {
	const struct atlas_element *element;
	bool was_on;
};

/* One that was asked for and is neither heard nor lost. */
struct cues_pending {
	const struct atlas_element *element; /* NULL: nothing is pending here */
	uint64_t number;                     /* 0: it never reached the mixer */
	uint64_t asked_time_ns, asked_ns;    /* on the caller's two clocks */
	bool begun;
};

struct cues {
	struct cue_requester requester;
	bool has_requester;
	int buzzer;
	struct safety_page *page;
	uint64_t begin_ns;                   /* chime_ms */
	uint32_t elements_len;
	struct cues_element elements[ATLAS_ELEMENTS_MAX];
	uint64_t asked;                      /* so far: the next one's place in `pending` */
	enum cue_chime last;                 /* asked for last, */
	uint64_t last_time_ns;               /* and when */
	struct cues_pending pending[CUE_PENDING_MAX];
	_Atomic uint64_t *exported_asked, *begun, *heard, *lost, *quiet, *buzzed;
};

/* Without `chimes` in the configuration, nothing is ever asked for. What cannot be opened is logged: its
 * chimes are lost. */
void cues_init(struct cues *cues, const struct cues_setup *setup);
void cues_finish(struct cues *cues);

/* At tick `tick`, whose time is `time_ns` on the clock of the deadlines and `now_ns` on CLOCK_MONOTONIC:
 * asks for what the values call for, and looks after what was asked for. */
void cues_step(struct cues *cues, const int32_t values[SIGNAL_VALUES], uint64_t tick,
	uint64_t time_ns, uint64_t now_ns);

#endif
