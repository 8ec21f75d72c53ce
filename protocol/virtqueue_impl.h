/*
 * The inside of a virtqueue, for its owner, the session. Devices use virtqueue.h.
 *
 *      size, addresses, base ──start──> started ──stop──> addresses and base kept
 *                                          │
 *                 a broken rule of the ring└─> broken (silent until stop)
 *
 * Ring addresses are the VMM's and are translated at start and again after every change of the memory
 * table; while they lead nowhere the queue is started but not live.
 */
#ifndef PROTOCOL_VIRTQUEUE_IMPL_H
#define PROTOCOL_VIRTQUEUE_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/guest_memory.h"
#include "protocol/virtqueue.h"

/* virtio 1.3, 2.7.5: what the guest writes, little-endian. */
struct virtqueue_descriptor {
	uint64_t address;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

#define VIRTQUEUE_DESCRIPTOR_NEXT 1
#define VIRTQUEUE_DESCRIPTOR_WRITE 2
#define VIRTQUEUE_DESCRIPTOR_INDIRECT 4
#define VIRTQUEUE_AVAIL_NO_INTERRUPT 1

struct virtqueue_addresses {
	uint64_t descriptors, avail, used; /* the VMM's */
};

struct virtqueue {
	const struct guest_memory *memory;
	struct virtqueue_addresses addresses;
	uint16_t size; /* 0: not set yet */
	bool has_addresses;
	bool started, enabled, broken;
	bool indirect, event_idx; /* as negotiated when the queue was started */

	/* in guest memory; NULL while not started or not translatable */
	const volatile struct virtqueue_descriptor *descriptors;
	const volatile uint16_t *avail; /* flags, idx, ring[size], used_event */
	volatile uint16_t *used; /* flags, idx, ring[size] of {u32, u32}, avail_event */

	uint16_t avail_next; /* next entry to take; the protocol's "base" */
	uint16_t used_next; /* next entry to fill */
	unsigned pushed; /* since the last virtqueue_notify() */
	unsigned uncalled; /* pushed before that since the last call; at most `size` */
	bool always_notify; /* once after start: nobody knows what was notified before */
	unsigned in_flight;
	uint64_t is_in_flight[VIRTQUEUE_SIZE_MAX / 64]; /* bit per head */
	uint32_t writable_bytes[VIRTQUEUE_SIZE_MAX]; /* of heads in flight, for the check at push */

	int call_fd, error_fd; /* owned; -1: none */
	struct span spans[VIRTQUEUE_SPANS_MAX]; /* of the chain popped last */
};

void virtqueue_init(struct virtqueue *queue, const struct guest_memory *memory);
void virtqueue_finish(struct virtqueue *queue); /* closes the descriptors */

/* Before start. -EBUSY while started, -EINVAL for a size or alignment the ring format forbids. */
int virtqueue_set_size(struct virtqueue *queue, uint32_t size);
int virtqueue_set_addresses(struct virtqueue *queue, const struct virtqueue_addresses *addresses);
int virtqueue_set_base(struct virtqueue *queue, uint32_t base);

/* Takes over `fd` (-1: none). */
void virtqueue_set_call(struct virtqueue *queue, int fd);
void virtqueue_set_error(struct virtqueue *queue, int fd);

/* 0, also when it is started already; -EINVAL when size or addresses are missing. */
int virtqueue_start(struct virtqueue *queue, bool indirect, bool event_idx);
/* Forgets chains in flight; keeps size, addresses, base. */
void virtqueue_stop(struct virtqueue *queue);
/* After a change of the memory table. */
void virtqueue_translate(struct virtqueue *queue);

#endif
