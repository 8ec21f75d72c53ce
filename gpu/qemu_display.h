/*
 * The display socket of QEMU's vhost-user-gpu (docs/interop/vhost-user-gpu): the handshake and no
 * more. The display is ours; a picture of it in QEMU's window would be a mirror, which is not made yet.
 *
 *      IDLE ──attach──> ASKED ──reply──> READY ──hang-up──> IDLE
 *                         └──deadline, nonsense──> IDLE
 *
 * A new socket comes at each start of the guest's driver and replaces the old one. While ASKED the
 * control queue is held; nobody waits in a call, and a QEMU that does not answer costs a second.
 *
 * Thread: the loop's.
 */
#ifndef GPU_QEMU_DISPLAY_H
#define GPU_QEMU_DISPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/loop.h"
#include "protocol/virtio_gpu.h"

enum qemu_display_state { QEMU_DISPLAY_IDLE, QEMU_DISPLAY_ASKED, QEMU_DISPLAY_READY };

struct qemu_display {
	struct loop *loop; /* borrowed */
	enum qemu_display_state state;
	bool attached; /* there was a socket: this is QEMU's dialect */
	int fd; /* owned, or -1 */
	struct loop_source *source, *timer;
	void (*handle_settled)(void *data); /* no longer ASKED */
	void *data;
	size_t len; /* bytes of the reply so far */
	uint8_t reply[VHOST_USER_GPU_MESSAGE_BYTES_MAX];
};

int qemu_display_init(struct qemu_display *display, struct loop *loop,
	void (*handle_settled)(void *data), void *data);
void qemu_display_finish(struct qemu_display *display);

/* Takes over `fd`, whatever it is. */
void qemu_display_attach(struct qemu_display *display, int fd);

static inline bool qemu_display_is_pending(const struct qemu_display *display) {
	return display->state == QEMU_DISPLAY_ASKED;
}

#endif
