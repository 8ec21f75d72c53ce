/*
 * The slow reference for composition: one pixel at a time, every formula written out, nothing shared
 * with the code under test but the data types.
 */
#ifndef TESTS_COMPOSITOR_REFERENCE_H
#define TESTS_COMPOSITOR_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

#include "compositor/painter.h"

/* What the scene looks like at x, y: 0x00RRGGBB. sprites[0] is the rearmost, black is behind it. */
uint32_t reference_pixel(const struct sprite *sprites, size_t len, int32_t x, int32_t y);

/* xorshift: the same numbers on every machine. *state is not 0. */
uint32_t reference_random(uint64_t *state);

#endif
