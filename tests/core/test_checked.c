#include "core/checked.h"

#include "core/macros.h"
#include "tests/suite.h"

static const struct {
	const char *name;
	uint64_t a, b;
	bool sum_fits, product_fits;
	uint64_t sum, product;
} sums[] = {
	{ "zeros", 0, 0, true, true, 0, 0 },
	{ "small", 3, 4, true, true, 7, 12 },
	{ "last sum", UINT64_MAX - 1, 1, true, true, UINT64_MAX, UINT64_MAX - 1 },
	{ "sum wraps", UINT64_MAX, 1, false, true, 0, UINT64_MAX },
	{ "product wraps to 0", UINT64_C(1) << 32, UINT64_C(1) << 32, true, false,
		UINT64_C(1) << 33, 0 },
	{ "largest by 0", UINT64_MAX, 0, true, true, UINT64_MAX, 0 },
	{ "both largest", UINT64_MAX, UINT64_MAX, false, false, 0, 0 },
};

START_TEST(sums_and_products) {
	uint64_t sum, product;
	bool sum_fits = checked_add_u64(sums[_i].a, sums[_i].b, &sum);
	bool product_fits = checked_mul_u64(sums[_i].a, sums[_i].b, &product);
	ck_assert_msg(sum_fits == sums[_i].sum_fits && product_fits == sums[_i].product_fits, "%s",
		sums[_i].name);
	ck_assert_msg(!sum_fits || sum == sums[_i].sum, "%s", sums[_i].name);
	ck_assert_msg(!product_fits || product == sums[_i].product, "%s", sums[_i].name);
}
END_TEST

static const struct {
	const char *name;
	uint64_t offset, len, limit;
	bool fits;
} ranges[] = {
	{ "empty at the start of nothing", 0, 0, 0, true },
	{ "whole", 0, 10, 10, true },
	{ "empty at the end", 10, 0, 10, true },
	{ "empty behind the end", 11, 0, 10, false },
	{ "one over", 5, 6, 10, false },
	{ "end wraps", 5, UINT64_MAX, 10, false },
	{ "offset wraps", UINT64_MAX, 2, 10, false },
	{ "all there is", 0, UINT64_MAX, UINT64_MAX, true },
};

START_TEST(ranges_fit) {
	bool fits = checked_range_fits(ranges[_i].offset, ranges[_i].len, ranges[_i].limit);
	ck_assert_msg(fits == ranges[_i].fits, "%s", ranges[_i].name);
}
END_TEST

START_TEST(products_with_an_offset) {
	uint64_t result;
	ck_assert(checked_mul_add_u64(6, 7, 8, &result));
	ck_assert_uint_eq(result, 50);
	ck_assert(!checked_mul_add_u64(UINT64_MAX, 1, 1, &result));
	ck_assert(!checked_mul_add_u64(UINT64_MAX, 2, 0, &result));
}
END_TEST

START_TEST(rounding_up) {
	uint64_t rounded;
	ck_assert(checked_round_up_u64(0, 4096, &rounded));
	ck_assert_uint_eq(rounded, 0);
	ck_assert(checked_round_up_u64(4097, 4096, &rounded));
	ck_assert_uint_eq(rounded, 8192);
	ck_assert(checked_round_up_u64(UINT64_MAX - 4095, 4096, &rounded));
	ck_assert_uint_eq(rounded, UINT64_MAX - 4095);
	ck_assert(!checked_round_up_u64(UINT64_MAX - 4094, 4096, &rounded));
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core checked");
	TCase *tcase = suite_case(suite, "arithmetic");
	tcase_add_loop_test(tcase, sums_and_products, 0, ARRAY_LEN(sums));
	tcase_add_loop_test(tcase, ranges_fit, 0, ARRAY_LEN(ranges));
	tcase_add_test(tcase, products_with_an_offset);
	tcase_add_test(tcase, rounding_up);
	return suite;
}
