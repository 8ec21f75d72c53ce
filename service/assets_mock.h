/*
 * A mock: the whole HMI of an output in one picture, with values that somebody chose.
 *
 * Thread: any.
 */
#ifndef SERVICE_ASSETS_MOCK_H
#define SERVICE_ASSETS_MOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/atlas.h"
#include "core/signals.h"

struct assets_mock {
	struct rect place; /* on the output */
	uint32_t *pixels;  /* owned; opaque BGRX */
};

struct assets_values {
	uint32_t theme, locale;
	int32_t signals[SIGNAL_VALUES];
	bool all_notices;           /* every critical layer is missing */
	const char *const *missing; /* NULL-terminated: these are; NULL: none */
};

/* The picture is as large as the output's ground. 0, -ENOENT: it has none, or -ENOMEM. */
int assets_mock_init(struct assets_mock *mock, const struct atlas *atlas, const char *output,
	const struct assets_values *values);
void assets_mock_finish(struct assets_mock *mock);

/* Draws a tile over the picture, its corner at x,y of the picture. What is outside is cut off. */
void assets_mock_blend(struct assets_mock *mock, const struct atlas *atlas,
	const struct atlas_tile *tile, int32_t x, int32_t y);

#endif
