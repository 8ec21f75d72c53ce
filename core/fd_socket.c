#include "core/fd.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 8

int fd_socketpair(int pair[2]) {
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
		return -errno;
	}
	return 0;
}

static int address_from_path(struct sockaddr_un *address, const char *path) {
	*address = (struct sockaddr_un) { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	if (len == 0) {
		return -EINVAL;
	}
	if (len >= sizeof(address->sun_path)) {
		return -ENAMETOOLONG;
	}
	memcpy(address->sun_path, path, len + 1);
	return 0;
}

/* Connecting to a unix socket only ever waits for room in the listener's queue: `flags` decide. */
static int connect_unix(const struct sockaddr_un *address, int type, int flags) {
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | flags, 0);
	if (fd < 0) {
		return -errno;
	}
	int rc;
	do {
		rc = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	} while (rc != 0 && errno == EINTR);
	if (rc != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
		rc = -errno;
		fd_close(&fd);
		return rc;
	}
	return fd;
}

/* Removes a socket file that nobody listens on any more. */
static int remove_stale(const struct sockaddr_un *address, int type) {
	struct stat stat;
	if (lstat(address->sun_path, &stat) != 0) {
		return errno == ENOENT ? 0 : -errno;
	}
	if (!S_ISSOCK(stat.st_mode)) {
		return -EADDRINUSE;
	}
	int fd = connect_unix(address, type, SOCK_NONBLOCK);
	if (fd != -ECONNREFUSED) {
		fd_close(&fd);
		return -EADDRINUSE;
	}
	return unlink(address->sun_path) == 0 || errno == ENOENT ? 0 : -errno;
}

int fd_listen_unix(const char *path, int type) {
	struct sockaddr_un address;
	int rc = address_from_path(&address, path);
	if (rc < 0) {
		return rc;
	}
	rc = remove_stale(&address, type);
	if (rc < 0) {
		return rc;
	}
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return -errno;
	}
	/* the socket's mode becomes the file's, so there is no moment in which others may connect */
	if (fchmod(fd, S_IRUSR | S_IWUSR) != 0 ||
		bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		goto close_fd;
	}
	if (listen(fd, BACKLOG) != 0) {
		goto unlink_path;
	}
	return fd;

unlink_path:
	rc = errno;
	unlink(path);
	errno = rc;
close_fd:
	rc = -errno;
	fd_close(&fd);
	return rc;
}

int fd_connect_unix(const char *path, int type) {
	struct sockaddr_un address;
	int rc = address_from_path(&address, path);
	return rc < 0 ? rc : connect_unix(&address, type, 0);
}

int fd_accept(int listener) {
	int fd;
	do {
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	} while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	return fd < 0 ? -errno : fd;
}

union control_buffer {
	struct cmsghdr header; /* for its alignment */
	char bytes[CMSG_SPACE(sizeof(int) * FD_MESSAGE_MAX)];
};

ssize_t fd_send(int socket, const void *data, size_t size_bytes, const int *fds, size_t fds_len) {
	assert(fds_len <= FD_MESSAGE_MAX);
	union control_buffer control;
	struct iovec part = { .iov_base = (void *)(uintptr_t)data, .iov_len = size_bytes };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	if (fds_len > 0) {
		memset(&control, 0, sizeof(control));
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * fds_len);
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * fds_len);
		memcpy(CMSG_DATA(header), fds, sizeof(int) * fds_len);
	}
	ssize_t sent;
	do {
		sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

/* All descriptors that came with a message, whatever its control part looks like. */
static size_t collect_fds(struct msghdr *message, int fds[FD_MESSAGE_MAX]) {
	size_t len = 0;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
		header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
			continue;
		}
		size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count && len < FD_MESSAGE_MAX; i++) {
			memcpy(&fds[len++], CMSG_DATA(header) + i * sizeof(int), sizeof(int));
		}
	}
	return len;
}

ssize_t fd_receive(int socket, void *data, size_t size_bytes, int *fds, size_t *fds_len) {
	union control_buffer control;
	struct iovec part = { .iov_base = data, .iov_len = size_bytes };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	size_t room = *fds_len;
	*fds_len = 0;
	ssize_t got;
	do {
		got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0) {
		return -errno;
	}

	int received[FD_MESSAGE_MAX];
	size_t received_len = collect_fds(&message, received);
	bool cut = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
	if (cut || received_len > room) {
		for (size_t i = 0; i < received_len; i++) {
			fd_close(&received[i]);
		}
		return -EBADMSG;
	}
	if (received_len > 0) {
		memcpy(fds, received, sizeof(int) * received_len);
	}
	*fds_len = received_len;
	return got;
}
