#include "service/log_view.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"

#define PROCESSES 2

static struct stats processes[PROCESSES];
static struct log_view view;

static void setup(void) {
	static const char *const names[PROCESSES] = { "gpu-a", "mixer" };
	log_view_init(&view);
	for (unsigned i = 0; i < PROCESSES; i++) {
		int fd = stats_create_fd(names[i]);
		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(log_view_add(&view, fcntl(fd, F_DUPFD_CLOEXEC, 0)), 0);
		ck_assert_int_eq(stats_init(&processes[i], fd, names[i]), 0);
	}
}

static void teardown(void) {
	log_view_finish(&view);
	for (unsigned i = 0; i < PROCESSES; i++) {
		stats_finish(&processes[i]);
	}
}

/* Prints what is new: `lines` of it. Returns the text, owned by the caller. */
static char *print(unsigned lines) {
	char *text = NULL;
	size_t text_bytes;
	FILE *file = open_memstream(&text, &text_bytes);
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(log_view_print(&view, file), lines);
	fclose(file);
	return text;
}

START_TEST(lines_come_once_and_in_the_order_of_their_time) {
	stats_log(&processes[1], LOG_INFO, "first");
	stats_log(&processes[0], LOG_ERROR, "second");
	stats_log(&processes[1], LOG_WARNING, "third");
	char *text = print(3);
	const char *first = strstr(text, " mixer: first\n");
	const char *second = strstr(text, " gpu-a: error: second\n");
	const char *third = strstr(text, " mixer: warning: third\n");
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_nonnull(third);
	ck_assert(first < second && second < third);
	free(text);
	free(print(0));
	stats_log(&processes[0], LOG_INFO, "fourth");
	free(print(1));
	ck_assert_uint_eq(view.lost, 0);
}
END_TEST

START_TEST(lines_that_were_overwritten_are_counted) {
	for (unsigned i = 0; i < STATS_LOG_LINES + 10; i++) {
		stats_log(&processes[0], LOG_INFO, "line");
	}
	free(print(STATS_LOG_LINES));
	ck_assert_uint_eq(view.lost, 10);
}
END_TEST

/* A process that was taken over may write anything to its page; the others' lines still come. */
START_TEST(pages_of_rubbish) {
	struct stats_page *page = processes[0].page;
	memset(page->process, 0xa5, sizeof(page->process));
	for (uint64_t i = 0; i < STATS_LOG_LINES; i++) {
		/* what a reader that wraps around would take, and what one that does not */
		struct stats_line *line = &page->log[i];
		memset(line->text, '\033', sizeof(line->text));
		atomic_store(&line->sequence, i == 0 ? STATS_LOG_LINES : i);
	}
	atomic_store(&page->lines, UINT64_MAX);
	stats_log(&processes[1], LOG_INFO, "of mine");
	char *text = print(1);
	ck_assert_ptr_nonnull(strstr(text, " mixer: of mine\n"));
	free(text);

	atomic_store(&page->lines, STATS_LOG_LINES);
	view.pages[0].next = 1;
	text = print(STATS_LOG_LINES);
	ck_assert_ptr_null(strchr(text, '\033'));
	ck_assert_ptr_null(strchr(text, 0xa5));
	free(text);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("service log_view");
	TCase *tcase = suite_case(suite, "lines");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, lines_come_once_and_in_the_order_of_their_time);
	tcase_add_test(tcase, lines_that_were_overwritten_are_counted);
	tcase_add_test(tcase, pages_of_rubbish);
	return suite;
}
