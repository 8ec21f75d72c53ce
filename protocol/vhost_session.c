#include "protocol/vhost_session.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "core/log.h"
#include "protocol/vhost_session_impl.h"

/* a front-end that talks without pause must not keep the rings waiting */
#define MESSAGES_PER_WAKE 8

bool vhost_session_is_stopped(const struct vhost_session *session) {
	for (unsigned i = 0; i < session->rings_len; i++) {
		if (session->rings[i].queue.started) {
			return false;
		}
	}
	return true;
}

static void device_reset(struct vhost_session *session) {
	if (session->has_state) {
		session->has_state = false;
		session->is_suspended = false;
		for (unsigned i = 0; i < session->rings_len; i++) {
			session->rings[i].has_kept_base = false;
		}
		atomic_fetch_add_explicit(session->resets, 1, memory_order_relaxed);
		session->impl->handle_reset(session->device);
	}
}

void vhost_session_reset_device(struct vhost_session *session) {
	for (unsigned i = 0; i < session->rings_len; i++) {
		vhost_ring_stop(&session->rings[i]);
	}
	device_reset(session);
}

void vhost_session_suspend_if_stopped(struct vhost_session *session) {
	if (!session->has_state || session->is_suspended || !vhost_session_is_stopped(session)) {
		return;
	}
	if (session->impl->handle_suspend == NULL) {
		vhost_session_reset_device(session);
		return;
	}
	session->is_suspended = true;
	for (unsigned i = 0; i < session->rings_len; i++) {
		session->rings[i].has_kept_base = true;
	}
	session->impl->handle_suspend(session->device);
}

void vhost_session_resume(struct vhost_session *session) {
	if (session->is_suspended) {
		session->is_suspended = false;
		session->impl->handle_resume(session->device);
	}
}

void vhost_session_drop_state(struct vhost_session *session) {
	for (unsigned i = 0; i < session->rings_len; i++) {
		vhost_ring_quiesce(&session->rings[i]);
	}
	device_reset(session);
	for (unsigned i = 0; i < session->rings_len; i++) {
		vhost_ring_schedule(&session->rings[i]);
	}
	session->has_state = !vhost_session_is_stopped(session);
}

static void session_end(struct vhost_session *session, int error) {
	loop_remove(&session->socket_source);
	vhost_session_reset_device(session);
	vhost_channel_finish(&session->channel);
	/* the owner may destroy the session in this call */
	session->impl->handle_end(session->device, error);
}

void vhost_session_reply(struct vhost_session *session, uint32_t request, const void *payload,
	size_t payload_bytes) {
	vhost_sender_queue(&session->sender, request, VHOST_FLAG_REPLY, payload, payload_bytes);
}

/* One message in, its reply out. 1: go on, 0: wait for the socket, -errno: end. */
static int session_step(struct vhost_session *session) {
	int status = vhost_receiver_read(&session->receiver, session->socket, false);
	if (status <= 0) {
		return status;
	}
	status = vhost_request_process(session, &session->receiver.message);
	if (status < 0) {
		return status;
	}
	status = vhost_sender_flush(&session->sender, session->socket);
	return status < 0 ? status : 1;
}

static void handle_socket(void *data, uint32_t events) {
	struct vhost_session *session = data;
	int status = vhost_sender_flush(&session->sender, session->socket);

	for (int i = 0; i < MESSAGES_PER_WAKE && status >= 0; i++) {
		if (vhost_sender_is_busy(&session->sender)) {
			break; /* it does not take answers: no more questions */
		}
		status = session_step(session);
		if (status == 0) {
			break;
		}
	}
	if (status >= 0) {
		bool is_busy = vhost_sender_is_busy(&session->sender);
		status = loop_modify(session->socket_source, is_busy ? EPOLLOUT : EPOLLIN);
	}
	if (status < 0) {
		session_end(session, status == -ECONNRESET ? 0 : status);
	}
}

void vhost_session_work(struct vhost_session *session) {
	fd_event_signal(session->work_fd);
}

static void handle_work(void *data, uint32_t events) {
	struct vhost_session *session = data;
	fd_event_take(session->work_fd);
	for (unsigned i = 0; i < session->rings_len; i++) {
		if (session->rings[i].has_work) {
			vhost_ring_run(&session->rings[i]);
		}
	}
}

static void check_impl(const struct vhost_device_impl *impl) {
	assert(impl->name != NULL && impl->queues_len > 0 && impl->queues_len <= VHOST_QUEUES_MAX);
	assert(impl->features != NULL && impl->handle_features != NULL);
	assert(impl->config_read != NULL);
	assert(impl->handle_queue != NULL && impl->handle_queue_stop != NULL);
	assert(impl->handle_reset != NULL && impl->handle_memory_change != NULL);
	assert((impl->handle_suspend == NULL) == (impl->handle_resume == NULL));
	assert(impl->handle_end != NULL);
}

static int session_watch(struct vhost_session *session) {
	int flags = fcntl(session->socket, F_GETFL);
	if (flags < 0 || fcntl(session->socket, F_SETFL, flags | O_NONBLOCK) < 0) {
		return -errno;
	}
	session->work_fd = fd_eventfd_create(false);
	if (session->work_fd < 0) {
		return session->work_fd;
	}
	session->work_source =
		loop_add(session->loop, session->work_fd, EPOLLIN, handle_work, session);
	session->socket_source =
		loop_add(session->loop, session->socket, EPOLLIN, handle_socket, session);
	return session->work_source == NULL || session->socket_source == NULL ? -errno : 0;
}

struct vhost_session *vhost_session_create(struct loop *loop, int socket,
	const struct vhost_device_impl *impl, void *device, struct stats *stats) {
	check_impl(impl);
	/* a VMM may give us a pipe as call descriptor, and close its end */
	signal(SIGPIPE, SIG_IGN);

	struct vhost_session *session = calloc(1, sizeof(*session));
	struct vhost_ring *rings = calloc(impl->queues_len, sizeof(*rings));
	if (session == NULL || rings == NULL) {
		free(rings);
		free(session);
		fd_close(&socket);
		errno = ENOMEM;
		return NULL;
	}
	session->loop = loop;
	session->impl = impl;
	session->device = device;
	session->socket = socket;
	session->work_fd = -1;
	session->rings = rings;
	session->rings_len = impl->queues_len;
	session->messages = stats_value(stats, "", "vhost.messages");
	session->refusals = stats_value(stats, "", "vhost.refusals");
	session->kicks = stats_value(stats, "", "vhost.kicks");
	session->resets = stats_value(stats, "", "vhost.resets");
	vhost_receiver_init(&session->receiver);
	vhost_channel_init(&session->channel, loop);
	guest_memory_init(&session->memory, true);
	for (unsigned i = 0; i < session->rings_len; i++) {
		vhost_ring_init(&session->rings[i], session, i);
	}

	int error = session_watch(session);
	if (error < 0) {
		vhost_session_destroy(session);
		errno = -error;
		return NULL;
	}
	return session;
}

void vhost_session_destroy(struct vhost_session *session) {
	if (session == NULL) {
		return;
	}
	vhost_session_reset_device(session);
	for (unsigned i = 0; i < session->rings_len; i++) {
		vhost_ring_finish(&session->rings[i]);
	}
	vhost_channel_finish(&session->channel);
	vhost_receiver_finish(&session->receiver);
	guest_memory_finish(&session->memory);
	loop_remove(&session->poll_timer);
	loop_remove(&session->work_source);
	loop_remove(&session->socket_source);
	fd_close(&session->work_fd);
	fd_close(&session->socket);
	free(session->rings);
	free(session);
}

struct virtqueue *vhost_session_queue(struct vhost_session *session, unsigned index) {
	assert(index < session->rings_len);
	return &session->rings[index].queue;
}

const struct guest_memory *vhost_session_memory(const struct vhost_session *session) {
	return &session->memory;
}

void vhost_session_flush_config_change(struct vhost_session *session) {
	if (session->config_change_is_due && vhost_channel_is_open(&session->channel) &&
		!vhost_session_is_stopped(session)) {
		session->config_change_is_due = false;
		vhost_channel_config_changed(&session->channel);
	}
}

int vhost_session_config_changed(struct vhost_session *session) {
	if (!vhost_channel_is_open(&session->channel)) {
		return -ENOTSUP;
	}
	/* a suspended device must not send anything: then it goes out with the next start */
	session->config_change_is_due = true;
	vhost_session_flush_config_change(session);
	return 0;
}

void vhost_session_schedule(struct vhost_session *session, unsigned index) {
	assert(index < session->rings_len);
	vhost_ring_schedule(&session->rings[index]);
}
