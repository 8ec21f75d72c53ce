#include "gpu/qemu_display.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "core/clock.h"
#include "core/fd.h"
#include "core/log.h"

#define ANSWER_DEADLINE_NS NS_PER_S

static void close_socket(struct qemu_display *display) {
	loop_remove(&display->source);
	fd_close(&display->fd);
	loop_timer_set(display->timer, 0, 0);
	display->len = 0;
}

static void settle(struct qemu_display *display, enum qemu_display_state state) {
	bool was_pending = qemu_display_is_pending(display);
	display->state = state;
	if (was_pending) {
		display->handle_settled(display->data);
	}
}

static void give_up(struct qemu_display *display, const char *reason) {
	log_outsider(
		LOG_WARNING, "QEMU's display socket: %s; the guest is served without it", reason);
	close_socket(display);
	settle(display, QEMU_DISPLAY_IDLE);
}

/* Never blocks: so little fits into any socket that is not stuck, and a stuck one is given up. */
static bool send_message(
	struct qemu_display *display, const struct vhost_user_gpu_message *message) {
	uint8_t data[VHOST_USER_GPU_MESSAGE_BYTES_MAX];
	size_t len = vhost_user_gpu_encode(data, message);
	return send(display->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
}

static void handle_reply(struct qemu_display *display) {
	struct vhost_user_gpu_message reply;
	int rc = vhost_user_gpu_decode(display->reply, display->len, &reply);
	if (rc == 0) {
		return; /* more to come */
	}
	if (rc < 0 || reply.type != VHOST_USER_GPU_GET_PROTOCOL_FEATURES ||
		(reply.flags & VHOST_USER_GPU_FLAG_REPLY) == 0 ||
		reply.size_bytes != sizeof(reply.value)) {
		give_up(display, "not an answer to GET_PROTOCOL_FEATURES");
		return;
	}
	/* none of them: they are for back-ends that ask QEMU for EDID or show pictures there */
	const struct vhost_user_gpu_message set = {
		.type = VHOST_USER_GPU_SET_PROTOCOL_FEATURES,
		.size_bytes = sizeof(set.value),
	};
	if (!send_message(display, &set)) {
		give_up(display, "it takes no message");
		return;
	}
	loop_timer_set(display->timer, 0, 0);
	settle(display, QEMU_DISPLAY_READY);
}

static void handle_socket(void *data, uint32_t events) {
	struct qemu_display *display = data;
	uint8_t nothing[64]; /* after the handshake, whatever comes has no meaning to us */
	bool asked = display->state == QEMU_DISPLAY_ASKED;
	uint8_t *to = asked ? display->reply + display->len : nothing;
	size_t room = asked ? sizeof(display->reply) - display->len : sizeof(nothing);
	ssize_t len = recv(display->fd, to, room, MSG_DONTWAIT);
	if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (len <= 0 && !asked) { /* the usual end: the guest's driver stopped */
		close_socket(display);
		settle(display, QEMU_DISPLAY_IDLE);
	} else if (len <= 0) {
		give_up(display, len == 0 ? "hung up before it answered" : strerror(errno));
	} else if (asked) {
		display->len += (size_t)len;
		handle_reply(display);
	}
}

static void handle_deadline(void *data, uint32_t events) {
	give_up(data, "no answer within a second");
}

int qemu_display_init(struct qemu_display *display, struct loop *loop,
	void (*handle_settled)(void *data), void *data) {
	*display = (struct qemu_display) {
		.loop = loop,
		.fd = -1,
		.handle_settled = handle_settled,
		.data = data,
	};
	display->timer = loop_add_timer(loop, handle_deadline, display);
	return display->timer != NULL ? 0 : -errno;
}

void qemu_display_finish(struct qemu_display *display) {
	if (display->timer != NULL) {
		close_socket(display);
		loop_remove(&display->timer);
	}
}

void qemu_display_attach(struct qemu_display *display, int fd) {
	const struct vhost_user_gpu_message ask = { .type = VHOST_USER_GPU_GET_PROTOCOL_FEATURES };
	close_socket(display);
	display->attached = true;
	display->fd = fd;
	display->state = QEMU_DISPLAY_ASKED;
	display->source = loop_add(display->loop, fd, EPOLLIN, handle_socket, display);
	if (display->source == NULL || !send_message(display, &ask)) {
		give_up(display, "it takes no message");
		return;
	}
	loop_timer_set(display->timer, ANSWER_DEADLINE_NS, 0);
}
