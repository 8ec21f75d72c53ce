/* What the guest asks about its displays and what they show: display information, EDID, scanouts,
 * flushes, cursors (virtio 1.3, 5.7.6.8 and 5.7.6.10). */
#include <errno.h>

#include "core/checked.h"
#include "core/macros.h"
#include "display/edid.h"
#include "gpu/command.h"
#include "gpu/device.h"

uint32_t command_get_display_info(struct command *command) {
	struct gpu_device *device = command->device;
	struct virtio_gpu_display displays[VIRTIO_GPU_SCANOUTS_MAX] = { 0 };
	uint32_t x = 0; /* side by side: where else they stand is the consumer's to say */
	for (uint32_t i = 0; i < device->scanouts.len; i++) {
		const struct frame_mode *mode = &device->modes[i];
		displays[i] = (struct virtio_gpu_display) {
			.rect = { x, 0, mode->width, mode->height },
			.enabled = mode->enabled,
		};
		x += mode->enabled ? mode->width : 0;
	}
	command->reply_len =
		virtio_gpu_encode_display_info(command->reply, &command->header, displays);
	return VIRTIO_GPU_RESP_OK_DISPLAY_INFO;
}

uint32_t command_get_edid(struct command *command) {
	struct virtio_gpu_resource request;
	virtio_gpu_decode_resource(command->request, command->request_len, &request);
	if (request.id >= command->device->scanouts.len) {
		return VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
	}
	uint8_t edid[EDID_BYTES_MAX];
	size_t edid_bytes = edid_encode(edid, &command->device->modes[request.id]);
	command->reply_len =
		virtio_gpu_encode_edid(command->reply, &command->header, edid, edid_bytes);
	return VIRTIO_GPU_RESP_OK_EDID;
}

/* A rectangle of the guest's as ours; false: it is empty or not inside width x height. */
static bool take_rect(
	const struct virtio_gpu_rect *from, uint32_t width, uint32_t height, struct rect *rect) {
	if (from->width == 0 || from->height == 0 ||
		!checked_range_fits(from->x, from->width, MIN(width, INT32_MAX)) ||
		!checked_range_fits(from->y, from->height, MIN(height, INT32_MAX))) {
		return false;
	}
	*rect = (struct rect) {
		.x = (int32_t)from->x,
		.y = (int32_t)from->y,
		.width = from->width,
		.height = from->height,
	};
	return true;
}

uint32_t command_set_scanout(struct command *command) {
	struct gpu_device *device = command->device;
	struct virtio_gpu_set_scanout request;
	virtio_gpu_decode_set_scanout(command->request, command->request_len, &request);
	if (request.scanout_id >= device->scanouts.len) {
		return VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
	}
	if (request.resource_id == 0) {
		scanouts_disable(&device->scanouts, request.scanout_id);
		return VIRTIO_GPU_RESP_OK_NODATA;
	}
	struct resource *resource = resource_table_find(&device->resources, request.resource_id);
	if (resource == NULL || resource->image == NULL) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	struct rect source;
	if (!take_rect(&request.rect, resource->width, resource->height, &source)) {
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	}
	if (scanouts_set(&device->scanouts, request.scanout_id, resource, &source) < 0) {
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	}
	return VIRTIO_GPU_RESP_OK_NODATA;
}

/* Whether the picture that SET_SCANOUT_BLOB describes lies in the blob. One plane: all eight formats
 * have one. */
static bool blob_layout_is_valid(
	const struct virtio_gpu_set_scanout_blob *request, const struct resource *resource) {
	for (unsigned i = 1; i < VIRTIO_GPU_PLANES; i++) {
		if (request->strides[i] != 0 || request->offsets[i] != 0) {
			return false;
		}
	}
	uint64_t row_bytes = (uint64_t)request->width * PIXEL_BYTES;
	if (request->width == 0 || request->height == 0 || request->width > FRAME_SIZE_MAX ||
		request->height > FRAME_SIZE_MAX || request->strides[0] < row_bytes ||
		request->strides[0] % PIXEL_BYTES != 0 || request->offsets[0] % PIXEL_BYTES != 0) {
		return false;
	}
	uint64_t bytes = (uint64_t)request->strides[0] * (request->height - 1) + row_bytes;
	return checked_range_fits(request->offsets[0], bytes, resource->blob_bytes);
}

uint32_t command_set_scanout_blob(struct command *command) {
	struct gpu_device *device = command->device;
	struct virtio_gpu_set_scanout_blob request;
	virtio_gpu_decode_set_scanout_blob(command->request, command->request_len, &request);
	if (request.scanout_id >= device->scanouts.len) {
		return VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
	}
	if (request.resource_id == 0) {
		scanouts_disable(&device->scanouts, request.scanout_id);
		return VIRTIO_GPU_RESP_OK_NODATA;
	}
	struct resource *resource = resource_table_find(&device->resources, request.resource_id);
	if (resource == NULL || resource->image != NULL) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	enum pixel_format format = virtio_gpu_format_decode(request.format);
	struct rect source;
	if (format == PIXEL_FORMAT_NONE || !blob_layout_is_valid(&request, resource) ||
		!take_rect(&request.rect, request.width, request.height, &source)) {
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	}
	const struct backing_picture blob = {
		.offset = request.offsets[0] + (uint64_t)request.rect.y * request.strides[0] +
			(uint64_t)request.rect.x * PIXEL_BYTES,
		.stride = request.strides[0],
	};
	if (scanouts_set_blob(
		    &device->scanouts, request.scanout_id, resource, &source, format, &blob) < 0) {
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	}
	return VIRTIO_GPU_RESP_OK_NODATA;
}

/* How long a flush may wait: a guest must not be slower than a display that has stopped. */
static uint64_t deadline_of(const struct gpu_device *device, uint64_t now_ns) {
	uint64_t wait_ns = 2 * frame_link_period_ns(device->setup.link);
	return now_ns + MIN(wait_ns, FENCE_WAIT_MAX_NS);
}

uint32_t command_flush(struct command *command) {
	struct gpu_device *device = command->device;
	struct virtio_gpu_flush request;
	virtio_gpu_decode_flush(command->request, command->request_len, &request);
	struct resource *resource = resource_table_find(&device->resources, request.resource_id);
	if (resource == NULL) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	/* a blob has no size in pixels: the scanouts that show it clip */
	bool is_blob = resource->image == NULL;
	struct rect rect;
	if (!take_rect(&request.rect, is_blob ? FRAME_SIZE_MAX : resource->width,
		    is_blob ? FRAME_SIZE_MAX : resource->height, &rect)) {
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	}
	struct fence_wait *wait = &command->wait;
	wait->start_ns = device->setup.now_ns(device->setup.data);
	wait->deadline_ns = deadline_of(device, wait->start_ns);
	scanouts_flush(&device->scanouts, resource, &rect, wait->start_ns, wait);
	if ((command->header.flags & VIRTIO_GPU_FLAG_FENCE) != 0) {
		wait->published_only = false; /* shown, so published too */
	} else if (!wait->published_only) {
		wait->channels = 0;
	}
	return VIRTIO_GPU_RESP_OK_NODATA;
}

uint32_t command_update_cursor(struct command *command) {
	struct gpu_device *device = command->device;
	struct virtio_gpu_cursor request;
	virtio_gpu_decode_cursor(command->request, command->request_len, &request);
	if (request.scanout_id >= device->scanouts.len) {
		return VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
	}
	if (request.resource_id == 0) {
		cursors_hide(&device->cursors, request.scanout_id);
		return VIRTIO_GPU_RESP_OK_NODATA;
	}
	struct resource *resource = resource_table_find(&device->resources, request.resource_id);
	if (resource == NULL) {
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	}
	if (cursors_set(&device->cursors, &request, resource) < 0) {
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	}
	return VIRTIO_GPU_RESP_OK_NODATA;
}

uint32_t command_move_cursor(struct command *command) {
	struct gpu_device *device = command->device;
	struct virtio_gpu_cursor request;
	virtio_gpu_decode_cursor(command->request, command->request_len, &request);
	if (request.scanout_id >= device->scanouts.len) {
		return VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
	}
	cursors_move(&device->cursors, &request);
	return VIRTIO_GPU_RESP_OK_NODATA;
}
