#include "compositor/inject.h"

#include <errno.h>

#include "core/macros.h"
#include "tests/suite.h"

START_TEST(nothing_happens_where_it_is_not_allowed) {
	inject_init(false);
	ck_assert(!inject_is_allowed());
	for (unsigned i = 0; i < MECHANISMS; i++) {
		ck_assert_int_eq(mechanism_set((enum mechanism)i, false), -EPERM);
		ck_assert(mechanism_is_on((enum mechanism)i));
	}
	for (unsigned i = 0; i < INJECT_FAULTS; i++) {
		ck_assert_int_eq(inject_fault((enum inject_fault)i, "x", 1, 1), -EPERM);
		ck_assert_ptr_null(inject_peek((enum inject_fault)i));
		ck_assert(!inject_take((enum inject_fault)i, NULL));
	}
}
END_TEST

START_TEST(a_mechanism_is_switched_alone) {
	inject_init(true);
	for (unsigned i = 0; i < MECHANISMS; i++) {
		ck_assert_int_eq(mechanism_set((enum mechanism)i, false), 0);
		for (unsigned n = 0; n < MECHANISMS; n++) {
			ck_assert_int_eq(mechanism_is_on((enum mechanism)n), n != i);
		}
		ck_assert_int_eq(mechanism_set((enum mechanism)i, true), 0);
		ck_assert(mechanism_is_on((enum mechanism)i));
	}
	ck_assert_int_eq(mechanism_set(MECHANISMS, false), -EINVAL);
}
END_TEST

static const struct {
	const char *name;
	int64_t ticks;
	unsigned lasts;
} durations[] = {
	{ "once", 0, 1 },
	{ "one", 1, 1 },
	{ "five", 5, 5 },
};

START_TEST(a_fault_lasts_as_asked) {
	inject_init(true);
	ck_assert_int_eq(inject_fault(INJECT_STALL, "brake", -7, durations[_i].ticks), 0);
	for (unsigned i = 0; i < durations[_i].lasts; i++) {
		struct injection taken = { 0 };
		ck_assert_ptr_nonnull(inject_peek(INJECT_STALL));
		ck_assert_ptr_null(inject_peek(INJECT_HANG));
		ck_assert(inject_take(INJECT_STALL, &taken));
		ck_assert_str_eq(taken.text, "brake");
		ck_assert_int_eq(taken.number, -7);
	}
	ck_assert_ptr_null(inject_peek(INJECT_STALL));
	ck_assert(!inject_take(INJECT_STALL, NULL));
}
END_TEST

START_TEST(a_newer_fault_replaces_an_older) {
	inject_init(true);
	ck_assert_int_eq(inject_fault(INJECT_STALL, "one", 1, 9), 0);
	ck_assert_int_eq(inject_fault(INJECT_STALL, "two", 2, 1), 0);
	ck_assert_str_eq(inject_peek(INJECT_STALL)->text, "two");
	ck_assert(inject_take(INJECT_STALL, NULL));
	ck_assert(!inject_take(INJECT_STALL, NULL));
}
END_TEST

START_TEST(clear_ends_everything) {
	inject_init(true);
	ck_assert_int_eq(inject_fault(INJECT_BLIND, "", 0, 9), 0);
	ck_assert_int_eq(mechanism_set(MECHANISM_EXACT, false), 0);
	ck_assert_int_eq(inject_fault(INJECT_CLEAR, "", 0, 0), 0);
	ck_assert(inject_is_allowed());
	ck_assert_ptr_null(inject_peek(INJECT_BLIND));
	ck_assert(mechanism_is_on(MECHANISM_EXACT));
}
END_TEST

START_TEST(impossible_faults_are_refused) {
	inject_init(true);
	ck_assert_int_eq(inject_fault(INJECT_FAULTS, "", 0, 0), -EINVAL);
	ck_assert_int_eq(inject_fault(INJECT_STALL, "", 0, -1), -EINVAL);
	ck_assert_int_eq(inject_fault(INJECT_STALL, "", 0, INJECT_TICKS_MAX + 1), -EINVAL);
	ck_assert_ptr_null(inject_peek(INJECT_STALL));
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor inject");
	TCase *table = suite_case(suite, "table");
	tcase_add_test(table, nothing_happens_where_it_is_not_allowed);
	tcase_add_test(table, a_mechanism_is_switched_alone);
	tcase_add_loop_test(table, a_fault_lasts_as_asked, 0, ARRAY_LEN(durations));
	tcase_add_test(table, a_newer_fault_replaces_an_older);
	tcase_add_test(table, clear_ends_everything);
	tcase_add_test(table, impossible_faults_are_refused);
	return suite;
}
