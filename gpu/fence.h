/*
 * Replies that wait: fenced commands, which complete in the order they came, and flushes of guest
 * blobs whose copy was put off.
 *
 * VIRTIO-GPU lets commands complete out of order, but without contexts all fences are one timeline,
 * and completing one means that all before it are complete. So: a command without a fence is answered
 * at once, past everything that waits here; a command with one is executed at once too, its reply is
 * written, and only its return waits for those in front of it. Nothing in front waits longer than its
 * deadline, so nothing behind does.
 *
 * Thread: the loop's.
 */
#ifndef GPU_FENCE_H
#define GPU_FENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/frame_link.h"
#include "protocol/virtqueue.h"

/* What a reply waits for. All zero: for its turn only. */
struct fence_wait {
	uint32_t channels; /* bit n: for frame sequence[n] of channel n */
	bool published_only; /* to be published; else to be shown */
	uint64_t sequence[FRAME_LINK_CHANNELS];
	uint64_t start_ns;
	uint64_t deadline_ns; /* then it waits no longer; 0: none */
};

struct fence {
	uint16_t head; /* the chain, in flight */
	uint32_t used_bytes;
	struct fence_wait wait;
};

/* A chain waits at most once, so a ring's size is the limit. */
struct fence_queue {
	struct fence *fences; /* owned, VIRTQUEUE_SIZE_MAX of them, in a ring */
	uint32_t first, len;
};

int fence_queue_init(struct fence_queue *queue); /* 0 or -ENOMEM */
void fence_queue_finish(struct fence_queue *queue);

void fence_queue_add(struct fence_queue *queue, const struct fence *fence);
/* The one whose turn it is; NULL: nothing waits. */
struct fence *fence_queue_first(const struct fence_queue *queue);
void fence_queue_drop_first(struct fence_queue *queue);

#endif
