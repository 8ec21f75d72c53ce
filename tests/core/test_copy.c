#include <stdint.h>
#include <string.h>

#include "core/copy.h"
#include "tests/suite.h"

#define GUARD 0xa5
#define ROOM 4096

/* lengths around a line and its multiples, for every alignment of both sides */
static const size_t lengths[] = { 0, 1, 15, 16, 63, 64, 65, 127, 128, 129, 191, 1000, 2048, 3001 };

START_TEST(copies_exactly_what_it_is_told) {
	static uint8_t from[ROOM + 64], to[ROOM + 192];
	size_t len = lengths[_i];
	for (size_t i = 0; i < sizeof(from); i++) {
		from[i] = (uint8_t)(i * 7 + 3);
	}
	for (size_t to_skip = 0; to_skip < 64; to_skip++) {
		for (size_t from_skip = 0; from_skip < 64; from_skip += 5) {
			memset(to, GUARD, sizeof(to));
			copy_stream(to + 64 + to_skip, from + from_skip, len);
			copy_stream_end();
			ck_assert_int_eq(to[63 + to_skip], GUARD);
			ck_assert_mem_eq(to + 64 + to_skip, from + from_skip, len);
			ck_assert_int_eq(to[64 + to_skip + len], GUARD);
		}
	}
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core copy");
	TCase *lens = suite_case(suite, "lengths");
	tcase_add_loop_test(
		lens, copies_exactly_what_it_is_told, 0, sizeof(lengths) / sizeof(lengths[0]));
	return suite;
}
