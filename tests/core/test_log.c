#include "core/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fd.h"
#include "core/macros.h"
#include "core/stats.h"
#include "tests/suite.h"

static struct stats stats;
static char written[16384];

/* What goes to stderr while `action` runs, in `written`. */
static void capture(void (*action)(void)) {
	int pipe_fds[2];
	ck_assert_int_eq(pipe(pipe_fds), 0);
	int saved = dup(STDERR_FILENO);
	ck_assert_int_eq(dup2(pipe_fds[1], STDERR_FILENO), STDERR_FILENO);
	fd_close(&pipe_fds[1]);
	action();
	dup2(saved, STDERR_FILENO); /* closes the pipe's last end for writing */
	fd_close(&saved);
	ssize_t len = read(pipe_fds[0], written, sizeof(written) - 1);
	ck_assert_int_ge(len, 0);
	written[len] = '\0';
	fd_close(&pipe_fds[0]);
}

static void make_ring(void) {
	ck_assert_int_eq(stats_init(&stats, -1, "test"), 0);
}

static void drop_ring(void) {
	stats_finish(&stats);
}

static const char *ring_text(uint64_t sequence) {
	static struct stats_line line;
	return stats_read_line(stats.page, sequence, &line) ? line.text : NULL;
}

static void log_one_each(void) {
	log_error("one %d", 1);
	log_warning("two");
	log_info("three");
	log_debug("four");
}

START_TEST(before_init) {
	capture(log_one_each);
	ck_assert_str_eq(written, "error: one 1\nwarning: two\ninfo: three\n");
}
END_TEST

START_TEST(to_stderr_and_ring) {
	log_init("tester", LOG_WARNING, &stats, true);
	capture(log_one_each);
	ck_assert_str_eq(written, "tester: error: one 1\ntester: warning: two\n");
	ck_assert_str_eq(ring_text(1), "one 1");
	ck_assert_str_eq(ring_text(2), "two");
	ck_assert_ptr_null(ring_text(3));
}
END_TEST

START_TEST(to_the_ring_only) {
	log_init("tester", LOG_DEBUG, &stats, false);
	capture(log_one_each);
	ck_assert_str_eq(written, "");
	ck_assert_str_eq(ring_text(4), "four");
}
END_TEST

static void log_forgery(void) {
	log_error("guest \"%s\"", "x\nerror: all is lost\033[2J");
}

START_TEST(lines_cannot_be_forged) {
	log_init("tester", LOG_INFO, &stats, true);
	capture(log_forgery);
	ck_assert_str_eq(written, "tester: error: guest \"x?error: all is lost?[2J\"\n");
	ck_assert_str_eq(ring_text(1), "guest \"x?error: all is lost?[2J\"");
}
END_TEST

static void log_long_line(void) {
	char text[3 * LOG_LINE_BYTES];
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_error("%s", text);
}

START_TEST(long_lines_are_cut) {
	log_init("tester", LOG_INFO, &stats, true);
	capture(log_long_line);
	ck_assert_uint_eq(strlen(written), strlen("tester: error: \n") + LOG_LINE_BYTES - 1);
	ck_assert_uint_eq(strlen(ring_text(1)), LOG_LINE_BYTES - 1);
}
END_TEST

START_TEST(errno_survives) {
	log_init("tester", LOG_INFO, &stats, false);
	errno = EXDEV;
	log_error("%s", strerror(errno));
	log_outsider(LOG_ERROR, "x");
	ck_assert_int_eq(errno, EXDEV);
}
END_TEST

/* In whatever seconds they fall: a second lets 10 pass, and what was swallowed is counted. */
START_TEST(outsiders_are_limited) {
	enum { LINES = 1000 };
	log_init("tester", LOG_INFO, &stats, false);
	uint64_t first_second = clock_now_ns() / NS_PER_S;
	for (int i = 0; i < LINES; i++) {
		log_outsider(LOG_INFO, "noise");
	}
	uint64_t seconds = clock_now_ns() / NS_PER_S - first_second + 1;
	uint64_t lines = atomic_load(&stats.page->lines);
	ck_assert_uint_ge(lines, LOG_OUTSIDER_PER_SECOND);
	ck_assert_uint_le(lines, seconds * (LOG_OUTSIDER_PER_SECOND + 1));

	uint64_t last_second = clock_now_ns() / NS_PER_S;
	while (clock_now_ns() / NS_PER_S == last_second) {
		usleep(10000);
	}
	log_outsider(LOG_INFO, "later");
	lines = atomic_load(&stats.page->lines);
	ck_assert_str_eq(ring_text(lines), "later");
	uint64_t swallowed = strtoull(ring_text(lines - 1), NULL, 10);
	ck_assert_uint_gt(swallowed, 0);
	ck_assert_uint_lt(swallowed, LINES);
	log_outsider(LOG_DEBUG, "not even counted");
	ck_assert_uint_eq(atomic_load(&stats.page->lines), lines);
}
END_TEST

START_TEST(a_budget_is_ones_own) {
	struct log_budget one = { 0 }, other = { 0 };
	log_init("tester", LOG_INFO, &stats, false);
	for (int i = 0; i < 1000; i++) {
		log_outsider_of(&one, LOG_INFO, "noise");
	}
	log_outsider_of(&other, LOG_INFO, "a line");
	ck_assert_str_eq(ring_text(atomic_load(&stats.page->lines)), "a line");
	ck_assert_uint_eq(atomic_load(&other.swallowed), 0);
	ck_assert_uint_gt(atomic_load(&one.swallowed), 0);
}
END_TEST

static const struct {
	const char *value; /* NULL: not set */
	enum log_level level;
} levels[] = {
	{ NULL, LOG_INFO },
	{ "error", LOG_ERROR },
	{ "warning", LOG_WARNING },
	{ "debug", LOG_DEBUG },
	{ "loud", LOG_INFO },
};

START_TEST(level_from_environment) {
	unsetenv("FASCIA_LOG");
	if (levels[_i].value != NULL) {
		setenv("FASCIA_LOG", levels[_i].value, 1);
	}
	ck_assert_int_eq(log_level_from_env(), levels[_i].level);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core log");
	TCase *tcase = suite_case(suite, "lines");
	tcase_add_checked_fixture(tcase, make_ring, drop_ring);
	tcase_add_test(tcase, before_init);
	tcase_add_test(tcase, to_stderr_and_ring);
	tcase_add_test(tcase, to_the_ring_only);
	tcase_add_test(tcase, lines_cannot_be_forged);
	tcase_add_test(tcase, long_lines_are_cut);
	tcase_add_test(tcase, errno_survives);
	tcase_add_test(tcase, outsiders_are_limited);
	tcase_add_test(tcase, a_budget_is_ones_own);
	tcase_add_loop_test(tcase, level_from_environment, 0, ARRAY_LEN(levels));
	return suite;
}
