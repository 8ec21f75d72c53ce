#include "gpu/resource.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/macros.h"
#include "tests/suite.h"

#define BUDGET 100

static struct resource_table table;
static struct image_store store;

static void setup(void) {
	ck_assert_int_eq(resource_table_init(&table, BUDGET), 0);
}

static void teardown(void) {
	uint32_t at = 0;
	struct resource *resource;
	while ((resource = resource_table_next(&table, &at)) != NULL) {
		resource_table_remove(&table, resource, &store);
		at--;
	}
	resource_table_finish(&table);
}

START_TEST(numbers_are_found_again) {
	static const uint32_t ids[] = { 1, 2, 3, UINT32_MAX, 0x80000000, 17 };
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		ck_assert_ptr_null(resource_table_find(&table, ids[i]));
		struct resource *resource = resource_table_add(&table, ids[i]);
		ck_assert_ptr_nonnull(resource);
		ck_assert_ptr_eq(resource_table_find(&table, ids[i]), resource);
		ck_assert_ptr_null(resource_table_add(&table, ids[i]));
		ck_assert_int_eq(errno, EEXIST);
	}
	ck_assert_uint_eq(table.len, ARRAY_LEN(ids));
}
END_TEST

START_TEST(budget) {
	for (uint32_t i = 1; i <= BUDGET; i++) {
		ck_assert_ptr_nonnull(resource_table_add(&table, i));
	}
	ck_assert_ptr_null(resource_table_add(&table, BUDGET + 1));
	ck_assert_int_eq(errno, ENOMEM);
	resource_table_remove(&table, resource_table_find(&table, 5), &store);
	ck_assert_ptr_nonnull(resource_table_add(&table, BUDGET + 1));
}
END_TEST

/* Numbers come and go; a plain array says who must be there. */
START_TEST(random_numbers_against_a_model) {
	static bool present[1000];
	uint32_t len = 0;
	srand(2);
	for (int i = 0; i < 100000; i++) {
		uint32_t id = 1 + (uint32_t)rand() % 999;
		struct resource *resource = resource_table_find(&table, id);
		ck_assert_int_eq(resource != NULL, present[id]);
		if (present[id]) {
			ck_assert_uint_eq(resource->id, id);
			resource_table_remove(&table, resource, &store);
			present[id] = false;
			len--;
		} else {
			bool fits = len < BUDGET;
			ck_assert_int_eq(resource_table_add(&table, id) != NULL, fits);
			present[id] = fits;
			len += fits;
		}
		ck_assert_uint_eq(table.len, len);
	}
	uint32_t at = 0;
	uint32_t walked = 0;
	struct resource *resource;
	while ((resource = resource_table_next(&table, &at)) != NULL) {
		ck_assert(present[resource->id]);
		walked++;
	}
	ck_assert_uint_eq(walked, len);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("gpu resource");
	TCase *tcase = suite_case(suite, "table");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, numbers_are_found_again);
	tcase_add_test(tcase, budget);
	tcase_add_test(tcase, random_numbers_against_a_model);
	return suite;
}
