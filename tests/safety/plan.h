#ifndef TESTS_SAFETY_PLAN_H
#define TESTS_SAFETY_PLAN_H

/* What a campaign injects, and in which order. */
#include <stdbool.h>
#include <stdint.h>

#include "tests/safety/row.h"

struct plan_options {
	uint32_t runs, slow_runs; /* of a row; of one that is slow */
	const char *only;         /* names of rows, separated by commas; NULL: all */
	bool has_controls;
};

/*
 * Rows are run in parts, one after the other: a process that starts beside a row takes a processor for tens of
 * milliseconds, which is another failure than the one injected.
 */
enum plan_part {
	PLAN_SLOW,
	PLAN_BOOTING,  /* end a machine */
	PLAN_SOUNDING, /* need its sound, for which it is started anew */
	PLAN_OTHER,
	PLAN_GREEDY,   /* take processors away: one cockpit at a time */
	PLAN_PARTS,
};

struct task {
	uint32_t row;
	bool is_control;
	bool is_pictured; /* once for each row */
};

struct plan {
	struct task *tasks;
	uint32_t len;
};

bool plan_names(const char *only, const struct row *row);

/* In random order, by random(), so that a row meets every state and every neighbour. 0 or -ENOMEM. */
int plan_init(struct plan *plan, const struct plan_options *options, enum plan_part part);
void plan_finish(struct plan *plan);

/* How long its first `tasks` tasks take, roughly: 1 is a run of a row that is not slow. */
uint32_t plan_work(const struct plan *plan, uint32_t tasks);

#endif
