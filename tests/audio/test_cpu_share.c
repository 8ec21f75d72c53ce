#include "audio/cpu_share.h"

#include "core/macros.h"
#include "tests/suite.h"

#define START_NS (UINT64_C(1000) * NS_PER_S)
#define RUN CPU_SHARE_RUN_NS
#define WINDOW CPU_SHARE_WINDOW_NS

/* One after the other: what was used up to then, and how long to sleep. */
static const struct {
	const char *name;
	uint64_t now_ns, cpu_ns, rest_ns;
} looks[] = {
	{ "begins", 0, 5 * NS_PER_S, 0 },
	{ "has run a little", RUN - 1, 5 * NS_PER_S + RUN - 1, 0 },
	{ "has had its share", RUN, 5 * NS_PER_S + RUN, WINDOW - RUN },
	{ "was woken early", WINDOW - 1, 5 * NS_PER_S + RUN, 1 },
	{ "next window", WINDOW, 5 * NS_PER_S + RUN, 0 },
	{ "a long handler", 2 * WINDOW - 1, 5 * NS_PER_S + 3 * RUN, 1 },
	{ "is not paid for later", 2 * WINDOW, 5 * NS_PER_S + 3 * RUN, 0 },
	{ "slept for long", 900 * WINDOW, 5 * NS_PER_S + 4 * RUN - 1, 0 },
};

START_TEST(sleeps_for_the_rest_of_a_window) {
	struct cpu_share share = { 0 };
	for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
		uint64_t rest_ns =
			cpu_share_rest_ns(&share, START_NS + looks[i].now_ns, looks[i].cpu_ns);
		ck_assert_msg(rest_ns == looks[i].rest_ns, "%s: %llu", looks[i].name,
			(unsigned long long)rest_ns);
	}
}
END_TEST

/* A guest that always has work for it: never more than its share, window by window. */
START_TEST(a_flood_gets_its_share) {
	struct cpu_share share = { 0 };
	const uint64_t step_ns = NS_PER_MS / 10;
	uint64_t now_ns = START_NS, cpu_ns = 0;
	while (now_ns < START_NS + NS_PER_S) {
		now_ns += step_ns;
		cpu_ns += step_ns;
		now_ns += cpu_share_rest_ns(&share, now_ns, cpu_ns);
	}
	ck_assert_uint_le(cpu_ns, (NS_PER_S / WINDOW + 1) * (RUN + step_ns));
	ck_assert_uint_ge(cpu_ns, NS_PER_S / WINDOW * RUN - RUN);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("audio cpu_share");
	TCase *tcase = suite_case(suite, "cpu_share");
	tcase_add_test(tcase, sleeps_for_the_rest_of_a_window);
	tcase_add_test(tcase, a_flood_gets_its_share);
	return suite;
}
