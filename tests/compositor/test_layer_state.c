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
 *   t  a torn picture was refused                l  it still is the newest
 *   o  an overlay was seen to be wrong           z  the counter in the pictures stands still
 *   w  a verified element was seen to be wrong   a  acknowledged
 *   h  a heartbeat with a new number             H  one with the old number
 */
struct story {
	const char *name;
	struct layer_limits limits;
	const char *seen;
	const char *states; /* A S L U(suspect) P R */
	enum fault_cause cause; /* of the last transition out of LIVE, or NONE */
};

static const struct layer_limits at_once = { .recover_ticks = 1 };
/* the end of a source is at once, unless it is configured not to be */
#define HELD_ENDS                                                                                  \
	.reactions = { [FAULT_DIED] = FAULT_REACTION_HOLD,                                         \
		[FAULT_HUNG_UP] = FAULT_REACTION_HOLD,                                             \
		[FAULT_RESET] = FAULT_REACTION_HOLD,                                               \
		[FAULT_BLANKED] = FAULT_REACTION_HOLD }
#define HOLD(ticks) { .hold_ticks = (ticks), .recover_ticks = 1, HELD_ENDS }
#define STUCK(ticks) { .hold_ticks = (ticks), .recover_ticks = 1 }
#define HEART(ticks) { .heartbeat_ticks = (ticks), .recover_ticks = 1 }
#define QUARANTINE(losses, ticks)                                                                  \
	{ .recover_ticks = 1, .quarantine_losses = (losses), .quarantine_ticks = (ticks) }
#define STALL(ticks, hold) { .hold_ticks = (hold), .stall_ticks = (ticks), .recover_ticks = 1 }
#define RECOVER(ticks) { .recover_ticks = (ticks) }

static const struct story stories[] = {
	{ "start", RECOVER(1), "AAssf...", "AASSLLLL", FAULT_NONE },
	{ "start with a picture", RECOVER(1), "f", "L", FAULT_NONE },
	{ "start, then gone", RECOVER(1), "sssAsD", "SSSASA", FAULT_NONE },
	{ "connected is no start of pictures", RECOVER(1), "CCCf", "SSSL", FAULT_NONE },
	{ "died, nothing held", RECOVER(1), "f..D", "LLLP", FAULT_DIED },
	{ "died, held for three", HOLD(3), "f.DDDDD", "LLUUUPP", FAULT_DIED },
	{ "died and back within the hold", HOLD(9), "f.DDs.f.", "LLUUUULL", FAULT_DIED },
	{ "died and back", RECOVER(1), "f.DDA.f.", "LLPPPPLL", FAULT_DIED },
	{ "an old picture is no recovery", RECOVER(1), "f.D....f", "LLPPPPPL", FAULT_DIED },
	{ "a picture of the dead does not count", HOLD(9), "f.d...f", "LLUUUUL", FAULT_DIED },
	{ "hung up", RECOVER(1), "f.A", "LLP", FAULT_HUNG_UP },
	{ "hung up, held", HOLD(2), "f.AAA", "LLUUP", FAULT_HUNG_UP },
	{ "reset, no driver", RECOVER(1), "f.CCf", "LLPPL", FAULT_RESET },
	{ "reset and running within a tick", HOLD(5), "f.R.f", "LLUUL", FAULT_RESET },
	{ "reset and drawn within a tick", HOLD(5), "f.r.", "LLLL", FAULT_NONE },
	{ "blank", HOLD(2), "f.bbbf", "LLUUPL", FAULT_BLANKED },
	{ "stuck, the picture is still good", HOLD(5), "f.SS..", "LLUULL", FAULT_STUCK },
	{ "stuck for long, then well", HOLD(2), "f.SSS..", "LLUUPLL", FAULT_STUCK },
	{ "stuck, then dead: the picture ends", HOLD(9), "f.SD..f", "LLUUUUL", FAULT_STUCK },
	{ "silent is fine", RECOVER(1), "f..................", "LLLLLLLLLLLLLLLLLLL", FAULT_NONE },
	{ "stalled", STALL(3, 0), "f...", "LLLP", FAULT_STALLED },
	{ "stalled, held, flushed", STALL(3, 4), "f....u..", "LLLUULLL", FAULT_STALLED },
	{ "flushes keep it live", STALL(3, 0), "f..u..u..f..", "LLLLLLLLLLLL", FAULT_NONE },
	{ "recovers after three pictures", STALL(9, 0), "fDf", "LPL", FAULT_DIED },
	{ "recovery counts pictures", { .stall_ticks = 9, .recover_ticks = 3 }, "fDf..f.f.",
		"LPRRRRRLL", FAULT_DIED },
	{ "a silent layer recovers by being well", RECOVER(3), "fDf..", "LPRRL", FAULT_DIED },
	{ "a loss starts the count again", RECOVER(3), "fDf.Af.D.f..", "LPRRPRRPPRRL", FAULT_DIED },
	{ "the end of a source is at once", STUCK(9), "f.D", "LLP", FAULT_DIED },
	{ "so is a hang-up", STUCK(9), "f.A", "LLP", FAULT_HUNG_UP },
	{ "and a reset", STUCK(9), "f.R", "LLP", FAULT_RESET },
	{ "a stuck source may have its picture held", STUCK(2), "f.SSS", "LLUUP", FAULT_STUCK },
	{ "until it dies", STUCK(9), "f.SSDD", "LLUUPP", FAULT_STUCK },
	{ "a torn picture, the one before stays", STUCK(0), "f.tlllf", "LLUUUUL", FAULT_TORN },
	{ "but not for ever", STUCK(0), "f.tllllll", "LLUUUUUUP", FAULT_TORN },
	{ "two torn ones are no loss", STUCK(0), "ftftf...", "LULULLLL", FAULT_TORN },
	{ "three are", STUCK(0), "ftftftf", "LULULPL", FAULT_TORN },
	{ "a log reaction changes nothing",
		{ .recover_ticks = 1, .reactions = { [FAULT_DIED] = FAULT_REACTION_LOG } }, "f.DDf",
		"LLLLL", FAULT_NONE },
	{ "a picture known to be wrong is not shown again", STUCK(9), "f.o..f", "LLPPPL",
		FAULT_OVERDRAWN },
	{ "a frozen counter, until it goes on", STUCK(9), "ffzzzf", "LLPPPL", FAULT_FROZEN },
	{ "without heartbeats there is no picture", HEART(3), "f..h....", "SSSLLLPP",
		FAULT_HEARTBEAT },
	{ "heartbeats must go on in number", HEART(3), "fhHHHHhh", "SLLLPPLL",
		FAULT_HEARTBEAT_FROZEN },
	{ "a new source needs heartbeats of its own", HEART(9), "fhhDsf.h", "SLLPPPPL",
		FAULT_DIED },
	{ "it dwells", { .recover_ticks = 1, .dwell_ticks = 4 }, "f.Df....", "LLPRRRLL",
		FAULT_DIED },
	{ "three losses within a time end it", QUARANTINE(3, 9), "fDfDfDff", "LPLPLQQQ",
		FAULT_DIED },
	{ "three in a longer time do not", QUARANTINE(3, 4), "fDfDfDff", "LPLPLPLL", FAULT_DIED },
	{ "acknowledged, it may try again", QUARANTINE(2, 9), "fDfDaf.Df", "LPLQPLLPL",
		FAULT_DIED },
	{ "what a boot does is no loss of this kind", QUARANTINE(1, 9), "fRfRfbf", "LPLPLPL",
		FAULT_BLANKED },
	{ "flicker: alternating never recovers", RECOVER(3), "fDfDfDfDfD", "LPRPRPRPRP",
		FAULT_DIED },
};

static const char letters[] = "ASLUPRQ"; /* by enum layer_state */

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
	signs.refusals += letter == 't';
	signs.refused =
		letter == 't' || (letter == 'l' && before.refused) ? FAULT_TORN : FAULT_NONE;
	signs.frozen = letter == 'z';
	signs.hearts += letter == 'h' || letter == 'H';
	signs.heart_number += letter == 'h';
	signs.acknowledged = letter == 'a';
	signs.reported[FAULT_REACTION_DEFAULT] = letter == 'o' ? FAULT_BIT(FAULT_OVERDRAWN)
		: letter == 'w'                                ? FAULT_BIT(FAULT_WRONG_PIXELS)
							       : 0;
	signs.blank = letter == 'b' || letter == 's' || signs.frames == 0;
	return signs;
}

START_TEST(story) {
	const struct story *story = &stories[_i];
	struct layer_machine machine;
	struct layer_signs signs = { .peer = LINK_PEER_ABSENT, .blank = true };
	enum fault_cause cause = FAULT_NONE;
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
			if (made[n].from == LAYER_LIVE && made[n].to != LAYER_LIVE) {
				cause = made[n].cause;
				/* well at the tick before at the latest */
				ck_assert_uint_eq(made[n].onset_ns, (tick - 1) * 1000);
			}
		}
		ck_assert_int_eq(machine.state, before);
		ck_assert_int_eq(layer_machine_shows_picture(&machine),
			machine.state == LAYER_LIVE || machine.state == LAYER_SUSPECT);
	}
	ck_assert_msg(cause == story->cause, "%s: %s", story->name, fault_name(cause));
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
	struct layer_limits must_flush = STALL(5, 5);
	must_flush.reactions[FAULT_DIED] = FAULT_REACTION_HOLD;
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

START_TEST(what_changes_nothing_is_written_down_once) {
	struct layer_machine machine;
	struct layer_transition made[LAYER_TRANSITIONS_MAX];
	struct layer_signs signs = see((struct layer_signs) { 0 }, 'f');
	struct layer_limits limits = at_once;
	limits.reactions[FAULT_OVERDRAWN] = FAULT_REACTION_LOG;
	layer_machine_init(&machine, &limits);
	layer_machine_step(&machine, &signs, 1, 1, made);

	signs = see(signs, 'o');
	ck_assert_uint_eq(layer_machine_step(&machine, &signs, 2, 2, made), 1);
	ck_assert_int_eq(made[0].from, LAYER_LIVE);
	ck_assert_int_eq(made[0].to, LAYER_LIVE);
	ck_assert_int_eq(made[0].cause, FAULT_OVERDRAWN);
	ck_assert_int_eq(made[0].reaction, FAULT_REACTION_LOG);
	ck_assert_uint_eq(layer_machine_step(&machine, &signs, 3, 3, made), 0);
	signs = see(signs, '.');
	ck_assert_uint_eq(layer_machine_step(&machine, &signs, 4, 4, made), 0);
	signs = see(signs, 'o');
	ck_assert_uint_eq(layer_machine_step(&machine, &signs, 5, 5, made), 1);
}
END_TEST

START_TEST(the_strongest_reaction_counts) {
	struct layer_machine machine;
	struct layer_transition made[LAYER_TRANSITIONS_MAX];
	struct layer_signs signs = see((struct layer_signs) { 0 }, 'f');
	layer_machine_init(&machine, &at_once);
	layer_machine_step(&machine, &signs, 1, 1, made);
	signs = see(signs, 'S');
	signs.reported[FAULT_REACTION_DEFAULT] =
		FAULT_BIT(FAULT_UNIFORM) | FAULT_BIT(FAULT_WRONG_PIXELS);
	ck_assert_uint_eq(layer_machine_step(&machine, &signs, 2, 2, made), 1);
	ck_assert_int_eq(made[0].cause, FAULT_WRONG_PIXELS);
	ck_assert_int_eq(made[0].reaction, FAULT_REACTION_FALLBACK);
	ck_assert_int_eq(machine.reaction, FAULT_REACTION_FALLBACK);
}
END_TEST

/* What a check asks for is done, be it more or less than the layer's reaction to the cause. */
static const struct {
	const char *name;
	uint64_t reported[FAULT_REACTIONS];
	uint32_t hold_ticks;
	enum layer_state state;
	enum fault_reaction reaction; /* DEFAULT: to nothing */
} asked[] = {
	{ "the layer's", { [FAULT_REACTION_DEFAULT] = FAULT_BIT(FAULT_FROZEN) }, 9,
		LAYER_PLACEHOLDER, FAULT_REACTION_PLACEHOLDER },
	{ "to write it down", { [FAULT_REACTION_LOG] = FAULT_BIT(FAULT_FROZEN) }, 9, LAYER_LIVE,
		FAULT_REACTION_LOG },
	{ "to hold", { [FAULT_REACTION_HOLD] = FAULT_BIT(FAULT_FROZEN) }, 9, LAYER_SUSPECT,
		FAULT_REACTION_HOLD },
	{ "less than usual", { [FAULT_REACTION_PLACEHOLDER] = FAULT_BIT(FAULT_WRONG_PIXELS) }, 9,
		LAYER_PLACEHOLDER, FAULT_REACTION_PLACEHOLDER },
	{ "the fallback", { [FAULT_REACTION_FALLBACK] = FAULT_BIT(FAULT_FROZEN) }, 9,
		LAYER_PLACEHOLDER, FAULT_REACTION_FALLBACK },
	{ "the safe state", { [FAULT_REACTION_SAFE] = FAULT_BIT(FAULT_FROZEN) }, 9,
		LAYER_PLACEHOLDER, FAULT_REACTION_SAFE },
	{ "two of them",
		{ [FAULT_REACTION_HOLD] = FAULT_BIT(FAULT_FROZEN),
			[FAULT_REACTION_FALLBACK] = FAULT_BIT(FAULT_FROZEN) },
		9, LAYER_PLACEHOLDER, FAULT_REACTION_FALLBACK },
	{ "and the layer's, which is more",
		{ [FAULT_REACTION_DEFAULT] = FAULT_BIT(FAULT_WRONG_PIXELS),
			[FAULT_REACTION_HOLD] = FAULT_BIT(FAULT_WRONG_PIXELS) },
		9, LAYER_PLACEHOLDER, FAULT_REACTION_FALLBACK },
};

START_TEST(what_a_check_asks_for_is_done) {
	struct layer_machine machine;
	struct layer_transition made[LAYER_TRANSITIONS_MAX];
	struct layer_signs signs = see((struct layer_signs) { 0 }, 'f');
	const struct layer_limits limits = { .recover_ticks = 1,
		.hold_ticks = asked[_i].hold_ticks };
	layer_machine_init(&machine, &limits);
	layer_machine_step(&machine, &signs, 1, 1, made);
	signs = see(signs, '.');
	memcpy(signs.reported, asked[_i].reported, sizeof(signs.reported));
	ck_assert_uint_eq(layer_machine_step(&machine, &signs, 2, 2, made), 1);
	ck_assert_msg(machine.state == asked[_i].state, "%s: %s", asked[_i].name,
		layer_state_name(machine.state));
	ck_assert_msg(made[0].reaction == asked[_i].reaction, "%s: %s", asked[_i].name,
		fault_reaction_name(made[0].reaction));
}
END_TEST

START_TEST(what_is_worse_raises_the_reaction) {
	struct layer_machine machine;
	struct layer_transition made[LAYER_TRANSITIONS_MAX];
	struct layer_signs signs = see((struct layer_signs) { 0 }, 'f');
	struct layer_limits limits = at_once;
	limits.quarantine_losses = (uint32_t)_i; /* in quarantine too */
	limits.quarantine_ticks = 100;
	enum layer_state state = _i ? LAYER_QUARANTINED : LAYER_PLACEHOLDER;
	layer_machine_init(&machine, &limits);
	layer_machine_step(&machine, &signs, 1, 1, made);
	signs = see(signs, 'D');
	ck_assert_uint_eq(layer_machine_step(&machine, &signs, 2, 2, made), 1 + (size_t)_i);
	ck_assert_int_eq(machine.state, state);
	ck_assert_int_eq(machine.reaction, FAULT_REACTION_PLACEHOLDER);

	static const enum fault_reaction worse[] = { FAULT_REACTION_FALLBACK, FAULT_REACTION_SAFE };
	for (uint64_t i = 0; i < ARRAY_LEN(worse); i++) {
		signs.reported[worse[i]] = FAULT_BIT(FAULT_FROZEN);
		ck_assert_uint_eq(layer_machine_step(&machine, &signs, 3 + 2 * i, 3, made), 1);
		ck_assert_int_eq(made[0].from, state);
		ck_assert_int_eq(made[0].to, state);
		ck_assert_int_eq(made[0].cause, FAULT_FROZEN);
		ck_assert_int_eq(made[0].reaction, worse[i]);
		/* once */
		ck_assert_uint_eq(layer_machine_step(&machine, &signs, 4 + 2 * i, 4, made), 0);
	}
	/* and less does not lower it */
	memset(signs.reported, 0, sizeof(signs.reported));
	ck_assert_uint_eq(layer_machine_step(&machine, &signs, 8, 8, made), 0);
	ck_assert_int_eq(machine.reaction, FAULT_REACTION_SAFE);
}
END_TEST

START_TEST(a_lesser_loss_does_not_ask_again) {
	struct layer_machine machine;
	struct layer_transition made[LAYER_TRANSITIONS_MAX];
	struct layer_signs signs = see((struct layer_signs) { 0 }, 'f');
	const struct layer_limits limits = RECOVER(5);
	layer_machine_init(&machine, &limits);
	layer_machine_step(&machine, &signs, 1, 1, made);
	signs = see(signs, 'w');
	layer_machine_step(&machine, &signs, 2, 2, made);
	signs = see(signs, 'f');
	layer_machine_step(&machine, &signs, 3, 3, made);
	ck_assert_int_eq(machine.state, LAYER_RECOVERING);
	signs = see(signs, 'D');
	ck_assert_uint_eq(layer_machine_step(&machine, &signs, 4, 4, made), 1);
	ck_assert_int_eq(made[0].reaction, FAULT_REACTION_PLACEHOLDER);
	/* but it still is not live since the stronger one */
	ck_assert_int_eq(machine.reaction, FAULT_REACTION_FALLBACK);
}
END_TEST

START_TEST(without_hysteresis_there_is_none) {
	struct layer_machine machine;
	struct layer_transition made[LAYER_TRANSITIONS_MAX];
	const struct layer_limits limits = { .recover_ticks = 1,
		.dwell_ticks = 100,
		.quarantine_losses = 1,
		.quarantine_ticks = 100 };
	struct layer_signs signs = see((struct layer_signs) { 0 }, 'f');
	signs.no_hysteresis = true;
	layer_machine_init(&machine, &limits);
	layer_machine_step(&machine, &signs, 1, 1, made);
	signs = see(signs, 'D');
	layer_machine_step(&machine, &signs, 2, 2, made);
	ck_assert_int_eq(machine.state, LAYER_PLACEHOLDER);
	signs = see(signs, 'f');
	layer_machine_step(&machine, &signs, 3, 3, made);
	ck_assert_int_eq(machine.state, LAYER_LIVE);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor layer_state");
	TCase *machine = suite_case(suite, "machine");
	tcase_add_loop_test(machine, story, 0, ARRAY_LEN(stories));
	tcase_add_test(machine, what_changes_nothing_is_written_down_once);
	tcase_add_test(machine, the_strongest_reaction_counts);
	tcase_add_loop_test(machine, what_a_check_asks_for_is_done, 0, ARRAY_LEN(asked));
	tcase_add_loop_test(machine, what_is_worse_raises_the_reaction, 0, 2);
	tcase_add_test(machine, a_lesser_loss_does_not_ask_again);
	tcase_add_test(machine, without_hysteresis_there_is_none);
	tcase_add_test(machine, waits_only_where_time_changes_something);
	return suite;
}
