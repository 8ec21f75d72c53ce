#include "compositor/flips.h"

#include "compositor/inject.h"
#include "core/config.h"
#include "core/fd.h"
#include "core/macros.h"
#include "display/output_inject.h"
#include "display/output_memory.h"
#include "tests/suite.h"

#define WIDTH 64
#define HEIGHT 4
#define TICKS 14
#define FAULT_TICK 3 /* before it all is well */

struct rig {
	int fd;
	struct output *output;
	struct flips flips;
	struct flips_verdict verdict;
	uint64_t tick;
};

static void set_up(struct rig *rig) {
	*rig = (struct rig) { .fd = output_memory_create_fd("test", WIDTH, HEIGHT) };
	ck_assert_int_ge(rig->fd, 0);
	rig->output = output_inject_create(
		output_create(CONFIG_OUTPUT_MEMORY, rig->fd, WIDTH, HEIGHT), NULL);
	ck_assert_ptr_nonnull(rig->output);
	inject_init(true);
	flips_init(&rig->flips, rig->output, 0);
}

static void tear_down(struct rig *rig) {
	output_destroy(rig->output);
	fd_close(&rig->fd);
}

/* A tick as a screen does it: judge, then show. Times are 1000 ns a tick. */
static void step(struct rig *rig) {
	struct output_picture picture;
	rig->tick++;
	flips_step(&rig->flips, rig->tick, rig->tick * 1000, &rig->verdict);
	output_begin(rig->output, &picture);
	flips_handle_show(&rig->flips, output_show(rig->output, rig->tick * 1000));
	output_tick(rig->output, 1, 1);
}

/* What each tick says, from the one at which the fault begins: */
static const struct {
	const char *name;
	enum output_fault fault;
	uint32_t ticks;
	bool reset_helps;
	enum fault_cause cause;
	uint64_t onset; /* the tick, if there is a cause */
	/* . nothing, ! something is wrong, + and the next picture is a whole one, r repaint only, - it is
	 * over, * over and a repaint, x hopeless */
	const char *verdicts;
} rows[] = {
	{ "one lost flip", OUTPUT_LOSES_FLIPS, 0, false, FAULT_NONE, 0, "............" },
	{ "lost for two ticks", OUTPUT_LOSES_FLIPS, 2, false, FAULT_NONE, 0, "............" },
	{ "until committed again", OUTPUT_LOSES_FLIPS, 3, false, FAULT_FLIP_LOST, 3,
		"...+-......." },
	{ "until a reset", OUTPUT_LOSES_FLIPS, 99, true, FAULT_FLIP_LOST, 3, "...+.r-....." },
	{ "lost for good", OUTPUT_LOSES_FLIPS, 99, false, FAULT_FLIP_LOST, 3, "...+.r.xrrrr" },
	{ "one refusal", OUTPUT_REFUSES, 0, false, FAULT_COMMIT, 3, ".+-........." },
	{ "two refusals", OUTPUT_REFUSES, 2, false, FAULT_COMMIT, 3, ".+r-........" },
	{ "refused until a reset", OUTPUT_REFUSES, 99, true, FAULT_COMMIT, 3, ".+r-........" },
	{ "refused for good", OUTPUT_REFUSES, 99, false, FAULT_COMMIT, 3, ".+rx........" },
	{ "unplugged for a tick", OUTPUT_UNPLUGGED, 1, false, FAULT_UNPLUGGED, 2, "!*.........." },
	{ "unplugged for long", OUTPUT_UNPLUGGED, 8, false, FAULT_UNPLUGGED, 2, "!.......*..." },
	{ "other mode", OUTPUT_OTHER_MODE, 0, false, FAULT_MODE, 2, "+-.........." },
	{ "after a sleep", OUTPUT_SLEPT, 0, false, FAULT_COMMIT, 4, "..+r-......." },
	{ "stale read-back", OUTPUT_STALE, 5, false, FAULT_NONE, 0, "............" },
};

static char letter_of(const struct flips_verdict *verdict) {
	if (verdict->is_hopeless) {
		return 'x';
	}
	if (verdict->began != FAULT_NONE) {
		return verdict->is_repaint ? '+' : '!';
	}
	if (verdict->ended != FAULT_NONE) {
		return verdict->is_repaint ? '*' : '-';
	}
	return verdict->is_repaint ? 'r' : '.';
}

START_TEST(faults_of_an_output) {
	struct rig rig;
	set_up(&rig);
	for (unsigned i = 1; i < FAULT_TICK; i++) {
		step(&rig);
		ck_assert_int_eq(letter_of(&rig.verdict), '.');
	}
	output_inject_fault(rig.output, rows[_i].fault, rows[_i].ticks, rows[_i].reset_helps);
	char found[TICKS] = "";
	for (unsigned i = 0; i < TICKS - 2; i++) {
		step(&rig);
		found[i] = letter_of(&rig.verdict);
		if (rig.verdict.began != FAULT_NONE) {
			ck_assert_uint_eq(rig.verdict.began, rows[_i].cause);
			ck_assert_uint_eq(rig.verdict.onset_ns, rows[_i].onset * 1000);
		}
	}
	ck_assert_str_eq(found, rows[_i].verdicts);
	tear_down(&rig);
}
END_TEST

static const struct {
	const char *name;
	enum mechanism mechanism;
	enum output_fault fault;
} controls[] = {
	{ "flip", MECHANISM_FLIP, OUTPUT_LOSES_FLIPS },
	{ "commit", MECHANISM_COMMIT, OUTPUT_REFUSES },
	{ "connection", MECHANISM_CONNECTION, OUTPUT_UNPLUGGED },
	{ "mode", MECHANISM_MODE, OUTPUT_OTHER_MODE },
};

START_TEST(without_its_mechanism_nothing_is_found) {
	struct rig rig;
	set_up(&rig);
	ck_assert_int_eq(mechanism_set(controls[_i].mechanism, false), 0);
	step(&rig);
	output_inject_fault(rig.output, controls[_i].fault, 10, true);
	for (unsigned i = 0; i < TICKS; i++) {
		step(&rig);
		ck_assert_int_eq(letter_of(&rig.verdict), '.');
	}
	inject_init(false);
	tear_down(&rig);
}
END_TEST

START_TEST(missed_ticks_count) {
	struct rig rig;
	set_up(&rig);
	step(&rig);
	output_inject_fault(rig.output, OUTPUT_LOSES_FLIPS, 99, false);
	step(&rig);
	step(&rig); /* the first that is on its way is seen: tick 3 */
	rig.tick++; /* missed */
	step(&rig);
	ck_assert_int_eq(letter_of(&rig.verdict), '+');
	rig.tick++;
	step(&rig);
	ck_assert_int_eq(letter_of(&rig.verdict), 'r');
	rig.tick++;
	step(&rig);
	ck_assert_int_eq(letter_of(&rig.verdict), 'x');
	ck_assert_uint_eq(
		rig.tick, 9); /* the seventh since it was committed, as if none were missed */
	tear_down(&rig);
}
END_TEST

START_TEST(ticks_missed_before_it_is_seen_do_not_count) {
	struct rig rig;
	set_up(&rig);
	step(&rig);
	output_inject_fault(rig.output, OUTPUT_LOSES_FLIPS, 0, false);
	step(&rig);
	rig.tick += 5; /* it may have been committed at their end */
	step(&rig);
	ck_assert_int_eq(letter_of(&rig.verdict), '.');
	tear_down(&rig);
}
END_TEST

START_TEST(a_pipelined_output_is_well) {
	/* each picture is completed while the next is committed: it goes on, though never all is shown */
	struct rig rig;
	set_up(&rig);
	for (unsigned i = 0; i < 3 * TICKS; i++) {
		if (i % 2 == 0) {
			output_inject_fault(rig.output, OUTPUT_LOSES_FLIPS, 0, false);
		}
		step(&rig);
		ck_assert_int_eq(letter_of(&rig.verdict), '.');
	}
	tear_down(&rig);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor flips");
	TCase *faults = suite_case(suite, "faults");
	tcase_add_loop_test(faults, faults_of_an_output, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(faults, without_its_mechanism_nothing_is_found, 0, ARRAY_LEN(controls));
	tcase_add_test(faults, missed_ticks_count);
	tcase_add_test(faults, ticks_missed_before_it_is_seen_do_not_count);
	tcase_add_test(faults, a_pipelined_output_is_well);
	return suite;
}
