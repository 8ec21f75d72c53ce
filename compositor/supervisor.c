#include "compositor/supervisor.h"

#include <stdatomic.h>

#include "compositor/inject.h"
#include "core/fault.h"
#include "core/macros.h"

#define BIT(cause) (UINT64_C(1) << (cause))

static const struct rect pattern_place = { 0, 0, SELF_TEST_SIZE, SELF_TEST_SIZE };

static struct check_view pattern_view(const struct supervisor *supervisor) {
	return (struct check_view) {
		.pixels = supervisor->pattern,
		.stride_bytes = SELF_TEST_SIZE * sizeof(supervisor->pattern[0]),
		.bounds = pattern_place,
	};
}

/* Its checksum is calculated now, from memory that nobody has had time to change. */
static void init_pattern(struct supervisor *supervisor) {
	for (uint32_t i = 0; i < ARRAY_LEN(supervisor->pattern); i++) {
		supervisor->pattern[i] = UINT32_C(0xff000000) | (i * UINT32_C(0x9e3779b1)) >> 8;
	}
	const struct check_view view = pattern_view(supervisor);
	supervisor->pattern_crc = check_crc(&view, &pattern_place);
}

static uint32_t first_of(uint32_t set) {
	return set == 0 ? 0 : (uint32_t)__builtin_ctz(set);
}

void supervisor_init(struct supervisor *supervisor, const struct config *config,
	struct atlas_copies *copies, int watchdog_fd, const struct supervisor_clock *clock,
	supervisor_exact exact, struct stats *stats) {
	*supervisor = (struct supervisor) {
		.copies = copies,
		.exact = exact,
		.leader = first_of(clock->clocked),
		.time_ns = clock->now_ns,
		.test_ticks = MAX(SELF_TEST_MS * NS_PER_MS / clock->period_ns, 1),
		.share = atlas_copies_share(copies, clock->period_ns),
		.exported_tests = stats_value(stats, "", "compositor.self_tests"),
		.exported_repairs = stats_value(stats, "", "compositor.atlas_repairs"),
		.exported_rounds = stats_value(stats, "", "compositor.atlas_rounds"),
		.exported_late = stats_value(stats, "", "compositor.late"),
	};
	init_pattern(supervisor);
	watchdog_init(&supervisor->watchdog, &config->safety, watchdog_fd, clock->clocked,
		clock->now_ns, stats);
}

void supervisor_finish(struct supervisor *supervisor) {
	watchdog_finish(&supervisor->watchdog);
}

/* ---- self-test ---- */

static bool says_right(const struct supervisor *supervisor) {
	const struct check_view view = pattern_view(supervisor);
	uint32_t found;
	return supervisor->exact(&view, &pattern_place, &supervisor->pattern_crc, 1, &found);
}

/* Another bit of another pixel each time; bits of alpha are nobody's. */
static bool passes_self_test(struct supervisor *supervisor) {
	uint64_t number = supervisor->tests++;
	uint32_t *pixel = &supervisor->pattern[number * 37 % ARRAY_LEN(supervisor->pattern)];
	uint32_t bit = UINT32_C(1) << (number % 24);

	*pixel ^= bit;
	bool is_caught = !says_right(supervisor);
	*pixel ^= bit;
	return is_caught && says_right(supervisor);
}

static void self_test(struct supervisor *supervisor, const struct supervisor_cycle *cycle,
	struct supervisor_findings *findings) {
	if (cycle->ticker->count % supervisor->test_ticks != 0 ||
		!mechanism_is_on(MECHANISM_SELF_TEST)) {
		return;
	}
	if (!passes_self_test(supervisor)) {
		findings->everywhere |= BIT(FAULT_SELF_TEST);
	}
	atomic_fetch_add(supervisor->exported_tests, 1);
}

/* ---- scrubbing ---- */

static void scrub(struct supervisor *supervisor, struct supervisor_findings *findings) {
	struct atlas_copies *copies = supervisor->copies;
	if (copies->blocks_len == 0 || !mechanism_is_on(MECHANISM_SCRUB)) {
		return;
	}
	uint32_t before = copies->next;
	struct atlas_damage damage = atlas_copies_scrub(copies, supervisor->share);
	atomic_fetch_add(supervisor->exported_rounds, copies->next <= before);
	if (damage.cause != FAULT_NONE) {
		findings->everywhere |= BIT(damage.cause);
		findings->tile = damage.tile;
		atomic_fetch_add(supervisor->exported_repairs, damage.cause == FAULT_ATLAS);
	}
}

/* ---- timing ---- */

static uint64_t clock_as_it_runs(
	struct supervisor *supervisor, const struct supervisor_cycle *cycle) {
	struct injection injection;
	if (inject_take(INJECT_CLOCK, &injection)) {
		supervisor->skew_ns += (int64_t)cycle->ticker->period_ns * injection.number / 1000;
	}
	return cycle->now_ns + (uint64_t)supervisor->skew_ns;
}

static void judge_timing(struct supervisor *supervisor, const struct supervisor_cycle *cycle,
	struct supervisor_findings *findings) {
	struct timing_verdict verdict;
	if (cycle->ticker->kind != TICKER_REAL) {
		return;
	}
	timing_step(cycle->timing, cycle->due_ns, cycle->lead_ns,
		clock_as_it_runs(supervisor, cycle), &verdict);
	if (verdict.is_missing && mechanism_is_on(MECHANISM_DEADLINE)) {
		findings->own |= BIT(FAULT_MISSED_DEADLINES);
	}
	if (verdict.is_clock_wrong && mechanism_is_on(MECHANISM_CLOCK)) {
		findings->own |= BIT(FAULT_CLOCK);
		findings->clock_per_mille = verdict.clock_per_mille;
	}
	if (verdict.is_late && mechanism_is_on(MECHANISM_LATENESS)) {
		atomic_fetch_add(supervisor->exported_late, 1);
		findings->own |= verdict.is_burst ? BIT(FAULT_LATE) : 0;
		findings->lateness_ns = verdict.lateness_ns;
	}
}

void supervisor_end_cycle(struct supervisor *supervisor, const struct supervisor_cycle *cycle,
	struct supervisor_findings *findings) {
	*findings = (struct supervisor_findings) { 0 };
	if (cycle->output == supervisor->leader) {
		self_test(supervisor, cycle, findings);
		scrub(supervisor, findings);
		supervisor->time_ns = cycle->time_ns;
	}
	judge_timing(supervisor, cycle, findings);
	/* what was found now is judged with the next cycle; this one was whole, or not */
	watchdog_end_cycle(&supervisor->watchdog, cycle->output, cycle->chain,
		cycle->is_fit && findings->everywhere == 0, supervisor->time_ns);
}
