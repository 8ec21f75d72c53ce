#include "compositor/watchdog.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "compositor/inject.h"
#include "core/clock.h"
#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"

#define PET_MS 50
#define TICK_NS (NS_PER_S / 60)

struct rig {
	int reader;
	struct stats stats;
	struct watchdog watchdog;
	uint64_t tick;
};

static void set_up_kind(struct rig *rig, enum config_watchdog_kind kind, uint32_t outputs) {
	const struct config_safety config = { .watchdog = kind, .pet_ms = PET_MS };
	int pair[2];
	if (kind == CONFIG_WATCHDOG_SYSTEMD) {
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	} else {
		ck_assert_int_eq(pipe(pair), 0);
	}
	*rig = (struct rig) { .reader = pair[0] };
	ck_assert_int_eq(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(stats_init(&rig->stats, stats_create_fd("test"), "test"), 0);
	inject_init(true);
	watchdog_init(&rig->watchdog, &config, pair[1], outputs, 0, &rig->stats);
}

static void tear_down(struct rig *rig) {
	watchdog_finish(&rig->watchdog);
	stats_finish(&rig->stats);
	fd_close(&rig->reader);
	inject_init(false);
}

/* Bytes that came since the last call. */
static unsigned pets(struct rig *rig) {
	char bytes[4096];
	ssize_t len = read(rig->reader, bytes, sizeof(bytes));
	return len > 0 ? (unsigned)len : 0;
}

static void walk(struct watchdog_chain *chain, uint64_t number, const char *steps) {
	watchdog_chain_begin(chain, number);
	for (const char *step = steps; *step != '\0'; step++) {
		watchdog_chain_add(chain, (enum watchdog_step)(*step - '0'));
	}
}

static void cycle(struct rig *rig, uint32_t index, const char *steps, bool is_fit) {
	struct watchdog_chain chain;
	walk(&chain, rig->tick, steps);
	watchdog_end_cycle(&rig->watchdog, index, &chain, is_fit, rig->tick * TICK_NS);
}

static const struct {
	const char *name;
	const char *steps; /* take 0, judge 1, compose 2, check 3, show 4 */
	bool is_whole;
} chains[] = {
	{ "as it should be", "01234", true },
	{ "nothing", "", false },
	{ "no taking", "1234", false },
	{ "no judging", "0234", false },
	{ "no composing", "0134", false },
	{ "no check", "0124", false },
	{ "no showing", "0123", false },
	{ "checked after it was shown", "01243", false },
	{ "checked twice", "012334", false },
	{ "the check in place of composing", "01334", false },
	{ "two cycles in one", "0123401234", false },
};

START_TEST(chains_of_steps) {
	const uint64_t numbers[] = { 0, 1, 2, 60, UINT64_MAX, UINT64_C(1) << 63 };
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		struct watchdog_chain chain;
		walk(&chain, numbers[i], chains[_i].steps);
		ck_assert_int_eq(watchdog_chain_is_whole(&chain), chains[_i].is_whole);
		/* last cycle's token does not do */
		chain.number++;
		ck_assert(!watchdog_chain_is_whole(&chain));
	}
}
END_TEST

static const struct {
	const char *name;
	enum config_watchdog_kind kind;
	const char *pet;
	size_t pet_bytes;
	const char *end;
} kinds[] = {
	{ "device", CONFIG_WATCHDOG_DEVICE, "\0", 1, "V" },
	{ "systemd", CONFIG_WATCHDOG_SYSTEMD, "WATCHDOG=1", 10, "" },
	{ "file", CONFIG_WATCHDOG_FILE, "\0", 1, "" },
};

START_TEST(what_is_written) {
	struct rig rig;
	char bytes[64];
	set_up_kind(&rig, kinds[_i].kind, 1);
	for (rig.tick = 1; rig.tick <= 4; rig.tick++) {
		cycle(&rig, 0, "01234", true);
	}
	ck_assert_int_eq(read(rig.reader, bytes, sizeof(bytes)), kinds[_i].pet_bytes);
	ck_assert_mem_eq(bytes, kinds[_i].pet, kinds[_i].pet_bytes);
	watchdog_finish(&rig.watchdog);
	memset(bytes, 0, sizeof(bytes));
	ssize_t len = read(rig.reader, bytes, sizeof(bytes));
	ck_assert_int_eq(MAX(len, 0), strlen(kinds[_i].end));
	ck_assert_str_eq(bytes, kinds[_i].end);
	tear_down(&rig);
}
END_TEST

START_TEST(its_window_is_kept) {
	struct rig rig;
	uint64_t last_ns = 0;
	set_up_kind(&rig, CONFIG_WATCHDOG_FILE, 1);
	for (rig.tick = 1; rig.tick <= 600; rig.tick++) {
		cycle(&rig, 0, "01234", true);
		if (pets(&rig) > 0) {
			uint64_t gap_ns = rig.tick * TICK_NS - last_ns;
			ck_assert_uint_ge(gap_ns, PET_MS * NS_PER_MS);
			ck_assert_uint_le(gap_ns, PET_MS * NS_PER_MS + TICK_NS);
			last_ns = rig.tick * TICK_NS;
		}
	}
	ck_assert_uint_ge(last_ns, 590 * TICK_NS);
	ck_assert_uint_eq(atomic_load(rig.watchdog.withheld), 0);
	tear_down(&rig);
}
END_TEST

static const struct {
	const char *name;
	const char *steps;
	bool is_fit;
} bad[] = {
	{ "a step is missing", "0124", true },
	{ "the output is safe", "01234", false },
};

START_TEST(a_bad_cycle_is_not_petted) {
	struct rig rig;
	set_up_kind(&rig, CONFIG_WATCHDOG_FILE, 1);
	for (rig.tick = 1; rig.tick <= 30; rig.tick++) {
		cycle(&rig, 0, "01234", true);
	}
	ck_assert_uint_gt(pets(&rig), 0);
	for (; rig.tick <= 60; rig.tick++) {
		cycle(&rig, 0, bad[_i].steps, bad[_i].is_fit);
		ck_assert_uint_eq(pets(&rig), 0);
	}
	ck_assert_uint_gt(atomic_load(rig.watchdog.withheld), 20);
	/* well again, a good cycle after the bad ones is enough */
	cycle(&rig, 0, "01234", true);
	rig.tick++;
	cycle(&rig, 0, "01234", true);
	ck_assert_uint_eq(pets(&rig), 1);
	/* without the mechanism it is petted, whatever happened */
	ck_assert_int_eq(mechanism_set(MECHANISM_WATCHDOG, false), 0);
	for (; rig.tick <= 80; rig.tick++) {
		cycle(&rig, 0, bad[_i].steps, bad[_i].is_fit);
	}
	ck_assert_uint_ge(pets(&rig), 4);
	tear_down(&rig);
}
END_TEST

START_TEST(every_output_must_go_on) {
	struct rig rig;
	set_up_kind(&rig, CONFIG_WATCHDOG_FILE, 3);
	for (rig.tick = 1; rig.tick <= 60; rig.tick++) {
		cycle(&rig, 0, "01234", true);
	}
	ck_assert_uint_eq(pets(&rig), 0);
	for (; rig.tick <= 120; rig.tick++) {
		cycle(&rig, 0, "01234", true);
		cycle(&rig, 1, "01234", true);
	}
	ck_assert_uint_ge(pets(&rig), 14);
	/* one that is bad spoils it for all */
	for (; rig.tick <= 180; rig.tick++) {
		cycle(&rig, 0, "01234", true);
		cycle(&rig, 1, "0123", true);
	}
	ck_assert_uint_le(pets(&rig), 1);
	tear_down(&rig);
}
END_TEST

START_TEST(petting_is_spoilt_on_request) {
	struct rig rig;
	set_up_kind(&rig, CONFIG_WATCHDOG_FILE, 1);
	ck_assert_int_eq(inject_fault(INJECT_SKIP_STEP, "", 0, 1000), 0);
	for (rig.tick = 1; rig.tick <= 60; rig.tick++) {
		cycle(&rig, 0, "01234", true);
	}
	ck_assert_uint_eq(pets(&rig), 0);
	ck_assert_int_eq(inject_fault(INJECT_CLEAR, "", 0, 0), 0);
	ck_assert_int_eq(inject_fault(INJECT_EARLY_PET, "", 0, 10), 0);
	for (; rig.tick <= 70; rig.tick++) {
		cycle(&rig, 0, "01234", true);
		ck_assert_uint_eq(pets(&rig), 1);
	}
	tear_down(&rig);
}
END_TEST

START_TEST(who_does_not_read_is_not_waited_for) {
	struct rig rig;
	set_up_kind(&rig, CONFIG_WATCHDOG_FILE, 1);
	ck_assert_int_ge(fcntl(rig.reader, F_SETPIPE_SZ, 4096), 4096);
	ck_assert_int_eq(inject_fault(INJECT_EARLY_PET, "", 0, 10000), 0);
	for (rig.tick = 1; rig.tick <= 5000; rig.tick++) {
		cycle(&rig, 0, "01234", true);
	}
	ck_assert_uint_eq(atomic_load(rig.watchdog.pets), 4096);
	ck_assert_uint_eq(atomic_load(rig.watchdog.refused), 5000 - 4096);
	tear_down(&rig);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor watchdog");
	TCase *cycles = suite_case(suite, "cycles");
	tcase_add_loop_test(cycles, chains_of_steps, 0, ARRAY_LEN(chains));
	tcase_add_loop_test(cycles, what_is_written, 0, ARRAY_LEN(kinds));
	tcase_add_test(cycles, its_window_is_kept);
	tcase_add_loop_test(cycles, a_bad_cycle_is_not_petted, 0, ARRAY_LEN(bad));
	tcase_add_test(cycles, every_output_must_go_on);
	tcase_add_test(cycles, petting_is_spoilt_on_request);
	tcase_add_test(cycles, who_does_not_read_is_not_waited_for);
	return suite;
}
