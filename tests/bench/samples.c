#include "tests/bench/samples.h"

#include <assert.h>
#include <stdlib.h>

void samples_add(struct samples *samples, uint64_t ns) {
	assert(samples->len < SAMPLES_MAX);
	samples->ns[samples->len++] = ns;
}

static int compare_ns(const void *a, const void *b) {
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

uint64_t samples_percentile(struct samples *samples, double percent) {
	if (samples->len == 0) {
		return 0;
	}
	qsort(samples->ns, samples->len, sizeof(samples->ns[0]), compare_ns);
	size_t rank = (size_t)(percent / 100.0 * (double)samples->len);
	return samples->ns[rank < samples->len ? rank : samples->len - 1];
}
