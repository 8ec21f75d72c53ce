/*
 * The driver's side of VIRTIO-GPU over the small front-end: encodes commands, sends them, and hands
 * back the types of the replies. For tests, benchmarks and fuzzers; everything can be sent wrong.
 *
 *      struct vmm_gpu gpu;            vmm_gpu_init(&gpu, &device);
 *      vmm_gpu_create_2d(&gpu, 1, VMM_GPU_BGRX, 1920, 1080);
 *      vmm_gpu_attach(&gpu, 1, &entry, 1);
 *      vmm_gpu_set_scanout(&gpu, 0, 1, 0, 0, 1920, 1080);
 *      vmm_gpu_transfer(&gpu, 1, 0, 0, 1920, 1080, 0);
 *      vmm_gpu_flush(&gpu, 1, 0, 0, 1920, 1080);
 *
 * Each of these waits for its reply and returns the reply's type; VMM_GPU_NO_REPLY: none came, or it
 * was no header. To send several and wait later: vmm_gpu_encode_*() and vmm_gpu_post().
 *
 * Thread: one per device.
 */
#ifndef TESTS_VMM_VMM_GPU_H
#define TESTS_VMM_VMM_GPU_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/virtio_gpu.h"
#include "tests/vmm/vmm.h"

#define VMM_GPU_NO_REPLY 0
#define VMM_GPU_POSTS_MAX 256
#define VMM_GPU_POST_BYTES 128 /* request and reply of a posted command, each */

#define VMM_GPU_BGRA 1
#define VMM_GPU_BGRX 2

/* One command as bytes. */
struct vmm_gpu_command {
	size_t bytes;
	uint8_t data[VIRTIO_GPU_REQUEST_BYTES_MAX];
};

struct vmm_gpu {
	struct vmm_device *device;
	uint32_t flags; /* of the next command's header; stays until changed */
	uint64_t fence_id; /* likewise */
	uint32_t ctx_id;
	uint8_t ring_idx;
	uint32_t used_bytes; /* of the last reply waited for */
	uint8_t reply[VIRTIO_GPU_REPLY_BYTES_MAX]; /* the last reply waited for */
	uint64_t posts; /* guest memory of posted commands; 0: none yet */
	uint32_t posts_len; /* posted so far */
};

void vmm_gpu_init(struct vmm_gpu *gpu, struct vmm_device *device);

/* ---- encoding; flags, fence and context are the gpu's ---- */

struct vmm_gpu_command vmm_gpu_encode(const struct vmm_gpu *gpu, uint32_t type);
void vmm_gpu_put_u32(struct vmm_gpu_command *command, uint32_t value);
void vmm_gpu_put_u64(struct vmm_gpu_command *command, uint64_t value);
struct vmm_gpu_command vmm_gpu_encode_transfer(const struct vmm_gpu *gpu, uint32_t resource,
	uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint64_t offset);
struct vmm_gpu_command vmm_gpu_encode_flush(const struct vmm_gpu *gpu, uint32_t resource,
	uint32_t x, uint32_t y, uint32_t width, uint32_t height);
struct vmm_gpu_command vmm_gpu_encode_set_scanout(const struct vmm_gpu *gpu, uint32_t scanout,
	uint32_t resource, uint32_t x, uint32_t y, uint32_t width, uint32_t height);
struct vmm_gpu_command vmm_gpu_encode_cursor(const struct vmm_gpu *gpu, uint32_t type,
	uint32_t scanout, int32_t x, int32_t y, uint32_t resource, uint32_t hot_x, uint32_t hot_y);

/* ---- sending ---- */

/* Sends bytes, waits, and returns the reply's type. */
uint32_t vmm_gpu_send(struct vmm_gpu *gpu, unsigned queue, const void *request, size_t bytes);
uint32_t vmm_gpu_command(struct vmm_gpu *gpu, const struct vmm_gpu_command *command);

/* Makes a command available without a kick and without waiting; at most VMM_GPU_POSTS_MAX at a time.
 * Its head or -errno; vmm_queue_kick() and vmm_wait_used() are the caller's. */
int vmm_gpu_post(struct vmm_gpu *gpu, unsigned queue, const struct vmm_gpu_command *command);
/* The reply of the n-th posted command (from 0). */
const uint8_t *vmm_gpu_post_reply(const struct vmm_gpu *gpu, uint32_t post);

uint32_t vmm_gpu_create_2d(
	struct vmm_gpu *gpu, uint32_t resource, uint32_t format, uint32_t width, uint32_t height);
/* UNREF, DETACH_BACKING, ASSIGN_UUID, GET_EDID. */
uint32_t vmm_gpu_resource(struct vmm_gpu *gpu, uint32_t type, uint32_t resource);
uint32_t vmm_gpu_attach(struct vmm_gpu *gpu, uint32_t resource,
	const struct virtio_gpu_entry *entries, uint32_t entries_len);
uint32_t vmm_gpu_create_blob(struct vmm_gpu *gpu, uint32_t resource, uint64_t bytes,
	const struct virtio_gpu_entry *entries, uint32_t entries_len);
uint32_t vmm_gpu_set_scanout(struct vmm_gpu *gpu, uint32_t scanout, uint32_t resource, uint32_t x,
	uint32_t y, uint32_t width, uint32_t height);
uint32_t vmm_gpu_set_scanout_blob(struct vmm_gpu *gpu, uint32_t scanout, uint32_t resource,
	const struct virtio_gpu_rect *rect, uint32_t format, uint32_t width, uint32_t height,
	uint32_t stride, uint32_t offset);
uint32_t vmm_gpu_transfer(struct vmm_gpu *gpu, uint32_t resource, uint32_t x, uint32_t y,
	uint32_t width, uint32_t height, uint64_t offset);
uint32_t vmm_gpu_flush(struct vmm_gpu *gpu, uint32_t resource, uint32_t x, uint32_t y,
	uint32_t width, uint32_t height);
uint32_t vmm_gpu_cursor(struct vmm_gpu *gpu, uint32_t type, uint32_t scanout, int32_t x, int32_t y,
	uint32_t resource, uint32_t hot_x, uint32_t hot_y);

#endif
