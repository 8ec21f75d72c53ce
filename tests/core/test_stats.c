#include "core/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

static int duplicate(int fd) {
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static void take_over(struct stats *stats, int fd) {
	ck_assert_int_eq(stats_init(stats, duplicate(fd), "test"), 0);
}

START_TEST(values_survive_their_process) {
	int fd = stats_create_fd("gpu-cluster");
	ck_assert_int_ge(fd, 0);
	struct stats stats;
	take_over(&stats, fd);
	_Atomic uint64_t *frames = stats_value(&stats, "", "layer.%s.frames", "cluster");
	ck_assert_uint_eq(atomic_load(frames), 0);
	atomic_store(frames, 41);
	atomic_store(stats_value(&stats, "ns", "late"), 5);
	ck_assert_ptr_eq(stats_value(&stats, "", "layer.cluster.frames"), frames);
	stats_finish(&stats);

	take_over(&stats, fd);
	ck_assert_uint_eq(atomic_load(&stats.page->generation), 2);
	ck_assert_uint_eq(atomic_fetch_add(stats_value(&stats, "", "layer.cluster.frames"), 1), 41);
	stats_finish(&stats);

	const struct stats_page *page = stats_map(fd_reopen_readonly(fd));
	ck_assert_ptr_nonnull(page);
	ck_assert_str_eq(page->process, "gpu-cluster");
	ck_assert_uint_eq(page->pid, (uint32_t)getpid());
	struct stats_reading reading;
	ck_assert(stats_read_entry(page, 0, &reading));
	ck_assert_str_eq(reading.name, "layer.cluster.frames");
	ck_assert_uint_eq(reading.value, 42);
	ck_assert(stats_read_entry(page, 1, &reading));
	ck_assert_str_eq(reading.unit, "ns");
	ck_assert(!stats_read_entry(page, 2, &reading));
	uint64_t value;
	ck_assert(stats_read_value(page, "layer.cluster.frames", &value) && value == 42);
	ck_assert(!stats_read_value(page, "layer.cluster.frame", &value));
	stats_unmap(page);
	stats_unmap(NULL);
	fd_close(&fd);
}
END_TEST

START_TEST(alone_without_a_page) {
	struct stats stats;
	ck_assert_int_eq(stats_init(&stats, -1, "alone"), 0);
	ck_assert_str_eq(stats.page->process, "alone");
	atomic_fetch_add(stats_value(&stats, "", "count"), 3);
	ck_assert_uint_eq(atomic_load(stats_value(&stats, "", "count")), 3);
	stats_finish(&stats);
	stats_finish(&stats);
}
END_TEST

START_TEST(table_ends) {
	struct stats stats;
	ck_assert_int_eq(stats_init(&stats, -1, "alone"), 0);
	for (unsigned i = 0; i < STATS_ENTRIES_MAX; i++) {
		atomic_store(stats_value(&stats, "", "value.%u", i), i);
	}
	_Atomic uint64_t *unseen = stats_value(&stats, "", "one too many");
	ck_assert_ptr_nonnull(unseen);
	atomic_store(unseen, 1);
	ck_assert_uint_eq(atomic_load(&stats.page->entries_len), STATS_ENTRIES_MAX);
	ck_assert_uint_eq(atomic_load(stats_value(&stats, "", "value.255")), 255);
	stats_finish(&stats);
}
END_TEST

START_TEST(long_names_are_cut_once) {
	struct stats stats;
	ck_assert_int_eq(stats_init(&stats, -1, "alone"), 0);
	char name[200];
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	_Atomic uint64_t *value = stats_value(&stats, name, "%s", name);
	ck_assert_ptr_eq(stats_value(&stats, name, "%s", name), value);
	struct stats_reading reading;
	ck_assert(stats_read_entry(stats.page, 0, &reading));
	ck_assert_uint_eq(strlen(reading.name), sizeof(reading.name) - 1);
	ck_assert_uint_eq(strlen(reading.unit), sizeof(reading.unit) - 1);
	stats_finish(&stats);
}
END_TEST

START_TEST(ring_keeps_the_newest_lines) {
	struct stats stats;
	ck_assert_int_eq(stats_init(&stats, -1, "alone"), 0);
	const uint64_t lines = STATS_LOG_LINES + 10;
	for (uint64_t i = 1; i <= lines; i++) {
		char text[32];
		snprintf(text, sizeof(text), "line %u", (unsigned)i);
		stats_log(&stats, LOG_WARNING, text);
	}
	struct stats_line line;
	ck_assert_uint_eq(atomic_load(&stats.page->lines), lines);
	ck_assert(!stats_read_line(stats.page, 0, &line));
	ck_assert(!stats_read_line(stats.page, lines - STATS_LOG_LINES, &line));
	ck_assert(!stats_read_line(stats.page, lines + 1, &line));
	ck_assert(stats_read_line(stats.page, lines - STATS_LOG_LINES + 1, &line));
	ck_assert_str_eq(line.text, "line 11");
	ck_assert_uint_eq(line.level, LOG_WARNING);
	ck_assert_uint_eq(line.pid, (uint32_t)getpid());
	/* as if its writer was in the middle of it, or died there */
	atomic_store(&stats.page->log[lines % STATS_LOG_LINES].sequence, 0);
	ck_assert(!stats_read_line(stats.page, lines, &line));
	stats_finish(&stats);
}
END_TEST

/* A writer that was taken over may leave anything in its page. */
START_TEST(readers_of_rubbish) {
	int fd = stats_create_fd("test");
	struct stats stats;
	take_over(&stats, fd);
	struct stats_page *page = stats.page;
	memset(page->entries, 0xa5, sizeof(page->entries));
	memset(page->log, 0xa5, sizeof(page->log));
	page->entries[1].name[3] = '\n';
	atomic_store(&page->entries_len, UINT32_MAX);
	atomic_store(&page->lines, UINT64_MAX);
	atomic_store(&page->log[7].sequence, 7);
	memset(page->process, 0xa5, sizeof(page->process));
	char process[STATS_PROCESS_BYTES];
	stats_read_process(page, process);
	ck_assert_str_eq(process, "???????????????????????????????");
	struct stats_reading reading;
	ck_assert(stats_read_entry(page, 1, &reading));
	ck_assert_int_eq(reading.name[0], '?');
	ck_assert_uint_lt(strlen(reading.name), sizeof(reading.name));
	ck_assert_int_eq(reading.name[3], '?');
	ck_assert(stats_read_entry(page, STATS_ENTRIES_MAX - 1, &reading));
	ck_assert(!stats_read_entry(page, STATS_ENTRIES_MAX, &reading));
	struct stats_line line;
	ck_assert(stats_read_line(page, 7, &line));
	ck_assert_uint_le(line.level, LOG_DEBUG);
	ck_assert_uint_lt(strlen(line.text), sizeof(line.text));
	/* and its own successor goes on */
	ck_assert_ptr_nonnull(stats_value(&stats, "", "anything"));
	stats_log(&stats, LOG_INFO, "next");
	stats_finish(&stats);
	fd_close(&fd);
}
END_TEST

enum damage { NO_PAGE, MAGIC, SIZE, SHORT, UNSEALED };
static const struct {
	const char *name;
	enum damage damage;
	int error;
} damages[] = {
	{ "not a memory file", NO_PAGE, EINVAL },
	{ "another magic", MAGIC, EINVAL },
	{ "another size", SIZE, EINVAL },
	{ "too short", SHORT, EINVAL },
	{ "not sealed", UNSEALED, EPERM },
};

static int damaged_page(enum damage damage) {
	if (damage == NO_PAGE) {
		return fd_eventfd_create(false);
	}
	if (damage == SHORT) {
		return fd_memfd_create("test", fd_round_to_page(1));
	}
	if (damage == UNSEALED) {
		int fd = memfd_create("test", MFD_ALLOW_SEALING);
		ck_assert_int_eq(ftruncate(fd, (off_t)stats_page_bytes()), 0);
		return fd;
	}
	int fd = stats_create_fd("test");
	uint32_t wrong = 1;
	off_t at = damage == MAGIC ? offsetof(struct stats_page, magic)
				   : offsetof(struct stats_page, page_bytes);
	ck_assert_int_eq(pwrite(fd, &wrong, sizeof(wrong), at), sizeof(wrong));
	return fd;
}

START_TEST(pages_that_are_none) {
	struct stats stats;
	int rc = stats_init(&stats, damaged_page(damages[_i].damage), "test");
	ck_assert_msg(rc == -damages[_i].error, "%s: %d", damages[_i].name, rc);
	ck_assert_ptr_null(stats.page);
	ck_assert_ptr_null(stats_map(damaged_page(damages[_i].damage)));
	ck_assert_int_eq(errno, damages[_i].error);
}
END_TEST

START_TEST(creates_fail_clean) {
	unsigned n = 1;
	int fd;
	for (; fault_at(n), (fd = stats_create_fd("test")) < 0; n++) {
		ck_assert(fault_hit());
	}
	ck_assert_uint_eq(n, 3);
	struct stats stats;
	fault_off();
	int copy = duplicate(fd);
	fault_at(1);
	ck_assert_int_eq(stats_init(&stats, copy, "test"), -ENOMEM);
	fault_at(1);
	ck_assert_int_eq(stats_init(&stats, -1, "test"), -ENOMEM);
	fault_at(1);
	ck_assert_ptr_null(stats_map(fd));
	fault_off();
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core stats");
	TCase *tcase = suite_case(suite, "page");
	tcase_add_test(tcase, values_survive_their_process);
	tcase_add_test(tcase, alone_without_a_page);
	tcase_add_test(tcase, table_ends);
	tcase_add_test(tcase, long_names_are_cut_once);
	tcase_add_test(tcase, ring_keeps_the_newest_lines);
	tcase_add_test(tcase, readers_of_rubbish);
	tcase_add_loop_test(tcase, pages_that_are_none, 0, ARRAY_LEN(damages));
	tcase_add_test(tcase, creates_fail_clean);
	return suite;
}
