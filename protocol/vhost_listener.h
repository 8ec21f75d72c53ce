/*
 * Where a back-end program's one VMM comes from: a socket that it listens on, or one that is connected
 * already. QEMU's vhost-user document, "Backend program conventions": --socket-path and --fd.
 *
 * One connection per process: listening ends with the first; whoever comes next is served by the next
 * process.
 *
 * Thread: the loop's.
 */
#ifndef PROTOCOL_VHOST_LISTENER_H
#define PROTOCOL_VHOST_LISTENER_H

#include <stdbool.h>

#include "core/loop.h"

struct vhost_listener {
	int socket; /* owned; -1: none. Whoever has a listening one sets it */
	bool is_connected;
	struct loop_source *source; /* NULL: does not wait */
	void (*handle_connection)(void *data, int socket); /* owns the socket */
	void *data;
};

#define VHOST_LISTENER_NONE ((struct vhost_listener) { .socket = -1 })

/* Listens at `path`, or, when that is NULL, takes `fd` over, listening or connected. 0 or -errno,
 * logged. */
int vhost_listener_open(struct vhost_listener *listener, const char *path, int fd);

/* Calls `handle_connection` once: from the loop, or in this call when there is a connection already.
 * 0 or -errno. */
int vhost_listener_start(struct vhost_listener *listener, struct loop *loop,
	void (*handle_connection)(void *data, int socket), void *data);

/* Also of one that was never opened; before the loop is destroyed. */
void vhost_listener_finish(struct vhost_listener *listener);

#endif
