/*
 * How late the machine itself wakes a real-time thread, and how late a compositor's ticks were beside
 * it: a promise about time on a shared machine can only be judged against the machine of that moment.
 *
 * Thread: the monitor has its own, one on each processor: a virtual one may be away while the others are not;
 * the rest is for one.
 */
#ifndef TESTS_BENCH_LATENESS_H
#define TESTS_BENCH_LATENESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "display/output_memory.h"

#define LATENESS_PERIOD_NS UINT64_C(1000000)
#define LATENESS_NOTED_NS 50000 /* wake-ups less late are not kept */
#define LATENESS_WAKES_MAX (1u << 22)

#define LATENESS_CPUS_MAX 16 /* more are not watched */

struct lateness_monitor;

struct lateness_cpu {
	const struct lateness_monitor *monitor;
	int number;
	pthread_t thread;
	bool has_thread;
	_Atomic uint32_t len;
	uint64_t *due_ns, *late_ns; /* LATENESS_WAKES_MAX each */
};

struct lateness_monitor {
	_Atomic bool stop;
	bool is_realtime;
	uint32_t cpus_len;
	struct lateness_cpu cpus[LATENESS_CPUS_MAX];
};

/* Starts a thread on each processor (SCHED_FIFO where allowed) that sleeps in steps of a millisecond and notes
 * how late each wake-up was. One in shared memory may be asked by forked processes, too. 0 or -errno. */
int lateness_monitor_init(struct lateness_monitor *monitor);
void lateness_monitor_finish(struct lateness_monitor *monitor);

/* The worst lateness of wake-ups that were due in [from_ns, to_ns], or before and came after from_ns; of
 * whichever processor. */
uint64_t lateness_monitor_worst(
	const struct lateness_monitor *monitor, uint64_t from_ns, uint64_t to_ns);
/* For how long of that time some processor was away, a millisecond or more each: as one might do to each step of
 * what several processes do in turn. 0 where the monitor has no real-time priority, since it cannot tell the
 * machine from its load then. */
uint64_t lateness_monitor_away(
	const struct lateness_monitor *monitor, uint64_t from_ns, uint64_t to_ns);

/* What is known of a compositor's ticks so far. */
struct tick_log {
	uint64_t period_ns;
	uint64_t seen; /* number of the last tick looked at */
	uint64_t last_due_ns;
	uint64_t ticks, missed, lost; /* lost: overwritten before we looked */
	uint64_t worst_ns; /* lateness of a tick: done - due */
	uint64_t worst_machine_ns; /* the machine's at that tick */
	uint64_t worst_excess_ns; /* worst of (tick's lateness - machine's around it) */
};

/* Looks at the ticks since the last call; call it at least every two seconds. */
void tick_log_collect(struct tick_log *log, const struct output_memory_page *page,
	const struct lateness_monitor *monitor);

#endif
