#include "service/drive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/macros.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

static const char small[] = "# a comment\n"
			    "\n"
			    "0    speed=0 gear=P brake=on\r\n"
			    "1.5\tspeed=30~ gear=D # another\n"
			    "  2  speed=10\n"
			    "4    speed=0~ trip=5";

static void parse(struct drive *drive, const char *text) {
	char error[DRIVE_ERROR_BYTES];
	ck_assert_msg(drive_parse(drive, "test", text, strlen(text), error), "%s", error);
}

static const struct {
	uint64_t time_ms;
	int32_t speed, gear, brake, trip;
} moments[] = {
	{ 0, 0, 0, 1, -7 },
	{ 1, 0, 0, 1, -7 },
	{ 750, 150, 0, 1, -7 },
	{ 1499, 299, 0, 1, -7 },
	{ 1500, 300, 3, 1, -7 },
	{ 1999, 300, 3, 1, -7 },
	{ 2000, 100, 3, 1, -7 },
	{ 3000, 50, 3, 1, -7 },
	{ 4000, 0, 3, 1, 50 },
	{ UINT64_MAX, 0, 3, 1, 50 },
};

START_TEST(values_over_time) {
	struct drive drive;
	parse(&drive, small);
	ck_assert_uint_eq(drive.length_ms, 4000);
	ck_assert_uint_eq(drive.events_len, 8);
	int32_t values[SIGNAL_VALUES];
	for (size_t i = 0; i < SIGNAL_VALUES; i++) {
		values[i] = -7; /* what the drive says nothing of is left alone */
	}
	drive_values(&drive, moments[_i].time_ms, values);
	ck_assert_int_eq(values[SIGNAL_SPEED], moments[_i].speed);
	ck_assert_int_eq(values[SIGNAL_GEAR], moments[_i].gear);
	ck_assert_int_eq(values[SIGNAL_BRAKE], moments[_i].brake);
	ck_assert_int_eq(values[SIGNAL_TRIP], moments[_i].trip);
	ck_assert_int_eq(values[SIGNAL_REVS], -7);
	ck_assert(!drive_has_ended(&drive, 3999));
	ck_assert(drive_has_ended(&drive, 4000));
	drive_finish(&drive);
}
END_TEST

START_TEST(loops_start_over) {
	struct drive drive;
	parse(&drive, "0 speed=0 revs=800\n1 speed=10\n2 speed=20~\nloop\n# the end\n");
	ck_assert(drive.loops && !drive_has_ended(&drive, UINT64_MAX));
	static const struct {
		uint64_t time_ms;
		int32_t speed;
	} rows[] = { { 0, 0 }, { 1500, 150 }, { 1999, 199 }, { 2000, 0 }, { 21500, 150 } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int32_t values[SIGNAL_VALUES] = { 0 };
		drive_values(&drive, rows[i].time_ms, values);
		ck_assert_msg(values[SIGNAL_SPEED] == rows[i].speed, "%u ms: %d",
			(unsigned)rows[i].time_ms, values[SIGNAL_SPEED]);
	}
	drive_finish(&drive);
}
END_TEST

START_TEST(of_two_at_a_time_the_later_line_counts) {
	struct drive drive;
	parse(&drive, "1 speed=10\n1 speed=20~\n1 speed=30\n2 speed=31~\n");
	int32_t values[SIGNAL_VALUES] = { 0 };
	drive_values(&drive, 1000, values);
	ck_assert_int_eq(values[SIGNAL_SPEED], 300);
	drive_values(&drive, 1500, values);
	ck_assert_int_eq(values[SIGNAL_SPEED], 305);
	drive_finish(&drive);
}
END_TEST

static const struct {
	const char *text, *error;
} wrongs[] = {
	{ "", "drive:0: it sets nothing" },
	{ "# nothing\n\n", "drive:2: it sets nothing" },
	{ "5\n", "drive:1: it sets nothing" },
	{ "speed=5\n",
		"drive:1: 'speed=5' is no time; a line is TIME NAME=VALUE..., TIME in seconds up "
		"to "
		"86400, or 'loop'" },
	{ "0 speed=1\n-1 speed=5\n",
		"drive:2: '-1' is no time; a line is TIME NAME=VALUE..., TIME in seconds up to "
		"86400, or 'loop'" },
	{ "1.0005 speed=5\n",
		"drive:1: '1.0005' is no time; a line is TIME NAME=VALUE..., TIME in seconds up to "
		"86400, or 'loop'" },
	{ "2 speed=5\n1.999 speed=6\n", "drive:2: 1.999 s is before the line above" },
	{ "0 speed=5\n1 sped=6",
		"drive:2: there is no signal 'sped'; `fascia signal --list` prints them" },
	{ "0 speed=500\n", "drive:1: speed='500'; allowed: 0.0 to 400.0 km/h, or - (unknown)" },
	{ "0 speed\n", "drive:1: 'speed' is no NAME=VALUE" },
	{ "0 gear=D~\n", "drive:1: 'gear=D~': only a number can be reached linearly (~)" },
	{ "0 speed=-~\n", "drive:1: 'speed=-~': only a number can be reached linearly (~)" },
	{ "0 speed=5~\n",
		"drive:1: 'speed=5~': ~ goes on from a value, and speed has none before" },
	{ "0 speed=5\n1 speed=-\n2 speed=5~\n",
		"drive:3: 'speed=5~': ~ goes on from a value, and speed has none before" },
	{ "loop\n", "drive:1: a loop needs time to pass first" },
	{ "0 speed=5\nloop\n", "drive:2: a loop needs time to pass first" },
	{ "1 speed=5\nloop now\n", "drive:2: 'loop' stands alone" },
	{ "1 speed=5\nloop\n2 speed=6\n", "drive:3: nothing may follow 'loop'" },
	{ "1 speed=5\nloop\nloop\n", "drive:3: nothing may follow 'loop'" },
	{ "0 speed=\033[31m\n", "drive:1: is no text" },
};

START_TEST(complaints) {
	struct drive drive;
	char error[DRIVE_ERROR_BYTES];
	const char *text = wrongs[_i].text;
	ck_assert_msg(!drive_parse(&drive, "drive", text, strlen(text), error), "%s", text);
	ck_assert_str_eq(error, wrongs[_i].error);
	ck_assert_ptr_null(drive.events);
}
END_TEST

START_TEST(zeros_are_no_text) {
	struct drive drive;
	char error[DRIVE_ERROR_BYTES];
	ck_assert(!drive_parse(&drive, "drive", "0 speed=5\0\n", 11, error));
	ck_assert_str_eq(error, "drive:1: is no text");
}
END_TEST

START_TEST(long_lines_and_paths) {
	struct drive drive;
	char line[2000], path[1000], error[DRIVE_ERROR_BYTES];
	memset(line, 'x', sizeof(line));
	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	ck_assert(!drive_parse(&drive, "drive", line, sizeof(line), error));
	ck_assert_str_eq(error, "drive:1: longer than 1023 bytes");
	ck_assert(!drive_parse(&drive, path, line, 900, error));
	ck_assert_uint_lt(strlen(error), sizeof(error));
	ck_assert_ptr_nonnull(strstr(error, "ppp:1: 'xxxx"));
}
END_TEST

START_TEST(too_many_values) {
	struct drive drive;
	char error[DRIVE_ERROR_BYTES];
	static const char row[] = "0 speed=1 revs=1\n";
	size_t rows = DRIVE_EVENTS_MAX / 2 + 1, bytes = rows * (sizeof(row) - 1);
	char *text = malloc(bytes);
	for (size_t i = 0; i < rows; i++) {
		memcpy(text + i * (sizeof(row) - 1), row, sizeof(row) - 1);
	}
	ck_assert(drive_parse(&drive, "drive", text, bytes - sizeof(row) + 1, error));
	ck_assert_uint_eq(drive.events_len, DRIVE_EVENTS_MAX);
	drive_finish(&drive);
	ck_assert(!drive_parse(&drive, "drive", text, bytes, error));
	ck_assert_str_eq(error, "drive:32769: more than 65536 values");
	free(text);
}
END_TEST

START_TEST(every_prefix_is_read_or_refused) {
	for (size_t len = 0; len < sizeof(small); len++) {
		struct drive drive;
		char error[DRIVE_ERROR_BYTES] = "";
		bool read = drive_parse(&drive, "drive", small, len, error);
		ck_assert_msg(read == (error[0] == '\0'), "%zu: %s", len, error);
		drive_finish(&drive);
	}
}
END_TEST

START_TEST(files_that_cannot_be_read) {
	struct drive drive;
	char error[DRIVE_ERROR_BYTES];
	ck_assert(!drive_read(&drive, "/nonexistent/drive", error));
	ck_assert_str_eq(error, "/nonexistent/drive: No such file or directory");
	ck_assert(!drive_read(&drive, "/", error));
	ck_assert_str_eq(error, "/: Is a directory");
}
END_TEST

START_TEST(reads_fail_clean) {
	struct drive drive;
	char error[DRIVE_ERROR_BYTES];
	unsigned n = 1;
	for (; fault_at(n), !drive_read(&drive, CITY_DRIVE, error); n++) {
		ck_assert(fault_hit());
		ck_assert_ptr_nonnull(strstr(error, "Cannot allocate memory"));
	}
	fault_off();
	ck_assert_uint_ge(n, 3);
	drive_finish(&drive);
}
END_TEST

/* What the demonstration relies on. */
START_TEST(the_city_drive) {
	struct drive drive;
	char error[DRIVE_ERROR_BYTES];
	ck_assert_msg(drive_read(&drive, CITY_DRIVE, error), "%s", error);
	ck_assert(drive.loops);
	ck_assert_uint_eq(drive.length_ms, 40000);
	int32_t least[SIGNAL_VALUES], most[SIGNAL_VALUES];
	for (size_t i = 0; i < SIGNAL_VALUES; i++) {
		least[i] = INT32_MAX;
		most[i] = INT32_MIN;
	}
	for (uint64_t ms = 0; ms < drive.length_ms; ms += 50) {
		int32_t values[SIGNAL_VALUES] = { 0 };
		drive_values(&drive, ms, values);
		for (size_t i = 0; i < SIGNAL_VALUES; i++) {
			least[i] = MIN(least[i], values[i]);
			most[i] = MAX(most[i], values[i]);
		}
		ck_assert_msg(values[SIGNAL_CAMERA] == 0 || values[SIGNAL_GEAR] == 1,
			"camera without reverse at %u ms", (unsigned)ms);
	}
	ck_assert_int_eq(least[SIGNAL_SPEED], 0);
	ck_assert_int_ge(most[SIGNAL_SPEED], 500);
	ck_assert_int_ge(most[SIGNAL_REVS], 2500);
	ck_assert_int_eq(most[SIGNAL_GEAR], 3);
	static const uint32_t switched[] = { SIGNAL_THEME, SIGNAL_CAMERA, SIGNAL_TURN_LEFT,
		SIGNAL_TURN_RIGHT, SIGNAL_BRAKE, SIGNAL_SEAT_BELT, SIGNAL_LOW_FUEL, SIGNAL_ENGINE,
		SIGNAL_LOW_BEAM };
	for (size_t i = 0; i < ARRAY_LEN(switched); i++) {
		uint32_t id = switched[i];
		ck_assert_msg(least[id] == 0 && most[id] == 1, "%s", signal_info(id)->name);
	}
	drive_finish(&drive);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("service drive");
	TCase *tcase = suite_case(suite, "values");
	tcase_add_loop_test(tcase, values_over_time, 0, ARRAY_LEN(moments));
	tcase_add_test(tcase, loops_start_over);
	tcase_add_test(tcase, of_two_at_a_time_the_later_line_counts);
	tcase_add_test(tcase, the_city_drive);

	tcase = suite_case(suite, "texts");
	tcase_add_loop_test(tcase, complaints, 0, ARRAY_LEN(wrongs));
	tcase_add_test(tcase, zeros_are_no_text);
	tcase_add_test(tcase, long_lines_and_paths);
	tcase_add_test(tcase, too_many_values);
	tcase_add_test(tcase, every_prefix_is_read_or_refused);
	tcase_add_test(tcase, files_that_cannot_be_read);
	tcase_add_test(tcase, reads_fail_clean);
	return suite;
}
