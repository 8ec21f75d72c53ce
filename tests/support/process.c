#include "tests/support/process.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TRIES 100000 /* ten seconds: a guard against hanging */
#define PATH_BYTES 320

static bool is_stopped(const char *path) {
	char line[256];
	FILE *file = fopen(path, "re");
	const char *state =
		file != NULL && fgets(line, sizeof(line), file) != NULL ? strrchr(line, ')') : NULL;
	if (file != NULL) {
		fclose(file);
	}
	return state != NULL && strncmp(state, ") T", 3) == 0;
}

static bool are_all_stopped(pid_t pid) {
	char path[PATH_BYTES];
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *tasks = opendir(path);
	bool are_stopped = tasks != NULL;
	const struct dirent *task;
	while (are_stopped && (task = readdir(tasks)) != NULL) {
		snprintf(path, sizeof(path), "/proc/%d/task/%s/stat", (int)pid, task->d_name);
		are_stopped = task->d_name[0] == '.' || is_stopped(path);
	}
	if (tasks != NULL) {
		closedir(tasks);
	}
	return are_stopped;
}

bool process_stop(pid_t pid) {
	if (pid <= 0 || kill(pid, SIGSTOP) != 0) {
		return false;
	}
	for (unsigned i = 0; !are_all_stopped(pid); i++) {
		if (i == TRIES) {
			return false;
		}
		nanosleep(&(struct timespec) { .tv_nsec = 100000 }, NULL);
	}
	return true;
}
