#include "core/inject.h"

#include <string.h>

#include "core/macros.h"
#include "tests/suite.h"

START_TEST(fault_names_go_both_ways) {
	for (int i = INJECT_CLEAR; i < INJECT_FAULTS; i++) {
		enum inject_fault fault = (enum inject_fault)i;
		ck_assert_msg(inject_fault_name(fault) != NULL, "fault %d", i);
		ck_assert_msg(inject_fault_from_name(inject_fault_name(fault)) == fault, "%s",
			inject_fault_name(fault));
		ck_assert_msg(strlen(inject_fault_text(fault)) > 8, "%s", inject_fault_name(fault));
	}
}
END_TEST

START_TEST(mechanism_names_go_both_ways) {
	for (int i = 0; i < MECHANISMS; i++) {
		enum mechanism mechanism = (enum mechanism)i;
		ck_assert_msg(mechanism_name(mechanism) != NULL, "mechanism %d", i);
		ck_assert_msg(mechanism_from_name(mechanism_name(mechanism)) == mechanism, "%s",
			mechanism_name(mechanism));
	}
}
END_TEST

/* scripts know them */
static const struct {
	enum inject_fault fault;
	const char *name;
} documented_faults[] = {
	{ INJECT_CLEAR, "clear" },
	{ INJECT_FLIP_ATLAS, "atlas" },
	{ INJECT_FLIP_COMPOSED, "composed" },
	{ INJECT_FLIP_SHOWN, "shown" },
	{ INJECT_STALE_READBACK, "readback" },
	{ INJECT_LOSE_FLIP, "flip" },
	{ INJECT_EARLY_PET, "early-pet" },
	{ INJECT_DROP_CUES, "drop-cues" },
};
static const struct {
	enum mechanism mechanism;
	const char *name;
} documented_mechanisms[] = {
	{ MECHANISM_LOSS, "loss" },
	{ MECHANISM_EXACT, "exact" },
	{ MECHANISM_READBACK, "readback" },
	{ MECHANISM_SELF_TEST, "self-test" },
	{ MECHANISM_CLEANUP, "cleanup" },
};

START_TEST(names_are_as_documented) {
	for (size_t i = 0; i < ARRAY_LEN(documented_faults); i++) {
		ck_assert_str_eq(
			inject_fault_name(documented_faults[i].fault), documented_faults[i].name);
	}
	for (size_t i = 0; i < ARRAY_LEN(documented_mechanisms); i++) {
		ck_assert_str_eq(mechanism_name(documented_mechanisms[i].mechanism),
			documented_mechanisms[i].name);
	}
}
END_TEST

START_TEST(names_that_are_none) {
	static const char *const names[] = { "", "Clear", "clear ", "clea", "self_test" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		ck_assert_msg(inject_fault_from_name(names[i]) == INJECT_FAULTS, "%s", names[i]);
		ck_assert_msg(mechanism_from_name(names[i]) == MECHANISMS, "%s", names[i]);
	}
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core inject");
	TCase *tcase = suite_case(suite, "tables");
	tcase_add_test(tcase, fault_names_go_both_ways);
	tcase_add_test(tcase, mechanism_names_go_both_ways);
	tcase_add_test(tcase, names_are_as_documented);
	tcase_add_test(tcase, names_that_are_none);
	return suite;
}
