#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "protocol/vhost_session_impl.h"

/* how often a ring is looked at whose front-end gave no kick descriptor */
#define POLL_NS (1 * NS_PER_MS)

#define VRING_INDEX_MASK 0xffu
#define VRING_NO_FD 0x100u

void vhost_ring_init(struct vhost_ring *ring, struct vhost_session *session, unsigned index) {
	ring->session = session;
	ring->index = index;
	ring->kick_fd = -1;
	ring->kick_source = NULL;
	virtqueue_init(&ring->queue, &session->memory);
}

static void ring_drop_kick(struct vhost_ring *ring) {
	loop_remove(&ring->kick_source);
	fd_close(&ring->kick_fd);
	ring->is_polled = false;
}

void vhost_ring_finish(struct vhost_ring *ring) {
	ring_drop_kick(ring);
	virtqueue_finish(&ring->queue);
}

void vhost_ring_run(struct vhost_ring *ring) {
	struct vhost_session *session = ring->session;
	ring->has_work = false;
	if (!virtqueue_is_live(&ring->queue)) {
		return;
	}
	if (session->impl->handle_queue(session->device, ring->index)) {
		vhost_ring_schedule(ring);
	}
}

void vhost_ring_schedule(struct vhost_ring *ring) {
	if (!ring->has_work) {
		ring->has_work = true;
		vhost_session_work(ring->session);
	}
}

void vhost_ring_quiesce(struct vhost_ring *ring) {
	struct vhost_session *session = ring->session;
	ring->has_work = false;
	if (!ring->queue.started || !ring->queue.enabled) {
		return;
	}
	session->impl->handle_queue_stop(session->device, ring->index);
	assert(virtqueue_in_flight(&ring->queue) == 0);
	virtqueue_notify(&ring->queue);
}

void vhost_ring_stop(struct vhost_ring *ring) {
	vhost_ring_quiesce(ring);
	ring_drop_kick(ring);
	virtqueue_stop(&ring->queue);
}

void vhost_ring_enable(struct vhost_ring *ring, bool is_enabled) {
	if (!is_enabled) {
		vhost_ring_quiesce(ring);
		ring->queue.enabled = false;
		return;
	}
	ring->queue.enabled = true;
	/* a kick may have come while it was disabled */
	vhost_ring_schedule(ring);
}

/* False: the descriptor will never again say anything sensible. */
static bool kick_take(int fd) {
	uint64_t value;
	ssize_t got = read(fd, &value, sizeof(value));
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static void handle_kick(void *data, uint32_t events) {
	struct vhost_ring *ring = data;
	if (!kick_take(ring->kick_fd)) {
		log_outsider(LOG_WARNING, "kick descriptor of ring %u is unusable", ring->index);
		loop_remove(&ring->kick_source);
		return;
	}
	atomic_fetch_add_explicit(ring->session->kicks, 1, memory_order_relaxed);
	vhost_ring_run(ring);
}

static void handle_poll(void *data, uint32_t events) {
	struct vhost_session *session = data;
	bool is_needed = false;
	for (unsigned i = 0; i < session->rings_len; i++) {
		struct vhost_ring *ring = &session->rings[i];
		if (ring->is_polled) {
			is_needed = true;
			vhost_ring_run(ring);
		}
	}
	if (!is_needed) {
		loop_timer_set(session->poll_timer, 0, 0);
	}
}

static int ring_poll(struct vhost_ring *ring) {
	struct vhost_session *session = ring->session;
	if (session->poll_timer == NULL) {
		session->poll_timer = loop_add_timer(session->loop, handle_poll, session);
		if (session->poll_timer == NULL) {
			return -errno;
		}
	}
	loop_timer_set(session->poll_timer, POLL_NS, POLL_NS);
	ring->is_polled = true;
	return 0;
}

static int ring_watch_kick(struct vhost_ring *ring, int fd) {
	ring->kick_source = loop_add(ring->session->loop, fd, EPOLLIN, handle_kick, ring);
	if (ring->kick_source == NULL) {
		int error = -errno;
		fd_close(&fd);
		return error;
	}
	ring->kick_fd = fd;
	return 0;
}

/* A ring message's index and number. */
static struct vhost_ring *ring_from_state(
	struct vhost_session *session, const struct vhost_message *message, uint32_t *number) {
	uint32_t state[2];
	memcpy(state, message->payload, sizeof(state));
	*number = state[1];
	return state[0] < session->rings_len ? &session->rings[state[0]] : NULL;
}

int vhost_handle_vring_num(struct vhost_session *session, struct vhost_message *message) {
	uint32_t number;
	struct vhost_ring *ring = ring_from_state(session, message, &number);
	return ring == NULL ? -EINVAL : virtqueue_set_size(&ring->queue, number);
}

int vhost_handle_vring_base(struct vhost_session *session, struct vhost_message *message) {
	uint32_t number;
	struct vhost_ring *ring = ring_from_state(session, message, &number);
	if (ring == NULL) {
		return -EINVAL;
	}
	uint16_t stopped_at = ring->queue.avail_next;
	int error = virtqueue_set_base(&ring->queue, number);
	/* a VM that was paused goes on where we stopped; a driver that starts anew begins at 0 (and is
	 * taken for the old one if that was stopped at a multiple of 65536) */
	if (error == 0 && ring->has_kept_base && number != stopped_at) {
		vhost_session_drop_state(session);
	}
	return error;
}

int vhost_handle_vring_enable(struct vhost_session *session, struct vhost_message *message) {
	uint32_t number;
	struct vhost_ring *ring = ring_from_state(session, message, &number);
	if (ring == NULL || number > 1) {
		return -EINVAL;
	}
	vhost_ring_enable(ring, number == 1);
	return 0;
}

int vhost_handle_vring_addr(struct vhost_session *session, struct vhost_message *message) {
	struct {
		uint32_t index, flags;
		uint64_t descriptors, used, avail, log;
	} wire;
	_Static_assert(sizeof(wire) == 40, "as on the wire");
	memcpy(&wire, message->payload, sizeof(wire));
	/* flags and log are about dirty logging, which is never negotiated */
	if (wire.index >= session->rings_len) {
		return -EINVAL;
	}
	struct virtqueue_addresses addresses = { wire.descriptors, wire.avail, wire.used };
	return virtqueue_set_addresses(&session->rings[wire.index].queue, &addresses);
}

int vhost_handle_get_vring_base(struct vhost_session *session, struct vhost_message *message) {
	uint32_t number;
	struct vhost_ring *ring = ring_from_state(session, message, &number);
	if (ring == NULL) {
		return -EINVAL;
	}
	vhost_ring_stop(ring);
	uint32_t reply[2] = { ring->index, ring->queue.avail_next };
	vhost_session_reply(session, VHOST_GET_VRING_BASE, reply, sizeof(reply));
	vhost_session_suspend_if_stopped(session);
	return VHOST_REPLIED;
}

/*
 * A kick, call or error message: which ring, and the descriptor (-1: none given, and said so). Files
 * and devices are refused: they cannot be made to never block.
 */
static int ring_from_fd_message(struct vhost_session *session, struct vhost_message *message,
	struct vhost_ring **ring, int *fd) {
	uint64_t word;
	memcpy(&word, message->payload, sizeof(word));
	uint64_t index = word & VRING_INDEX_MASK;
	bool has_fd = (word & VRING_NO_FD) == 0;
	if (word > (VRING_INDEX_MASK | VRING_NO_FD) || index >= session->rings_len ||
		message->fds_len != (has_fd ? 1 : 0)) {
		return -EINVAL;
	}
	*ring = &session->rings[index];
	*fd = -1;
	if (!has_fd) {
		return 0;
	}

	struct stat status;
	int candidate = message->fds[0];
	int flags = fcntl(candidate, F_GETFL);
	if (flags < 0 || fstat(candidate, &status) < 0) {
		return -EBADF;
	}
	mode_t type = status.st_mode & S_IFMT; /* an eventfd has none */
	if ((type != 0 && type != S_IFIFO) || fcntl(candidate, F_SETFL, flags | O_NONBLOCK) < 0) {
		return -EBADF;
	}
	*fd = vhost_message_take_fd(message, 0);
	return 0;
}

int vhost_handle_vring_call(struct vhost_session *session, struct vhost_message *message) {
	struct vhost_ring *ring;
	int fd;
	int error = ring_from_fd_message(session, message, &ring, &fd);
	if (error < 0) {
		return error;
	}
	virtqueue_set_call(&ring->queue, fd);
	/* what was pushed while there was no descriptor would else never be told */
	if (fd >= 0 && ring->queue.started) {
		fd_event_signal(fd);
	}
	return 0;
}

int vhost_handle_vring_err(struct vhost_session *session, struct vhost_message *message) {
	struct vhost_ring *ring;
	int fd;
	int error = ring_from_fd_message(session, message, &ring, &fd);
	if (error == 0) {
		virtqueue_set_error(&ring->queue, fd);
	}
	return error;
}

/* This message starts the ring, not the first kick. */
int vhost_handle_vring_kick(struct vhost_session *session, struct vhost_message *message) {
	struct vhost_ring *ring;
	int fd;
	int error = ring_from_fd_message(session, message, &ring, &fd);
	if (error < 0) {
		return error;
	}
	ring_drop_kick(ring);
	error = fd >= 0 ? ring_watch_kick(ring, fd) : ring_poll(ring);
	if (error < 0) {
		return error;
	}
	error = virtqueue_start(&ring->queue,
		(session->features >> VIRTIO_F_RING_INDIRECT_DESC & 1) != 0,
		(session->features >> VIRTIO_F_RING_EVENT_IDX & 1) != 0);
	if (error < 0) {
		ring_drop_kick(ring);
		return error;
	}
	if (ring->queue.used == NULL) {
		log_outsider(LOG_WARNING, "ring %u: addresses are in no region", ring->index);
	}
	ring->has_kept_base = false;
	vhost_session_resume(session);
	session->has_state = true;
	vhost_ring_schedule(ring);
	vhost_session_flush_config_change(session);
	return 0;
}
