#include "core/text.h"

#include <string.h>

#include "core/macros.h"
#include "tests/suite.h"

static const struct {
	const char *name;
	char field[8];
	bool terminated;
	const char *printable;
	const char *ascii;
} rows[] = {
	{ "empty", "", true, "", "" },
	{ "plain", "abc", true, "abc", "abc" },
	{ "just fits", "abcdefg", true, "abcdefg", "abcdefg" },
	{ "no terminator", { 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h' }, false, "abcdefg",
		"abcdefg" },
	{ "line feed and escape", "a\nb\033c", true, "a?b?c", "a?b?c" },
	{ "delete and tab", "\177\t", true, "??", "??" },
	{ "bytes of UTF-8 stay", "\303\244", true, "\303\244", "??" },
};

START_TEST(fields_become_text) {
	char field[8];
	memcpy(field, rows[_i].field, sizeof(field));
	ck_assert_msg(text_is_terminated(field, sizeof(field)) == rows[_i].terminated, "%s",
		rows[_i].name);
	text_make_printable(field, sizeof(field));
	ck_assert_str_eq(field, rows[_i].printable);
	memcpy(field, rows[_i].field, sizeof(field));
	text_make_ascii(field, sizeof(field));
	ck_assert_str_eq(field, rows[_i].ascii);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core text");
	TCase *tcase = suite_case(suite, "fields");
	tcase_add_loop_test(tcase, fields_become_text, 0, ARRAY_LEN(rows));
	return suite;
}
