#include "gpu/cursor.h"

#include <stdlib.h>
#include <string.h>

#include "core/macros.h"
#include "tests/gpu/rig.h"
#include "tests/suite.h"

static struct rig rig;

static void setup(void) {
	rig_init(&rig, &(struct rig_options) { .blob = true });
}

static void teardown(void) {
	rig_finish(&rig);
}

/* A picture of `pixel` as resource 1. */
static void make_resource(uint32_t format, uint32_t width, uint32_t height, uint32_t pixel) {
	struct rig_picture picture;
	rig_picture_init(&picture, &rig, width, height, 0);
	for (uint32_t y = 0; y < height; y++) {
		for (uint32_t x = 0; x < width; x++) {
			rig_picture_set(&picture, x, y, pixel);
		}
	}
	ck_assert_ok(vmm_gpu_create_2d(&rig.gpu, 1, format, width, height));
	ck_assert_ok(vmm_gpu_attach(&rig.gpu, 1, picture.entries, picture.entries_len));
	ck_assert_ok(vmm_gpu_transfer(&rig.gpu, 1, 0, 0, width, height, 0));
	rig_picture_finish(&picture);
}

static uint32_t update(
	uint32_t scanout, int32_t x, int32_t y, uint32_t resource, uint32_t hot_x, uint32_t hot_y) {
	return vmm_gpu_cursor(
		&rig.gpu, VIRTIO_GPU_CMD_UPDATE_CURSOR, scanout, x, y, resource, hot_x, hot_y);
}

static uint32_t move(uint32_t scanout, int32_t x, int32_t y) {
	return vmm_gpu_cursor(&rig.gpu, VIRTIO_GPU_CMD_MOVE_CURSOR, scanout, x, y, 0, 0, 0);
}

static bool acquire(unsigned channel) {
	return frame_link_acquire_cursor(&rig.consumer, channel, &rig.cursor);
}

/* One pixel, as bytes in memory, of each format; what a little-endian word of BGRA says of it. Linux
 * makes its cursors without alpha and means it all the same. */
static const struct {
	const char *name;
	uint32_t format;
	uint8_t bytes[4];
	uint32_t bgra;
} formats[] = {
	{ "BGRA", 1, { 0x11, 0x22, 0x33, 0x44 }, 0x44332211 },
	{ "BGRX", 2, { 0x11, 0x22, 0x33, 0x44 }, 0x44332211 },
	{ "ARGB", 3, { 0x11, 0x22, 0x33, 0x44 }, 0x11223344 },
	{ "XRGB", 4, { 0x11, 0x22, 0x33, 0x44 }, 0x11223344 },
	{ "RGBA", 67, { 0x11, 0x22, 0x33, 0x44 }, 0x44112233 },
	{ "XBGR", 68, { 0x11, 0x22, 0x33, 0x44 }, 0x11443322 },
	{ "ABGR", 121, { 0x11, 0x22, 0x33, 0x44 }, 0x11443322 },
	{ "RGBX", 134, { 0x11, 0x22, 0x33, 0x44 }, 0x44112233 },
};

START_TEST(image_of_every_format) {
	uint32_t pixel = 0;
	for (int i = 3; i >= 0; i--) {
		pixel = pixel << 8 | formats[_i].bytes[i];
	}
	make_resource(formats[_i].format, 64, 64, pixel);
	ck_assert_ok(update(1, 100, 200, 1, 3, 4));
	ck_assert(acquire(1));
	ck_assert_uint_eq(rig.cursor.visible, 1);
	ck_assert_int_eq(rig.cursor.x, 100);
	ck_assert_int_eq(rig.cursor.y, 200);
	ck_assert_uint_eq(rig.cursor.hot_x, 3);
	ck_assert_uint_eq(rig.cursor.hot_y, 4);
	for (size_t i = 0; i < ARRAY_LEN(rig.cursor.image); i++) {
		ck_assert_msg(rig.cursor.image[i] == formats[_i].bgra, "%s: 0x%x", formats[_i].name,
			rig.cursor.image[i]);
	}
}
END_TEST

START_TEST(small_image) {
	make_resource(VMM_GPU_BGRA, 3, 2, 0xffffffff);
	ck_assert_ok(update(0, 0, 0, 1, 0, 0));
	ck_assert(acquire(0));
	for (uint32_t y = 0; y < FRAME_CURSOR_SIZE; y++) {
		for (uint32_t x = 0; x < FRAME_CURSOR_SIZE; x++) {
			ck_assert_uint_eq(rig.cursor.image[y * FRAME_CURSOR_SIZE + x],
				x < 3 && y < 2 ? 0xffffffff : 0);
		}
	}
}
END_TEST

static const struct {
	const char *name;
	uint32_t width, height;
} sizes[] = { { "a pixel too wide", 65, 64 }, { "a pixel too high", 64, 65 },
	{ "far too high", 1, 16384 } };

START_TEST(large_image) {
	ck_assert_ok(
		vmm_gpu_create_2d(&rig.gpu, 1, VMM_GPU_BGRA, sizes[_i].width, sizes[_i].height));
	ck_assert_msg(update(0, 0, 0, 1, 0, 0) == VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "%s",
		sizes[_i].name);
	ck_assert(!acquire(0));
}
END_TEST

START_TEST(wrong_numbers) {
	make_resource(VMM_GPU_BGRA, 64, 64, 0);
	ck_assert_uint_eq(
		update(RIG_SCANOUTS, 0, 0, 1, 0, 0), VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID);
	ck_assert_uint_eq(
		update(UINT32_MAX, 0, 0, 1, 0, 0), VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID);
	ck_assert_uint_eq(move(UINT32_MAX, 0, 0), VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID);
	ck_assert_uint_eq(update(0, 0, 0, 2, 0, 0), VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	ck_assert(!acquire(0));
}
END_TEST

START_TEST(extreme_places) {
	make_resource(VMM_GPU_BGRA, 64, 64, 0);
	ck_assert_ok(update(0, INT32_MIN, INT32_MAX, 1, UINT32_MAX, 64));
	ck_assert(acquire(0));
	ck_assert_int_eq(rig.cursor.x, -FRAME_SIZE_MAX);
	ck_assert_int_eq(rig.cursor.y, FRAME_SIZE_MAX);
	ck_assert_uint_eq(rig.cursor.hot_x, 63);
	ck_assert_uint_eq(rig.cursor.hot_y, 63);
	ck_assert_ok(move(0, -5, -6));
	ck_assert(acquire(0));
	ck_assert_int_eq(rig.cursor.x, -5);
	ck_assert_int_eq(rig.cursor.y, -6);
}
END_TEST

START_TEST(hide_and_show) {
	make_resource(VMM_GPU_BGRA, 64, 64, 0x80402010);
	ck_assert_ok(update(0, 1, 2, 1, 0, 0));
	ck_assert(acquire(0));
	uint64_t sequence = rig.cursor.image_sequence;
	ck_assert_ok(move(0, 3, 4));
	ck_assert(acquire(0));
	ck_assert_uint_eq(rig.cursor.visible, 1);
	ck_assert_uint_eq(rig.cursor.image_sequence, sequence);
	ck_assert_ok(update(0, 0, 0, 0, 0, 0));
	ck_assert(acquire(0));
	ck_assert_uint_eq(rig.cursor.visible, 0);
}
END_TEST

/* The image was copied: its resource may go, or be drawn into. */
START_TEST(unref_of_the_image) {
	make_resource(VMM_GPU_BGRA, 64, 64, 0x11223344);
	ck_assert_ok(update(0, 1, 2, 1, 0, 0));
	ck_assert_ok(vmm_gpu_resource(&rig.gpu, VIRTIO_GPU_CMD_RESOURCE_UNREF, 1));
	ck_assert_ok(move(0, 9, 9));
	ck_assert(acquire(0));
	ck_assert_uint_eq(rig.cursor.image[5], 0x11223344);
	ck_assert_int_eq(rig.cursor.x, 9);
}
END_TEST

START_TEST(moves_are_coalesced) {
	make_resource(VMM_GPU_BGRA, 64, 64, 0);
	ck_assert_ok(update(0, 0, 0, 1, 0, 0));
	for (int i = 0; i < 40; i++) {
		struct vmm_gpu_command command = vmm_gpu_encode_cursor(
			&rig.gpu, VIRTIO_GPU_CMD_MOVE_CURSOR, 0, i, i, 0, 0, 0);
		ck_assert_int_ge(vmm_gpu_post(&rig.gpu, 1, &command), 0);
	}
	vmm_queue_kick(&rig.vmm.queues[1]);
	rig_settle(&rig);
	ck_assert(acquire(0));
	ck_assert_int_eq(rig.cursor.x, 39);
	/* 40 moves, 8 commands per wake-up */
	ck_assert_uint_eq(rig_stat(&rig, "cursors"), 1 + 5);
	struct vmm_used used;
	for (int i = 0; i < 40; i++) {
		ck_assert(vmm_queue_take(&rig.vmm.queues[1], &used));
	}
}
END_TEST

START_TEST(blob_image) {
	struct virtio_gpu_entry entry = { vmm_ram_alloc(&rig.ram, 16384, 4096), 16384 };
	struct virtio_gpu_entry small = { entry.address, 8192 };
	memset(vmm_ram_at(&rig.ram, entry.address, 16384), 0x5a, 16384);
	ck_assert_ok(vmm_gpu_create_blob(&rig.gpu, 1, 16384, &entry, 1));
	ck_assert_ok(vmm_gpu_create_blob(&rig.gpu, 2, 8192, &small, 1));
	ck_assert_uint_eq(update(0, 0, 0, 2, 0, 0), VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	ck_assert_ok(update(0, 0, 0, 1, 0, 0));
	ck_assert(acquire(0));
	ck_assert_uint_eq(rig.cursor.image[4095], 0x5a5a5a5a);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("gpu cursor");
	TCase *tcase = suite_case(suite, "cursors");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, image_of_every_format, 0, (int)ARRAY_LEN(formats));
	tcase_add_test(tcase, small_image);
	tcase_add_loop_test(tcase, large_image, 0, (int)ARRAY_LEN(sizes));
	tcase_add_test(tcase, wrong_numbers);
	tcase_add_test(tcase, extreme_places);
	tcase_add_test(tcase, hide_and_show);
	tcase_add_test(tcase, unref_of_the_image);
	tcase_add_test(tcase, moves_are_coalesced);
	tcase_add_test(tcase, blob_image);
	return suite;
}
