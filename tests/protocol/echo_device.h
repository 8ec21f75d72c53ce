/*
 * A real, small device for the suites and fuzzers of protocol/: queue 0 answers each chain with a copy
 * of its readable part; queue 1 keeps what it popped until echo_release() or until its queue stops.
 * Configuration: 16 bytes, of which 4..7 may be written.
 */
#ifndef TESTS_PROTOCOL_ECHO_DEVICE_H
#define TESTS_PROTOCOL_ECHO_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/vhost_session.h"

#define ECHO_FEATURE 3 /* the one device feature it offers */
#define ECHO_CONFIG_BYTES 16
/* chains per handle_queue(): small, so that tests see work spread over rounds */
#define ECHO_CHAINS_PER_CALL 4

struct echo_device {
	struct vhost_session *session; /* NULL: ended */
	uint64_t features;
	uint8_t config[ECHO_CONFIG_BYTES];
	unsigned held_len; /* of queue 1 */
	struct {
		uint16_t head;
		uint32_t writable_bytes;
	} held[VIRTQUEUE_SIZE_MAX];
	/* calls so far */
	unsigned resets, suspends, resumes, memory_changes, queue_calls, gpu_sockets, ends;
	uint64_t chains, bytes;
	int end_error;
};

extern const struct vhost_device_impl echo_impl;
extern const struct vhost_device_impl echo_pausable_impl; /* with handle_suspend() */

/* Takes over `socket`. 0 or -errno. */
int echo_create(struct echo_device *device, const struct vhost_device_impl *impl, struct loop *loop,
	int socket, struct stats *stats);
void echo_finish(struct echo_device *device); /* legal after the session ended */

/* Completes what queue 1 holds, newest first. */
void echo_release(struct echo_device *device);

#endif
