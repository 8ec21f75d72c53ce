/*
 * A whole service for tests: `fascia run` with a configuration of the test's own, its keeper and all
 * processes, in a directory of its own; looked at from outside, as a user would.
 *
 * The first output should be @step: then time passes when the test says so, in ticks. Waiting for what
 * other processes do has generous bounds, as a guard against hanging only; what does not come aborts
 * the test with the service's log.
 *
 * When the test's process ends in any way, so does the service.
 *
 * Thread: one per service.
 */
#ifndef TESTS_FLOW_SERVICE_H
#define TESTS_FLOW_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "audio/mixer/sink_memory.h"
#include "core/config.h"
#include "core/stats.h"
#include "display/output_memory.h"
#include "service/config_compile.h"

#define SERVICE_WAIT_MS 120000
#define SERVICE_PAGES_MAX 32

struct service {
	char dir[64];        /* fascia.yaml, log, and the runtime directory */
	char yaml[80];
	char runtime[80];
	struct config config; /* what the file comes to */
	pid_t run;           /* 0: reaped */
	int out;             /* what `fascia run` prints */
	int client;          /* a connection to the keeper */
	int step;            /* the first output's step eventfd, or -1 */
	struct output_reader output; /* the first */
	uint32_t *pixels;    /* room for its picture */
	const struct stats_page *pages[SERVICE_PAGES_MAX]; /* of every process, keeper first */
	unsigned pages_len;
};

/* Starts a service and waits until everything in it is ready. With `libexec`, programs are taken from
 * there first. */
void service_start(struct service *service, const char *yaml, const char *libexec);

/* Starts one of which `fascia inject` may make faults. */
void service_start_injectable(struct service *service, const char *yaml);

/* Like it, for a service that is to fail: waits for the end of `fascia run`. Its exit status; what it
 * wrote is in `log`. Leaves nothing. */
int service_start_bad(const char *yaml, const char *libexec, char *log, size_t log_bytes);

/* Stops it by SIGTERM and makes sure that all went well: exit status 0, no process, no socket left. */
void service_stop(struct service *service);

/* Closes what the test holds of it, and removes its directory; for tests that end it themselves. */
void service_finish(struct service *service);

/* Runs `fascia --runtime ... arguments` (ended by NULL): its exit status; both its outputs in
 * `output`. */
int service_command(struct service *service, char *output, size_t output_bytes, ...);

/* The same without waiting for its end: starts it and waits until it has printed `line` (NULL: does not
 * wait). */
pid_t service_command_start(
	struct service *service, int *out, const char *line, const char *const *words);
/* Waits for its end and closes `out`: its exit status. */
int service_command_wait(const struct service *service, pid_t pid, int *out);

/* The process with this name ("keeper", "compositor", "gpu-NAME", ...) as its page says. */
pid_t service_pid(const struct service *service, const char *process);

/* A statistics value; waits until there is one. */
uint64_t service_value(const struct service *service, const char *process, const char *name);
/* Waits until it is at least, or exactly, `value`. */
void service_wait_at_least(
	const struct service *service, const char *process, const char *name, uint64_t value);
void service_wait_is(
	const struct service *service, const char *process, const char *name, uint64_t value);
/* Waits until `process` was started `starts` times and is ready. */
void service_wait_starts(const struct service *service, const char *process, uint64_t starts);

/* Lets `ticks` pass on the first output, one after another, and waits until they were made. */
void service_step(struct service *service, uint64_t ticks);
/* Steps until the first output has left its fallback, which stays for a while when all is well again. */
void service_leave_fallback(struct service *service);

/* The newest picture of the first output: valid until the next call. */
const uint32_t *service_picture(struct service *service);

/* Opens the memory sink, from now on. */
void service_sink(const struct service *service, struct sink_reader *reader);

/* What a process has: for leak checks. */
struct service_holdings {
	unsigned fds;
	unsigned maps; /* of files */
};
struct service_holdings service_holdings(pid_t pid);

/* Memory that only this process has and that is no shared memory file, in bytes. */
uint64_t service_private_bytes(pid_t pid);

/* Processes that carry the runtime directory's lock. */
size_t service_processes(const struct service *service);

#endif
