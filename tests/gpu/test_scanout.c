#include "gpu/scanout.h"

#include <stdlib.h>

#include "core/macros.h"
#include "tests/gpu/rig.h"
#include "tests/suite.h"

#define WIDTH 16
#define HEIGHT 12

static struct rig rig;
static struct rig_picture pictures[3];

static void setup_with(const struct rig_options *options) {
	rig_init(&rig, options);
	for (uint32_t i = 0; i < ARRAY_LEN(pictures); i++) {
		rig_picture_init(&pictures[i], &rig, WIDTH, HEIGHT, 128);
	}
}

static void setup(void) {
	setup_with(&(struct rig_options) { 0 });
}

static void setup_blob(void) {
	setup_with(&(struct rig_options) { .blob = true });
}

static void teardown(void) {
	for (size_t i = 0; i < ARRAY_LEN(pictures); i++) {
		rig_picture_finish(&pictures[i]);
	}
	rig_finish(&rig);
}

static void transfer(uint32_t id, uint32_t seed) {
	rig_picture_fill(&pictures[id - 1], seed);
	ck_assert_ok(vmm_gpu_transfer(&rig.gpu, id, 0, 0, WIDTH, HEIGHT, 0));
}

static void flush(uint32_t id) {
	ck_assert_ok(vmm_gpu_flush(&rig.gpu, id, 0, 0, WIDTH, HEIGHT));
}

static void show(uint32_t scanout, uint32_t id) {
	ck_assert_ok(vmm_gpu_set_scanout(&rig.gpu, scanout, id, 0, 0, WIDTH, HEIGHT));
}

/* A resource with a picture that is on scanout 0. */
static void show_first(uint32_t seed) {
	rig_create_resource(&rig, 1, &pictures[0]);
	transfer(1, seed);
	show(0, 1);
	flush(1);
	rig_tick(&rig);
}

/* The picture on screen is `seed`'s, from x, y on. */
static void check_picture(unsigned channel, uint32_t seed, uint32_t x, uint32_t y) {
	const struct frame *frame = &rig.views[channel].frame;
	for (uint32_t row = 0; row < frame->height; row++) {
		for (uint32_t column = 0; column < frame->width; column++) {
			ck_assert_uint_eq(rig_pixel(&rig, channel, column, row),
				rig_pattern(seed, x + column, y + row));
		}
	}
}

/* ---- what is shown ---- */

START_TEST(first_frame) {
	rig_create_resource(&rig, 1, &pictures[0]);
	transfer(1, 7);
	show(0, 1);
	ck_assert(!rig_acquire(&rig, 0));
	flush(1);
	ck_assert(rig_acquire(&rig, 0));
	const struct frame *frame = &rig.views[0].frame;
	ck_assert_uint_eq(frame->width, WIDTH);
	ck_assert_uint_eq(frame->height, HEIGHT);
	ck_assert_uint_eq(frame->format, PIXEL_FORMAT_BGRX);
	ck_assert_uint_eq(frame->flush_ns, rig.now_ns);
	check_picture(0, 7, 0, 0);
	ck_assert_uint_eq(rig_stat(&rig, "copied.guest"), WIDTH * HEIGHT * 4);
}
END_TEST

/* Written before and after it is first shown; every frame costs the guest's own copy and no other. */
START_TEST(whole_frames) {
	show_first(0);
	for (uint32_t i = 1; i < 50; i++) {
		transfer(1, i);
		flush(1);
		rig_tick(&rig);
		check_picture(0, i, 0, 0);
	}
	ck_assert_uint_eq(rig_stat(&rig, "frames"), 50);
	ck_assert_uint_eq(rig_stat(&rig, "copied.guest"), 50 * WIDTH * HEIGHT * 4);
	/* only the move to the pool */
	ck_assert_uint_eq(rig_stat(&rig, "copied.stale"), WIDTH * HEIGHT * 4);
}
END_TEST

START_TEST(page_flipping) {
	rig_create_resource(&rig, 1, &pictures[0]);
	rig_create_resource(&rig, 2, &pictures[1]);
	for (uint32_t i = 0; i < 50; i++) {
		uint32_t id = 1 + i % 2;
		transfer(id, i);
		show(0, id);
		flush(id);
		if (i % 3 != 0) { /* some are never shown */
			rig_tick(&rig);
			check_picture(0, i, 0, 0);
		}
	}
	ck_assert_uint_eq(rig_stat(&rig, "frames"), 50);
}
END_TEST

START_TEST(one_resource_on_all_scanouts) {
	static const struct rect parts[RIG_SCANOUTS] = {
		{ 0, 0, WIDTH, HEIGHT },
		{ 3, 4, 5, 6 },
		{ WIDTH - 1, HEIGHT - 1, 1, 1 },
	};
	rig_create_resource(&rig, 1, &pictures[0]);
	for (uint32_t i = 0; i < RIG_SCANOUTS; i++) {
		ck_assert_ok(vmm_gpu_set_scanout(&rig.gpu, i, 1, (uint32_t)parts[i].x,
			(uint32_t)parts[i].y, parts[i].width, parts[i].height));
	}
	for (uint32_t seed = 0; seed < 5; seed++) {
		transfer(1, seed);
		flush(1);
		rig_tick(&rig);
		for (uint32_t i = 0; i < RIG_SCANOUTS; i++) {
			ck_assert_uint_eq(rig.views[i].frame.width, parts[i].width);
			ck_assert_uint_eq(rig.views[i].frame.height, parts[i].height);
			check_picture(i, seed, (uint32_t)parts[i].x, (uint32_t)parts[i].y);
		}
	}
}
END_TEST

/* A guest that sets a scanout and forgets to flush it is shown at the next tick. */
START_TEST(set_without_flush) {
	rig_create_resource(&rig, 1, &pictures[0]);
	transfer(1, 5);
	show(0, 1);
	ck_assert(!rig_acquire(&rig, 0));
	rig_tick_blind(&rig);
	ck_assert(rig_acquire(&rig, 0));
	check_picture(0, 5, 0, 0);
	rig_tick_blind(&rig);
	ck_assert(!rig_acquire(&rig, 0));
}
END_TEST

START_TEST(damage) {
	show_first(1);
	transfer(1, 2);
	ck_assert_ok(vmm_gpu_flush(&rig.gpu, 1, 1, 2, 3, 4));
	ck_assert_ok(vmm_gpu_flush(&rig.gpu, 1, 10, 6, 6, 6));
	ck_assert(rig_acquire(&rig, 0));
	const struct rects *damage = &rig.views[0].frame.damage;
	ck_assert_uint_eq(damage->len, 2);
	struct rect bounds = rects_bounds(damage);
	ck_assert(rect_equal(&bounds, &(struct rect) { 1, 2, 15, 10 }));
	rig_latch(&rig, 0);

	/* in pixels of the picture, not of the resource */
	ck_assert_ok(vmm_gpu_set_scanout(&rig.gpu, 0, 1, 2, 3, 8, 8));
	flush(1);
	rig_tick(&rig);
	ck_assert_ok(vmm_gpu_flush(&rig.gpu, 1, 0, 0, 4, 5));
	ck_assert(rig_acquire(&rig, 0));
	ck_assert_uint_eq(damage->len, 1);
	ck_assert(rect_equal(&damage->items[0], &(struct rect) { 0, 0, 2, 2 }));
}
END_TEST

START_TEST(flush_beside_the_scanout) {
	show_first(1);
	ck_assert_ok(vmm_gpu_set_scanout(&rig.gpu, 0, 1, 0, 0, 4, 4));
	flush(1);
	rig_tick(&rig);
	ck_assert_ok(vmm_gpu_flush(&rig.gpu, 1, 4, 4, 4, 4));
	ck_assert(!rig_acquire(&rig, 0));
	ck_assert_uint_eq(
		frame_link_flushes(&rig.consumer, 0), 3); /* a sign of life all the same */
}
END_TEST

START_TEST(disabled_scanout) {
	show_first(1);
	ck_assert_ok(vmm_gpu_set_scanout(&rig.gpu, 0, 0, 0, 0, 0, 0));
	ck_assert(rig_acquire(&rig, 0));
	ck_assert(rig.views[0].retracted);
	flush(1);
	ck_assert(!rig_acquire(&rig, 0));
	show(0, 1);
	flush(1);
	ck_assert(rig_acquire(&rig, 0));
	ck_assert(!rig.views[0].retracted);
	check_picture(0, 1, 0, 0);
}
END_TEST

/* The last picture stays, and its bytes stay what they are, whatever the guest makes then. */
START_TEST(unref_while_shown) {
	show_first(1);
	ck_assert_ok(vmm_gpu_resource(&rig.gpu, VIRTIO_GPU_CMD_RESOURCE_UNREF, 1));
	ck_assert(!rig_acquire(&rig, 0));
	for (uint32_t id = 2; id < 12; id++) {
		ck_assert_ok(vmm_gpu_create_2d(&rig.gpu, id, VMM_GPU_BGRX, WIDTH, HEIGHT));
		ck_assert_ok(
			vmm_gpu_attach(&rig.gpu, id, pictures[1].entries, pictures[1].entries_len));
		rig_picture_fill(&pictures[1], 99);
		ck_assert_ok(vmm_gpu_set_scanout(&rig.gpu, 1, id, 0, 0, WIDTH, HEIGHT));
		ck_assert_ok(vmm_gpu_transfer(&rig.gpu, id, 0, 0, WIDTH, HEIGHT, 0));
		ck_assert_ok(vmm_gpu_flush(&rig.gpu, id, 0, 0, WIDTH, HEIGHT));
		rig_tick(&rig);
		check_picture(1, 99, 0, 0);
		check_picture(0, 1, 0, 0);
	}
	ck_assert_uint_eq(
		vmm_gpu_flush(&rig.gpu, 1, 0, 0, 1, 1), VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
}
END_TEST

START_TEST(pool_budget) {
	struct rig small;
	rig_init(&small, &(struct rig_options) { .pool_bytes = 4096 });
	ck_assert_ok(vmm_gpu_create_2d(&small.gpu, 1, VMM_GPU_BGRX, 32, 33));
	ck_assert_uint_eq(vmm_gpu_set_scanout(&small.gpu, 0, 1, 0, 0, 32, 33),
		VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	ck_assert_ok(vmm_gpu_create_2d(&small.gpu, 2, VMM_GPU_BGRX, 32, 32));
	ck_assert_ok(vmm_gpu_set_scanout(&small.gpu, 0, 2, 0, 0, 32, 32));
	rig_finish(&small);
}
END_TEST

/* One buffer in all: a picture that is being shown cannot be replaced, but none is ever torn. */
START_TEST(pool_of_one_buffer) {
	struct rig small;
	struct rig_picture picture;
	rig_init(&small, &(struct rig_options) { .pool_bytes = 4096 });
	rig_picture_init(&picture, &small, 32, 32, 0);
	rig_create_resource(&small, 1, &picture);
	ck_assert_ok(vmm_gpu_set_scanout(&small.gpu, 0, 1, 0, 0, 32, 32));
	for (uint32_t i = 0; i < 10; i++) {
		rig_picture_fill(&picture, i);
		ck_assert_ok(vmm_gpu_transfer(&small.gpu, 1, 0, 0, 32, 32, 0));
		ck_assert_ok(vmm_gpu_flush(&small.gpu, 1, 0, 0, 32, 32));
		rig_tick(&small);
		for (uint32_t at = 0; at < 32; at++) {
			ck_assert_uint_eq(rig_pixel(&small, 0, at, at), rig_pattern(0, at, at));
		}
	}
	ck_assert_uint_gt(rig_stat(&small, "frames.no_buffer"), 0);
	rig_picture_finish(&picture);
	rig_finish(&small);
}
END_TEST

/* ---- pace ---- */

START_TEST(flushes_over_the_budget_come_at_the_tick) {
	show_first(0);
	uint64_t frames = rig_stat(&rig, "frames");
	for (uint32_t i = 1; i <= 20; i++) {
		transfer(1, i);
		flush(1);
	}
	ck_assert_uint_eq(rig_stat(&rig, "frames"), frames + 4);
	ck_assert_uint_eq(rig_stat(&rig, "flushes.postponed"), 16);
	ck_assert_uint_eq(frame_link_flushes(&rig.consumer, 0), 21);
	rig_tick(&rig); /* shows the fourth, and hears of the last one */
	check_picture(0, 4, 0, 0);
	ck_assert(rig_acquire(&rig, 0));
	check_picture(0, 20, 0, 0);
	ck_assert_uint_eq(rig_stat(&rig, "frames"), frames + 5);
}
END_TEST

/* A consumer that has stopped: the guest draws on, the pictures it holds stay, the last one comes. */
START_TEST(stopped_consumer) {
	show_first(0);
	for (uint32_t i = 1; i < 200; i++) {
		transfer(1, i % 256);
		flush(1);
		check_picture(0, 0, 0, 0);
	}
	rig_tick_blind(&rig);
	ck_assert(rig_acquire(&rig, 0));
	check_picture(0, 199, 0, 0);
}
END_TEST

/* ---- fences ---- */

static int post_flush(uint32_t id, uint64_t fence_id) {
	rig.gpu.flags = VIRTIO_GPU_FLAG_FENCE;
	rig.gpu.fence_id = fence_id;
	struct vmm_gpu_command command = vmm_gpu_encode_flush(&rig.gpu, id, 0, 0, WIDTH, HEIGHT);
	rig.gpu.flags = 0;
	int head = vmm_gpu_post(&rig.gpu, 0, &command);
	ck_assert_int_ge(head, 0);
	vmm_queue_kick(&rig.vmm.queues[0]);
	rig_settle(&rig);
	return head;
}

static bool take_used(int head) {
	struct vmm_used used;
	rig_settle(&rig);
	if (!vmm_queue_take(&rig.vmm.queues[0], &used)) {
		return false;
	}
	ck_assert_int_eq(used.head, head);
	ck_assert_uint_eq(used.bytes, VIRTIO_GPU_HEADER_BYTES);
	return true;
}

START_TEST(fence_at_latch) {
	show_first(0);
	transfer(1, 1);
	int head = post_flush(1, 5);
	ck_assert(!take_used(head));
	rig_tick_blind(&rig); /* a refresh that did not show it */
	ck_assert(!take_used(head));
	ck_assert(rig_acquire(&rig, 0));
	rig_tick_blind(&rig); /* taken, not shown yet */
	ck_assert(!take_used(head));
	rig_latch(&rig, 0);
	rig_tick_blind(&rig);
	ck_assert(take_used(head));
	ck_assert_uint_eq(rig_stat(&rig, "fences.deadline"), 0);
}
END_TEST

static const struct {
	const char *name;
	uint64_t period_ns, wait_ns;
} deadlines[] = {
	{ "two periods of 60 Hz", NS_PER_S / 60, 2 * (NS_PER_S / 60) },
	{ "two periods of 144 Hz", NS_PER_S / 144, 2 * (NS_PER_S / 144) },
	{ "never more than 40 ms", NS_PER_S / 30, 40 * NS_PER_MS },
};

START_TEST(fence_at_deadline) {
	frame_link_set_period_ns(&rig.consumer, deadlines[_i].period_ns);
	show_first(0);
	transfer(1, 1);
	int head = post_flush(1, 5);
	rig_advance(&rig, deadlines[_i].wait_ns - 1);
	ck_assert(!take_used(head));
	rig_advance(&rig, 1);
	ck_assert_msg(take_used(head), "%s", deadlines[_i].name);
	ck_assert_uint_eq(rig_stat(&rig, "fences.deadline"), 1);
	ck_assert_uint_eq(rig_stat(&rig, "fences.wait"), deadlines[_i].wait_ns);
}
END_TEST

/* Fences complete in the order of the commands, and what has no fence passes them. */
START_TEST(fences_keep_their_order) {
	show_first(0);
	transfer(1, 1);
	int first = post_flush(1, 5);
	rig.gpu.flags = VIRTIO_GPU_FLAG_FENCE;
	rig.gpu.fence_id = 6;
	struct vmm_gpu_command command =
		vmm_gpu_encode_transfer(&rig.gpu, 1, 0, 0, WIDTH, HEIGHT, 0);
	int second = vmm_gpu_post(&rig.gpu, 0, &command);
	rig.gpu.flags = 0;
	command = vmm_gpu_encode(&rig.gpu, VIRTIO_GPU_CMD_GET_DISPLAY_INFO);
	vmm_queue_kick(&rig.vmm.queues[0]);
	rig_settle(&rig);
	struct vmm_used used;
	ck_assert(!vmm_queue_take(&rig.vmm.queues[0], &used));

	/* this one waits for its answer: nothing may be in front of it */
	ck_assert_uint_eq(vmm_gpu_command(&rig.gpu, &command), VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	rig_tick(&rig);
	ck_assert(take_used(first));
	ck_assert(take_used(second));
	struct virtio_gpu_header header;
	virtio_gpu_decode_header(vmm_gpu_post_reply(&rig.gpu, 1), VIRTIO_GPU_HEADER_BYTES, &header);
	ck_assert_uint_eq(header.fence_id, 6);
}
END_TEST

/* A whole ring of fences: bounded, and all of them complete. */
START_TEST(ring_full_of_fences) {
	show_first(0);
	enum { FENCES = 128 }; /* two descriptors each */
	int heads[FENCES];
	for (uint32_t i = 0; i < FENCES; i++) {
		heads[i] = post_flush(1, i % 3);
	}
	struct vmm_used used;
	ck_assert(!vmm_queue_take(&rig.vmm.queues[0], &used));
	rig_advance(&rig, NS_PER_S);
	for (size_t i = 0; i < FENCES; i++) {
		ck_assert(take_used(heads[i]));
	}
	ck_assert_uint_eq(rig_stat(&rig, "fences"), FENCES);
}
END_TEST

START_TEST(fence_of_a_scanout_that_goes) {
	show_first(0);
	transfer(1, 1);
	int head = post_flush(1, 5);
	ck_assert(!take_used(head));
	struct vmm_gpu_command command = vmm_gpu_encode_set_scanout(&rig.gpu, 0, 0, 0, 0, 0, 0);
	ck_assert_int_ge(vmm_gpu_post(&rig.gpu, 0, &command), 0);
	vmm_queue_kick(&rig.vmm.queues[0]);
	rig_settle(&rig);
	struct vmm_used used;
	ck_assert(vmm_queue_take(&rig.vmm.queues[0], &used)); /* the command itself */
	rig_tick_blind(&rig);
	ck_assert(take_used(head));
}
END_TEST

START_TEST(fence_of_a_flush_that_shows_nothing) {
	rig_create_resource(&rig, 1, &pictures[0]);
	int head = post_flush(1, 5);
	ck_assert(take_used(head));
}
END_TEST

/* The rings stop with a fence outstanding: it is returned, and nothing comes after. */
START_TEST(stop_with_a_fence) {
	show_first(0);
	transfer(1, 1);
	int head = post_flush(1, 5);
	ck_assert_int_eq(vmm_device_stop(&rig.vmm), 0);
	ck_assert(take_used(head));
	rig_advance(&rig, NS_PER_S);
	struct vmm_used used;
	ck_assert(!vmm_queue_take(&rig.vmm.queues[0], &used));
}
END_TEST

/* ---- guest blobs ---- */

static const struct virtio_gpu_rect whole = { 0, 0, WIDTH, HEIGHT };

static void create_blob(uint32_t id, struct virtio_gpu_entry *entry) {
	*entry = (struct virtio_gpu_entry) { vmm_ram_alloc(&rig.ram, 4096, 4096), 4096 };
	ck_assert_ok(vmm_gpu_create_blob(&rig.gpu, id, 4096, entry, 1));
}

static void fill_blob(
	const struct virtio_gpu_entry *entry, uint32_t offset, uint32_t stride, uint32_t seed) {
	uint8_t *base = vmm_ram_at(&rig.ram, entry->address, 4096);
	for (uint32_t y = 0; y < HEIGHT; y++) {
		for (uint32_t x = 0; x < WIDTH; x++) {
			uint32_t *pixel = (uint32_t *)(base + offset + y * stride) + x;
			*pixel = rig_pattern(seed, x, y);
		}
	}
}

static const struct {
	uint32_t offset, stride;
} layouts[] = { { 0, 64 }, { 64, 64 }, { 4, 68 }, { 256, 256 } };

START_TEST(blob_frames) {
	uint32_t offset = layouts[_i].offset;
	uint32_t stride = layouts[_i].stride;
	struct virtio_gpu_entry entry;
	create_blob(1, &entry);
	ck_assert_ok(vmm_gpu_set_scanout_blob(
		&rig.gpu, 0, 1, &whole, VMM_GPU_BGRX, WIDTH, HEIGHT, stride, offset));
	for (uint32_t i = 0; i < 20; i++) {
		fill_blob(&entry, offset, stride, i);
		flush(1);
		fill_blob(&entry, offset, stride, 255); /* the guest draws on: it was copied */
		rig_tick(&rig);
		check_picture(0, i, 0, 0);
	}
	/* once whole, then as much as was flushed */
	ck_assert_uint_eq(rig_stat(&rig, "copied.guest"), 20 * WIDTH * HEIGHT * 4);
}
END_TEST

START_TEST(blob_part) {
	struct virtio_gpu_entry entry;
	create_blob(1, &entry);
	fill_blob(&entry, 0, 64, 3);
	const struct virtio_gpu_rect part = { 3, 4, 5, 6 };
	ck_assert_ok(vmm_gpu_set_scanout_blob(
		&rig.gpu, 1, 1, &part, VMM_GPU_BGRX, WIDTH, HEIGHT, 64, 0));
	flush(1);
	rig_tick(&rig);
	ck_assert_uint_eq(rig.views[1].frame.width, 5);
	ck_assert_uint_eq(rig.views[1].frame.height, 6);
	check_picture(1, 3, 3, 4);
	/* only what is flushed is read again */
	fill_blob(&entry, 0, 64, 4);
	ck_assert_ok(vmm_gpu_flush(&rig.gpu, 1, 4, 5, 1, 1));
	rig_tick(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 1, 1, 1), rig_pattern(4, 4, 5));
	ck_assert_uint_eq(rig_pixel(&rig, 1, 0, 0), rig_pattern(3, 3, 4));
}
END_TEST

START_TEST(blob_flipping) {
	struct virtio_gpu_entry entries[2];
	create_blob(1, &entries[0]);
	create_blob(2, &entries[1]);
	for (uint32_t i = 0; i < 20; i++) {
		fill_blob(&entries[i % 2], 0, 64, i);
		ck_assert_ok(vmm_gpu_set_scanout_blob(
			&rig.gpu, 0, 1 + i % 2, &whole, VMM_GPU_BGRX, WIDTH, HEIGHT, 64, 0));
		/* a small flush after a flip: all of the other blob is new */
		ck_assert_ok(vmm_gpu_flush(&rig.gpu, 1 + i % 2, 0, 0, 1, 1));
		rig_tick(&rig);
		check_picture(0, i, 0, 0);
	}
}
END_TEST

/* Over the budget the copy is put off, so the reply is: the guest must not draw before. */
START_TEST(blob_back_pressure) {
	struct virtio_gpu_entry entry;
	create_blob(1, &entry);
	ck_assert_ok(vmm_gpu_set_scanout_blob(
		&rig.gpu, 0, 1, &whole, VMM_GPU_BGRX, WIDTH, HEIGHT, 64, 0));
	for (int i = 0; i < 4; i++) {
		flush(1);
	}
	fill_blob(&entry, 0, 64, 9);
	struct vmm_gpu_command command = vmm_gpu_encode_flush(&rig.gpu, 1, 0, 0, WIDTH, HEIGHT);
	int head = vmm_gpu_post(&rig.gpu, 0, &command);
	vmm_queue_kick(&rig.vmm.queues[0]);
	ck_assert(!take_used(head));
	if (_i == 0) {
		rig_tick(&rig);
	} else {
		rig_advance(&rig, 2 * RIG_PERIOD_NS); /* nor may it wait for ever */
	}
	ck_assert(take_used(head));
	fill_blob(&entry, 0, 64, 10);
	ck_assert(rig_acquire(&rig, 0));
	check_picture(0, 9, 0, 0);
}
END_TEST

START_TEST(blob_without_its_backing) {
	struct virtio_gpu_entry entry;
	create_blob(1, &entry);
	fill_blob(&entry, 0, 64, 1);
	ck_assert_ok(vmm_gpu_set_scanout_blob(
		&rig.gpu, 0, 1, &whole, VMM_GPU_BGRX, WIDTH, HEIGHT, 64, 0));
	flush(1);
	rig_tick(&rig);
	ck_assert_ok(vmm_gpu_resource(&rig.gpu, VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 1));
	flush(1);
	rig_tick(&rig);
	check_picture(0, 1, 0, 0);
	ck_assert_ok(vmm_gpu_resource(&rig.gpu, VIRTIO_GPU_CMD_RESOURCE_UNREF, 1));
	rig_tick(&rig);
	check_picture(0, 1, 0, 0);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("gpu scanout");
	TCase *frames = suite_case(suite, "frames");
	tcase_add_checked_fixture(frames, setup, teardown);
	tcase_add_test(frames, first_frame);
	tcase_add_test(frames, whole_frames);
	tcase_add_test(frames, page_flipping);
	tcase_add_test(frames, one_resource_on_all_scanouts);
	tcase_add_test(frames, set_without_flush);
	tcase_add_test(frames, damage);
	tcase_add_test(frames, flush_beside_the_scanout);
	tcase_add_test(frames, disabled_scanout);
	tcase_add_test(frames, unref_while_shown);
	tcase_add_test(frames, pool_budget);
	tcase_add_test(frames, pool_of_one_buffer);

	TCase *pace = suite_case(suite, "pace");
	tcase_add_checked_fixture(pace, setup, teardown);
	tcase_add_test(pace, flushes_over_the_budget_come_at_the_tick);
	tcase_add_test(pace, stopped_consumer);

	TCase *fences = suite_case(suite, "fences");
	tcase_add_checked_fixture(fences, setup, teardown);
	tcase_add_test(fences, fence_at_latch);
	tcase_add_loop_test(fences, fence_at_deadline, 0, (int)ARRAY_LEN(deadlines));
	tcase_add_test(fences, fences_keep_their_order);
	tcase_add_test(fences, ring_full_of_fences);
	tcase_add_test(fences, fence_of_a_scanout_that_goes);
	tcase_add_test(fences, fence_of_a_flush_that_shows_nothing);
	tcase_add_test(fences, stop_with_a_fence);

	TCase *blobs = suite_case(suite, "blobs");
	tcase_add_checked_fixture(blobs, setup_blob, teardown);
	tcase_add_loop_test(blobs, blob_frames, 0, (int)ARRAY_LEN(layouts));
	tcase_add_test(blobs, blob_part);
	tcase_add_test(blobs, blob_flipping);
	tcase_add_loop_test(blobs, blob_back_pressure, 0, 2);
	tcase_add_test(blobs, blob_without_its_backing);
	return suite;
}
