/*
 * Every row of the failure table, once, on a clock of the test's own: found, answered, and never a wrong
 * picture; and with its mechanism switched off not so. How fast is the benchmark's to say.
 */
#include <check.h>
#include <stdlib.h>

#include "tests/safety/shot.h"
#include "tests/suite.h"

static struct cockpit cockpit;

static void setup(void) {
	const struct cockpit_options options = { .is_real = false, .has_sound = true };
	ck_assert_int_eq(cockpit_init(&cockpit, &options), 0);
	ck_assert_int_eq(cockpit_recover(&cockpit), 0);
}

static void teardown(void) {
	cockpit_finish(&cockpit);
}

START_TEST(row_is_answered) {
	const struct row *row = &rows[_i];
	struct shot shot;
	if (row->is_real_only) {
		return;
	}
	enum shot_verdict verdict = shot_take(&cockpit, row, 0, false, &shot);
	ck_assert_msg(verdict == SHOT_PASSED, "row %s (%s): %s, cause %s, %u wrong pictures",
		row->name, row->fault, shot_verdict_name(verdict), fault_name(shot.cause),
		shot.wrong_pictures);
}
END_TEST

START_TEST(row_needs_its_mechanism) {
	const struct row *row = &rows[_i];
	struct shot shot;
	if (row->is_real_only || !row_has_control(row)) {
		return;
	}
	enum shot_verdict verdict = shot_take(&cockpit, row, 0, true, &shot);
	ck_assert_msg(verdict != SHOT_PASSED && verdict != SHOT_BROKEN,
		"row %s (%s) with its mechanism off: %s, cause %s", row->name, row->fault,
		shot_verdict_name(verdict), fault_name(shot.cause));
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("safety rows");
	TCase *answers = suite_case(suite, "answers");
	tcase_add_checked_fixture(answers, setup, teardown);
	tcase_add_loop_test(answers, row_is_answered, 0, (int)rows_len);
	TCase *controls = suite_case(suite, "controls");
	tcase_add_checked_fixture(controls, setup, teardown);
	tcase_add_loop_test(controls, row_needs_its_mechanism, 0, (int)rows_len);
	return suite;
}
