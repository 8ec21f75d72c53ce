#include "service/keeper_watch.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "core/fd.h"
#include "core/macros.h"
#include "core/sample_link.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

#define NEVER 0
#define LOOKS 100

static struct config config;
static struct store store;
static struct watch watch;
/* what the processes write */
static struct link_page_header *frame[2], *sample[2]; /* enum link_side */
static struct output_memory_page *output;

static void *map(int fd) {
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(page, MAP_FAILED);
	return page;
}

/* A guest with everything, and an output. */
static void make(void) {
	config = (struct config) { .guests_len = 1, .outputs_len = 1 };
	store = (struct store) { .config = &config };
	struct store_guest *guest = &store.guests[0];
	ck_assert_int_eq(frame_link_create_fds("test", 4096, guest->frame_link), 0);
	ck_assert_int_eq(sample_link_create_fds("test", guest->sample_link), 0);
	store.output[0] = output_memory_create_fd("test", 8, 8);
	ck_assert_int_ge(store.output[0], 0);
	for (int side = 0; side < 2; side++) {
		int fd = LINK_PRODUCER_PAGE + side;
		frame[side] = map(guest->frame_link[fd]);
		sample[side] = map(guest->sample_link[fd]);
	}
	output = map(store.output[0]);
}

static void unmake(void) {
	for (int side = 0; side < 2; side++) {
		munmap(frame[side], 4096);
		munmap(sample[side], 4096);
	}
	munmap(output, 4096);
	link_close_fds(store.guests[0].frame_link);
	link_close_fds(store.guests[0].sample_link);
	fd_close(&store.output[0]);
}

static int init(enum child_role role) {
	const struct child child = { .role = role };
	return watch_init(&watch, &child, &store);
}

static void expect_nothing_mapped(void) {
	ck_assert_ptr_null(watch.producer);
	ck_assert_ptr_null(watch.consumer);
	ck_assert_ptr_null(watch.output);
}

static const struct {
	const char *name;
	enum link_peer peer;
	unsigned due_every;      /* looks: a tick comes; 0: never */
	unsigned answered_every; /* looks: the newest is echoed; 0: never */
	unsigned result;         /* the look that finds it silent */
} endpoints[] = {
	{ "answers", LINK_PEER_RUNNING, 1, 1, NEVER },
	{ "silent", LINK_PEER_RUNNING, 1, 0, WATCH_LOOKS },
	{ "silent without a driver", LINK_PEER_CONNECTED, 1, 0, WATCH_LOOKS },
	{ "silent without a VMM", LINK_PEER_ABSENT, 1, 0, NEVER },
	{ "nothing to answer", LINK_PEER_RUNNING, 0, 0, NEVER },
	{ "slow, but in time", LINK_PEER_RUNNING, 1, WATCH_LOOKS, NEVER },
	{ "too slow", LINK_PEER_RUNNING, 1, WATCH_LOOKS + 1, WATCH_LOOKS },
	{ "silent, few ticks", LINK_PEER_RUNNING, 3, 0, 3 * WATCH_LOOKS },
	{ "answers, few ticks", LINK_PEER_RUNNING, 30, 30, NEVER },
};

/* The look that finds it silent, after what the row says happened before each. */
static unsigned look_at_endpoint(struct link_page_header *const link[2], int row) {
	for (unsigned n = 1; n <= LOOKS; n++) {
		if (endpoints[row].due_every > 0 && n % endpoints[row].due_every == 0) {
			link[LINK_CONSUMER]->tick += 60;
		}
		if (endpoints[row].answered_every > 0 && n % endpoints[row].answered_every == 0) {
			link[LINK_PRODUCER]->tick = link[LINK_CONSUMER]->tick;
		}
		if (watch_look(&watch)) {
			return n;
		}
	}
	return NEVER;
}

START_TEST(endpoints_must_echo) {
	static const enum child_role roles[] = { CHILD_GPU, CHILD_SOUND };
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		make();
		struct link_page_header *const *link = roles[i] == CHILD_GPU ? frame : sample;
		link[LINK_PRODUCER]->peer = endpoints[_i].peer;
		ck_assert_int_eq(init(roles[i]), 0);
		unsigned found = look_at_endpoint(link, _i);
		ck_assert_msg(
			found == endpoints[_i].result, "%s: at look %u", endpoints[_i].name, found);
		watch_finish(&watch);
		expect_nothing_mapped();
		unmake();
	}
}
END_TEST

START_TEST(a_vmm_that_leaves_starts_it_anew) {
	make();
	frame[LINK_PRODUCER]->peer = LINK_PEER_RUNNING;
	ck_assert_int_eq(init(CHILD_GPU), 0);
	for (unsigned n = 1; n < WATCH_LOOKS; n++) {
		frame[LINK_CONSUMER]->tick++;
		ck_assert(!watch_look(&watch));
	}
	frame[LINK_PRODUCER]->peer = LINK_PEER_ABSENT;
	frame[LINK_CONSUMER]->tick++;
	ck_assert(!watch_look(&watch));
	frame[LINK_PRODUCER]->peer = LINK_PEER_CONNECTED;
	ck_assert_uint_eq(look_at_endpoint(frame, 1), WATCH_LOOKS);
	watch_finish(&watch);
	unmake();
}
END_TEST

static const struct {
	const char *name;
	enum child_role role;
	uint32_t clock; /* of the output */
	bool wait_streams, has_sound;
	unsigned counts_every; /* looks; 0: never */
	unsigned result;
} clocks[] = {
	{ "compositor ticks", CHILD_COMPOSITOR, TICKER_REAL, false, true, 1, NEVER },
	{ "compositor stuck", CHILD_COMPOSITOR, TICKER_REAL, false, true, 0, WATCH_LOOKS },
	{ "compositor slow", CHILD_COMPOSITOR, TICKER_REAL, false, true, WATCH_LOOKS, NEVER },
	{ "compositor stepped", CHILD_COMPOSITOR, TICKER_STEP, false, true, 0, NEVER },
	{ "compositor on demand", CHILD_COMPOSITOR, TICKER_IMMEDIATE, false, true, 0, NEVER },
	{ "mixer counts", CHILD_MIXER, TICKER_STEP, false, true, 1, NEVER },
	{ "mixer stuck", CHILD_MIXER, TICKER_STEP, false, true, 0, WATCH_LOOKS },
	{ "mixer slow", CHILD_MIXER, TICKER_STEP, false, true, WATCH_LOOKS, NEVER },
	{ "mixer waits", CHILD_MIXER, TICKER_REAL, true, true, 0, NEVER },
	{ "mixer without guests", CHILD_MIXER, TICKER_REAL, false, false, 0, NEVER },
};

static unsigned look_at_clock(unsigned counts_every) {
	for (unsigned n = 1; n <= LOOKS; n++) {
		if (counts_every > 0 && n % counts_every == 0) {
			output->tick++;
			sample[LINK_CONSUMER]->tick++;
		}
		if (watch_look(&watch)) {
			return n;
		}
	}
	return NEVER;
}

START_TEST(clocks_must_run) {
	make();
	config.outputs[0].clock = clocks[_i].clock;
	config.mixer.wait_streams = clocks[_i].wait_streams;
	if (!clocks[_i].has_sound) {
		link_close_fds(store.guests[0].sample_link);
	}
	ck_assert_int_eq(init(clocks[_i].role), 0);
	unsigned found = look_at_clock(clocks[_i].counts_every);
	ck_assert_msg(found == clocks[_i].result, "%s: at look %u", clocks[_i].name, found);
	watch_finish(&watch);
	expect_nothing_mapped();
	unmake();
}
END_TEST

START_TEST(a_new_process_has_all_the_time_again) {
	make();
	config.outputs[0].clock = TICKER_REAL;
	ck_assert_int_eq(init(CHILD_COMPOSITOR), 0);
	ck_assert_uint_eq(look_at_clock(0), WATCH_LOOKS);
	ck_assert(watch_look(&watch)); /* and stays silent */
	watch_reset(&watch);
	ck_assert_uint_eq(look_at_clock(0), WATCH_LOOKS);
	watch_finish(&watch);
	unmake();
}
END_TEST

static const enum child_role all_roles[] = { CHILD_COMPOSITOR, CHILD_MIXER, CHILD_GPU,
	CHILD_SOUND };

START_TEST(every_mapping_may_fail) {
	make();
	config.outputs[0].clock = TICKER_REAL;
	bool is_link = all_roles[_i] == CHILD_GPU || all_roles[_i] == CHILD_SOUND;
	unsigned n = 1;
	for (; fault_at(n), init(all_roles[_i]) != 0; n++) {
		ck_assert(fault_hit());
		fault_off();
		expect_nothing_mapped();
	}
	fault_off();
	ck_assert_uint_eq(n - 1, is_link ? 2 : 1);
	watch_finish(&watch);
	unmake();
}
END_TEST

START_TEST(says_what_cannot_be_mapped) {
	make();
	fd_close(&store.guests[0].frame_link[LINK_CONSUMER_PAGE]);
	ck_assert_int_eq(init(CHILD_GPU), -EBADF);
	expect_nothing_mapped();
	unmake();
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("service keeper_watch");
	TCase *silence = suite_case(suite, "silence");
	tcase_add_loop_test(silence, endpoints_must_echo, 0, ARRAY_LEN(endpoints));
	tcase_add_test(silence, a_vmm_that_leaves_starts_it_anew);
	tcase_add_loop_test(silence, clocks_must_run, 0, ARRAY_LEN(clocks));
	tcase_add_test(silence, a_new_process_has_all_the_time_again);
	TCase *mapping = suite_case(suite, "mapping");
	tcase_add_loop_test(mapping, every_mapping_may_fail, 0, ARRAY_LEN(all_roles));
	tcase_add_test(mapping, says_what_cannot_be_mapped);
	return suite;
}
