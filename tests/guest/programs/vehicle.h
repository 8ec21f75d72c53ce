/*
 * What the cluster is told, as lines of text: the vehicle's signals, and for the demo how to misbehave.
 *
 *     NAME=VALUE ...      signals, in the words of `fascia signal`
 *     wrong NAME          from now on this telltale is drawn the other way round
 *     freeze              from now on the same picture is shown again and again
 *     good                no more of that
 *     picture FILE        write the next picture that is drawn to FILE, as a PPM
 *
 * A telltale that is not spoken of is off, a reading unknown. Without signals for VEHICLE_TIMEOUT_S all of
 * them are unknown.
 *
 * Thread: one.
 */
#ifndef TESTS_GUEST_PROGRAMS_VEHICLE_H
#define TESTS_GUEST_PROGRAMS_VEHICLE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/signals.h"

#define VEHICLE_TIMEOUT_S 2.0

struct vehicle {
	int32_t values[SIGNAL_VALUES];
	double heard_s; /* when signals came last */
	uint32_t wrong; /* a signal's number, or SIGNAL_NONE */
	bool is_frozen;
	char picture[128]; /* empty: none is asked for */
};

void vehicle_init(struct vehicle *vehicle);

/* False: the line is none of the above; of one with signals, those that are understood are taken. */
bool vehicle_take_line(struct vehicle *vehicle, const char *line, double now_s);

/* What is to be drawn now. */
void vehicle_values(const struct vehicle *vehicle, double now_s, int32_t values[SIGNAL_VALUES]);

#endif
