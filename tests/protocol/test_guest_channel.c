#include "protocol/guest_channel.h"

#include <string.h>

#include "core/macros.h"
#include "tests/suite.h"

static const struct line {
	const char *text;
	enum guest_channel_verdict verdict;
	enum guest_channel_verb verb;
	const char *name;
	uint64_t number;
} lines[] = {
	{ "hello cluster", GUEST_CHANNEL_MESSAGE, GUEST_CHANNEL_HELLO, "cluster", 0 },
	{ "hello A-z_0.9", GUEST_CHANNEL_MESSAGE, GUEST_CHANNEL_HELLO, "A-z_0.9", 0 },
	{ "hello 1234567890123456789012345678901", GUEST_CHANNEL_MESSAGE, GUEST_CHANNEL_HELLO,
		"1234567890123456789012345678901", 0 },
	{ "hello 12345678901234567890123456789012", GUEST_CHANNEL_BAD_VALUE, 0, "", 0 },
	{ "hello ", GUEST_CHANNEL_BAD_VALUE, 0, "", 0 },
	{ "hello two words", GUEST_CHANNEL_BAD_VALUE, 0, "", 0 },
	{ "hello a/b", GUEST_CHANNEL_BAD_VALUE, 0, "", 0 },
	{ "hello %s", GUEST_CHANNEL_BAD_VALUE, 0, "", 0 },
	{ "hello", GUEST_CHANNEL_UNKNOWN, 0, "", 0 },
	{ "heartbeat 0", GUEST_CHANNEL_MESSAGE, GUEST_CHANNEL_HEARTBEAT, "", 0 },
	{ "heartbeat 17", GUEST_CHANNEL_MESSAGE, GUEST_CHANNEL_HEARTBEAT, "", 17 },
	{ "heartbeat 00017", GUEST_CHANNEL_MESSAGE, GUEST_CHANNEL_HEARTBEAT, "", 17 },
	{ "heartbeat 18446744073709551615", GUEST_CHANNEL_MESSAGE, GUEST_CHANNEL_HEARTBEAT, "",
		UINT64_MAX },
	{ "heartbeat 18446744073709551616", GUEST_CHANNEL_BAD_VALUE, 0, "", 0 },
	{ "heartbeat 99999999999999999999999", GUEST_CHANNEL_BAD_VALUE, 0, "", 0 },
	{ "heartbeat -1", GUEST_CHANNEL_BAD_VALUE, 0, "", 0 },
	{ "heartbeat +1", GUEST_CHANNEL_BAD_VALUE, 0, "", 0 },
	{ "heartbeat 0x1", GUEST_CHANNEL_BAD_VALUE, 0, "", 0 },
	{ "heartbeat 1 2", GUEST_CHANNEL_BAD_VALUE, 0, "", 0 },
	{ "heartbeat ", GUEST_CHANNEL_BAD_VALUE, 0, "", 0 },
	{ "heartbeat", GUEST_CHANNEL_UNKNOWN, 0, "", 0 },
	{ "focus gain", GUEST_CHANNEL_MESSAGE, GUEST_CHANNEL_FOCUS_GAIN, "", 0 },
	{ "focus loss", GUEST_CHANNEL_MESSAGE, GUEST_CHANNEL_FOCUS_LOSS, "", 0 },
	{ "focus", GUEST_CHANNEL_UNKNOWN, 0, "", 0 },
	{ "focus gained", GUEST_CHANNEL_BAD_VALUE, 0, "", 0 },
	{ "focus ", GUEST_CHANNEL_BAD_VALUE, 0, "", 0 },
	{ "", GUEST_CHANNEL_UNKNOWN, 0, "", 0 },
	{ " hello a", GUEST_CHANNEL_UNKNOWN, 0, "", 0 },
	{ "HELLO a", GUEST_CHANNEL_UNKNOWN, 0, "", 0 },
	{ "restart", GUEST_CHANNEL_UNKNOWN, 0, "", 0 },
	{ "hello \x7f", GUEST_CHANNEL_BINARY, 0, "", 0 },
	{ "hello \t", GUEST_CHANNEL_BINARY, 0, "", 0 },
	{ "hello a\r", GUEST_CHANNEL_BINARY, 0, "", 0 },
	{ "hello \xc3\xa4", GUEST_CHANNEL_BINARY, 0, "", 0 },
};

/* Whole, and a byte at a time: every prefix of a line is the beginning of one. */
START_TEST(lines_are_read) {
	const struct line *row = &lines[_i];
	char text[160];
	size_t len = strlen(row->text);
	memcpy(text, row->text, len);
	text[len++] = '\n';
	const size_t pieces[] = { 1, len };
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		struct guest_channel channel = { 0 };
		struct guest_channel_message message = { 0 };
		enum guest_channel_verdict verdict = GUEST_CHANNEL_MORE;
		for (size_t at = 0; at < len && verdict == GUEST_CHANNEL_MORE;) {
			size_t taken = 0;
			verdict = guest_channel_take(&channel, (const uint8_t *)text + at,
				MIN(pieces[i], len - at), &taken, &message);
			at += taken;
			ck_assert_msg(verdict != GUEST_CHANNEL_MORE || at < len, "%s", row->text);
		}
		ck_assert_msg(verdict == row->verdict, "%s: %d", row->text, verdict);
		if (verdict == GUEST_CHANNEL_MESSAGE) {
			ck_assert_int_eq(message.verb, row->verb);
			ck_assert_str_eq(message.name, row->name);
			ck_assert_uint_eq(message.number, row->number);
			ck_assert_uint_eq(channel.len, 0);
		}
	}
}
END_TEST

START_TEST(several_lines_at_once) {
	static const uint8_t bytes[] = "heartbeat 1\nheartbeat 2\nheart";
	struct guest_channel channel = { 0 };
	struct guest_channel_message message;
	size_t at = 0, taken;
	for (uint64_t i = 1; i <= 2; i++) {
		ck_assert_int_eq(guest_channel_take(&channel, bytes + at, sizeof(bytes) - 1 - at,
					 &taken, &message),
			GUEST_CHANNEL_MESSAGE);
		ck_assert_uint_eq(message.number, i);
		at += taken;
	}
	ck_assert_int_eq(
		guest_channel_take(&channel, bytes + at, sizeof(bytes) - 1 - at, &taken, &message),
		GUEST_CHANNEL_MORE);
	ck_assert_uint_eq(at + taken, sizeof(bytes) - 1);
	ck_assert_uint_eq(channel.len, 5);
}
END_TEST

START_TEST(a_nul_is_no_text) {
	static const uint8_t bytes[] = "heartbeat 1\0\n";
	struct guest_channel channel = { 0 };
	struct guest_channel_message message;
	size_t taken;
	ck_assert_int_eq(guest_channel_take(&channel, bytes, sizeof(bytes) - 1, &taken, &message),
		GUEST_CHANNEL_BINARY);
	ck_assert_uint_eq(taken, 12);
}
END_TEST

/* The longest line is one of 119 bytes and its newline. */
START_TEST(long_lines) {
	uint8_t bytes[2 * GUEST_CHANNEL_LINE_MAX];
	struct guest_channel channel = { 0 };
	struct guest_channel_message message;
	size_t taken;
	memset(bytes, 'a', sizeof(bytes));
	bytes[GUEST_CHANNEL_LINE_MAX - 1] = '\n';
	ck_assert_int_eq(guest_channel_take(&channel, bytes, sizeof(bytes), &taken, &message),
		GUEST_CHANNEL_UNKNOWN);
	ck_assert_uint_eq(taken, GUEST_CHANNEL_LINE_MAX);
	bytes[GUEST_CHANNEL_LINE_MAX - 1] = 'a';
	bytes[GUEST_CHANNEL_LINE_MAX] = '\n';
	ck_assert_int_eq(guest_channel_take(&channel, bytes, sizeof(bytes), &taken, &message),
		GUEST_CHANNEL_TOO_LONG);
	ck_assert_uint_eq(taken, GUEST_CHANNEL_LINE_MAX);
}
END_TEST

START_TEST(answers) {
	ck_assert_str_eq(guest_channel_answer(GUEST_CHANNEL_MORE), "");
	ck_assert_str_eq(guest_channel_answer(GUEST_CHANNEL_MESSAGE), "ok\n");
	for (int i = GUEST_CHANNEL_UNKNOWN; i <= GUEST_CHANNEL_BINARY; i++) {
		const char *answer = guest_channel_answer((enum guest_channel_verdict)i);
		ck_assert(strncmp(answer, "error ", 6) == 0);
		ck_assert(answer[strlen(answer) - 1] == '\n');
		ck_assert_uint_le(strlen(answer), GUEST_CHANNEL_LINE_MAX);
	}
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("protocol guest_channel");
	TCase *tcase = suite_case(suite, "lines");
	tcase_add_loop_test(tcase, lines_are_read, 0, ARRAY_LEN(lines));
	tcase_add_test(tcase, several_lines_at_once);
	tcase_add_test(tcase, a_nul_is_no_text);
	tcase_add_test(tcase, long_lines);
	tcase_add_test(tcase, answers);
	return suite;
}
