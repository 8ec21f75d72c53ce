/*
 * The driver's side of a split virtqueue, as Linux' virtio_ring drives it: direct or indirect chains,
 * EVENT_IDX when negotiated. The rings' memory is public so that hostile tests can write what no
 * driver would.
 *
 * Thread: one. Nothing here waits: see vmm.h.
 */
#ifndef TESTS_VMM_VMM_QUEUE_H
#define TESTS_VMM_VMM_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/vmm/vmm_ram.h"

#define VMM_QUEUE_SIZE_MAX 1024

struct vmm_descriptor { /* as in guest memory, little-endian */
	uint64_t address;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

#define VMM_DESCRIPTOR_NEXT 1
#define VMM_DESCRIPTOR_WRITE 2
#define VMM_DESCRIPTOR_INDIRECT 4

struct vmm_buffer {
	uint64_t address; /* guest */
	uint32_t len;
	bool is_writable; /* by the device; all of these come after the others */
};

struct vmm_used {
	uint16_t head;
	uint32_t bytes; /* written by the device, as it says */
};

struct vmm_queue {
	struct vmm_ram *ram;
	uint16_t size;
	bool event_idx;
	uint64_t descriptors_address, avail_address, used_address; /* guest */

	/* the rings, in guest memory */
	volatile struct vmm_descriptor *descriptors;
	volatile uint16_t *avail; /* flags, idx, ring[size], used_event */
	volatile uint16_t *used; /* flags, idx, ring[size] of {u32 id, u32 len}, avail_event */

	uint16_t avail_idx; /* next entry to fill */
	uint16_t kicked_idx; /* avail_idx at the last kick */
	uint16_t used_idx; /* next entry to take */
	uint16_t free_len;
	uint16_t free[VMM_QUEUE_SIZE_MAX]; /* stack of free descriptors */
	uint16_t chain_len[VMM_QUEUE_SIZE_MAX]; /* descriptors of the chain at this head */
	struct {
		uint64_t address;
		uint32_t capacity; /* descriptors */
	} tables[VMM_QUEUE_SIZE_MAX]; /* indirect tables, made when first needed */

	int kick_fd, call_fd, error_fd; /* eventfds, owned */
	uint64_t kicks, interrupts; /* written and taken so far */
};

/* Allocates rings of `size` entries and the eventfds. 0 or -errno. */
int vmm_queue_init(struct vmm_queue *queue, struct vmm_ram *ram, uint16_t size);
void vmm_queue_finish(struct vmm_queue *queue);
/* Empty again, as after a device reset. */
void vmm_queue_clear(struct vmm_queue *queue);

/*
 * Makes a chain available. Returns its head, or -ENOSPC (no descriptors) or -ENOMEM (no memory for an
 * indirect table). The device may see it at once; vmm_queue_kick() tells it.
 */
int vmm_queue_add(
	struct vmm_queue *queue, const struct vmm_buffer *buffers, size_t len, bool is_indirect);

/* Makes head `head` available, whatever the descriptors say: for hostile tests. */
void vmm_queue_add_head(struct vmm_queue *queue, uint16_t head);

/* Kicks if the device wants to know (`always`: even if not). */
void vmm_queue_kick(struct vmm_queue *queue);
void vmm_queue_kick_always(struct vmm_queue *queue);

/* Takes a completed chain: true and *used, or false: none, and an interrupt will come for the next. */
bool vmm_queue_take(struct vmm_queue *queue, struct vmm_used *used);

#endif
