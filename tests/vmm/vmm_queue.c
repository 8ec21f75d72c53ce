#include "tests/vmm/vmm_queue.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>

#include "core/fd.h"

/* places in the rings, in 16-bit words */
#define RING_FLAGS 0
#define RING_IDX 1
#define RING_ENTRIES 2
#define USED_ENTRY_WORDS 4
#define USED_NO_NOTIFY 1

int vmm_queue_init(struct vmm_queue *queue, struct vmm_ram *ram, uint16_t size) {
	assert(size > 0 && size <= VMM_QUEUE_SIZE_MAX);
	*queue = (struct vmm_queue) {
		.ram = ram,
		.size = size,
		.descriptors_address = vmm_ram_alloc(ram, 16u * size, 4096),
		.avail_address = vmm_ram_alloc(ram, 6u + 2u * size, 2),
		.used_address = vmm_ram_alloc(ram, 6u + 8u * size, 4096),
		.kick_fd = fd_eventfd_create(false),
		.call_fd = fd_eventfd_create(false),
		.error_fd = fd_eventfd_create(false),
	};
	queue->descriptors = vmm_ram_at(ram, queue->descriptors_address, 16u * size);
	queue->avail = vmm_ram_at(ram, queue->avail_address, 6u + 2u * size);
	queue->used = vmm_ram_at(ram, queue->used_address, 6u + 8u * size);
	if (queue->descriptors == NULL || queue->avail == NULL || queue->used == NULL ||
		queue->kick_fd < 0 || queue->call_fd < 0 || queue->error_fd < 0) {
		vmm_queue_finish(queue);
		return -ENOMEM;
	}
	vmm_queue_clear(queue);
	return 0;
}

void vmm_queue_finish(struct vmm_queue *queue) {
	fd_close(&queue->kick_fd);
	fd_close(&queue->call_fd);
	fd_close(&queue->error_fd);
}

void vmm_queue_clear(struct vmm_queue *queue) {
	for (unsigned i = 0; i < queue->size; i++) {
		queue->free[i] = (uint16_t)(queue->size - 1 - i);
		queue->chain_len[i] = 0;
		queue->descriptors[i] = (struct vmm_descriptor) { 0 };
	}
	for (unsigned i = 0; i < 3u + queue->size; i++) {
		queue->avail[i] = 0;
	}
	for (unsigned i = 0; i < 3u + USED_ENTRY_WORDS * queue->size; i++) {
		queue->used[i] = 0;
	}
	queue->free_len = queue->size;
	queue->avail_idx = 0;
	queue->kicked_idx = 0;
	queue->used_idx = 0;
}

static struct vmm_descriptor descriptor_from(
	const struct vmm_buffer *buffer, bool has_next, uint16_t next) {
	return (struct vmm_descriptor) {
		.address = buffer->address,
		.len = buffer->len,
		.flags = (uint16_t)((has_next ? VMM_DESCRIPTOR_NEXT : 0) |
			(buffer->is_writable ? VMM_DESCRIPTOR_WRITE : 0)),
		.next = next,
	};
}

static int add_direct(struct vmm_queue *queue, const struct vmm_buffer *buffers, size_t len) {
	if (len > queue->free_len) {
		return -ENOSPC;
	}
	uint16_t head = queue->free[queue->free_len - 1];
	for (size_t i = 0; i < len; i++) {
		uint16_t at = queue->free[--queue->free_len];
		bool has_next = i + 1 < len;
		uint16_t next = has_next ? queue->free[queue->free_len - 1] : 0;
		queue->descriptors[at] = descriptor_from(&buffers[i], has_next, next);
	}
	queue->chain_len[head] = (uint16_t)len;
	return head;
}

static int add_indirect(struct vmm_queue *queue, const struct vmm_buffer *buffers, size_t len) {
	if (queue->free_len == 0) {
		return -ENOSPC;
	}
	uint16_t head = queue->free[queue->free_len - 1];
	if (queue->tables[head].capacity < len) {
		queue->tables[head].address = vmm_ram_alloc(queue->ram, 16 * len, 16);
		queue->tables[head].capacity = queue->tables[head].address != 0 ? (uint32_t)len : 0;
	}
	struct vmm_descriptor *table = queue->tables[head].address == 0
		? NULL
		: vmm_ram_at(queue->ram, queue->tables[head].address, 16 * len);
	if (table == NULL) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < len; i++) {
		table[i] = descriptor_from(&buffers[i], i + 1 < len, (uint16_t)(i + 1));
	}
	queue->free_len--;
	queue->descriptors[head] = (struct vmm_descriptor) {
		.address = queue->tables[head].address,
		.len = (uint32_t)(16 * len),
		.flags = VMM_DESCRIPTOR_INDIRECT,
	};
	queue->chain_len[head] = 1;
	return head;
}

void vmm_queue_add_head(struct vmm_queue *queue, uint16_t head) {
	queue->avail[RING_ENTRIES + queue->avail_idx % queue->size] = head;
	/* the entry and its descriptors before the index that shows them */
	atomic_thread_fence(memory_order_release);
	queue->avail_idx++;
	queue->avail[RING_IDX] = queue->avail_idx;
}

int vmm_queue_add(
	struct vmm_queue *queue, const struct vmm_buffer *buffers, size_t len, bool is_indirect) {
	assert(len > 0);
	int head =
		is_indirect ? add_indirect(queue, buffers, len) : add_direct(queue, buffers, len);
	if (head >= 0) {
		vmm_queue_add_head(queue, (uint16_t)head);
	}
	return head;
}

void vmm_queue_kick_always(struct vmm_queue *queue) {
	queue->kicked_idx = queue->avail_idx;
	queue->kicks++;
	fd_event_signal(queue->kick_fd);
}

void vmm_queue_kick(struct vmm_queue *queue) {
	atomic_thread_fence(memory_order_seq_cst);
	uint16_t added = (uint16_t)(queue->avail_idx - queue->kicked_idx);
	bool is_wanted;
	if (queue->event_idx) {
		uint16_t avail_event = queue->used[RING_ENTRIES + USED_ENTRY_WORDS * queue->size];
		is_wanted = (uint16_t)(queue->avail_idx - avail_event - 1) < added;
	} else {
		is_wanted = (queue->used[RING_FLAGS] & USED_NO_NOTIFY) == 0;
	}
	queue->kicked_idx = queue->avail_idx;
	if (is_wanted && added > 0) {
		vmm_queue_kick_always(queue);
	}
}

static bool used_is_empty(const struct vmm_queue *queue) {
	uint16_t idx = queue->used[RING_IDX];
	atomic_thread_fence(memory_order_acquire);
	return idx == queue->used_idx;
}

/* Gives back the descriptors of the chain at `head`. */
static void free_chain(struct vmm_queue *queue, uint16_t head) {
	uint16_t at = head;
	for (unsigned i = queue->chain_len[head]; i > 0 && queue->free_len < queue->size; i--) {
		queue->free[queue->free_len++] = at;
		at = queue->descriptors[at].next % queue->size;
	}
	queue->chain_len[head] = 0;
}

bool vmm_queue_take(struct vmm_queue *queue, struct vmm_used *used) {
	if (used_is_empty(queue)) {
		if (queue->event_idx) {
			queue->avail[RING_ENTRIES + queue->size] = queue->used_idx;
		}
		atomic_thread_fence(memory_order_seq_cst);
		if (used_is_empty(queue)) {
			return false;
		}
	}
	volatile uint16_t *words =
		&queue->used[RING_ENTRIES + USED_ENTRY_WORDS * (queue->used_idx % queue->size)];
	volatile uint32_t *entry = (volatile uint32_t *)(volatile void *)words;
	used->head = (uint16_t)entry[0];
	used->bytes = entry[1];
	assert(entry[0] < queue->size);
	queue->used_idx++;
	free_chain(queue, used->head);
	return true;
}
