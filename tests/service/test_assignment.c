#include "service/assignment.h"

#include <string.h>

#include "core/macros.h"
#include "core/signals.h"
#include "tests/suite.h"

static const struct {
	const char *text;
	struct assignment assignment;
} rights[] = {
	{ "speed=47.5", { SIGNAL_SPEED, 475, false } },
	{ "speed=47.5~", { SIGNAL_SPEED, 475, true } },
	{ "speed=-", { SIGNAL_SPEED, SIGNAL_UNKNOWN, false } },
	{ "outside=-3", { SIGNAL_OUTSIDE, -30, false } },
	{ "gear=R", { SIGNAL_GEAR, 1, false } },
	{ "master-warning=on", { SIGNAL_MASTER_WARNING, 1, false } },
	{ "turn-left=0~", { SIGNAL_TURN_LEFT, 0, true } },
};

START_TEST(assignments) {
	struct assignment read;
	char error[ASSIGNMENT_ERROR_BYTES];
	ck_assert_msg(assignment_parse(rights[_i].text, &read, error), "%s", rights[_i].text);
	ck_assert_uint_eq(read.id, rights[_i].assignment.id);
	ck_assert_int_eq(read.value, rights[_i].assignment.value);
	ck_assert_int_eq(read.linear, rights[_i].assignment.linear);
}
END_TEST

static const struct {
	const char *text, *error;
} wrongs[] = {
	{ "", "'' is no NAME=VALUE" },
	{ "speed", "'speed' is no NAME=VALUE" },
	{ "=5", "there is no signal ''; `fascia signal --list` prints them" },
	{ "sped=5", "there is no signal 'sped'; `fascia signal --list` prints them" },
	{ "speed =5", "there is no signal 'speed '; `fascia signal --list` prints them" },
	{ "speed-of-the-wind-from-the-left-side=5",
		"there is no signal 'speed-of-the-wind-from-the-left-'; `fascia signal --list` "
		"prints them" },
	{ "speed=", "speed=''; allowed: 0.0 to 400.0 km/h, or - (unknown)" },
	{ "speed=~", "speed='~'; allowed: 0.0 to 400.0 km/h, or - (unknown)" },
	{ "speed=5~~", "speed='5~~'; allowed: 0.0 to 400.0 km/h, or - (unknown)" },
	{ "speed=401", "speed='401'; allowed: 0.0 to 400.0 km/h, or - (unknown)" },
	{ "coolant=x", "coolant='x'; allowed: -40 to 150 degrees C, or - (unknown)" },
	{ "gear=1", "gear='1'; allowed: P, R, N, D, or - (unknown)" },
	{ "abs=maybe", "abs='maybe'; allowed: off, on, or - (unknown)" },
	{ "revs=00000000000000000000000000000000000000",
		"revs='0000000000000000'; allowed: 0 to 12000 1/min, or - (unknown)" },
};

START_TEST(complaints) {
	struct assignment read = { 1, 2, true };
	char error[ASSIGNMENT_ERROR_BYTES];
	ck_assert_msg(!assignment_parse(wrongs[_i].text, &read, error), "%s", wrongs[_i].text);
	ck_assert_str_eq(error, wrongs[_i].error);
	ck_assert_uint_eq(read.id, 1);
}
END_TEST

START_TEST(forms_are_cut_to_their_place) {
	char form[8];
	memset(form, 'x', sizeof(form));
	assignment_form(SIGNAL_GEAR, form, 5);
	ck_assert_str_eq(form, "P, R");
	ck_assert_int_eq(form[5], 'x');
	assignment_form(SIGNAL_SPEED, form, sizeof(form));
	ck_assert_str_eq(form, "0.0 to ");
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("service assignment");
	TCase *tcase = suite_case(suite, "texts");
	tcase_add_loop_test(tcase, assignments, 0, ARRAY_LEN(rights));
	tcase_add_loop_test(tcase, complaints, 0, ARRAY_LEN(wrongs));
	tcase_add_test(tcase, forms_are_cut_to_their_place);
	return suite;
}
