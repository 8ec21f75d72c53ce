#include "protocol/vhost_hangup.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/fd.h"
#include "tests/suite.h"

#define LONG_MS 60000

static int sockets[2]; /* ours, the VMM's */
static int told;       /* eventfd */
static struct vhost_hangup hangup;

static void handle(void *data) {
	ck_assert_ptr_eq(data, &told);
	ck_assert_int_eq(eventfd_write(told, 1), 0);
}

static void setup(void) {
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	told = eventfd(0, EFD_CLOEXEC); /* blocking */
	ck_assert_int_ge(told, 0);
}

static void teardown(void) {
	vhost_hangup_stop(&hangup);
	fd_close(&sockets[0]);
	fd_close(&sockets[1]);
	fd_close(&told);
}

static void start(int patience_ms) {
	ck_assert_int_eq(vhost_hangup_start(&hangup, sockets[0], patience_ms, handle, &told), 0);
}

/* Waits for the first. */
static uint64_t take_told(void) {
	eventfd_t count = 0;
	ck_assert_int_eq(eventfd_read(told, &count), 0);
	return count;
}

/* Without waiting. */
static bool is_told(void) {
	eventfd_t count = 0;
	ck_assert_int_eq(eventfd_write(told, 1), 0);
	ck_assert_int_eq(eventfd_read(told, &count), 0);
	return count > 1;
}

START_TEST(tells_once) {
	start(LONG_MS);
	fd_close(&sockets[1]);
	ck_assert_uint_eq(take_told(), 1);
	vhost_hangup_stop(&hangup);
	ck_assert(!is_told());
}
END_TEST

START_TEST(tells_what_was_before_it) {
	ck_assert_int_eq(send(sockets[1], "unread", 6, 0), 6);
	fd_close(&sockets[1]);
	start(LONG_MS);
	ck_assert_uint_eq(take_told(), 1);
}
END_TEST

/* Bytes and a direction that ends are for the session. */
START_TEST(tells_nothing_else) {
	start(LONG_MS);
	ck_assert_int_eq(send(sockets[1], "unread", 6, 0), 6);
	ck_assert_int_eq(shutdown(sockets[1], SHUT_WR), 0);
	vhost_hangup_stop(&hangup);
	ck_assert(!is_told());
	vhost_hangup_stop(&hangup);
}
END_TEST

START_TEST(is_prompt_where_it_may) {
	const struct sched_param usual = { 0 }, wanted = { .sched_priority = 20 };
	bool may = sched_setscheduler(0, SCHED_FIFO, &wanted) == 0;
	ck_assert(!may || sched_setscheduler(0, SCHED_OTHER, &usual) == 0);
	start(LONG_MS);
	int policy;
	struct sched_param parameter;
	ck_assert_int_eq(pthread_getschedparam(hangup.thread, &policy, &parameter), 0);
	ck_assert_int_eq(policy, may ? SCHED_FIFO : SCHED_OTHER);
}
END_TEST

/* Nobody else would find an owner that does not notice. */
START_TEST(a_stuck_owner_is_aborted) {
	pid_t pid = fork();
	if (pid == 0) {
		const struct rlimit no_core = { 0 };
		(void)setrlimit(RLIMIT_CORE, &no_core);
		fd_close(&sockets[1]);
		start(1);
		for (;;) {
			pause();
		}
	}
	fd_close(&sockets[1]);
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGABRT);
	ck_assert(is_told());
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("hang-up");
	TCase *tcase = suite_case(suite, "hangup");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, tells_once);
	tcase_add_test(tcase, tells_what_was_before_it);
	tcase_add_test(tcase, tells_nothing_else);
	tcase_add_test(tcase, is_prompt_where_it_may);
	tcase_add_test(tcase, a_stuck_owner_is_aborted);
	return suite;
}
