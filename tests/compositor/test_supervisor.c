#include "compositor/supervisor.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

#include "compositor/inject.h"
#include "core/fault.h"
#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"
#include "tests/support/grants.h"
#include "tests/support/test_atlas.h"

#define PERIOD_NS (NS_PER_S / 60)
#define SELF_TEST_TICKS (SELF_TEST_MS * NS_PER_MS / PERIOD_NS)
#define BIT(cause) (UINT64_C(1) << (cause))

struct rig {
	struct stats stats;
	struct atlas_copies copies;
	struct supervisor supervisor;
	struct ticker ticker;
	struct timing timing;
	struct supervisor_findings findings;
	int pets;
};

static void set_up(struct rig *rig, enum ticker_kind kind, supervisor_exact exact) {
	struct config config;
	int pair[2];
	*rig = (struct rig) { 0 };
	test_config_init(&config, 300, 200);
	test_config_add_layer(
		&config, "cover", CONFIG_NONE, CONFIG_NONE, (struct rect) { 0, 0, 200, 100 });
	config.safety.watchdog = CONFIG_WATCHDOG_FILE;
	config.safety.pet_ms = 50;
	int atlas = test_atlas_create_fd(&config, NULL);
	ck_assert_int_eq(atlas_copies_init(&rig->copies, atlas), 0);
	fd_close(&atlas);
	ck_assert_int_eq(pipe2(pair, O_NONBLOCK | O_CLOEXEC), 0);
	rig->pets = pair[0];
	ck_assert_int_eq(stats_init(&rig->stats, stats_create_fd("test"), "test"), 0);
	inject_init(true);
	const struct supervisor_clock clock = { .clocked = 1, .period_ns = PERIOD_NS };
	supervisor_init(
		&rig->supervisor, &config, &rig->copies, pair[1], &clock, exact, &rig->stats);
	rig->ticker = (struct ticker) { .kind = kind, .period_ns = PERIOD_NS };
	timing_init(&rig->timing, PERIOD_NS);
}

static void tear_down(struct rig *rig) {
	supervisor_finish(&rig->supervisor);
	atlas_copies_finish(&rig->copies);
	stats_finish(&rig->stats);
	fd_close(&rig->pets);
	inject_init(false);
}

/* Ends a good cycle `late_ns` after its time. */
static void step(struct rig *rig, uint64_t late_ns) {
	struct watchdog_chain chain;
	rig->ticker.count++;
	uint64_t due_ns = NS_PER_S + rig->ticker.count * PERIOD_NS;
	watchdog_chain_begin(&chain, rig->ticker.count);
	for (unsigned i = 0; i < WATCHDOG_STEPS; i++) {
		watchdog_chain_add(&chain, (enum watchdog_step)i);
	}
	const struct supervisor_cycle cycle = {
		.ticker = &rig->ticker,
		.timing = &rig->timing,
		.chain = &chain,
		.is_fit = true,
		.due_ns = due_ns,
		.now_ns = due_ns + late_ns,
		.time_ns = rig->ticker.count * PERIOD_NS,
	};
	supervisor_end_cycle(&rig->supervisor, &cycle, &rig->findings);
}

/* All that is found in so many cycles. */
static uint64_t run(struct rig *rig, unsigned steps) {
	uint64_t found = 0;
	for (unsigned i = 0; i < steps; i++) {
		step(rig, 0);
		found |= rig->findings.own | rig->findings.everywhere;
	}
	return found;
}

static bool says_passed(const struct check_view *view, const struct rect *rect,
	const uint32_t *allowed, size_t allowed_len, uint32_t *found) {
	return true;
}

static bool says_failed(const struct check_view *view, const struct rect *rect,
	const uint32_t *allowed, size_t allowed_len, uint32_t *found) {
	return false;
}

/* Looks at the first byte of each pixel only. */
static bool looks_at_blue(const struct check_view *view, const struct rect *rect,
	const uint32_t *allowed, size_t allowed_len, uint32_t *found) {
	static uint32_t before;
	uint32_t sum = 0;
	for (uint32_t i = 0; i < rect->width * rect->height; i++) {
		sum = sum * 31 + (view->pixels[i] & 0xff);
	}
	before = before == 0 ? sum : before;
	return sum == before;
}

static const struct {
	const char *name;
	supervisor_exact exact;
	bool is_found;
} checkers[] = {
	{ "the real one", check_exact, false },
	{ "always passed", says_passed, true },
	{ "always failed", says_failed, true },
	{ "looks at some bits", looks_at_blue, true },
};

START_TEST(the_check_is_checked_each_second) {
	struct rig rig;
	set_up(&rig, TICKER_STEP, checkers[_i].exact);
	uint64_t found = run(&rig, SELF_TEST_TICKS * 30);
	ck_assert_uint_eq(found, checkers[_i].is_found ? BIT(FAULT_SELF_TEST) : 0);
	ck_assert_uint_eq(atomic_load(rig.supervisor.exported_tests), 30);
	tear_down(&rig);
}
END_TEST

START_TEST(a_check_that_goes_blind_is_found_within_a_second) {
	struct rig rig;
	set_up(&rig, TICKER_STEP, check_exact);
	ck_assert_uint_eq(run(&rig, 90), 0);
	rig.supervisor.exact = says_passed;
	unsigned steps = 1;
	while (run(&rig, 1) == 0) {
		ck_assert_uint_lt(steps++, 60);
	}
	/* not without its mechanism */
	ck_assert_int_eq(mechanism_set(MECHANISM_SELF_TEST, false), 0);
	ck_assert_uint_eq(run(&rig, 120), 0);
	tear_down(&rig);
}
END_TEST

static const struct {
	const char *name;
	bool is_both, is_on;
	uint64_t found;
} damages[] = {
	{ "one copy", false, true, BIT(FAULT_ATLAS) },
	{ "both copies", true, true, BIT(FAULT_ATLAS_LOST) },
	{ "nobody looks", true, false, 0 },
};

START_TEST(a_damaged_atlas_is_found_within_ten_seconds) {
	struct rig rig;
	set_up(&rig, TICKER_STEP, check_exact);
	ck_assert_uint_eq(run(&rig, 600), 0);
	ck_assert_uint_gt(atomic_load(rig.supervisor.exported_rounds), 0);
	ck_assert_int_eq(mechanism_set(MECHANISM_SCRUB, damages[_i].is_on), 0);
	ck_assert_int_eq(atlas_copies_flip(&rig.copies, "picture/cover", damages[_i].is_both), 0);
	ck_assert_uint_eq(run(&rig, 600), damages[_i].found);
	tear_down(&rig);
}
END_TEST

START_TEST(late_and_missed_ticks_are_told) {
	struct rig rig;
	set_up(&rig, TICKER_REAL, check_exact);
	ck_assert_uint_eq(run(&rig, 60), 0);
	step(&rig, 3 * NS_PER_MS);
	ck_assert_uint_eq(rig.findings.own, BIT(FAULT_LATE));
	ck_assert_uint_eq(rig.findings.lateness_ns, 3 * NS_PER_MS);
	step(&rig, 3 * NS_PER_MS);
	ck_assert_uint_eq(rig.findings.own, 0);
	ck_assert_uint_eq(atomic_load(rig.supervisor.exported_late), 2);
	ck_assert_int_eq(mechanism_set(MECHANISM_LATENESS, false), 0);
	ck_assert_int_eq(mechanism_set(MECHANISM_DEADLINE, false), 0);
	rig.ticker.count += TIMING_MISSED_MAX + 1;
	ck_assert_uint_eq(run(&rig, 1), 0);
	ck_assert_int_eq(mechanism_set(MECHANISM_DEADLINE, true), 0);
	ck_assert_uint_eq(run(&rig, 1), BIT(FAULT_MISSED_DEADLINES));
	tear_down(&rig);
}
END_TEST

static const struct {
	const char *name;
	int64_t per_mille;
	bool is_on;
	uint64_t found;
} skews[] = {
	{ "fast", 50, true, BIT(FAULT_CLOCK) },
	{ "slow", -50, true, BIT(FAULT_CLOCK) },
	{ "a little", 10, true, 0 },
	{ "nobody looks", 50, false, 0 },
};

START_TEST(a_clock_that_runs_wrong_is_found) {
	struct rig rig;
	set_up(&rig, TICKER_REAL, check_exact);
	ck_assert_int_eq(mechanism_set(MECHANISM_CLOCK, skews[_i].is_on), 0);
	ck_assert_int_eq(mechanism_set(MECHANISM_LATENESS, false), 0);
	ck_assert_uint_eq(run(&rig, 75), 0);
	ck_assert_int_eq(inject_fault(INJECT_CLOCK, "", skews[_i].per_mille, 60), 0);
	ck_assert_uint_eq(run(&rig, 60), skews[_i].found);
	tear_down(&rig);
}
END_TEST

START_TEST(what_is_found_costs_the_pet) {
	struct rig rig;
	char bytes[256];
	set_up(&rig, TICKER_STEP, check_exact);
	run(&rig, 60);
	ck_assert_int_ge(read(rig.pets, bytes, sizeof(bytes)), 14);
	ck_assert_int_eq(atlas_copies_flip(&rig.copies, "picture/cover", true), 0);
	rig.supervisor.share = rig.copies.blocks_len; /* all of it each time */
	run(&rig, 60);
	ck_assert_int_lt(read(rig.pets, bytes, sizeof(bytes)), 0);
	tear_down(&rig);
}
END_TEST

START_TEST(there_may_be_no_atlas) {
	struct rig rig;
	set_up(&rig, TICKER_STEP, check_exact);
	atlas_copies_finish(&rig.copies);
	ck_assert_uint_eq(run(&rig, 120), 0);
	tear_down(&rig);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor supervisor");
	TCase *cycles = suite_case(suite, "cycles");
	tcase_add_loop_test(cycles, the_check_is_checked_each_second, 0, ARRAY_LEN(checkers));
	tcase_add_test(cycles, a_check_that_goes_blind_is_found_within_a_second);
	tcase_add_loop_test(
		cycles, a_damaged_atlas_is_found_within_ten_seconds, 0, ARRAY_LEN(damages));
	tcase_add_test(cycles, late_and_missed_ticks_are_told);
	tcase_add_loop_test(cycles, a_clock_that_runs_wrong_is_found, 0, ARRAY_LEN(skews));
	tcase_add_test(cycles, what_is_found_costs_the_pet);
	tcase_add_test(cycles, there_may_be_no_atlas);
	return suite;
}
