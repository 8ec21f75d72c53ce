#include <string.h>

#include "core/macros.h"
#include "display/edid.h"
#include "gpu/command.h"
#include "tests/gpu/rig.h"
#include "tests/suite.h"

#define OK VIRTIO_GPU_RESP_OK_NODATA
#define BAD_SCANOUT VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID
#define BAD_RESOURCE VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID
#define BAD_PARAMETER VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER

static struct rig rig;

static void setup(void) {
	static const struct virtio_gpu_entry pages = { VMM_RAM_GUEST_BASE, 8192 };
	rig_init(&rig, &(struct rig_options) { .blob = true });
	ck_assert_ok(vmm_gpu_create_2d(&rig.gpu, 1, VMM_GPU_BGRX, 8, 8));
	ck_assert_ok(vmm_gpu_create_blob(&rig.gpu, 2, 8192, &pages, 1));
}

static void teardown(void) {
	rig_finish(&rig);
}

static uint32_t word_at(size_t offset) {
	const uint8_t *at = rig.gpu.reply + offset;
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t get_display_info(void) {
	struct vmm_gpu_command command = vmm_gpu_encode(&rig.gpu, VIRTIO_GPU_CMD_GET_DISPLAY_INFO);
	return vmm_gpu_command(&rig.gpu, &command);
}

START_TEST(display_info) {
	ck_assert_uint_eq(get_display_info(), VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	ck_assert_uint_eq(rig.gpu.used_bytes, VIRTIO_GPU_DISPLAY_INFO_BYTES);
	for (size_t i = 0; i < VIRTIO_GPU_SCANOUTS_MAX; i++) {
		size_t at = VIRTIO_GPU_HEADER_BYTES + i * 24;
		bool exists = i < RIG_SCANOUTS;
		ck_assert_uint_eq(word_at(at), exists ? i * RIG_WIDTH : 0);
		ck_assert_uint_eq(word_at(at + 8), exists ? RIG_WIDTH : 0);
		ck_assert_uint_eq(word_at(at + 12), exists ? RIG_HEIGHT : 0);
		ck_assert_uint_eq(word_at(at + 16), i < RIG_SCANOUTS - 1);
	}
}
END_TEST

/* The display's, also of one that is off, and whatever the guest shows there. */
START_TEST(edid) {
	ck_assert_ok(vmm_gpu_set_scanout(&rig.gpu, 0, 1, 0, 0, 8, 8));
	for (uint32_t i = 0; i < RIG_SCANOUTS; i++) {
		uint8_t expected[EDID_BYTES_MAX];
		size_t bytes = edid_encode(expected, &rig.config.scanouts[i]);
		ck_assert_uint_eq(vmm_gpu_resource(&rig.gpu, VIRTIO_GPU_CMD_GET_EDID, i),
			VIRTIO_GPU_RESP_OK_EDID);
		ck_assert_uint_eq(rig.gpu.used_bytes, VIRTIO_GPU_EDID_BYTES);
		ck_assert_uint_eq(word_at(VIRTIO_GPU_HEADER_BYTES), bytes);
		ck_assert_mem_eq(rig.gpu.reply + VIRTIO_GPU_HEADER_BYTES + 8, expected, bytes);
	}
	static const uint32_t beyond[] = { RIG_SCANOUTS, 16, 22, 1u << 31, UINT32_MAX };
	for (size_t i = 0; i < ARRAY_LEN(beyond); i++) {
		ck_assert_uint_eq(vmm_gpu_resource(&rig.gpu, VIRTIO_GPU_CMD_GET_EDID, beyond[i]),
			BAD_SCANOUT);
	}
}
END_TEST

static const struct {
	const char *name;
	uint32_t scanout, resource, x, y, width, height, reply;
} scanouts[] = {
	{ "whole", 0, 1, 0, 0, 8, 8, OK },
	{ "one pixel", 2, 1, 7, 7, 1, 1, OK },
	{ "off", 0, 0, 0, 0, 0, 0, OK },
	{ "off, with any rectangle", 0, 0, 9, 9, 9, 9, OK },
	{ "past the last", RIG_SCANOUTS, 1, 0, 0, 8, 8, BAD_SCANOUT },
	{ "16", 16, 1, 0, 0, 8, 8, BAD_SCANOUT },
	{ "22", 22, 0, 0, 0, 8, 8, BAD_SCANOUT },
	{ "2^31", 1u << 31, 1, 0, 0, 8, 8, BAD_SCANOUT },
	{ "no such resource", 0, 3, 0, 0, 8, 8, BAD_RESOURCE },
	{ "a blob", 0, 2, 0, 0, 8, 8, BAD_RESOURCE },
	{ "no width", 0, 1, 0, 0, 0, 8, BAD_PARAMETER },
	{ "no height", 0, 1, 0, 0, 8, 0, BAD_PARAMETER },
	{ "too wide", 0, 1, 0, 0, 9, 8, BAD_PARAMETER },
	{ "too far down", 0, 1, 0, 1, 8, 8, BAD_PARAMETER },
	{ "outside", 0, 1, 8, 8, 1, 1, BAD_PARAMETER },
	{ "a width that wraps", 0, 1, 4, 0, UINT32_MAX - 3, 8, BAD_PARAMETER },
	{ "all ones", 0, 1, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, BAD_PARAMETER },
};

START_TEST(set_scanout) {
	uint32_t reply = vmm_gpu_set_scanout(&rig.gpu, scanouts[_i].scanout, scanouts[_i].resource,
		scanouts[_i].x, scanouts[_i].y, scanouts[_i].width, scanouts[_i].height);
	ck_assert_msg(reply == scanouts[_i].reply, "%s: 0x%x", scanouts[_i].name, reply);
}
END_TEST

/* Of a blob of 8192 bytes. */
static const struct {
	const char *name;
	uint32_t scanout, resource;
	struct virtio_gpu_rect rect;
	uint32_t format, width, height, stride, offset, reply;
} blobs[] = {
	{ "whole", 0, 2, { 0, 0, 32, 64 }, 2, 32, 64, 128, 0, OK },
	{ "a part", 0, 2, { 3, 4, 5, 6 }, 2, 32, 64, 128, 0, OK },
	{ "to the last byte", 0, 2, { 0, 0, 1, 1 }, 2, 1, 1, 4, 8188, OK },
	{ "a last row without padding", 0, 2, { 0, 0, 31, 64 }, 2, 31, 64, 128, 4, OK },
	{ "off", 0, 0, { 0, 0, 0, 0 }, 0, 0, 0, 0, 0, OK },
	{ "past the last", 3, 2, { 0, 0, 32, 64 }, 2, 32, 64, 128, 0, BAD_SCANOUT },
	{ "no such resource", 0, 3, { 0, 0, 32, 64 }, 2, 32, 64, 128, 0, BAD_RESOURCE },
	{ "not a blob", 0, 1, { 0, 0, 8, 8 }, 2, 8, 8, 32, 0, BAD_RESOURCE },
	{ "a byte too far", 0, 2, { 0, 0, 1, 1 }, 2, 1, 1, 4, 8192, BAD_PARAMETER },
	{ "a row too many", 0, 2, { 0, 0, 1, 1 }, 2, 32, 65, 128, 0, BAD_PARAMETER },
	{ "no stride", 0, 2, { 0, 0, 32, 64 }, 2, 32, 64, 0, 0, BAD_PARAMETER },
	{ "a stride of less than a row", 0, 2, { 0, 0, 32, 4 }, 2, 32, 4, 124, 0, BAD_PARAMETER },
	{ "a stride of half pixels", 0, 2, { 0, 0, 32, 4 }, 2, 32, 4, 130, 0, BAD_PARAMETER },
	{ "a stride of all ones", 0, 2, { 0, 0, 1, 2 }, 2, 1, 2, UINT32_MAX, 0, BAD_PARAMETER },
	{ "a stride whose rows wrap", 0, 2, { 0, 0, 1, 3 }, 2, 1, 3, 1u << 31, 0, BAD_PARAMETER },
	{ "an offset in a pixel", 0, 2, { 0, 0, 1, 1 }, 2, 1, 1, 4, 2, BAD_PARAMETER },
	{ "an offset of all ones", 0, 2, { 0, 0, 1, 1 }, 2, 1, 1, 4, UINT32_MAX - 3,
		BAD_PARAMETER },
	{ "no format", 0, 2, { 0, 0, 1, 1 }, 0, 1, 1, 4, 0, BAD_PARAMETER },
	{ "a fourcc for a format", 0, 2, { 0, 0, 1, 1 }, 0x34325258, 1, 1, 4, 0, BAD_PARAMETER },
	{ "no width", 0, 2, { 0, 0, 0, 0 }, 2, 0, 1, 4, 0, BAD_PARAMETER },
	{ "far too wide", 0, 2, { 0, 0, 1, 1 }, 2, 1u << 30, 1, 4, 0, BAD_PARAMETER },
	{ "a rectangle outside", 0, 2, { 0, 0, 33, 64 }, 2, 32, 64, 128, 0, BAD_PARAMETER },
	{ "an empty rectangle", 0, 2, { 0, 0, 0, 64 }, 2, 32, 64, 128, 0, BAD_PARAMETER },
};

START_TEST(set_scanout_blob) {
	uint32_t reply = vmm_gpu_set_scanout_blob(&rig.gpu, blobs[_i].scanout, blobs[_i].resource,
		&blobs[_i].rect, blobs[_i].format, blobs[_i].width, blobs[_i].height,
		blobs[_i].stride, blobs[_i].offset);
	ck_assert_msg(reply == blobs[_i].reply, "%s: 0x%x", blobs[_i].name, reply);
	if (reply == OK && blobs[_i].resource != 0) {
		ck_assert_ok(vmm_gpu_flush(&rig.gpu, 2, 0, 0, 64, 64));
		rig_tick(&rig);
		ck_assert_uint_eq(rig.views[0].frame.width, blobs[_i].rect.width);
	}
}
END_TEST

START_TEST(more_planes_than_one) {
	for (unsigned plane = 1; plane < VIRTIO_GPU_PLANES; plane++) {
		struct vmm_gpu_command command =
			vmm_gpu_encode(&rig.gpu, VIRTIO_GPU_CMD_SET_SCANOUT_BLOB);
		const uint32_t fields[] = { 0, 0, 8, 8, 0, 2, 8, 8, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0 };
		for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
			vmm_gpu_put_u32(&command, i == 10 + plane ? 32 : fields[i]);
		}
		ck_assert_uint_eq(vmm_gpu_command(&rig.gpu, &command), BAD_PARAMETER);
	}
}
END_TEST

static const struct {
	const char *name;
	uint32_t resource, x, y, width, height, reply;
} flushes[] = {
	{ "shown nowhere", 1, 0, 0, 8, 8, OK },
	{ "a blob, of any size", 2, 0, 0, 4000, 4000, OK },
	{ "no such resource", 3, 0, 0, 1, 1, BAD_RESOURCE },
	{ "resource 0", 0, 0, 0, 1, 1, BAD_RESOURCE },
	{ "no width", 1, 0, 0, 0, 1, BAD_PARAMETER },
	{ "too wide", 1, 0, 0, 9, 1, BAD_PARAMETER },
	{ "a height that wraps", 1, 0, 7, 1, UINT32_MAX - 5, BAD_PARAMETER },
	{ "a blob, all ones", 2, 1, 1, UINT32_MAX, UINT32_MAX, BAD_PARAMETER },
};

START_TEST(flush) {
	uint32_t reply = vmm_gpu_flush(&rig.gpu, flushes[_i].resource, flushes[_i].x, flushes[_i].y,
		flushes[_i].width, flushes[_i].height);
	ck_assert_msg(reply == flushes[_i].reply, "%s: 0x%x", flushes[_i].name, reply);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("gpu command_display");
	TCase *tcase = suite_case(suite, "displays");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, display_info);
	tcase_add_test(tcase, edid);
	tcase_add_loop_test(tcase, set_scanout, 0, (int)ARRAY_LEN(scanouts));
	tcase_add_loop_test(tcase, set_scanout_blob, 0, (int)ARRAY_LEN(blobs));
	tcase_add_test(tcase, more_planes_than_one);
	tcase_add_loop_test(tcase, flush, 0, (int)ARRAY_LEN(flushes));
	return suite;
}
