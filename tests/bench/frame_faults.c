#include "tests/bench/frame_faults.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/macros.h"
#include "tests/bench/bench_service.h"
#include "tests/bench/generator.h"

#define PERIOD_NS (NS_PER_S / 60)
#define STOP_NS_MAX 300000000
#define GAP_NS_MAX 50000000
#define RESPAWN_TIMEOUT_NS (30 * NS_PER_S)

/* A guest of data/bench-faults.yaml that draws all the time and comes back when its endpoint does. */
struct guest {
	const char *name;
	uint32_t width, height;
	const struct bench_service *service;
	_Atomic bool stop;
	_Atomic uint64_t pictures, connections;
	pthread_t thread;
	struct generator generator;
};

static void sleep_ns(uint64_t ns) {
	nanosleep(&(struct timespec) { .tv_sec = (time_t)(ns / NS_PER_S),
			  .tv_nsec = (long)(ns % NS_PER_S) },
		NULL);
}

static void draw_until_error(struct guest *guest) {
	struct rect all = { 0, 0, guest->width, guest->height };
	while (!atomic_load(&guest->stop)) {
		uint64_t kick_ns;
		uint32_t tag;
		if (generator_draw(&guest->generator, &all, &tag, &kick_ns) != 0 ||
			generator_collect(&guest->generator) != 0) {
			return;
		}
		atomic_fetch_add(&guest->pictures, 1);
		sleep_ns(PERIOD_NS);
	}
}

static void *guest_run(void *data) {
	struct guest *guest = data;
	char path[128];
	bench_service_socket(guest->service, guest->name, path, sizeof(path));
	while (!atomic_load(&guest->stop)) {
		if (generator_init(&guest->generator, path, -1, -1, guest->width, guest->height) !=
			0) {
			sleep_ns(10 * NS_PER_MS);
			continue;
		}
		atomic_fetch_add(&guest->connections, 1);
		if (generator_show(&guest->generator) == 0) {
			draw_until_error(guest);
		}
		generator_finish(&guest->generator);
	}
	return NULL;
}

static bool is_target(const struct bench_process *process) {
	return strcmp(process->name, "compositor") != 0 && strcmp(process->name, "keeper") != 0;
}

struct run {
	struct bench_service service;
	struct lateness_monitor monitor;
	struct fault_report *report;
};

static void wait_ns(struct run *run, uint64_t ns) {
	uint64_t end_ns = clock_now_ns() + ns;
	do {
		uint64_t now_ns = clock_now_ns();
		sleep_ns(now_ns < end_ns ? MIN(end_ns - now_ns, NS_PER_S) : 0);
		tick_log_collect(&run->report->ticks, run->service.output.page, &run->monitor);
	} while (clock_now_ns() < end_ns);
}

static void kill_all_once(struct run *run) {
	pid_t killed[BENCH_PROCESSES_MAX] = { 0 };
	for (unsigned i = 0; i < run->service.processes_len; i++) {
		const struct bench_process *process = &run->service.processes[i];
		if (is_target(process)) {
			killed[i] = (pid_t)process->page->pid;
			kill(killed[i], SIGKILL);
			run->report->kills++;
			wait_ns(run, (uint64_t)(random() % GAP_NS_MAX));
		}
	}
	for (unsigned i = 0; i < run->service.processes_len; i++) {
		const struct stats_page *page = run->service.processes[i].page;
		uint64_t give_up_ns = clock_now_ns() + RESPAWN_TIMEOUT_NS;
		while (killed[i] != 0 && (pid_t)page->pid == killed[i]) {
			wait_ns(run, 10 * NS_PER_MS);
			if (clock_now_ns() > give_up_ns) {
				fprintf(stderr, "bench: %s was not started again\n",
					run->service.processes[i].name);
				break;
			}
		}
	}
}

static void stop_all_once(struct run *run) {
	for (unsigned i = 0; i < run->service.processes_len; i++) {
		const struct bench_process *process = &run->service.processes[i];
		if (is_target(process)) {
			pid_t pid = (pid_t)process->page->pid;
			kill(pid, SIGSTOP);
			wait_ns(run, (uint64_t)(random() % STOP_NS_MAX));
			kill(pid, SIGCONT);
			run->report->stops++;
			wait_ns(run, (uint64_t)(random() % GAP_NS_MAX));
		}
	}
}

static void inject(struct run *run, unsigned rounds) {
	for (unsigned i = 0; i < run->service.processes_len; i++) {
		run->report->processes += is_target(&run->service.processes[i]);
	}
	for (unsigned i = 0; i < rounds; i++) {
		fprintf(stderr, "\rkills and stops: round %u of %u ", i + 1, rounds);
		kill_all_once(run);
		stop_all_once(run);
	}
	fprintf(stderr, "\r\033[K");
}

int frame_faults_run(const char *configuration, unsigned rounds, struct fault_report *report) {
	static struct run run;
	static struct guest guests[] = {
		{ .name = "cluster", .width = 1280, .height = 480 },
		{ .name = "ivi", .width = 1024, .height = 600 },
	};
	*report = (struct fault_report) { .ticks.period_ns = PERIOD_NS };
	run.report = report;
	int error = bench_service_init(&run.service, configuration);
	if (error) {
		return error;
	}
	error = lateness_monitor_init(&run.monitor);
	if (error) {
		bench_service_finish(&run.service);
		return error;
	}
	unsigned running = 0;
	for (; running < ARRAY_LEN(guests) && !error; running++) {
		struct guest *guest = &guests[running];
		guest->service = &run.service;
		error = -pthread_create(&guest->thread, NULL, guest_run, guest);
	}
	if (!error) {
		wait_ns(&run, NS_PER_S);
		inject(&run, rounds);
		wait_ns(&run, NS_PER_S);
	}
	report->machine_worst_ns = lateness_monitor_worst(&run.monitor, 0, UINT64_MAX);
	for (unsigned i = 0; i < running; i++) {
		atomic_store(&guests[i].stop, true);
		pthread_join(guests[i].thread, NULL);
		report->pictures += guests[i].pictures;
		report->reconnects += guests[i].connections > 0 ? guests[i].connections - 1 : 0;
	}
	lateness_monitor_finish(&run.monitor);
	bench_service_finish(&run.service);
	return error;
}
