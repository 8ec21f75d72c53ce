#include "tests/guest/programs/vehicle.h"

#include "core/macros.h"
#include "tests/suite.h"

#define LINES 3
#define NOW 100.0

/* After these lines, so long after, this signal is drawn as this. */
static const struct {
	const char *name;
	const char *lines[LINES];
	double later_s;
	uint32_t signal;
	int32_t value;
} rows[] = {
	{ "nothing was said", { NULL }, 0, SIGNAL_SPEED, SIGNAL_UNKNOWN },
	{ "nothing was said of a lamp", { NULL }, 0, SIGNAL_BRAKE, SIGNAL_UNKNOWN },
	{ "others are spoken of", { "speed=5" }, 0, SIGNAL_REVS, SIGNAL_UNKNOWN },
	{ "other lamps are spoken of", { "speed=5" }, 0, SIGNAL_BRAKE, 0 },
	{ "one value", { "speed=47.5" }, 0, SIGNAL_SPEED, 475 },
	{ "several", { "speed=1 brake=on  gear=D" }, 0, SIGNAL_GEAR, 3 },
	{ "the last one counts", { "brake=on", "brake=off" }, 0, SIGNAL_BRAKE, 0 },
	{ "just in time", { "brake=off" }, 1.9, SIGNAL_BRAKE, 0 },
	{ "too old", { "brake=off" }, 2.0, SIGNAL_BRAKE, SIGNAL_UNKNOWN },
	{ "a wrong word spoils no other", { "colour=red brake=on" }, 0, SIGNAL_BRAKE, 1 },
	{ "off, though it is on", { "brake=on", "wrong brake" }, 0, SIGNAL_BRAKE, 0 },
	{ "on, though it is off", { "wrong brake", "brake=off" }, 0, SIGNAL_BRAKE, 1 },
	{ "another one is right", { "abs=on brake=on", "wrong brake" }, 0, SIGNAL_ABS, 1 },
	{ "good again", { "brake=on", "wrong brake", "good" }, 0, SIGNAL_BRAKE, 1 },
};

static const struct {
	const char *line;
	bool is_good;
} lines[] = {
	{ "speed=5 abs=on", true },
	{ "good", true },
	{ "freeze", true },
	{ "wrong abs", true },
	{ "picture /run/a.ppm", true },
	{ "", false },
	{ "bad", false },
	{ "speed", false },
	{ "speed=fast", false },
	{ "colour=red", false },
	{ "wrong colour", false },
};

START_TEST(values_are_what_was_said) {
	struct vehicle vehicle;
	int32_t values[SIGNAL_VALUES];
	vehicle_init(&vehicle);
	for (int i = 0; i < LINES && rows[_i].lines[i] != NULL; i++) {
		vehicle_take_line(&vehicle, rows[_i].lines[i], NOW);
	}
	vehicle_values(&vehicle, NOW + rows[_i].later_s, values);
	ck_assert_msg(values[rows[_i].signal] == rows[_i].value, "%s: %d", rows[_i].name,
		values[rows[_i].signal]);
}
END_TEST

START_TEST(a_line_is_understood_or_not) {
	struct vehicle vehicle;
	vehicle_init(&vehicle);
	ck_assert_msg(vehicle_take_line(&vehicle, lines[_i].line, NOW) == lines[_i].is_good, "'%s'",
		lines[_i].line);
}
END_TEST

START_TEST(orders_last_until_good) {
	struct vehicle vehicle;
	vehicle_init(&vehicle);
	ck_assert(!vehicle.is_frozen);
	vehicle_take_line(&vehicle, "freeze", NOW);
	vehicle_take_line(&vehicle, "speed=5", NOW);
	ck_assert(vehicle.is_frozen);
	vehicle_take_line(&vehicle, "picture /run/a.ppm", NOW);
	ck_assert_str_eq(vehicle.picture, "/run/a.ppm");
	vehicle_take_line(&vehicle, "good", NOW);
	ck_assert(!vehicle.is_frozen);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("guest vehicle");
	TCase *tests = suite_case(suite, "lines");
	tcase_add_loop_test(tests, values_are_what_was_said, 0, (int)ARRAY_LEN(rows));
	tcase_add_loop_test(tests, a_line_is_understood_or_not, 0, (int)ARRAY_LEN(lines));
	tcase_add_test(tests, orders_last_until_good);
	return suite;
}
