#include "core/crc32.h"

#include <string.h>

#include "core/macros.h"
#include "tests/suite.h"

#define LONG_BYTES 300

static const struct {
	const char *name;
	const char *text;
	uint32_t crc;
} known[] = {
	{ "nothing", "", 0 },
	{ "one letter", "a", 0xe8b7be43 },
	{ "check value", "123456789", 0xcbf43926 },
	{ "three slices", "The quick brown fox jumps over the lazy dog", 0x414fa339 },
};

START_TEST(known_values) {
	uint32_t crc = crc32_update(0, known[_i].text, strlen(known[_i].text));
	ck_assert_msg(crc == known[_i].crc, "%s: %08x", known[_i].name, crc);
}
END_TEST

/* Bit by bit, as the definition says: the oracle for the sliced one. */
static uint32_t crc32_slow(const uint8_t *bytes, size_t len) {
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < len; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++) {
			crc = (crc >> 1) ^ ((crc & 1) != 0 ? UINT32_C(0xedb88320) : 0);
		}
	}
	return ~crc;
}

/* Row n: a part of n bytes at an odd place, alone and in two pieces cut at every byte. */
START_TEST(agrees_with_the_definition) {
	uint8_t bytes[LONG_BYTES + 1];
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)(i * 151 + 7);
	}
	const uint8_t *part = bytes + 1;
	size_t len = (size_t)_i;
	uint32_t expected = crc32_slow(part, len);
	ck_assert_uint_eq(crc32_update(0, part, len), expected);
	for (size_t cut = 0; cut <= len; cut++) {
		uint32_t crc = crc32_update(0, part, cut);
		ck_assert_uint_eq(crc32_update(crc, part + cut, len - cut), expected);
	}
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core crc32");
	TCase *tcase = suite_case(suite, "crc32");
	tcase_add_loop_test(tcase, known_values, 0, ARRAY_LEN(known));
	tcase_add_loop_test(tcase, agrees_with_the_definition, 0, 70);
	tcase_add_loop_test(tcase, agrees_with_the_definition, LONG_BYTES, LONG_BYTES + 1);
	return suite;
}
