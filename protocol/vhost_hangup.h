/*
 * Notices that a VMM hung up, however busy its endpoint is, or kept waiting by others.
 *
 * A thread of its own sleeps until the socket hangs up, calls once, and ends: all that a guest can make it do.
 * So it may have a real-time priority (SCHED_FIFO, where the process may), which the loop, kept busy by a
 * guest, must not have. The session's own end follows in the loop, by vhost_session.h.
 *
 * An owner that does not stop it within `patience_ms` after that is stuck, and nobody else would find it: who
 * supervises an endpoint expects nothing of it without a VMM. The process is aborted.
 *
 * Only a hang-up counts (POLLHUP, POLLERR): whoever has shut down one direction is still there.
 *
 * Thread: the owner's; `handle` is called in the other one.
 */
#ifndef PROTOCOL_VHOST_HANGUP_H
#define PROTOCOL_VHOST_HANGUP_H

#include <pthread.h>
#include <stdbool.h>

struct vhost_hangup {
	pthread_t thread;
	int socket; /* not owned */
	int end; /* owned; to be signalled */
	int patience_ms;
	void (*handle)(void *data);
	void *data;
	bool is_running;
};

/* `socket` stays open, and the structure in its place, until vhost_hangup_stop(). 0 or -errno; then there is
 * nothing to stop, and stopping it is allowed. */
int vhost_hangup_start(struct vhost_hangup *hangup, int socket, int patience_ms,
	void (*handle)(void *data), void *data);
/* `handle` is not called after it. Of one that is zero, or stopped: nothing. */
void vhost_hangup_stop(struct vhost_hangup *hangup);

#endif
