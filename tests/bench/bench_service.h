/*
 * A fascia under measurement: `fascia run` of the same build, its keeper, its processes.
 *
 * Thread: one; calls block.
 */
#ifndef TESTS_BENCH_BENCH_SERVICE_H
#define TESTS_BENCH_BENCH_SERVICE_H

#include <stdint.h>
#include <sys/types.h>

#include "core/stats.h"
#include "display/output_memory.h"

#define BENCH_PROCESSES_MAX 24

struct bench_process {
	char name[32]; /* "gpu-full" */
	const struct stats_page *page; /* its pid, and what it counts; survives its death */
};

struct bench_service {
	pid_t pid;
	char directory[64]; /* the runtime directory, removed at the end */
	unsigned processes_len;
	struct bench_process processes[BENCH_PROCESSES_MAX];
	struct output_reader output;
};

/* Runs `configuration` and waits until all of it is up. 0 or -errno (said on stderr). */
int bench_service_init(struct bench_service *service, const char *configuration);
void bench_service_finish(struct bench_service *service);

/* Where a guest's device listens: "gpu-NAME" in the runtime directory. */
void bench_service_socket(
	const struct bench_service *service, const char *name, char *path, size_t path_bytes);

/* NULL: no such process. */
const struct bench_process *bench_service_process(
	const struct bench_service *service, const char *name);

/* A value some process counts; 0 when it does not. */
uint64_t bench_service_value(const struct bench_process *process, const char *name);

#endif
