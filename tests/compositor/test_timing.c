#include "compositor/timing.h"

#include "core/macros.h"
#include "tests/suite.h"

#define PERIOD_NS (NS_PER_S / 60)
#define LEAD_NS (4 * NS_PER_MS)

struct rig {
	struct timing timing;
	struct timing_verdict verdict;
	uint64_t tick;
	uint64_t clock_ns; /* how much the clock is ahead */
};

static void set_up(struct rig *rig) {
	*rig = (struct rig) { .tick = 1000 };
	timing_init(&rig->timing, PERIOD_NS);
}

/* The tick after `missed` ones, taken `late_ns` after the time asked for. */
static void step(struct rig *rig, uint64_t missed, uint64_t late_ns) {
	rig->tick += 1 + missed;
	uint64_t due_ns = rig->tick * PERIOD_NS;
	uint64_t now_ns = due_ns - LEAD_NS + late_ns;
	timing_step(&rig->timing, due_ns, LEAD_NS, now_ns + rig->clock_ns, &rig->verdict);
}

START_TEST(all_is_well) {
	struct rig rig;
	set_up(&rig);
	for (unsigned i = 0; i < 1000; i++) {
		step(&rig, 0, i % 3 * NS_PER_MS / 2);
		ck_assert(!rig.verdict.is_missing);
		ck_assert(!rig.verdict.is_clock_wrong);
		ck_assert(!rig.verdict.is_late);
	}
}
END_TEST

static const struct {
	const char *name;
	uint64_t every; /* tick of these */
	uint64_t missed; /* comes after so many that were missed */
	bool is_missing;
} rows[] = {
	{ "one in ten", 9, 1, false },
	{ "one in six", 5, 1, false },
	{ "one in four", 3, 1, true },
	{ "one in two", 1, 1, true },
	{ "twelve at once", 1000, 12, false },
	{ "thirteen at once", 1000, 13, true },
	{ "a hundred at once", 1000, 100, true },
};

START_TEST(missed_ticks) {
	struct rig rig;
	set_up(&rig);
	bool is_missing = false;
	for (unsigned i = 0; i < 200; i++) {
		step(&rig, i > 0 && i % rows[_i].every == 0 ? rows[_i].missed : 0, 0);
		is_missing = is_missing || rig.verdict.is_missing;
	}
	if (rows[_i].every == 1000) {
		step(&rig, rows[_i].missed, 0);
		is_missing = rig.verdict.is_missing;
	}
	ck_assert_int_eq(is_missing, rows[_i].is_missing);
	/* a second later it is forgotten */
	for (unsigned i = 0; i < TIMING_WINDOW; i++) {
		step(&rig, 0, 0);
	}
	ck_assert(!rig.verdict.is_missing);
}
END_TEST

static const struct {
	const char *name;
	int64_t per_mille;
	bool is_wrong;
} clocks[] = {
	{ "right", 0, false },
	{ "a little fast", 15, false },
	{ "fast", 30, true },
	{ "twice as fast", 1000, true },
	{ "a little slow", -15, false },
	{ "slow", -30, true },
	{ "standing still", -1000, true },
};

START_TEST(clocks_against_ticks) {
	struct rig rig;
	unsigned found = 0;
	set_up(&rig);
	for (unsigned i = 0; i < 300; i++) {
		rig.clock_ns += (uint64_t)((int64_t)PERIOD_NS * clocks[_i].per_mille / 1000);
		step(&rig, 0, 0);
		if (rig.verdict.is_clock_wrong) {
			found++;
			ck_assert_int_le(rig.verdict.clock_per_mille, clocks[_i].per_mille + 1);
			ck_assert_int_ge(rig.verdict.clock_per_mille, clocks[_i].per_mille - 1);
		}
	}
	/* each quarter of a second after the first two */
	ck_assert_uint_eq(found, clocks[_i].is_wrong ? 17 : 0);
}
END_TEST

START_TEST(a_jump_of_the_clock_is_seen) {
	struct rig rig;
	set_up(&rig);
	unsigned found_at = 0;
	for (unsigned i = 0; i < 180; i++) {
		rig.clock_ns += i == 70 ? 100 * NS_PER_MS : 0;
		step(&rig, 0, 0);
		found_at = rig.verdict.is_clock_wrong ? i : found_at;
	}
	ck_assert_uint_gt(found_at, 70);
	ck_assert_uint_le(found_at, 70 + 30);
}
END_TEST

START_TEST(waking_late_is_no_fault_of_the_clock) {
	struct rig rig;
	set_up(&rig);
	for (unsigned i = 0; i < 600; i++) {
		/* under load, one in three comes far too late */
		step(&rig, 0, i % 3 == 0 ? 0 : 16 * NS_PER_MS);
		ck_assert(!rig.verdict.is_clock_wrong);
	}
}
END_TEST

START_TEST(late_ones_are_told_by_the_burst) {
	struct rig rig;
	unsigned bursts = 0, late = 0;
	set_up(&rig);
	for (unsigned i = 0; i < 300; i++) {
		bool is_late = (i >= 10 && i < 40) || i == 200;
		step(&rig, 0, is_late ? 3 * NS_PER_MS : NS_PER_MS);
		ck_assert_int_eq(rig.verdict.is_late, is_late);
		late += rig.verdict.is_late;
		bursts += rig.verdict.is_burst;
	}
	ck_assert_uint_eq(late, 31);
	ck_assert_uint_eq(bursts, 2);
	/* late counts from the first tick that was missed */
	step(&rig, 2, 0);
	ck_assert(rig.verdict.is_late);
	ck_assert_uint_eq(rig.verdict.lateness_ns, 2 * PERIOD_NS);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor timing");
	TCase *ticks = suite_case(suite, "ticks");
	tcase_add_test(ticks, all_is_well);
	tcase_add_loop_test(ticks, missed_ticks, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(ticks, clocks_against_ticks, 0, ARRAY_LEN(clocks));
	tcase_add_test(ticks, a_jump_of_the_clock_is_seen);
	tcase_add_test(ticks, waking_late_is_no_fault_of_the_clock);
	tcase_add_test(ticks, late_ones_are_told_by_the_burst);
	return suite;
}
