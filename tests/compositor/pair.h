/*
 * The usual cockpit in small: two guests side by side on one output, the left one critical.
 */
#ifndef TESTS_COMPOSITOR_PAIR_H
#define TESTS_COMPOSITOR_PAIR_H

#include "compositor/layer_state.h"
#include "compositor/screen.h"
#include "tests/compositor/rig.h"

#define PAIR_WIDTH 96
#define PAIR_HEIGHT 64
#define PAIR_BACKGROUND 0x102030
/* what the guests, and layers, "cluster" (0) and "ivi" (1) draw */
#define PAIR_CLUSTER 0xc0ffee
#define PAIR_IVI 0x1f1f1f

extern const struct rect pair_left, pair_right;

void pair_config(struct config *config);

/* Both guests publish, and a tick passes. */
void pair_draw(struct rig *rig);

/* Asserts that "layer.NAME" or "output.NAME" is in this state. */
void pair_expect(struct rig *rig, const char *name, uint64_t state);

/* Asserts that the fallback HMI is on the whole output, with all unknown and the cluster missing. */
void pair_expect_fallback(struct rig *rig);

/* The colour of a tile of the output's HMI. */
uint32_t pair_hmi(const char *tile);

#endif
