/*
 * What a checksum costs in each way there is, for data in the second-level cache, and for 64 regions of
 * 96x96 pixels of a picture row by row. Not a test: it prints, and judges nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/crc32.h"
#include "core/crc32_impl.h"

#define ROUNDS 201
#define WARM_BYTES (256 * 1024)
#define PICTURE_WIDTH 1920
#define PICTURE_HEIGHT 720
#define REGIONS 64
#define REGION_PIXELS 96

typedef uint32_t (*update_function)(uint32_t crc, const void *data, size_t size_bytes);

static uint8_t warm[WARM_BYTES], copy[WARM_BYTES];
static uint32_t picture[PICTURE_WIDTH * PICTURE_HEIGHT];
static volatile uint32_t sink; /* so that nothing is left out */

/* what this thread used: other work on the machine counts as little as it can */
static uint64_t used_ns(void) {
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void check_warm(update_function update) {
	sink = update(0, warm, sizeof(warm));
}

static void check_rows(update_function update, size_t row_bytes) {
	for (size_t i = 0; i + row_bytes <= sizeof(warm); i += row_bytes) {
		sink = update(sink, warm + i, row_bytes);
	}
}

static void check_long_rows(update_function update) {
	check_rows(update, REGION_PIXELS * sizeof(uint32_t));
}

static void check_odd_rows(update_function update) {
	check_rows(update, 90 * sizeof(uint32_t));
}

static void check_regions(update_function update) {
	for (unsigned i = 0; i < REGIONS; i++) {
		const uint32_t *row =
			picture + i % 16 * 112 + (size_t)(i / 16) * 128 * PICTURE_WIDTH;
		uint32_t crc = 0;
		for (unsigned y = 0; y < REGION_PIXELS; y++, row += PICTURE_WIDTH) {
			crc = update(crc, row, REGION_PIXELS * sizeof(*row));
		}
		sink = crc;
	}
}

static void copy_warm(update_function update) {
	memcpy(copy, warm, sizeof(warm));
	sink = copy[sink % sizeof(copy)];
}

static int compare(const void *a, const void *b) {
	const uint64_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

static void report(const char *name, void (*work)(update_function update), update_function update,
	size_t bytes) {
	static uint64_t times[ROUNDS];
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t start = used_ns();
		work(update);
		times[i] = used_ns() - start;
	}
	qsort(times, ROUNDS, sizeof(times[0]), compare);
	uint64_t median = times[ROUNDS / 2];
	printf("%-44s median %8.1f us, least %8.1f us, %6.2f GB/s\n", name, (double)median / 1000,
		(double)times[0] / 1000, (double)bytes / (double)median);
}

static void report_all(const char *name, update_function update) {
	const size_t region_bytes = REGIONS * REGION_PIXELS * REGION_PIXELS * sizeof(uint32_t);
	printf("%s\n", name);
	report("  256 KiB", check_warm, update, WARM_BYTES);
	report("  256 KiB in rows of 96 pixels", check_long_rows, update, WARM_BYTES);
	report("  256 KiB in rows of 90 pixels", check_odd_rows, update, WARM_BYTES);
	report("  64 regions of 96x96 in 1920x720", check_regions, update, region_bytes);
}

int main(void) {
	for (size_t i = 0; i < sizeof(warm); i++) {
		warm[i] = (uint8_t)(i * 31 + (i >> 9));
	}
	for (size_t i = 0; i < sizeof(picture) / sizeof(picture[0]); i++) {
		picture[i] = (uint32_t)i * 2654435761u;
	}
	report("memcpy of 256 KiB", copy_warm, NULL, WARM_BYTES);
	report_all("table", crc32_table);
	if (crc32_clmul_works()) {
		report_all("carry-less multiplication", crc32_clmul);
	}
	report_all("as chosen", crc32_update);
	return EXIT_SUCCESS;
}
