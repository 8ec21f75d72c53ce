/*
 * The compositor looking after itself, at the end of each cycle of an output:
 *
 *   self-test   once a second the check code is given a picture that is wrong by a bit, which must fail, and
 *               one that is right, which must pass
 *   scrubbing   a share of both copies of the atlas
 *   timing      ticks missed, the clock, late wake-ups
 *   watchdog    petted, if all that is whole
 *
 * Self-test and scrubbing run on the ticks of one output, the first with a clock of its own. What is found
 * is for who owns the outputs to report to them.
 *
 * Thread: the compositor's. Nothing allocates or blocks after supervisor_init().
 */
#ifndef COMPOSITOR_SUPERVISOR_H
#define COMPOSITOR_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compositor/atlas_copies.h"
#include "compositor/check.h"
#include "compositor/timing.h"
#include "compositor/watchdog.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/stats.h"

#define SELF_TEST_MS 950 /* none is later than a second after the last */
#define SELF_TEST_SIZE 16 /* pixels each way */

/* What says whether a region is right: the code that is tested. As check_exact(). */
typedef bool (*supervisor_exact)(const struct check_view *view, const struct rect *rect,
	const uint32_t *allowed, size_t allowed_len, uint32_t *found);

struct supervisor {
	struct atlas_copies *copies; /* borrowed; zeroed: there is no atlas */
	struct watchdog watchdog;
	supervisor_exact exact;
	uint32_t leader;             /* the output on whose ticks it runs */
	uint64_t test_ticks;         /* between self-tests */
	uint32_t share;              /* blocks scrubbed at each tick */
	uint64_t tests;
	uint32_t pattern[SELF_TEST_SIZE * SELF_TEST_SIZE];
	uint32_t pattern_crc;
	uint64_t time_ns;            /* the leader's */
	int64_t skew_ns;             /* injected: how much the clock is ahead */
	_Atomic uint64_t *exported_tests, *exported_repairs, *exported_rounds, *exported_late;
};

/* A cycle that ended. */
struct supervisor_cycle {
	uint32_t output;
	const struct ticker *ticker;
	struct timing *timing;                /* the output's */
	const struct watchdog_chain *chain;
	bool is_fit;     /* what it shows may be seen */
	uint64_t due_ns, lead_ns, now_ns;     /* of its tick; now: when it was taken */
	uint64_t time_ns;                     /* the output's time, by its ticks */
};

/* Sets of causes: bit n stands for enum fault_cause n. */
struct supervisor_findings {
	uint64_t own;          /* of the cycle's output */
	uint64_t everywhere;   /* of all outputs */
	const char *tile;      /* of the atlas that was damaged; may be NULL */
	uint64_t lateness_ns;  /* of FAULT_LATE */
	int64_t clock_per_mille; /* of FAULT_CLOCK */
};

/* What it runs on. */
struct supervisor_clock {
	uint32_t clocked;   /* set of the outputs that have a clock of their own */
	uint64_t period_ns; /* of the first of them */
	uint64_t now_ns;    /* its time */
};

/* `copies` is borrowed; takes over `watchdog_fd`. */
void supervisor_init(struct supervisor *supervisor, const struct config *config,
	struct atlas_copies *copies, int watchdog_fd, const struct supervisor_clock *clock,
	supervisor_exact exact, struct stats *stats);
/* An orderly end. */
void supervisor_finish(struct supervisor *supervisor);

void supervisor_end_cycle(struct supervisor *supervisor, const struct supervisor_cycle *cycle,
	struct supervisor_findings *findings);

#endif
