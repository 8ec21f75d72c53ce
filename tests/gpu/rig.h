/*
 * A device, its VMM and its consumer in one thread: a real vhost session over a socket pair, a real
 * frame link whose other side the test holds, and a clock that only the test moves.
 *
 * Every call checks what it does (and aborts) and leaves the device idle: nothing is in flight but what
 * the test keeps waiting on purpose.
 */
#ifndef TESTS_GPU_RIG_H
#define TESTS_GPU_RIG_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/config.h"
#include "core/frame_link.h"
#include "core/loop.h"
#include "gpu/device.h"
#include "tests/vmm/vmm_gpu.h"

#define RIG_WIDTH 64
#define RIG_HEIGHT 48
#define RIG_SCANOUTS 3
#define RIG_PERIOD_NS (NS_PER_S / 60)

struct rig_options {
	bool blob; /* profile */
	uint64_t pool_bytes; /* 0: 4 MiB */
	uint64_t memory_bytes; /* 0: 4 MiB */
	uint32_t resources; /* 0: 64 */
	uint32_t backing_entries; /* 0: 1024 */
	uint32_t flushes_per_refresh; /* 0: 4 */
	uint32_t commands_per_wake; /* 0: 8 */
	bool idle; /* connected, but no driver yet */
	struct vmm_device_options vmm;
};

struct rig {
	struct loop *loop;
	struct stats stats;
	struct config_gpu config;
	struct frame_link link; /* the device's side */
	struct frame_link consumer; /* the test's side */
	struct frame_view views[FRAME_LINK_CHANNELS];
	struct frame_cursor cursor; /* acquired last */
	uint64_t rejected; /* insane frames: always 0 */
	uint64_t ticks;
	uint64_t now_ns; /* the device's clock */
	struct gpu_device *device;
	struct vmm_ram ram;
	struct vmm_device vmm;
	struct vmm_gpu gpu;
	unsigned ends; /* sessions ended */
	int end_error;
};

/* A rig, connected and started. */
void rig_init(struct rig *rig, const struct rig_options *options);
void rig_finish(struct rig *rig);

/* Runs the device until it has nothing to do. */
void rig_settle(struct rig *rig);

/* A refresh: takes the newest picture of every channel, shows it, tells the device. */
void rig_tick(struct rig *rig);
/* Takes the newest picture without showing it: true if there was a new one. */
bool rig_acquire(struct rig *rig, unsigned channel);
void rig_latch(struct rig *rig, unsigned channel);
/* A refresh in which the consumer looks at no picture. */
void rig_tick_blind(struct rig *rig);
/* Time passes for the device. */
void rig_advance(struct rig *rig, uint64_t ns);

/* A pixel of the picture acquired last, as four bytes in memory order, little-endian. */
uint32_t rig_pixel(const struct rig *rig, unsigned channel, uint32_t x, uint32_t y);

uint64_t rig_stat(const struct rig *rig, const char *name);

/* ---- a picture in guest memory, in pages scattered all over it ---- */

struct rig_picture {
	struct rig *rig;
	uint32_t width, height;
	uint32_t entries_len;
	struct virtio_gpu_entry *entries; /* owned */
};

/* Room for width x height pixels in pieces of `piece_bytes` (0: one piece), never next to each other. */
void rig_picture_init(struct rig_picture *picture, struct rig *rig, uint32_t width, uint32_t height,
	uint32_t piece_bytes);
void rig_picture_finish(struct rig_picture *picture);
void rig_picture_set(const struct rig_picture *picture, uint32_t x, uint32_t y, uint32_t pixel);
uint32_t rig_picture_get(const struct rig_picture *picture, uint32_t x, uint32_t y);
/* Every pixel says which picture and place it is of. */
void rig_picture_fill(const struct rig_picture *picture, uint32_t seed);
uint32_t rig_pattern(uint32_t seed, uint32_t x, uint32_t y);

/* Resource `id` of the picture's size, in BGRX, with the picture as backing. */
void rig_create_resource(struct rig *rig, uint32_t id, const struct rig_picture *picture);

/* for tests */
#define ck_assert_ok(call) ck_assert_uint_eq(call, VIRTIO_GPU_RESP_OK_NODATA)

#endif
