#include "core/clock.h"

#include <errno.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

#define FOREVER_NS (NS_PER_S * 100000)

START_TEST(steps_are_taken_one_by_one) {
	int step_fd = fd_eventfd_create(true);
	ck_assert_int_ge(step_fd, 0);
	struct ticker ticker;
	ck_assert_int_eq(ticker_init(&ticker, TICKER_STEP, NS_PER_S / 60, step_fd), 0);
	ticker_start(&ticker);
	uint64_t due_ns;
	ck_assert(!ticker_take(&ticker, &due_ns));
	ticker_request(&ticker); /* not its owner's business */
	ck_assert(!ticker_take(&ticker, &due_ns));

	uint64_t three = 3;
	ck_assert_int_eq(write(step_fd, &three, sizeof(three)), sizeof(three));
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(fd_wait_readable(ticker.fd, 0), 1);
		ck_assert(ticker_take(&ticker, &due_ns));
	}
	ck_assert_int_eq(fd_wait_readable(ticker.fd, 0), 0);
	ck_assert(!ticker_take(&ticker, &due_ns));
	ck_assert_uint_eq(ticker.count, 3);
	ticker_finish(&ticker);
	ck_assert_int_eq(ticker.fd, -1);
	fd_event_signal(step_fd); /* borrowed: still open */
	ck_assert_uint_eq(fd_event_take(step_fd), 1);
	fd_close(&step_fd);
}
END_TEST

START_TEST(immediate_ticks_when_asked) {
	struct ticker ticker;
	ck_assert_int_eq(ticker_init(&ticker, TICKER_IMMEDIATE, NS_PER_S / 60, -1), 0);
	ticker_start(&ticker);
	uint64_t due_ns;
	ck_assert(!ticker_take(&ticker, &due_ns));
	uint64_t before_ns = clock_now_ns();
	ticker_request(&ticker);
	ticker_request(&ticker); /* two requests are one tick */
	ck_assert(ticker_take(&ticker, &due_ns));
	ck_assert_uint_ge(due_ns, before_ns);
	ck_assert(!ticker_take(&ticker, &due_ns));
	ticker_finish(&ticker);
}
END_TEST

START_TEST(real_ticks_lie_on_the_grid) {
	struct ticker ticker;
	ck_assert_int_eq(ticker_init(&ticker, TICKER_REAL, NS_PER_MS, -1), 0);
	uint64_t due_ns;
	ck_assert(!ticker_take(&ticker, &due_ns)); /* not started */
	ticker_start(&ticker);
	uint64_t first_ns = ticker.next_ns;
	uint64_t last_ns = 0;
	while (ticker.count < 20) {
		ck_assert_int_eq(fd_wait_readable(ticker.fd, 60000), 1);
		if (!ticker_take(&ticker, &due_ns)) {
			continue;
		}
		ck_assert_uint_le(due_ns, clock_now_ns());
		ck_assert_uint_gt(due_ns, last_ns);
		ck_assert_uint_eq((due_ns - first_ns) % NS_PER_MS, 0);
		last_ns = due_ns;
	}
	/* every grid point was either handed out or counted as missed */
	ck_assert_uint_eq((last_ns - first_ns) / NS_PER_MS + 1, ticker.count + ticker.missed);
	ticker_finish(&ticker);
}
END_TEST

START_TEST(real_counts_what_it_missed) {
	struct ticker ticker;
	ck_assert_int_eq(ticker_init(&ticker, TICKER_REAL, NS_PER_MS, -1), 0);
	ticker_start(&ticker);
	uint64_t grid_ns = ticker.next_ns;
	while (clock_now_ns() < grid_ns + 5 * NS_PER_MS) {
		usleep(1000);
	}
	uint64_t due_ns;
	ck_assert(ticker_take(&ticker, &due_ns));
	ck_assert_uint_ge(ticker.missed, 5);
	ck_assert_uint_eq(due_ns, grid_ns + ticker.missed * NS_PER_MS);
	ck_assert_uint_eq(ticker.count, 1);
	ck_assert_uint_eq(ticker.next_ns, due_ns + NS_PER_MS);
	ticker_finish(&ticker);
}
END_TEST

START_TEST(lead_wakes_before_the_grid) {
	struct ticker ticker;
	ck_assert_int_eq(ticker_init(&ticker, TICKER_REAL, FOREVER_NS, -1), 0);
	ticker_set_lead(&ticker, 5);
	ck_assert_uint_eq(ticker.lead_ns, 5);
	ticker_set_lead(&ticker, UINT64_MAX);
	ck_assert_uint_eq(ticker.lead_ns, FOREVER_NS / 2);
	ticker_start(&ticker);
	uint64_t due_ns;
	ck_assert_int_eq(fd_wait_readable(ticker.fd, 0), 0);
	ck_assert(!ticker_take(&ticker, &due_ns));
	/* as if the time of the lead had come: the tick is due by the time of the grid, which is later */
	ticker.next_ns = clock_now_ns() + FOREVER_NS / 2;
	ticker_set_lead(&ticker, UINT64_MAX);
	ck_assert_int_eq(fd_wait_readable(ticker.fd, 60000), 1);
	ck_assert(ticker_take(&ticker, &due_ns));
	ck_assert_uint_gt(due_ns, clock_now_ns());
	ck_assert_uint_eq(ticker.missed, 0);
	ticker_finish(&ticker);
}
END_TEST

static const struct {
	const char *name;
	uint64_t period_ns;
	uint32_t ms;
	uint64_t ticks;
} conversions[] = {
	{ "nothing is one tick", NS_PER_S / 60, 0, 1 },
	{ "rounded up", NS_PER_S / 60, 17, 2 },
	{ "exact", NS_PER_MS * 10, 20, 2 },
	{ "exact but for the cut period", NS_PER_S / 60, 50, 3 },
	{ "a millisecond more", NS_PER_S / 60, 51, 4 },
	{ "longest time", 1, UINT32_MAX, UINT32_MAX *NS_PER_MS },
	{ "slow ticks", FOREVER_NS, 1, 1 },
};

START_TEST(times_to_ticks) {
	struct ticker ticker = { .kind = TICKER_STEP, .period_ns = conversions[_i].period_ns };
	uint64_t ticks = ticker_ticks_from_ms(&ticker, conversions[_i].ms);
	ck_assert_msg(ticks == conversions[_i].ticks, "%s", conversions[_i].name);
}
END_TEST

START_TEST(init_fails_clean) {
	struct ticker ticker;
	fault_at(1);
	ck_assert_int_eq(ticker_init(&ticker, TICKER_REAL, 1, -1), -EMFILE);
	ticker_finish(&ticker);
	fault_off();
	ck_assert_int_eq(ticker_init(&ticker, TICKER_STEP, 1, -1), -EBADF);
	ck_assert_int_eq(ticker_init(&ticker, (enum ticker_kind)7, 1, -1), -EINVAL);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core clock");
	TCase *tcase = suite_case(suite, "ticker");
	tcase_add_test(tcase, steps_are_taken_one_by_one);
	tcase_add_test(tcase, immediate_ticks_when_asked);
	tcase_add_test(tcase, real_ticks_lie_on_the_grid);
	tcase_add_test(tcase, real_counts_what_it_missed);
	tcase_add_test(tcase, lead_wakes_before_the_grid);
	tcase_add_loop_test(tcase, times_to_ticks, 0, ARRAY_LEN(conversions));
	tcase_add_test(tcase, init_fails_clean);
	return suite;
}
