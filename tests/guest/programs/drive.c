#include "tests/guest/programs/drive.h"

#include <math.h>
#include <stddef.h>

#define BULB_CHECK_SECONDS 2.0
#define TURN_SECONDS 12.0

/* Speed over time: straight lines between these, smoothed at the corners by smooth(). */
static const struct {
	double seconds, kmh;
} course[] = {
	{ 0, 0 },
	{ 2, 0 },
	{ 9, 52 },
	{ 15, 48 },
	{ 19, 31 },
	{ 25, 68 },
	{ 34, 128 },
	{ 43, 136 },
	{ 49, 84 },
	{ 54, 46 },
	{ 58, 0 },
	{ DRIVE_SECONDS, 0 },
};
#define COURSE_LEN (sizeof(course) / sizeof(course[0]))

/* km/h at which the next gear is taken */
static const double gear_up[] = { 18, 34, 52, 74, 98, 124 };
#define GEARS_UP (sizeof(gear_up) / sizeof(gear_up[0]))

static double smooth(double x) {
	return x * x * (3 - 2 * x);
}

static double speed_at(double t) {
	size_t i = 1;

	while (i < COURSE_LEN - 1 && course[i].seconds < t) {
		i++;
	}
	double span = course[i].seconds - course[i - 1].seconds;
	double part = smooth((t - course[i - 1].seconds) / span);
	return course[i - 1].kmh + (course[i].kmh - course[i - 1].kmh) * part;
}

/* Metres of one course up to `t`; smooth() covers exactly half of each of its spans' difference,
 * so sums of trapezoids are right at the corners, and near enough between them. */
static double metres_at(double t) {
	double metres = 0;

	for (size_t i = 1; i < COURSE_LEN && course[i - 1].seconds < t; i++) {
		double end = fmin(t, course[i].seconds);
		double mean = (speed_at(course[i - 1].seconds) + speed_at(end)) / 2;
		metres += mean / 3.6 * (end - course[i - 1].seconds);
	}
	return metres;
}

static unsigned gear_of(double kmh) {
	unsigned gear = 1;

	while (gear <= GEARS_UP && kmh > gear_up[gear - 1]) {
		gear++;
	}
	return gear;
}

/* Revolutions per km/h, blended over 3 km/h around each shift, as a clutch does. */
static double revs_of(double kmh) {
	static const double per_kmh[GEARS_UP + 1] = { 128, 84, 59, 45, 36, 30, 26 };
	double ratio = per_kmh[0];

	for (size_t i = 0; i < GEARS_UP; i++) {
		double part = fmax(0, fmin(1, (kmh - gear_up[i]) / 3));
		ratio += (per_kmh[i + 1] - per_kmh[i]) * part;
	}
	return fmax(820, kmh * ratio);
}

static uint32_t telltales_at(double seconds, double kmh) {
	uint32_t lit = 1u << TELLTALE_LOW_BEAM;

	if (seconds < BULB_CHECK_SECONDS) {
		return (1u << TELLTALES) - 1;
	}
	if (fmod(seconds, 2 * DRIVE_BLINK_SECONDS) < DRIVE_BLINK_SECONDS) {
		lit |= fmod(seconds, 2 * TURN_SECONDS) < TURN_SECONDS ? 1u << TELLTALE_LEFT
								      : 1u << TELLTALE_RIGHT;
	}
	if (kmh > 100) {
		lit |= 1u << TELLTALE_HIGH_BEAM;
	}
	if (kmh < 1) {
		lit |= 1u << TELLTALE_BRAKE;
	}
	if (seconds < 3 * BULB_CHECK_SECONDS) {
		lit |= 1u << TELLTALE_BELT;
	}
	return lit;
}

struct drive drive_at(double seconds) {
	double t = fmod(seconds, DRIVE_SECONDS);
	double metres = floor(seconds / DRIVE_SECONDS) * metres_at(DRIVE_SECONDS) + metres_at(t);
	struct drive drive = {
		.speed_kmh = speed_at(t),
		.distance_m = metres,
		.odometer = 48213 + (uint32_t)(metres / 1000),
		.trip = 1274 + (uint32_t)(metres / 100),
		.minute = (10 * 60 + 42 + (uint32_t)(seconds / 60)) % (24 * 60),
	};

	drive.gear = gear_of(drive.speed_kmh);
	drive.revs = revs_of(drive.speed_kmh);
	drive.telltales = telltales_at(seconds, drive.speed_kmh);
	return drive;
}
