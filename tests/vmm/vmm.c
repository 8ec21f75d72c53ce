#include "tests/vmm/vmm.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fd.h"
#include "core/macros.h"
#include "protocol/vhost_message.h"
#include "protocol/vhost_session.h"
#include "tests/vmm/vmm_impl.h"

#define BIT(n) (UINT64_C(1) << (n))

/* what QEMU 11.1 would accept of a back-end like ours */
#define PROTOCOL_FEATURES_KNOWN                                                                    \
	(BIT(VHOST_F_MQ) | BIT(VHOST_F_REPLY_ACK) | BIT(VHOST_F_BACKEND_REQ) |                     \
		BIT(VHOST_F_CONFIG) | BIT(VHOST_F_BACKEND_SEND_FD) | BIT(VHOST_F_RESET_DEVICE) |   \
		BIT(VHOST_F_CONFIGURE_MEM_SLOTS) | BIT(VHOST_F_STATUS))

#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER 2
#define STATUS_DRIVER_OK 4

static bool has(const struct vmm_device *device, enum vhost_protocol_feature feature) {
	return (device->protocol_features & BIT(feature)) != 0;
}

static int call_u64(struct vmm_device *device, uint32_t request, uint64_t value) {
	return vmm_call(device, request, &value, sizeof(value), NULL, 0);
}

/* --- connecting ----------------------------------------------------------------------------------- */

static int negotiate_protocol(struct vmm_device *device) {
	int error = vmm_ask(device, VHOST_GET_PROTOCOL_FEATURES, NULL, 0,
		&device->protocol_features_offered, sizeof(uint64_t));
	if (error < 0) {
		return error;
	}
	uint64_t accepted = device->protocol_features_offered & PROTOCOL_FEATURES_KNOWN &
		~device->options.protocol_features_refused;
	error = vmm_send(device, VHOST_SET_PROTOCOL_FEATURES, VHOST_VERSION, &accepted,
		sizeof(accepted), NULL, 0);
	device->protocol_features = accepted;
	if (error == 0 && has(device, VHOST_F_MQ)) {
		error = vmm_ask(device, VHOST_GET_QUEUE_NUM, NULL, 0, &device->queue_num,
			sizeof(device->queue_num));
	}
	uint64_t slots;
	if (error == 0 && has(device, VHOST_F_CONFIGURE_MEM_SLOTS)) {
		error = vmm_ask(device, VHOST_GET_MAX_MEM_SLOTS, NULL, 0, &slots, sizeof(slots));
	}
	return error;
}

static int open_channel(struct vmm_device *device) {
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
		return -errno;
	}
	device->channel = pair[0];
	int error = vmm_call(device, VHOST_SET_BACKEND_REQ_FD, NULL, 0, &pair[1], 1);
	fd_close(&pair[1]);
	return error;
}

static int send_ring_fd(struct vmm_device *device, uint32_t request, unsigned index, int fd) {
	uint64_t word = index;
	return vmm_call(device, request, &word, sizeof(word), &fd, 1);
}

static int device_negotiate(struct vmm_device *device) {
	int error = vmm_ask(device, VHOST_GET_FEATURES, NULL, 0, &device->features_offered,
		sizeof(device->features_offered));
	if (error == 0 && (device->features_offered & BIT(VHOST_USER_F_PROTOCOL_FEATURES)) != 0) {
		error = negotiate_protocol(device);
	}
	if (error == 0 && has(device, VHOST_F_BACKEND_REQ)) {
		error = open_channel(device);
	}
	if (error == 0) {
		error = vmm_send(device, VHOST_SET_OWNER, VHOST_VERSION, NULL, 0, NULL, 0);
	}
	for (unsigned i = 0; i < device->queues_len && error == 0; i++) {
		error = send_ring_fd(device, VHOST_SET_VRING_CALL, i, device->queues[i].call_fd);
		if (error == 0) {
			error = send_ring_fd(
				device, VHOST_SET_VRING_ERR, i, device->queues[i].error_fd);
		}
	}
	device->features = device->features_offered & ~device->options.features_refused;
	return error;
}

int vmm_device_attach(struct vmm_device *device, struct vmm_ram *ram, int socket,
	const struct vmm_device_options *options) {
	*device = (struct vmm_device) {
		.ram = ram,
		.options = *options,
		.socket = socket,
		.channel = -1,
		.queues_len = options->queues_len == 0 ? 2 : options->queues_len,
	};
	assert(device->queues_len <= VMM_QUEUES_MAX);
	uint16_t size = options->queue_size == 0 ? 256 : options->queue_size;
	for (unsigned i = 0; i < VMM_QUEUES_MAX; i++) {
		device->queues[i].kick_fd = -1;
		device->queues[i].call_fd = -1;
		device->queues[i].error_fd = -1;
	}
	int error = 0;
	for (unsigned i = 0; i < device->queues_len && error == 0; i++) {
		error = vmm_queue_init(&device->queues[i], ram, size);
	}
	if (error == 0) {
		error = device_negotiate(device);
	}
	if (error < 0) {
		vmm_device_close(device);
	}
	return error;
}

int vmm_device_connect(struct vmm_device *device, struct vmm_ram *ram, const char *path,
	const struct vmm_device_options *options) {
	int socket = fd_connect_unix(path, SOCK_STREAM);
	if (socket < 0) {
		*device = (struct vmm_device) { .socket = -1, .channel = -1 };
		return socket;
	}
	return vmm_device_attach(device, ram, socket, options);
}

void vmm_device_close(struct vmm_device *device) {
	fd_close(&device->socket);
	fd_close(&device->channel);
	for (unsigned i = 0; i < device->queues_len; i++) {
		vmm_queue_finish(&device->queues[i]);
	}
	device->queues_len = 0;
	device->is_started = false;
}

/* --- starting and stopping ------------------------------------------------------------------------ */

struct wire_region {
	uint64_t guest_address, bytes, user_address, file_offset;
};

static struct wire_region wire_from_region(const struct vmm_region *region) {
	return (struct wire_region) {
		region->guest_address,
		region->bytes,
		region->user_address,
		region->file_offset,
	};
}

int vmm_memory_share(struct vmm_device *device) {
	struct {
		uint32_t len, padding;
		struct wire_region regions[VMM_REGIONS_MAX];
	} table = { .len = device->ram->regions_len };
	int fds[VMM_REGIONS_MAX];
	for (unsigned i = 0; i < device->ram->regions_len; i++) {
		table.regions[i] = wire_from_region(&device->ram->regions[i]);
		fds[i] = device->ram->fd;
	}
	uint32_t bytes = (uint32_t)(8 + device->ram->regions_len * sizeof(table.regions[0]));
	return vmm_call(device, VHOST_SET_MEM_TABLE, &table, bytes, fds, device->ram->regions_len);
}

int vmm_memory_add(struct vmm_device *device, const struct vmm_region *region, int fd) {
	struct {
		uint64_t padding;
		struct wire_region region;
	} wire = { 0, wire_from_region(region) };
	return vmm_call(device, VHOST_ADD_MEM_REG, &wire, sizeof(wire), &fd, 1);
}

int vmm_memory_remove(struct vmm_device *device, const struct vmm_region *region) {
	struct {
		uint64_t padding;
		struct wire_region region;
	} wire = { 0, wire_from_region(region) };
	return vmm_call(device, VHOST_REM_MEM_REG, &wire, sizeof(wire), NULL, 0);
}

static int call_state(
	struct vmm_device *device, uint32_t request, unsigned index, uint32_t number) {
	uint32_t state[2] = { index, number };
	return vmm_call(device, request, state, sizeof(state), NULL, 0);
}

static int start_ring(struct vmm_device *device, unsigned index) {
	struct vmm_queue *queue = &device->queues[index];
	struct {
		uint32_t index, flags;
		uint64_t descriptors, used, avail, log;
	} addresses = {
		.index = index,
		.descriptors = vmm_ram_user_address(device->ram, queue->descriptors_address),
		.used = vmm_ram_user_address(device->ram, queue->used_address),
		.avail = vmm_ram_user_address(device->ram, queue->avail_address),
	};
	queue->event_idx = (device->features & BIT(VIRTIO_F_RING_EVENT_IDX)) != 0;

	int error = call_state(device, VHOST_SET_VRING_NUM, index, queue->size);
	if (error == 0) {
		error = call_state(device, VHOST_SET_VRING_BASE, index, device->bases[index]);
	}
	if (error == 0) {
		error = vmm_call(
			device, VHOST_SET_VRING_ADDR, &addresses, sizeof(addresses), NULL, 0);
	}
	if (error == 0) {
		error = send_ring_fd(device, VHOST_SET_VRING_KICK, index, queue->kick_fd);
	}
	if (error == 0) {
		fd_event_signal(queue->kick_fd); /* QEMU does, for older back-ends */
	}
	return error;
}

/* In slots of their own where the back-end can, as QEMU does, and once: what did not change is not sent
 * again. */
static int share_memory(struct vmm_device *device) {
	if (device->is_memory_shared) {
		return 0;
	}
	int error = 0;
	if (!has(device, VHOST_F_CONFIGURE_MEM_SLOTS)) {
		error = vmm_memory_share(device);
	}
	for (unsigned i = 0; has(device, VHOST_F_CONFIGURE_MEM_SLOTS) && error == 0 &&
		i < device->ram->regions_len;
		i++) {
		error = vmm_memory_add(device, &device->ram->regions[i], device->ram->fd);
	}
	device->is_memory_shared = error == 0;
	return error;
}

static int enable_rings(struct vmm_device *device, uint32_t is_enabled) {
	int error = 0;
	if ((device->features & BIT(VHOST_USER_F_PROTOCOL_FEATURES)) != 0) {
		for (unsigned i = 0; i < device->queues_len && error == 0; i++) {
			error = call_state(device, VHOST_SET_VRING_ENABLE, i, is_enabled);
		}
	}
	return error;
}

int vmm_device_start(struct vmm_device *device) {
	int error = call_u64(device, VHOST_SET_FEATURES, device->features);
	if (error == 0) {
		error = share_memory(device);
	}
	for (unsigned i = 0; i < device->queues_len && error == 0; i++) {
		error = start_ring(device, i);
	}
	if (error == 0) {
		error = enable_rings(device, 1);
	}
	if (error == 0 && has(device, VHOST_F_STATUS)) {
		error = call_u64(device, VHOST_SET_STATUS,
			STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_DRIVER_OK);
	}
	device->is_started = error == 0;
	return error;
}

int vmm_device_stop(struct vmm_device *device) {
	int error = enable_rings(device, 0);
	for (unsigned i = 0; i < device->queues_len && error == 0; i++) {
		uint32_t state[2] = { i, 0 };
		error = vmm_ask(
			device, VHOST_GET_VRING_BASE, state, sizeof(state), state, sizeof(state));
		device->bases[i] = (uint16_t)state[1];
	}
	if (error == 0 && has(device, VHOST_F_STATUS)) {
		error = call_u64(device, VHOST_SET_STATUS, 0);
	}
	device->is_started = false;
	return error;
}

int vmm_device_reset(struct vmm_device *device) {
	int error = device->is_started ? vmm_device_stop(device) : 0;
	if (error == 0 && has(device, VHOST_F_RESET_DEVICE)) {
		error = vmm_call(device, VHOST_RESET_DEVICE, NULL, 0, NULL, 0);
	}
	for (unsigned i = 0; i < device->queues_len; i++) {
		vmm_queue_clear(&device->queues[i]);
		device->bases[i] = 0;
	}
	return error;
}

int vmm_device_gpu_socket(struct vmm_device *device, int fd) {
	return vmm_send(device, VHOST_GPU_SET_SOCKET, VHOST_VERSION, NULL, 0, &fd, 1);
}

/* --- configuration -------------------------------------------------------------------------------- */

struct wire_config {
	uint32_t offset, len, flags;
	uint8_t data[VHOST_CONFIG_BYTES_MAX];
};

int vmm_config_read(struct vmm_device *device, uint32_t offset, void *data, uint32_t len) {
	struct wire_config config = { .offset = offset, .len = len };
	if (len > VHOST_CONFIG_BYTES_MAX) {
		return -EINVAL;
	}
	int error = vmm_ask(device, VHOST_GET_CONFIG, &config, 12 + len, &config, 12 + len);
	if (error == 0) {
		memcpy(data, config.data, len);
	}
	return error;
}

int vmm_config_write(struct vmm_device *device, uint32_t offset, const void *data, uint32_t len) {
	struct wire_config config = { .offset = offset, .len = len };
	if (len > VHOST_CONFIG_BYTES_MAX) {
		return -EINVAL;
	}
	memcpy(config.data, data, len);
	return vmm_call(device, VHOST_SET_CONFIG, &config, 12 + len, NULL, 0);
}

int vmm_wait_config_change(struct vmm_device *device, unsigned seen) {
	vmm_drain_channel(device);
	while (device->config_changes <= seen) {
		if (device->channel < 0) {
			return -EPIPE;
		}
		int error = vmm_wait_fd(device, device->channel, POLLIN, VMM_TIMEOUT_MS);
		if (error < 0) {
			return error;
		}
		vmm_drain_channel(device);
	}
	return 0;
}

/* --- requests -------------------------------------------------------------------------------------- */

int vmm_wait_used_for(
	struct vmm_device *device, unsigned index, struct vmm_used *used, int timeout_ms) {
	struct vmm_queue *queue = &device->queues[index];
	uint64_t deadline_ns = clock_now_ns() + (uint64_t)timeout_ms * NS_PER_MS;
	while (!vmm_queue_take(queue, used)) {
		uint64_t now_ns = clock_now_ns();
		if (now_ns >= deadline_ns) {
			return -ETIMEDOUT;
		}
		int left_ms = (int)((deadline_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS);
		int error = vmm_wait_fd(device, queue->call_fd, POLLIN, left_ms);
		if (error < 0) {
			return error;
		}
		queue->interrupts += fd_event_take(queue->call_fd);
	}
	return 0;
}

int vmm_wait_used(struct vmm_device *device, unsigned index, struct vmm_used *used) {
	return vmm_wait_used_for(device, index, used, VMM_TIMEOUT_MS);
}

static int scratch_init(struct vmm_device *device) {
	if (device->scratch_request == 0) {
		device->scratch_request = vmm_ram_alloc(device->ram, VMM_SCRATCH_BYTES, 4096);
		device->scratch_response = vmm_ram_alloc(device->ram, VMM_SCRATCH_BYTES, 4096);
	}
	return device->scratch_request == 0 || device->scratch_response == 0 ? -ENOMEM : 0;
}

int vmm_request(struct vmm_device *device, unsigned index, const void *request,
	size_t request_bytes, void *response, size_t response_bytes, uint32_t *used_bytes) {
	assert(request_bytes <= VMM_SCRATCH_BYTES && response_bytes <= VMM_SCRATCH_BYTES);
	int error = scratch_init(device);
	if (error < 0) {
		return error;
	}
	struct vmm_buffer buffers[2];
	size_t len = 0;
	if (request_bytes > 0) {
		buffers[len++] = (struct vmm_buffer) { device->scratch_request,
			(uint32_t)request_bytes, false };
		memcpy(vmm_ram_at(device->ram, device->scratch_request, request_bytes), request,
			request_bytes);
	}
	void *answer = vmm_ram_at(device->ram, device->scratch_response, response_bytes);
	if (response_bytes > 0) {
		buffers[len++] = (struct vmm_buffer) { device->scratch_response,
			(uint32_t)response_bytes, true };
		memset(answer, 0xee, response_bytes);
	}

	bool is_indirect = len > 1 && (device->features & BIT(VIRTIO_F_RING_INDIRECT_DESC)) != 0;
	int head = vmm_queue_add(&device->queues[index], buffers, len, is_indirect);
	if (head < 0) {
		return head;
	}
	vmm_queue_kick(&device->queues[index]);
	struct vmm_used used;
	error = vmm_wait_used(device, index, &used);
	if (error < 0) {
		return error;
	}
	if (used.head != head || used.bytes > response_bytes) {
		return -EBADMSG;
	}
	if (used_bytes != NULL) {
		*used_bytes = used.bytes;
	}
	memcpy(response, answer, response_bytes);
	return 0;
}
