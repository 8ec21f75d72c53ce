/*
 * The display end of QEMU's vhost-user-gpu socket, as QEMU itself would read it: answers what the
 * back-end asks and takes the pixels it delivers. Protocol: QEMU's document vhost-user-gpu.
 *
 * Thread: one; calls block (a benchmark waits for its peer).
 */
#ifndef TESTS_BENCH_QEMU_DISPLAY_H
#define TESTS_BENCH_QEMU_DISPLAY_H

#include <stddef.h>
#include <stdint.h>

#include "core/rect.h"

struct qemu_display {
	int socket; /* owned; the other end went to the back-end */
	uint32_t width, height; /* offered to the guest */
	uint32_t *pixels; /* of the newest update, `update` wide and high */
	size_t pixels_bytes; /* capacity */
	struct rect update;
};

/* Offers one display of this size. `socket` is taken over. 0 or -errno. */
int qemu_display_init(struct qemu_display *display, int socket, uint32_t width, uint32_t height);
void qemu_display_finish(struct qemu_display *display);

/* Handles messages until an UPDATE with all its pixels is here. 0, -ETIMEDOUT after `timeout_ms` of
 * silence, -EPIPE when the back-end hung up, -EPROTO. */
int qemu_display_wait_update(struct qemu_display *display, int timeout_ms);

/* Handles messages until the socket has been silent for `timeout_ms`. 0 or -errno. */
int qemu_display_settle(struct qemu_display *display, int timeout_ms);

#endif
