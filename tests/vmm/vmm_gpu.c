#include "tests/vmm/vmm_gpu.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void vmm_gpu_init(struct vmm_gpu *gpu, struct vmm_device *device) {
	*gpu = (struct vmm_gpu) { .device = device };
}

void vmm_gpu_put_u32(struct vmm_gpu_command *command, uint32_t value) {
	assert(command->bytes + sizeof(value) <= sizeof(command->data));
	value = htole32(value);
	memcpy(command->data + command->bytes, &value, sizeof(value));
	command->bytes += sizeof(value);
}

void vmm_gpu_put_u64(struct vmm_gpu_command *command, uint64_t value) {
	vmm_gpu_put_u32(command, (uint32_t)value);
	vmm_gpu_put_u32(command, (uint32_t)(value >> 32));
}

static void put_rect(
	struct vmm_gpu_command *command, uint32_t x, uint32_t y, uint32_t width, uint32_t height) {
	vmm_gpu_put_u32(command, x);
	vmm_gpu_put_u32(command, y);
	vmm_gpu_put_u32(command, width);
	vmm_gpu_put_u32(command, height);
}

struct vmm_gpu_command vmm_gpu_encode(const struct vmm_gpu *gpu, uint32_t type) {
	struct vmm_gpu_command command = { 0 };
	vmm_gpu_put_u32(&command, type);
	vmm_gpu_put_u32(&command, gpu->flags);
	vmm_gpu_put_u64(&command, gpu->fence_id);
	vmm_gpu_put_u32(&command, gpu->ctx_id);
	vmm_gpu_put_u32(&command, gpu->ring_idx);
	return command;
}

struct vmm_gpu_command vmm_gpu_encode_transfer(const struct vmm_gpu *gpu, uint32_t resource,
	uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint64_t offset) {
	struct vmm_gpu_command command = vmm_gpu_encode(gpu, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D);
	put_rect(&command, x, y, width, height);
	vmm_gpu_put_u64(&command, offset);
	vmm_gpu_put_u32(&command, resource);
	vmm_gpu_put_u32(&command, 0);
	return command;
}

struct vmm_gpu_command vmm_gpu_encode_flush(const struct vmm_gpu *gpu, uint32_t resource,
	uint32_t x, uint32_t y, uint32_t width, uint32_t height) {
	struct vmm_gpu_command command = vmm_gpu_encode(gpu, VIRTIO_GPU_CMD_RESOURCE_FLUSH);
	put_rect(&command, x, y, width, height);
	vmm_gpu_put_u32(&command, resource);
	vmm_gpu_put_u32(&command, 0);
	return command;
}

struct vmm_gpu_command vmm_gpu_encode_set_scanout(const struct vmm_gpu *gpu, uint32_t scanout,
	uint32_t resource, uint32_t x, uint32_t y, uint32_t width, uint32_t height) {
	struct vmm_gpu_command command = vmm_gpu_encode(gpu, VIRTIO_GPU_CMD_SET_SCANOUT);
	put_rect(&command, x, y, width, height);
	vmm_gpu_put_u32(&command, scanout);
	vmm_gpu_put_u32(&command, resource);
	return command;
}

struct vmm_gpu_command vmm_gpu_encode_cursor(const struct vmm_gpu *gpu, uint32_t type,
	uint32_t scanout, int32_t x, int32_t y, uint32_t resource, uint32_t hot_x, uint32_t hot_y) {
	struct vmm_gpu_command command = vmm_gpu_encode(gpu, type);
	put_rect(&command, scanout, (uint32_t)x, (uint32_t)y, 0);
	vmm_gpu_put_u32(&command, resource);
	vmm_gpu_put_u32(&command, hot_x);
	vmm_gpu_put_u32(&command, hot_y);
	vmm_gpu_put_u32(&command, 0);
	return command;
}

uint32_t vmm_gpu_send(struct vmm_gpu *gpu, unsigned queue, const void *request, size_t bytes) {
	gpu->used_bytes = 0;
	int rc = vmm_request(gpu->device, queue, request, bytes, gpu->reply, sizeof(gpu->reply),
		&gpu->used_bytes);
	if (rc < 0 || gpu->used_bytes < VIRTIO_GPU_HEADER_BYTES) {
		return VMM_GPU_NO_REPLY;
	}
	struct virtio_gpu_header header;
	virtio_gpu_decode_header(gpu->reply, gpu->used_bytes, &header);
	return header.type;
}

uint32_t vmm_gpu_command(struct vmm_gpu *gpu, const struct vmm_gpu_command *command) {
	return vmm_gpu_send(gpu, VIRTIO_GPU_QUEUE_CONTROL, command->data, command->bytes);
}

static uint64_t post_address(const struct vmm_gpu *gpu, uint32_t post) {
	return gpu->posts + (uint64_t)(post % VMM_GPU_POSTS_MAX) * 2 * VMM_GPU_POST_BYTES;
}

int vmm_gpu_post(struct vmm_gpu *gpu, unsigned queue, const struct vmm_gpu_command *command) {
	struct vmm_ram *ram = gpu->device->ram;
	if (gpu->posts == 0) {
		gpu->posts = vmm_ram_alloc(ram, VMM_GPU_POSTS_MAX * 2 * VMM_GPU_POST_BYTES, 64);
		if (gpu->posts == 0) {
			return -ENOMEM;
		}
	}
	uint64_t address = post_address(gpu, gpu->posts_len);
	const struct vmm_buffer buffers[] = {
		{ address, (uint32_t)command->bytes, false },
		{ address + VMM_GPU_POST_BYTES, VMM_GPU_POST_BYTES, true },
	};
	memcpy(vmm_ram_at(ram, address, command->bytes), command->data, command->bytes);
	memset(vmm_ram_at(ram, buffers[1].address, VMM_GPU_POST_BYTES), 0xee, VMM_GPU_POST_BYTES);
	int head = vmm_queue_add(&gpu->device->queues[queue], buffers, 2, false);
	if (head >= 0) {
		gpu->posts_len++;
	}
	return head;
}

const uint8_t *vmm_gpu_post_reply(const struct vmm_gpu *gpu, uint32_t post) {
	return vmm_ram_at(
		gpu->device->ram, post_address(gpu, post) + VMM_GPU_POST_BYTES, VMM_GPU_POST_BYTES);
}

uint32_t vmm_gpu_create_2d(
	struct vmm_gpu *gpu, uint32_t resource, uint32_t format, uint32_t width, uint32_t height) {
	struct vmm_gpu_command command = vmm_gpu_encode(gpu, VIRTIO_GPU_CMD_RESOURCE_CREATE_2D);
	put_rect(&command, resource, format, width, height);
	return vmm_gpu_command(gpu, &command);
}

uint32_t vmm_gpu_resource(struct vmm_gpu *gpu, uint32_t type, uint32_t resource) {
	struct vmm_gpu_command command = vmm_gpu_encode(gpu, type);
	vmm_gpu_put_u64(&command, resource);
	return vmm_gpu_command(gpu, &command);
}

/* A command and the entries behind it. */
static uint32_t send_with_entries(struct vmm_gpu *gpu, const struct vmm_gpu_command *command,
	const struct virtio_gpu_entry *entries, uint32_t entries_len) {
	size_t bytes = command->bytes + (size_t)entries_len * VIRTIO_GPU_ENTRY_BYTES;
	uint8_t *data = calloc(1, bytes);
	assert(data != NULL);
	memcpy(data, command->data, command->bytes);
	uint8_t *at = data + command->bytes;
	for (uint32_t i = 0; i < entries_len; i++, at += VIRTIO_GPU_ENTRY_BYTES) {
		uint64_t address = htole64(entries[i].address);
		uint32_t len = htole32(entries[i].len);
		memcpy(at, &address, sizeof(address));
		memcpy(at + sizeof(address), &len, sizeof(len));
	}
	uint32_t type = vmm_gpu_send(gpu, VIRTIO_GPU_QUEUE_CONTROL, data, bytes);
	free(data);
	return type;
}

uint32_t vmm_gpu_attach(struct vmm_gpu *gpu, uint32_t resource,
	const struct virtio_gpu_entry *entries, uint32_t entries_len) {
	struct vmm_gpu_command command =
		vmm_gpu_encode(gpu, VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING);
	vmm_gpu_put_u32(&command, resource);
	vmm_gpu_put_u32(&command, entries_len);
	return send_with_entries(gpu, &command, entries, entries_len);
}

uint32_t vmm_gpu_create_blob(struct vmm_gpu *gpu, uint32_t resource, uint64_t bytes,
	const struct virtio_gpu_entry *entries, uint32_t entries_len) {
	struct vmm_gpu_command command = vmm_gpu_encode(gpu, VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB);
	put_rect(&command, resource, VIRTIO_GPU_BLOB_MEM_GUEST, 2, entries_len);
	vmm_gpu_put_u64(&command, 0);
	vmm_gpu_put_u64(&command, bytes);
	return send_with_entries(gpu, &command, entries, entries_len);
}

uint32_t vmm_gpu_set_scanout(struct vmm_gpu *gpu, uint32_t scanout, uint32_t resource, uint32_t x,
	uint32_t y, uint32_t width, uint32_t height) {
	struct vmm_gpu_command command =
		vmm_gpu_encode_set_scanout(gpu, scanout, resource, x, y, width, height);
	return vmm_gpu_command(gpu, &command);
}

uint32_t vmm_gpu_set_scanout_blob(struct vmm_gpu *gpu, uint32_t scanout, uint32_t resource,
	const struct virtio_gpu_rect *rect, uint32_t format, uint32_t width, uint32_t height,
	uint32_t stride, uint32_t offset) {
	struct vmm_gpu_command command = vmm_gpu_encode(gpu, VIRTIO_GPU_CMD_SET_SCANOUT_BLOB);
	put_rect(&command, rect->x, rect->y, rect->width, rect->height);
	put_rect(&command, scanout, resource, width, height);
	vmm_gpu_put_u32(&command, format);
	vmm_gpu_put_u32(&command, 0);
	put_rect(&command, stride, 0, 0, 0);
	put_rect(&command, offset, 0, 0, 0);
	return vmm_gpu_command(gpu, &command);
}

uint32_t vmm_gpu_transfer(struct vmm_gpu *gpu, uint32_t resource, uint32_t x, uint32_t y,
	uint32_t width, uint32_t height, uint64_t offset) {
	struct vmm_gpu_command command =
		vmm_gpu_encode_transfer(gpu, resource, x, y, width, height, offset);
	return vmm_gpu_command(gpu, &command);
}

uint32_t vmm_gpu_flush(struct vmm_gpu *gpu, uint32_t resource, uint32_t x, uint32_t y,
	uint32_t width, uint32_t height) {
	struct vmm_gpu_command command = vmm_gpu_encode_flush(gpu, resource, x, y, width, height);
	return vmm_gpu_command(gpu, &command);
}

uint32_t vmm_gpu_cursor(struct vmm_gpu *gpu, uint32_t type, uint32_t scanout, int32_t x, int32_t y,
	uint32_t resource, uint32_t hot_x, uint32_t hot_y) {
	struct vmm_gpu_command command =
		vmm_gpu_encode_cursor(gpu, type, scanout, x, y, resource, hot_x, hot_y);
	return vmm_gpu_send(gpu, VIRTIO_GPU_QUEUE_CURSOR, command.data, command.bytes);
}
