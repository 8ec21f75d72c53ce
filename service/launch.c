#include "service/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/control.h"
#include "core/fd.h"

#ifndef FASCIA_LIBEXECDIR
#error "the build names the directory of the installed programs"
#endif

/* above every number that is given a meaning in a child */
#define FDS_FREE 10

extern char **environ;

static bool is_program(
	char path[PATH_MAX], const char *dir, const char *folder, const char *program) {
	int len = snprintf(path, PATH_MAX, "%s%s/%s", dir, folder, program);
	return len > 0 && len < PATH_MAX && access(path, X_OK) == 0;
}

static int find_program(const struct launch *launch, char path[PATH_MAX]) {
	const char *libexec = getenv("FASCIA_LIBEXEC");
	if (libexec != NULL && is_program(path, libexec, "", launch->program)) {
		return 0;
	}
	char own[PATH_MAX], folder[64];
	ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);
	if (len > 0) {
		own[len] = '\0';
		*strrchr(own, '/') = '\0';
		snprintf(folder, sizeof(folder), "/../%s", launch->folder);
		if (is_program(path, own, "", launch->program) ||
			is_program(path, own, folder, launch->program)) {
			return 0;
		}
	}
	return is_program(path, FASCIA_LIBEXECDIR, "", launch->program) ? 0 : -ENOENT;
}

static int set_attributes(posix_spawnattr_t *attributes, bool session) {
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
	if (session) {
		flags |= POSIX_SPAWN_SETSID;
	}
	int error = posix_spawnattr_setflags(attributes, flags);
	if (error == 0) {
		error = posix_spawnattr_setsigmask(attributes, &none);
	}
	if (error == 0) {
		error = posix_spawnattr_setsigdefault(attributes, &all);
	}
	return error;
}

static int start_with_fds(
	const struct launch *launch, const char *path, int control, int lock, pid_t *pid) {
	char *argv[] = { (char *)launch->program, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;

	int error = posix_spawn_file_actions_init(&actions);
	if (error != 0) {
		return -error;
	}
	error = posix_spawnattr_init(&attributes);
	if (error != 0) {
		goto destroy_actions;
	}
	error = set_attributes(&attributes, launch->session);
	if (error == 0) {
		error = posix_spawn_file_actions_adddup2(&actions, control, CONTROL_FD);
	}
	if (error == 0) {
		error = posix_spawn_file_actions_adddup2(&actions, lock, LAUNCH_LOCK_FD);
	}
	if (error == 0) {
		error = posix_spawn(pid, path, &actions, &attributes, argv, environ);
	}
	posix_spawnattr_destroy(&attributes);
destroy_actions:
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

static int open_pidfd(pid_t pid) {
	int fd = pidfd_open(pid, 0);
	if (fd < 0) {
		int error = -errno;
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		return error;
	}
	return fd;
}

int launch_start(const struct launch *launch, pid_t *pid) {
	char path[PATH_MAX];
	int error = find_program(launch, path);
	if (error != 0) {
		return error;
	}
	/* out of the way of the numbers they get in the child */
	int control = fcntl(launch->control, F_DUPFD_CLOEXEC, FDS_FREE);
	int lock = fcntl(launch->lock, F_DUPFD_CLOEXEC, FDS_FREE);
	error = control < 0 || lock < 0 ? -errno : start_with_fds(launch, path, control, lock, pid);
	fd_close(&control);
	fd_close(&lock);
	return error != 0 ? error : open_pidfd(*pid);
}
