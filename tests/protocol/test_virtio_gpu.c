#include "protocol/virtio_gpu.h"

#include <errno.h>
#include <string.h>

#include "core/macros.h"
#include "tests/suite.h"

/* Bytes 0, 1, 2, ... make every field of every request a number that says where it was read. */
static uint32_t word_at(unsigned offset) {
	return offset | (offset + 1) << 8 | (offset + 2) << 16 | (offset + 3) << 24;
}

static uint8_t counting[VIRTIO_GPU_REQUEST_BYTES_MAX];

static void fill_counting(void) {
	for (unsigned i = 0; i < sizeof(counting); i++) {
		counting[i] = (uint8_t)i;
	}
}

#define DECODER(name)                                                                              \
	static bool decode_##name(const uint8_t *data, size_t len) {                               \
		struct virtio_gpu_##name request;                                                  \
		return virtio_gpu_decode_##name(data, len, &request);                              \
	}

DECODER(header)
DECODER(resource)
DECODER(create_2d)
DECODER(set_scanout)
DECODER(flush)
DECODER(transfer_2d)
DECODER(attach_backing)
DECODER(create_blob)
DECODER(set_scanout_blob)
DECODER(cursor)

static const struct {
	const char *name;
	bool (*decode)(const uint8_t *data, size_t len);
	size_t size_bytes; /* of the specification, summed by hand */
} decoders[] = {
	{ "header", decode_header, 24 },
	{ "resource", decode_resource, 32 },
	{ "create_2d", decode_create_2d, 40 },
	{ "set_scanout", decode_set_scanout, 48 },
	{ "flush", decode_flush, 48 },
	{ "transfer_2d", decode_transfer_2d, 56 },
	{ "attach_backing", decode_attach_backing, 32 },
	{ "create_blob", decode_create_blob, 56 },
	{ "set_scanout_blob", decode_set_scanout_blob, 96 },
	{ "cursor", decode_cursor, 56 },
};

START_TEST(decoder_refuses_every_truncation) {
	fill_counting();
	for (size_t len = 0; len < decoders[_i].size_bytes; len++) {
		ck_assert_msg(!decoders[_i].decode(counting, len), "%s took %zu bytes",
			decoders[_i].name, len);
	}
	ck_assert_msg(
		decoders[_i].decode(counting, decoders[_i].size_bytes), "%s", decoders[_i].name);
	ck_assert(decoders[_i].decode(counting, sizeof(counting)));
}
END_TEST

START_TEST(header_fields) {
	struct virtio_gpu_header header;
	fill_counting();
	ck_assert(virtio_gpu_decode_header(counting, sizeof(counting), &header));
	ck_assert_uint_eq(header.type, word_at(0));
	ck_assert_uint_eq(header.flags, word_at(4));
	ck_assert_uint_eq(header.fence_id, word_at(8) | (uint64_t)word_at(12) << 32);
	ck_assert_uint_eq(header.ctx_id, word_at(16));
	ck_assert_uint_eq(header.ring_idx, 20);
}
END_TEST

static void check_rect_at(const struct virtio_gpu_rect *rect, unsigned offset) {
	ck_assert_uint_eq(rect->x, word_at(offset));
	ck_assert_uint_eq(rect->y, word_at(offset + 4));
	ck_assert_uint_eq(rect->width, word_at(offset + 8));
	ck_assert_uint_eq(rect->height, word_at(offset + 12));
}

START_TEST(request_fields) {
	fill_counting();
	size_t len = sizeof(counting);

	struct virtio_gpu_create_2d create;
	ck_assert(virtio_gpu_decode_create_2d(counting, len, &create));
	ck_assert_uint_eq(create.resource_id, word_at(24));
	ck_assert_uint_eq(create.format, word_at(28));
	ck_assert_uint_eq(create.width, word_at(32));
	ck_assert_uint_eq(create.height, word_at(36));

	struct virtio_gpu_set_scanout scanout;
	ck_assert(virtio_gpu_decode_set_scanout(counting, len, &scanout));
	check_rect_at(&scanout.rect, 24);
	ck_assert_uint_eq(scanout.scanout_id, word_at(40));
	ck_assert_uint_eq(scanout.resource_id, word_at(44));

	struct virtio_gpu_flush flush;
	ck_assert(virtio_gpu_decode_flush(counting, len, &flush));
	check_rect_at(&flush.rect, 24);
	ck_assert_uint_eq(flush.resource_id, word_at(40));

	struct virtio_gpu_transfer_2d transfer;
	ck_assert(virtio_gpu_decode_transfer_2d(counting, len, &transfer));
	check_rect_at(&transfer.rect, 24);
	ck_assert_uint_eq(transfer.offset, word_at(40) | (uint64_t)word_at(44) << 32);
	ck_assert_uint_eq(transfer.resource_id, word_at(48));

	struct virtio_gpu_attach_backing attach;
	ck_assert(virtio_gpu_decode_attach_backing(counting, len, &attach));
	ck_assert_uint_eq(attach.resource_id, word_at(24));
	ck_assert_uint_eq(attach.entries_len, word_at(28));

	struct virtio_gpu_entry entry;
	virtio_gpu_decode_entry(counting + 32, &entry);
	ck_assert_uint_eq(entry.address, word_at(32) | (uint64_t)word_at(36) << 32);
	ck_assert_uint_eq(entry.len, word_at(40));
}
END_TEST

START_TEST(blob_and_cursor_fields) {
	fill_counting();
	size_t len = sizeof(counting);

	struct virtio_gpu_create_blob blob;
	ck_assert(virtio_gpu_decode_create_blob(counting, len, &blob));
	ck_assert_uint_eq(blob.resource_id, word_at(24));
	ck_assert_uint_eq(blob.blob_mem, word_at(28));
	ck_assert_uint_eq(blob.blob_flags, word_at(32));
	ck_assert_uint_eq(blob.entries_len, word_at(36));
	ck_assert_uint_eq(blob.blob_id, word_at(40) | (uint64_t)word_at(44) << 32);
	ck_assert_uint_eq(blob.size_bytes, word_at(48) | (uint64_t)word_at(52) << 32);

	struct virtio_gpu_set_scanout_blob scanout;
	ck_assert(virtio_gpu_decode_set_scanout_blob(counting, len, &scanout));
	check_rect_at(&scanout.rect, 24);
	ck_assert_uint_eq(scanout.scanout_id, word_at(40));
	ck_assert_uint_eq(scanout.resource_id, word_at(44));
	ck_assert_uint_eq(scanout.width, word_at(48));
	ck_assert_uint_eq(scanout.height, word_at(52));
	ck_assert_uint_eq(scanout.format, word_at(56));
	for (unsigned i = 0; i < VIRTIO_GPU_PLANES; i++) {
		ck_assert_uint_eq(scanout.strides[i], word_at(64 + 4 * i));
		ck_assert_uint_eq(scanout.offsets[i], word_at(80 + 4 * i));
	}

	struct virtio_gpu_cursor cursor;
	ck_assert(virtio_gpu_decode_cursor(counting, len, &cursor));
	ck_assert_uint_eq(cursor.scanout_id, word_at(24));
	ck_assert_int_eq(cursor.x, (int32_t)word_at(28));
	ck_assert_int_eq(cursor.y, (int32_t)word_at(32));
	ck_assert_uint_eq(cursor.resource_id, word_at(40));
	ck_assert_uint_eq(cursor.hot_x, word_at(44));
	ck_assert_uint_eq(cursor.hot_y, word_at(48));
}
END_TEST

static const struct {
	uint32_t wire;
	enum pixel_format format;
} formats[] = {
	{ 1, PIXEL_FORMAT_BGRA },
	{ 2, PIXEL_FORMAT_BGRX },
	{ 3, PIXEL_FORMAT_ARGB },
	{ 4, PIXEL_FORMAT_XRGB },
	{ 67, PIXEL_FORMAT_RGBA },
	{ 68, PIXEL_FORMAT_XBGR },
	{ 121, PIXEL_FORMAT_ABGR },
	{ 134, PIXEL_FORMAT_RGBX },
};

START_TEST(format_numbers) {
	ck_assert_uint_eq(virtio_gpu_format_decode(formats[_i].wire), formats[_i].format);
	ck_assert_uint_eq(virtio_gpu_format_encode(formats[_i].format), formats[_i].wire);
}
END_TEST

static const uint32_t no_formats[] = { 0, 5, 66, 69, 120, 122, 133, 135, 0xffffffff };

START_TEST(no_format_numbers) {
	ck_assert_uint_eq(virtio_gpu_format_decode(no_formats[_i]), PIXEL_FORMAT_NONE);
}
END_TEST

static const struct virtio_gpu_header fenced = {
	.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH,
	.flags = 0xfffffff3,
	.fence_id = 0x1122334455667788,
	.ctx_id = 0xa1b2c3d4,
	.ring_idx = 63,
};

START_TEST(reply_echoes_fence) {
	static const uint8_t expected[VIRTIO_GPU_HEADER_BYTES] = {
		0x05,
		0x12,
		0,
		0,
		3,
		0,
		0,
		0,
		0x88,
		0x77,
		0x66,
		0x55,
		0x44,
		0x33,
		0x22,
		0x11,
		0xd4,
		0xc3,
		0xb2,
		0xa1,
		63,
		0,
		0,
		0,
	};
	uint8_t data[VIRTIO_GPU_REPLY_BYTES_MAX];
	memset(data, 0xee, sizeof(data));
	ck_assert_uint_eq(
		virtio_gpu_encode_header(data, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, &fenced),
		sizeof(expected));
	ck_assert_mem_eq(data, expected, sizeof(expected));
	ck_assert_uint_eq(data[sizeof(expected)], 0xee);
}
END_TEST

START_TEST(reply_without_fence_echoes_nothing) {
	static const uint8_t expected[VIRTIO_GPU_HEADER_BYTES] = { 0x00, 0x11 };
	struct virtio_gpu_header request = fenced;
	request.flags = 0;
	uint8_t data[VIRTIO_GPU_REPLY_BYTES_MAX];
	memset(data, 0xee, sizeof(data));
	virtio_gpu_encode_header(data, VIRTIO_GPU_RESP_OK_NODATA, &request);
	ck_assert_mem_eq(data, expected, sizeof(expected));
}
END_TEST

START_TEST(reply_display_info) {
	struct virtio_gpu_display displays[VIRTIO_GPU_SCANOUTS_MAX] = {
		[1] = { .rect = { 1, 2, 0x300, 0x400 }, .enabled = 1 },
	};
	uint8_t data[VIRTIO_GPU_REPLY_BYTES_MAX];
	memset(data, 0xee, sizeof(data));
	ck_assert_uint_eq(
		virtio_gpu_encode_display_info(data, &(struct virtio_gpu_header) { 0 }, displays),
		408);
	static const uint8_t second[24] = { 1, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 1 };
	static const uint8_t zeros[408] = { 0 };
	ck_assert_uint_eq(data[0], 0x01);
	ck_assert_uint_eq(data[1], 0x11);
	ck_assert_mem_eq(data + 24, zeros, 24);
	ck_assert_mem_eq(data + 48, second, 24);
	ck_assert_mem_eq(data + 72, zeros, 408 - 72);
}
END_TEST

START_TEST(reply_edid_and_uuid) {
	uint8_t data[VIRTIO_GPU_REPLY_BYTES_MAX];
	static const uint8_t edid[3] = { 7, 8, 9 };
	static const uint8_t zeros[1056] = { 0 };
	memset(data, 0xee, sizeof(data));
	ck_assert_uint_eq(
		virtio_gpu_encode_edid(data, &(struct virtio_gpu_header) { 0 }, edid, sizeof(edid)),
		1056);
	ck_assert_uint_eq(data[24], 3);
	ck_assert_mem_eq(data + 25, zeros, 7);
	ck_assert_mem_eq(data + 32, edid, 3);
	ck_assert_mem_eq(data + 35, zeros, 1056 - 35);

	uint8_t uuid[VIRTIO_GPU_UUID_BYTES];
	memset(uuid, 0x5a, sizeof(uuid));
	ck_assert_uint_eq(
		virtio_gpu_encode_uuid(data, &(struct virtio_gpu_header) { 0 }, uuid), 40);
	ck_assert_mem_eq(data + 24, uuid, sizeof(uuid));
}
END_TEST

START_TEST(config_space) {
	static const uint8_t expected[VIRTIO_GPU_CONFIG_BYTES] = {
		1,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		16,
		0,
		0,
		0,
		2,
		0,
		0,
		0,
	};
	uint8_t data[VIRTIO_GPU_CONFIG_BYTES];
	memset(data, 0xee, sizeof(data));
	virtio_gpu_encode_config(data,
		&(struct virtio_gpu_config) { .events_read = VIRTIO_GPU_EVENT_DISPLAY,
			.scanouts_len = 16,
			.capsets_len = 2 });
	ck_assert_mem_eq(data, expected, sizeof(expected));
}
END_TEST

static const struct {
	const char *name;
	uint32_t offset, len;
	bool accepted;
	uint32_t cleared;
} clears[] = {
	{ "the field", 4, 4, true, 0x07060504 },
	{ "the whole space", 0, 16, true, 0x07060504 },
	{ "its second byte", 5, 1, true, 0x00000500 },
	{ "its upper half and what follows", 6, 10, true, 0x07060000 },
	{ "events_read", 0, 4, false, 0 },
	{ "num_scanouts", 8, 4, false, 0 },
	{ "nothing", 4, 0, false, 0 },
	{ "one byte too far", 4, 13, false, 0 },
	{ "far away", 0xfffffff0, 16, false, 0 },
};

START_TEST(config_write) {
	uint8_t space[VIRTIO_GPU_CONFIG_BYTES];
	for (unsigned i = 0; i < sizeof(space); i++) {
		space[i] = (uint8_t)i;
	}
	uint32_t cleared = 0;
	const uint8_t *from = clears[_i].offset < sizeof(space) ? space + clears[_i].offset : space;
	ck_assert_msg(virtio_gpu_decode_events_clear(clears[_i].offset, from, clears[_i].len,
			      &cleared) == clears[_i].accepted,
		"%s", clears[_i].name);
	if (clears[_i].accepted) {
		ck_assert_uint_eq(cleared, clears[_i].cleared);
	}
}
END_TEST

START_TEST(display_socket_messages) {
	uint8_t data[VHOST_USER_GPU_MESSAGE_BYTES_MAX];
	struct vhost_user_gpu_message message;
	const struct vhost_user_gpu_message sent = {
		.type = VHOST_USER_GPU_GET_PROTOCOL_FEATURES,
		.flags = VHOST_USER_GPU_FLAG_REPLY,
		.size_bytes = 8,
		.value = 3,
	};
	ck_assert_uint_eq(vhost_user_gpu_encode(data, &sent), 20);
	for (size_t len = 0; len < 20; len++) {
		ck_assert_int_eq(vhost_user_gpu_decode(data, len, &message), 0);
	}
	ck_assert_int_eq(vhost_user_gpu_decode(data, 20, &message), 20);
	ck_assert_uint_eq(message.type, sent.type);
	ck_assert_uint_eq(message.flags, sent.flags);
	ck_assert_uint_eq(message.value, 3);

	data[8] = 9;
	ck_assert_int_eq(vhost_user_gpu_decode(data, 20, &message), -EPROTO);
	ck_assert_uint_eq(
		vhost_user_gpu_encode(data, &(struct vhost_user_gpu_message) { .type = 1 }), 12);
	ck_assert_int_eq(vhost_user_gpu_decode(data, 12, &message), 12);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("protocol virtio_gpu");

	TCase *decode = suite_case(suite, "decode");
	tcase_add_loop_test(decode, decoder_refuses_every_truncation, 0, (int)ARRAY_LEN(decoders));
	tcase_add_test(decode, header_fields);
	tcase_add_test(decode, request_fields);
	tcase_add_test(decode, blob_and_cursor_fields);
	tcase_add_loop_test(decode, format_numbers, 0, (int)ARRAY_LEN(formats));
	tcase_add_loop_test(decode, no_format_numbers, 0, (int)ARRAY_LEN(no_formats));

	TCase *encode = suite_case(suite, "encode");
	tcase_add_test(encode, reply_echoes_fence);
	tcase_add_test(encode, reply_without_fence_echoes_nothing);
	tcase_add_test(encode, reply_display_info);
	tcase_add_test(encode, reply_edid_and_uuid);

	TCase *config = suite_case(suite, "config");
	tcase_add_test(config, config_space);
	tcase_add_loop_test(config, config_write, 0, (int)ARRAY_LEN(clears));

	TCase *display = suite_case(suite, "display socket");
	tcase_add_test(display, display_socket_messages);
	return suite;
}
