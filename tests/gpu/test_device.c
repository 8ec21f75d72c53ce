#include "gpu/device.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "core/macros.h"
#include "tests/gpu/rig.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

static struct rig rig;

static uint64_t clock_now_ns_of_rig(void *data) {
	const struct rig *of = data;
	return of->now_ns;
}

static void ignore_end(void *data, int error) {
}

static void setup(void) {
	rig_init(&rig, &(struct rig_options) { .blob = true });
}

static void teardown(void) {
	rig_finish(&rig);
}

struct space {
	uint32_t events_read, events_clear, num_scanouts, num_capsets;
};

static struct space read_space(void) {
	struct space space;
	memset(&space, 0xee, sizeof(space));
	ck_assert_int_eq(vmm_config_read(&rig.vmm, 0, &space, sizeof(space)), 0);
	return space;
}

static uint32_t get_display_info(void) {
	struct vmm_gpu_command command = vmm_gpu_encode(&rig.gpu, VIRTIO_GPU_CMD_GET_DISPLAY_INFO);
	return vmm_gpu_command(&rig.gpu, &command);
}

/* A resource on scanout 0, shown. */
static void show_something(void) {
	struct rig_picture picture;
	rig_picture_init(&picture, &rig, 8, 8, 0);
	rig_picture_fill(&picture, 1);
	rig_create_resource(&rig, 1, &picture);
	ck_assert_ok(vmm_gpu_set_scanout(&rig.gpu, 0, 1, 0, 0, 8, 8));
	ck_assert_ok(vmm_gpu_transfer(&rig.gpu, 1, 0, 0, 8, 8, 0));
	ck_assert_ok(vmm_gpu_flush(&rig.gpu, 1, 0, 0, 8, 8));
	rig_tick(&rig);
	rig_picture_finish(&picture);
}

static const struct {
	bool blob;
	uint64_t features;
} profiles[] = { { false, 0x6 }, { true, 0xe } };

START_TEST(features) {
	struct rig other;
	rig_init(&other, &(struct rig_options) { .blob = profiles[_i].blob });
	ck_assert_uint_eq(other.vmm.features_offered & 0xffffff, profiles[_i].features);
	rig_finish(&other);
}
END_TEST

START_TEST(config_space) {
	struct space space = read_space();
	ck_assert_uint_eq(space.events_read, 0);
	ck_assert_uint_eq(space.num_scanouts, RIG_SCANOUTS);
	ck_assert_uint_eq(space.num_capsets, 0);
	uint8_t more[32]; /* later specifications have more of it */
	memset(more, 0xee, sizeof(more));
	ck_assert_int_eq(vmm_config_read(&rig.vmm, 0, more, 20), 0);
	ck_assert_uint_eq(more[8], RIG_SCANOUTS);
	ck_assert_uint_eq(more[16] | more[17] | more[18] | more[19], 0);
}
END_TEST

START_TEST(display_changes) {
	struct frame_mode mode = rig.config.scanouts[1];
	mode.width = 1000;
	mode.height = 500;
	ck_assert_uint_eq(get_display_info(), VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	frame_link_set_mode(&rig.consumer, 1, &mode);
	rig_tick_blind(&rig);
	ck_assert_int_eq(vmm_wait_config_change(&rig.vmm, 0), 0);
	ck_assert_uint_eq(read_space().events_read, VIRTIO_GPU_EVENT_DISPLAY);
	get_display_info();
	ck_assert_uint_eq(rig.gpu.reply[24 + 24 + 8] | rig.gpu.reply[24 + 24 + 9] << 8, 1000);

	/* as QEMU sends it: all of the space */
	struct space clear = { .events_clear = VIRTIO_GPU_EVENT_DISPLAY };
	ck_assert_int_eq(vmm_config_write(&rig.vmm, 0, &clear, sizeof(clear)), 0);
	ck_assert_uint_eq(read_space().events_read, 0);
	rig_tick_blind(&rig);
	ck_assert_uint_eq(rig_stat(&rig, "display.events"), 1);

	mode.enabled = 0; /* unplugged */
	frame_link_set_mode(&rig.consumer, 1, &mode);
	rig_tick_blind(&rig);
	ck_assert_uint_eq(read_space().events_read, VIRTIO_GPU_EVENT_DISPLAY);
	get_display_info();
	ck_assert_uint_eq(rig.gpu.reply[24 + 24 + 16], 0);
}
END_TEST

/* A driver that has not asked yet needs no event. */
START_TEST(change_before_the_driver) {
	struct frame_mode mode = rig.config.scanouts[0];
	mode.width = 1000;
	frame_link_set_mode(&rig.consumer, 0, &mode);
	rig_tick_blind(&rig);
	ck_assert_uint_eq(read_space().events_read, 0);
	get_display_info();
	ck_assert_uint_eq(rig.gpu.reply[24 + 8] | rig.gpu.reply[24 + 9] << 8, 1000);
}
END_TEST

START_TEST(peer) {
	ck_assert_uint_eq(link_get_peer(&rig.consumer.link), LINK_PEER_CONNECTED);
	get_display_info();
	ck_assert_uint_eq(link_get_peer(&rig.consumer.link), LINK_PEER_RUNNING);
	ck_assert_int_eq(vmm_device_reset(&rig.vmm), 0);
	rig_settle(&rig);
	ck_assert_uint_eq(link_get_peer(&rig.consumer.link), LINK_PEER_CONNECTED);
	vmm_device_close(&rig.vmm);
	rig_settle(&rig);
	ck_assert_uint_eq(link_get_peer(&rig.consumer.link), LINK_PEER_ABSENT);
	ck_assert_uint_eq(rig.ends, 1);
	ck_assert_int_eq(rig.end_error, 0);
}
END_TEST

START_TEST(reset) {
	show_something();
	ck_assert_uint_eq(rig_stat(&rig, "resources"), 1);
	uint64_t resets = link_resets(&rig.consumer.link);
	ck_assert_int_eq(vmm_device_reset(&rig.vmm), 0);
	rig_settle(&rig);
	ck_assert_uint_eq(rig_stat(&rig, "resources"), 0);
	ck_assert_uint_eq(rig_stat(&rig, "pool"), 0);
	ck_assert_uint_eq(rig_stat(&rig, "memory"), 0);
	ck_assert_uint_eq(link_resets(&rig.consumer.link), resets + 1);
	ck_assert(rig_acquire(&rig, 0));
	ck_assert(rig.views[0].retracted);

	ck_assert_int_eq(vmm_device_start(&rig.vmm), 0);
	show_something();
	ck_assert(!rig.views[0].retracted);
	ck_assert_uint_eq(rig_pixel(&rig, 0, 3, 3), rig_pattern(1, 3, 3));
}
END_TEST

/* The VMM dies: nobody was there to reset anything, and the last picture stays for as long as the
 * consumer wants it. */
START_TEST(hang_up) {
	show_something();
	uint64_t resets = link_resets(&rig.consumer.link);
	vmm_device_close(&rig.vmm);
	rig_settle(&rig);
	ck_assert_uint_eq(link_get_peer(&rig.consumer.link), LINK_PEER_ABSENT);
	ck_assert_uint_eq(link_resets(&rig.consumer.link), resets);
	ck_assert(!rig_acquire(&rig, 0));
	ck_assert_uint_eq(rig_pixel(&rig, 0, 3, 3), rig_pattern(1, 3, 3));
	rig_tick_blind(&rig); /* still answered, between sessions */
}
END_TEST

/* The consumer hears of it although the loop has not looked, and of nothing else from then on. */
START_TEST(hang_up_of_a_busy_device) {
	show_something();
	ck_assert_int_eq(vmm_device_reset(&rig.vmm), 0);
	ck_assert_int_eq(vmm_device_start(&rig.vmm), 0);
	rig_settle(&rig);
	ck_assert_uint_eq(link_get_peer(&rig.consumer.link), LINK_PEER_CONNECTED);
	const struct vmm_gpu_command command =
		vmm_gpu_encode(&rig.gpu, VIRTIO_GPU_CMD_GET_DISPLAY_INFO);
	ck_assert_int_ge(vmm_gpu_post(&rig.gpu, VIRTIO_GPU_QUEUE_CONTROL, &command), 0);
	vmm_queue_kick(&rig.vmm.queues[VIRTIO_GPU_QUEUE_CONTROL]);
	vmm_device_close(&rig.vmm);
	while (link_get_peer(&rig.consumer.link) != LINK_PEER_ABSENT) {
		sched_yield();
	}
	ck_assert_uint_eq(rig.ends, 0);
	rig_settle(&rig);
	ck_assert_uint_eq(link_get_peer(&rig.consumer.link), LINK_PEER_ABSENT);
	ck_assert_uint_eq(rig.ends, 1);
}
END_TEST

START_TEST(protocol_error) {
	uint8_t nonsense[64];
	memset(nonsense, 0xff, sizeof(nonsense));
	ck_assert_int_eq(vmm_send_bytes(&rig.vmm, nonsense, sizeof(nonsense), NULL, 0), 0);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.ends, 1);
	ck_assert_int_lt(rig.end_error, 0);
}
END_TEST

/* The memory table changes under an attached backing: it follows, or it is gone, and comes back. */
START_TEST(memory_changes) {
	struct rig_picture picture;
	rig_picture_init(&picture, &rig, 8, 8, 0);
	rig_picture_fill(&picture, 5);
	rig_create_resource(&rig, 1, &picture);
	ck_assert_int_eq(vmm_memory_share(&rig.vmm), 0);
	ck_assert_ok(vmm_gpu_transfer(&rig.gpu, 1, 0, 0, 8, 8, 0));

	/* a resource in the second region, which goes */
	struct vmm_region region = rig.ram.regions[1];
	const struct virtio_gpu_entry entry = { region.guest_address, 256 };
	ck_assert_ok(vmm_gpu_create_2d(&rig.gpu, 2, VMM_GPU_BGRX, 8, 8));
	ck_assert_ok(vmm_gpu_attach(&rig.gpu, 2, &entry, 1));
	ck_assert_ok(vmm_gpu_transfer(&rig.gpu, 2, 0, 0, 8, 8, 0));
	ck_assert_int_eq(vmm_memory_remove(&rig.vmm, &region), 0);
	ck_assert_uint_eq(vmm_gpu_transfer(&rig.gpu, 2, 0, 0, 8, 8, 0),
		VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	ck_assert_ok(vmm_gpu_transfer(&rig.gpu, 1, 0, 0, 8, 8, 0));
	ck_assert_int_eq(vmm_memory_add(&rig.vmm, &region, rig.ram.fd), 0);
	ck_assert_ok(vmm_gpu_transfer(&rig.gpu, 2, 0, 0, 8, 8, 0));
	rig_picture_finish(&picture);
}
END_TEST

#define LARGE_SIZE 1024 /* pixels each way: 4 MiB */
#define LARGE_TRANSFERS 32
#define PAGE_BYTES 4096

/* A guest that has everything copied again and again: ticks are answered in between. */
START_TEST(copying_leaves_time_for_ticks) {
	rig_finish(&rig);
	rig_init(&rig,
		&(struct rig_options) {
			.memory_bytes = 8u << 20,
			.commands_per_wake = LARGE_TRANSFERS,
		});
	static struct virtio_gpu_entry entries[LARGE_SIZE];
	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		entries[i] = (struct virtio_gpu_entry) {
			rig.ram.regions[1].guest_address,
			PAGE_BYTES,
		};
	}
	ck_assert_ok(vmm_gpu_create_2d(&rig.gpu, 1, VMM_GPU_BGRX, LARGE_SIZE, LARGE_SIZE));
	ck_assert_ok(vmm_gpu_attach(&rig.gpu, 1, entries, ARRAY_LEN(entries)));
	for (int i = 0; i < LARGE_TRANSFERS; i++) {
		struct vmm_gpu_command command =
			vmm_gpu_encode_transfer(&rig.gpu, 1, 0, 0, LARGE_SIZE, LARGE_SIZE, 0);
		ck_assert_int_ge(vmm_gpu_post(&rig.gpu, 0, &command), 0);
	}
	vmm_queue_kick(&rig.vmm.queues[0]);
	int rounds = 0;
	for (struct vmm_used used; !vmm_queue_take(&rig.vmm.queues[0], &used); rounds++) {
		ck_assert_int_lt(rounds, 2);
		loop_dispatch(rig.loop, 0);
	}
	uint64_t copied = rig_stat(&rig, "copied.guest");
	ck_assert_uint_gt(copied, 0);
	ck_assert_uint_le(copied, 5u << 22);
	rig_settle(&rig);
	ck_assert_uint_eq(rig_stat(&rig, "copied.guest"), (uint64_t)LARGE_TRANSFERS << 22);
}
END_TEST

/* More commands than one wake-up serves: all are served. */
START_TEST(many_commands) {
	for (uint32_t i = 0; i < 100; i++) {
		struct vmm_gpu_command command =
			vmm_gpu_encode(&rig.gpu, VIRTIO_GPU_CMD_GET_DISPLAY_INFO);
		ck_assert_int_ge(vmm_gpu_post(&rig.gpu, 0, &command), 0);
	}
	vmm_queue_kick(&rig.vmm.queues[0]);
	rig_settle(&rig);
	struct vmm_used used;
	for (uint32_t i = 0; i < 100; i++) {
		ck_assert(vmm_queue_take(&rig.vmm.queues[0], &used));
	}
	ck_assert_uint_eq(rig_stat(&rig, "commands"), 100);
}
END_TEST

/* A process that takes the link over goes on where the last one ended. */
START_TEST(successor) {
	show_something();
	vmm_device_close(&rig.vmm);
	rig_settle(&rig);
	gpu_device_destroy(&rig.device);
	const struct gpu_device_setup setup = {
		.loop = rig.loop,
		.link = &rig.link,
		.config = &rig.config,
		.stats = &rig.stats,
		.now_ns = clock_now_ns_of_rig,
		.handle_end = ignore_end,
		.data = &rig,
	};
	rig.device = gpu_device_create(&setup);
	ck_assert_ptr_nonnull(rig.device);
	rig_tick_blind(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 0, 3, 3), rig_pattern(1, 3, 3));
}
END_TEST

/* Whatever allocation fails, there is a device or there is nothing. */
START_TEST(create_without_memory) {
	const struct gpu_device_setup setup = {
		.loop = rig.loop,
		.link = &rig.link,
		.config = &rig.config,
		.stats = &rig.stats,
		.now_ns = clock_now_ns_of_rig,
		.handle_end = ignore_end,
		.data = &rig,
	};
	vmm_device_close(&rig.vmm);
	rig_settle(&rig);
	gpu_device_destroy(&rig.device);
	unsigned n = 0;
	do {
		ck_assert_uint_lt(n, 100);
		fault_at(++n);
		rig.device = gpu_device_create(&setup);
		ck_assert(rig.device != NULL || (fault_hit() && errno != 0));
	} while (rig.device == NULL);
	fault_off();
	ck_assert_uint_gt(n, 4);
}
END_TEST

static uint32_t create_2d(const struct virtio_gpu_entry *entry) {
	return vmm_gpu_create_2d(&rig.gpu, 1, VMM_GPU_BGRX, 8, 8);
}

static uint32_t create_blob(const struct virtio_gpu_entry *entry) {
	struct vmm_gpu_command command =
		vmm_gpu_encode(&rig.gpu, VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB);
	vmm_gpu_put_u64(&command, 1 | UINT64_C(1) << 32);
	vmm_gpu_put_u64(&command, UINT64_C(1) << 32);
	vmm_gpu_put_u64(&command, 0);
	vmm_gpu_put_u64(&command, entry->len);
	vmm_gpu_put_u64(&command, entry->address);
	vmm_gpu_put_u64(&command, entry->len);
	return vmm_gpu_command(&rig.gpu, &command);
}

static uint32_t (*const creations[])(const struct virtio_gpu_entry *entry) = {
	create_2d,
	create_blob,
};

/* A guest's command that finds no memory is answered so, and leaves nothing behind. */
START_TEST(commands_without_memory) {
	const struct virtio_gpu_entry entry = { VMM_RAM_GUEST_BASE, 4096 };
	uint32_t reply;
	unsigned n = 0;
	get_display_info(); /* buffers of the front-end exist after this */
	do {
		fault_at(++n);
		reply = creations[_i](&entry);
		ck_assert(reply == VIRTIO_GPU_RESP_OK_NODATA ||
			(fault_hit() && reply == VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY));
		fault_off();
		if (reply != VIRTIO_GPU_RESP_OK_NODATA) {
			ck_assert_uint_eq(rig_stat(&rig, "resources"), 0);
			ck_assert_uint_eq(rig_stat(&rig, "memory"), 0);
		}
	} while (reply != VIRTIO_GPU_RESP_OK_NODATA);
	ck_assert_uint_gt(n, 2);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("gpu device");
	TCase *tcase = suite_case(suite, "device");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, config_space);
	tcase_add_test(tcase, display_changes);
	tcase_add_test(tcase, change_before_the_driver);
	tcase_add_test(tcase, peer);
	tcase_add_test(tcase, reset);
	tcase_add_test(tcase, hang_up);
	tcase_add_test(tcase, hang_up_of_a_busy_device);
	tcase_add_test(tcase, protocol_error);
	tcase_add_test(tcase, memory_changes);
	tcase_add_test(tcase, copying_leaves_time_for_ticks);
	tcase_add_test(tcase, many_commands);
	tcase_add_test(tcase, successor);

	tcase_add_test(tcase, create_without_memory);
	tcase_add_loop_test(tcase, commands_without_memory, 0, (int)ARRAY_LEN(creations));

	TCase *life = suite_case(suite, "life");
	tcase_add_loop_test(life, features, 0, (int)ARRAY_LEN(profiles));
	return suite;
}
