#include "protocol/vhost_listener.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "core/fd.h"
#include "core/log.h"

static int listen_at(struct vhost_listener *listener, const char *path) {
	int fd = fd_listen_unix(path, SOCK_STREAM);
	if (fd < 0) {
		log_error("cannot listen on %s: %s", path, strerror(-fd));
		return fd;
	}
	listener->socket = fd;
	return 0;
}

int vhost_listener_open(struct vhost_listener *listener, const char *path, int fd) {
	if (path != NULL) {
		return listen_at(listener, path);
	}
	listener->socket = fd;
	int listens = 0;
	socklen_t len = sizeof(listens);
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0) {
		int error = -errno;
		log_error("descriptor %d: %s; give a unix stream socket", fd, strerror(-error));
		return error;
	}
	listener->is_connected = listens == 0;
	return 0;
}

static void handle_listener(void *data, uint32_t events) {
	struct vhost_listener *listener = data;
	int socket = fd_accept(listener->socket);
	if (socket < 0) {
		return; /* gone again, or taken by a predecessor */
	}
	loop_remove(&listener->source);
	fd_close(&listener->socket);
	log_info("a VMM connected");
	listener->handle_connection(listener->data, socket);
}

int vhost_listener_start(struct vhost_listener *listener, struct loop *loop,
	void (*handle_connection)(void *data, int socket), void *data) {
	listener->handle_connection = handle_connection;
	listener->data = data;
	if (listener->is_connected) {
		int socket = listener->socket;
		listener->socket = -1;
		handle_connection(data, socket);
		return 0;
	}
	listener->source = loop_add(loop, listener->socket, EPOLLIN, handle_listener, listener);
	return listener->source == NULL ? -errno : 0;
}

void vhost_listener_finish(struct vhost_listener *listener) {
	loop_remove(&listener->source);
	fd_close(&listener->socket);
}
