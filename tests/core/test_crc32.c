#include "core/crc32.h"

#include <string.h>

#include "core/crc32_impl.h"
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

static const struct {
	const char *name;
	uint32_t (*update)(uint32_t crc, const void *data, size_t size_bytes);
	bool (*works)(void); /* NULL: everywhere */
} ways[] = {
	{ "chosen", crc32_update, NULL },
	{ "table", crc32_table, NULL },
	{ "clmul", crc32_clmul, crc32_clmul_works },
};

static bool works(size_t way) {
	return ways[way].works == NULL || ways[way].works();
}

START_TEST(known_values) {
	for (size_t way = 0; way < ARRAY_LEN(ways); way++) {
		if (works(way)) {
			uint32_t crc = ways[way].update(0, known[_i].text, strlen(known[_i].text));
			ck_assert_msg(crc == known[_i].crc, "%s, %s: %08x", ways[way].name,
				known[_i].name, crc);
		}
	}
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

static void assert_agrees(size_t way, const uint8_t *part, size_t len, uint32_t expected) {
	for (size_t cut = 0; cut <= len; cut++) {
		uint32_t crc = ways[way].update(0, part, cut);
		crc = ways[way].update(crc, part + cut, len - cut);
		ck_assert_msg(
			crc == expected, "%s, %zu of %zu: %08x", ways[way].name, cut, len, crc);
	}
}

/* Row n: n bytes at an odd place, in two pieces cut at every byte, one of which is all of it. */
START_TEST(agrees_with_the_definition) {
	uint8_t bytes[LONG_BYTES + 1];
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)(i * 151 + 7);
	}
	uint32_t expected = crc32_slow(bytes + 1, (size_t)_i);
	for (size_t way = 0; way < ARRAY_LEN(ways); way++) {
		if (works(way)) {
			assert_agrees(way, bytes + 1, (size_t)_i, expected);
		}
	}
}
END_TEST

/* A lane that is folded with a wrong power differs for some bit of it. */
START_TEST(every_bit_counts) {
	uint8_t bytes[LONG_BYTES] = { 0 };
	for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
		bytes[bit / 8] = (uint8_t)(1u << bit % 8);
		uint32_t expected = crc32_slow(bytes, sizeof(bytes));
		for (size_t way = 0; way < ARRAY_LEN(ways); way++) {
			if (works(way)) {
				uint32_t crc = ways[way].update(0, bytes, sizeof(bytes));
				ck_assert_msg(crc == expected, "%s, bit %zu", ways[way].name, bit);
			}
		}
		bytes[bit / 8] = 0;
	}
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core crc32");
	TCase *tcase = suite_case(suite, "crc32");
	tcase_add_loop_test(tcase, known_values, 0, ARRAY_LEN(known));
	tcase_add_loop_test(tcase, agrees_with_the_definition, 0, 200);
	tcase_add_loop_test(tcase, agrees_with_the_definition, LONG_BYTES, LONG_BYTES + 1);
	tcase_add_test(tcase, every_bit_counts);
	return suite;
}
