#include "tests/protocol/echo_device.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/macros.h"

#define ECHO_QUEUE 0
#define HOLD_QUEUE 1

static uint64_t features(void *data) {
	return UINT64_C(1) << ECHO_FEATURE;
}

static void handle_features(void *data, uint64_t accepted) {
	struct echo_device *device = data;
	device->features = accepted;
}

static void config_read(void *data, uint32_t offset, uint8_t *bytes, uint32_t len) {
	struct echo_device *device = data;
	for (uint32_t i = 0; i < len; i++) {
		bytes[i] = offset + i < ECHO_CONFIG_BYTES ? device->config[offset + i] : 0;
	}
}

static int config_write(void *data, uint32_t offset, const uint8_t *bytes, uint32_t len) {
	struct echo_device *device = data;
	if (offset < 4 || offset + len > 8) {
		return -EPERM;
	}
	memcpy(device->config + offset, bytes, len);
	return 0;
}

/* Copies through a small buffer, as far as the shorter part goes. */
static uint32_t echo_chain(const struct virtqueue_chain *chain) {
	uint8_t buffer[512];
	uint64_t done = 0;
	size_t got;
	do {
		got = spans_read(
			chain->readable, chain->readable_len, done, buffer, sizeof(buffer));
		got = spans_write(chain->writable, chain->writable_len, done, buffer, got);
		done += got;
	} while (got > 0 && done < (1u << 20));
	return (uint32_t)done;
}

static bool handle_queue(void *data, unsigned index) {
	struct echo_device *device = data;
	struct virtqueue *queue = vhost_session_queue(device->session, index);
	struct virtqueue_chain chain;
	unsigned taken = 0;

	device->queue_calls++;
	while (taken < ECHO_CHAINS_PER_CALL && virtqueue_pop(queue, &chain) == 1) {
		taken++;
		device->chains++;
		if (index == ECHO_QUEUE) {
			uint32_t bytes = echo_chain(&chain);
			device->bytes += bytes;
			virtqueue_push(queue, chain.head, bytes);
		} else {
			device->held[device->held_len].head = chain.head;
			device->held[device->held_len].writable_bytes =
				(uint32_t)MIN(chain.writable_bytes, UINT32_MAX);
			device->held_len++;
		}
	}
	virtqueue_notify(queue);
	return taken == ECHO_CHAINS_PER_CALL;
}

void echo_release(struct echo_device *device) {
	struct virtqueue *queue = vhost_session_queue(device->session, HOLD_QUEUE);
	while (device->held_len > 0) {
		device->held_len--;
		virtqueue_push(queue, device->held[device->held_len].head,
			device->held[device->held_len].writable_bytes);
	}
	virtqueue_notify(queue);
}

static void handle_queue_stop(void *data, unsigned index) {
	if (index == HOLD_QUEUE) {
		echo_release(data);
	}
}

static void handle_reset(void *data) {
	struct echo_device *device = data;
	device->resets++;
	memset(device->config, 0, sizeof(device->config));
}

static void handle_memory_change(void *data) {
	struct echo_device *device = data;
	device->memory_changes++;
}

static void handle_gpu_socket(void *data, int fd) {
	struct echo_device *device = data;
	device->gpu_sockets++;
	close(fd);
}

static void handle_end(void *data, int error) {
	struct echo_device *device = data;
	device->ends++;
	device->end_error = error;
	vhost_session_destroy(device->session);
	device->session = NULL;
}

static void handle_suspend(void *data) {
	struct echo_device *device = data;
	device->suspends++;
}

static void handle_resume(void *data) {
	struct echo_device *device = data;
	device->resumes++;
}

#define ECHO_METHODS                                                                               \
	.name = "echo", .queues_len = 2, .features = features, .handle_features = handle_features, \
	.config_read = config_read, .config_write = config_write, .handle_queue = handle_queue,    \
	.handle_queue_stop = handle_queue_stop, .handle_reset = handle_reset,                      \
	.handle_memory_change = handle_memory_change, .handle_gpu_socket = handle_gpu_socket,      \
	.handle_end = handle_end

const struct vhost_device_impl echo_impl = { ECHO_METHODS };

const struct vhost_device_impl echo_pausable_impl = {
	ECHO_METHODS,
	.handle_suspend = handle_suspend,
	.handle_resume = handle_resume,
};

int echo_create(struct echo_device *device, const struct vhost_device_impl *impl, struct loop *loop,
	int socket, struct stats *stats) {
	memset(device, 0, sizeof(*device));
	device->session = vhost_session_create(loop, socket, impl, device, stats);
	return device->session == NULL ? -errno : 0;
}

void echo_finish(struct echo_device *device) {
	vhost_session_destroy(device->session);
	device->session = NULL;
}
