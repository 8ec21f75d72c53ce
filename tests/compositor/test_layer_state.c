#include "compositor/layer_state.h"

#include <string.h>

#include "core/macros.h"
#include "tests/suite.h"

/*
 * A story is a row: what is seen at each tick, one letter each, and the state after it.
 *   .  a peer with a picture, nothing new        f  a new picture with its flush
 *   u  a flush without a new picture             D  the process died
 *   A  no peer                                   C  connected, no driver (device reset)
 *   r  reset and a new picture in one tick       R  a reset, and running again, no picture of it yet
 *   b  blank                                     S  stuck
 *   s  starting: running, never had a picture
 */
struct story {
	const char *name;
	struct layer_limits limits;
	const char *seen;
	const char *states; /* A S L U(suspect) P R */
	enum layer_cause cause; /* of the last transition out of LIVE, or NONE */
};

static const struct layer_limits at_once = { .recover_ticks = 1 };
#define HOLD(ticks) { .hold_ticks = (ticks), .recover_ticks = 1 }
#define STALL(ticks, hold) { .hold_ticks = (hold), .stall_ticks = (ticks), .recover_ticks = 1 }
#define RECOVER(ticks) { .recover_ticks = (ticks) }

static const struct story stories[] = {
	{ "start", RECOVER(1), "AAssf...", "AASSLLLL", LAYER_CAUSE_NONE },
	{ "start with a picture", RECOVER(1), "f", "L", LAYER_CAUSE_NONE },
	{ "start, then gone", RECOVER(1), "sssAsD", "SSSASA", LAYER_CAUSE_NONE },
	{ "connected is no start of pictures", RECOVER(1), "CCCf", "SSSL", LAYER_CAUSE_NONE },
	{ "died, nothing held", RECOVER(1), "f..D", "LLLP", LAYER_CAUSE_DIED },
	{ "died, held for three", HOLD(3), "f.DDDDD", "LLUUUPP", LAYER_CAUSE_DIED },
	{ "died and back within the hold", HOLD(9), "f.DDs.f.", "LLUUUULL", LAYER_CAUSE_DIED },
	{ "died and back", RECOVER(1), "f.DDA.f.", "LLPPPPLL", LAYER_CAUSE_DIED },
	{ "an old picture is no recovery", RECOVER(1), "f.D....f", "LLPPPPPL", LAYER_CAUSE_DIED },
	{ "a picture of the dead does not count", HOLD(9), "f.d...f", "LLUUUUL", LAYER_CAUSE_DIED },
	{ "hung up", RECOVER(1), "f.A", "LLP", LAYER_CAUSE_HUNG_UP },
	{ "hung up, held", HOLD(2), "f.AAA", "LLUUP", LAYER_CAUSE_HUNG_UP },
	{ "reset, no driver", RECOVER(1), "f.CCf", "LLPPL", LAYER_CAUSE_RESET },
	{ "reset and running within a tick", HOLD(5), "f.R.f", "LLUUL", LAYER_CAUSE_RESET },
	{ "reset and drawn within a tick", HOLD(5), "f.r.", "LLLL", LAYER_CAUSE_NONE },
	{ "blank", HOLD(2), "f.bbbf", "LLUUPL", LAYER_CAUSE_BLANKED },
	{ "stuck, the picture is still good", HOLD(5), "f.SS..", "LLUULL", LAYER_CAUSE_STUCK },
	{ "stuck for long, then well", HOLD(2), "f.SSS..", "LLUUPLL", LAYER_CAUSE_STUCK },
	{ "stuck, then dead: the picture ends", HOLD(9), "f.SD..f", "LLUUUUL", LAYER_CAUSE_STUCK },
	{ "silent is fine", RECOVER(1), "f..................", "LLLLLLLLLLLLLLLLLLL",
		LAYER_CAUSE_NONE },
	{ "stalled", STALL(3, 0), "f...", "LLLP", LAYER_CAUSE_STALLED },
	{ "stalled, held, flushed", STALL(3, 4), "f....u..", "LLLUULLL", LAYER_CAUSE_STALLED },
	{ "flushes keep it live", STALL(3, 0), "f..u..u..f..", "LLLLLLLLLLLL", LAYER_CAUSE_NONE },
	{ "recovers after three pictures", STALL(9, 0), "fDf", "LPL", LAYER_CAUSE_DIED },
	{ "recovery counts pictures", { .stall_ticks = 9, .recover_ticks = 3 }, "fDf..f.f.",
		"LPRRRRRLL", LAYER_CAUSE_DIED },
	{ "a silent layer recovers by being well", RECOVER(3), "fDf..", "LPRRL", LAYER_CAUSE_DIED },
	{ "a loss starts the count again", RECOVER(3), "fDf.Af.D.f..", "LPRRPRRPPRRL",
		LAYER_CAUSE_DIED },
	{ "flicker: alternating never recovers", RECOVER(3), "fDfDfDfDfD", "LPRPRPRPRP",
		LAYER_CAUSE_DIED },
};

static const char letters[] = "ASLUPR"; /* by enum layer_state */

static struct layer_signs see(struct layer_signs before, char letter) {
	struct layer_signs signs = before;
	signs.died = letter == 'D' || letter == 'd';
	signs.stuck = letter == 'S';
	signs.peer = letter == 'A' ? LINK_PEER_ABSENT
		: letter == 'C'    ? LINK_PEER_CONNECTED
				   : LINK_PEER_RUNNING;
	signs.resets += letter == 'r' || letter == 'R' || letter == 'C';
	bool picture = letter == 'f' || letter == 'r' || letter == 'd';
	signs.frames += picture;
	signs.flushes += picture || letter == 'u';
	signs.blank = letter == 'b' || letter == 's' || signs.frames == 0;
	return signs;
}

START_TEST(story) {
	const struct story *story = &stories[_i];
	struct layer_machine machine;
	struct layer_signs signs = { .peer = LINK_PEER_ABSENT, .blank = true };
	enum layer_cause cause = LAYER_CAUSE_NONE;
	uint64_t tick = 1000;
	layer_machine_init(&machine, &story->limits);
	ck_assert_uint_eq(strlen(story->seen), strlen(story->states));

	for (size_t i = 0; i < strlen(story->seen); i++, tick++) {
		struct layer_transition made[LAYER_TRANSITIONS_MAX];
		enum layer_state before = machine.state;
		signs = see(signs, story->seen[i]);
		size_t len = layer_machine_step(&machine, &signs, tick, tick * 1000, made);
		ck_assert_msg(letters[machine.state] == story->states[i],
			"%s: tick %zu: %s, not %c", story->name, i, layer_state_name(machine.state),
			story->states[i]);
		for (size_t n = 0; n < len; n++) {
			ck_assert_int_eq(made[n].from, before);
			before = made[n].to;
			if (made[n].from == LAYER_LIVE) {
				cause = made[n].cause;
				/* well at the tick before at the latest */
				ck_assert_uint_eq(made[n].onset_ns, (tick - 1) * 1000);
			}
		}
		ck_assert_int_eq(machine.state, before);
		ck_assert_int_eq(layer_machine_shows_picture(&machine),
			machine.state == LAYER_LIVE || machine.state == LAYER_SUSPECT);
	}
	ck_assert_msg(cause == story->cause, "%s: %s", story->name, layer_cause_name(cause));
}
END_TEST

START_TEST(waits_only_where_time_changes_something) {
	struct layer_machine machine;
	struct layer_transition made[LAYER_TRANSITIONS_MAX];
	struct layer_signs signs = see((struct layer_signs) { 0 }, 'f');

	layer_machine_init(&machine, &at_once);
	ck_assert(!layer_machine_is_waiting(&machine));
	layer_machine_step(&machine, &signs, 1, 1, made);
	ck_assert(!layer_machine_is_waiting(&machine)); /* live and allowed to be silent */
	const struct layer_limits must_flush = STALL(5, 5);
	layer_machine_init(&machine, &must_flush);
	layer_machine_step(&machine, &signs, 1, 1, made);
	ck_assert(layer_machine_is_waiting(&machine));
	signs.died = true;
	layer_machine_step(&machine, &signs, 2, 2, made);
	ck_assert_int_eq(machine.state, LAYER_SUSPECT);
	ck_assert(layer_machine_is_waiting(&machine));
	layer_machine_step(&machine, &signs, 7, 7, made);
	ck_assert_int_eq(machine.state, LAYER_PLACEHOLDER);
	ck_assert(!layer_machine_is_waiting(&machine));
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor layer_state");
	TCase *machine = suite_case(suite, "machine");
	tcase_add_loop_test(machine, story, 0, ARRAY_LEN(stories));
	tcase_add_test(machine, waits_only_where_time_changes_something);
	return suite;
}
