/* What the guest makes and fills: 2D resources, guest blobs, their backing, transfers (virtio 1.3,
 * 5.7.6.8). */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "core/checked.h"
#include "core/macros.h"
#include "gpu/command.h"
#include "gpu/device.h"

/* Blobs are pages: every driver rounds up to this at least. */
#define BLOB_GRANULE 4096

/* Where an id must be new. */
static uint32_t add_resource(struct gpu_device *device, uint32_t id, struct resource **resource) {
	if (id == 0) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	*resource = resource_table_add(&device->resources, id);
	if (*resource == NULL) {
		return errno == EEXIST ? VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID
				       : VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	}
	return VIRTIO_GPU_RESP_OK_NODATA;
}

static void remove_resource(struct gpu_device *device, struct resource *resource) {
	scanouts_forget(&device->scanouts, resource);
	resource_table_remove(&device->resources, resource, &device->store);
}

/* Where an id must be known. */
static struct resource *find_resource(struct command *command) {
	struct virtio_gpu_resource request;
	virtio_gpu_decode_resource(command->request, command->request_len, &request);
	return resource_table_find(&command->device->resources, request.id);
}

uint32_t command_create_2d(struct command *command) {
	struct gpu_device *device = command->device;
	struct virtio_gpu_create_2d request;
	virtio_gpu_decode_create_2d(command->request, command->request_len, &request);
	enum pixel_format format = virtio_gpu_format_decode(request.format);
	if (format == PIXEL_FORMAT_NONE || request.width == 0 || request.height == 0 ||
		request.width > FRAME_SIZE_MAX || request.height > FRAME_SIZE_MAX) {
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	}
	struct resource *resource;
	uint32_t type = add_resource(device, request.resource_id, &resource);
	if (type != VIRTIO_GPU_RESP_OK_NODATA) {
		return type;
	}
	resource->format = format;
	resource->width = request.width;
	resource->height = request.height;
	resource->image = host_image_create(&device->store, request.width, request.height);
	if (resource->image == NULL) {
		remove_resource(device, resource);
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	}
	return VIRTIO_GPU_RESP_OK_NODATA;
}

uint32_t command_unref(struct command *command) {
	struct resource *resource = find_resource(command);
	if (resource == NULL) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	remove_resource(command->device, resource);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

/* Reads `entries_len` entries that follow the request's first `offset` bytes. */
static uint32_t read_backing(
	struct command *command, uint64_t offset, uint32_t entries_len, struct backing *backing) {
	struct gpu_device *device = command->device;
	uint64_t bytes = (uint64_t)entries_len * VIRTIO_GPU_ENTRY_BYTES;
	if (entries_len == 0 ||
		!checked_range_fits(offset, bytes, command->chain->readable_bytes)) {
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	}
	if (entries_len > device->setup.config->budget.backing_entries) {
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	}
	const struct backing_source source = {
		.spans = command->chain->readable,
		.spans_len = command->chain->readable_len,
		.offset = offset,
		.entries_len = entries_len,
	};
	int rc = backing_init(
		backing, &source, vhost_session_memory(device->session), &device->store);
	if (rc == -ENOMEM) {
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	}
	return rc == 0 ? VIRTIO_GPU_RESP_OK_NODATA : VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
}

uint32_t command_attach_backing(struct command *command) {
	struct gpu_device *device = command->device;
	struct virtio_gpu_attach_backing request;
	virtio_gpu_decode_attach_backing(command->request, command->request_len, &request);
	struct resource *resource = resource_table_find(&device->resources, request.resource_id);
	if (resource == NULL) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	if (backing_is_present(&resource->backing)) {
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	}
	uint32_t type = read_backing(
		command, VIRTIO_GPU_ATTACH_BACKING_BYTES, request.entries_len, &resource->backing);
	/* a blob is nothing but its backing; a 2D resource may do with less, and transfer only that */
	if (type == VIRTIO_GPU_RESP_OK_NODATA && resource->backing.bytes < resource->blob_bytes) {
		backing_finish(&resource->backing, &device->store);
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	}
	return type;
}

uint32_t command_detach_backing(struct command *command) {
	struct resource *resource = find_resource(command);
	if (resource == NULL) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	if (!backing_is_present(&resource->backing)) {
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	}
	backing_finish(&resource->backing, &command->device->store);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

/* The one copy before composition: from the guest's pages to where the consumer reads. */
static uint32_t transfer(struct gpu_device *device, struct resource *resource,
	const struct rect *rect, const struct backing_picture *from) {
	struct pixels pixels;
	if (host_image_write(resource->image, rect, &pixels) < 0) {
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	}
	backing_copy_picture(&resource->backing, from, pixels_at(&pixels, rect), pixels.stride,
		rect->width, rect->height);
	gpu_stats_add(
		device->stats.transfer_bytes, (uint64_t)rect->width * rect->height * PIXEL_BYTES);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

uint32_t command_transfer_to_host_2d(struct command *command) {
	struct gpu_device *device = command->device;
	struct virtio_gpu_transfer_2d request;
	virtio_gpu_decode_transfer_2d(command->request, command->request_len, &request);
	struct resource *resource = resource_table_find(&device->resources, request.resource_id);
	if (resource == NULL) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	if (resource->image == NULL) {
		return VIRTIO_GPU_RESP_OK_NODATA; /* Linux sends it for its blobs too: nothing to do */
	}
	const struct virtio_gpu_rect *rect = &request.rect;
	const struct backing_picture from = {
		.offset = request.offset,
		.stride = (uint64_t)resource->width * PIXEL_BYTES,
	};
	if (!checked_range_fits(rect->x, rect->width, resource->width) ||
		!checked_range_fits(rect->y, rect->height, resource->height) ||
		!backing_has_picture(&resource->backing, &from, rect->width, rect->height)) {
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	}
	const struct rect to = {
		.x = (int32_t)rect->x,
		.y = (int32_t)rect->y,
		.width = rect->width,
		.height = rect->height,
	};
	return transfer(device, resource, &to, &from);
}

/* RFC 4122, version 4. */
static bool make_uuid(uint8_t uuid[VIRTIO_GPU_UUID_BYTES]) {
	if (getrandom(uuid, VIRTIO_GPU_UUID_BYTES, GRND_NONBLOCK) != VIRTIO_GPU_UUID_BYTES) {
		return false;
	}
	uuid[6] = (uuid[6] & 0x0f) | 0x40;
	uuid[8] = (uuid[8] & 0x3f) | 0x80;
	return true;
}

uint32_t command_assign_uuid(struct command *command) {
	struct resource *resource = find_resource(command);
	if (resource == NULL) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	if (!resource->has_uuid) {
		resource->has_uuid = make_uuid(resource->uuid);
	}
	if (!resource->has_uuid) {
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	}
	command->reply_len =
		virtio_gpu_encode_uuid(command->reply, &command->header, resource->uuid);
	return VIRTIO_GPU_RESP_OK_RESOURCE_UUID;
}

uint32_t command_create_blob(struct command *command) {
	struct gpu_device *device = command->device;
	struct virtio_gpu_create_blob request;
	virtio_gpu_decode_create_blob(command->request, command->request_len, &request);
	if (request.blob_mem != VIRTIO_GPU_BLOB_MEM_GUEST ||
		(request.blob_flags & ~(uint32_t)VIRTIO_GPU_BLOB_FLAGS) != 0 ||
		request.size_bytes == 0 || request.size_bytes % BLOB_GRANULE != 0) {
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	}
	struct resource *resource;
	uint32_t type = add_resource(device, request.resource_id, &resource);
	if (type != VIRTIO_GPU_RESP_OK_NODATA) {
		return type;
	}
	resource->blob_bytes = request.size_bytes;
	type = read_backing(
		command, VIRTIO_GPU_CREATE_BLOB_BYTES, request.entries_len, &resource->backing);
	if (type == VIRTIO_GPU_RESP_OK_NODATA && resource->backing.bytes < request.size_bytes) {
		type = VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	}
	if (type != VIRTIO_GPU_RESP_OK_NODATA) {
		remove_resource(device, resource);
	}
	return type;
}
