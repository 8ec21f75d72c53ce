#include "compositor/screen_state.h"

#include <string.h>

#include "compositor/layer_state.h"
#include "core/macros.h"
#include "tests/suite.h"

/*
 * A story is a row: what is seen at each tick, one letter each, and the state after it.
 *   .  all is well                               m  a critical layer is missing
 *   w  one is suspect                            i  another layer is not live
 *   x  the host's own picture is wrong           X  the same while a critical layer is missing
 *   s  the self-test failed                      u  a layer's reaction is the safe state
 *   l  a fault that is only written down         a  acknowledged
 *   d  too many deadlines were missed
 */
struct story {
	const char *name;
	struct screen_limits limits;
	const char *seen;
	const char *states; /* I F N D S */
	enum fault_cause cause; /* of the last change, or record */
};

#define PLAIN { .has_fallback = true }
#define BARE { .has_fallback = false }
#define DWELL(ticks) { .has_fallback = true, .dwell_ticks = (ticks) }
#define FLICKER(max, ticks) { .has_fallback = true, .flicker_max = (max), .flicker_ticks = (ticks) }
#define GOOD30 ".............................." /* SCREEN_GOOD_TICKS */
#define FALLBACK29 "FFFFFFFFFFFFFFFFFFFFFFFFFFFFF"

static const struct story stories[] = {
	{ "first light is the fallback", PLAIN, ".", "F", FAULT_NONE },
	{ "also when a layer is missing", PLAIN, "mm", "FF", FAULT_DIED },
	{ "then normal", PLAIN, "m..", "FNN", FAULT_NONE },
	{ "then degraded", PLAIN, "mii.", "FDDN", FAULT_NONE },
	{ "a suspect critical layer is no way out", PLAIN, "mw.", "FFN", FAULT_NONE },
	{ "nor a way in", PLAIN, "..w.", "FNDN", FAULT_NONE },
	{ "a missing layer", PLAIN, "..m.", "FNFN", FAULT_NONE },
	{ "and it stays missing", PLAIN, "..mm", "FNFF", FAULT_DIED },
	{ "from degraded too", PLAIN, ".im", "FDF", FAULT_DIED },
	{ "it dwells", DWELL(3), "m......", "FFFNNNN", FAULT_NONE },
	{ "no flicker within the dwell", DWELL(3),
		"...."
		"m...",
		"FFFN"
		"FFFN",
		FAULT_NONE },
	{ "a failed check needs thirty good ones after it", PLAIN, "..x" GOOD30,
		"FNF" FALLBACK29 "N", FAULT_NONE },
	{ "once in the fallback is no reason for black", PLAIN, "..m.mxm", "FNFNFFF", FAULT_DIED },
	{ "twice is", PLAIN, "..mmXmX", "FNFFFFS", FAULT_WRONG_PIXELS },
	{ "what was seen of the picture before does not count", PLAIN, "..xxxm", "FNFFFF",
		FAULT_WRONG_PIXELS },
	{ "but the next one does", PLAIN, "..xxxxm", "FNFFFSS", FAULT_WRONG_PIXELS },
	{ "a failed self-test is no state to be in", PLAIN, "..s...", "FNSSSS", FAULT_SELF_TEST },
	{ "nor from the fallback", PLAIN, "mms", "FFS", FAULT_SELF_TEST },
	{ "nor degraded", PLAIN, ".is", "FDS", FAULT_SELF_TEST },
	{ "a layer may ask for it", PLAIN, "..u.", "FNSS", FAULT_DIED },
	{ "acknowledged, the fallback comes first", PLAIN, "..s.a..", "FNSSFNN", FAULT_NONE },
	{ "and goes again if it must", PLAIN, "..sas", "FNSFS", FAULT_SELF_TEST },
	{ "a log fault changes nothing", PLAIN, "..llm", "FNNNF", FAULT_DIED },
	{ "it is written down", PLAIN, "..l.", "FNNN", FAULT_ATLAS },
	{ "flicker latches", FLICKER(3, 99), "..m.m...", "FNFNFFFF", FAULT_FLICKER },
	{ "acknowledged, it is over", FLICKER(3, 99), "..m.m..a.m.", "FNFNFFFNNFN", FAULT_NONE },
	{ "slow changes are no flicker", FLICKER(3, 4), "..m...m..", "FNFNNNFNN", FAULT_NONE },
	{ "the first way out is no flicker", FLICKER(1, 99), "m...", "FNNN", FAULT_NONE },
	{ "missed deadlines bring the fallback", PLAIN, "..d" GOOD30, "FNF" FALLBACK29 "N",
		FAULT_NONE },
	{ "without a fallback", BARE, ".m.i.", "NDNDN", FAULT_NONE },
	{ "without one, missing from the start", BARE, "mm..", "DDNN", FAULT_NONE },
	{ "a failed check without one", BARE, ".x" GOOD30,
		"ND"
		"DDDDDDDDDDDDDDDDDDDDDDDDDDDDD"
		"N",
		FAULT_NONE },
	{ "without one there is still black", BARE, ".s.a.", "NSSDN", FAULT_NONE },
};

static const char letters[] = "IFNDS"; /* by enum screen_state */

static struct screen_signs see(char letter) {
	bool missing = letter == 'm' || letter == 'X';
	struct screen_signs signs = {
		.missing = missing || letter == 'u' ? FAULT_DIED : FAULT_NONE,
		.waiting = missing || letter == 'w',
		.impaired = missing || letter == 'w' || letter == 'i',
		.unsafe = letter == 'u' ? FAULT_DIED : FAULT_NONE,
		.acknowledged = letter == 'a',
	};
	signs.reported = letter == 'x' || letter == 'X' ? FAULT_BIT(FAULT_WRONG_PIXELS)
		: letter == 's'                         ? FAULT_BIT(FAULT_SELF_TEST)
		: letter == 'd'                         ? FAULT_BIT(FAULT_MISSED_DEADLINES)
		: letter == 'l'                         ? FAULT_BIT(FAULT_ATLAS)
							: 0;
	return signs;
}

START_TEST(story) {
	const struct story *story = &stories[_i];
	struct screen_machine machine;
	enum fault_cause cause = FAULT_NONE;
	uint64_t tick = 1000;
	screen_machine_init(&machine, &story->limits);
	ck_assert_uint_eq(strlen(story->seen), strlen(story->states));

	for (size_t i = 0; i < strlen(story->seen); i++, tick++) {
		struct screen_transition made[SCREEN_TRANSITIONS_MAX];
		struct screen_signs signs = see(story->seen[i]);
		enum screen_state before = machine.state;
		size_t len = screen_machine_step(&machine, &signs, tick, tick * 1000, made);
		ck_assert_msg(letters[machine.state] == story->states[i],
			"%s: tick %zu: %s, not %c", story->name, i,
			screen_state_name(machine.state), story->states[i]);
		for (size_t n = 0; n < len; n++) {
			ck_assert_int_eq(made[n].from, before);
			before = made[n].to;
			cause = made[n].cause;
		}
		ck_assert_int_eq(machine.state, before);
	}
	ck_assert_msg(cause == story->cause, "%s: %s", story->name, fault_name(cause));
}
END_TEST

START_TEST(the_onset_is_the_layers_or_the_last_good_tick) {
	struct screen_machine machine;
	struct screen_transition made[SCREEN_TRANSITIONS_MAX];
	const struct screen_limits limits = PLAIN;
	struct screen_signs signs = see('.');
	screen_machine_init(&machine, &limits);
	screen_machine_step(&machine, &signs, 1, 100, made);
	screen_machine_step(&machine, &signs, 2, 200, made);
	signs = see('m');
	signs.missing_onset_ns = 170;
	ck_assert_uint_eq(screen_machine_step(&machine, &signs, 3, 300, made), 1);
	ck_assert_uint_eq(made[0].onset_ns, 170);
	ck_assert_int_eq(made[0].reaction, FAULT_REACTION_FALLBACK);
	signs = see('.');
	screen_machine_step(&machine, &signs, 4, 400, made);
	signs = see('s');
	ck_assert_uint_eq(screen_machine_step(&machine, &signs, 5, 500, made), 1);
	ck_assert_uint_eq(made[0].onset_ns, 400);
	ck_assert_int_eq(made[0].reaction, FAULT_REACTION_SAFE);
}
END_TEST

START_TEST(without_hysteresis_there_is_none) {
	struct screen_machine machine;
	struct screen_transition made[SCREEN_TRANSITIONS_MAX];
	const struct screen_limits limits = {
		.has_fallback = true, .dwell_ticks = 100, .flicker_max = 1, .flicker_ticks = 100
	};
	screen_machine_init(&machine, &limits);
	static const char seen[] = "m.m.m.", states[] = "FNFNFN";
	for (size_t i = 0; i < strlen(seen); i++) {
		struct screen_signs signs = see(seen[i]);
		signs.no_hysteresis = true;
		screen_machine_step(&machine, &signs, i + 1, i + 1, made);
		ck_assert_int_eq(letters[machine.state], states[i]);
	}
}
END_TEST

START_TEST(it_waits_while_time_alone_may_change_it) {
	struct screen_machine machine;
	struct screen_transition made[SCREEN_TRANSITIONS_MAX];
	const struct screen_limits limits = DWELL(2);
	struct screen_signs signs = see('m');
	screen_machine_init(&machine, &limits);
	screen_machine_step(&machine, &signs, 1, 1, made);
	ck_assert(!machine.is_waiting);
	signs = see('.');
	screen_machine_step(&machine, &signs, 2, 2, made);
	ck_assert(machine.is_waiting);
	screen_machine_step(&machine, &signs, 3, 3, made);
	ck_assert_int_eq(machine.state, SCREEN_NORMAL);
	ck_assert(!machine.is_waiting);
	signs = see('x');
	screen_machine_step(&machine, &signs, 4, 4, made);
	ck_assert(machine.is_waiting);
}
END_TEST

START_TEST(an_output_holds_nothing) {
	for (enum fault_cause cause = FAULT_NONE + 1; cause < FAULT_CAUSES; cause++) {
		enum fault_reaction reaction = screen_reaction(cause);
		ck_assert(reaction == FAULT_REACTION_LOG || reaction == FAULT_REACTION_FALLBACK ||
			reaction == FAULT_REACTION_SAFE);
		ck_assert_int_eq(reaction == FAULT_REACTION_LOG,
			fault_default_reaction(cause) == FAULT_REACTION_LOG);
	}
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor screen_state");
	TCase *machine = suite_case(suite, "machine");
	tcase_add_loop_test(machine, story, 0, ARRAY_LEN(stories));
	tcase_add_test(machine, the_onset_is_the_layers_or_the_last_good_tick);
	tcase_add_test(machine, without_hysteresis_there_is_none);
	tcase_add_test(machine, it_waits_while_time_alone_may_change_it);
	tcase_add_test(machine, an_output_holds_nothing);
	return suite;
}
