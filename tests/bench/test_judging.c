/* What the safety campaign makes of what it measured: the machine's lateness, bites of a watchdog, verdicts; and
 * what it injects. */
#include <stdlib.h>
#include <string.h>

#include "core/macros.h"
#include "tests/bench/lateness.h"
#include "tests/safety/plan.h"
#include "tests/safety/shot.h"
#include "tests/suite.h"

#define MS NS_PER_MS

/* ---- the machine's lateness ---- */

static const struct {
	uint64_t due_ms, late_us;
} wakes[2][3] = {
	{ { 100, 10000 }, { 120, 900 }, { 130, 2000 } },
	{ { 105, 10000 }, { 131, 3000 }, { 200, 5000 } },
};

static const struct {
	const char *name;
	uint64_t from_ms, to_ms, away_ms;
} spans[] = {
	{ "all of it, each moment once", 0, 1000, 15 + 4 + 5 },
	{ "before it", 0, 100, 0 },
	{ "within one", 102, 104, 2 },
	{ "from within one on", 112, 120, 3 },
	{ "up to within one", 90, 103, 3 },
	{ "less than a millisecond does not count", 118, 125, 0 },
	{ "between", 140, 190, 0 },
};

static void fill_monitor(struct lateness_monitor *monitor) {
	static uint64_t due_ns[2][3], late_ns[2][3];
	*monitor = (struct lateness_monitor) { .is_realtime = true, .cpus_len = 2 };
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned n = 0; n < 3; n++) {
			due_ns[i][n] = wakes[i][n].due_ms * MS;
			late_ns[i][n] = wakes[i][n].late_us * 1000;
		}
		monitor->cpus[i].due_ns = due_ns[i];
		monitor->cpus[i].late_ns = late_ns[i];
		atomic_store(&monitor->cpus[i].len, 3);
	}
}

START_TEST(lateness_is_what_overlaps) {
	static struct lateness_monitor monitor;
	fill_monitor(&monitor);
	uint64_t away_ns =
		lateness_monitor_away(&monitor, spans[_i].from_ms * MS, spans[_i].to_ms * MS);
	ck_assert_msg(away_ns == spans[_i].away_ms * MS, "%s: %u us", spans[_i].name,
		(unsigned)(away_ns / 1000));
	monitor.is_realtime = false;
	ck_assert_uint_eq(lateness_monitor_away(&monitor, 0, UINT64_MAX), 0);
}
END_TEST

START_TEST(the_worst_is_of_any_processor) {
	static struct lateness_monitor monitor;
	fill_monitor(&monitor);
	ck_assert_uint_eq(lateness_monitor_worst(&monitor, 0, UINT64_MAX), 10 * MS);
	ck_assert_uint_eq(lateness_monitor_worst(&monitor, 125 * MS, 150 * MS), 3 * MS);
	ck_assert_uint_eq(lateness_monitor_worst(&monitor, 140 * MS, 150 * MS), 0);
}
END_TEST

/* ---- bites ---- */

static const struct {
	const char *name;
	uint64_t pets_ms[6]; /* 0 ends */
	uint64_t from_ms, least_ms, bite_ms; /* 0: none, of those that came */
} bites[] = {
	{ "in time", { 1000, 1050, 1100, 1150 }, 1000, 25, 0 },
	{ "too late", { 1000, 1050, 1300, 1350 }, 1060, 25, 1200 },
	{ "too late, but before", { 1000, 1250, 1300, 1350 }, 1310, 25, 0 },
	{ "too early", { 1000, 1050, 1060, 1110 }, 1000, 25, 1060 },
	{ "too early, which is not asked for", { 1000, 1050, 1060, 1110 }, 1000, 0, 0 },
	{ "read at once", { 1000, 1050, 1050, 1100 }, 1000, 25, 0 },
};

START_TEST(a_watchdog_bites) {
	static struct pets pets;
	memset(&pets, 0, sizeof(pets));
	uint64_t len = 0;
	/* the last ones come now, so that silence since is no bite */
	uint64_t shift_ns = clock_now_ns();
	for (; len < ARRAY_LEN(bites[0].pets_ms) && bites[_i].pets_ms[len] != 0; len++) {
		atomic_store(&pets.at_ns[len], shift_ns + bites[_i].pets_ms[len] * MS);
	}
	atomic_store(&pets.at_ns[len++], shift_ns + 100000000 * MS);
	atomic_store(&pets.len, len);
	uint64_t bite_ns = pets_bite(
		&pets, shift_ns + bites[_i].from_ms * MS, bites[_i].least_ms * MS, 150 * MS);
	uint64_t last_ns = shift_ns + bites[_i].pets_ms[len - 2] * MS + 150 * MS;
	uint64_t shall_ns = bites[_i].bite_ms != 0 ? shift_ns + bites[_i].bite_ms * MS : last_ns;
	ck_assert_msg(bite_ns == shall_ns, "%s: %u ms", bites[_i].name,
		(unsigned)((bite_ns - shift_ns) / MS));
}
END_TEST

/* ---- verdicts ---- */

static bool any_sight(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	return true;
}

#define FOUND .causes = { FAULT_DIED }
#define PICTURE .is_safe = any_sight
#define TIMES(onset, detect, safe)                                                                 \
	.onset_ns = (onset) * MS, .detect_ns = (detect) * MS, .safe_ns = (safe) * MS,              \
	.is_answered = true

static const struct {
	const char *name;
	struct row row;
	struct shot shot;
	uint64_t grace_ms;
	enum shot_verdict verdict;
} verdicts[] = {
	{ "in time", { FOUND, PICTURE, .safe_ms = 33 }, { TIMES(100, 110, 133) }, 0, SHOT_PASSED },
	{ "late", { FOUND, PICTURE, .safe_ms = 33 }, { TIMES(100, 110, 134) }, 0, SHOT_LATE },
	{ "late, as the machine was", { FOUND, PICTURE, .safe_ms = 33 }, { TIMES(100, 110, 134) },
		1, SHOT_PASSED },
	{ "found late", { FOUND, PICTURE, .detect_ms = 20 }, { TIMES(100, 121, 130) }, 0,
		SHOT_LATE },
	{ "slow to react", { FOUND, PICTURE }, { TIMES(100, 110, 161) }, 0, SHOT_LATE },
	{ "as slow as it may be", { FOUND, PICTURE, .react_ms = 51 }, { TIMES(100, 110, 161) }, 0,
		SHOT_PASSED },
	{ "not found", { FOUND, PICTURE }, { TIMES(100, 0, 110) }, 0, SHOT_UNDETECTED },
	{ "no right picture", { FOUND, PICTURE }, { TIMES(100, 110, 0) }, 0, SHOT_UNSAFE },
	{ "no picture asked for", { FOUND, .detect_ms = 20 }, { TIMES(100, 110, 0) }, 0,
		SHOT_PASSED },
	{ "no answer", { FOUND }, { .onset_ns = 100, .detect_ns = 110 }, 0, SHOT_UNSAFE },
	{ "a time, and no moment", { .safe_ms = 20 }, { TIMES(100, 0, 0) }, 0, SHOT_UNSAFE },
	{ "a wrong picture", { FOUND, PICTURE }, { TIMES(100, 110, 120), .wrong_pictures = 1 }, 0,
		SHOT_WRONG },
	{ "one that may be", { FOUND, PICTURE, .wrong_max = 1 },
		{ TIMES(100, 110, 120), .wrong_pictures = 1 }, 0, SHOT_PASSED },
	{ "one that nobody saw", { FOUND, PICTURE }, { TIMES(100, 110, 120), .missed_pictures = 1 },
		0, SHOT_UNSEEN },
};

START_TEST(a_shot_is_judged) {
	enum shot_verdict verdict =
		shot_judge(&verdicts[_i].row, &verdicts[_i].shot, true, verdicts[_i].grace_ms * MS);
	ck_assert_msg(verdict == verdicts[_i].verdict, "%s: %s", verdicts[_i].name,
		shot_verdict_name(verdict));
}
END_TEST

/* ---- what is injected ---- */

static void count_tasks(const struct plan *plan, const struct row *row, uint32_t counts[3]) {
	memset(counts, 0, 3 * sizeof(*counts));
	for (uint32_t i = 0; i < plan->len; i++) {
		const struct task *task = &plan->tasks[i];
		if (&rows[task->row] == row) {
			counts[0] += !task->is_control;
			counts[1] += task->is_control;
			counts[2] += task->is_pictured;
		}
	}
}

/* Each row that is asked for is in one part, as often as asked for. */
START_TEST(plans_have_all_rows) {
	struct plan plan;
	uint32_t of_plan[3], counts[3], parts = 0;
	const struct row *row = &rows[_i];
	const struct plan_options options = { 7, 3, _i % 2 == 0 ? NULL : row->name, true };
	memset(counts, 0, sizeof(counts));
	for (enum plan_part part = 0; part < PLAN_PARTS; part++) {
		ck_assert_int_eq(plan_init(&plan, &options, part), 0);
		count_tasks(&plan, row, of_plan);
		parts += of_plan[0] > 0;
		ck_assert(of_plan[0] == 0 || row->is_greedy == (part == PLAN_GREEDY));
		for (unsigned i = 0; i < 3; i++) {
			counts[i] += of_plan[i];
		}
		plan_finish(&plan);
	}
	ck_assert_uint_eq(parts, 1);
	ck_assert_uint_eq(counts[0], row->is_slow ? 3 : 7);
	ck_assert_uint_eq(counts[1], row_has_control(row));
	ck_assert_uint_eq(counts[2], 1);
}
END_TEST

START_TEST(a_plan_is_mixed) {
	struct plan plan;
	const struct plan_options options = { 20, 20, NULL, false };
	uint32_t repeats = 0;
	ck_assert_int_eq(plan_init(&plan, &options, PLAN_OTHER), 0);
	for (uint32_t i = 1; i < plan.len; i++) {
		repeats += plan.tasks[i].row == plan.tasks[i - 1].row;
	}
	ck_assert_uint_lt(repeats, plan.len / 4); /* one row after the other it would be 19 of 20 */
	plan_finish(&plan);
}
END_TEST

START_TEST(a_plan_takes_its_time) {
	struct task tasks[3] = { { 0, false, false } };
	const struct plan plan = { tasks, 3 };
	while (!rows[tasks[1].row].is_slow) {
		tasks[1].row++;
	}
	ck_assert_uint_eq(plan_work(&plan, 0), 0);
	ck_assert_uint_eq(plan_work(&plan, 1), 1);
	ck_assert_uint_gt(plan_work(&plan, 2), 2);
	ck_assert_uint_eq(plan_work(&plan, 4), plan_work(&plan, 3));
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("safety judging");
	TCase *judging = suite_case(suite, "judging");
	tcase_add_loop_test(judging, lateness_is_what_overlaps, 0, ARRAY_LEN(spans));
	tcase_add_test(judging, the_worst_is_of_any_processor);
	tcase_add_loop_test(judging, a_watchdog_bites, 0, ARRAY_LEN(bites));
	tcase_add_loop_test(judging, a_shot_is_judged, 0, ARRAY_LEN(verdicts));
	TCase *plans = suite_case(suite, "plans");
	tcase_add_loop_test(plans, plans_have_all_rows, 0, (int)rows_len);
	tcase_add_test(plans, a_plan_is_mixed);
	tcase_add_test(plans, a_plan_takes_its_time);
	return suite;
}
