/*
 * Virtqueues: the input is what a guest has in its memory, rings and indirect tables included, and what
 * it changes there while we look.
 *
 * Every chain that comes out must lie in guest memory, once, and add up.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/log.h"
#include "core/macros.h"
#include "protocol/virtqueue_impl.h"
#include "tests/fuzz/fuzz.h"

/* Guest memory begins at address 0, so that small numbers are good addresses. */
#define MEMORY_BYTES 0x10000u
#define EDGE 0x8000u     /* two regions touch here */
#define HOLE 0xc000u     /* the last quarter lies elsewhere */
#define ELSEWHERE 0x20000u
#define USER 0x7000000u

#define DESCRIPTORS_AT 0x0
#define AVAIL_AT 0x800
#define USED_AT 0x1000

/* of the input; the rest is memory */
struct plan {
	uint8_t size_log2, features, base, order;
	uint8_t steps, change_at, change_byte, padding;
};

static int ram_fd = -1;
static uint8_t *ram;

static void ram_init(void) {
	if (ram != NULL) {
		return;
	}
	log_init("fuzz", LOG_ERROR, NULL, false);
	ram_fd = fd_memfd_create("fuzz-ram", MEMORY_BYTES);
	void *base = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ram_fd, 0);
	if (ram_fd < 0 || base == MAP_FAILED) {
		abort();
	}
	ram = base;
}

static void share(struct guest_memory *memory) {
	const struct guest_region_wire wire[] = {
		{ 0, EDGE, USER, 0 },
		{ EDGE, HOLE - EDGE, USER + EDGE, EDGE },
		{ ELSEWHERE, MEMORY_BYTES - HOLE, USER + HOLE, HOLE },
	};
	int fds[ARRAY_LEN(wire)];
	for (size_t i = 0; i < ARRAY_LEN(wire); i++) {
		fds[i] = dup(ram_fd);
	}
	guest_memory_init(memory, false);
	if (guest_memory_set_table(memory, wire, fds, ARRAY_LEN(wire)) < 0) {
		abort();
	}
}

static bool is_mapped(const struct guest_memory *memory, const struct span *span) {
	for (uint32_t i = 0; i < memory->regions_len; i++) {
		const struct guest_region *region = &memory->regions[i];
		if (span->base >= region->base && span->len <= region->size_bytes &&
			(size_t)(span->base - region->base) <= region->size_bytes - span->len) {
			return true;
		}
	}
	return false;
}

static void check_spans(
	const struct guest_memory *memory, const struct span *spans, size_t len, uint64_t bytes) {
	for (size_t i = 0; i < len; i++) {
		if (spans[i].len == 0 || !is_mapped(memory, &spans[i])) {
			abort();
		}
	}
	if (spans_bytes(spans, len) != bytes) {
		abort();
	}
}

static void check_chain(const struct virtqueue *queue, const struct virtqueue_chain *chain) {
	if (chain->head >= queue->size ||
		chain->readable_len + chain->writable_len > VIRTQUEUE_SPANS_MAX) {
		abort();
	}
	check_spans(queue->memory, chain->readable, chain->readable_len, chain->readable_bytes);
	check_spans(queue->memory, chain->writable, chain->writable_len, chain->writable_bytes);
}

struct held_chain {
	uint16_t head;
	uint32_t bytes;
};

static void run(struct virtqueue *queue, const struct plan *plan) {
	struct held_chain held[VIRTQUEUE_SIZE_MAX];
	struct virtqueue_chain chain;
	unsigned len = 0;

	for (unsigned step = 0; step < 1u + plan->steps; step++) {
		if (step == plan->change_at) {
			ram[AVAIL_AT + 2] = plan->change_byte; /* the index, low byte */
			ram[plan->change_byte * 8] ^= plan->order;
		}
		if (virtqueue_pop(queue, &chain) == 1) {
			check_chain(queue, &chain);
			/* a device writes before it is done */
			spans_write(chain.writable, chain.writable_len, 0, plan, sizeof(*plan));
			held[len++] = (struct held_chain) { chain.head,
				(uint32_t)MIN(chain.writable_bytes, UINT32_MAX) };
		}
		if (virtqueue_in_flight(queue) != len || len > queue->size) {
			abort();
		}
		if (len > 0 && (plan->order >> step % 8 & 1) != 0) {
			unsigned which = plan->order % len;
			virtqueue_push(queue, held[which].head, held[which].bytes);
			held[which] = held[--len];
			virtqueue_notify(queue);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct guest_memory memory;
	struct virtqueue *queue = malloc(sizeof(*queue));
	struct plan plan = { 0 };
	ram_init();
	if (queue == NULL || size < sizeof(plan)) {
		free(queue);
		return 0;
	}
	memcpy(&plan, data, sizeof(plan));
	memset(ram, 0, MEMORY_BYTES);
	memcpy(ram, data + sizeof(plan), MIN(size - sizeof(plan), MEMORY_BYTES));
	share(&memory);

	const struct virtqueue_addresses addresses = { USER + DESCRIPTORS_AT, USER + AVAIL_AT,
		USER + USED_AT };
	virtqueue_init(queue, &memory);
	virtqueue_set_call(queue, fd_eventfd_create(false));
	if (virtqueue_set_size(queue, 1u << (plan.size_log2 % 8)) < 0 ||
		virtqueue_set_addresses(queue, &addresses) < 0 ||
		virtqueue_set_base(queue, plan.base) < 0 ||
		virtqueue_start(queue, (plan.features & 1) != 0, (plan.features & 2) != 0) < 0) {
		abort();
	}
	queue->enabled = true;
	run(queue, &plan);
	virtqueue_finish(queue);
	guest_memory_finish(&memory);
	free(queue);
	return 0;
}
