#include "protocol/virtio_gpu.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "core/bytes.h"

static struct virtio_gpu_rect take_rect(struct byte_reader *reader) {
	struct virtio_gpu_rect rect;
	rect.x = byte_reader_u32(reader);
	rect.y = byte_reader_u32(reader);
	rect.width = byte_reader_u32(reader);
	rect.height = byte_reader_u32(reader);
	return rect;
}

static struct byte_reader body_of(const uint8_t *data, size_t len) {
	struct byte_reader reader;
	byte_reader_init(&reader, data, len);
	byte_reader_skip(&reader, VIRTIO_GPU_HEADER_BYTES);
	return reader;
}

bool virtio_gpu_decode_header(const uint8_t *data, size_t len, struct virtio_gpu_header *header) {
	struct byte_reader reader;
	byte_reader_init(&reader, data, len);
	header->type = byte_reader_u32(&reader);
	header->flags = byte_reader_u32(&reader);
	header->fence_id = byte_reader_u64(&reader);
	header->ctx_id = byte_reader_u32(&reader);
	header->ring_idx = byte_reader_u8(&reader);
	byte_reader_skip(&reader, 3);
	return !reader.failed;
}

bool virtio_gpu_decode_resource(
	const uint8_t *data, size_t len, struct virtio_gpu_resource *request) {
	struct byte_reader reader = body_of(data, len);
	request->id = byte_reader_u32(&reader);
	byte_reader_skip(&reader, 4);
	return !reader.failed;
}

bool virtio_gpu_decode_create_2d(
	const uint8_t *data, size_t len, struct virtio_gpu_create_2d *request) {
	struct byte_reader reader = body_of(data, len);
	request->resource_id = byte_reader_u32(&reader);
	request->format = byte_reader_u32(&reader);
	request->width = byte_reader_u32(&reader);
	request->height = byte_reader_u32(&reader);
	return !reader.failed;
}

bool virtio_gpu_decode_set_scanout(
	const uint8_t *data, size_t len, struct virtio_gpu_set_scanout *request) {
	struct byte_reader reader = body_of(data, len);
	request->rect = take_rect(&reader);
	request->scanout_id = byte_reader_u32(&reader);
	request->resource_id = byte_reader_u32(&reader);
	return !reader.failed;
}

bool virtio_gpu_decode_flush(const uint8_t *data, size_t len, struct virtio_gpu_flush *request) {
	struct byte_reader reader = body_of(data, len);
	request->rect = take_rect(&reader);
	request->resource_id = byte_reader_u32(&reader);
	byte_reader_skip(&reader, 4);
	return !reader.failed;
}

bool virtio_gpu_decode_transfer_2d(
	const uint8_t *data, size_t len, struct virtio_gpu_transfer_2d *request) {
	struct byte_reader reader = body_of(data, len);
	request->rect = take_rect(&reader);
	request->offset = byte_reader_u64(&reader);
	request->resource_id = byte_reader_u32(&reader);
	byte_reader_skip(&reader, 4);
	return !reader.failed;
}

bool virtio_gpu_decode_attach_backing(
	const uint8_t *data, size_t len, struct virtio_gpu_attach_backing *request) {
	struct byte_reader reader = body_of(data, len);
	request->resource_id = byte_reader_u32(&reader);
	request->entries_len = byte_reader_u32(&reader);
	return !reader.failed;
}

bool virtio_gpu_decode_create_blob(
	const uint8_t *data, size_t len, struct virtio_gpu_create_blob *request) {
	struct byte_reader reader = body_of(data, len);
	request->resource_id = byte_reader_u32(&reader);
	request->blob_mem = byte_reader_u32(&reader);
	request->blob_flags = byte_reader_u32(&reader);
	request->entries_len = byte_reader_u32(&reader);
	request->blob_id = byte_reader_u64(&reader);
	request->size_bytes = byte_reader_u64(&reader);
	return !reader.failed;
}

bool virtio_gpu_decode_set_scanout_blob(
	const uint8_t *data, size_t len, struct virtio_gpu_set_scanout_blob *request) {
	struct byte_reader reader = body_of(data, len);
	request->rect = take_rect(&reader);
	request->scanout_id = byte_reader_u32(&reader);
	request->resource_id = byte_reader_u32(&reader);
	request->width = byte_reader_u32(&reader);
	request->height = byte_reader_u32(&reader);
	request->format = byte_reader_u32(&reader);
	byte_reader_skip(&reader, 4);
	for (unsigned i = 0; i < VIRTIO_GPU_PLANES; i++) {
		request->strides[i] = byte_reader_u32(&reader);
	}
	for (unsigned i = 0; i < VIRTIO_GPU_PLANES; i++) {
		request->offsets[i] = byte_reader_u32(&reader);
	}
	return !reader.failed;
}

bool virtio_gpu_decode_cursor(const uint8_t *data, size_t len, struct virtio_gpu_cursor *request) {
	struct byte_reader reader = body_of(data, len);
	request->scanout_id = byte_reader_u32(&reader);
	request->x = (int32_t)byte_reader_u32(&reader);
	request->y = (int32_t)byte_reader_u32(&reader);
	byte_reader_skip(&reader, 4);
	request->resource_id = byte_reader_u32(&reader);
	request->hot_x = byte_reader_u32(&reader);
	request->hot_y = byte_reader_u32(&reader);
	byte_reader_skip(&reader, 4);
	return !reader.failed;
}

void virtio_gpu_decode_entry(const uint8_t *data, struct virtio_gpu_entry *entry) {
	struct byte_reader reader;
	byte_reader_init(&reader, data, VIRTIO_GPU_ENTRY_BYTES);
	entry->address = byte_reader_u64(&reader);
	entry->len = byte_reader_u32(&reader);
}

/* virtio_gpu_formats: the numbers are those of an older library, hence the gaps */
static const uint32_t formats[PIXEL_FORMAT_COUNT] = {
	[PIXEL_FORMAT_BGRA] = 1,
	[PIXEL_FORMAT_BGRX] = 2,
	[PIXEL_FORMAT_ARGB] = 3,
	[PIXEL_FORMAT_XRGB] = 4,
	[PIXEL_FORMAT_RGBA] = 67,
	[PIXEL_FORMAT_XBGR] = 68,
	[PIXEL_FORMAT_ABGR] = 121,
	[PIXEL_FORMAT_RGBX] = 134,
};

enum pixel_format virtio_gpu_format_decode(uint32_t format) {
	for (unsigned i = PIXEL_FORMAT_NONE + 1; i < PIXEL_FORMAT_COUNT; i++) {
		if (formats[i] == format) {
			return (enum pixel_format)i;
		}
	}
	return PIXEL_FORMAT_NONE;
}

uint32_t virtio_gpu_format_encode(enum pixel_format format) {
	assert(pixel_format_is_valid(format));
	return formats[format];
}

static void put_u32(uint8_t *at, uint32_t value) {
	value = htole32(value);
	memcpy(at, &value, sizeof(value));
}

static void put_u64(uint8_t *at, uint64_t value) {
	value = htole64(value);
	memcpy(at, &value, sizeof(value));
}

size_t virtio_gpu_encode_header(
	uint8_t *data, uint32_t type, const struct virtio_gpu_header *request) {
	memset(data, 0, VIRTIO_GPU_HEADER_BYTES);
	put_u32(data, type);
	if ((request->flags & VIRTIO_GPU_FLAG_FENCE) != 0) {
		put_u32(data + 4,
			request->flags & (VIRTIO_GPU_FLAG_FENCE | VIRTIO_GPU_FLAG_INFO_RING_IDX));
		put_u64(data + 8, request->fence_id);
		put_u32(data + 16, request->ctx_id);
		data[20] = request->ring_idx;
	}
	return VIRTIO_GPU_HEADER_BYTES;
}

static void put_rect(uint8_t *at, const struct virtio_gpu_rect *rect) {
	put_u32(at, rect->x);
	put_u32(at + 4, rect->y);
	put_u32(at + 8, rect->width);
	put_u32(at + 12, rect->height);
}

size_t virtio_gpu_encode_display_info(uint8_t *data, const struct virtio_gpu_header *request,
	const struct virtio_gpu_display displays[VIRTIO_GPU_SCANOUTS_MAX]) {
	memset(data, 0, VIRTIO_GPU_DISPLAY_INFO_BYTES);
	uint8_t *at =
		data + virtio_gpu_encode_header(data, VIRTIO_GPU_RESP_OK_DISPLAY_INFO, request);
	for (unsigned i = 0; i < VIRTIO_GPU_SCANOUTS_MAX; i++, at += 24) {
		put_rect(at, &displays[i].rect);
		put_u32(at + 16, displays[i].enabled);
	}
	return VIRTIO_GPU_DISPLAY_INFO_BYTES;
}

size_t virtio_gpu_encode_edid(uint8_t *data, const struct virtio_gpu_header *request,
	const uint8_t *edid, size_t edid_bytes) {
	assert(edid_bytes <= VIRTIO_GPU_EDID_BYTES_MAX);
	memset(data, 0, VIRTIO_GPU_EDID_BYTES);
	uint8_t *at = data + virtio_gpu_encode_header(data, VIRTIO_GPU_RESP_OK_EDID, request);
	put_u32(at, (uint32_t)edid_bytes);
	memcpy(at + 8, edid, edid_bytes);
	return VIRTIO_GPU_EDID_BYTES;
}

size_t virtio_gpu_encode_uuid(uint8_t *data, const struct virtio_gpu_header *request,
	const uint8_t uuid[VIRTIO_GPU_UUID_BYTES]) {
	uint8_t *at =
		data + virtio_gpu_encode_header(data, VIRTIO_GPU_RESP_OK_RESOURCE_UUID, request);
	memcpy(at, uuid, VIRTIO_GPU_UUID_BYTES);
	return VIRTIO_GPU_RESOURCE_UUID_BYTES;
}

void virtio_gpu_encode_config(
	uint8_t data[VIRTIO_GPU_CONFIG_BYTES], const struct virtio_gpu_config *config) {
	put_u32(data, config->events_read);
	put_u32(data + VIRTIO_GPU_CONFIG_EVENTS_CLEAR, 0);
	put_u32(data + 8, config->scanouts_len);
	put_u32(data + 12, config->capsets_len);
}

bool virtio_gpu_decode_events_clear(
	uint32_t offset, const uint8_t *data, uint32_t len, uint32_t *events_clear) {
	uint64_t end = (uint64_t)offset + len;
	if (end > VIRTIO_GPU_CONFIG_BYTES) {
		return false;
	}

	/* byte by byte: a transport may split the field, and QEMU always sends the whole space */
	uint8_t field[4] = { 0 };
	bool touched = false;
	for (uint32_t i = 0; i < sizeof(field); i++) {
		uint32_t at = VIRTIO_GPU_CONFIG_EVENTS_CLEAR + i;
		if (at >= offset && at < end) {
			field[i] = data[at - offset];
			touched = true;
		}
	}
	struct byte_reader reader;
	byte_reader_init(&reader, field, sizeof(field));
	*events_clear = byte_reader_u32(&reader);
	return touched;
}

size_t vhost_user_gpu_encode(uint8_t data[VHOST_USER_GPU_MESSAGE_BYTES_MAX],
	const struct vhost_user_gpu_message *message) {
	const uint32_t header[] = { message->type, message->flags, message->size_bytes };
	static_assert(sizeof(header) == VHOST_USER_GPU_HEADER_BYTES, "three words");
	assert(message->size_bytes == 0 || message->size_bytes == sizeof(message->value));

	memcpy(data, header, sizeof(header));
	memcpy(data + sizeof(header), &message->value, message->size_bytes);
	return sizeof(header) + message->size_bytes;
}

int vhost_user_gpu_decode(const uint8_t *data, size_t len, struct vhost_user_gpu_message *message) {
	uint32_t header[3];
	if (len < sizeof(header)) {
		return 0;
	}
	memcpy(header, data, sizeof(header));
	*message = (struct vhost_user_gpu_message) {
		.type = header[0],
		.flags = header[1],
		.size_bytes = header[2],
	};
	if (message->size_bytes != 0 && message->size_bytes != sizeof(message->value)) {
		return -EPROTO;
	}
	if (len < sizeof(header) + message->size_bytes) {
		return 0;
	}
	memcpy(&message->value, data + sizeof(header), message->size_bytes);
	return (int)(sizeof(header) + message->size_bytes);
}
