/*
 * An atlas for tests: every tile that a configuration calls for, and an HMI with an element of each kind on
 * each output that has a fallback. Each tile is of one colour that no other has, so that a pixel says
 * which tile it is of (but for a lamp's pixel 1,3, which is the colour's complement). There are two themes and two locales; the locales share their pixels.
 *
 *   2,4  speed (readout of 3 digits)   34,4 gear   44,4 revs (gauge, 9 states over 0..8000)
 *   2,20 test_lamps, 5x5 each, 6 apart             52,20 camera (frame, 10x10)
 *   2,28 notices of critical layers, 20x5, 6 below each other by the layer's index
 */
#ifndef TESTS_SUPPORT_TEST_ATLAS_H
#define TESTS_SUPPORT_TEST_ATLAS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/config.h"
#include "core/signals.h"

/* Size of a digit or gear letter; the leftmost digit is at 2,4. */
#define TEST_ATLAS_DIGIT_WIDTH 8
#define TEST_ATLAS_DIGIT_HEIGHT 12
#define TEST_ATLAS_LAMPS 8

struct test_lamp {
	const char *name;
	enum signal_id signal;
	bool safety;
};
extern const struct test_lamp test_lamps[TEST_ATLAS_LAMPS];

/* A sealed atlas; tiles whose name contains `without`, and elements whose "hmi/OUTPUT/ELEMENT" does, are
 * left out (NULL: none). fd, or aborts. */
int test_atlas_create_fd(const struct config *config, const char *without);

/* The colour (0x00RRGGBB) of a tile by its name: "placeholder/LAYER", "picture/LAYER", or
 * "hmi/OUTPUT/ELEMENT/STATE", with "@night" behind it in that theme. STATE is what is shown: "7", "-",
 * "blank", "P", "on", "off", the state of the gauge, else "one". */
uint32_t test_atlas_colour(const char *name);

#endif
