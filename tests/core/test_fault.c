#include "core/fault.h"

#include <string.h>

#include "core/macros.h"
#include "tests/suite.h"

START_TEST(names_are_unique_and_go_both_ways) {
	for (int i = FAULT_NONE; i < FAULT_CAUSES; i++) {
		enum fault_cause cause = (enum fault_cause)i;
		ck_assert_msg(fault_name(cause) != NULL, "cause %d", i);
		ck_assert_msg(fault_from_name(fault_name(cause)) == cause, "%s", fault_name(cause));
		ck_assert_uint_eq(strspn(fault_name(cause), "abcdefghijklmnopqrstuvwxyz-"),
			strlen(fault_name(cause)));
		ck_assert_msg(strlen(fault_text(cause)) > 8, "%s", fault_name(cause));
	}
	for (int i = FAULT_REACTION_DEFAULT; i < FAULT_REACTIONS; i++) {
		enum fault_reaction reaction = (enum fault_reaction)i;
		ck_assert_int_eq(fault_reaction_from_name(fault_reaction_name(reaction)), reaction);
	}
}
END_TEST

START_TEST(names_that_are_none) {
	static const char *const names[] = { "", "Frozen", "frozen ", "froze", "wrong_pixels" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		ck_assert_msg(fault_from_name(names[i]) == FAULT_NONE, "%s", names[i]);
		ck_assert_msg(fault_reaction_from_name(names[i]) == FAULT_REACTION_DEFAULT, "%s",
			names[i]);
	}
}
END_TEST

static const struct {
	enum fault_cause cause;
	enum fault_reaction reaction;
	bool of_layer;
} defaults[] = {
	{ FAULT_NONE, FAULT_REACTION_LOG, false },
	{ FAULT_NEVER_STARTED, FAULT_REACTION_LOG, true },
	{ FAULT_DIED, FAULT_REACTION_PLACEHOLDER, true },
	{ FAULT_HUNG_UP, FAULT_REACTION_PLACEHOLDER, true },
	{ FAULT_RESET, FAULT_REACTION_PLACEHOLDER, true },
	{ FAULT_BLANKED, FAULT_REACTION_PLACEHOLDER, true },
	{ FAULT_STUCK, FAULT_REACTION_PLACEHOLDER, true },
	{ FAULT_STALLED, FAULT_REACTION_PLACEHOLDER, true },
	{ FAULT_HEARTBEAT, FAULT_REACTION_PLACEHOLDER, true },
	{ FAULT_HEARTBEAT_FROZEN, FAULT_REACTION_PLACEHOLDER, true },
	{ FAULT_FROZEN, FAULT_REACTION_PLACEHOLDER, true },
	{ FAULT_LAGGED, FAULT_REACTION_HOLD, true },
	{ FAULT_TORN, FAULT_REACTION_HOLD, true },
	{ FAULT_BAD_FRAME, FAULT_REACTION_HOLD, true },
	{ FAULT_WRONG_PIXELS, FAULT_REACTION_FALLBACK, true },
	{ FAULT_MISPLACED, FAULT_REACTION_FALLBACK, true },
	{ FAULT_OVERDRAWN, FAULT_REACTION_PLACEHOLDER, true },
	{ FAULT_TRANSPARENT, FAULT_REACTION_PLACEHOLDER, true },
	{ FAULT_UNIFORM, FAULT_REACTION_PLACEHOLDER, true },
	{ FAULT_INVISIBLE, FAULT_REACTION_PLACEHOLDER, true },
	{ FAULT_MISSED_DEADLINES, FAULT_REACTION_FALLBACK, false },
	{ FAULT_FLIP_LOST, FAULT_REACTION_SAFE, false },
	{ FAULT_COMMIT, FAULT_REACTION_SAFE, false },
	{ FAULT_UNPLUGGED, FAULT_REACTION_LOG, false },
	{ FAULT_MODE, FAULT_REACTION_LOG, false },
	{ FAULT_SHOWN_WRONG, FAULT_REACTION_FALLBACK, false },
	{ FAULT_READBACK_STALE, FAULT_REACTION_LOG, false },
	{ FAULT_FLICKER, FAULT_REACTION_FALLBACK, false },
	{ FAULT_SELF_TEST, FAULT_REACTION_SAFE, false },
	{ FAULT_ATLAS, FAULT_REACTION_LOG, false },
	{ FAULT_ATLAS_LOST, FAULT_REACTION_SAFE, false },
	{ FAULT_CLOCK, FAULT_REACTION_LOG, false },
	{ FAULT_LATE, FAULT_REACTION_LOG, false },
	{ FAULT_SIGNALS_LATE, FAULT_REACTION_LOG, false },
	{ FAULT_SIGNALS_CORRUPT, FAULT_REACTION_LOG, false },
	{ FAULT_CHIME_LOST, FAULT_REACTION_LOG, false },
};
_Static_assert(ARRAY_LEN(defaults) == FAULT_CAUSES, "a row per cause");

START_TEST(default_reactions) {
	enum fault_cause cause = defaults[_i].cause;
	ck_assert_int_eq(cause, _i);
	enum fault_reaction reaction = fault_default_reaction(cause);
	ck_assert_msg(reaction == defaults[_i].reaction, "%s: %s", fault_name(cause),
		fault_reaction_name(reaction));
	ck_assert_msg(fault_is_of_layer(cause) == defaults[_i].of_layer, "%s", fault_name(cause));
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core fault");
	TCase *tcase = suite_case(suite, "tables");
	tcase_add_test(tcase, names_are_unique_and_go_both_ways);
	tcase_add_test(tcase, names_that_are_none);
	tcase_add_loop_test(tcase, default_reactions, 0, ARRAY_LEN(defaults));
	return suite;
}
