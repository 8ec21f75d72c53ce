/*
 * A made-up drive through town and out of it, as a function of time: what the instrument cluster of
 * the test guest shows. Repeats every DRIVE_SECONDS; the same time gives the same drive.
 *
 * Thread: any.
 */
#ifndef TESTS_GUEST_PROGRAMS_DRIVE_H
#define TESTS_GUEST_PROGRAMS_DRIVE_H

#include <stdint.h>

#define DRIVE_SECONDS 60.0
#define DRIVE_BLINK_SECONDS 0.5 /* lit, then dark, each as long; also the time between two clicks */

enum telltale {
	TELLTALE_LEFT,
	TELLTALE_RIGHT,
	TELLTALE_HIGH_BEAM,
	TELLTALE_LOW_BEAM,
	TELLTALE_BELT,
	TELLTALE_BRAKE,
	TELLTALE_ABS,
	TELLTALE_OIL,
	TELLTALE_BATTERY,
	TELLTALE_ENGINE,
	TELLTALES,
};

struct drive {
	double speed_kmh;
	double revs; /* per minute */
	double distance_m; /* since the start, for the road's markings */
	uint32_t odometer; /* km */
	uint32_t trip; /* 100 m */
	uint32_t minute; /* of the day */
	unsigned gear; /* 1..7 */
	uint32_t telltales; /* bits, 1 << enum telltale */
};

/* `seconds` >= 0 since the ignition was switched on. */
struct drive drive_at(double seconds);

#endif
