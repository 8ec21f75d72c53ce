#include "tests/bench/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t thread_cpu_ns(pid_t pid, const char *tid) {
	char path[320];
	uint64_t ns = 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)pid, tid);
	FILE *file = fopen(path, "re");
	if (!file) {
		return 0;
	}
	if (fscanf(file, "%" SCNu64, &ns) != 1) {
		ns = 0;
	}
	fclose(file);
	return ns;
}

uint64_t process_cpu_ns(pid_t pid) {
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *dir = opendir(path);
	if (!dir) {
		return 0;
	}
	uint64_t sum = 0;
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] != '.') {
			sum += thread_cpu_ns(pid, entry->d_name);
		}
	}
	closedir(dir);
	return sum;
}

uint64_t process_private_bytes(pid_t pid) {
	char path[64], line[512];
	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	FILE *file = fopen(path, "re");
	if (!file) {
		return 0;
	}
	uint64_t sum = 0, kib;
	bool pool = false;
	while (fgets(line, sizeof(line), file)) {
		if (strchr("0123456789abcdef", line[0]) && strchr(line, '-')) {
			pool = strstr(line, "/memfd:") != NULL;
		} else if (!pool &&
			(sscanf(line, "Private_Clean: %" SCNu64, &kib) == 1 ||
				sscanf(line, "Private_Dirty: %" SCNu64, &kib) == 1)) {
			sum += kib * 1024;
		}
	}
	fclose(file);
	return sum;
}

pid_t process_spawn(const char *const argv[], int extra_fd) {
	pid_t pid = fork();
	if (pid != 0) {
		return pid < 0 ? -errno : pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGTERM); /* a benchmark that is killed leaves nothing behind */
	int null = open("/dev/null", O_RDONLY);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
	}
	if (extra_fd >= 0) {
		fcntl(extra_fd, F_SETFD, 0);
	}
	execvp(argv[0], (char *const *)argv);
	fprintf(stderr, "cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int process_end(pid_t pid) {
	int status = 0;
	kill(pid, SIGTERM);
	for (int i = 0; i < 200; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid) {
			return status;
		}
		nanosleep(&(struct timespec) { .tv_nsec = 10 * 1000 * 1000 }, NULL);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return status;
}
