/*
 * The wire forms of VIRTIO-GPU (virtio 1.3, 5.7; blob resources and UUIDs included, 3D left out):
 * requests out of a private copy of the guest's bytes into host-endian structs, replies back.
 *
 * A decoder gets the bytes that the guest really sent and returns false when they are fewer than the
 * request has; more is accepted and ignored, as drivers may pad. Nothing is judged here but size:
 * what a number means is the device's business.
 *
 * An encoder writes a whole reply, padding included, so no byte of ours leaks into a guest.
 *
 * Thread: any; pure functions.
 */
#ifndef PROTOCOL_VIRTIO_GPU_H
#define PROTOCOL_VIRTIO_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/pixel_format.h"

/* device feature bits */
#define VIRTIO_GPU_F_VIRGL 0
#define VIRTIO_GPU_F_EDID 1
#define VIRTIO_GPU_F_RESOURCE_UUID 2
#define VIRTIO_GPU_F_RESOURCE_BLOB 3
#define VIRTIO_GPU_F_CONTEXT_INIT 4

enum virtio_gpu_queue { VIRTIO_GPU_QUEUE_CONTROL, VIRTIO_GPU_QUEUE_CURSOR, VIRTIO_GPU_QUEUES };

enum virtio_gpu_type {
	VIRTIO_GPU_CMD_GET_DISPLAY_INFO = 0x0100,
	VIRTIO_GPU_CMD_RESOURCE_CREATE_2D,
	VIRTIO_GPU_CMD_RESOURCE_UNREF,
	VIRTIO_GPU_CMD_SET_SCANOUT,
	VIRTIO_GPU_CMD_RESOURCE_FLUSH,
	VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
	VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
	VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING,
	VIRTIO_GPU_CMD_GET_CAPSET_INFO,
	VIRTIO_GPU_CMD_GET_CAPSET,
	VIRTIO_GPU_CMD_GET_EDID,
	VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID,
	VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
	VIRTIO_GPU_CMD_SET_SCANOUT_BLOB,

	VIRTIO_GPU_CMD_UPDATE_CURSOR = 0x0300,
	VIRTIO_GPU_CMD_MOVE_CURSOR,

	VIRTIO_GPU_RESP_OK_NODATA = 0x1100,
	VIRTIO_GPU_RESP_OK_DISPLAY_INFO,
	VIRTIO_GPU_RESP_OK_CAPSET_INFO,
	VIRTIO_GPU_RESP_OK_CAPSET,
	VIRTIO_GPU_RESP_OK_EDID,
	VIRTIO_GPU_RESP_OK_RESOURCE_UUID,

	VIRTIO_GPU_RESP_ERR_UNSPEC = 0x1200,
	VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY,
	VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID,
	VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
	VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID,
	VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
};

#define VIRTIO_GPU_FLAG_FENCE (UINT32_C(1) << 0)
#define VIRTIO_GPU_FLAG_INFO_RING_IDX (UINT32_C(1) << 1)

#define VIRTIO_GPU_SCANOUTS_MAX 16
#define VIRTIO_GPU_EDID_BYTES_MAX 1024
#define VIRTIO_GPU_UUID_BYTES 16

/* sizes on the wire, bytes */
#define VIRTIO_GPU_HEADER_BYTES 24
#define VIRTIO_GPU_ENTRY_BYTES 16
#define VIRTIO_GPU_CREATE_2D_BYTES 40
#define VIRTIO_GPU_RESOURCE_BYTES 32 /* unref, detach backing, assign uuid; get edid too */
#define VIRTIO_GPU_SET_SCANOUT_BYTES 48
#define VIRTIO_GPU_FLUSH_BYTES 48
#define VIRTIO_GPU_TRANSFER_2D_BYTES 56
#define VIRTIO_GPU_ATTACH_BACKING_BYTES 32 /* entries follow */
#define VIRTIO_GPU_CREATE_BLOB_BYTES 56 /* entries follow */
#define VIRTIO_GPU_SET_SCANOUT_BLOB_BYTES 96
#define VIRTIO_GPU_CURSOR_BYTES 56
#define VIRTIO_GPU_REQUEST_BYTES_MAX 96 /* without what follows */

#define VIRTIO_GPU_DISPLAY_INFO_BYTES 408
#define VIRTIO_GPU_EDID_BYTES 1056
#define VIRTIO_GPU_RESOURCE_UUID_BYTES 40
#define VIRTIO_GPU_REPLY_BYTES_MAX 1056

struct virtio_gpu_header {
	uint32_t type;
	uint32_t flags;
	uint64_t fence_id;
	uint32_t ctx_id;
	uint8_t ring_idx;
};

struct virtio_gpu_rect {
	uint32_t x, y, width, height;
};

/* A request that names one resource, or one scanout (GET_EDID). */
struct virtio_gpu_resource {
	uint32_t id;
};

struct virtio_gpu_create_2d {
	uint32_t resource_id, format, width, height;
};

struct virtio_gpu_set_scanout {
	struct virtio_gpu_rect rect;
	uint32_t scanout_id, resource_id;
};

struct virtio_gpu_flush {
	struct virtio_gpu_rect rect;
	uint32_t resource_id;
};

struct virtio_gpu_transfer_2d {
	struct virtio_gpu_rect rect;
	uint64_t offset;
	uint32_t resource_id;
};

struct virtio_gpu_attach_backing {
	uint32_t resource_id, entries_len;
};

struct virtio_gpu_entry {
	uint64_t address; /* guest-physical */
	uint32_t len; /* bytes */
};

enum virtio_gpu_blob_mem {
	VIRTIO_GPU_BLOB_MEM_GUEST = 1,
	VIRTIO_GPU_BLOB_MEM_HOST3D,
	VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST,
};

#define VIRTIO_GPU_BLOB_FLAGS 7 /* mappable, shareable, cross-device */

struct virtio_gpu_create_blob {
	uint32_t resource_id, blob_mem, blob_flags, entries_len;
	uint64_t blob_id, size_bytes;
};

#define VIRTIO_GPU_PLANES 4

struct virtio_gpu_set_scanout_blob {
	struct virtio_gpu_rect rect;
	uint32_t scanout_id, resource_id, width, height, format;
	uint32_t strides[VIRTIO_GPU_PLANES], offsets[VIRTIO_GPU_PLANES];
};

struct virtio_gpu_cursor {
	uint32_t scanout_id;
	int32_t x, y; /* of the hot spot; drivers send negative places */
	uint32_t resource_id, hot_x, hot_y;
};

struct virtio_gpu_display {
	struct virtio_gpu_rect rect;
	uint32_t enabled;
};

/* ---- requests ---- */

bool virtio_gpu_decode_header(const uint8_t *data, size_t len, struct virtio_gpu_header *header);
bool virtio_gpu_decode_resource(
	const uint8_t *data, size_t len, struct virtio_gpu_resource *request);
bool virtio_gpu_decode_create_2d(
	const uint8_t *data, size_t len, struct virtio_gpu_create_2d *request);
bool virtio_gpu_decode_set_scanout(
	const uint8_t *data, size_t len, struct virtio_gpu_set_scanout *request);
bool virtio_gpu_decode_flush(const uint8_t *data, size_t len, struct virtio_gpu_flush *request);
bool virtio_gpu_decode_transfer_2d(
	const uint8_t *data, size_t len, struct virtio_gpu_transfer_2d *request);
bool virtio_gpu_decode_attach_backing(
	const uint8_t *data, size_t len, struct virtio_gpu_attach_backing *request);
bool virtio_gpu_decode_create_blob(
	const uint8_t *data, size_t len, struct virtio_gpu_create_blob *request);
bool virtio_gpu_decode_set_scanout_blob(
	const uint8_t *data, size_t len, struct virtio_gpu_set_scanout_blob *request);
bool virtio_gpu_decode_cursor(const uint8_t *data, size_t len, struct virtio_gpu_cursor *request);

/* One entry of a backing list; `data` holds VIRTIO_GPU_ENTRY_BYTES. */
void virtio_gpu_decode_entry(const uint8_t *data, struct virtio_gpu_entry *entry);

/* PIXEL_FORMAT_NONE for a number that is none of the eight formats. */
enum pixel_format virtio_gpu_format_decode(uint32_t format);
uint32_t virtio_gpu_format_encode(enum pixel_format format);

/* ---- replies: `data` has room for VIRTIO_GPU_REPLY_BYTES_MAX; each returns the reply's bytes ---- */

/*
 * The header alone (OK_NODATA and every error). A fenced request's fence, context and ring are
 * answered with it, whatever the type; ctx_id and ring_idx are echoed as they came.
 */
size_t virtio_gpu_encode_header(
	uint8_t *data, uint32_t type, const struct virtio_gpu_header *request);
size_t virtio_gpu_encode_display_info(uint8_t *data, const struct virtio_gpu_header *request,
	const struct virtio_gpu_display displays[VIRTIO_GPU_SCANOUTS_MAX]);
/* edid_bytes <= VIRTIO_GPU_EDID_BYTES_MAX */
size_t virtio_gpu_encode_edid(uint8_t *data, const struct virtio_gpu_header *request,
	const uint8_t *edid, size_t edid_bytes);
size_t virtio_gpu_encode_uuid(uint8_t *data, const struct virtio_gpu_header *request,
	const uint8_t uuid[VIRTIO_GPU_UUID_BYTES]);

/* ---- configuration space (5.7.4) ---- */

#define VIRTIO_GPU_CONFIG_BYTES 16
#define VIRTIO_GPU_CONFIG_EVENTS_CLEAR 4 /* offset of the one writable field, 4 bytes */
#define VIRTIO_GPU_EVENT_DISPLAY (UINT32_C(1) << 0)

struct virtio_gpu_config {
	uint32_t events_read, scanouts_len, capsets_len;
};

void virtio_gpu_encode_config(
	uint8_t data[VIRTIO_GPU_CONFIG_BYTES], const struct virtio_gpu_config *config);
/* The bits that a write of `len` bytes at `offset` clears. False when the write does not touch
 * events_clear or leaves the space: it is refused. */
bool virtio_gpu_decode_events_clear(
	uint32_t offset, const uint8_t *data, uint32_t len, uint32_t *events_clear);

/* ---- the display socket of QEMU's dialect (docs/interop/vhost-user-gpu; the machine's byte order) */

#define VHOST_USER_GPU_HEADER_BYTES 12
#define VHOST_USER_GPU_FLAG_REPLY (UINT32_C(1) << 2)

enum vhost_user_gpu_type {
	VHOST_USER_GPU_GET_PROTOCOL_FEATURES = 1,
	VHOST_USER_GPU_SET_PROTOCOL_FEATURES,
};

struct vhost_user_gpu_message {
	uint32_t type, flags;
	uint32_t size_bytes; /* of the payload */
	uint64_t value; /* payload of the two messages above */
};

#define VHOST_USER_GPU_MESSAGE_BYTES_MAX 20

/* Returns the message's bytes: header, and 8 more when size_bytes is 8. */
size_t vhost_user_gpu_encode(uint8_t data[VHOST_USER_GPU_MESSAGE_BYTES_MAX],
	const struct vhost_user_gpu_message *message);
/* Bytes consumed; 0: more are needed; -EPROTO: a payload that none of our messages has. */
int vhost_user_gpu_decode(const uint8_t *data, size_t len, struct vhost_user_gpu_message *message);

#endif
