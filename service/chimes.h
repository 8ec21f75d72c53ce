/*
 * The making of the bank of chimes (core/chimes.h): gongs, synthesised, the same bytes at every start.
 *
 *   information   one soft stroke
 *   caution       two strokes, falling: "ding-dong"
 *   warning       three quick high strokes
 *
 * They differ in number, pitch and pace, so that they are told apart without looking and by those who
 * hear only some frequencies well.
 *
 * Thread: any.
 */
#ifndef SERVICE_CHIMES_H
#define SERVICE_CHIMES_H

#include <stdint.h>

/* The sealed bank for a mix of `rate` Hz (8000..192000): fd or -errno. */
int chimes_create_fd(uint32_t rate);

#endif
