/*
 * What checking 64 safety elements of 96x96 pixels costs at each frame of 1920x1080, beside memcpy of the
 * same pixels. Not a test: it prints, and judges nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compositor/check.h"
#include "core/crc32.h"

#define WIDTH 1920
#define HEIGHT 1080
#define ELEMENTS 64
#define SIZE 96
#define ROUNDS 400

static uint32_t *picture, *other;
static uint32_t crcs[ELEMENTS];
static const struct check_view *view;

/* what this thread used: other work on the machine counts as little as it can */
static uint64_t used_ns(void) {
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct rect place_of(uint32_t index) {
	/* odd places: no row begins at a cache line */
	return (struct rect) { (int32_t)(index % 16 * 119 + 5), (int32_t)(index / 16 * 250 + 11),
		SIZE, SIZE };
}

static bool check_all(void) {
	bool passed = true;
	for (uint32_t i = 0; i < ELEMENTS; i++) {
		uint32_t found;
		struct rect place = place_of(i);
		passed &= check_exact(view, &place, &crcs[i], 1, &found);
	}
	return passed;
}

static bool copy_all(void) {
	for (uint32_t i = 0; i < ELEMENTS; i++) {
		struct rect place = place_of(i);
		for (uint32_t y = 0; y < SIZE; y++) {
			size_t at = ((size_t)place.y + y) * WIDTH + (size_t)place.x;
			memcpy(other + at, picture + at, SIZE * sizeof(*picture));
		}
	}
	return true;
}

static bool crc_all(void) {
	static uint32_t chunk[2048];
	uint32_t crc = 0;
	for (size_t i = 0; i < (size_t)ELEMENTS * SIZE * SIZE; i += 2048) {
		crc = crc32_update(crc, chunk, sizeof(chunk));
	}
	return crc != 0;
}

static bool check_grid(void) {
	uint32_t found;
	return check_black(view, &view->bounds, &found);
}

static bool find_one(void) {
	static uint32_t tile[SIZE * SIZE];
	struct check_found found;
	struct rect place = place_of(20);
	for (uint32_t i = 0; i < SIZE * SIZE; i++) {
		tile[i] = i * 2654435761u;
	}
	return !check_find(view, &place, tile, &found);
}

static int compare(const void *a, const void *b) {
	const uint64_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

/* The picture is drawn anew before each round, as a compositor does: it is in the cache as far as it fits. */
static void report(const char *name, bool (*work)(void)) {
	uint64_t times[ROUNDS];
	bool passed = true;
	for (unsigned i = 0; i < ROUNDS; i++) {
		memcpy(other, picture, (size_t)WIDTH * HEIGHT * sizeof(*picture));
		uint64_t start = used_ns();
		passed &= work();
		times[i] = used_ns() - start;
	}
	qsort(times, ROUNDS, sizeof(times[0]), compare);
	printf("%-34s median %8.1f us, p99 %8.1f us%s\n", name, (double)times[ROUNDS / 2] / 1000,
		(double)times[ROUNDS * 99 / 100] / 1000, passed ? "" : ", FAILED");
}

int main(void) {
	size_t bytes = (size_t)WIDTH * HEIGHT * sizeof(*picture);
	picture = malloc(bytes);
	other = malloc(bytes);
	if (picture == NULL || other == NULL) {
		return EXIT_FAILURE;
	}
	const struct check_view whole = { picture, WIDTH * 4, { 0, 0, WIDTH, HEIGHT } };
	view = &whole;
	for (size_t i = 0; i < bytes / 4; i++) {
		picture[i] = (uint32_t)i * 2246822519u ^ (uint32_t)(i >> 7);
	}
	for (uint32_t i = 0; i < ELEMENTS; i++) {
		struct rect place = place_of(i);
		crcs[i] = check_crc(view, &place);
	}
	report("64 EXACT of 96x96", check_all);
	report("memcpy of the same pixels", copy_all);
	report("CRC-32 of as many bytes", crc_all);
	report("BLACK of 1920x1080", check_grid);
	report("a picture not found nearby", find_one);
	free(other);
	free(picture);
	return EXIT_SUCCESS;
}
