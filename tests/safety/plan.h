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
	bool is_greedy; /* those rows that are run by themselves, or all others */
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

/*
 * Slow rows first, then those that end a machine, those that need its sound, for which it is started anew, and
 * all others; each part in random order, by random(), so that a row meets every state and every neighbour. Parts,
 * since a process that starts beside a row takes a processor for tens of milliseconds, which is another failure
 * than the one injected.
 * 0 or -ENOMEM.
 */
int plan_init(struct plan *plan, const struct plan_options *options);
void plan_finish(struct plan *plan);

/* How much of it are its first `tasks` tasks, 0 to 1: roughly, by how long their runs take. */
double plan_part(const struct plan *plan, uint32_t tasks);

#endif
