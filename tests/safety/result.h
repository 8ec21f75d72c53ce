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
	bool is_void; /* the machine was away meanwhile: no result, and made again */
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

struct results_asked {
	uint32_t runs, slow_runs; /* of a row */
	bool has_controls;
	bool is_part;             /* not of all rows */
	uint64_t
		greedy_from_ns; /* CLOCK_MONOTONIC; what rows do to the machine from then on is not its own */
};

/* Judges every result that is not void anew, with the machine's lateness in the same time excused; writes all of it as
 * JSON: rows with their bounds and distributions (ms), each shot's numbers, machine. True: as many runs as
 * were asked for passed, every control failed, of deaths and wrong pixels 99 % were right within 50 ms and all
 * within 83, and, unless `is_part`, every row was run. */
bool results_write(struct results *results, const struct lateness_monitor *monitor,
	const struct results_asked *asked, FILE *json, FILE *table);

#endif
