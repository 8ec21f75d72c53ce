/*
 * A guest's commands into a whole device: vhost session, resources, scanouts, fences, consumer. The
 * input is a list of steps, a byte each with its arguments behind it: a command with small numbers in
 * its fields, raw bytes, a refresh, time, a consumer that writes nonsense into its page, a pause.
 * What must hold: every chain comes back exactly once, and a reset leaves nothing behind.
 */
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/frame_link_page.h"
#include "core/log.h"
#include "core/macros.h"
#include "gpu/command.h"
#include "tests/fuzz/fuzz.h"
#include "tests/gpu/rig.h"

enum step { CONTROL, CURSOR, RAW, TICK, BLIND_TICK, TIME, LIE, PAUSE, ATTACH, STEPS };

#define STEPS_MAX 64

static struct rig rig;
static unsigned in_flight[VIRTIO_GPU_QUEUES];

static void require(bool holds) {
	if (!holds) {
		abort();
	}
}

/* Mostly small numbers, which mean something together; now and then one from the edge. */
static uint32_t take_field(struct byte_reader *input) {
	static const uint32_t edges[] = {
		UINT32_MAX,
		UINT32_MAX - 3,
		1u << 31,
		INT32_MAX,
		1u << 30,
		65536,
		16385,
		16384,
		4096,
		256,
		64,
		67,
		68,
		121,
		134,
		4095,
	};
	uint8_t byte = byte_reader_u8(input);
	return byte < 240 ? byte % 40 : edges[byte - 240];
}

static void take_used(void) {
	struct vmm_used used;
	rig_settle(&rig);
	for (unsigned queue = 0; queue < VIRTIO_GPU_QUEUES; queue++) {
		while (vmm_queue_take(&rig.vmm.queues[queue], &used)) {
			require(in_flight[queue] > 0);
			require(used.bytes <= VMM_GPU_POST_BYTES);
			in_flight[queue]--;
		}
	}
}

static void send_command(unsigned queue, const struct vmm_gpu_command *command) {
	if (vmm_gpu_post(&rig.gpu, queue, command) >= 0) {
		in_flight[queue]++;
		vmm_queue_kick(&rig.vmm.queues[queue]);
		take_used();
	}
}

static void step_command(struct byte_reader *input, unsigned queue) {
	const struct command_table *table = &command_tables[queue];
	const struct command_row *row = &table->rows[byte_reader_u8(input) % table->len];
	rig.gpu.flags = byte_reader_u8(input) % 4 == 0 ? VIRTIO_GPU_FLAG_FENCE : 0;
	struct vmm_gpu_command command = vmm_gpu_encode(&rig.gpu, row->type);
	while (command.bytes + 4 <= row->size_bytes) {
		vmm_gpu_put_u32(&command, take_field(input));
	}
	send_command(queue, &command);
}

/* Backing, or a blob, of whole pages that the guest has. */
static void step_attach(struct byte_reader *input) {
	bool is_blob = byte_reader_u8(input) % 2 == 0;
	uint32_t pages = 1 + byte_reader_u8(input) % 32;
	uint32_t id = byte_reader_u8(input) % 8;
	struct vmm_gpu_command command = vmm_gpu_encode(&rig.gpu,
		is_blob ? VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB
			: VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING);
	vmm_gpu_put_u32(&command, id);
	vmm_gpu_put_u32(&command, 1);
	if (is_blob) {
		vmm_gpu_put_u32(&command, 0);
		vmm_gpu_put_u32(&command, 1);
		vmm_gpu_put_u64(&command, 0);
		vmm_gpu_put_u64(&command, pages * 4096);
	}
	vmm_gpu_put_u64(&command, VMM_RAM_GUEST_BASE + byte_reader_u8(input) * 64);
	vmm_gpu_put_u64(&command, pages * 4096);
	send_command(VIRTIO_GPU_QUEUE_CONTROL, &command);
}

static void step_raw(struct byte_reader *input) {
	struct vmm_gpu_command command = { 0 };
	unsigned queue = byte_reader_u8(input) % VIRTIO_GPU_QUEUES;
	command.bytes = 1 + byte_reader_u8(input) % sizeof(command.data);
	command.bytes = MIN(command.bytes, byte_reader_left(input));
	byte_reader_copy(input, command.data, command.bytes);
	if (command.bytes > 0) {
		send_command(queue, &command);
	}
}

/* The other side of the link writes what it likes where it may. */
static void step_lie(struct byte_reader *input) {
	uint8_t *channels = (uint8_t *)consumer_channel(&rig.consumer, 0);
	uint8_t *end = (uint8_t *)(consumer_channel(&rig.consumer, RIG_SCANOUTS - 1) + 1);
	size_t words = (size_t)(end - channels) / sizeof(uint64_t);
	uint64_t value = byte_reader_u8(input);
	value |= (uint64_t)byte_reader_u8(input) << 56;
	memcpy(channels + byte_reader_u16(input) % words * sizeof(value), &value, sizeof(value));
}

static void run_step(struct byte_reader *input) {
	switch ((enum step)(byte_reader_u8(input) % STEPS)) {
	case CONTROL:
		step_command(input, VIRTIO_GPU_QUEUE_CONTROL);
		break;
	case CURSOR:
		step_command(input, VIRTIO_GPU_QUEUE_CURSOR);
		break;
	case RAW:
		step_raw(input);
		break;
	case TICK:
		rig_tick(&rig);
		break;
	case BLIND_TICK:
		rig_tick_blind(&rig);
		break;
	case TIME:
		rig_advance(&rig, (uint64_t)byte_reader_u8(input) * NS_PER_MS);
		break;
	case LIE:
		step_lie(input);
		break;
	case PAUSE:
		require(vmm_device_stop(&rig.vmm) == 0);
		take_used();
		require(in_flight[0] == 0 && in_flight[1] == 0);
		require(vmm_device_start(&rig.vmm) == 0);
		break;
	case ATTACH:
		step_attach(input);
		break;
	case STEPS:
		break;
	}
}

/* As new: the device reset, the consumer's lies forgotten. */
static void start_over(void) {
	rig_advance(&rig, NS_PER_S);
	take_used();
	require(in_flight[0] == 0 && in_flight[1] == 0);
	require(vmm_device_reset(&rig.vmm) == 0);
	rig_settle(&rig);
	require(rig_stat(&rig, "resources") == 0);
	require(rig_stat(&rig, "memory") == 0);
	require(rig_stat(&rig, "pool") == 0);
	for (unsigned i = 0; i < RIG_SCANOUTS; i++) {
		struct frame_consumer_channel *channel = consumer_channel(&rig.consumer, i);
		memset((void *)channel, 0, sizeof(*channel));
		rig.views[i] = (struct frame_view) { 0 };
	}
	require(vmm_device_start(&rig.vmm) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	if (rig.loop == NULL) {
		rig_init(&rig,
			&(struct rig_options) {
				.blob = true,
				.pool_bytes = 256 << 10,
				.memory_bytes = 256 << 10,
				.resources = 8,
			});
	}
	struct byte_reader input;
	byte_reader_init(&input, data, size);
	for (int i = 0; i < STEPS_MAX && byte_reader_left(&input) > 0; i++) {
		run_step(&input);
	}
	start_over();
	return 0;
}
