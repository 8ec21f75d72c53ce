#include "tests/bench/bench_service.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/control.h"
#include "core/fd.h"
#include "tests/bench/process.h"

#define START_TIMEOUT_MS 60000
#define RETRY_MS 20

static void sleep_ms(long ms) {
	nanosleep(&(struct timespec) { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

/* Asks the keeper; `take` gets every reply and owns its descriptors. 0 or -errno. */
static int ask_keeper(int keeper, enum control_type type,
	void (*take)(void *, struct control_packet *), void *data) {
	struct control_packet packet = { .message.type = type };
	int error = control_send(keeper, &packet);
	while (!error) {
		int got = control_receive_wait(keeper, &packet, START_TIMEOUT_MS);
		if (got <= 0) {
			return got < 0 ? got : -EPIPE;
		}
		if (packet.message.type == CONTROL_END) {
			control_close_fds(&packet);
			return -(int)packet.message.arg[0];
		}
		take(data, &packet);
	}
	return error;
}

static void take_stats(void *data, struct control_packet *packet) {
	struct bench_service *service = data;
	if (packet->fds_len != 1 || service->processes_len == BENCH_PROCESSES_MAX) {
		control_close_fds(packet);
		return;
	}
	struct bench_process *process = &service->processes[service->processes_len];
	process->page = stats_map(packet->fds[0]);
	if (process->page) {
		snprintf(process->name, sizeof(process->name), "%s", packet->message.name);
		service->processes_len++;
	}
}

static void take_output(void *data, struct control_packet *packet) {
	struct bench_service *service = data;
	if (packet->fds_len > 0 && !service->output.page) {
		output_reader_init(&service->output, packet->fds[0]);
		packet->fds[0] = -1;
	}
	for (size_t i = 0; i < packet->fds_len; i++) {
		fd_close(&packet->fds[i]);
	}
	packet->fds_len = 0;
}

static int connect_keeper(const struct bench_service *service) {
	char path[128];
	snprintf(path, sizeof(path), "%s/keeper", service->directory);
	for (int waited = 0; waited < START_TIMEOUT_MS; waited += RETRY_MS) {
		int keeper = fd_connect_unix(path, SOCK_SEQPACKET);
		if (keeper >= 0) {
			return keeper;
		}
		sleep_ms(RETRY_MS);
	}
	return -ETIMEDOUT;
}

static int look_around(struct bench_service *service) {
	int keeper = connect_keeper(service);
	if (keeper < 0) {
		return keeper;
	}
	int error = ask_keeper(keeper, CONTROL_GET_STATS, take_stats, service);
	if (!error) {
		error = ask_keeper(keeper, CONTROL_GET_OUTPUT, take_output, service);
	}
	fd_close(&keeper);
	return error ? error : service->output.page ? 0 : -ENODEV;
}

int bench_service_init(struct bench_service *service, const char *configuration) {
	*service = (struct bench_service) { .pid = -1, .directory = "/tmp/fascia-bench-XXXXXX" };
	const char *build = getenv("FASCIA_BUILD");
	char program[512];
	snprintf(program, sizeof(program), "%s/service/fascia", build ? build : "build");
	if (!mkdtemp(service->directory)) {
		return -errno;
	}
	setenv("FASCIA_LOG", "warning", 0);
	const char *argv[] = { program, "--runtime", service->directory, "run", configuration,
		NULL };
	service->pid = process_spawn(argv, -1);
	int error = service->pid < 0 ? service->pid : look_around(service);
	if (error) {
		fprintf(stderr, "bench: fascia did not come up: %s\n", strerror(-error));
		bench_service_finish(service);
	}
	return error;
}

void bench_service_finish(struct bench_service *service) {
	for (unsigned i = 0; i < service->processes_len; i++) {
		stats_unmap(service->processes[i].page);
	}
	if (service->output.page) {
		output_reader_finish(&service->output);
	}
	if (service->pid > 0) {
		process_end(service->pid);
	}
	rmdir(service->directory);
}

void bench_service_socket(
	const struct bench_service *service, const char *name, char *path, size_t path_bytes) {
	snprintf(path, path_bytes, "%s/gpu-%s", service->directory, name);
}

const struct bench_process *bench_service_process(
	const struct bench_service *service, const char *name) {
	for (unsigned i = 0; i < service->processes_len; i++) {
		if (strcmp(service->processes[i].name, name) == 0) {
			return &service->processes[i];
		}
	}
	return NULL;
}

uint64_t bench_service_value(const struct bench_process *process, const char *name) {
	uint64_t value = 0;
	return process && stats_read_value(process->page, name, &value) ? value : 0;
}
