/* What checking 64 safety elements of 96x96 pixels costs at each frame of 1920x1080. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compositor/check.h"
#include "core/crc32.h"
#include "tests/bench/compose_figures.h"

#define WIDTH 1920
#define HEIGHT 1080
#define ELEMENTS 64
#define SIZE 96

static uint32_t *picture, *other;
static uint32_t crcs[ELEMENTS];
static const struct check_view *view;

static struct rect place_of(uint32_t index) {
	/* odd places: no row begins at a cache line */
	return (struct rect) { (int32_t)(index % 16 * 119 + 5), (int32_t)(index / 16 * 250 + 11),
		SIZE, SIZE };
}

static bool check_all(void *data) {
	bool passed = true;
	for (uint32_t i = 0; i < ELEMENTS; i++) {
		uint32_t found;
		struct rect place = place_of(i);
		passed &= check_exact(view, &place, &crcs[i], 1, &found);
	}
	return passed;
}

static bool copy_all(void *data) {
	for (uint32_t i = 0; i < ELEMENTS; i++) {
		struct rect place = place_of(i);
		for (uint32_t y = 0; y < SIZE; y++) {
			size_t at = ((size_t)place.y + y) * WIDTH + (size_t)place.x;
			memcpy(other + at, picture + at, SIZE * sizeof(*picture));
		}
	}
	return true;
}

static bool crc_all(void *data) {
	static uint32_t chunk[2048];
	uint32_t crc = 0;
	for (size_t i = 0; i < (size_t)ELEMENTS * SIZE * SIZE; i += 2048) {
		crc = crc32_update(crc, chunk, sizeof(chunk));
	}
	return crc != 0;
}

static bool check_grid(void *data) {
	uint32_t found;
	return check_black(view, &view->bounds, &found);
}

static bool find_one(void *data) {
	static uint32_t tile[SIZE * SIZE];
	struct check_found found;
	struct rect place = place_of(20);
	for (uint32_t i = 0; i < SIZE * SIZE; i++) {
		tile[i] = i * 2654435761u;
	}
	return !check_find(view, &place, tile, &found);
}

/* The picture is drawn anew before each check, as a compositor does: it is in the cache as far as it fits. */
static void measure(struct figures *figures, const char *name, double bound_ms, unsigned runs,
	bool (*work)(void *)) {
	struct figure *figure = figures_add(figures, name, bound_ms);
	for (unsigned i = 0; i < runs; i++) {
		memcpy(other, picture, (size_t)WIDTH * HEIGHT * sizeof(*picture));
		figures_measure(figures, figure, 1, work, NULL);
	}
}

static void fill(void) {
	for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++) {
		picture[i] = (uint32_t)i * 2246822519u ^ (uint32_t)(i >> 7);
	}
	for (uint32_t i = 0; i < ELEMENTS; i++) {
		struct rect place = place_of(i);
		crcs[i] = check_crc(view, &place);
	}
}

int compose_checks(struct figures *figures, unsigned runs) {
	size_t bytes = (size_t)WIDTH * HEIGHT * sizeof(*picture);
	picture = malloc(bytes);
	other = malloc(bytes);
	const struct check_view whole = { picture, WIDTH * 4, { 0, 0, WIDTH, HEIGHT } };
	bool good = picture != NULL && other != NULL;
	if (good) {
		view = &whole;
		fill();
		measure(figures, "64 EXACT regions of 96x96", 0.5, runs, check_all);
		measure(figures, "memcpy of the same pixels", 0, runs, copy_all);
		measure(figures, "CRC-32 of as many bytes", 0, runs, crc_all);
		measure(figures, "BLACK of 1920x1080", 0, runs, check_grid);
		measure(figures, "a picture not found nearby", 0, runs, find_one);
	}
	free(other);
	free(picture);
	return good ? 0 : -ENOMEM;
}
