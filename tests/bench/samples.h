/*
 * A set of measured times, and what is reported of it. Nanoseconds throughout. Thread: one.
 */
#ifndef TESTS_BENCH_SAMPLES_H
#define TESTS_BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#define SAMPLES_MAX 8192

struct samples {
	size_t len;
	uint64_t ns[SAMPLES_MAX];
};

/* Past SAMPLES_MAX a sample is dropped: asserts, since a benchmark knows how much it measures. */
void samples_add(struct samples *samples, uint64_t ns);

/* The value below which `percent` of the samples lie (nearest rank); 0 when there are none. Sorts. */
uint64_t samples_percentile(struct samples *samples, double percent);

#endif
