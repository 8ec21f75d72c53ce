#include "core/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS_SIZE (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

void fd_close(int *fd) {
	if (*fd >= 0) {
		int saved_errno = errno;
		close(*fd);
		errno = saved_errno;
	}
	*fd = -1;
}

/* Closes *fd and returns what went wrong before. */
static int close_with_errno(int *fd) {
	int rc = -errno;
	fd_close(fd);
	return rc;
}

static int memfd_create_sized(const char *name, size_t size_bytes) {
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0) {
		return -errno;
	}
	/* with the usual 0777 every read-only holder could open it again for writing */
	if (fchmod(fd, S_IRUSR) != 0 || ftruncate(fd, (off_t)size_bytes) != 0) {
		return close_with_errno(&fd);
	}
	return fd;
}

size_t fd_round_to_page(size_t size_bytes) {
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	return (size_bytes + page - 1) / page * page;
}

int fd_memfd_create(const char *name, size_t size_bytes) {
	if (size_bytes == 0 || size_bytes > INT64_MAX ||
		fd_round_to_page(size_bytes) != size_bytes) {
		return -EINVAL;
	}
	int fd = memfd_create_sized(name, size_bytes);
	if (fd >= 0 && fcntl(fd, F_ADD_SEALS, SEALS_SIZE) != 0) {
		return close_with_errno(&fd);
	}
	return fd;
}

static int write_all(int fd, const uint8_t *data, size_t size_bytes) {
	while (size_bytes > 0) {
		ssize_t written = write(fd, data, size_bytes);
		if (written < 0 && errno == EINTR) {
			continue;
		}
		if (written <= 0) {
			return written < 0 ? -errno : -EIO;
		}
		data += written;
		size_bytes -= (size_t)written;
	}
	return 0;
}

int fd_memfd_create_constant(const char *name, const void *data, size_t size_bytes) {
	int fd = memfd_create_sized(name, 0);
	if (fd < 0) {
		return fd;
	}
	int rc = write_all(fd, data, size_bytes);
	if (rc == 0 && fcntl(fd, F_ADD_SEALS, SEALS_SIZE | F_SEAL_WRITE) != 0) {
		rc = -errno;
	}
	if (rc < 0) {
		fd_close(&fd);
		return rc;
	}
	return fd;
}

int fd_memfd_check(int fd, int seals, size_t min_bytes, size_t *size_bytes) {
	struct stat stat;
	if (fstat(fd, &stat) != 0) {
		return -errno;
	}
	int have = fcntl(fd, F_GET_SEALS);
	if (have < 0) {
		return -errno; /* EINVAL: no memory file */
	}
	if ((have & seals) != seals) {
		return -EPERM;
	}
	if (stat.st_size < 0 || (uint64_t)stat.st_size > SIZE_MAX ||
		(size_t)stat.st_size < min_bytes) {
		return -EINVAL;
	}
	if (size_bytes != NULL) {
		*size_bytes = (size_t)stat.st_size;
	}
	return 0;
}

int fd_reopen_readonly(int fd) {
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int readonly = open(path, O_RDONLY | O_CLOEXEC);
	return readonly < 0 ? -errno : readonly;
}

int fd_eventfd_create(bool semaphore) {
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | (semaphore ? EFD_SEMAPHORE : 0));
	return fd < 0 ? -errno : fd;
}

void fd_event_signal(int fd) {
	int saved_errno = errno;
	uint64_t one = 1;
	ssize_t written;
	do {
		written = write(fd, &one, sizeof(one));
	} while (written < 0 && errno == EINTR);
	errno = saved_errno;
}

uint64_t fd_event_take(int fd) {
	int saved_errno = errno;
	uint64_t count = 0;
	ssize_t got;
	do {
		got = read(fd, &count, sizeof(count));
	} while (got < 0 && errno == EINTR);
	errno = saved_errno;
	return got == (ssize_t)sizeof(count) ? count : 0;
}

int fd_wait_readable(int fd, int timeout_ms) {
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int rc;
	do {
		rc = poll(&poll_fd, 1, timeout_ms);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0) {
		return -errno;
	}
	if (rc > 0 && (poll_fd.revents & POLLNVAL) != 0) {
		return -EBADF;
	}
	return rc;
}
