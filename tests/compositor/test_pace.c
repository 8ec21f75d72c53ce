#include "compositor/pace.h"

#include "tests/suite.h"

START_TEST(starts_with_care) {
	struct pace pace;
	pace_init(&pace);
	ck_assert_uint_eq(pace.lead_ns, PACE_START_NS + PACE_MARGIN_NS);
}
END_TEST

START_TEST(a_slow_picture_counts_at_once) {
	struct pace pace;
	pace_init(&pace);
	ck_assert(pace_add(&pace, 9000000));
	ck_assert_uint_eq(pace.lead_ns, 9000000 + PACE_MARGIN_NS);
}
END_TEST

START_TEST(fast_pictures_bring_it_down_slowly) {
	struct pace pace;
	pace_init(&pace);
	pace_add(&pace, 8000000);
	unsigned changes = 0, half = 0;
	for (unsigned i = 1; i <= 600; i++) {
		uint64_t before = pace.lead_ns;
		bool changed = pace_add(&pace, 200000);
		changes += changed;
		ck_assert(changed == (pace.lead_ns != before));
		ck_assert_uint_le(pace.lead_ns, before);
		if (half == 0 && pace.worst_ns <= 4000000) {
			half = i;
		}
	}
	ck_assert_uint_ge(half, 40);
	ck_assert_uint_le(half, 50);
	/* told seldom, and in the end no less than what a picture needs */
	ck_assert_uint_le(changes, 80);
	ck_assert_uint_ge(pace.lead_ns, 200000 + PACE_MARGIN_NS);
	ck_assert_uint_le(pace.lead_ns, 400000 + PACE_MARGIN_NS);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor pace");
	TCase *lead = suite_case(suite, "lead");
	tcase_add_test(lead, starts_with_care);
	tcase_add_test(lead, a_slow_picture_counts_at_once);
	tcase_add_test(lead, fast_pictures_bring_it_down_slowly);
	return suite;
}
