#include "service/fault_view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/macros.h"
#include "service/log_view.h"
#include "tests/suite.h"

#define MS NS_PER_MS

static struct safety_page *page;
static int fd;
static struct fault_view view;

static void make(void) {
	fd = safety_page_create_fd();
	ck_assert_int_ge(fd, 0);
	page = safety_page_map(fcntl(fd, F_DUPFD_CLOEXEC, 0));
	ck_assert_ptr_nonnull(page);
	fault_view_init(&view);
	ck_assert_int_eq(fault_view_open(&view, fcntl(fd, F_DUPFD_CLOEXEC, 0)), 0);
}

static void unmake(void) {
	fault_view_finish(&view);
	safety_page_unmap(page);
	fd_close(&fd);
}

static struct safety_record died(uint64_t detect_ns) {
	return (struct safety_record) {
		.detect_ns = detect_ns,
		.wall_ns = INT64_C(1763869301234567890),
		.tick = 7,
		.subject = SAFETY_LAYER,
		.cause = FAULT_DIED,
		.reaction = FAULT_REACTION_PLACEHOLDER,
		.name = "cluster",
		.from = "live",
		.to = "placeholder",
	};
}

static uint64_t next_number(uint64_t settled_ns) {
	struct safety_record record;
	return fault_view_next(&view, settled_ns, &record) ? atomic_load(&record.number) : 0;
}

START_TEST(each_record_once_in_order) {
	ck_assert_uint_eq(next_number(UINT64_MAX), 0);
	for (uint64_t i = 1; i <= 3; i++) {
		struct safety_record record = died(i * MS);
		safety_page_add(page, &record);
	}
	for (uint64_t i = 1; i <= 3; i++) {
		ck_assert_uint_eq(next_number(UINT64_MAX), i);
	}
	ck_assert_uint_eq(next_number(UINT64_MAX), 0);
	ck_assert_uint_eq(view.lost, 0);
}
END_TEST

START_TEST(overwritten_and_damaged_ones_are_counted) {
	for (uint64_t i = 1; i <= SAFETY_RECORDS + 10; i++) {
		struct safety_record record = died(i);
		safety_page_add(page, &record);
	}
	page->records[12 % SAFETY_RECORDS].tick++;
	ck_assert_uint_eq(next_number(UINT64_MAX), 11);
	ck_assert_uint_eq(next_number(UINT64_MAX), 13);
	ck_assert_uint_eq(view.lost, 11);
	/* the newest may be being written: it is waited for, until another is newer */
	uint64_t last = SAFETY_RECORDS + 10;
	page->records[last % SAFETY_RECORDS].tick++;
	uint64_t number = 13;
	while (number + 1 < last) {
		ck_assert_uint_eq(next_number(UINT64_MAX), ++number);
	}
	ck_assert_uint_eq(next_number(UINT64_MAX), 0);
	ck_assert_uint_eq(view.lost, 11);
	struct safety_record record = died(last + 1);
	safety_page_add(page, &record);
	ck_assert_uint_eq(next_number(UINT64_MAX), last + 1);
	ck_assert_uint_eq(view.lost, 12);
}
END_TEST

/* Whoever follows prints each once, so with its answer; but one without an answer is not for ever. */
START_TEST(a_record_waits_for_its_answer) {
	struct safety_record record = died(100);
	uint64_t number = safety_page_add(page, &record);
	ck_assert_uint_eq(next_number(99), 0);
	safety_page_set_safe(page, number, 150);
	ck_assert_uint_eq(next_number(99), 1);
	safety_page_add(page, &record);
	ck_assert_uint_eq(next_number(99), 0);
	ck_assert_uint_eq(next_number(100), 2);
}
END_TEST

START_TEST(no_page_no_records) {
	fault_view_finish(&view);
	ck_assert_uint_eq(next_number(UINT64_MAX), 0);
	ck_assert_int_lt(fault_view_open(&view, open("/dev/null", O_RDONLY | O_CLOEXEC)), 0);
	ck_assert_uint_eq(next_number(UINT64_MAX), 0);
}
END_TEST

static const struct {
	const char *name;
	uint64_t onset_ns, safe_ns;
	const char *text;
} texts[] = {
	{ "both", 483 * MS / 10, 62 * MS, "; detected within 1.7 ms, safe after 12.0 ms" },
	{ "no answer", 40 * MS, 0, "; detected within 10.0 ms" },
	{ "no onset", 0, 50 * MS, "; safe after 0.0 ms" },
	{ "neither", 0, 0, "" },
	{ "an onset after it", 51 * MS, 0, "" },
};

START_TEST(as_text) {
	char text[256], expected[256];
	struct safety_record record = died(50 * MS);
	record.onset_ns = texts[_i].onset_ns;
	record.safe_ns = texts[_i].safe_ns;
	fault_view_text(&record, text, sizeof(text));
	snprintf(expected, sizeof(expected), "layer cluster: live -> placeholder: died (%s)%s",
		fault_text(FAULT_DIED), texts[_i].text);
	ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(as_text_without_states) {
	char text[256], expected[256];
	const struct safety_record record = { .subject = SAFETY_COMPOSITOR, .cause = FAULT_CLOCK };
	fault_view_text(&record, text, sizeof(text));
	snprintf(expected, sizeof(expected), "compositor: clock (%s)", fault_text(FAULT_CLOCK));
	ck_assert_str_eq(text, expected);
}
END_TEST

/* What a spoilt page may hold, with a right checksum. */
START_TEST(nonsense_is_printed_safely) {
	char text[320];
	struct safety_record record;
	memset(&record, 0xff, sizeof(record));
	fault_view_text(&record, text, sizeof(text));
	ck_assert_uint_lt(strlen(text), sizeof(text));
	char *json;
	size_t json_bytes;
	FILE *file = open_memstream(&json, &json_bytes);
	fault_view_json(&record, file);
	fclose(file);
	ck_assert_ptr_nonnull(strstr(json, "\"subject\":\"?\""));
	ck_assert_ptr_nonnull(strstr(json, "\\u00ff"));
	ck_assert_uint_eq(json[json_bytes - 1], '\n');
	free(json);
}
END_TEST

START_TEST(as_json) {
	struct safety_record record = died(50 * MS);
	record.safe_ns = 62 * MS;
	safety_page_add(page, &record);
	ck_assert(fault_view_next(&view, UINT64_MAX, &record));
	char *json, expected[640];
	size_t json_bytes;
	FILE *file = open_memstream(&json, &json_bytes);
	fault_view_json(&record, file);
	fclose(file);
	snprintf(expected, sizeof(expected),
		"{\"time\":\"2025-11-23T03:41:41.234Z\",\"number\":1,\"monotonic_ns\":50000000,"
		"\"tick\":7,\"incarnation\":1,\"subject\":\"layer\",\"name\":\"cluster\","
		"\"from\":\"live\",\"to\":\"placeholder\",\"cause\":\"died\",\"text\":\"%s\","
		"\"reaction\":\"placeholder\",\"detected_within_ms\":null,"
		"\"safe_after_ms\":12.000}\n",
		fault_text(FAULT_DIED));
	ck_assert_str_eq(json, expected);
	free(json);
}
END_TEST

/* Among the lines of processes, by its time. */
START_TEST(in_the_log) {
	struct stats stats;
	struct log_view log;
	int stats_fd = stats_create_fd("gpu-a");
	ck_assert_int_eq(stats_init(&stats, fcntl(stats_fd, F_DUPFD_CLOEXEC, 0), "gpu-a"), 0);
	log_view_init(&log);
	log.json = _i == 1;
	ck_assert_int_eq(log_view_add(&log, stats_fd), 0);
	ck_assert_int_eq(fault_view_open(&log.faults, fcntl(fd, F_DUPFD_CLOEXEC, 0)), 0);
	stats_log(&stats, LOG_WARNING, "before");
	struct safety_record record = died(clock_now_ns());
	safety_page_add(page, &record);
	stats_log(&stats, LOG_INFO, "after");

	char *text;
	size_t text_bytes;
	FILE *file = open_memstream(&text, &text_bytes);
	ck_assert_uint_eq(log_view_print(&log, file), 3);
	ck_assert_uint_eq(log_view_print(&log, file), 0);
	fclose(file);
	const char *before =
		strstr(text, _i == 1 ? "\"text\":\"before\"" : "gpu-a: warning: before");
	const char *fault = strstr(text, _i == 1 ? "\"cause\":\"died\"" : "fault: layer cluster: ");
	const char *after = strstr(text, _i == 1 ? "\"level\":\"info\"" : "gpu-a: after");
	ck_assert_msg(before != NULL && fault != NULL && after != NULL, "%s", text);
	ck_assert(before < fault && fault < after);
	free(text);
	log_view_finish(&log);
	stats_finish(&stats);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("service fault_view");
	TCase *tcase = suite_case(suite, "records");
	tcase_add_checked_fixture(tcase, make, unmake);
	tcase_add_test(tcase, each_record_once_in_order);
	tcase_add_test(tcase, overwritten_and_damaged_ones_are_counted);
	tcase_add_test(tcase, a_record_waits_for_its_answer);
	tcase_add_test(tcase, no_page_no_records);
	tcase_add_loop_test(tcase, as_text, 0, ARRAY_LEN(texts));
	tcase_add_test(tcase, as_text_without_states);
	tcase_add_test(tcase, nonsense_is_printed_safely);
	tcase_add_test(tcase, as_json);
	tcase_add_loop_test(tcase, in_the_log, 0, 2);
	return suite;
}
