/*
 * The false-alarm soak: a cockpit that is given legal content only, at random, for as long as asked, and
 * must not react once.
 *
 * Legal is: any values, themes and locales; the other guest's machine ending and starting again, in any
 * resolution; pauses of the other guest's pictures shorter than it may be silent. What the other guest's
 * layer goes through while its machine is away is expected and not counted; any record of the cluster,
 * the output, an element or the compositor itself is a false alarm, and so is a wrong pixel.
 *
 * Thread: one.
 */
#ifndef TESTS_SAFETY_SOAK_H
#define TESTS_SAFETY_SOAK_H

#include <stdint.h>

/* 0 when there was no reaction; what was seen goes to stdout and DIR/soak.json. */
int soak_run(uint32_t seconds, const char *out);

#endif
