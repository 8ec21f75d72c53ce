/*
 * The second part of `./dev bench frame`: frames flow at 60 Hz while every process but the compositor
 * and the keeper is killed and stopped, again and again. What counts is how late the compositor ever
 * was, beside the machine's own lateness of that moment.
 *
 * Thread: one (it makes others).
 */
#ifndef TESTS_BENCH_FRAME_FAULTS_H
#define TESTS_BENCH_FRAME_FAULTS_H

#include <stdint.h>

#include "tests/bench/lateness.h"

struct fault_report {
	unsigned processes, kills, stops;
	struct tick_log ticks;
	uint64_t machine_worst_ns; /* over the whole run */
	uint64_t pictures;         /* drawn by the guests meanwhile */
	uint64_t reconnects;       /* of the guests, after their endpoint died */
};

/* `rounds` kills and as many stops of each process. 0 or -errno (said on stderr). */
int frame_faults_run(const char *configuration, unsigned rounds, struct fault_report *report);

#endif
