#include "service/keeper_beat.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

static struct config config;
static struct store store;
static struct output_memory_page *pages[2]; /* as the compositor writes them */
static uint64_t now_ns;

static void set_up(enum ticker_kind first, enum ticker_kind second, uint32_t refresh_mhz) {
	config = (struct config) { .outputs_len = 2 };
	store = (struct store) { .config = &config };
	now_ns = NS_PER_S;
	for (uint32_t i = 0; i < 2; i++) {
		config.outputs[i].clock = i == 0 ? first : second;
		config.outputs[i].refresh_mhz = refresh_mhz;
		store.output[i] = output_memory_create_fd("test", 8, 8);
		ck_assert_int_ge(store.output[i], 0);
		pages[i] = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, store.output[i], 0);
		ck_assert_ptr_ne(pages[i], MAP_FAILED);
	}
}

static void tear_down(void) {
	for (uint32_t i = 0; i < 2; i++) {
		munmap(pages[i], 4096);
		fd_close(&store.output[i]);
	}
}

/* Looks for so long, while the outputs tick at 60 Hz: the ms after which one is said to stand still. */
static unsigned look(struct beat *beat, unsigned ms, bool first_ticks, bool second_ticks) {
	for (unsigned passed = 0; passed < ms; passed += 10) {
		now_ns += BEAT_PERIOD_NS;
		if (passed % 20 == 0) {
			pages[0]->tick += first_ticks;
			pages[1]->tick += second_ticks;
		}
		if (beat_look(beat, now_ns)) {
			return passed + 10;
		}
	}
	return 0;
}

static const struct {
	const char *name;
	enum ticker_kind first, second;
	uint32_t refresh_mhz;
	bool first_ticks, second_ticks;
	unsigned at_least_ms, at_most_ms; /* 0: never */
} rows[] = {
	{ "both tick", TICKER_REAL, TICKER_REAL, 60000, true, true, 0, 0 },
	{ "one stands still", TICKER_REAL, TICKER_REAL, 60000, true, false, 90, 120 },
	{ "the other does", TICKER_REAL, TICKER_REAL, 60000, false, true, 90, 120 },
	{ "both do", TICKER_REAL, TICKER_REAL, 60000, false, false, 90, 120 },
	{ "one is stepped", TICKER_STEP, TICKER_REAL, 60000, false, true, 0, 0 },
	{ "one is on demand", TICKER_REAL, TICKER_IMMEDIATE, 60000, true, false, 0, 0 },
	{ "neither has a beat", TICKER_STEP, TICKER_IMMEDIATE, 60000, false, false, 0, 0 },
	{ "slow ones", TICKER_REAL, TICKER_REAL, 10000, false, false, 590, 620 },
};

START_TEST(outputs_that_stand_still) {
	struct beat beat;
	set_up(rows[_i].first, rows[_i].second, rows[_i].refresh_mhz);
	ck_assert_int_eq(beat_init(&beat, &store), 0);
	ck_assert_int_eq(beat_is_needed(&beat),
		rows[_i].first == TICKER_REAL || rows[_i].second == TICKER_REAL);
	ck_assert_uint_eq(look(&beat, 500, true, true), 0);
	unsigned found = look(&beat, 2000, rows[_i].first_ticks, rows[_i].second_ticks);
	ck_assert_uint_ge(found, rows[_i].at_least_ms);
	ck_assert_uint_le(found, rows[_i].at_most_ms);
	beat_finish(&beat);
	tear_down();
}
END_TEST

START_TEST(late_looks_do_not_count) {
	struct beat beat;
	set_up(TICKER_REAL, TICKER_REAL, 60000);
	ck_assert_int_eq(beat_init(&beat, &store), 0);
	ck_assert_uint_eq(look(&beat, 100, true, true), 0);
	/* the whole machine stood still for a second, four times */
	for (unsigned i = 0; i < 4; i++) {
		now_ns += NS_PER_S;
		ck_assert(!beat_look(&beat, now_ns));
	}
	ck_assert_uint_eq(look(&beat, 100, true, true), 0);
	beat_finish(&beat);
	tear_down();
}
END_TEST

START_TEST(a_new_process_has_all_the_time_again) {
	struct beat beat;
	set_up(TICKER_REAL, TICKER_STEP, 60000);
	ck_assert_int_eq(beat_init(&beat, &store), 0);
	ck_assert_uint_gt(look(&beat, 1000, false, false), 0);
	beat_reset(&beat);
	ck_assert_uint_ge(look(&beat, 1000, false, false), 90);
	beat_finish(&beat);
	tear_down();
}
END_TEST

START_TEST(priorities) {
	/* this one has none: tests run at a normal priority */
	ck_assert(!beat_is_real_time(getpid()));
	ck_assert(!beat_is_real_time(-1));
}
END_TEST

START_TEST(its_init_may_fail) {
	struct beat beat;
	set_up(TICKER_REAL, TICKER_REAL, 60000);
	for (unsigned n = 1; n <= 2; n++) {
		fault_at(n);
		ck_assert_int_eq(beat_init(&beat, &store), -ENOMEM);
		ck_assert(fault_hit());
		fault_off();
		ck_assert(!beat_is_needed(&beat));
	}
	tear_down();
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("service keeper_beat");
	TCase *looks = suite_case(suite, "looks");
	tcase_add_loop_test(looks, outputs_that_stand_still, 0, ARRAY_LEN(rows));
	tcase_add_test(looks, late_looks_do_not_count);
	tcase_add_test(looks, a_new_process_has_all_the_time_again);
	tcase_add_test(looks, priorities);
	tcase_add_test(looks, its_init_may_fail);
	return suite;
}
