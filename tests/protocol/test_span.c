#include "protocol/span.h"

#include <string.h>

#include "core/macros.h"
#include "tests/suite.h"

/* "abc" "" "defgh" "i" */
static uint8_t pieces[3][8];

static void spans_init(struct span spans[4]) {
	memcpy(pieces[0], "abc", 3);
	memcpy(pieces[1], "defgh", 5);
	memcpy(pieces[2], "i", 1);
	spans[0] = (struct span) { pieces[0], 3 };
	spans[1] = (struct span) { pieces[0], 0 };
	spans[2] = (struct span) { pieces[1], 5 };
	spans[3] = (struct span) { pieces[2], 1 };
}

static const struct {
	uint64_t offset;
	size_t len;
	const char *bytes;
} reads[] = {
	{ 0, 9, "abcdefghi" },
	{ 0, 3, "abc" },
	{ 2, 2, "cd" },
	{ 3, 5, "defgh" },
	{ 3, 6, "defghi" },
	{ 8, 1, "i" },
	{ 8, 5, "i" },
	{ 0, 100, "abcdefghi" },
	{ 4, 0, "" },
	{ 9, 1, "" },
	{ UINT64_MAX, 1, "" },
};

START_TEST(reads_across_spans) {
	struct span spans[4];
	char data[101] = { 0 };
	spans_init(spans);
	size_t got = spans_read(spans, 4, reads[_i].offset, data, reads[_i].len);
	ck_assert_str_eq(data, reads[_i].bytes);
	ck_assert_uint_eq(got, strlen(reads[_i].bytes));
}
END_TEST

START_TEST(writes_across_spans) {
	struct span spans[4];
	char data[10] = { 0 };
	spans_init(spans);
	ck_assert_uint_eq(spans_write(spans, 4, 2, "XYZ", 3), 3);
	ck_assert_uint_eq(spans_write(spans, 4, 8, "!?", 2), 1);
	ck_assert_uint_eq(spans_write(spans, 4, 9, "#", 1), 0);
	ck_assert_uint_eq(spans_read(spans, 4, 0, data, 9), 9);
	ck_assert_str_eq(data, "abXYZfgh!");
	ck_assert_uint_eq(spans_bytes(spans, 4), 9);
	ck_assert_uint_eq(spans_bytes(spans, 0), 0);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("protocol span");
	TCase *tcase = suite_case(suite, "copy");
	tcase_add_loop_test(tcase, reads_across_spans, 0, ARRAY_LEN(reads));
	tcase_add_test(tcase, writes_across_spans);
	return suite;
}
