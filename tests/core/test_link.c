#include "core/link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

#define MAGIC 0x12345678u
#define PAGE fd_round_to_page(1)
#define NOBODY 65534

static int fds[LINK_FDS];

static void create_fds(void) {
	ck_assert_int_eq(link_create_fds("test", 4 * PAGE, PAGE, 2 * PAGE, fds), 0);
}

static void close_fds(void) {
	link_close_fds(fds);
}

static int map_side(struct link *link, enum link_side side) {
	int granted[LINK_FDS];
	ck_assert_int_eq(link_grant_fds(fds, side, granted), 0);
	int rc = link_map(link, side, MAGIC, granted, PAGE, 2 * PAGE);
	for (int i = 0; i < LINK_FDS; i++) {
		ck_assert_int_eq(granted[i], -1);
	}
	return rc;
}

static void map_both(struct link *producer, struct link *consumer) {
	ck_assert_int_eq(map_side(consumer, LINK_CONSUMER), 0);
	ck_assert_int_eq(map_side(producer, LINK_PRODUCER), 0);
}

START_TEST(both_sides_see_the_same) {
	struct link producer, consumer;
	map_both(&producer, &consumer);
	ck_assert_uint_eq(producer.pool_bytes, 4 * PAGE);
	ck_assert_uint_eq(consumer.consumer_page_bytes, 2 * PAGE);
	memset(producer.pool, 0x5a, producer.pool_bytes);
	ck_assert_int_eq(((const uint8_t *)consumer.pool)[4 * PAGE - 1], 0x5a);
	link_unmap(&producer);
	link_unmap(&producer); /* nothing left: nothing happens */
	link_unmap(&consumer);
}
END_TEST

START_TEST(state_crosses) {
	struct link producer, consumer;
	map_both(&producer, &consumer);
	ck_assert_int_eq(link_get_peer(&consumer), LINK_PEER_ABSENT);
	link_set_peer(&producer, LINK_PEER_RUNNING);
	ck_assert(link_event_take(consumer.producer_event));
	ck_assert_int_eq(link_get_peer(&consumer), LINK_PEER_RUNNING);
	link_count_reset(&producer);
	ck_assert(link_event_take(consumer.producer_event));
	ck_assert_uint_eq(link_resets(&consumer), 1);

	ck_assert(!link_event_take(consumer.producer_event));

	link_tick(&consumer, 7);
	ck_assert_uint_eq(link_echoed(&consumer), 0);
	ck_assert_int_eq(fd_wait_readable(producer.consumer_event, 0), 1);
	ck_assert_uint_eq(link_echo(&producer), 7);
	ck_assert_int_eq(fd_wait_readable(producer.consumer_event, 0), 0);
	ck_assert_uint_eq(link_echoed(&consumer), 7);
	link_unmap(&producer);
	link_unmap(&consumer);
}
END_TEST

/* Whatever the waiting side does to what it has, the signaller does not wait, and its successor is woken. */
START_TEST(signals_never_wait) {
	struct link producer, consumer;
	map_both(&producer, &consumer);
	uint64_t full = UINT64_MAX - 1;
	int event = producer.consumer_event;
	ck_assert_int_lt(write(event, &full, sizeof(full)), 0);
	ck_assert_int_lt(read(event, &full, sizeof(full)), 0);
	(void)fcntl(event, F_SETFL, 0);
	ck_assert_int_ne(fcntl(consumer.consumer_event, F_GETFL) & O_NONBLOCK, 0);
	for (uint64_t tick = 1; tick < 5; tick++) {
		link_tick(&consumer, tick);
	}
	ck_assert_int_eq(fd_wait_readable(event, 0), 1);
	ck_assert(link_event_take(event));
	ck_assert(!link_event_take(event)); /* however often it was signalled */

	/* one that was signalled before it was waited for */
	link_tick(&consumer, 5);
	link_unmap(&producer);
	ck_assert_int_eq(map_side(&producer, LINK_PRODUCER), 0);
	ck_assert_int_eq(fd_wait_readable(producer.consumer_event, 0), 1);
	ck_assert_uint_eq(link_echo(&producer), 5);
	ck_assert_int_eq(fd_wait_readable(producer.consumer_event, 0), 0);
	link_tick(&consumer, 6);
	ck_assert_uint_eq(link_echo(&producer), 6);
	link_unmap(&producer);
	link_unmap(&consumer);
}
END_TEST

/* What a producer that was taken over left of its event is not its successor's. */
START_TEST(a_spoilt_event_is_mended) {
	struct link producer, consumer;
	map_both(&producer, &consumer);
	uint64_t most = UINT64_MAX - 2;
	(void)link_event_take(consumer.producer_event);
	ck_assert_int_eq(fcntl(producer.producer_event, F_SETFL, 0), 0);
	ck_assert_int_eq(
		(int)write(producer.producer_event, &most, sizeof(most)), (int)sizeof(most));
	link_unmap(&producer);
	ck_assert_int_eq(link_mend_page(fds, LINK_PRODUCER, MAGIC), 0);
	(void)link_event_take(consumer.producer_event);

	ck_assert_int_eq(map_side(&producer, LINK_PRODUCER), 0);
	ck_assert_int_ne(fcntl(producer.producer_event, F_GETFL) & O_NONBLOCK, 0);
	for (unsigned i = 0; i < 4; i++) {
		link_set_peer(&producer, LINK_PEER_CONNECTED); /* would wait */
		ck_assert(link_event_take(consumer.producer_event));
	}
	link_unmap(&producer);
	link_unmap(&consumer);
}
END_TEST

START_TEST(garbage_from_the_producer) {
	struct link producer, consumer;
	map_both(&producer, &consumer);
	struct link_page_header *header = producer.producer_page;
	atomic_store(&header->peer, 3);
	ck_assert_int_eq(link_get_peer(&consumer), LINK_PEER_ABSENT);
	atomic_store(&header->peer, UINT32_MAX);
	ck_assert_int_eq(link_get_peer(&consumer), LINK_PEER_ABSENT);
	link_tick(&consumer, 5);
	atomic_store(&header->tick, UINT64_MAX); /* says it saw what never was */
	ck_assert_uint_eq(link_echoed(&consumer), 5);
	link_unmap(&producer);
	link_unmap(&consumer);
}
END_TEST

START_TEST(a_successor_takes_over) {
	struct link producer, consumer;
	map_both(&producer, &consumer);
	ck_assert_uint_eq(link_generation(&consumer), 1);
	link_set_peer(&producer, LINK_PEER_RUNNING);
	link_count_reset(&producer);
	link_unmap(&producer); /* as if it died: it says nothing more */
	ck_assert_int_eq(link_get_peer(&consumer), LINK_PEER_RUNNING);

	ck_assert_int_eq(map_side(&producer, LINK_PRODUCER), 0);
	ck_assert_uint_eq(link_generation(&consumer), 2);
	ck_assert_int_eq(link_get_peer(&consumer), LINK_PEER_ABSENT);
	ck_assert_uint_eq(link_resets(&consumer), 1);
	ck_assert_uint_eq(link_generation(&producer), 1);
	link_unmap(&consumer);
	ck_assert_int_eq(map_side(&consumer, LINK_CONSUMER), 0);
	ck_assert_uint_eq(link_generation(&producer), 2);
	link_unmap(&producer);
	link_unmap(&consumer);
}
END_TEST

/* What each side may write; tried in a process without this one's rights over files. */
static const bool may_write[2][LINK_FDS] = {
	[LINK_PRODUCER] = { [LINK_POOL] = true, [LINK_PRODUCER_PAGE] = true },
	[LINK_CONSUMER] = { [LINK_CONSUMER_PAGE] = true },
};

static int try_side(const int granted[LINK_FDS], enum link_side side) {
	if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) != 0) {
		return 10;
	}
	prctl(PR_SET_DUMPABLE, 1); /* /proc/self is its own again */
	for (int i = LINK_POOL; i <= LINK_CONSUMER_PAGE; i++) {
		void *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, granted[i], 0);
		if ((memory != MAP_FAILED) != may_write[side][i]) {
			return i + 1;
		}
		if (!may_write[side][i] && fcntl(granted[i], F_ADD_SEALS, F_SEAL_WRITE) == 0) {
			return i + 4;
		}
	}
	return 0;
}

/* What a dying producer wrote last must not keep its successors away for ever. */
START_TEST(a_spoilt_name_is_taken_off) {
	struct link producer, consumer;
	map_both(&producer, &consumer);
	ck_assert_int_eq(link_mend_page(fds, LINK_PRODUCER, MAGIC), 0);
	struct link_page_header *header = producer.producer_page;
	header->magic = 7;
	link_unmap(&producer);
	ck_assert_int_eq(map_side(&producer, LINK_PRODUCER), -EINVAL);
	ck_assert_int_eq(link_mend_page(fds, LINK_PRODUCER, MAGIC), 1);
	ck_assert_int_eq(link_mend_page(fds, LINK_PRODUCER, MAGIC), 0);
	ck_assert_int_eq(map_side(&producer, LINK_PRODUCER), 0);
	/* the consumer sees it as one more successor */
	ck_assert_uint_eq(link_generation(&consumer), 2);
	header = producer.producer_page;
	header->page_bytes++;
	link_unmap(&producer);
	ck_assert_int_eq(link_mend_page(fds, LINK_PRODUCER, MAGIC), 1);
	ck_assert_int_eq(link_mend_page(fds, LINK_CONSUMER, MAGIC), 0);
	link_unmap(&consumer);
	const int none[LINK_FDS] = { -1, -1, -1, -1, -1 };
	ck_assert_int_lt(link_mend_page(none, LINK_PRODUCER, MAGIC), 0);
}
END_TEST

START_TEST(a_dead_producer_has_no_guest) {
	struct link producer, consumer;
	map_both(&producer, &consumer);
	link_set_peer(&producer, LINK_PEER_RUNNING);
	link_unmap(&producer);
	ck_assert_int_eq(link_get_peer(&consumer), LINK_PEER_RUNNING); /* nobody took it back */
	ck_assert_int_eq(link_end_peer(fds), 0);
	ck_assert_int_eq(link_get_peer(&consumer), LINK_PEER_ABSENT);
	ck_assert_uint_eq(link_generation(&consumer), 1);
	link_unmap(&consumer);
	const int none[LINK_FDS] = { -1, -1, -1, -1, -1 };
	ck_assert_int_lt(link_end_peer(none), 0);
}
END_TEST

START_TEST(grants_are_what_a_side_may_have) {
	enum link_side side = (enum link_side)_i;
	int granted[LINK_FDS];
	ck_assert_int_eq(link_grant_fds(fds, side, granted), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		_exit(try_side(granted, side));
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	link_close_fds(granted);
}
END_TEST

/* Descriptors that do not make this side's link; the suite counts what is left open. */
enum wrong { WRONG_SIDE, SWAPPED, SHORT_PAGE, UNSEALED_POOL, MISSING, OTHER_LINK };
static const struct {
	const char *name;
	enum wrong wrong;
	int error;
} wrongs[] = {
	{ "the other side's grant", WRONG_SIDE, EACCES },
	{ "page and event swapped", SWAPPED, EINVAL },
	{ "a page too short", SHORT_PAGE, EINVAL },
	{ "a pool that can shrink", UNSEALED_POOL, EPERM },
	{ "no page", MISSING, EBADF },
	{ "another kind of link's page", OTHER_LINK, EINVAL },
};

static void make_wrong(enum wrong wrong, int granted[LINK_FDS]) {
	enum link_side side = wrong == WRONG_SIDE ? LINK_CONSUMER : LINK_PRODUCER;
	ck_assert_int_eq(link_grant_fds(fds, side, granted), 0);
	int swap = granted[LINK_PRODUCER_PAGE];
	switch (wrong) {
	case WRONG_SIDE:
		break;
	case SWAPPED:
		granted[LINK_PRODUCER_PAGE] = granted[LINK_PRODUCER_EVENT];
		granted[LINK_PRODUCER_EVENT] = swap;
		break;
	case SHORT_PAGE:
		granted[LINK_PRODUCER_PAGE] = granted[LINK_CONSUMER_PAGE];
		granted[LINK_CONSUMER_PAGE] = swap; /* one page where two are due */
		break;
	case UNSEALED_POOL:
		fd_close(&granted[LINK_POOL]);
		granted[LINK_POOL] = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		ck_assert_int_eq(ftruncate(granted[LINK_POOL], (off_t)PAGE), 0);
		break;
	case MISSING:
		fd_close(&granted[LINK_CONSUMER_PAGE]);
		break;
	case OTHER_LINK:
		ck_assert_int_eq(pwrite(fds[LINK_PRODUCER_PAGE], &(uint32_t) { MAGIC + 1 },
					 sizeof(uint32_t), 0),
			sizeof(uint32_t));
		break;
	}
}

START_TEST(wrong_descriptors) {
	int granted[LINK_FDS];
	make_wrong(wrongs[_i].wrong, granted);
	struct link link;
	int rc = link_map(&link, LINK_PRODUCER, MAGIC, granted, PAGE, 2 * PAGE);
	if (wrongs[_i].wrong == SHORT_PAGE) {
		ck_assert_int_lt(rc, 0); /* by length or by access, whichever is found first */
	} else {
		ck_assert_msg(rc == -wrongs[_i].error, "%s: %d", wrongs[_i].name, rc);
	}
	ck_assert_ptr_null(link.pool);
	ck_assert_int_eq(granted[LINK_POOL], -1);
}
END_TEST

START_TEST(creates_fail_clean) {
	int made[LINK_FDS], granted[LINK_FDS];
	unsigned n = 1;
	for (; fault_at(n), link_create_fds("test", PAGE, PAGE, PAGE, made) < 0; n++) {
		ck_assert(fault_hit());
		ck_assert_int_eq(made[LINK_POOL], -1);
	}
	ck_assert_uint_eq(n, LINK_FDS + 1);
	for (n = 1; fault_at(n), link_grant_fds(made, LINK_PRODUCER, granted) < 0; n++) {
		ck_assert(fault_hit());
	}
	fault_off();
	link_close_fds(granted);
	struct link link;
	for (n = 1;; n++) {
		ck_assert_int_eq(link_grant_fds(made, LINK_PRODUCER, granted), 0);
		fault_at(n);
		if (link_map(&link, LINK_PRODUCER, MAGIC, granted, PAGE, PAGE) == 0) {
			break;
		}
		ck_assert(fault_hit());
		fault_off();
	}
	fault_off();
	ck_assert_uint_eq(n, 4);
	ck_assert_int_eq(link_create_fds("test", PAGE + 1, PAGE, PAGE, granted), -EINVAL);
	link_unmap(&link);
	link_close_fds(made);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core link");
	TCase *tcase = suite_case(suite, "link");
	tcase_add_checked_fixture(tcase, create_fds, close_fds);
	tcase_add_test(tcase, both_sides_see_the_same);
	tcase_add_test(tcase, state_crosses);
	tcase_add_test(tcase, signals_never_wait);
	tcase_add_test(tcase, a_spoilt_event_is_mended);
	tcase_add_test(tcase, garbage_from_the_producer);
	tcase_add_test(tcase, a_successor_takes_over);
	tcase_add_test(tcase, a_spoilt_name_is_taken_off);
	tcase_add_test(tcase, a_dead_producer_has_no_guest);
	tcase_add_loop_test(tcase, grants_are_what_a_side_may_have, 0, 2);
	tcase_add_loop_test(tcase, wrong_descriptors, 0, ARRAY_LEN(wrongs));
	tcase_add_test(tcase, creates_fail_clean);
	return suite;
}
