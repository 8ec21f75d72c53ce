/*
 * An atlas for tests, with every tile that a configuration calls for, each of one colour that no other
 * tile has, so that a pixel says which tile it is of.
 */
#ifndef TESTS_SUPPORT_TEST_ATLAS_H
#define TESTS_SUPPORT_TEST_ATLAS_H

#include <stdint.h>

#include "core/config.h"

/* Size of a digit or gear letter; the leftmost digit is at 2,4. */
#define TEST_ATLAS_DIGIT_WIDTH 8
#define TEST_ATLAS_DIGIT_HEIGHT 12

/* A sealed atlas; tiles whose name contains `without` are left out (NULL: none). fd, or aborts. */
int test_atlas_create_fd(const struct config *config, const char *without);

/* The colour (0x00RRGGBB) of a tile by its name. */
uint32_t test_atlas_colour(const char *name);

#endif
