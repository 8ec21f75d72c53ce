#include "protocol/vhost_hangup.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "core/fd.h"
#include "core/log.h"
#include "core/macros.h"

#define PRIORITY 20 /* the compositor's, which hears of it */
#define STACK_BYTES (64 << 10)

static void *watch(void *data) {
	struct vhost_hangup *hangup = data;
	struct pollfd end = { .fd = hangup->end, .events = POLLIN };
	struct pollfd fds[] = { end, { .fd = hangup->socket } };
	/* no signal comes here */
	if (poll(fds, ARRAY_LEN(fds), -1) > 0 && fds[0].revents == 0) {
		hangup->handle(hangup->data);
		if (poll(&end, 1, hangup->patience_ms) == 0) {
			log_error("the VMM hung up %d ms ago, and that is not dealt with",
				hangup->patience_ms);
			abort();
		}
	}
	return NULL;
}

/* Signals are for the loop. */
static int start_thread(struct vhost_hangup *hangup, const pthread_attr_t *attributes) {
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&hangup->thread, attributes, watch, hangup);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

static int start_any_thread(struct vhost_hangup *hangup) {
	const struct sched_param parameter = { .sched_priority = PRIORITY };
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
	pthread_attr_setschedparam(&attributes, &parameter);
	pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
	int error = start_thread(hangup, &attributes);
	if (error == -EPERM) {
		pthread_attr_setinheritsched(&attributes, PTHREAD_INHERIT_SCHED);
		error = start_thread(hangup, &attributes);
	}
	pthread_attr_destroy(&attributes);
	return error;
}

int vhost_hangup_start(struct vhost_hangup *hangup, int socket, int patience_ms,
	void (*handle)(void *data), void *data) {
	*hangup = (struct vhost_hangup) {
		.socket = socket,
		.patience_ms = patience_ms,
		.handle = handle,
		.data = data,
	};
	hangup->end = fd_eventfd_create(false);
	if (hangup->end < 0) {
		return hangup->end;
	}
	int error = start_any_thread(hangup);
	hangup->is_running = error == 0;
	if (error < 0) {
		fd_close(&hangup->end);
	}
	return error;
}

void vhost_hangup_stop(struct vhost_hangup *hangup) {
	if (!hangup->is_running) {
		return;
	}
	fd_event_signal(hangup->end);
	pthread_join(hangup->thread, NULL);
	fd_close(&hangup->end);
	hangup->is_running = false;
}
