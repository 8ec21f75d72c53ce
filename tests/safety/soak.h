/*
 * The false-alarm soak: a cockpit that is given legal content only, at random, for as long as asked, and
 * must not react once.
 *
 * Legal is: any values, themes and locales; the other guest's machine ending and starting again, in any
 * resolution; pauses of the other guest's pictures shorter than it may be silent. What the other guest's
 * layer goes through while its machine is away is expected and not counted. A false alarm is any other
 * record with a reaction, and any of an element or a region, since that was drawn by the host or found
 * wrong. A wrong picture is one without the cluster, without the other guest while its machine is there, or
 * with a telltale that is not what was asked for within the time that signals, guest and compositor have for
 * it. Who saw too few pictures has shown nothing.
 *
 * Thread: one.
 */
#ifndef TESTS_SAFETY_SOAK_H
#define TESTS_SAFETY_SOAK_H

#include <stdint.h>

/* 0 when there was no reaction; what was seen goes to stdout and DIR/soak.json. */
int soak_run(uint32_t seconds, const char *out);

#endif
