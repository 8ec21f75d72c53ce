#include "tests/gpu/rig.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/fd.h"
#include "core/log.h"
#include "core/macros.h"

/* not libcheck's: the fuzzer drives the rig too, outside of any test */
#define require(holds)                                                                             \
	((holds) ? (void)0                                                                         \
		 : (fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #holds), abort()))

static uint64_t now_ns(void *data) {
	struct rig *rig = data;
	return rig->now_ns;
}

static void handle_end(void *data, int error) {
	struct rig *rig = data;
	rig->ends++;
	rig->end_error = error;
}

static void pump(void *data) {
	struct rig *rig = data;
	loop_dispatch(rig->loop, 0);
}

void rig_settle(struct rig *rig) {
	while (loop_dispatch(rig->loop, 0) > 0) {
	}
}

static uint32_t or_default(uint32_t value, uint32_t missing) {
	return value != 0 ? value : missing;
}

static void make_config(struct rig *rig, const struct rig_options *options) {
	struct config_gpu *config = &rig->config;
	*config = (struct config_gpu) {
		.enabled = 1,
		.profile = options->blob ? CONFIG_PROFILE_BLOB : CONFIG_PROFILE_2D,
		.budget = {
			.pool_bytes = options->pool_bytes != 0 ? options->pool_bytes : 4u << 20,
			.memory_bytes = options->memory_bytes != 0 ? options->memory_bytes : 4u << 20,
			.resources = or_default(options->resources, 64),
			.backing_entries = or_default(options->backing_entries, 1024),
			.commands_per_wake = or_default(options->commands_per_wake, 8),
			.flushes_per_refresh = or_default(options->flushes_per_refresh, 4),
		},
		.scanouts_len = RIG_SCANOUTS,
	};
	for (uint32_t i = 0; i < RIG_SCANOUTS; i++) {
		config->scanouts[i] = (struct frame_mode) {
			.enabled = i < RIG_SCANOUTS - 1,
			.width = RIG_WIDTH,
			.height = RIG_HEIGHT,
			.refresh_mhz = 60000,
			.name = "rig",
			.serial = i + 1,
		};
	}
}

static void make_link(struct rig *rig) {
	int fds[LINK_FDS];
	int side[LINK_FDS];
	require(frame_link_create_fds("rig", rig->config.budget.pool_bytes, fds) == 0);
	require(link_grant_fds(fds, LINK_CONSUMER, side) == 0);
	require(frame_link_init(&rig->consumer, LINK_CONSUMER, side) == 0);
	require(link_grant_fds(fds, LINK_PRODUCER, side) == 0);
	require(frame_link_init(&rig->link, LINK_PRODUCER, side) == 0);
	for (int i = 0; i < LINK_FDS; i++) {
		fd_close(&fds[i]);
	}
	frame_link_set_period_ns(&rig->consumer, RIG_PERIOD_NS);
}

static void connect_vmm(struct rig *rig, const struct rig_options *options) {
	int pair[2];
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	require(gpu_device_connect(rig->device, pair[0]) == 0);

	struct vmm_device_options vmm = options->vmm;
	vmm.pump = pump;
	vmm.pump_data = rig;
	const struct vmm_ram_options ram = {
		.bytes = 16u << 20,
		.regions_len = 2,
		.hole_bytes = 1u << 20,
	};
	require(vmm_ram_init(&rig->ram, &ram) == 0);
	require(vmm_device_attach(&rig->vmm, &rig->ram, pair[1], &vmm) == 0);
	vmm_gpu_init(&rig->gpu, &rig->vmm);
	if (!options->idle) {
		require(vmm_device_start(&rig->vmm) == 0);
	}
}

void rig_init(struct rig *rig, const struct rig_options *options) {
	*rig = (struct rig) { .now_ns = 1000 * NS_PER_S };
	log_init("rig", LOG_ERROR, NULL, true);
	require(stats_init(&rig->stats, -1, "rig") == 0);
	rig->loop = loop_create();
	require(rig->loop != NULL);
	make_config(rig, options);
	make_link(rig);

	const struct gpu_device_setup setup = {
		.loop = rig->loop,
		.link = &rig->link,
		.config = &rig->config,
		.stats = &rig->stats,
		.now_ns = now_ns,
		.handle_end = handle_end,
		.data = rig,
	};
	rig->device = gpu_device_create(&setup);
	require(rig->device != NULL);
	connect_vmm(rig, options);
	rig_settle(rig);
}

void rig_finish(struct rig *rig) {
	require(rig->rejected == 0);
	vmm_device_close(&rig->vmm);
	rig_settle(rig);
	gpu_device_destroy(&rig->device);
	vmm_ram_finish(&rig->ram);
	frame_link_finish(&rig->consumer);
	frame_link_finish(&rig->link);
	loop_destroy(rig->loop);
	stats_finish(&rig->stats);
}

bool rig_acquire(struct rig *rig, unsigned channel) {
	return frame_link_acquire(&rig->consumer, channel, &rig->views[channel], &rig->rejected);
}

void rig_latch(struct rig *rig, unsigned channel) {
	frame_link_latch(&rig->consumer, channel, rig->views[channel].frame.sequence, rig->now_ns);
}

void rig_tick_blind(struct rig *rig) {
	link_tick(&rig->consumer.link, ++rig->ticks);
	rig_settle(rig);
	require(link_echoed(&rig->consumer.link) == rig->ticks);
}

void rig_tick(struct rig *rig) {
	for (unsigned i = 0; i < RIG_SCANOUTS; i++) {
		if (rig_acquire(rig, i) && rig->views[i].pixels != NULL) {
			rig_latch(rig, i);
		}
	}
	rig_tick_blind(rig);
}

void rig_advance(struct rig *rig, uint64_t ns) {
	rig->now_ns += ns;
	gpu_device_check_deadlines(rig->device);
	rig_settle(rig);
}

uint32_t rig_pixel(const struct rig *rig, unsigned channel, uint32_t x, uint32_t y) {
	const struct frame_view *view = &rig->views[channel];
	require(view->pixels != NULL);
	require(x < view->frame.width);
	require(y < view->frame.height);
	uint32_t pixel;
	memcpy(&pixel, view->pixels + (size_t)y * view->frame.stride + (size_t)x * PIXEL_BYTES,
		sizeof(pixel));
	return pixel;
}

uint64_t rig_stat(const struct rig *rig, const char *name) {
	uint64_t value = 0;
	require(stats_read_value(rig->stats.page, name, &value));
	return value;
}

/* ---- pictures ---- */

void rig_picture_init(struct rig_picture *picture, struct rig *rig, uint32_t width, uint32_t height,
	uint32_t piece_bytes) {
	uint32_t bytes = width * height * PIXEL_BYTES;
	piece_bytes = piece_bytes != 0 ? piece_bytes : bytes;
	*picture = (struct rig_picture) {
		.rig = rig,
		.width = width,
		.height = height,
		.entries_len = (bytes + piece_bytes - 1) / piece_bytes,
	};
	picture->entries = calloc(picture->entries_len, sizeof(picture->entries[0]));
	require(picture->entries != NULL);
	/* backwards, with gaps: no two pieces are neighbours in the list's order */
	for (uint32_t i = picture->entries_len; i > 0; i--) {
		picture->entries[i - 1] = (struct virtio_gpu_entry) {
			.address = vmm_ram_alloc(&rig->ram, piece_bytes + 8, 4),
			.len = MIN(piece_bytes, bytes - (i - 1) * piece_bytes),
		};
		require(picture->entries[i - 1].address != 0);
	}
}

void rig_picture_finish(struct rig_picture *picture) {
	free(picture->entries);
}

/* One byte of the picture in guest memory: pieces may end in the middle of a pixel. */
static uint8_t *byte_at(const struct rig_picture *picture, uint32_t offset) {
	uint32_t piece_bytes = picture->entries[0].len;
	const struct virtio_gpu_entry *entry = &picture->entries[offset / piece_bytes];
	return vmm_ram_at(&picture->rig->ram, entry->address + offset % piece_bytes, 1);
}

void rig_picture_set(const struct rig_picture *picture, uint32_t x, uint32_t y, uint32_t pixel) {
	for (uint32_t i = 0; i < PIXEL_BYTES; i++) {
		*byte_at(picture, (y * picture->width + x) * PIXEL_BYTES + i) =
			(uint8_t)(pixel >> 8 * i);
	}
}

uint32_t rig_picture_get(const struct rig_picture *picture, uint32_t x, uint32_t y) {
	uint32_t pixel = 0;
	for (uint32_t i = 0; i < PIXEL_BYTES; i++) {
		pixel |= (uint32_t)*byte_at(picture, (y * picture->width + x) * PIXEL_BYTES + i)
			<< 8 * i;
	}
	return pixel;
}

uint32_t rig_pattern(uint32_t seed, uint32_t x, uint32_t y) {
	return seed << 24 | (y & 0xfff) << 12 | (x & 0xfff);
}

void rig_picture_fill(const struct rig_picture *picture, uint32_t seed) {
	for (uint32_t y = 0; y < picture->height; y++) {
		for (uint32_t x = 0; x < picture->width; x++) {
			rig_picture_set(picture, x, y, rig_pattern(seed, x, y));
		}
	}
}

void rig_create_resource(struct rig *rig, uint32_t id, const struct rig_picture *picture) {
	uint32_t reply =
		vmm_gpu_create_2d(&rig->gpu, id, VMM_GPU_BGRX, picture->width, picture->height);
	require(reply == VIRTIO_GPU_RESP_OK_NODATA);
	reply = vmm_gpu_attach(&rig->gpu, id, picture->entries, picture->entries_len);
	require(reply == VIRTIO_GPU_RESP_OK_NODATA);
}
