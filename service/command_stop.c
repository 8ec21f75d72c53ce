#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/config.h"
#include "core/fd.h"
#include "service/command.h"
#include "service/runtime_dir.h"
#include "service/runtime_lock.h"

#define HOLDERS_MAX 64
/* the keeper gives its children 2 s before it kills them */
#define STOP_TIMEOUT_MS 10000
#define KILL_AFTER_MS 2000

/* The keeper that listens in `dir`, as a pidfd; -1: none. */
static int find_keeper(const char *dir) {
	char path[CONFIG_PATH_BYTES];
	snprintf(path, sizeof(path), "%s/keeper", dir);
	int socket = fd_connect_unix(path, SOCK_SEQPACKET);
	if (socket < 0) {
		return -1;
	}
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int rc = getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	fd_close(&socket);
	return rc == 0 ? pidfd_open(peer.pid, 0) : -1;
}

static bool wait_for_end(int pidfd, int timeout_ms) {
	struct pollfd wait = { .fd = pidfd, .events = POLLIN };
	return poll(&wait, 1, timeout_ms) == 1;
}

static void end_process(pid_t pid) {
	int pidfd = pidfd_open(pid, 0);
	if (pidfd < 0) {
		return;
	}
	(void)pidfd_send_signal(pidfd, SIGTERM, NULL, 0);
	(void)pidfd_send_signal(pidfd, SIGCONT, NULL, 0);
	if (!wait_for_end(pidfd, KILL_AFTER_MS)) {
		(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
		(void)wait_for_end(pidfd, KILL_AFTER_MS);
	}
	fd_close(&pidfd);
}

/* What a dead keeper left running. */
static int stop_orphans(const struct command *command, const char *dir) {
	pid_t pids[HOLDERS_MAX];
	char path[CONFIG_PATH_BYTES];
	size_t len = runtime_lock_holders(dir, pids, HOLDERS_MAX);
	if (len == 0) {
		command_failed(command, "no service runs in %s", dir);
		return COMMAND_NO_SERVICE;
	}
	printf("the keeper is gone; ending the %zu processes it left\n", len);
	for (size_t i = 0; i < len && i < HOLDERS_MAX; i++) {
		end_process(pids[i]);
	}
	snprintf(path, sizeof(path), "%s/keeper", dir);
	(void)unlink(path);
	return runtime_lock_holders(dir, pids, HOLDERS_MAX) == 0
		? COMMAND_OK
		: command_failed(command, "some processes do not end");
}

static int stop(const struct command *command) {
	char dir[CONFIG_PATH_BYTES - sizeof("/keeper")];
	int error = runtime_dir_choose(command_runtime, NULL, dir, sizeof(dir));
	if (error != 0) {
		return command_failed(command, "the runtime directory: %s", strerror(-error));
	}
	int keeper = find_keeper(dir);
	if (keeper < 0) {
		return stop_orphans(command, dir);
	}
	int status = COMMAND_OK;
	if (pidfd_send_signal(keeper, SIGTERM, NULL, 0) != 0) {
		status = command_failed(command, "the keeper: %s", strerror(errno));
	} else if (!wait_for_end(keeper, STOP_TIMEOUT_MS)) {
		status = command_failed(command, "the keeper does not end; kill it and try again");
	}
	fd_close(&keeper);
	return status;
}

static int run_stop(const struct command *command, int argc, char **argv) {
	static const struct option options[] = { COMMAND_OPTIONS_COMMON, { 0 } };
	int option, status;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (!command_option(command, option, &status)) {
			return status;
		}
	}
	return optind == argc ? stop(command) : command_usage_error(command, "takes no arguments");
}

const struct command command_stop = {
	.name = "stop",
	.arguments = "",
	.summary = "Stop the service, or end what a dead keeper left running",
	.help = "",
	.run = run_stop,
};
