/*
 * The campaign's results: what workers write into shared memory, and what is made of it.
 *
 * Thread: results_add from any process; the rest from the parent when all workers are done.
 */
#ifndef TESTS_SAFETY_RESULT_H
#define TESTS_SAFETY_RESULT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/bench/lateness.h"
#include "tests/safety/shot.h"

#define RESULTS_MAX 200000

struct result {
	uint32_t row;
	bool is_control;
	uint8_t verdict;   /* enum shot_verdict, the machine's lateness not yet excused */
	struct shot shot;
	uint64_t took_ns;  /* with the recovery */
};

struct results {
	_Atomic uint32_t len;
	struct result items[RESULTS_MAX];
};

struct results *results_create(void); /* shared with children; NULL with errno */
void results_destroy(struct results *results);
void results_add(struct results *results, const struct result *result);

/* Judges every result anew, with the machine's lateness in the same time excused; writes all of it as
 * JSON: rows with their bounds and distributions (ms), each shot's numbers, machine. True: every run
 * passed, every control failed and, unless `is_part`, every row was run. */
bool results_write(struct results *results, const struct lateness_monitor *monitor, bool is_part,
	FILE *json, FILE *table);

#endif
