#include "compositor/cues.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "compositor/inject.h"
#include "core/clock.h"
#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"

#define TICK_NS (NS_PER_S / 60)
#define BEGIN_MS 100
#define MONOTONIC_NS (777 * NS_PER_S) /* what the other clock is ahead */

static const struct atlas_element elements[] = {
	{ .name = "lane", .signal = SIGNAL_LANE, .chime = CUE_CHIME_INFORMATION },
	{ .name = "low-fuel", .signal = SIGNAL_LOW_FUEL, .chime = CUE_CHIME_CAUTION },
	{ .name = "brake", .signal = SIGNAL_BRAKE, .chime = CUE_CHIME_WARNING },
	{ .name = "abs", .signal = SIGNAL_ABS, .chime = CUE_CHIME_CAUTION },
	{ .name = "oil", .signal = SIGNAL_OIL_PRESSURE, .chime = CUE_CHIME_WARNING },
	{ .name = "turn-left", .signal = SIGNAL_TURN_LEFT, .chime = CUE_CHIME_NONE },
	{ .name = "ground", .signal = SIGNAL_NONE, .chime = CUE_CHIME_WARNING },
	{ .name = "odd", .signal = SIGNAL_DOOR, .chime = CUE_CHIMES },
};

static int cue_fds[CUE_FDS], buzzer[2];
static struct cue_player player;
static struct safety_page *page;
static struct stats stats;
static struct cues cues;
static int32_t values[SIGNAL_VALUES];
static uint64_t tick, seen;

static void open_cues(bool is_granted, bool has_chimes) {
	int granted[CUE_FDS] = { -1, -1 };
	const struct config_safety config = { .chimes = has_chimes, .chime_ms = BEGIN_MS };
	const struct atlas atlas = { .elements = elements, .elements_len = ARRAY_LEN(elements) };
	if (is_granted) {
		ck_assert_int_eq(cue_grant_fds(cue_fds, false, granted), 0);
	}
	const struct cues_setup setup = {
		.config = &config,
		.atlas = &atlas,
		.page = page,
		.stats = &stats,
		.fds = granted,
		.buzzer = fcntl(buzzer[1], F_DUPFD_CLOEXEC, 0),
	};
	cues_init(&cues, &setup);
	fd_close(&granted[0]);
	fd_close(&granted[1]);
}

static void setup(void) {
	int granted[CUE_FDS];
	inject_init(true);
	ck_assert_int_eq(cue_create_fds(cue_fds), 0);
	ck_assert_int_eq(cue_grant_fds(cue_fds, true, granted), 0);
	ck_assert_int_eq(cue_player_init(&player, granted), 0);
	ck_assert_int_eq(pipe2(buzzer, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(stats_init(&stats, -1, "test"), 0);
	page = safety_page_map(safety_page_create_fd());
	ck_assert_ptr_nonnull(page);
	memset(values, 0, sizeof(values));
	tick = 100;
	seen = 0;
	open_cues(true, true);
}

static void teardown(void) {
	cues_finish(&cues);
	safety_page_unmap(page);
	stats_finish(&stats);
	cue_player_finish(&player);
	fd_close(&cue_fds[0]);
	fd_close(&cue_fds[1]);
	fd_close(&buzzer[0]);
	fd_close(&buzzer[1]);
}

static uint64_t now_ns(void) {
	return MONOTONIC_NS + tick * TICK_NS;
}

static void steps(unsigned count) {
	for (unsigned i = 0; i < count; i++) {
		tick++;
		cues_step(&cues, values, tick, tick * TICK_NS, now_ns());
	}
}

static enum cue_chime taken(void) {
	return cue_take(&player, &seen);
}

static void expect(const char *name, uint64_t expected) {
	char full[48];
	uint64_t value = 0;
	snprintf(full, sizeof(full), "chimes.%s", name);
	ck_assert_msg(stats_read_value(stats.page, full, &value), "%s", full);
	ck_assert_msg(value == expected, "%s is %d", full, (int)value);
}

static unsigned buzzes(void) {
	char bytes[64];
	ssize_t len = read(buzzer[0], bytes, sizeof(bytes));
	for (ssize_t i = 0; i < len; i++) {
		ck_assert_int_eq(bytes[i], '1');
	}
	return len > 0 ? (unsigned)len : 0;
}

/* Ticks until the deadline of what was asked for at the last step. */
static unsigned deadline_ticks(void) {
	return (unsigned)((BEGIN_MS * NS_PER_MS + TICK_NS - 1) / TICK_NS);
}

static void expect_record(const char *name, const char *from, const char *to, bool is_safe) {
	struct safety_record record;
	ck_assert(safety_page_read(page, atomic_load(&page->newest), &record));
	ck_assert_int_eq(record.cause, FAULT_CHIME_LOST);
	ck_assert_int_eq(record.subject, SAFETY_ELEMENT);
	ck_assert_str_eq(record.name, name);
	ck_assert_str_eq(record.from, from);
	ck_assert_str_eq(record.to, to);
	ck_assert_uint_eq(record.detect_ns, now_ns());
	ck_assert_uint_lt(record.onset_ns, record.detect_ns);
	ck_assert_uint_eq(record.safe_ns, is_safe ? record.detect_ns : 0);
	ck_assert_uint_eq(record.tick, tick);
}

START_TEST(what_goes_on_is_cued) {
	steps(3);
	ck_assert_int_eq(taken(), CUE_CHIME_NONE);
	values[SIGNAL_BRAKE] = 1;
	steps(1);
	ck_assert_int_eq(taken(), CUE_CHIME_WARNING);
	cue_set_begun(&player, seen, 1);
	steps(1);
	expect("begun", 1);
	cue_set_heard(&player, seen, 1);
	steps(200);
	/* once, as long as it stays on */
	ck_assert_int_eq(taken(), CUE_CHIME_NONE);
	expect("asked", 1);
	expect("begun", 1);
	expect("heard", 1);
	expect("lost", 0);
	ck_assert_uint_eq(buzzes(), 0);
	ck_assert_uint_eq(atomic_load(&page->newest), 0);
	values[SIGNAL_BRAKE] = 0;
	steps(1);
	values[SIGNAL_BRAKE] = 1;
	steps(1);
	ck_assert_int_eq(taken(), CUE_CHIME_WARNING);
}
END_TEST

START_TEST(unknown_values_change_nothing) {
	values[SIGNAL_BRAKE] = 1;
	values[SIGNAL_ABS] = 0;
	steps(1);
	ck_assert_int_eq(taken(), CUE_CHIME_WARNING);
	steps(100);
	values[SIGNAL_BRAKE] = values[SIGNAL_ABS] = SIGNAL_UNKNOWN;
	steps(100);
	values[SIGNAL_BRAKE] = 1;
	steps(1);
	ck_assert_int_eq(taken(), CUE_CHIME_NONE);
	values[SIGNAL_ABS] = 1;
	steps(1);
	ck_assert_int_eq(taken(), CUE_CHIME_CAUTION);
}
END_TEST

START_TEST(elements_without_a_chime) {
	values[SIGNAL_TURN_LEFT] = values[SIGNAL_DOOR] = 1;
	steps(3);
	expect("asked", 0);
}
END_TEST

START_TEST(a_burst_is_one_chime) {
	values[SIGNAL_LANE] = values[SIGNAL_LOW_FUEL] = values[SIGNAL_ABS] = 1;
	steps(1);
	ck_assert_int_eq(taken(), CUE_CHIME_CAUTION);
	ck_assert_int_eq(taken(), CUE_CHIME_NONE);
	/* as severe, within a second: not again */
	values[SIGNAL_ABS] = 0;
	steps(20);
	values[SIGNAL_ABS] = 1;
	steps(1);
	ck_assert_int_eq(taken(), CUE_CHIME_NONE);
	expect("quiet", 1);
	/* more severe: at once */
	values[SIGNAL_OIL_PRESSURE] = 1;
	steps(1);
	ck_assert_int_eq(taken(), CUE_CHIME_WARNING);
	values[SIGNAL_BRAKE] = 1;
	steps(59);
	ck_assert_int_eq(taken(), CUE_CHIME_NONE);
	values[SIGNAL_LOW_FUEL] = 0;
	steps(1);
	/* a second later it may be heard again */
	values[SIGNAL_LOW_FUEL] = 1;
	steps(1);
	ck_assert_int_eq(taken(), CUE_CHIME_CAUTION);
	expect("asked", 3);
}
END_TEST

START_TEST(not_begun_in_time) {
	values[SIGNAL_BRAKE] = 1;
	steps(1);
	steps(deadline_ticks() - 1);
	expect("lost", 0);
	steps(1);
	expect("lost", 1);
	ck_assert_uint_eq(buzzes(), 1);
	expect_record("brake", "asked", "lost", true);
	steps(600);
	expect("lost", 1);
	ck_assert_uint_eq(buzzes(), 0);
}
END_TEST

START_TEST(begun_in_time_and_never_heard) {
	values[SIGNAL_BRAKE] = 1;
	steps(1);
	ck_assert_int_eq(taken(), CUE_CHIME_WARNING);
	cue_set_begun(&player, seen, 1);
	steps(60 * CUES_HEARD_MS / 1000 - 1);
	expect("lost", 0);
	steps(2);
	expect("begun", 1);
	expect("heard", 0);
	expect("lost", 1);
	ck_assert_uint_eq(buzzes(), 1);
}
END_TEST

START_TEST(refused) {
	values[SIGNAL_LOW_FUEL] = 1;
	steps(1);
	ck_assert_int_eq(taken(), CUE_CHIME_CAUTION);
	cue_set_refused(&player, seen);
	steps(1);
	expect("lost", 1);
	ck_assert_uint_eq(buzzes(), 1);
	expect_record("low-fuel", "asked", "refused", true);
}
END_TEST

START_TEST(no_mixer_at_all) {
	cues_finish(&cues);
	open_cues(false, true);
	values[SIGNAL_BRAKE] = 1;
	steps(1 + deadline_ticks());
	expect("asked", 1);
	expect("lost", 1);
	ck_assert_uint_eq(buzzes(), 1);
}
END_TEST

/* A buzzer that takes nothing more holds up nobody. */
START_TEST(a_buzzer_that_is_full) {
	while (write(buzzer[1], "x", 1) == 1) {
	}
	values[SIGNAL_BRAKE] = 1;
	steps(1 + deadline_ticks());
	expect("lost", 1);
	expect("buzzed", 0);
	expect_record("brake", "asked", "lost", false);
}
END_TEST

START_TEST(more_than_can_be_pending) {
	for (unsigned i = 0; i < 3 * CUE_PENDING_MAX; i++) {
		values[SIGNAL_BRAKE] = 1;
		steps(1);
		ck_assert_int_eq(taken(), CUE_CHIME_WARNING);
		cue_set_begun(&player, seen, 1);
		values[SIGNAL_BRAKE] = 0;
		steps(60);
	}
	cue_set_heard(&player, seen, 1);
	steps(1);
	expect("asked", 3 * CUE_PENDING_MAX);
	expect("begun", 3 * CUE_PENDING_MAX);
}
END_TEST

START_TEST(not_configured) {
	cues_finish(&cues);
	open_cues(true, false);
	values[SIGNAL_BRAKE] = 1;
	steps(100);
	expect("asked", 0);
	expect("lost", 0);
	ck_assert_int_eq(taken(), CUE_CHIME_NONE);
}
END_TEST

START_TEST(cues_are_dropped) {
	ck_assert_int_eq(inject_fault(INJECT_DROP_CUES, "", 0, 0), 0);
	values[SIGNAL_BRAKE] = 1;
	steps(1 + deadline_ticks());
	ck_assert_int_eq(taken(), CUE_CHIME_NONE);
	expect("asked", 1);
	expect("lost", 1);
	ck_assert_uint_eq(buzzes(), 1);
}
END_TEST

/* The control run: the same fault with the deadline off is found by nobody. */
START_TEST(without_the_deadline) {
	ck_assert_int_eq(mechanism_set(MECHANISM_CHIME, false), 0);
	ck_assert_int_eq(inject_fault(INJECT_DROP_CUES, "", 0, 0), 0);
	values[SIGNAL_BRAKE] = 1;
	steps(1 + 10 * deadline_ticks());
	expect("asked", 1);
	expect("lost", 0);
	ck_assert_uint_eq(buzzes(), 0);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor cues");
	TCase *tcase = suite_case(suite, "cues");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_goes_on_is_cued);
	tcase_add_test(tcase, unknown_values_change_nothing);
	tcase_add_test(tcase, elements_without_a_chime);
	tcase_add_test(tcase, a_burst_is_one_chime);
	tcase_add_test(tcase, not_begun_in_time);
	tcase_add_test(tcase, begun_in_time_and_never_heard);
	tcase_add_test(tcase, refused);
	tcase_add_test(tcase, no_mixer_at_all);
	tcase_add_test(tcase, a_buzzer_that_is_full);
	tcase_add_test(tcase, more_than_can_be_pending);
	tcase_add_test(tcase, not_configured);
	tcase_add_test(tcase, cues_are_dropped);
	tcase_add_test(tcase, without_the_deadline);
	return suite;
}
