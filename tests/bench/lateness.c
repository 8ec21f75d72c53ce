#include "tests/bench/lateness.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "core/clock.h"
#include "core/macros.h"
#include "tests/support/realtime.h"

#define MONITOR_PRIORITY 70 /* above all of a service */
#define TIMES_BYTES (LATENESS_WAKES_MAX * sizeof(uint64_t))
#define SPANS_MAX 256 /* in the time of one injection: seconds, at most */

static void sleep_until(uint64_t ns) {
	struct timespec at = { .tv_sec = (time_t)(ns / NS_PER_S),
		.tv_nsec = (long)(ns % NS_PER_S) };
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) {
	}
}

static void *watch_cpu(void *data) {
	struct lateness_cpu *cpu = data;
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET((size_t)cpu->number, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
	uint64_t due_ns = clock_now_ns();
	uint32_t len = 0;
	while (len < LATENESS_WAKES_MAX && !atomic_load(&cpu->monitor->stop)) {
		due_ns += LATENESS_PERIOD_NS;
		sleep_until(due_ns);
		uint64_t late_ns = clock_now_ns() - due_ns;
		if (late_ns >= LATENESS_NOTED_NS) {
			cpu->due_ns[len] = due_ns;
			cpu->late_ns[len] = late_ns;
			atomic_store(&cpu->len, ++len);
		}
		due_ns += late_ns / LATENESS_PERIOD_NS * LATENESS_PERIOD_NS;
	}
	return NULL;
}

/* Forked processes may look, too. */
static uint64_t *create_times(void) {
	void *times = mmap(NULL, TIMES_BYTES, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return times == MAP_FAILED ? NULL : times;
}

static void destroy_times(uint64_t *times) {
	if (times != NULL) {
		munmap(times, TIMES_BYTES);
	}
}

static int start_cpu(struct lateness_monitor *monitor, int number) {
	struct lateness_cpu *cpu = &monitor->cpus[monitor->cpus_len++];
	cpu->monitor = monitor;
	cpu->number = number;
	cpu->due_ns = create_times();
	cpu->late_ns = create_times();
	if (cpu->due_ns == NULL || cpu->late_ns == NULL) {
		return -ENOMEM;
	}
	int error = realtime_thread_create(
		&cpu->thread, MONITOR_PRIORITY, watch_cpu, cpu, &monitor->is_realtime);
	cpu->has_thread = error == 0;
	return error;
}

int lateness_monitor_init(struct lateness_monitor *monitor) {
	*monitor = (struct lateness_monitor) { 0 };
	cpu_set_t allowed;
	int error = sched_getaffinity(0, sizeof(allowed), &allowed) == 0 ? 0 : -errno;
	for (int i = 0; error == 0 && i < CPU_SETSIZE; i++) {
		if (CPU_ISSET((size_t)i, &allowed) && monitor->cpus_len < LATENESS_CPUS_MAX) {
			error = start_cpu(monitor, i);
		}
	}
	if (error != 0) {
		lateness_monitor_finish(monitor);
	}
	return error;
}

void lateness_monitor_finish(struct lateness_monitor *monitor) {
	atomic_store(&monitor->stop, true);
	for (uint32_t i = 0; i < monitor->cpus_len; i++) {
		struct lateness_cpu *cpu = &monitor->cpus[i];
		if (cpu->has_thread) {
			pthread_join(cpu->thread, NULL);
		}
		destroy_times(cpu->due_ns);
		destroy_times(cpu->late_ns);
	}
	monitor->cpus_len = 0;
}

static uint64_t worst_of_cpu(const struct lateness_cpu *cpu, uint64_t from_ns, uint64_t to_ns) {
	uint64_t worst = 0;
	for (uint32_t i = atomic_load(&cpu->len); i-- > 0;) {
		if (cpu->due_ns[i] + cpu->late_ns[i] < from_ns) {
			break;
		}
		if (cpu->due_ns[i] <= to_ns) {
			worst = MAX(worst, cpu->late_ns[i]);
		}
	}
	return worst;
}

uint64_t lateness_monitor_worst(
	const struct lateness_monitor *monitor, uint64_t from_ns, uint64_t to_ns) {
	uint64_t worst = 0;
	for (uint32_t i = 0; i < monitor->cpus_len; i++) {
		worst = MAX(worst, worst_of_cpu(&monitor->cpus[i], from_ns, to_ns));
	}
	return worst;
}

struct span {
	uint64_t from_ns, to_ns;
};

/* What a processor was away for, cut to the time asked about. */
static size_t add_spans(const struct lateness_cpu *cpu, const struct span *time,
	struct span spans[SPANS_MAX], size_t len) {
	for (uint32_t i = atomic_load(&cpu->len); i-- > 0 && len < SPANS_MAX;) {
		uint64_t due_ns = cpu->due_ns[i], end_ns = due_ns + cpu->late_ns[i];
		if (end_ns <= time->from_ns) {
			break;
		}
		if (cpu->late_ns[i] >= LATENESS_PERIOD_NS && due_ns < time->to_ns) {
			spans[len++] = (struct span) { MAX(due_ns, time->from_ns),
				MIN(end_ns, time->to_ns) };
		}
	}
	return len;
}

static int compare_spans(const void *a, const void *b) {
	const struct span *x = a, *y = b;
	return (x->from_ns > y->from_ns) - (x->from_ns < y->from_ns);
}

uint64_t lateness_monitor_away(
	const struct lateness_monitor *monitor, uint64_t from_ns, uint64_t to_ns) {
	const struct span time = { from_ns, to_ns };
	struct span spans[SPANS_MAX];
	size_t len = 0;
	for (uint32_t i = 0; monitor->is_realtime && i < monitor->cpus_len; i++) {
		len = add_spans(&monitor->cpus[i], &time, spans, len);
	}
	qsort(spans, len, sizeof(spans[0]), compare_spans);
	uint64_t away_ns = 0, until_ns = from_ns;
	for (size_t i = 0; i < len; i++) {
		uint64_t begin_ns = MAX(spans[i].from_ns, until_ns);
		away_ns += spans[i].to_ns > begin_ns ? spans[i].to_ns - begin_ns : 0;
		until_ns = MAX(until_ns, spans[i].to_ns);
	}
	return away_ns;
}

static void take_tick(struct tick_log *log, uint64_t due_ns, uint64_t done_ns,
	const struct lateness_monitor *monitor) {
	uint64_t late_ns = done_ns > due_ns ? done_ns - due_ns : 0;
	uint64_t machine_ns = lateness_monitor_worst(monitor, due_ns - log->period_ns, done_ns);
	uint64_t excess_ns = late_ns > machine_ns ? late_ns - machine_ns : 0;
	log->ticks++;
	if (late_ns > log->worst_ns) {
		log->worst_ns = late_ns;
		log->worst_machine_ns = machine_ns;
	}
	log->worst_excess_ns = MAX(log->worst_excess_ns, excess_ns);
}

void tick_log_collect(struct tick_log *log, const struct output_memory_page *page,
	const struct lateness_monitor *monitor) {
	uint64_t newest = atomic_load(&page->tick);
	if (log->seen == 0 && newest > 0) {
		log->seen = newest; /* what was before we began is not ours */
	}
	if (newest - log->seen >= OUTPUT_MEMORY_TICKS) {
		log->lost += newest - log->seen - OUTPUT_MEMORY_TICKS + 1;
		log->seen = newest - OUTPUT_MEMORY_TICKS + 1;
	}
	while (log->seen < newest) {
		uint64_t number = ++log->seen;
		const struct output_memory_tick *tick = &page->ticks[number % OUTPUT_MEMORY_TICKS];
		uint64_t due_ns = atomic_load(&tick->due_ns), done_ns = atomic_load(&tick->done_ns);
		if (atomic_load(&tick->number) != number) {
			log->lost++;
			continue;
		}
		/* a tick that was skipped is as late as the work that came instead of it */
		uint64_t skipped_ns = log->last_due_ns + log->period_ns;
		while (log->last_due_ns != 0 && skipped_ns + log->period_ns / 2 < due_ns) {
			log->missed++;
			take_tick(log, skipped_ns, done_ns, monitor);
			skipped_ns += log->period_ns;
		}
		take_tick(log, due_ns, done_ns, monitor);
		log->last_due_ns = due_ns;
	}
}
