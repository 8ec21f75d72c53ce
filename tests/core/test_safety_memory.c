#include "core/safety_memory.h"

#include <string.h>

#include "core/macros.h"
#include "tests/suite.h"

static struct safety_memory memory;
static char content[SAFETY_MEMORY_BYTES];

static void forget(void) {
	memset(&memory, 0, sizeof(memory));
}

static void keep(const char *text) {
	memset(content, 0, sizeof(content));
	strcpy(content, text);
	safety_memory_write(&memory, content, sizeof(content));
}

static void expect(const char *text) {
	memset(content, 0, sizeof(content));
	ck_assert_int_eq(
		safety_memory_read(&memory, content, sizeof(content)), SAFETY_MEMORY_WHOLE);
	ck_assert_str_eq(content, text);
}

static enum safety_memory_found find(void) {
	return safety_memory_read(&memory, content, sizeof(content));
}

START_TEST(the_newest_counts) {
	ck_assert_int_eq(find(), SAFETY_MEMORY_NONE);
	static const char *const texts[] = { "a", "b", "c", "b", "" };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		keep(texts[i]);
		expect(texts[i]);
	}
}
END_TEST

START_TEST(the_same_is_not_written_again) {
	keep("a");
	keep("b");
	const struct safety_memory before = memory;
	keep("b");
	ck_assert_mem_eq(&memory, &before, sizeof(memory));
}
END_TEST

/* Wherever its writer died, there is what was before, or what was to be. */
START_TEST(a_write_that_ends_anywhere) {
	keep("a");
	keep("b");
	struct safety_memory before = memory;
	keep("c");
	struct safety_memory after = memory;
	const uint8_t *from = (const uint8_t *)&after;
	for (size_t bytes = 0; bytes <= sizeof(memory); bytes++) {
		memory = before;
		memcpy(&memory, from, bytes);
		memset(content, 0, sizeof(content));
		ck_assert_int_eq(find(), SAFETY_MEMORY_WHOLE);
		ck_assert(strcmp(content, "b") == 0 || strcmp(content, "c") == 0);
	}
	forget();
	before = memory;
	keep("first");
	after = memory;
	for (size_t bytes = 0; bytes < sizeof(struct safety_memory_slot); bytes++) {
		memory = before;
		memcpy(&memory, from, bytes);
		ck_assert_int_ne(find(), SAFETY_MEMORY_DAMAGED);
	}
}
END_TEST

START_TEST(every_flipped_bit_is_found) {
	keep("old");
	keep("new");
	uint8_t *bytes = (uint8_t *)&memory.slots[1];
	for (size_t bit = 0; bit < sizeof(memory.slots[1]) * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		expect("old");
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	expect("new");
}
END_TEST

START_TEST(both_damaged_is_not_nothing) {
	keep("old");
	keep("new");
	memory.slots[0].content[3] ^= 1;
	memory.slots[1].content[3] ^= 1;
	ck_assert_int_eq(find(), SAFETY_MEMORY_DAMAGED);
	keep("next");
	expect("next");
	/* of another size: somebody else's */
	uint32_t word = 7;
	ck_assert_int_eq(safety_memory_read(&memory, &word, sizeof(word)), SAFETY_MEMORY_DAMAGED);
	ck_assert_uint_eq(word, 7);
	memset(&memory, 0xa5, sizeof(memory));
	ck_assert_int_eq(find(), SAFETY_MEMORY_DAMAGED);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core safety_memory");
	TCase *all = suite_case(suite, "memory");
	tcase_add_checked_fixture(all, forget, NULL);
	tcase_add_test(all, the_newest_counts);
	tcase_add_test(all, the_same_is_not_written_again);
	tcase_add_test(all, a_write_that_ends_anywhere);
	tcase_add_test(all, every_flipped_bit_is_found);
	tcase_add_test(all, both_damaged_is_not_nothing);
	return suite;
}
