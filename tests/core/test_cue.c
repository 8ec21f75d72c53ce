#include "core/cue.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

#define RACE_CUES 20000

static int fds[CUE_FDS];
static struct cue_requester requester;
static struct cue_player player;

static int open_requester(void) {
	int granted[CUE_FDS];
	ck_assert_int_eq(cue_grant_fds(fds, false, granted), 0);
	return cue_requester_init(&requester, granted);
}

static int open_player(void) {
	int granted[CUE_FDS];
	ck_assert_int_eq(cue_grant_fds(fds, true, granted), 0);
	return cue_player_init(&player, granted);
}

static void setup(void) {
	ck_assert_int_eq(cue_create_fds(fds), 0);
	ck_assert_int_eq(open_requester(), 0);
	ck_assert_int_eq(open_player(), 0);
}

static void teardown(void) {
	cue_requester_finish(&requester);
	cue_player_finish(&player);
	fd_close(&fds[CUE_REQUESTS]);
	fd_close(&fds[CUE_ANSWERS]);
}

START_TEST(a_cue_is_asked_for_begun_and_heard) {
	uint64_t seen = 0;
	ck_assert_int_eq(cue_take(&player, &seen), CUE_CHIME_NONE);
	uint64_t number = cue_request(&requester, CUE_CHIME_WARNING, 5);
	ck_assert_uint_eq(number, 1);
	ck_assert_int_eq(cue_progress(&requester, number), CUE_WAITING);
	ck_assert_int_eq(cue_take(&player, &seen), CUE_CHIME_WARNING);
	ck_assert_uint_eq(seen, number);
	ck_assert_int_eq(cue_take(&player, &seen), CUE_CHIME_NONE);
	cue_set_begun(&player, seen, 10);
	ck_assert_int_eq(cue_progress(&requester, number), CUE_BEGUN);
	ck_assert_uint_eq(atomic_load(&requester.other->begun_ns), 10);
	cue_set_heard(&player, seen, 20);
	ck_assert_int_eq(cue_progress(&requester, number), CUE_HEARD);
	ck_assert_uint_eq(atomic_load(&requester.other->heard_ns), 20);
}
END_TEST

START_TEST(in_the_order_they_were_asked_for) {
	uint64_t seen = 0;
	uint64_t first = cue_request(&requester, CUE_CHIME_INFORMATION, 1);
	uint64_t second = cue_request(&requester, CUE_CHIME_CAUTION, 2);
	ck_assert_int_eq(cue_take(&player, &seen), CUE_CHIME_INFORMATION);
	ck_assert_int_eq(cue_take(&player, &seen), CUE_CHIME_CAUTION);
	/* the newer one stands for the older, and answers never go back */
	cue_set_begun(&player, second, 3);
	cue_set_begun(&player, first, 4);
	ck_assert_int_eq(cue_progress(&requester, first), CUE_BEGUN);
	ck_assert_int_eq(cue_progress(&requester, second), CUE_BEGUN);
}
END_TEST

START_TEST(more_than_can_be_pending) {
	uint64_t seen = 0;
	for (unsigned i = 0; i < 3 * CUE_PENDING_MAX; i++) {
		cue_request(&requester, i % 2 == 0 ? CUE_CHIME_WARNING : CUE_CHIME_CAUTION, i);
	}
	for (unsigned i = 0; i < CUE_PENDING_MAX; i++) {
		ck_assert_int_eq(cue_take(&player, &seen),
			i % 2 == 0 ? CUE_CHIME_WARNING : CUE_CHIME_CAUTION);
		ck_assert_uint_eq(seen, 2 * CUE_PENDING_MAX + i + 1);
	}
	ck_assert_int_eq(cue_take(&player, &seen), CUE_CHIME_NONE);
}
END_TEST

static const uint32_t unknown[] = { CUE_CHIME_NONE, CUE_CHIMES, CUE_CHIMES + 1, UINT32_MAX };

START_TEST(what_is_no_chime_is_refused) {
	uint64_t seen = 0;
	uint64_t number = cue_request(&requester, (enum cue_chime)unknown[_i], 1);
	uint64_t good = cue_request(&requester, CUE_CHIME_CAUTION, 2);
	ck_assert_int_eq(cue_take(&player, &seen), CUE_CHIME_CAUTION);
	ck_assert_uint_eq(seen, good);
	ck_assert_int_eq(cue_progress(&requester, number), CUE_REFUSED);
	ck_assert_int_eq(cue_progress(&requester, good), CUE_WAITING);
}
END_TEST

START_TEST(a_page_that_makes_no_sense) {
	uint64_t seen = 0;
	cue_request(&requester, CUE_CHIME_CAUTION, 1);
	/* a slot that is being written, or of another number: skipped, not waited for */
	atomic_store(&requester.own->requests[1].number, 0);
	ck_assert_int_eq(cue_take(&player, &seen), CUE_CHIME_NONE);
	ck_assert_uint_eq(seen, 1);
	atomic_store(&requester.own->newest, UINT64_MAX);
	ck_assert_int_eq(cue_take(&player, &seen), CUE_CHIME_NONE);
	ck_assert_uint_eq(seen, UINT64_MAX);
	/* going back brings nothing back, and silences nothing that follows */
	atomic_store(&requester.own->newest, 1);
	ck_assert_int_eq(cue_take(&player, &seen), CUE_CHIME_NONE);
	cue_request(&requester, CUE_CHIME_WARNING, 2);
	ck_assert_int_eq(cue_take(&player, &seen), CUE_CHIME_WARNING);
	/* an answer to what was not asked for is none */
	cue_set_begun(&player, 7, 1);
	ck_assert_int_eq(cue_progress(&requester, 1), CUE_WAITING);
	atomic_store(&player.own->magic, 0);
	atomic_store(&player.own->begun, 1);
	ck_assert_int_eq(cue_progress(&requester, 1), CUE_WAITING);
	atomic_store(&requester.own->magic, 0);
	seen = 0;
	ck_assert_int_eq(cue_take(&player, &seen), CUE_CHIME_NONE);
	ck_assert_uint_eq(seen, 0);
}
END_TEST

START_TEST(successors_go_on) {
	uint64_t seen = 0;
	cue_request(&requester, CUE_CHIME_CAUTION, 1);
	ck_assert_int_eq(cue_take(&player, &seen), CUE_CHIME_CAUTION);
	cue_set_begun(&player, seen, 2);

	cue_requester_finish(&requester);
	ck_assert_int_eq(open_requester(), 0);
	ck_assert_uint_eq(cue_request(&requester, CUE_CHIME_WARNING, 3), 2);
	cue_player_finish(&player);
	ck_assert_int_eq(open_player(), 0);
	ck_assert_int_eq(cue_progress(&requester, 1), CUE_BEGUN);
	ck_assert_int_eq(cue_take(&player, &seen), CUE_CHIME_WARNING);
	cue_set_begun(&player, seen, 4);

	/* a page that is damaged is begun anew, and its numbers are not used twice */
	atomic_store(&requester.own->magic, 1);
	cue_requester_finish(&requester);
	ck_assert_int_eq(open_requester(), 0);
	ck_assert_uint_eq(cue_request(&requester, CUE_CHIME_WARNING, 5), 3);
	ck_assert_int_eq(cue_progress(&requester, 3), CUE_WAITING);
	ck_assert_int_eq(cue_take(&player, &seen), CUE_CHIME_WARNING);
}
END_TEST

START_TEST(the_other_page_is_read_only) {
	int granted[CUE_FDS];
	for (int as_player = 0; as_player < 2; as_player++) {
		ck_assert_int_eq(cue_grant_fds(fds, as_player, granted), 0);
		int other = as_player ? CUE_REQUESTS : CUE_ANSWERS;
		void *page =
			mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, granted[other], 0);
		ck_assert_ptr_eq(page, MAP_FAILED);
		fd_close(&granted[0]);
		fd_close(&granted[1]);
	}
}
END_TEST

static void *ask(void *data) {
	for (unsigned i = 0; i < RACE_CUES; i++) {
		cue_request(&requester, CUE_CHIME_INFORMATION + i % 3, i);
	}
	return NULL;
}

/* Whatever is taken is what was asked for under that number. */
START_TEST(two_threads) {
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, ask, NULL), 0);
	uint64_t seen = 0;
	while (seen < RACE_CUES) {
		enum cue_chime chime = cue_take(&player, &seen);
		if (chime != CUE_CHIME_NONE) {
			ck_assert_uint_eq(chime, CUE_CHIME_INFORMATION + (seen - 1) % 3);
		}
	}
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(atomic_load(&player.own->refused), 0);
}
END_TEST

START_TEST(inits_fail_clean) {
	int made[CUE_FDS];
	unsigned n = 1;
	for (; fault_at(n), cue_create_fds(made) != 0; n++) {
		ck_assert(fault_hit());
		ck_assert_int_eq(made[0], -1);
		ck_assert_int_eq(made[1], -1);
	}
	fault_off();
	for (n = 1; n < 4; n++) {
		int granted[CUE_FDS];
		struct cue_player other;
		ck_assert_int_eq(cue_grant_fds(made, true, granted), 0);
		fault_at(n);
		int rc = cue_player_init(&other, granted);
		fault_off();
		ck_assert_int_eq(rc, n < 3 ? -ENOMEM : 0);
		cue_player_finish(&other);
		struct cue_requester asker;
		ck_assert_int_eq(cue_grant_fds(made, false, granted), 0);
		fault_at(n);
		rc = cue_requester_init(&asker, granted);
		fault_off();
		ck_assert_int_eq(rc, n < 3 ? -ENOMEM : 0);
		cue_requester_finish(&asker);
	}
	fault_at(1);
	int granted[CUE_FDS];
	ck_assert_int_lt(cue_grant_fds(made, true, granted), 0);
	fault_off();
	fd_close(&made[0]);
	fd_close(&made[1]);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core cue");
	TCase *tcase = suite_case(suite, "cues");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_cue_is_asked_for_begun_and_heard);
	tcase_add_test(tcase, in_the_order_they_were_asked_for);
	tcase_add_test(tcase, more_than_can_be_pending);
	tcase_add_loop_test(tcase, what_is_no_chime_is_refused, 0, ARRAY_LEN(unknown));
	tcase_add_test(tcase, a_page_that_makes_no_sense);
	tcase_add_test(tcase, successors_go_on);
	tcase_add_test(tcase, the_other_page_is_read_only);
	tcase_add_test(tcase, two_threads);
	tcase_add_test(tcase, inits_fail_clean);
	return suite;
}
