#include "tests/safety/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOW_WORK 7 /* a run of a slow row takes as long as so many others, about */

bool plan_names(const char *only, const struct row *row) {
	if (only == NULL) {
		return true;
	}
	size_t len = strlen(row->name);
	for (const char *at = only; at != NULL; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, row->name, len) == 0 && (at[len] == ',' || at[len] == '\0')) {
			return true;
		}
	}
	return false;
}

static void add_row(struct plan *plan, const struct plan_options *options, uint32_t index) {
	const struct row *row = &rows[index];
	uint32_t runs = row->is_slow ? options->slow_runs : options->runs;
	for (uint32_t i = 0; i < runs; i++) {
		plan->tasks[plan->len++] = (struct task) { index, false, i == 0 };
	}
	if (options->has_controls && row_has_control(row)) {
		plan->tasks[plan->len++] = (struct task) { index, true, false };
	}
}

/* Fisher and Yates's */
static void shuffle(struct task *tasks, uint32_t len) {
	for (uint32_t i = len; i > 1; i--) {
		uint32_t other = (uint32_t)random() % i;
		struct task task = tasks[i - 1];
		tasks[i - 1] = tasks[other];
		tasks[other] = task;
	}
}

static enum plan_part part_of(const struct row *row) {
	if (row->is_greedy || row->is_slow) {
		return row->is_greedy ? PLAN_GREEDY : PLAN_SLOW;
	}
	return row->ends_machine ? PLAN_BOOTING : row->needs_sound ? PLAN_SOUNDING : PLAN_OTHER;
}

int plan_init(struct plan *plan, const struct plan_options *options, enum plan_part part) {
	size_t most = options->runs > options->slow_runs ? options->runs : options->slow_runs;
	*plan = (struct plan) { .tasks = calloc(rows_len * (most + 1), sizeof(*plan->tasks)) };
	if (plan->tasks == NULL) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < rows_len; i++) {
		if (part_of(&rows[i]) == part && plan_names(options->only, &rows[i])) {
			add_row(plan, options, i);
		}
	}
	shuffle(plan->tasks, plan->len);
	return 0;
}

void plan_finish(struct plan *plan) {
	free(plan->tasks);
	*plan = (struct plan) { 0 };
}

uint32_t plan_work(const struct plan *plan, uint32_t tasks) {
	uint32_t sum = 0;
	for (uint32_t i = 0; i < tasks && i < plan->len; i++) {
		sum += rows[plan->tasks[i].row].is_slow ? SLOW_WORK : 1;
	}
	return sum;
}
