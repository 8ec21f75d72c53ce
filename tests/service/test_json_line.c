#include "service/json_line.h"

#include <stdlib.h>

#include "core/macros.h"
#include "tests/suite.h"

static char *text;
static size_t text_bytes;
static FILE *file;
static struct json_line line;

static void make(void) {
	file = open_memstream(&text, &text_bytes);
	json_line_begin(&line, file);
}

static const char *ended(void) {
	json_line_end(&line);
	fflush(file);
	return text;
}

static void unmake(void) {
	fclose(file);
	free(text);
}

START_TEST(nothing_in_it) {
	ck_assert_str_eq(ended(), "{}\n");
}
END_TEST

START_TEST(every_kind) {
	json_line_text(&line, "a", "x", SIZE_MAX);
	json_line_uint(&line, "b", UINT64_MAX);
	json_line_int(&line, "c", -1);
	json_line_real(&line, "d", 1.5);
	json_line_bool(&line, "e", true);
	json_line_bool(&line, "f", false);
	json_line_null(&line, "g");
	ck_assert_str_eq(ended(),
		"{\"a\":\"x\",\"b\":18446744073709551615,\"c\":-1,\"d\":1.500,\"e\":true,"
		"\"f\":false,\"g\":null}\n");
}
END_TEST

static const struct {
	const char *name;
	const char *value;
	size_t max;
	const char *json;
} texts[] = {
	{ "empty", "", 4, "{\"t\":\"\"}\n" },
	{ "cut", "abcdef", 3, "{\"t\":\"abc\"}\n" },
	{ "quote and backslash", "a\"b\\c", 9, "{\"t\":\"a\\\"b\\\\c\"}\n" },
	{ "control", "a\n\x7f", 9, "{\"t\":\"a\\u000a\\u007f\"}\n" },
	{ "not ASCII", "\xff", 9, "{\"t\":\"\\u00ff\"}\n" },
};

START_TEST(texts_are_escaped) {
	json_line_text(&line, "t", texts[_i].value, texts[_i].max);
	ck_assert_str_eq(ended(), texts[_i].json);
}
END_TEST

static const struct {
	int64_t wall_ns;
	const char *json;
} times[] = {
	{ 0, "{\"t\":\"1970-01-01T00:00:00.000Z\"}\n" },
	{ INT64_C(1763869301234567890), "{\"t\":\"2025-11-23T03:41:41.234Z\"}\n" },
	{ -1, "{\"t\":\"1969-12-31T23:59:59.999Z\"}\n" },
	{ -1000000000, "{\"t\":\"1969-12-31T23:59:59.000Z\"}\n" },
};

START_TEST(times_are_in_utc) {
	json_line_time(&line, "t", times[_i].wall_ns);
	ck_assert_str_eq(ended(), times[_i].json);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("service json_line");
	TCase *tcase = suite_case(suite, "line");
	tcase_add_checked_fixture(tcase, make, unmake);
	tcase_add_test(tcase, nothing_in_it);
	tcase_add_test(tcase, every_kind);
	tcase_add_loop_test(tcase, texts_are_escaped, 0, ARRAY_LEN(texts));
	tcase_add_loop_test(tcase, times_are_in_utc, 0, ARRAY_LEN(times));
	return suite;
}
