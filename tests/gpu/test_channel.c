#include "gpu/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

#define ROUNDS_MAX 20000 /* hang guard: each waits for a millisecond when nothing happens */
#define ANSWERS_BYTES 8192

static char directory[] = "/tmp/fascia-test-XXXXXX";
static char path[64];
static int link_fds[LINK_FDS];
static struct frame_link producer, consumer;
static struct loop *loop;
static struct stats stats;
static struct channel channel;
static uint64_t time_ns;

static uint64_t now_ns(void *data) {
	return time_ns;
}

static void open_side(struct frame_link *link, enum link_side side) {
	int granted[LINK_FDS];
	ck_assert_int_eq(link_grant_fds(link_fds, side, granted), 0);
	ck_assert_int_eq(frame_link_init(link, side, granted), 0);
}

/* Its n-th request for memory or a descriptor fails; 0: none does. */
static int open_channel_with_fault(unsigned n) {
	const struct channel_setup setup = {
		.loop = loop,
		.listener = fd_listen_unix(path, SOCK_STREAM),
		.link = &producer,
		.stats = &stats,
		.relisten_ns = 1,
		.now_ns = now_ns,
	};
	ck_assert_int_ge(setup.listener, 0);
	fault_at(n);
	int rc = channel_init(&channel, &setup);
	fault_off();
	return rc;
}

static int open_channel(void) {
	return open_channel_with_fault(0);
}

static void setup(void) {
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/channel", directory);
	ck_assert_int_eq(frame_link_create_fds("test", fd_round_to_page(1), link_fds), 0);
	open_side(&consumer, LINK_CONSUMER);
	open_side(&producer, LINK_PRODUCER);
	loop = loop_create();
	ck_assert_ptr_nonnull(loop);
	ck_assert_int_eq(stats_init(&stats, -1, "test"), 0);
	time_ns = NS_PER_S;
	ck_assert_int_eq(open_channel(), 0);
}

static void teardown(void) {
	channel_finish(&channel);
	stats_finish(&stats);
	loop_destroy(loop);
	frame_link_finish(&producer);
	frame_link_finish(&consumer);
	link_close_fds(link_fds);
	unlink(path);
	rmdir(directory);
}

static uint64_t stat(const char *name) {
	uint64_t value = 0;
	ck_assert_msg(stats_read_value(stats.page, name, &value), "%s", name);
	return value;
}

/* ---- a guest ---- */

static int connect_guest(void) {
	int guest = fd_connect_unix(path, SOCK_STREAM);
	ck_assert_int_ge(guest, 0);
	return guest;
}

static void say(int guest, const void *bytes, size_t len) {
	ck_assert_int_eq(send(guest, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* Serves until this is what was answered, or, with `ends`, until the host hung up after it. */
static void expect_answers(int guest, const char *expected, bool ends) {
	static char answers[ANSWERS_BYTES];
	size_t len = 0;
	for (int i = 0; i < ROUNDS_MAX; i++) {
		loop_dispatch(loop, 1);
		ssize_t got = recv(guest, answers + len, sizeof(answers) - 1 - len, MSG_DONTWAIT);
		if (got > 0) {
			len += (size_t)got;
		}
		answers[len] = '\0';
		/* what it did not read any more may show as a reset */
		bool ended = got == 0 || (got < 0 && errno == ECONNRESET);
		if (ended || (!ends && strcmp(answers, expected) == 0)) {
			ck_assert_int_eq(ended, ends);
			break;
		}
	}
	ck_assert_str_eq(answers, expected);
}

static void say_and_expect(int guest, const char *line, const char *expected) {
	say(guest, line, strlen(line));
	expect_answers(guest, expected, false);
}

static void expect_heartbeat(uint64_t count, uint64_t number) {
	uint64_t got_count = 0, got_number = 0;
	ck_assert(frame_link_heartbeat(&consumer, &got_count, &got_number));
	ck_assert_uint_eq(got_count, count);
	ck_assert_uint_eq(got_number, number);
}

/* ---- ordinary life ---- */

START_TEST(heartbeats_reach_the_link) {
	int guest = connect_guest();
	say_and_expect(guest, "hello cluster\nheartbeat 7\n", "ok\nok\n");
	expect_heartbeat(1, 7);
	say_and_expect(guest, "heartbeat 7\nheartbeat 8\n", "ok\nok\n");
	expect_heartbeat(3, 8);
	say_and_expect(guest, "focus gain\nfocus loss\n", "ok\nok\n");
	ck_assert_uint_eq(stat("channel.connections"), 1);
	ck_assert_uint_eq(stat("channel.heartbeats"), 3);
	ck_assert_uint_eq(stat("channel.heartbeat_number"), 8);
	ck_assert_uint_eq(stat("channel.focus_requests"), 2);
	ck_assert_uint_eq(stat("channel.errors"), 0);
	fd_close(&guest);
}
END_TEST

START_TEST(pieces_of_lines) {
	int guest = connect_guest();
	say_and_expect(guest, "heart", "");
	say_and_expect(guest, "beat 1", "");
	say_and_expect(guest, "2\nheartb", "ok\n");
	expect_heartbeat(1, 12);
	fd_close(&guest);
}
END_TEST

START_TEST(lines_that_are_not_understood) {
	int guest = connect_guest();
	say_and_expect(guest, "reboot\nheartbeat x\nheartbeat 3\n",
		"error unknown command\nerror bad value\nok\n");
	expect_heartbeat(1, 3);
	ck_assert_uint_eq(stat("channel.errors"), 2);
	fd_close(&guest);
}
END_TEST

/* Who comes meanwhile waits, and is served when the first one is gone; half a line of it is forgotten. */
START_TEST(one_at_a_time) {
	int first = connect_guest();
	say_and_expect(first, "heartbeat 1\nheart", "ok\n");
	int second = connect_guest();
	say(second, "heartbeat 2\n", 12);
	for (int i = 0; i < 10; i++) {
		loop_dispatch(loop, 1);
	}
	expect_heartbeat(1, 1);
	fd_close(&first);
	expect_answers(second, "ok\n", false);
	expect_heartbeat(2, 2);
	ck_assert_uint_eq(stat("channel.connections"), 2);
	fd_close(&second);
}
END_TEST

START_TEST(a_successor_counts_on) {
	int guest = connect_guest();
	say_and_expect(guest, "heartbeat 1\nheartbeat 2\n", "ok\nok\n");
	channel_finish(&channel);
	fd_close(&guest);
	frame_link_finish(&producer);
	open_side(&producer, LINK_PRODUCER);
	ck_assert_int_eq(open_channel(), 0);
	guest = connect_guest();
	say_and_expect(guest, "heartbeat 3\n", "ok\n");
	expect_heartbeat(3, 3);

	/* whatever a predecessor left there */
	struct frame_producer_page *page = producer.link.producer_page;
	atomic_store(&page->heartbeat_lock, UINT64_MAX - 1);
	channel_finish(&channel);
	fd_close(&guest);
	ck_assert_int_eq(open_channel(), 0);
	guest = connect_guest();
	say_and_expect(guest, "heartbeat 4\n", "ok\n");
	uint64_t count, number;
	ck_assert(frame_link_heartbeat(&consumer, &count, &number));
	ck_assert_uint_eq(number, 4);
	fd_close(&guest);
}
END_TEST

/* ---- hostile guests ---- */

#define AAAA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct attack {
	const char *name, *bytes;
	size_t len;
	const char *answers;
} attacks[] = {
	{ "a NUL", "heartbeat 1\0\n", 13, "error not text\n" },
	{ "a byte that is no text", "ok\n\xff", 4, "error unknown command\nerror not text\n" },
	{ "a carriage return", "heartbeat 1\r\n", 13, "error not text\n" },
	{ "a line that is too long", AAAA AAAA AAAA AAAA "\n", 161, "error line too long\n" },
	{ "no line at all", AAAA AAAA AAAA AAAA, 160, "error line too long\n" },
};

START_TEST(violations_end_the_connection) {
	const struct attack *row = &attacks[_i];
	int guest = connect_guest();
	say(guest, row->bytes, row->len);
	expect_answers(guest, row->answers, true);
	fd_close(&guest);
	ck_assert_msg(stat("channel.errors") >= 1, "%s", row->name);
	/* and it listens again */
	guest = connect_guest();
	say_and_expect(guest, "heartbeat 9\n", "ok\n");
	expect_heartbeat(1, 9);
	fd_close(&guest);
}
END_TEST

static void flood(int guest, unsigned lines) {
	for (unsigned i = 0; i < lines; i++) {
		say(guest, "focus gain\n", 11);
	}
}

START_TEST(floods_end_the_connection) {
	static char expected[3 * CHANNEL_LINES_PER_S + 64];
	for (unsigned i = 0; i < CHANNEL_LINES_PER_S; i++) {
		strcat(expected, "ok\n");
	}
	int guest = connect_guest();
	flood(guest, CHANNEL_LINES_PER_S);
	expect_answers(guest, expected, false);
	/* in another second it may go on */
	time_ns += NS_PER_S;
	flood(guest, CHANNEL_LINES_PER_S);
	expect_answers(guest, expected, false);
	flood(guest, 1);
	expect_answers(guest, "error too many lines\n", true);
	ck_assert_uint_eq(stat("channel.focus_requests"), 2 * CHANNEL_LINES_PER_S);
	ck_assert_uint_eq(stat("channel.errors"), 1);
	fd_close(&guest);

	/* another connection is no way around it */
	guest = connect_guest();
	flood(guest, 1);
	expect_answers(guest, "error too many lines\n", true);
	fd_close(&guest);
}
END_TEST

/* In one wake-up no more is read than the budget. */
START_TEST(wake_ups_are_short) {
	int guest = connect_guest();
	while (stat("channel.connections") == 0) {
		loop_dispatch(loop, 1);
	}
	flood(guest, 200);
	loop_dispatch(loop, 1);
	ck_assert_uint_eq(stat("channel.focus_requests"), CHANNEL_BYTES_PER_WAKE / 11);
	fd_close(&guest);
}
END_TEST

/* A guest that never reads: its answers are lost, its heartbeats are not. */
START_TEST(answers_that_nobody_reads) {
	int guest = connect_guest();
	uint64_t sent = 0;
	while (stat("channel.unanswered") == 0) {
		ck_assert_uint_lt(sent, 1000000);
		time_ns += NS_PER_S;
		for (unsigned i = 0; i < 50; i++) {
			say(guest, "heartbeat 5\n", 12);
			sent++;
		}
		while (stat("channel.heartbeats") < sent) {
			loop_dispatch(loop, 1);
		}
	}
	expect_heartbeat(sent, 5);
	fd_close(&guest);
}
END_TEST

/* The suite counts descriptors; the end of the pipe is gone with its last holder. */
START_TEST(descriptors_are_not_received) {
	int ends[2];
	char byte;
	int guest = connect_guest();
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(fd_send(guest, "heartbeat 1\n", 12, &ends[1], 1), 12);
	fd_close(&ends[1]);
	expect_answers(guest, "ok\n", false);
	expect_heartbeat(1, 1);
	ck_assert_int_eq(read(ends[0], &byte, 1), 0);
	fd_close(&ends[0]);
	fd_close(&guest);
}
END_TEST

START_TEST(it_comes_and_goes) {
	for (unsigned i = 0; i < 100; i++) {
		int guest = connect_guest();
		fd_close(&guest);
		for (int j = 0; j < ROUNDS_MAX && stat("channel.connections") == i; j++) {
			loop_dispatch(loop, 1);
		}
	}
	int guest = connect_guest();
	say_and_expect(guest, "heartbeat 1\n", "ok\n");
	fd_close(&guest);
}
END_TEST

START_TEST(inits_fail_clean) {
	channel_finish(&channel);
	unsigned n = 1;
	while (open_channel_with_fault(n) != 0) {
		channel_finish(&channel);
		n++;
		ck_assert_uint_lt(n, 100);
	}
	ck_assert_uint_gt(n, 1);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("gpu channel");
	TCase *tcase = suite_case(suite, "channel");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, heartbeats_reach_the_link);
	tcase_add_test(tcase, pieces_of_lines);
	tcase_add_test(tcase, lines_that_are_not_understood);
	tcase_add_test(tcase, one_at_a_time);
	tcase_add_test(tcase, a_successor_counts_on);
	tcase_add_loop_test(tcase, violations_end_the_connection, 0, ARRAY_LEN(attacks));
	tcase_add_test(tcase, floods_end_the_connection);
	tcase_add_test(tcase, wake_ups_are_short);
	tcase_add_test(tcase, answers_that_nobody_reads);
	tcase_add_test(tcase, descriptors_are_not_received);
	tcase_add_test(tcase, it_comes_and_goes);
	tcase_add_test(tcase, inits_fail_clean);
	return suite;
}
