#include "core/loop.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

#define FOREVER_NS (NS_PER_S * 100000)

struct probe {
	struct loop *loop;
	int fd;
	struct loop_source *source;
	int calls;
	uint32_t events;
	struct probe *victim; /* removed by the handler; may be NULL */
	struct probe *heir; /* put in its place; may be NULL */
};

static void handle_probe(void *data, uint32_t events);

static void probe_init(struct probe *probe, struct loop *loop) {
	*probe = (struct probe) { .loop = loop, .fd = fd_eventfd_create(false) };
	probe->source = loop_add(loop, probe->fd, EPOLLIN, handle_probe, probe);
	ck_assert_ptr_nonnull(probe->source);
}

static void probe_finish(struct probe *probe) {
	loop_remove(&probe->source);
	fd_close(&probe->fd);
}

static void handle_probe(void *data, uint32_t events) {
	struct probe *probe = data;
	probe->calls++;
	probe->events = events;
	fd_event_take(probe->fd);
	if (probe->victim != NULL) {
		loop_remove(&probe->victim->source);
		probe->victim = NULL;
	}
	if (probe->heir != NULL) {
		probe_init(probe->heir, probe->loop);
		probe->heir = NULL;
	}
}

START_TEST(sources_are_called) {
	struct loop *loop = loop_create();
	struct probe a, b;
	probe_init(&a, loop);
	probe_init(&b, loop);
	ck_assert_int_eq(loop_dispatch(loop, 0), 0);
	fd_event_signal(b.fd);
	ck_assert_int_eq(loop_dispatch(loop, 0), 1);
	ck_assert_int_eq(a.calls, 0);
	ck_assert_int_eq(b.calls, 1);
	ck_assert_uint_eq(b.events, EPOLLIN);
	ck_assert_int_eq(loop_modify(b.source, EPOLLOUT), 0);
	ck_assert_int_eq(loop_dispatch(loop, 0), 1);
	ck_assert_uint_eq(b.events, EPOLLOUT);
	loop_remove(&b.source);
	ck_assert_ptr_null(b.source);
	loop_remove(&b.source); /* nothing there: nothing happens */
	fd_event_signal(b.fd);
	ck_assert_int_eq(loop_dispatch(loop, 0), 0);
	probe_finish(&a);
	probe_finish(&b);
	loop_destroy(loop);
	loop_destroy(NULL);
}
END_TEST

START_TEST(hang_ups_are_told) {
	struct loop *loop = loop_create();
	int pair[2];
	ck_assert_int_eq(fd_socketpair(pair), 0);
	struct probe probe = { .loop = loop, .fd = pair[0] };
	probe.source = loop_add(loop, probe.fd, EPOLLIN, handle_probe, &probe);
	fd_close(&pair[1]);
	ck_assert_int_eq(loop_dispatch(loop, 0), 1);
	ck_assert((probe.events & EPOLLHUP) != 0);
	probe_finish(&probe);
	loop_destroy(loop);
}
END_TEST

/* Both are ready in one round and each would remove the other: only one is called. */
START_TEST(removed_while_pending) {
	struct loop *loop = loop_create();
	struct probe a, b;
	probe_init(&a, loop);
	probe_init(&b, loop);
	a.victim = &b;
	b.victim = &a;
	fd_event_signal(a.fd);
	fd_event_signal(b.fd);
	ck_assert_int_eq(loop_dispatch(loop, 0), 1);
	ck_assert_int_eq(a.calls + b.calls, 1);
	probe_finish(&a);
	probe_finish(&b);
	loop_destroy(loop);
}
END_TEST

/* The removed one's slot is taken again in the same round: its event is not the new one's. */
START_TEST(slot_reused_while_pending) {
	struct loop *loop = loop_create();
	struct probe a, b, heir = { .fd = -1 };
	probe_init(&a, loop);
	probe_init(&b, loop);
	a.victim = &b;
	b.victim = &a;
	a.heir = &heir;
	b.heir = &heir;
	fd_event_signal(a.fd);
	fd_event_signal(b.fd);
	ck_assert_int_eq(loop_dispatch(loop, 0), 1);
	ck_assert_int_eq(heir.calls, 0);
	fd_event_signal(heir.fd);
	ck_assert_int_ge(loop_dispatch(loop, 0), 1);
	ck_assert_int_eq(heir.calls, 1);
	probe_finish(&a);
	probe_finish(&b);
	probe_finish(&heir);
	loop_destroy(loop);
}
END_TEST

START_TEST(handlers_may_remove_themselves) {
	struct loop *loop = loop_create();
	struct probe a;
	probe_init(&a, loop);
	a.victim = &a;
	fd_event_signal(a.fd);
	ck_assert_int_eq(loop_dispatch(loop, 0), 1);
	fd_event_signal(a.fd);
	ck_assert_int_eq(loop_dispatch(loop, 0), 0);
	probe_finish(&a);
	loop_destroy(loop);
}
END_TEST

START_TEST(slots_end) {
	struct loop *loop = loop_create();
	static struct probe probes[LOOP_SOURCES_MAX];
	size_t len = 0;
	for (; len < LOOP_SOURCES_MAX; len++) {
		probes[len] = (struct probe) { .loop = loop, .fd = fd_eventfd_create(false) };
		probes[len].source =
			loop_add(loop, probes[len].fd, EPOLLIN, handle_probe, &probes[len]);
		if (probes[len].source == NULL) {
			break;
		}
	}
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_uint_ge(len, LOOP_SOURCES_MAX - 2);
	ck_assert_uint_lt(len, LOOP_SOURCES_MAX);
	for (size_t i = 0; i <= len; i++) {
		probe_finish(&probes[i]);
	}
	probe_init(&probes[0], loop);
	probe_finish(&probes[0]);
	loop_destroy(loop);
}
END_TEST

static void count_call(void *data, uint32_t events) {
	(*(int *)data)++;
}

START_TEST(timers_fire) {
	struct loop *loop = loop_create();
	int once_calls = 0, often_calls = 0, never_calls = 0;
	struct loop_source *once = loop_add_timer(loop, count_call, &once_calls);
	struct loop_source *often = loop_add_timer(loop, count_call, &often_calls);
	struct loop_source *never = loop_add_timer(loop, count_call, &never_calls);
	loop_timer_set(once, 1, 0);
	loop_timer_set(often, NS_PER_MS, NS_PER_MS);
	loop_timer_set(never, NS_PER_MS, NS_PER_MS);
	loop_timer_set(never, 0, NS_PER_MS);
	while (often_calls < 3) {
		loop_dispatch(loop, 60000);
	}
	ck_assert_int_eq(once_calls, 1);
	ck_assert_int_eq(never_calls, 0);
	loop_remove(&once);
	loop_remove(&often);
	loop_destroy(loop); /* closes the third */
}
END_TEST

struct rearm {
	struct loop_source *timers[2];
	int calls;
};

static void push_the_other_back(void *data, uint32_t events) {
	struct rearm *rearm = data;
	rearm->calls++;
	loop_timer_set(rearm->timers[0], FOREVER_NS, 0);
	loop_timer_set(rearm->timers[1], FOREVER_NS, 0);
}

/* Both expired; the first handler sets both anew, so the second one's old expiry is void. */
START_TEST(timers_set_while_pending) {
	struct loop *loop = loop_create();
	struct rearm rearm = { .calls = 0 };
	for (int i = 0; i < 2; i++) {
		rearm.timers[i] = loop_add_timer(loop, push_the_other_back, &rearm);
		loop_timer_set(rearm.timers[i], 1, 0);
	}
	uint64_t set_ns = clock_now_ns();
	while (clock_now_ns() <= set_ns + NS_PER_MS) {
		usleep(1000);
	}
	ck_assert_int_eq(loop_dispatch(loop, 60000), 1);
	ck_assert_int_eq(rearm.calls, 1);
	ck_assert_int_eq(loop_dispatch(loop, 0), 0);
	loop_destroy(loop);
}
END_TEST

static void quit_with_7(void *data, uint32_t events) {
	loop_quit(data, 7);
}

static void count_after(void *data) {
	(*(int *)data)++;
}

START_TEST(runs_until_told) {
	struct loop *loop = loop_create();
	int rounds = 0;
	loop_set_after(loop, count_after, &rounds);
	struct loop_source *timer = loop_add_timer(loop, quit_with_7, loop);
	loop_timer_set(timer, 1, 0);
	ck_assert_int_eq(loop_run(loop), 7);
	ck_assert_int_eq(rounds, 1);
	loop_quit(loop, 3); /* before it runs */
	ck_assert_int_eq(loop_run(loop), 3);
	loop_set_after(loop, NULL, NULL);
	loop_destroy(loop);
}
END_TEST

static void count_event(void *data, uint32_t events) {
	(*(int *)data)++;
}

#define LOOKS 1000

static struct loop *patient;
static int looks;

static void quit_after_many_looks(void *data) {
	if (++looks == LOOKS) {
		loop_quit(patient, 5);
	}
}

/* One event, then none: only a loop that goes on looking comes to an end. */
START_TEST(patience_looks_before_it_sleeps) {
	patient = loop_create();
	loop_set_after(patient, quit_after_many_looks, NULL);
	loop_set_patience(patient, UINT64_C(3600) * NS_PER_S);
	struct loop_source *timer = loop_add_timer(patient, count_event, &(int) { 0 });
	loop_timer_set(timer, 1, 0);
	ck_assert_int_eq(loop_run(patient), 5);
	ck_assert_int_eq(looks, LOOKS);
	loop_destroy(patient);
}
END_TEST

static const int ending_signals[] = { SIGTERM, SIGINT };

START_TEST(signals_end_it) {
	struct loop *loop = loop_create();
	ck_assert_int_eq(loop_quit_on_signals(loop), 0);
	ck_assert_int_eq(kill(getpid(), ending_signals[_i]), 0);
	ck_assert_int_eq(loop_run(loop), 0);
	loop_destroy(loop);
}
END_TEST

START_TEST(create_fails_clean) {
	struct loop *loop;
	unsigned n = 1;
	for (; fault_at(n), (loop = loop_create()) == NULL; n++) {
		ck_assert(fault_hit());
		ck_assert(errno == ENOMEM || errno == EMFILE);
	}
	ck_assert_uint_eq(n, 4); /* memory, epoll, event */
	fault_at(1);
	ck_assert_ptr_null(loop_add_timer(loop, count_call, NULL));
	fault_at(1);
	ck_assert_int_eq(loop_quit_on_signals(loop), -EMFILE);
	fault_off();
	ck_assert_ptr_null(loop_add(loop, -1, EPOLLIN, count_call, NULL));
	ck_assert_int_eq(errno, EBADF);
	loop_destroy(loop);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core loop");
	TCase *tcase = suite_case(suite, "sources");
	tcase_add_test(tcase, sources_are_called);
	tcase_add_test(tcase, hang_ups_are_told);
	tcase_add_test(tcase, removed_while_pending);
	tcase_add_test(tcase, slot_reused_while_pending);
	tcase_add_test(tcase, handlers_may_remove_themselves);
	tcase_add_test(tcase, slots_end);
	tcase = suite_case(suite, "timers");
	tcase_add_test(tcase, timers_fire);
	tcase_add_test(tcase, timers_set_while_pending);
	tcase = suite_case(suite, "running");
	tcase_add_test(tcase, runs_until_told);
	tcase_add_test(tcase, patience_looks_before_it_sleeps);
	tcase_add_loop_test(tcase, signals_end_it, 0, ARRAY_LEN(ending_signals));
	tcase_add_test(tcase, create_fails_clean);
	return suite;
}
