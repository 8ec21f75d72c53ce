/*
 * The cursors of a device, one per scanout. An image is copied when the guest sets it, so its resource
 * may go at any time. Moves are published once per wake-up, however many came.
 *
 * Thread: the loop's.
 */
#ifndef GPU_CURSOR_H
#define GPU_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/frame_link.h"
#include "gpu/gpu_stats.h"
#include "gpu/resource.h"

struct cursor {
	bool visible;
	bool moved; /* since it was published */
	int32_t x, y;
	uint32_t hot_x, hot_y;
};

struct cursors {
	struct frame_link *link; /* borrowed */
	struct gpu_stats *stats; /* borrowed */
	struct cursor items[FRAME_LINK_CHANNELS];
};

void cursors_init(struct cursors *cursors, struct frame_link *link, struct gpu_stats *stats);

/*
 * A new image and place. 0; -EINVAL: the resource has no picture of at most FRAME_CURSOR_SIZE pixels
 * each way (a guest blob: none of exactly that size in BGRA).
 */
int cursors_set(struct cursors *cursors, const struct virtio_gpu_cursor *request,
	struct resource *resource);
void cursors_hide(struct cursors *cursors, uint32_t scanout);
void cursors_move(struct cursors *cursors, const struct virtio_gpu_cursor *request);

/* Publishes what moved. */
void cursors_publish_moves(struct cursors *cursors);
/* Forgets all; the consumer's cursors went with its pictures. */
void cursors_reset(struct cursors *cursors);

#endif
