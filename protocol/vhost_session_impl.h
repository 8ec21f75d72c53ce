/*
 * The inside of a session, shared by its files: vhost_session.c (life, socket, scheduling),
 * vhost_ring.c (what happens to a ring), vhost_request.c (what a message means).
 */
#ifndef PROTOCOL_VHOST_SESSION_IMPL_H
#define PROTOCOL_VHOST_SESSION_IMPL_H

#include <stdatomic.h>

#include "protocol/vhost_channel.h"
#include "protocol/vhost_message.h"
#include "protocol/vhost_session.h"
#include "protocol/virtqueue_impl.h"

struct vhost_ring {
	struct vhost_session *session;
	unsigned index;
	struct virtqueue queue;
	int kick_fd; /* owned; -1: none */
	struct loop_source *kick_source;
	bool is_polled; /* started without a kick descriptor */
	bool has_work; /* handle_queue() is due */
	bool has_kept_base; /* not started since the suspension: its base tells who starts it */
};

struct vhost_session {
	struct loop *loop;
	const struct vhost_device_impl *impl;
	void *device;

	int socket;
	struct loop_source *socket_source;
	struct vhost_receiver receiver;
	struct vhost_sender sender;
	struct vhost_channel channel;

	uint64_t features, protocol_features; /* negotiated */
	uint8_t status; /* virtio device status */
	bool config_change_is_due; /* put off while suspended */
	bool has_state; /* a ring ran since the last device reset */
	bool is_suspended; /* handle_suspend() was called */

	struct guest_memory memory;
	unsigned rings_len;
	struct vhost_ring *rings; /* owned, impl->queues_len of them */
	int work_fd; /* eventfd: some ring has_work */
	struct loop_source *work_source;
	struct loop_source *poll_timer; /* NULL until a ring is polled */

	_Atomic uint64_t *messages, *refusals, *kicks, *resets;
};

/* One row per message of the protocol (vhost_request.c). */
enum vhost_refusal {
	REFUSE_END, /* nothing would tell the front-end: end the session, unless it wants an ack */
	REFUSE_IGNORE, /* go on as if it had not come, unless it wants an ack */
	REFUSE_NUMBER, /* the reply is a number: a non-zero one */
	REFUSE_EMPTY, /* the reply has a payload: none */
	REFUSE_HANGUP, /* the reply has no form that says no: end the session */
};

/* Returned by a handler that queued the reply itself. */
#define VHOST_REPLIED 1

struct vhost_request {
	uint32_t number;
	const char *name;
	uint16_t bytes_min, bytes_max; /* of the payload */
	uint8_t fds_min, fds_max;
	int8_t feature; /* protocol feature it needs, -1: none */
	enum vhost_refusal refusal;
	/* NULL: a part of the protocol that is never negotiated. 0, VHOST_REPLIED, or -errno. */
	int (*handle)(struct vhost_session *session, struct vhost_message *message);
};

/* NULL: not in the protocol document. */
const struct vhost_request *vhost_request_find(uint32_t number);

/* Answers one message. 0, or -errno: the session must end. */
int vhost_request_process(struct vhost_session *session, struct vhost_message *message);

void vhost_session_reply(
	struct vhost_session *session, uint32_t request, const void *payload, size_t payload_bytes);

/* Runs a ring's handle_queue() in the next round. */
void vhost_session_work(struct vhost_session *session);

bool vhost_session_is_stopped(const struct vhost_session *session);
void vhost_session_flush_config_change(struct vhost_session *session);

/* Stops all rings; drops the device's state. */
void vhost_session_reset_device(struct vhost_session *session);
/* Before a ring starts, after one stopped. */
void vhost_session_resume(struct vhost_session *session);
void vhost_session_suspend_if_stopped(struct vhost_session *session);
/* A ring goes on elsewhere than where it was stopped: another driver's. Others may have been started. */
void vhost_session_drop_state(struct vhost_session *session);

void vhost_ring_init(struct vhost_ring *ring, struct vhost_session *session, unsigned index);
void vhost_ring_finish(struct vhost_ring *ring);
void vhost_ring_run(struct vhost_ring *ring); /* calls handle_queue() if it is live */
void vhost_ring_schedule(struct vhost_ring *ring); /* that, from the loop */
/* Before a live ring stops being live: the device returns the chains it holds. */
void vhost_ring_quiesce(struct vhost_ring *ring);
void vhost_ring_stop(struct vhost_ring *ring);
void vhost_ring_enable(struct vhost_ring *ring, bool is_enabled);

/* The messages about rings. */
int vhost_handle_vring_num(struct vhost_session *session, struct vhost_message *message);
int vhost_handle_vring_addr(struct vhost_session *session, struct vhost_message *message);
int vhost_handle_vring_base(struct vhost_session *session, struct vhost_message *message);
int vhost_handle_get_vring_base(struct vhost_session *session, struct vhost_message *message);
int vhost_handle_vring_kick(struct vhost_session *session, struct vhost_message *message);
int vhost_handle_vring_call(struct vhost_session *session, struct vhost_message *message);
int vhost_handle_vring_err(struct vhost_session *session, struct vhost_message *message);
int vhost_handle_vring_enable(struct vhost_session *session, struct vhost_message *message);

#endif
