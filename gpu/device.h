/*
 * The VIRTIO-GPU device of one guest (virtio 1.3, 5.7): two queues, a configuration space, and what
 * the guest made of them. It lives as long as its process and serves one VMM, once.
 *
 *      VMM ══> vhost session ──> device ──> command ──> resources, scanouts ──> frame link
 *                                  │            └──> fences: replies that wait for the consumer
 *      frame link (ticks, modes) ──┘
 *
 * Dialects: a VMM that sends GPU_SET_SOCKET is QEMU's vhost-user-gpu, whose handshake is answered and
 * which hears nothing else from us; with any other one the display is ours, and a mode that the
 * consumer changes reaches the guest as a display event.
 *
 * Thread: the loop's.
 */
#ifndef GPU_DEVICE_H
#define GPU_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/config.h"
#include "core/frame_link.h"
#include "core/loop.h"
#include "core/stats.h"
#include "gpu/cursor.h"
#include "gpu/fence.h"
#include "gpu/gpu_stats.h"
#include "gpu/qemu_display.h"
#include "gpu/resource.h"
#include "gpu/scanout.h"
#include "protocol/vhost_hangup.h"
#include "protocol/vhost_session.h"

/* A fenced flush waits two refreshes for its picture, and never longer than this. */
#define FENCE_WAIT_MAX_NS (40 * NS_PER_MS)

/* What a device is made of. Everything is borrowed and outlives it. */
struct gpu_device_setup {
	struct loop *loop;
	struct frame_link *link; /* the producer's side */
	const struct config_gpu *config;
	struct stats *stats;
	/* Time, so that a test can own it. */
	uint64_t (*now_ns)(void *data);
	/* The session is over: `error` is 0 (the VMM hung up) or -errno (it broke the protocol). */
	void (*handle_end)(void *data, int error);
	void *data; /* of both */
};

struct gpu_device {
	struct gpu_device_setup setup;
	struct vhost_session *session; /* NULL: nobody is connected */
	struct vhost_hangup hangup; /* of its socket */
	_Atomic bool has_hung_up;
	struct loop_source *tick_source;
	struct loop_source *deadline_timer;
	bool running; /* the guest's driver has sent a command */
	bool reset_due; /* a reset that the consumer has not heard of yet */
	uint64_t features; /* accepted by the driver */
	uint64_t memory_additions; /* to guest memory, as seen last */
	uint32_t events; /* of the configuration space */
	struct frame_mode modes[FRAME_LINK_CHANNELS];
	struct gpu_stats stats;
	struct image_store store;
	struct resource_table resources;
	struct scanouts scanouts;
	struct cursors cursors;
	struct fence_queue fences;
	struct qemu_display qemu_display;
};

/* NULL with errno. */
struct gpu_device *gpu_device_create(const struct gpu_device_setup *setup);
/* Ends the session if there is one. What the consumer shows stays. */
void gpu_device_destroy(struct gpu_device **at);

/* Serves a VMM; takes over `socket`. Once per device. 0 or -errno. */
int gpu_device_connect(struct gpu_device *device, int socket);

/* For a test that moved its clock: does what the deadline's timer does. */
void gpu_device_check_deadlines(struct gpu_device *device);

#endif
