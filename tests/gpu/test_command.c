#include "gpu/command.h"

#include <string.h>

#include "core/macros.h"
#include "tests/gpu/rig.h"
#include "tests/suite.h"

#define FENCE_ID UINT64_C(0x123456789abcdef0)

static struct rig rig;

static void setup(void) {
	rig_init(&rig, &(struct rig_options) { .blob = true });
}

static void teardown(void) {
	rig_finish(&rig);
}

static struct virtio_gpu_header reply_header(void) {
	struct virtio_gpu_header header;
	ck_assert(virtio_gpu_decode_header(rig.gpu.reply, rig.gpu.used_bytes, &header));
	return header;
}

/* Every command with every number of bytes that is too small: an error, and never more than that. */
START_TEST(truncated_at_every_byte) {
	const struct command_table *table = &command_tables[_i];
	for (size_t row = 0; row < table->len; row++) {
		struct vmm_gpu_command command = vmm_gpu_encode(&rig.gpu, table->rows[row].type);
		for (size_t bytes = 1; bytes < table->rows[row].size_bytes; bytes++) {
			uint32_t type = vmm_gpu_send(&rig.gpu, (unsigned)_i, command.data, bytes);
			ck_assert_msg(type == VIRTIO_GPU_RESP_ERR_UNSPEC, "%s of %zu bytes: 0x%x",
				table->rows[row].name, bytes, type);
			ck_assert_uint_eq(rig.gpu.used_bytes, VIRTIO_GPU_HEADER_BYTES);
		}
	}
	ck_assert_uint_eq(rig_stat(&rig, "resources"), 0);
}
END_TEST

/* Whole commands of nothing but zeros or ones behind the header, and garbage behind them. */
START_TEST(any_bytes_are_answered) {
	const struct command_table *table = &command_tables[_i];
	uint8_t bytes[4096];
	for (size_t row = 0; row < table->len; row++) {
		for (int fill = 0; fill < 256; fill += 15) {
			memset(bytes, fill, sizeof(bytes));
			struct vmm_gpu_command command =
				vmm_gpu_encode(&rig.gpu, table->rows[row].type);
			memcpy(bytes, command.data, VIRTIO_GPU_HEADER_BYTES);
			uint32_t type = vmm_gpu_send(&rig.gpu, (unsigned)_i, bytes, sizeof(bytes));
			ck_assert_uint_ne(type, VMM_GPU_NO_REPLY);
		}
	}
}
END_TEST

static const struct {
	const char *name;
	unsigned queue;
	uint32_t type;
} unknown[] = {
	{ "zero", 0, 0 },
	{ "before the first", 0, 0xff },
	{ "a cursor command on the control queue", 0, VIRTIO_GPU_CMD_MOVE_CURSOR },
	{ "a control command on the cursor queue", 1, VIRTIO_GPU_CMD_GET_DISPLAY_INFO },
	{ "a reply", 0, VIRTIO_GPU_RESP_OK_NODATA },
	{ "capability sets, which there are none of", 0, VIRTIO_GPU_CMD_GET_CAPSET_INFO },
	{ "capability set", 0, VIRTIO_GPU_CMD_GET_CAPSET },
	{ "3D context", 0, 0x200 },
	{ "3D submit", 0, 0x207 },
	{ "map blob", 0, 0x208 },
	{ "all ones", 0, UINT32_MAX },
	{ "all ones to the cursor", 1, UINT32_MAX },
};

START_TEST(unknown_commands) {
	uint8_t bytes[256] = { 0 };
	struct vmm_gpu_command command = vmm_gpu_encode(&rig.gpu, unknown[_i].type);
	memcpy(bytes, command.data, command.bytes);
	uint32_t type = vmm_gpu_send(&rig.gpu, unknown[_i].queue, bytes, sizeof(bytes));
	ck_assert_msg(type == VIRTIO_GPU_RESP_ERR_UNSPEC, "%s: 0x%x", unknown[_i].name, type);
	ck_assert_uint_eq(rig_stat(&rig, "errors.unspec"), 1);
}
END_TEST

/* The fence comes back with success and with an error. */
START_TEST(fences_are_echoed) {
	rig.gpu.flags = VIRTIO_GPU_FLAG_FENCE | VIRTIO_GPU_FLAG_INFO_RING_IDX;
	rig.gpu.fence_id = FENCE_ID;
	rig.gpu.ctx_id = 77;
	rig.gpu.ring_idx = 200;
	for (int i = 0; i < 2; i++) {
		uint32_t wanted = i == 0
			? VIRTIO_GPU_RESP_OK_NODATA
			: VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID; /* the number is taken then */
		ck_assert_uint_eq(vmm_gpu_create_2d(&rig.gpu, 1, VMM_GPU_BGRX, 4, 4), wanted);
		struct virtio_gpu_header header = reply_header();
		ck_assert_uint_eq(header.flags, rig.gpu.flags);
		ck_assert_uint_eq(header.fence_id, FENCE_ID);
		ck_assert_uint_eq(header.ctx_id, 77);
		ck_assert_uint_eq(header.ring_idx, 200);
	}
	rig.gpu.flags = 0;
	vmm_gpu_create_2d(&rig.gpu, 2, VMM_GPU_BGRX, 4, 4);
	ck_assert_uint_eq(reply_header().fence_id, 0);
	ck_assert_uint_eq(reply_header().ctx_id, 0);
}
END_TEST

/* A reply goes into what room there is, and used says how much that was. */
START_TEST(small_replies) {
	struct vmm_gpu_command command = vmm_gpu_encode(&rig.gpu, VIRTIO_GPU_CMD_GET_DISPLAY_INFO);
	uint8_t reply[512];
	for (uint32_t room = 0; room < sizeof(reply); room += 23) {
		uint32_t used = UINT32_MAX;
		memset(reply, 0xee, sizeof(reply));
		ck_assert_int_eq(
			vmm_request(&rig.vmm, 0, command.data, command.bytes, reply, room, &used),
			0);
		ck_assert_uint_eq(used, MIN(room, VIRTIO_GPU_DISPLAY_INFO_BYTES));
		for (uint32_t i = used; i < room; i++) {
			ck_assert_uint_eq(reply[i], 0xee);
		}
	}
}
END_TEST

/* Request and reply in single bytes. */
START_TEST(scattered_chain) {
	struct vmm_gpu_command command =
		vmm_gpu_encode(&rig.gpu, VIRTIO_GPU_CMD_RESOURCE_CREATE_2D);
	vmm_gpu_put_u32(&command, 9);
	vmm_gpu_put_u32(&command, VMM_GPU_BGRA);
	vmm_gpu_put_u64(&command, 4 | UINT64_C(4) << 32);
	struct vmm_buffer buffers[VIRTIO_GPU_CREATE_2D_BYTES + VIRTIO_GPU_HEADER_BYTES];
	for (size_t i = 0; i < ARRAY_LEN(buffers); i++) {
		buffers[i] = (struct vmm_buffer) {
			.address = vmm_ram_alloc(&rig.ram, 2, 1),
			.len = 1,
			.is_writable = i >= VIRTIO_GPU_CREATE_2D_BYTES,
		};
		if (!buffers[i].is_writable) {
			*(uint8_t *)vmm_ram_at(&rig.ram, buffers[i].address, 1) = command.data[i];
		}
	}
	ck_assert_int_ge(vmm_queue_add(&rig.vmm.queues[0], buffers, ARRAY_LEN(buffers), false), 0);
	vmm_queue_kick(&rig.vmm.queues[0]);
	struct vmm_used used;
	ck_assert_int_eq(vmm_wait_used(&rig.vmm, 0, &used), 0);
	ck_assert_uint_eq(used.bytes, VIRTIO_GPU_HEADER_BYTES);
	static const uint8_t ok[VIRTIO_GPU_HEADER_BYTES] = { 0x00, 0x11 };
	for (size_t i = 0; i < VIRTIO_GPU_HEADER_BYTES; i++) {
		const struct vmm_buffer *buffer = &buffers[VIRTIO_GPU_CREATE_2D_BYTES + i];
		ck_assert_uint_eq(*(uint8_t *)vmm_ram_at(&rig.ram, buffer->address, 1), ok[i]);
	}
	ck_assert_uint_eq(rig_stat(&rig, "resources"), 1);
}
END_TEST

static const struct {
	uint32_t type;
	unsigned feature;
} gated[] = {
	{ VIRTIO_GPU_CMD_GET_EDID, VIRTIO_GPU_F_EDID },
	{ VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, VIRTIO_GPU_F_RESOURCE_UUID },
	{ VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, VIRTIO_GPU_F_RESOURCE_BLOB },
	{ VIRTIO_GPU_CMD_SET_SCANOUT_BLOB, VIRTIO_GPU_F_RESOURCE_BLOB },
};

/* A driver that did not accept a feature does not get its commands. */
START_TEST(features_gate_commands) {
	struct rig poor;
	rig_init(&poor,
		&(struct rig_options) {
			.blob = true,
			.vmm.features_refused = UINT64_C(1) << gated[_i].feature,
		});
	uint8_t bytes[128] = { 0 };
	struct vmm_gpu_command command = vmm_gpu_encode(&poor.gpu, gated[_i].type);
	memcpy(bytes, command.data, command.bytes);
	ck_assert_uint_eq(
		vmm_gpu_send(&poor.gpu, 0, bytes, sizeof(bytes)), VIRTIO_GPU_RESP_ERR_UNSPEC);
	rig_finish(&poor);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("gpu command");
	TCase *tcase = suite_case(suite, "commands");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, truncated_at_every_byte, 0, VIRTIO_GPU_QUEUES);
	tcase_add_loop_test(tcase, any_bytes_are_answered, 0, VIRTIO_GPU_QUEUES);
	tcase_add_loop_test(tcase, unknown_commands, 0, (int)ARRAY_LEN(unknown));
	tcase_add_test(tcase, fences_are_echoed);
	tcase_add_test(tcase, small_replies);
	tcase_add_test(tcase, scattered_chain);

	TCase *features = suite_case(suite, "features");
	tcase_add_loop_test(features, features_gate_commands, 0, (int)ARRAY_LEN(gated));
	return suite;
}
