/*
 * A split virtqueue, device side (virtio 1.3, 2.7), with INDIRECT_DESC and EVENT_IDX.
 *
 * Every descriptor is read from guest memory once. A guest that breaks the ring's rules (index out of
 * range, loop, indirect in indirect, writable before readable, memory that is not there, more
 * available than the queue holds, a head that is still in flight) marks the queue broken: it stays
 * silent until reset, its error eventfd is signalled, and nothing else is affected.
 *
 * Thread: the session's.
 */
#ifndef PROTOCOL_VIRTQUEUE_H
#define PROTOCOL_VIRTQUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/guest_memory.h"

#define VIRTQUEUE_SIZE_MAX 1024
/* Spans of one chain, both directions: an indirect table of a full backing list (Linux sends command
 * data in page-sized pieces: 64 KiB of entries and a header) and room for region crossings. */
#define VIRTQUEUE_SPANS_MAX 1280

/* One request: readable part first, writable part after it. */
struct virtqueue_chain {
	uint16_t head;
	uint16_t readable_len, writable_len; /* spans */
	uint64_t readable_bytes, writable_bytes;
	const struct span *readable; /* owned by the queue, valid until the next pop on it */
	const struct span *writable;
};

struct virtqueue; /* see virtqueue_impl.h; one per ring, owned by the session */

/* 1: a chain. 0: the ring is empty (notifications from the guest are on again). -EPROTO: broken. */
int virtqueue_pop(struct virtqueue *queue, struct virtqueue_chain *chain);

/*
 * Returns a chain: `used_bytes` is what was written to its writable part. Chains may be returned in
 * any order and later than the pop. Returning one after the ring was stopped or reset does nothing.
 */
void virtqueue_push(struct virtqueue *queue, uint16_t head, uint32_t used_bytes);

/* Tells the guest of what was pushed since the last call, if it wants to know. Never blocks. */
void virtqueue_notify(struct virtqueue *queue);

/*
 * Makes up for notifications that were lost; for a timer. Calls the guest if it asked for a call that it
 * did not get, and says whether there are chains to pop.
 *
 * With EVENT_IDX a notification that is lost is the last one. It must not happen where both sides have
 * a full barrier between their store and their look at the other's. Linux' is a locked addition, and QEMU
 * without KVM translates that to a plain one for a machine of one processor.
 */
bool virtqueue_revisit(struct virtqueue *queue);

/* Started, enabled and not broken. */
bool virtqueue_is_live(const struct virtqueue *queue);

/* Popped and not yet pushed. */
unsigned virtqueue_in_flight(const struct virtqueue *queue);

#endif
