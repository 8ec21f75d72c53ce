/*
 * A vhost-user back-end session: one connection of a VMM, its memory, its rings, and the device
 * behind them. Implements the back-end side of QEMU's vhost-user protocol document: every message is
 * answered or refused as it says there.
 *
 *      VMM ──socket──> framing (vhost_message) ──> session ──> device (struct vhost_device_impl)
 *                                                     └──> virtqueues, guest memory
 *
 * Protocol features offered: MQ, REPLY_ACK, BACKEND_REQ, CONFIG, BACKEND_SEND_FD, RESET_DEVICE,
 * CONFIGURE_MEM_SLOTS, STATUS. A VMM that breaks the protocol ends its session (`handle_end`): the
 * owner destroys it, and with it everything the VMM gave us.
 *
 * Everything is event-driven in the owner's loop; nothing blocks. Work per wake-up is bounded: a
 * device's handle_queue() returns true to be called again after other sources had their turn.
 *
 * Thread: the loop's.
 */
#ifndef PROTOCOL_VHOST_SESSION_H
#define PROTOCOL_VHOST_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/loop.h"
#include "core/stats.h"
#include "protocol/guest_memory.h"
#include "protocol/virtqueue.h"

#define VIRTIO_F_RING_INDIRECT_DESC 28
#define VIRTIO_F_RING_EVENT_IDX 29
#define VHOST_USER_F_PROTOCOL_FEATURES 30
#define VIRTIO_F_VERSION_1 32

#define VHOST_QUEUES_MAX 8
#define VHOST_CONFIG_BYTES_MAX 256

struct vhost_session;

/* What a device implements. Checked by vhost_session_create(): all but those marked optional. */
struct vhost_device_impl {
	const char *name; /* "gpu" */
	uint32_t queues_len;

	/* Device feature bits offered (0..23 and 50+); ring and transport bits are the session's. */
	uint64_t (*features)(void *device);
	/* The driver accepted these (SET_FEATURES). May come again after a reset. */
	void (*handle_features)(void *device, uint64_t features);

	/* Configuration space. Bytes past the device's space read as 0. */
	void (*config_read)(void *device, uint32_t offset, uint8_t *data, uint32_t len);
	/* Optional. 0 or -errno: refused; what is written comes from the guest. */
	int (*config_write)(void *device, uint32_t offset, const uint8_t *data, uint32_t len);

	/* Queue `index` may have work: kicked, enabled or started. True: more is left, call again soon. */
	bool (*handle_queue)(void *device, unsigned index);
	/* Queue `index` stops (GET_VRING_BASE, disable of a started ring, reset): push every chain of it
	 * that is still held (it is asserted that none is left); then the ring is not touched any more. */
	void (*handle_queue_stop)(void *device, unsigned index);

	/*
	 * Device reset: drop everything the driver made. Queues were stopped before. Not called when
	 * nothing ran since the last one. For RESET_DEVICE, status 0 while a ring runs, the end of the
	 * session, and a start after a suspension that does not go on where the rings were stopped; without
	 * handle_suspend() also when the last ring stops.
	 */
	void (*handle_reset)(void *device);

	/*
	 * Optional, both or none. The last ring stopped: the VM pauses, or the guest resets the device, or
	 * it shuts down; the protocol does not say which. Nothing is live any more, but keep what the driver
	 * made: either handle_resume() follows (a ring starts where it was stopped: the VM goes on, and
	 * expects its resources), or handle_reset().
	 */
	void (*handle_suspend)(void *device);
	void (*handle_resume)(void *device);

	/* Mappings went away: translate again what is cached, or drop it. */
	void (*handle_memory_change)(void *device);

	/* Optional: GPU_SET_SOCKET (QEMU's display dialect). Takes over the descriptor. */
	void (*handle_gpu_socket)(void *device, int fd);

	/* The session is over (hang-up or protocol error, `error` is 0 or -errno). Called once, from the
	 * loop, never from inside another call; the owner may destroy the session in it. */
	void (*handle_end)(void *device, int error);
};

/*
 * Takes over `socket` (connected SOCK_STREAM), on error too. `device` is handed to every call. Ignores
 * SIGPIPE for the whole process: a VMM's call descriptor may be a pipe. NULL with errno.
 */
struct vhost_session *vhost_session_create(struct loop *loop, int socket,
	const struct vhost_device_impl *impl, void *device, struct stats *stats);
/* Before the device goes: live queues are stopped and the device is reset in this call, unless the
 * session has ended. NULL is legal. */
void vhost_session_destroy(struct vhost_session *session);

/* Valid while the session lives. */
struct virtqueue *vhost_session_queue(struct vhost_session *session, unsigned index);
const struct guest_memory *vhost_session_memory(const struct vhost_session *session);

/* Tells the driver to read the configuration again (BACKEND_CONFIG_CHANGE_MSG); while no ring is
 * started, with the next start, because a suspended device sends nothing. 0, or -ENOTSUP when the
 * front-end gave no back-end channel. */
int vhost_session_config_changed(struct vhost_session *session);

/* Calls handle_queue(index) from the loop soon: for work that was put off (deadline passed). */
void vhost_session_schedule(struct vhost_session *session, unsigned index);

#endif
