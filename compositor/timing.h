/*
 * Whether an output's ticks come when they should.
 *
 *   deadlines    more than TIMING_MISSED_MAX of the last TIMING_WINDOW ticks passed unserved
 *   clock        in a quarter of a second of ticks the clock went on by 2 % more or less; compared is the least
 *                by which it was ahead of the ticks in each, so that waking late is no fault of the clock
 *   lateness     woken more than 2 ms after the time asked for; told once for a burst of them
 *
 * Only outputs in real time have times; on others nothing is ever wrong.
 *
 * Thread: the compositor's. Plain storage.
 */
#ifndef COMPOSITOR_TIMING_H
#define COMPOSITOR_TIMING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/clock.h"

#define TIMING_WINDOW 60
#define TIMING_MISSED_MAX 12
#define TIMING_LATE_NS (2 * NS_PER_MS)
#define TIMING_CLOCK_NS (NS_PER_S / 4)
#define TIMING_CLOCK_PER_MILLE 20

struct timing {
	uint64_t period_ns;
	uint64_t lead_ns;     /* of the wake-up that is awaited */
	bool is_begun;
	uint64_t due_ns;      /* of the last tick */
	uint64_t number;      /* of ticks, those that were missed counted */
	uint64_t missed[TIMING_WINDOW]; /* numbers of the last ticks that were missed, a ring */
	uint64_t missed_len;  /* so far */
	uint64_t window_due_ns; /* the first tick of this quarter, */
	int64_t ahead_ns;     /* the least by which the clock was ahead in it, */
	int64_t ahead_before_ns; /* and in the one before */
	bool has_before;
	uint64_t late;        /* so far */
	uint64_t late_number; /* tick of the last one */
};

/* What a tick brought. */
struct timing_verdict {
	bool is_missing;      /* too many were missed */
	bool is_clock_wrong;
	int64_t clock_per_mille; /* if so: the clock ran so much too fast */
	bool is_late;
	bool is_burst;        /* the first late one for a second */
	uint64_t lateness_ns;
};

void timing_init(struct timing *timing, uint64_t period_ns);

/* A tick of real time, due at `due_ns`, taken at `now_ns`, as the clock says; `lead_ns`: how much before
 * it one asked to be woken. */
void timing_step(struct timing *timing, uint64_t due_ns, uint64_t lead_ns, uint64_t now_ns,
	struct timing_verdict *verdict);

#endif
