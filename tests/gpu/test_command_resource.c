#include <stdlib.h>
#include <string.h>

#include "core/macros.h"
#include "gpu/command.h"
#include "tests/gpu/rig.h"
#include "tests/suite.h"

#define OK VIRTIO_GPU_RESP_OK_NODATA
#define UNSPEC VIRTIO_GPU_RESP_ERR_UNSPEC
#define NO_MEMORY VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY
#define BAD_RESOURCE VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID
#define BAD_PARAMETER VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER

static struct rig rig;

static void setup(void) {
	rig_init(&rig, &(struct rig_options) { .blob = true });
}

static void teardown(void) {
	rig_finish(&rig);
}

/* ---- 2D resources ---- */

static const struct {
	const char *name;
	uint32_t id, format, width, height, reply;
} creations[] = {
	{ "the smallest", 1, VMM_GPU_BGRX, 1, 1, OK },
	{ "the largest number", UINT32_MAX, VMM_GPU_BGRX, 1, 1, OK },
	{ "number 0", 0, VMM_GPU_BGRX, 4, 4, BAD_RESOURCE },
	{ "a number that exists", 100, VMM_GPU_BGRX, 4, 4, BAD_RESOURCE },
	{ "format 0", 1, 0, 4, 4, BAD_PARAMETER },
	{ "format between two", 1, 5, 4, 4, BAD_PARAMETER },
	{ "format of all ones", 1, UINT32_MAX, 4, 4, BAD_PARAMETER },
	{ "no width", 1, VMM_GPU_BGRX, 0, 4, BAD_PARAMETER },
	{ "no height", 1, VMM_GPU_BGRX, 4, 0, BAD_PARAMETER },
	{ "height of all ones", 1, VMM_GPU_BGRX, 1, UINT32_MAX, BAD_PARAMETER },
	{ "bytes that wrap to 0", 1, VMM_GPU_BGRX, 65536, 65536, BAD_PARAMETER },
	{ "a stride that wraps", 1, VMM_GPU_BGRX, 0x40000001, 4, BAD_PARAMETER },
	{ "over the budget", 1, VMM_GPU_BGRX, 16384, 16384, NO_MEMORY },
};

START_TEST(create_2d) {
	ck_assert_ok(vmm_gpu_create_2d(&rig.gpu, 100, VMM_GPU_BGRX, 4, 4));
	uint32_t reply = vmm_gpu_create_2d(&rig.gpu, creations[_i].id, creations[_i].format,
		creations[_i].width, creations[_i].height);
	ck_assert_msg(reply == creations[_i].reply, "%s: 0x%x", creations[_i].name, reply);
	ck_assert_uint_eq(rig_stat(&rig, "resources"), reply == OK ? 2 : 1);
}
END_TEST

static const uint32_t formats[] = { 1, 2, 3, 4, 67, 68, 121, 134 };

START_TEST(all_formats) {
	ck_assert_ok(vmm_gpu_create_2d(&rig.gpu, 1, formats[_i], 8, 8));
	ck_assert_ok(vmm_gpu_set_scanout(&rig.gpu, 0, 1, 0, 0, 8, 8));
	ck_assert_ok(vmm_gpu_flush(&rig.gpu, 1, 0, 0, 8, 8));
	ck_assert(rig_acquire(&rig, 0));
	ck_assert_uint_eq(rig.views[0].frame.format, virtio_gpu_format_decode(formats[_i]));
}
END_TEST

START_TEST(resources_budget) {
	uint32_t made = 0;
	for (uint32_t id = 1; id <= 100; id++) {
		uint32_t reply = vmm_gpu_create_2d(&rig.gpu, id, VMM_GPU_BGRX, 1, 1);
		made += reply == OK;
		ck_assert_uint_eq(reply, id <= 64 ? OK : NO_MEMORY);
	}
	ck_assert_uint_eq(made, 64);
	ck_assert_ok(vmm_gpu_resource(&rig.gpu, VIRTIO_GPU_CMD_RESOURCE_UNREF, 64));
	ck_assert_ok(vmm_gpu_create_2d(&rig.gpu, 1000, VMM_GPU_BGRX, 1, 1));
}
END_TEST

START_TEST(memory_budget) {
	/* 4 MiB: three pictures of a mebibyte and something, not four */
	for (uint32_t id = 1; id <= 4; id++) {
		ck_assert_uint_eq(vmm_gpu_create_2d(&rig.gpu, id, VMM_GPU_BGRX, 512, 600),
			id <= 3 ? OK : NO_MEMORY);
	}
	ck_assert_ok(vmm_gpu_resource(&rig.gpu, VIRTIO_GPU_CMD_RESOURCE_UNREF, 2));
	ck_assert_ok(vmm_gpu_create_2d(&rig.gpu, 4, VMM_GPU_BGRX, 512, 600));
}
END_TEST

static const uint32_t naming[] = {
	VIRTIO_GPU_CMD_RESOURCE_UNREF,
	VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING,
	VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID,
};

START_TEST(resources_that_are_not_there) {
	ck_assert_ok(vmm_gpu_create_2d(&rig.gpu, 1, VMM_GPU_BGRX, 4, 4));
	ck_assert_ok(vmm_gpu_resource(&rig.gpu, VIRTIO_GPU_CMD_RESOURCE_UNREF, 1));
	static const uint32_t ids[] = { 0, 1, 2, UINT32_MAX };
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		ck_assert_uint_eq(vmm_gpu_resource(&rig.gpu, naming[_i], ids[i]), BAD_RESOURCE);
	}
}
END_TEST

/* ---- backing ---- */

static const struct virtio_gpu_entry good = { VMM_RAM_GUEST_BASE, 4096 };

static const struct {
	const char *name;
	struct virtio_gpu_entry entry;
	uint32_t reply;
} entries[] = {
	{ "a page", { VMM_RAM_GUEST_BASE, 4096 }, OK },
	{ "one byte", { VMM_RAM_GUEST_BASE, 1 }, OK },
	{ "less than the picture", { VMM_RAM_GUEST_BASE, 60 }, OK },
	{ "nothing", { VMM_RAM_GUEST_BASE, 0 }, BAD_PARAMETER },
	{ "before the memory", { 0, 4096 }, BAD_PARAMETER },
	{ "half before the memory", { VMM_RAM_GUEST_BASE - 2048, 4096 }, BAD_PARAMETER },
	{ "into the hole", { VMM_RAM_GUEST_BASE + (8 << 20) - 2048, 4096 }, BAD_PARAMETER },
	{ "in the hole", { VMM_RAM_GUEST_BASE + (8 << 20), 4096 }, BAD_PARAMETER },
	{ "behind the memory", { VMM_RAM_GUEST_BASE + (17 << 20), 4096 }, BAD_PARAMETER },
	{ "an address that wraps", { UINT64_MAX - 100, 4096 }, BAD_PARAMETER },
	{ "all that 32 bits say", { VMM_RAM_GUEST_BASE, UINT32_MAX }, BAD_PARAMETER },
};

START_TEST(attach_one_entry) {
	ck_assert_ok(vmm_gpu_create_2d(&rig.gpu, 1, VMM_GPU_BGRX, 4, 4));
	uint32_t reply = vmm_gpu_attach(&rig.gpu, 1, &entries[_i].entry, 1);
	ck_assert_msg(reply == entries[_i].reply, "%s: 0x%x", entries[_i].name, reply);
	/* attached or not, and nothing half attached */
	ck_assert_uint_eq(vmm_gpu_resource(&rig.gpu, VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 1),
		reply == OK ? OK : UNSPEC);
	ck_assert_ok(vmm_gpu_attach(&rig.gpu, 1, &good, 1));
}
END_TEST

/* More entries named than are there, down to the last byte. */
START_TEST(entries_that_are_not_there) {
	static const uint32_t lens[] = { 3, 16384, 16385, 1u << 28, UINT32_MAX };
	ck_assert_ok(vmm_gpu_create_2d(&rig.gpu, 1, VMM_GPU_BGRX, 4, 4));
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		struct vmm_gpu_command command =
			vmm_gpu_encode(&rig.gpu, VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING);
		vmm_gpu_put_u32(&command, 1);
		vmm_gpu_put_u32(&command, lens[i]);
		for (int entry = 0; entry < 3; entry++) {
			vmm_gpu_put_u64(&command, VMM_RAM_GUEST_BASE);
			vmm_gpu_put_u64(&command, 4096);
		}
		size_t bytes = lens[i] == 3 ? command.bytes - 1 : command.bytes;
		ck_assert_uint_eq(vmm_gpu_send(&rig.gpu, 0, command.data, bytes), BAD_PARAMETER);
	}
	ck_assert_uint_eq(vmm_gpu_attach(&rig.gpu, 1, &good, 0), BAD_PARAMETER);
	ck_assert_ok(vmm_gpu_attach(&rig.gpu, 1, &good, 1));
}
END_TEST

START_TEST(entries_budget) {
	static struct virtio_gpu_entry many[1025];
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		many[i] = (struct virtio_gpu_entry) { VMM_RAM_GUEST_BASE + i * 3, 1 };
	}
	ck_assert_ok(vmm_gpu_create_2d(&rig.gpu, 1, VMM_GPU_BGRX, 4, 4));
	ck_assert_uint_eq(vmm_gpu_attach(&rig.gpu, 1, many, 1025), NO_MEMORY);
	ck_assert_ok(vmm_gpu_attach(&rig.gpu, 1, many, 1024));
	uint64_t memory_bytes = rig_stat(&rig, "memory");
	ck_assert_ok(vmm_gpu_resource(&rig.gpu, VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 1));
	ck_assert_uint_eq(rig_stat(&rig, "memory"), memory_bytes - 1024 * (16 + 24));
}
END_TEST

START_TEST(attach_and_detach_in_the_wrong_order) {
	ck_assert_uint_eq(vmm_gpu_attach(&rig.gpu, 1, &good, 1), BAD_RESOURCE);
	ck_assert_ok(vmm_gpu_create_2d(&rig.gpu, 1, VMM_GPU_BGRX, 4, 4));
	ck_assert_uint_eq(
		vmm_gpu_resource(&rig.gpu, VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 1), UNSPEC);
	ck_assert_ok(vmm_gpu_attach(&rig.gpu, 1, &good, 1));
	ck_assert_uint_eq(vmm_gpu_attach(&rig.gpu, 1, &good, 1), UNSPEC);
	ck_assert_ok(vmm_gpu_resource(&rig.gpu, VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 1));
	ck_assert_uint_eq(vmm_gpu_transfer(&rig.gpu, 1, 0, 0, 4, 4, 0), BAD_PARAMETER);
}
END_TEST

/* ---- transfers ---- */

/* Of a picture of 8 x 8 pixels in 300 bytes of backing: 44 less than needed. */
static const struct {
	const char *name;
	uint32_t x, y, width, height;
	uint64_t offset;
	uint32_t reply;
} transfers[] = {
	{ "what there is", 0, 0, 8, 6, 0, OK },
	{ "one pixel", 7, 7, 1, 1, 256, OK },
	{ "to the last byte", 0, 0, 3, 1, 288, OK },
	{ "past the last byte", 0, 0, 4, 1, 288, BAD_PARAMETER },
	{ "the whole of it", 0, 0, 8, 8, 48, BAD_PARAMETER },
	{ "rows that end past the last byte", 0, 0, 1, 8, 80, BAD_PARAMETER },
	{ "no width", 0, 0, 0, 1, 0, BAD_PARAMETER },
	{ "no height", 0, 0, 1, 0, 0, BAD_PARAMETER },
	{ "too wide", 0, 0, 9, 1, 0, BAD_PARAMETER },
	{ "too high", 0, 0, 1, 9, 0, BAD_PARAMETER },
	{ "to the right of it", 8, 0, 1, 1, 0, BAD_PARAMETER },
	{ "a width that wraps", 4, 0, UINT32_MAX - 2, 1, 0, BAD_PARAMETER },
	{ "a height that wraps", 0, 4, 1, UINT32_MAX - 2, 0, BAD_PARAMETER },
	{ "an offset of all ones", 0, 0, 1, 1, UINT64_MAX, BAD_PARAMETER },
	{ "an offset that wraps", 0, 0, 8, 6, UINT64_MAX - 100, BAD_PARAMETER },
	{ "an offset behind it", 0, 0, 1, 1, 300, BAD_PARAMETER },
};

START_TEST(transfer_bounds) {
	const struct virtio_gpu_entry entry = { vmm_ram_alloc(&rig.ram, 300, 4), 300 };
	ck_assert_ok(vmm_gpu_create_2d(&rig.gpu, 1, VMM_GPU_BGRX, 8, 8));
	ck_assert_ok(vmm_gpu_attach(&rig.gpu, 1, &entry, 1));
	uint32_t reply = vmm_gpu_transfer(&rig.gpu, 1, transfers[_i].x, transfers[_i].y,
		transfers[_i].width, transfers[_i].height, transfers[_i].offset);
	ck_assert_msg(reply == transfers[_i].reply, "%s: 0x%x", transfers[_i].name, reply);
	ck_assert_uint_eq(vmm_gpu_transfer(&rig.gpu, 2, 0, 0, 1, 1, 0), BAD_RESOURCE);
}
END_TEST

static const uint32_t pieces[] = { 0, 1, 3, 4, 7, 64, 100, 4096 };

/* Random rectangles, out of pieces of any size, against a model: every pixel of the picture. */
START_TEST(transfer_content) {
	enum { WIDTH = 19, HEIGHT = 13 };
	uint32_t model[HEIGHT][WIDTH] = { 0 };
	struct rig fine;
	struct rig_picture picture;
	rig_init(&fine, &(struct rig_options) { 0 });
	rig_picture_init(&picture, &fine, WIDTH, HEIGHT, pieces[_i]);
	rig_create_resource(&fine, 1, &picture);
	ck_assert_ok(vmm_gpu_set_scanout(&fine.gpu, 0, 1, 0, 0, WIDTH, HEIGHT));
	srand(4);
	for (uint32_t i = 0; i < 60; i++) {
		uint32_t x = (uint32_t)rand() % WIDTH;
		uint32_t y = (uint32_t)rand() % HEIGHT;
		uint32_t width = 1 + (uint32_t)rand() % (WIDTH - x);
		uint32_t height = 1 + (uint32_t)rand() % (HEIGHT - y);
		rig_picture_fill(&picture, i);
		ck_assert_ok(vmm_gpu_transfer(
			&fine.gpu, 1, x, y, width, height, (y * WIDTH + x) * PIXEL_BYTES));
		ck_assert_ok(vmm_gpu_flush(&fine.gpu, 1, x, y, width, height));
		for (uint32_t row = y; row < y + height; row++) {
			for (uint32_t column = x; column < x + width; column++) {
				model[row][column] = rig_pattern(i, column, row);
			}
		}
		rig_tick(&fine);
		for (uint32_t row = 0; row < HEIGHT; row++) {
			for (uint32_t column = 0; column < WIDTH; column++) {
				ck_assert_uint_eq(
					rig_pixel(&fine, 0, column, row), model[row][column]);
			}
		}
	}
	rig_picture_finish(&picture);
	rig_finish(&fine);
}
END_TEST

/* The offset says where the guest's bytes begin, not where they go. */
START_TEST(transfer_offset) {
	struct rig_picture picture;
	rig_picture_init(&picture, &rig, 8, 8, 0);
	rig_picture_fill(&picture, 1);
	rig_create_resource(&rig, 1, &picture);
	ck_assert_ok(vmm_gpu_set_scanout(&rig.gpu, 0, 1, 0, 0, 8, 8));
	ck_assert_ok(vmm_gpu_transfer(&rig.gpu, 1, 5, 6, 2, 2, (1 * 8 + 3) * PIXEL_BYTES));
	ck_assert_ok(vmm_gpu_flush(&rig.gpu, 1, 0, 0, 8, 8));
	ck_assert(rig_acquire(&rig, 0));
	for (uint32_t y = 0; y < 2; y++) {
		for (uint32_t x = 0; x < 2; x++) {
			ck_assert_uint_eq(
				rig_pixel(&rig, 0, 5 + x, 6 + y), rig_pattern(1, 3 + x, 1 + y));
		}
	}
	ck_assert_uint_eq(rig_pixel(&rig, 0, 0, 0), 0);
	rig_picture_finish(&picture);
}
END_TEST

/* ---- UUIDs ---- */

START_TEST(uuids) {
	uint8_t first[VIRTIO_GPU_UUID_BYTES];
	ck_assert_ok(vmm_gpu_create_2d(&rig.gpu, 1, VMM_GPU_BGRX, 4, 4));
	ck_assert_ok(vmm_gpu_create_2d(&rig.gpu, 2, VMM_GPU_BGRX, 4, 4));
	ck_assert_uint_eq(vmm_gpu_resource(&rig.gpu, VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, 1),
		VIRTIO_GPU_RESP_OK_RESOURCE_UUID);
	ck_assert_uint_eq(rig.gpu.used_bytes, VIRTIO_GPU_RESOURCE_UUID_BYTES);
	memcpy(first, rig.gpu.reply + VIRTIO_GPU_HEADER_BYTES, sizeof(first));
	ck_assert_uint_eq(first[6] >> 4, 4); /* random */
	ck_assert_uint_eq(first[8] >> 6, 2);

	vmm_gpu_resource(&rig.gpu, VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, 1);
	ck_assert_mem_eq(rig.gpu.reply + VIRTIO_GPU_HEADER_BYTES, first, sizeof(first));
	vmm_gpu_resource(&rig.gpu, VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, 2);
	ck_assert_mem_ne(rig.gpu.reply + VIRTIO_GPU_HEADER_BYTES, first, sizeof(first));
}
END_TEST

/* ---- blobs ---- */

static const struct {
	const char *name;
	uint32_t id, memory, flags;
	uint64_t bytes;
	uint32_t entry_bytes; /* of one entry; 0: no entry */
	uint32_t reply;
} blobs[] = {
	{ "one page", 1, 1, 0, 4096, 4096, OK },
	{ "all flags", 1, 1, 7, 4096, 4096, OK },
	{ "more backing than needed", 1, 1, 2, 4096, 8192, OK },
	{ "number 0", 0, 1, 0, 4096, 4096, BAD_RESOURCE },
	{ "a number that exists", 100, 1, 0, 4096, 4096, BAD_RESOURCE },
	{ "memory 0", 1, 0, 0, 4096, 4096, BAD_PARAMETER },
	{ "the host's memory", 1, 2, 0, 4096, 4096, BAD_PARAMETER },
	{ "both memories", 1, 3, 0, 4096, 4096, BAD_PARAMETER },
	{ "memory 255", 1, 255, 0, 4096, 4096, BAD_PARAMETER },
	{ "an unknown flag", 1, 1, 8, 4096, 4096, BAD_PARAMETER },
	{ "no bytes", 1, 1, 0, 0, 4096, BAD_PARAMETER },
	{ "not whole pages", 1, 1, 0, 4095, 4096, BAD_PARAMETER },
	{ "no backing", 1, 1, 0, 4096, 0, BAD_PARAMETER },
	{ "a byte too little backing", 1, 1, 0, 4096, 4095, BAD_PARAMETER },
	{ "half of all bytes", 1, 1, 0, UINT64_C(1) << 63, 4096, BAD_PARAMETER },
};

START_TEST(create_blob) {
	ck_assert_ok(vmm_gpu_create_2d(&rig.gpu, 100, VMM_GPU_BGRX, 4, 4));
	struct vmm_gpu_command command =
		vmm_gpu_encode(&rig.gpu, VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB);
	vmm_gpu_put_u32(&command, blobs[_i].id);
	vmm_gpu_put_u32(&command, blobs[_i].memory);
	vmm_gpu_put_u32(&command, blobs[_i].flags);
	vmm_gpu_put_u32(&command, blobs[_i].entry_bytes != 0);
	vmm_gpu_put_u64(&command, 0);
	vmm_gpu_put_u64(&command, blobs[_i].bytes);
	vmm_gpu_put_u64(&command, VMM_RAM_GUEST_BASE);
	vmm_gpu_put_u64(&command, blobs[_i].entry_bytes);
	uint32_t reply = vmm_gpu_command(&rig.gpu, &command);
	ck_assert_msg(reply == blobs[_i].reply, "%s: 0x%x", blobs[_i].name, reply);
	ck_assert_uint_eq(rig_stat(&rig, "resources"), reply == OK ? 2 : 1);
}
END_TEST

START_TEST(blob_backing) {
	static const struct virtio_gpu_entry page = { VMM_RAM_GUEST_BASE, 4096 };
	static const struct virtio_gpu_entry less = { VMM_RAM_GUEST_BASE, 4092 };
	ck_assert_ok(vmm_gpu_create_blob(&rig.gpu, 1, 4096, &page, 1));
	ck_assert_uint_eq(vmm_gpu_attach(&rig.gpu, 1, &page, 1), UNSPEC);
	ck_assert_ok(vmm_gpu_resource(&rig.gpu, VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 1));
	ck_assert_uint_eq(vmm_gpu_attach(&rig.gpu, 1, &less, 1), BAD_PARAMETER);
	ck_assert_ok(vmm_gpu_attach(&rig.gpu, 1, &page, 1));
	/* Linux transfers its dumb buffers, blobs or not */
	ck_assert_ok(vmm_gpu_transfer(&rig.gpu, 1, 0, 0, 64, 64, 0));
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("gpu command_resource");
	TCase *resources = suite_case(suite, "resources");
	tcase_add_checked_fixture(resources, setup, teardown);
	tcase_add_loop_test(resources, create_2d, 0, (int)ARRAY_LEN(creations));
	tcase_add_loop_test(resources, all_formats, 0, (int)ARRAY_LEN(formats));
	tcase_add_test(resources, resources_budget);
	tcase_add_test(resources, memory_budget);
	tcase_add_loop_test(resources, resources_that_are_not_there, 0, (int)ARRAY_LEN(naming));
	tcase_add_test(resources, uuids);

	TCase *backing = suite_case(suite, "backing");
	tcase_add_checked_fixture(backing, setup, teardown);
	tcase_add_loop_test(backing, attach_one_entry, 0, (int)ARRAY_LEN(entries));
	tcase_add_test(backing, entries_that_are_not_there);
	tcase_add_test(backing, entries_budget);
	tcase_add_test(backing, attach_and_detach_in_the_wrong_order);

	TCase *transfer = suite_case(suite, "transfer");
	tcase_add_checked_fixture(transfer, setup, teardown);
	tcase_add_loop_test(transfer, transfer_bounds, 0, (int)ARRAY_LEN(transfers));
	tcase_add_loop_test(transfer, transfer_content, 0, (int)ARRAY_LEN(pieces));
	tcase_add_test(transfer, transfer_offset);

	TCase *blob = suite_case(suite, "blobs");
	tcase_add_checked_fixture(blob, setup, teardown);
	tcase_add_loop_test(blob, create_blob, 0, (int)ARRAY_LEN(blobs));
	tcase_add_test(blob, blob_backing);
	return suite;
}
