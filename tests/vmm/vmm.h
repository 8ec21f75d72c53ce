/*
 * A small vhost-user front-end: the VMM and the driver's transport in one, for tests, benchmarks and
 * fuzzers. It says on the wire what QEMU says, in QEMU's order, and can be made to say anything else.
 *
 *      struct vmm_ram ram;            vmm_ram_init(&ram, &(struct vmm_ram_options) { 0 });
 *      struct vmm_device device;      vmm_device_connect(&device, &ram, path, &options);
 *                                     vmm_device_start(&device);
 *      vmm_request(&device, 0, command, sizeof(command), answer, sizeof(answer), &bytes);
 *      vmm_device_stop(&device);      as for a paused VM; start again goes on where it was
 *      vmm_device_close(&device);     as for a VM that is gone
 *
 * Several devices may share one RAM. No call blocks longer than VMM_TIMEOUT_MS, which is a guard
 * against hanging, not a measure. Results are 0 or -errno; -EPIPE: the back-end hung up, -EREMOTEIO:
 * it said no, -ETIMEDOUT: it said nothing.
 *
 * When front-end and back-end are in one thread, options.pump runs the back-end's loop while we wait.
 *
 * Thread: one per device.
 */
#ifndef TESTS_VMM_VMM_H
#define TESTS_VMM_VMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/vmm/vmm_queue.h"
#include "tests/vmm/vmm_ram.h"

#define VMM_TIMEOUT_MS 120000
#define VMM_QUEUES_MAX 8
#define VMM_PAYLOAD_BYTES_MAX 4096

struct vmm_device_options {
	unsigned queues_len; /* 0: 2, as virtio-gpu has */
	uint16_t queue_size; /* 0: 256 */
	uint64_t features_refused; /* of those offered, not accepted */
	uint64_t protocol_features_refused; /* likewise */
	void (*pump)(void *data); /* NULL: the back-end runs elsewhere */
	void *pump_data;
};

struct vmm_device {
	struct vmm_ram *ram;
	struct vmm_device_options options;
	int socket; /* -1: closed */
	int channel; /* our end of the back-end channel; -1: none */
	uint64_t features_offered, features;
	uint64_t protocol_features_offered, protocol_features;
	uint64_t queue_num; /* what the back-end says */
	bool is_started, is_memory_shared;
	unsigned queues_len;
	struct vmm_queue queues[VMM_QUEUES_MAX];
	uint16_t bases[VMM_QUEUES_MAX]; /* where the rings go on at the next start */
	unsigned config_changes; /* received so far */
	uint64_t scratch_request, scratch_response; /* guest buffers of vmm_request() */
};

/* Connects to the socket at `path` (or takes over `socket`), negotiates features and shares the rings'
 * descriptors, as QEMU does when it makes the device. */
int vmm_device_connect(struct vmm_device *device, struct vmm_ram *ram, const char *path,
	const struct vmm_device_options *options);
int vmm_device_attach(struct vmm_device *device, struct vmm_ram *ram, int socket,
	const struct vmm_device_options *options);
/* Hangs up. Legal on a device that failed to connect, and twice. */
void vmm_device_close(struct vmm_device *device);

/* The driver is ready: features, memory, rings, enable. */
int vmm_device_start(struct vmm_device *device);
/* The VM pauses, or the driver resets the device: disable, get bases. */
int vmm_device_stop(struct vmm_device *device);
/* Stop, RESET_DEVICE, and rings as new. */
int vmm_device_reset(struct vmm_device *device);

/* QEMU's display dialect: hands over the GPU socket (borrowed), before each start. */
int vmm_device_gpu_socket(struct vmm_device *device, int fd);

int vmm_config_read(struct vmm_device *device, uint32_t offset, void *data, uint32_t len);
int vmm_config_write(struct vmm_device *device, uint32_t offset, const void *data, uint32_t len);
/* Waits until more than `seen` changes were announced. */
int vmm_wait_config_change(struct vmm_device *device, unsigned seen);

/* Memory slots changed while running. */
int vmm_memory_share(struct vmm_device *device);
int vmm_memory_add(struct vmm_device *device, const struct vmm_region *region, int fd);
int vmm_memory_remove(struct vmm_device *device, const struct vmm_region *region);

/* The next completed chain of queue `index`: 0, or -errno. */
int vmm_wait_used(struct vmm_device *device, unsigned index, struct vmm_used *used);
/* The same with a time of its own, for what must not come: -ETIMEDOUT is the expected answer. */
int vmm_wait_used_for(
	struct vmm_device *device, unsigned index, struct vmm_used *used, int timeout_ms);

/*
 * One request there and back, in buffers of the device's own (at most VMM_SCRATCH_BYTES each): waits for
 * its completion; nothing else may be in flight on the queue. *used_bytes may be NULL.
 */
#define VMM_SCRATCH_BYTES (512u << 10)
int vmm_request(struct vmm_device *device, unsigned index, const void *request,
	size_t request_bytes, void *response, size_t response_bytes, uint32_t *used_bytes);

/* --- raw messages -------------------------------------------------------------------------------- */

struct vmm_message {
	uint32_t request, flags, size;
	_Alignas(8) uint8_t payload[VMM_PAYLOAD_BYTES_MAX];
};

/* Sends any bytes as one piece; descriptors go with the first. */
int vmm_send_bytes(
	struct vmm_device *device, const void *data, size_t bytes, const int *fds, size_t fds_len);
/* Sends a message; `flags` as they shall be on the wire (VHOST_VERSION is not added). */
int vmm_send(struct vmm_device *device, uint32_t request, uint32_t flags, const void *payload,
	uint32_t payload_bytes, const int *fds, size_t fds_len);
/* The next message of the back-end on the main socket. */
int vmm_receive(struct vmm_device *device, struct vmm_message *message);
/* Sends, and waits for the ack when REPLY_ACK is negotiated. */
int vmm_call(struct vmm_device *device, uint32_t request, const void *payload,
	uint32_t payload_bytes, const int *fds, size_t fds_len);
/* Sends a request whose reply has a payload of exactly `reply_bytes`. */
int vmm_ask(struct vmm_device *device, uint32_t request, const void *payload,
	uint32_t payload_bytes, void *reply, uint32_t reply_bytes);
/* Waits for the back-end to hang up: 0, or -ETIMEDOUT; whatever else comes is dropped. */
int vmm_wait_hangup(struct vmm_device *device);

#endif
