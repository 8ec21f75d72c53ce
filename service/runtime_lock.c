#include "service/runtime_lock.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/config.h"
#include "core/fd.h"
#include "service/launch.h"

static void lock_path(const char *dir, char path[CONFIG_PATH_BYTES]) {
	snprintf(path, CONFIG_PATH_BYTES, "%s/lock", dir);
}

int runtime_lock_take(const char *dir) {
	char path[CONFIG_PATH_BYTES];
	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		return -errno;
	}
	lock_path(dir, path);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		return -errno;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		int error = -errno;
		fd_close(&fd);
		return error;
	}
	return fd;
}

/* Whether process `pid` has the lock where launch.h puts it. */
static int is_holder(const char *pid, const struct stat *lock) {
	char path[64];
	struct stat held;
	snprintf(path, sizeof(path), "/proc/%.20s/fd/%d", pid, LAUNCH_LOCK_FD);
	return stat(path, &held) == 0 && held.st_dev == lock->st_dev && held.st_ino == lock->st_ino;
}

size_t runtime_lock_holders(const char *dir, pid_t *pids, size_t pids_len) {
	char path[CONFIG_PATH_BYTES];
	struct stat lock;
	lock_path(dir, path);
	DIR *proc = stat(path, &lock) == 0 ? opendir("/proc") : NULL;
	if (proc == NULL) {
		return 0;
	}
	size_t len = 0;
	const struct dirent *entry;
	while ((entry = readdir(proc)) != NULL) {
		if (isdigit((unsigned char)entry->d_name[0]) && is_holder(entry->d_name, &lock)) {
			if (len < pids_len) {
				pids[len] = (pid_t)strtol(entry->d_name, NULL, 10);
			}
			len++;
		}
	}
	closedir(proc);
	return len;
}
