#include "protocol/virtqueue.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "core/fd.h"
#include "core/log.h"
#include "core/macros.h"
#include "protocol/virtqueue_impl.h"

/* places in the two rings, in 16-bit words */
#define RING_FLAGS 0
#define RING_IDX 1
#define RING_ENTRIES 2
#define USED_ENTRY_WORDS 4

static uint16_t load16(const volatile uint16_t *place) {
	return le16toh(*place);
}

static void store16(volatile uint16_t *place, uint16_t value) {
	*place = htole16(value);
}

void virtqueue_init(struct virtqueue *queue, const struct guest_memory *memory) {
	*queue = (struct virtqueue) { .memory = memory, .call_fd = -1, .error_fd = -1 };
}

void virtqueue_finish(struct virtqueue *queue) {
	virtqueue_stop(queue);
	fd_close(&queue->call_fd);
	fd_close(&queue->error_fd);
}

int virtqueue_set_size(struct virtqueue *queue, uint32_t size) {
	if (queue->started) {
		return -EBUSY;
	}
	if (size == 0 || size > VIRTQUEUE_SIZE_MAX || (size & (size - 1)) != 0) {
		return -EINVAL;
	}
	queue->size = (uint16_t)size;
	return 0;
}

int virtqueue_set_addresses(struct virtqueue *queue, const struct virtqueue_addresses *addresses) {
	if (queue->started) {
		/* a front-end that only changes the logging flags sends the same again */
		return memcmp(addresses, &queue->addresses, sizeof(*addresses)) == 0 ? 0 : -EBUSY;
	}
	if (addresses->descriptors % 16 != 0 || addresses->avail % 2 != 0 ||
		addresses->used % 4 != 0) {
		return -EINVAL;
	}
	queue->addresses = *addresses;
	queue->has_addresses = true;
	return 0;
}

int virtqueue_set_base(struct virtqueue *queue, uint32_t base) {
	if (queue->started) {
		return -EBUSY;
	}
	if (base > UINT16_MAX) {
		return -EINVAL;
	}
	queue->avail_next = (uint16_t)base;
	return 0;
}

void virtqueue_set_call(struct virtqueue *queue, int fd) {
	fd_close(&queue->call_fd);
	queue->call_fd = fd;
}

void virtqueue_set_error(struct virtqueue *queue, int fd) {
	fd_close(&queue->error_fd);
	queue->error_fd = fd;
	if (queue->broken && fd >= 0) {
		fd_event_signal(fd);
	}
}

/* The VMM's addresses are aligned, but they count from wherever the VMM says a region begins. */
static bool is_aligned_at(const void *place, uintptr_t alignment) {
	return place != NULL && (uintptr_t)place % alignment == 0;
}

void virtqueue_translate(struct virtqueue *queue) {
	if (!queue->started) {
		return;
	}
	bool was_mapped = queue->used != NULL;
	uint64_t size = queue->size;
	const struct virtqueue_addresses *addresses = &queue->addresses;

	/* the event words lie at the rings' ends, whether they are used or not */
	void *descriptors = guest_memory_from_user(
		queue->memory, addresses->descriptors, size * sizeof(struct virtqueue_descriptor));
	void *avail = guest_memory_from_user(queue->memory, addresses->avail, 6 + 2 * size);
	void *used = guest_memory_from_user(queue->memory, addresses->used, 6 + 8 * size);
	bool is_mapped =
		is_aligned_at(descriptors, 16) && is_aligned_at(avail, 2) && is_aligned_at(used, 4);

	queue->descriptors = is_mapped ? descriptors : NULL;
	queue->avail = is_mapped ? avail : NULL;
	queue->used = is_mapped ? used : NULL;
	if (is_mapped && !was_mapped && queue->in_flight == 0) {
		queue->used_next = load16(&queue->used[RING_IDX]);
		queue->always_notify = true;
	}
}

int virtqueue_start(struct virtqueue *queue, bool indirect, bool event_idx) {
	if (queue->started) {
		return 0;
	}
	if (queue->size == 0 || !queue->has_addresses) {
		return -EINVAL;
	}
	queue->indirect = indirect;
	queue->event_idx = event_idx;
	queue->started = true;
	virtqueue_translate(queue);
	return 0;
}

void virtqueue_stop(struct virtqueue *queue) {
	queue->started = false;
	queue->broken = false;
	queue->descriptors = NULL;
	queue->avail = NULL;
	queue->used = NULL;
	queue->in_flight = 0;
	queue->pushed = 0;
	queue->uncalled = 0;
	memset(queue->is_in_flight, 0, sizeof(queue->is_in_flight));
}

bool virtqueue_is_live(const struct virtqueue *queue) {
	return queue->started && queue->enabled && !queue->broken && queue->used != NULL;
}

unsigned virtqueue_in_flight(const struct virtqueue *queue) {
	return queue->in_flight;
}

static int queue_break(struct virtqueue *queue, const char *why) {
	queue->broken = true;
	log_outsider(LOG_WARNING, "ring broken by the guest: %s", why);
	if (queue->error_fd >= 0) {
		fd_event_signal(queue->error_fd);
	}
	return -EPROTO;
}

/* How many entries the guest has made available and we did not take; more than size: nonsense. */
static uint16_t avail_pending(const struct virtqueue *queue) {
	uint16_t idx = load16(&queue->avail[RING_IDX]);
	/* entries are read after the index that covers them */
	atomic_thread_fence(memory_order_acquire);
	return (uint16_t)(idx - queue->avail_next);
}

/* The ring looks empty: asks to be kicked for the next entry, and looks again, because one may have
 * come before the guest could see that we asked. */
static uint16_t avail_pending_after_rearm(struct virtqueue *queue) {
	if (queue->event_idx) {
		volatile uint16_t *avail_event =
			&queue->used[RING_ENTRIES + USED_ENTRY_WORDS * queue->size];
		store16(avail_event, queue->avail_next);
	}
	atomic_thread_fence(memory_order_seq_cst);
	return avail_pending(queue);
}

static bool head_is_in_flight(const struct virtqueue *queue, uint16_t head) {
	return (queue->is_in_flight[head / 64] >> (head % 64) & 1) != 0;
}

/* One field at a time through volatile: each is read from guest memory exactly once. */
static struct virtqueue_descriptor descriptor_load(
	const volatile struct virtqueue_descriptor *place) {
	return (struct virtqueue_descriptor) {
		.address = le64toh(place->address),
		.len = le32toh(place->len),
		.flags = le16toh(place->flags),
		.next = le16toh(place->next),
	};
}

/* What a walk along one chain has gathered so far. */
struct chain_walk {
	struct virtqueue *queue;
	size_t spans_len, readable_len;
	uint64_t readable_bytes, writable_bytes;
	const char *error; /* why the walk failed */
};

static bool walk_add(struct chain_walk *walk, const struct virtqueue_descriptor *descriptor) {
	bool is_writable = (descriptor->flags & VIRTQUEUE_DESCRIPTOR_WRITE) != 0;

	if (descriptor->len == 0) {
		return true; /* nothing to say about no bytes */
	}
	if (!is_writable && walk->writable_bytes > 0) {
		walk->error = "readable after writable";
		return false;
	}
	int spans = guest_memory_spans(walk->queue->memory, descriptor->address, descriptor->len,
		walk->queue->spans + walk->spans_len, VIRTQUEUE_SPANS_MAX - walk->spans_len);
	if (spans < 0) {
		walk->error = spans == -ENOSPC ? "too many pieces" : "memory that is not there";
		return false;
	}
	walk->spans_len += (size_t)spans;
	if (is_writable) {
		walk->writable_bytes += descriptor->len;
	} else {
		walk->readable_bytes += descriptor->len;
		walk->readable_len = walk->spans_len;
	}
	return true;
}

static bool walk_table(struct chain_walk *walk, const volatile struct virtqueue_descriptor *table,
	uint32_t table_len, uint32_t index, bool is_indirect);

static bool walk_indirect(
	struct chain_walk *walk, const struct virtqueue_descriptor *descriptor, bool is_indirect) {
	uint32_t len = descriptor->len / (uint32_t)sizeof(*descriptor);
	struct span table;

	if (!walk->queue->indirect || is_indirect) {
		walk->error = is_indirect ? "indirect in indirect" : "indirect not negotiated";
		return false;
	}
	if ((descriptor->flags & VIRTQUEUE_DESCRIPTOR_NEXT) != 0) {
		walk->error = "indirect with next";
		return false;
	}
	/* `next` is 16 bits, so no valid table is longer */
	if (descriptor->len == 0 || descriptor->len % sizeof(*descriptor) != 0 ||
		len > UINT16_MAX + 1u) {
		walk->error = "length of an indirect table";
		return false;
	}
	if (guest_memory_spans(
		    walk->queue->memory, descriptor->address, descriptor->len, &table, 1) != 1) {
		walk->error = "indirect table outside of memory";
		return false;
	}
	if ((uintptr_t)table.base % sizeof(uint64_t) != 0) {
		walk->error = "indirect table misaligned";
		return false;
	}
	return walk_table(walk, (const volatile struct virtqueue_descriptor *)(void *)table.base,
		len, 0, true);
}

/* Visits at most table_len descriptors, so that a loop runs out of steps, and no more than a chain may
 * have: those of no bytes take no room, but time. */
static bool walk_table(struct chain_walk *walk, const volatile struct virtqueue_descriptor *table,
	uint32_t table_len, uint32_t index, bool is_indirect) {
	uint32_t steps = MIN(table_len, VIRTQUEUE_SPANS_MAX);
	for (uint32_t step = 0; step < steps; step++) {
		if (index >= table_len) {
			walk->error = "next beyond the table";
			return false;
		}
		struct virtqueue_descriptor descriptor = descriptor_load(&table[index]);
		if ((descriptor.flags & VIRTQUEUE_DESCRIPTOR_INDIRECT) != 0) {
			return walk_indirect(walk, &descriptor, is_indirect);
		}
		if (!walk_add(walk, &descriptor)) {
			return false;
		}
		if ((descriptor.flags & VIRTQUEUE_DESCRIPTOR_NEXT) == 0) {
			return true;
		}
		index = descriptor.next;
	}
	walk->error = "descriptor loop, or too many";
	return false;
}

int virtqueue_pop(struct virtqueue *queue, struct virtqueue_chain *chain) {
	if (queue->broken) {
		return -EPROTO;
	}
	if (!virtqueue_is_live(queue)) {
		return 0;
	}
	uint16_t pending = avail_pending(queue);
	if (pending == 0) {
		pending = avail_pending_after_rearm(queue);
	}
	if (pending == 0) {
		return 0;
	}
	if (pending > queue->size) {
		return queue_break(queue, "more available than the ring holds");
	}

	uint16_t slot = queue->avail_next & (uint16_t)(queue->size - 1);
	uint16_t head = load16(&queue->avail[RING_ENTRIES + slot]);
	if (head >= queue->size) {
		return queue_break(queue, "head beyond the table");
	}
	if (head_is_in_flight(queue, head)) {
		return queue_break(queue, "head is still in flight");
	}

	struct chain_walk walk = { .queue = queue };
	if (!walk_table(&walk, queue->descriptors, queue->size, head, false)) {
		return queue_break(queue, walk.error);
	}

	queue->avail_next++;
	queue->in_flight++;
	queue->is_in_flight[head / 64] |= UINT64_C(1) << (head % 64);
	queue->writable_bytes[head] = (uint32_t)MIN(walk.writable_bytes, UINT32_MAX);
	*chain = (struct virtqueue_chain) {
		.head = head,
		.readable_len = (uint16_t)walk.readable_len,
		.writable_len = (uint16_t)(walk.spans_len - walk.readable_len),
		.readable_bytes = walk.readable_bytes,
		.writable_bytes = walk.writable_bytes,
		.readable = queue->spans,
		.writable = queue->spans + walk.readable_len,
	};
	return 1;
}

void virtqueue_push(struct virtqueue *queue, uint16_t head, uint32_t used_bytes) {
	assert(head < VIRTQUEUE_SIZE_MAX);
	if (!head_is_in_flight(queue, head)) {
		return; /* the ring was stopped since the pop */
	}
	assert(used_bytes <= queue->writable_bytes[head]);
	queue->is_in_flight[head / 64] &= ~(UINT64_C(1) << (head % 64));
	queue->in_flight--;
	if (queue->broken || queue->used == NULL) {
		return;
	}

	unsigned slot = queue->used_next & (queue->size - 1u);
	volatile uint16_t *words = &queue->used[RING_ENTRIES + USED_ENTRY_WORDS * slot];
	volatile uint32_t *entry = (volatile uint32_t *)(volatile void *)words;
	entry[0] = htole32(head);
	entry[1] = htole32(used_bytes);
	/* the entry, and what the device wrote to the chain, before the index that shows them */
	atomic_thread_fence(memory_order_release);
	queue->used_next++;
	queue->pushed++;
	store16(&queue->used[RING_IDX], queue->used_next);
}

/* Of any of the last `pushed` entries. */
static bool guest_wants_notification(const struct virtqueue *queue, unsigned pushed) {
	if (!queue->event_idx) {
		return (load16(&queue->avail[RING_FLAGS]) & VIRTQUEUE_AVAIL_NO_INTERRUPT) == 0;
	}
	if (queue->always_notify) {
		return true;
	}
	/* virtio 1.3, 2.7.7.2: wanted if the index went past used_event since the last time */
	uint16_t used_event = load16(&queue->avail[RING_ENTRIES + queue->size]);
	return (uint16_t)(queue->used_next - used_event - 1) < pushed;
}

void virtqueue_notify(struct virtqueue *queue) {
	if (queue->pushed == 0 || queue->used == NULL || queue->broken) {
		return;
	}
	/* our index before the guest's wish: one of the two sides sees the other's write */
	atomic_thread_fence(memory_order_seq_cst);
	bool is_wanted = guest_wants_notification(queue, queue->pushed);
	queue->uncalled = is_wanted ? 0 : MIN(queue->uncalled + queue->pushed, queue->size);
	queue->pushed = 0;
	queue->always_notify = false;
	if (is_wanted && queue->call_fd >= 0) {
		fd_event_signal(queue->call_fd);
	}
}

bool virtqueue_revisit(struct virtqueue *queue) {
	if (!virtqueue_is_live(queue)) {
		return false;
	}
	if (queue->uncalled > 0 && guest_wants_notification(queue, queue->uncalled)) {
		queue->uncalled = 0;
		if (queue->call_fd >= 0) {
			fd_event_signal(queue->call_fd);
		}
	}
	return avail_pending(queue) != 0;
}
