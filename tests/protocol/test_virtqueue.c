#include "protocol/virtqueue.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/macros.h"
#include "protocol/virtqueue_impl.h"
#include "tests/suite.h"
#include "tests/vmm/vmm_queue.h"

#define NEXT VMM_DESCRIPTOR_NEXT
#define WRITE VMM_DESCRIPTOR_WRITE
#define INDIRECT VMM_DESCRIPTOR_INDIRECT

#define QUEUE_SIZE 8
#define REGION_BYTES (1u << 20)

/* A driver's ring and our side of it. Two regions that touch, a hole, and a third one. */
struct ring_rig {
	struct vmm_ram ram;
	struct guest_memory memory;
	struct vmm_queue driver;
	struct virtqueue queue;
	uint64_t data; /* guest address of a page of the test's own */
};

/* Features a row may switch off. */
enum { PLAIN = 1, NO_INDIRECT = 2 };

static struct virtqueue_addresses ring_addresses(const struct ring_rig *rig) {
	return (struct virtqueue_addresses) {
		.descriptors = vmm_ram_user_address(&rig->ram, rig->driver.descriptors_address),
		.avail = vmm_ram_user_address(&rig->ram, rig->driver.avail_address),
		.used = vmm_ram_user_address(&rig->ram, rig->driver.used_address),
	};
}

static void share(struct ring_rig *rig) {
	guest_memory_init(&rig->memory, false);
	for (unsigned i = 0; i < rig->ram.regions_len; i++) {
		const struct vmm_region *region = &rig->ram.regions[i];
		const struct guest_region_wire wire = { region->guest_address, region->bytes,
			region->user_address, region->file_offset };
		ck_assert_int_eq(guest_memory_add(&rig->memory, &wire, dup(rig->ram.fd)), 0);
	}
}

static void ring_init(struct ring_rig *rig, uint16_t size, unsigned flags) {
	const struct vmm_ram_options options = { .bytes = 3 * REGION_BYTES, .regions_len = 3 };
	ck_assert_int_eq(vmm_ram_init(&rig->ram, &options), 0);
	rig->ram.regions[2].guest_address += REGION_BYTES; /* a hole before the third */
	share(rig);
	ck_assert_int_eq(vmm_queue_init(&rig->driver, &rig->ram, size), 0);
	rig->driver.event_idx = (flags & PLAIN) == 0;
	rig->data = vmm_ram_alloc(&rig->ram, 4096, 4096);

	virtqueue_init(&rig->queue, &rig->memory);
	struct virtqueue_addresses addresses = ring_addresses(rig);
	ck_assert_int_eq(virtqueue_set_size(&rig->queue, size), 0);
	ck_assert_int_eq(virtqueue_set_addresses(&rig->queue, &addresses), 0);
	virtqueue_set_call(&rig->queue, dup(rig->driver.call_fd));
	virtqueue_set_error(&rig->queue, dup(rig->driver.error_fd));
	ck_assert_int_eq(
		virtqueue_start(&rig->queue, (flags & NO_INDIRECT) == 0, (flags & PLAIN) == 0), 0);
	rig->queue.enabled = true;
	ck_assert(virtqueue_is_live(&rig->queue));
}

/* As if `index` chains had come and gone. */
static void ring_restart_at(struct ring_rig *rig, uint16_t index) {
	virtqueue_stop(&rig->queue);
	rig->driver.avail_idx = index;
	rig->driver.kicked_idx = index;
	rig->driver.used_idx = index;
	rig->driver.avail[1] = index;
	rig->driver.used[1] = index;
	ck_assert_int_eq(virtqueue_set_base(&rig->queue, index), 0);
	ck_assert_int_eq(
		virtqueue_start(&rig->queue, rig->queue.indirect, rig->queue.event_idx), 0);
}

static void ring_finish(struct ring_rig *rig) {
	virtqueue_finish(&rig->queue);
	vmm_queue_finish(&rig->driver);
	guest_memory_finish(&rig->memory);
	vmm_ram_finish(&rig->ram);
}

static uint64_t region_end(const struct ring_rig *rig, unsigned region) {
	return rig->ram.regions[region].guest_address + rig->ram.regions[region].bytes;
}

/* --- what a driver may do ---------------------------------------------------------------------------- */

START_TEST(chains_come_out_as_they_went_in) {
	static const unsigned flags[] = { 0, PLAIN };
	struct ring_rig rig;
	ring_init(&rig, QUEUE_SIZE, flags[_i / 2]);
	bool is_indirect = _i % 2 == 1;
	const struct vmm_buffer buffers[] = {
		{ rig.data, 10, false },
		{ rig.data + 100, 20, false },
		{ rig.data + 200, 30, true },
	};
	struct virtqueue_chain chain;
	struct vmm_used used;

	ring_restart_at(&rig, 65500); /* the indices wrap on the way */
	for (unsigned i = 0; i < 100; i++) {
		int head = vmm_queue_add(&rig.driver, buffers, 3, is_indirect);
		ck_assert_int_ge(head, 0);
		ck_assert_int_eq(virtqueue_pop(&rig.queue, &chain), 1);
		ck_assert_uint_eq(chain.head, (unsigned)head);
		ck_assert_uint_eq(virtqueue_in_flight(&rig.queue), 1);
		virtqueue_push(&rig.queue, chain.head, i % 31);
		virtqueue_notify(&rig.queue);
		ck_assert(vmm_queue_take(&rig.driver, &used));
		ck_assert_uint_eq(used.head, (unsigned)head);
		ck_assert_uint_eq(used.bytes, i % 31);
		ck_assert_uint_eq(virtqueue_in_flight(&rig.queue), 0);
	}
	ck_assert_uint_eq(chain.readable_len, 2);
	ck_assert_uint_eq(chain.readable_bytes, 30);
	ck_assert_uint_eq(chain.writable_len, 1);
	ck_assert_uint_eq(chain.writable_bytes, 30);
	ck_assert_int_eq(virtqueue_pop(&rig.queue, &chain), 0);
	ring_finish(&rig);
}
END_TEST

START_TEST(completes_out_of_order) {
	struct ring_rig rig;
	ring_init(&rig, QUEUE_SIZE, 0);
	const struct vmm_buffer buffer = { rig.data, 8, true };
	struct virtqueue_chain chains[QUEUE_SIZE];
	struct vmm_used used;
	for (int i = 0; i < QUEUE_SIZE; i++) {
		ck_assert_int_ge(vmm_queue_add(&rig.driver, &buffer, 1, false), 0);
		ck_assert_int_eq(virtqueue_pop(&rig.queue, &chains[i]), 1);
	}
	ck_assert_int_eq(vmm_queue_add(&rig.driver, &buffer, 1, false), -ENOSPC);
	for (int i = QUEUE_SIZE - 1; i >= 0; i--) {
		virtqueue_push(&rig.queue, chains[i].head, (uint32_t)i);
	}
	for (int i = QUEUE_SIZE - 1; i >= 0; i--) {
		ck_assert(vmm_queue_take(&rig.driver, &used));
		ck_assert_uint_eq(used.head, chains[i].head);
		ck_assert_uint_eq(used.bytes, (unsigned)i);
	}
	ring_finish(&rig);
}
END_TEST

START_TEST(ring_of_one) {
	struct ring_rig rig;
	ring_init(&rig, 1, _i == 0 ? 0 : PLAIN);
	const struct vmm_buffer buffer = { rig.data, 8, true };
	struct virtqueue_chain chain;
	struct vmm_used used;
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(vmm_queue_add(&rig.driver, &buffer, 1, false), 0);
		ck_assert_int_eq(virtqueue_pop(&rig.queue, &chain), 1);
		ck_assert_int_eq(virtqueue_pop(&rig.queue, &chain), 0);
		virtqueue_push(&rig.queue, chain.head, 8);
		ck_assert(vmm_queue_take(&rig.driver, &used));
	}
	ring_finish(&rig);
}
END_TEST

START_TEST(one_chain_uses_the_whole_ring) {
	struct ring_rig rig;
	ring_init(&rig, QUEUE_SIZE, 0);
	struct vmm_buffer buffers[QUEUE_SIZE];
	for (unsigned i = 0; i < QUEUE_SIZE; i++) {
		buffers[i] = (struct vmm_buffer) { rig.data + i, 1, i >= QUEUE_SIZE / 2 };
	}
	struct virtqueue_chain chain;
	ck_assert_int_ge(vmm_queue_add(&rig.driver, buffers, QUEUE_SIZE, false), 0);
	ck_assert_int_eq(virtqueue_pop(&rig.queue, &chain), 1);
	ck_assert_uint_eq(chain.readable_bytes, QUEUE_SIZE / 2);
	ck_assert_uint_eq(chain.writable_bytes, QUEUE_SIZE / 2);
	ring_finish(&rig);
}
END_TEST

START_TEST(longest_chain_is_taken) {
	struct ring_rig rig;
	ring_init(&rig, QUEUE_SIZE, 0);
	static struct vmm_buffer buffers[VIRTQUEUE_SPANS_MAX + 1];
	for (unsigned i = 0; i < ARRAY_LEN(buffers); i++) {
		buffers[i] = (struct vmm_buffer) { rig.data, 1, false };
	}
	struct virtqueue_chain chain;
	ck_assert_int_ge(vmm_queue_add(&rig.driver, buffers, VIRTQUEUE_SPANS_MAX, true), 0);
	ck_assert_int_eq(virtqueue_pop(&rig.queue, &chain), 1);
	ck_assert_uint_eq(chain.readable_bytes, VIRTQUEUE_SPANS_MAX);
	ck_assert_int_ge(vmm_queue_add(&rig.driver, buffers, VIRTQUEUE_SPANS_MAX + 1, true), 0);
	ck_assert_int_eq(virtqueue_pop(&rig.queue, &chain), -EPROTO);
	ring_finish(&rig);
}
END_TEST

/* Empty descriptors need no room, but each one is work: they count as others do. */
START_TEST(longest_chain_of_empty_descriptors) {
	struct ring_rig rig;
	ring_init(&rig, QUEUE_SIZE, 0);
	static struct vmm_buffer buffers[VIRTQUEUE_SPANS_MAX + 1];
	for (unsigned i = 0; i < ARRAY_LEN(buffers); i++) {
		buffers[i] = (struct vmm_buffer) { rig.data, 0, false };
	}
	struct virtqueue_chain chain;
	ck_assert_int_ge(vmm_queue_add(&rig.driver, buffers, VIRTQUEUE_SPANS_MAX, true), 0);
	ck_assert_int_eq(virtqueue_pop(&rig.queue, &chain), 1);
	ck_assert_uint_eq(chain.readable_bytes, 0);
	ck_assert_int_ge(vmm_queue_add(&rig.driver, buffers, VIRTQUEUE_SPANS_MAX + 1, true), 0);
	ck_assert_int_eq(virtqueue_pop(&rig.queue, &chain), -EPROTO);
	ring_finish(&rig);
}
END_TEST

START_TEST(buffer_over_two_regions_is_split) {
	struct ring_rig rig;
	ring_init(&rig, QUEUE_SIZE, 0);
	const struct vmm_buffer buffer = { region_end(&rig, 0) - 8, 16, true };
	struct virtqueue_chain chain;
	ck_assert_int_ge(vmm_queue_add(&rig.driver, &buffer, 1, false), 0);
	ck_assert_int_eq(virtqueue_pop(&rig.queue, &chain), 1);
	ck_assert_uint_eq(chain.writable_len, 2);
	ck_assert_uint_eq(chain.writable_bytes, 16);
	ring_finish(&rig);
}
END_TEST

/* --- what no driver does: rows of descriptors -------------------------------------------------------- */

/* Addresses of a row that depend on the rig. */
enum place {
	DATA = 1, /* the data page */
	TABLE, /* a page for an indirect table, filled with the row's second part */
	ODD_TABLE, /* the same, misaligned */
	HOLE, /* no memory */
	REGION_EDGE, /* 8 bytes before the end of region 0: region 1 follows */
	MEMORY_EDGE, /* 8 bytes before the end of region 1: nothing follows */
	ADDRESS_EDGE, /* 8 bytes before 2^64 */
	ZERO,
};

struct row_descriptor {
	enum place place;
	uint32_t len;
	uint16_t flags, next;
};

static const struct {
	const char *name;
	unsigned features;
	struct row_descriptor direct[4], indirect[4];
	int result;
} rows[] = {
	{ "self loop", 0, { { DATA, 1, NEXT, 0 } }, { { 0 } }, -EPROTO },
	{ "loop of two", 0, { { DATA, 1, NEXT, 1 }, { DATA, 1, NEXT, 0 } }, { { 0 } }, -EPROTO },
	{ "loop past the head", 0,
		{ { DATA, 1, NEXT, 1 }, { DATA, 1, NEXT, 2 }, { DATA, 1, NEXT, 1 } }, { { 0 } },
		-EPROTO },
	{ "loop of empty descriptors", 0, { { DATA, 0, NEXT, 0 } }, { { 0 } }, -EPROTO },
	{ "next is the ring's size", 0, { { DATA, 1, NEXT, QUEUE_SIZE } }, { { 0 } }, -EPROTO },
	{ "next is 65535", 0, { { DATA, 1, NEXT, 65535 } }, { { 0 } }, -EPROTO },
	{ "readable after writable", 0, { { DATA, 1, WRITE | NEXT, 1 }, { DATA, 1, 0, 0 } },
		{ { 0 } }, -EPROTO },
	{ "readable after writable after readable", 0,
		{ { DATA, 1, NEXT, 1 }, { DATA, 1, WRITE | NEXT, 2 }, { DATA, 1, 0, 0 } },
		{ { 0 } }, -EPROTO },
	{ "hole", 0, { { HOLE, 1, 0, 0 } }, { { 0 } }, -EPROTO },
	{ "address 0", 0, { { ZERO, 1, 0, 0 } }, { { 0 } }, -EPROTO },
	{ "into a hole", 0, { { MEMORY_EDGE, 9, 0, 0 } }, { { 0 } }, -EPROTO },
	{ "up to a hole", 0, { { MEMORY_EDGE, 8, 0, 0 } }, { { 0 } }, 1 },
	{ "wraps", 0, { { ADDRESS_EDGE, 16, 0, 0 } }, { { 0 } }, -EPROTO },
	{ "4 GiB less one", 0, { { DATA, UINT32_MAX, 0, 0 } }, { { 0 } }, -EPROTO },
	{ "sum past 4 GiB", 0, { { DATA, UINT32_MAX, NEXT, 1 }, { DATA, UINT32_MAX, 0, 0 } },
		{ { 0 } }, -EPROTO },
	{ "empty descriptor", 0, { { DATA, 0, 0, 0 } }, { { 0 } }, 1 },
	{ "empty descriptor in a hole", 0, { { HOLE, 0, 0, 0 } }, { { 0 } }, 1 },
	{ "empty between others", 0,
		{ { DATA, 1, NEXT, 1 }, { DATA, 0, WRITE | NEXT, 2 }, { DATA, 1, 0, 0 } },
		{ { 0 } }, 1 },
	{ "unknown flags", 0, { { DATA, 1, 0xfff8, 0 } }, { { 0 } }, 1 },

	{ "indirect", 0, { { TABLE, 32, INDIRECT, 0 } },
		{ { DATA, 1, NEXT, 1 }, { DATA, 1, WRITE, 0 } }, 1 },
	{ "indirect after a direct one", 0, { { DATA, 1, NEXT, 1 }, { TABLE, 16, INDIRECT, 0 } },
		{ { DATA, 1, WRITE, 0 } }, 1 },
	{ "indirect with the write flag", 0, { { TABLE, 16, INDIRECT | WRITE, 0 } },
		{ { DATA, 1, 0, 0 } }, 1 },
	{ "indirect, not negotiated", NO_INDIRECT, { { TABLE, 16, INDIRECT, 0 } },
		{ { DATA, 1, 0, 0 } }, -EPROTO },
	{ "indirect of no bytes", 0, { { TABLE, 0, INDIRECT, 0 } }, { { DATA, 1, 0, 0 } },
		-EPROTO },
	{ "indirect of 15 bytes", 0, { { TABLE, 15, INDIRECT, 0 } }, { { DATA, 1, 0, 0 } },
		-EPROTO },
	{ "indirect of 17 bytes", 0, { { TABLE, 17, INDIRECT, 0 } }, { { DATA, 1, 0, 0 } },
		-EPROTO },
	{ "indirect of more entries than next can name", 0,
		{ { TABLE, 16u * 65537u, INDIRECT, 0 } }, { { DATA, 1, 0, 0 } }, -EPROTO },
	{ "indirect of 4 GiB", 0, { { TABLE, 0xfffffff0, INDIRECT, 0 } }, { { DATA, 1, 0, 0 } },
		-EPROTO },
	{ "indirect with next", 0, { { TABLE, 16, INDIRECT | NEXT, 1 }, { DATA, 1, 0, 0 } },
		{ { DATA, 1, 0, 0 } }, -EPROTO },
	{ "indirect in indirect", 0, { { TABLE, 16, INDIRECT, 0 } }, { { TABLE, 16, INDIRECT, 0 } },
		-EPROTO },
	{ "indirect table in a hole", 0, { { HOLE, 16, INDIRECT, 0 } }, { { 0 } }, -EPROTO },
	{ "indirect table over two regions", 0, { { REGION_EDGE, 16, INDIRECT, 0 } }, { { 0 } },
		-EPROTO },
	{ "indirect table past memory", 0, { { MEMORY_EDGE, 16, INDIRECT, 0 } }, { { 0 } },
		-EPROTO },
	{ "indirect table misaligned", 0, { { ODD_TABLE, 16, INDIRECT, 0 } }, { { 0 } }, -EPROTO },
	{ "indirect loop", 0, { { TABLE, 32, INDIRECT, 0 } },
		{ { DATA, 1, NEXT, 1 }, { DATA, 1, NEXT, 0 } }, -EPROTO },
	{ "indirect next beyond the table", 0, { { TABLE, 16, INDIRECT, 0 } },
		{ { DATA, 1, NEXT, 1 } }, -EPROTO },
};

static uint64_t place_address(const struct ring_rig *rig, enum place place, uint64_t table) {
	switch (place) {
	case DATA:
		return rig->data;
	case TABLE:
		return table;
	case ODD_TABLE:
		return table + 4;
	case HOLE:
		return region_end(rig, 1) + 4096;
	case REGION_EDGE:
		return region_end(rig, 0) - 8;
	case MEMORY_EDGE:
		return region_end(rig, 1) - 8;
	case ADDRESS_EDGE:
		return UINT64_MAX - 7;
	case ZERO:
		break;
	}
	return 0;
}

static void descriptors_fill(const struct ring_rig *rig, const struct row_descriptor *row,
	uint64_t table, volatile struct vmm_descriptor *to) {
	for (unsigned i = 0; i < 4; i++) {
		to[i] = (struct vmm_descriptor) {
			.address = place_address(rig, row[i].place, table),
			.len = row[i].len,
			.flags = row[i].flags,
			.next = row[i].next,
		};
	}
}

static void expect_broken(struct ring_rig *rig) {
	struct virtqueue_chain chain;
	ck_assert_uint_eq(fd_event_take(rig->driver.error_fd), 1);
	ck_assert(!virtqueue_is_live(&rig->queue));
	ck_assert_int_eq(virtqueue_pop(&rig->queue, &chain), -EPROTO);
	/* silent until it is stopped; then it starts as any other */
	virtqueue_stop(&rig->queue);
	vmm_queue_clear(&rig->driver);
	ck_assert_int_eq(virtqueue_set_base(&rig->queue, 0), 0);
	ck_assert_int_eq(virtqueue_start(&rig->queue, true, rig->driver.event_idx), 0);
	const struct vmm_buffer good = { rig->data, 8, true };
	ck_assert_int_ge(vmm_queue_add(&rig->driver, &good, 1, false), 0);
	ck_assert_int_eq(virtqueue_pop(&rig->queue, &chain), 1);
}

START_TEST(descriptors_are_taken_or_break_the_ring) {
	struct ring_rig rig;
	struct virtqueue_chain chain;
	ring_init(&rig, QUEUE_SIZE, rows[_i].features);
	uint64_t table = vmm_ram_alloc(&rig.ram, 4096, 4096);
	descriptors_fill(&rig, rows[_i].indirect, table, vmm_ram_at(&rig.ram, table, 4096));
	descriptors_fill(&rig, rows[_i].direct, table, rig.driver.descriptors);
	vmm_queue_add_head(&rig.driver, 0);
	int result = virtqueue_pop(&rig.queue, &chain);
	ck_assert_msg(result == rows[_i].result, "%s: %d", rows[_i].name, result);
	if (result == 1) {
		ck_assert(virtqueue_is_live(&rig.queue));
		virtqueue_push(&rig.queue, chain.head, 0);
	} else {
		expect_broken(&rig);
	}
	ring_finish(&rig);
}
END_TEST

/* --- the available ring ------------------------------------------------------------------------------ */

static void one_in_flight(struct ring_rig *rig) {
	const struct vmm_buffer buffer = { rig->data, 8, true };
	struct virtqueue_chain chain;
	ck_assert_int_ge(vmm_queue_add(&rig->driver, &buffer, 1, false), 0);
	ck_assert_int_eq(virtqueue_pop(&rig->queue, &chain), 1);
}

static void head_is_the_size(struct ring_rig *rig) {
	vmm_queue_add_head(&rig->driver, QUEUE_SIZE);
}

static void head_is_65535(struct ring_rig *rig) {
	vmm_queue_add_head(&rig->driver, 65535);
}

static void index_jumps(struct ring_rig *rig) {
	rig->driver.avail[1] = QUEUE_SIZE + 1;
}

static void index_goes_back(struct ring_rig *rig) {
	one_in_flight(rig);
	rig->driver.avail[1] = 0;
}

static void index_is_far(struct ring_rig *rig) {
	rig->driver.avail[1] = 0x8000;
}

static void head_again_in_flight(struct ring_rig *rig) {
	one_in_flight(rig);
	uint16_t head = rig->driver.avail[2];
	vmm_queue_add_head(&rig->driver, head);
}

static const struct {
	const char *name;
	void (*act)(struct ring_rig *rig);
} avail_rows[] = {
	{ "head is the ring's size", head_is_the_size },
	{ "head is 65535", head_is_65535 },
	{ "index jumps by more than the ring", index_jumps },
	{ "index goes back", index_goes_back },
	{ "index is far away", index_is_far },
	{ "head is still in flight", head_again_in_flight },
};

START_TEST(available_ring_breaks_the_ring) {
	struct ring_rig rig;
	struct virtqueue_chain chain;
	ring_init(&rig, QUEUE_SIZE, 0);
	avail_rows[_i].act(&rig);
	int result = virtqueue_pop(&rig.queue, &chain);
	ck_assert_msg(result == -EPROTO, "%s: %d", avail_rows[_i].name, result);
	expect_broken(&rig);
	ring_finish(&rig);
}
END_TEST

START_TEST(push_to_a_broken_ring_is_dropped) {
	struct ring_rig rig;
	struct virtqueue_chain chain, other;
	struct vmm_used used;
	ring_init(&rig, QUEUE_SIZE, 0);
	const struct vmm_buffer good = { rig.data, 8, true };
	ck_assert_int_ge(vmm_queue_add(&rig.driver, &good, 1, false), 0);
	ck_assert_int_eq(virtqueue_pop(&rig.queue, &chain), 1);
	vmm_queue_add_head(&rig.driver, QUEUE_SIZE);
	ck_assert_int_eq(virtqueue_pop(&rig.queue, &other), -EPROTO);
	virtqueue_push(&rig.queue, chain.head, 8);
	virtqueue_notify(&rig.queue);
	ck_assert(!vmm_queue_take(&rig.driver, &used));
	ck_assert_uint_eq(virtqueue_in_flight(&rig.queue), 0);
	ring_finish(&rig);
}
END_TEST

/* --- start, stop, memory ------------------------------------------------------------------------------ */

static const struct {
	uint32_t size;
	int result;
} sizes[] = {
	{ 0, -EINVAL },
	{ 1, 0 },
	{ 2, 0 },
	{ 3, -EINVAL },
	{ 256, 0 },
	{ 1023, -EINVAL },
	{ VIRTQUEUE_SIZE_MAX, 0 },
	{ VIRTQUEUE_SIZE_MAX * 2, -EINVAL },
	{ 32768, -EINVAL },
	{ 32769, -EINVAL },
	{ 65536, -EINVAL },
	{ 65536 + 2, -EINVAL },
	{ UINT32_MAX, -EINVAL },
};

START_TEST(size_is_taken_or_refused) {
	struct guest_memory memory;
	struct virtqueue queue;
	guest_memory_init(&memory, false);
	virtqueue_init(&queue, &memory);
	ck_assert_int_eq(virtqueue_set_size(&queue, sizes[_i].size), sizes[_i].result);
	virtqueue_finish(&queue);
}
END_TEST

START_TEST(misaligned_addresses_are_refused) {
	struct ring_rig rig;
	ring_init(&rig, QUEUE_SIZE, 0);
	virtqueue_stop(&rig.queue);
	const struct virtqueue_addresses good = ring_addresses(&rig);
	const struct virtqueue_addresses bad[] = {
		{ good.descriptors + 8, good.avail, good.used },
		{ good.descriptors, good.avail + 1, good.used },
		{ good.descriptors, good.avail, good.used + 2 },
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_int_eq(virtqueue_set_addresses(&rig.queue, &bad[i]), -EINVAL);
	}
	ring_finish(&rig);
}
END_TEST

START_TEST(started_ring_is_not_changed) {
	struct ring_rig rig;
	ring_init(&rig, QUEUE_SIZE, 0);
	struct virtqueue_addresses addresses = ring_addresses(&rig);
	ck_assert_int_eq(virtqueue_set_size(&rig.queue, QUEUE_SIZE), -EBUSY);
	ck_assert_int_eq(virtqueue_set_base(&rig.queue, 0), -EBUSY);
	ck_assert_int_eq(virtqueue_set_addresses(&rig.queue, &addresses), 0); /* the same */
	addresses.used += 16;
	ck_assert_int_eq(virtqueue_set_addresses(&rig.queue, &addresses), -EBUSY);
	ck_assert_int_eq(virtqueue_start(&rig.queue, true, true), 0);
	ring_finish(&rig);
}
END_TEST

START_TEST(start_needs_size_and_addresses) {
	struct guest_memory memory;
	struct virtqueue queue;
	const struct virtqueue_addresses addresses = { 0, 0, 0 };
	guest_memory_init(&memory, false);
	virtqueue_init(&queue, &memory);
	ck_assert_int_eq(virtqueue_start(&queue, true, true), -EINVAL);
	ck_assert_int_eq(virtqueue_set_size(&queue, 8), 0);
	ck_assert_int_eq(virtqueue_start(&queue, true, true), -EINVAL);
	ck_assert_int_eq(virtqueue_set_addresses(&queue, &addresses), 0);
	ck_assert_int_eq(virtqueue_start(&queue, true, true), 0);
	queue.enabled = true;
	ck_assert(!virtqueue_is_live(&queue)); /* they lead nowhere */
	virtqueue_finish(&queue);
}
END_TEST

START_TEST(base_limits) {
	struct guest_memory memory;
	struct virtqueue queue;
	guest_memory_init(&memory, false);
	virtqueue_init(&queue, &memory);
	ck_assert_int_eq(virtqueue_set_base(&queue, 65535), 0);
	ck_assert_int_eq(virtqueue_set_base(&queue, 65536), -EINVAL);
	ck_assert_int_eq(virtqueue_set_base(&queue, UINT32_MAX), -EINVAL);
	virtqueue_finish(&queue);
}
END_TEST

/* Stop and start again goes on where it was, with what was added meanwhile. */
START_TEST(stop_and_start_goes_on) {
	struct ring_rig rig;
	ring_init(&rig, QUEUE_SIZE, 0);
	const struct vmm_buffer buffer = { rig.data, 8, true };
	struct virtqueue_chain chain;
	struct vmm_used used;
	for (int i = 0; i < 5; i++) {
		ck_assert_int_ge(vmm_queue_add(&rig.driver, &buffer, 1, false), 0);
		ck_assert_int_eq(virtqueue_pop(&rig.queue, &chain), 1);
		virtqueue_push(&rig.queue, chain.head, 1);
		ck_assert(vmm_queue_take(&rig.driver, &used));
	}
	virtqueue_stop(&rig.queue);
	ck_assert_uint_eq(rig.queue.avail_next, 5);
	ck_assert_int_ge(vmm_queue_add(&rig.driver, &buffer, 1, false), 0);
	ck_assert_int_eq(virtqueue_pop(&rig.queue, &chain), 0);
	ck_assert_int_eq(virtqueue_set_base(&rig.queue, 5), 0);
	ck_assert_int_eq(virtqueue_start(&rig.queue, true, true), 0);
	ck_assert_int_eq(virtqueue_pop(&rig.queue, &chain), 1);
	virtqueue_push(&rig.queue, chain.head, 3);
	ck_assert(vmm_queue_take(&rig.driver, &used));
	ck_assert_uint_eq(used.bytes, 3);
	ring_finish(&rig);
}
END_TEST

START_TEST(stop_forgets_chains_in_flight) {
	struct ring_rig rig;
	struct vmm_used used;
	ring_init(&rig, QUEUE_SIZE, 0);
	one_in_flight(&rig);
	virtqueue_stop(&rig.queue);
	virtqueue_push(&rig.queue, rig.driver.avail[2], 8);
	virtqueue_notify(&rig.queue);
	ck_assert(!vmm_queue_take(&rig.driver, &used));
	ck_assert_uint_eq(virtqueue_in_flight(&rig.queue), 0);
	ck_assert_uint_eq(fd_event_take(rig.driver.call_fd), 0);
	ring_finish(&rig);
}
END_TEST

START_TEST(ring_lives_while_its_memory_is_there) {
	struct ring_rig rig;
	ring_init(&rig, QUEUE_SIZE, 0);
	const struct vmm_buffer buffer = { rig.data, 8, true };
	struct virtqueue_chain chain;
	struct vmm_used used;
	const struct vmm_region *region = &rig.ram.regions[0];
	const struct guest_region_wire wire = { region->guest_address, region->bytes,
		region->user_address, region->file_offset };

	ck_assert_int_ge(vmm_queue_add(&rig.driver, &buffer, 1, false), 0);
	ck_assert_int_eq(guest_memory_remove(&rig.memory, &wire), 0);
	virtqueue_translate(&rig.queue);
	ck_assert(!virtqueue_is_live(&rig.queue));
	ck_assert_int_eq(virtqueue_pop(&rig.queue, &chain), 0);

	ck_assert_int_eq(guest_memory_add(&rig.memory, &wire, dup(rig.ram.fd)), 0);
	virtqueue_translate(&rig.queue);
	ck_assert(virtqueue_is_live(&rig.queue));
	ck_assert_int_eq(virtqueue_pop(&rig.queue, &chain), 1);
	virtqueue_push(&rig.queue, chain.head, 8);
	ck_assert(vmm_queue_take(&rig.driver, &used));
	ring_finish(&rig);
}
END_TEST

/* A ring's last bytes are past its region: it must not start. */
START_TEST(rings_must_fit_their_region) {
	struct ring_rig rig;
	ring_init(&rig, QUEUE_SIZE, 0);
	virtqueue_stop(&rig.queue);
	const struct vmm_region *region = &rig.ram.regions[2];
	const uint64_t end = region->user_address + region->bytes;
	const struct virtqueue_addresses good = ring_addresses(&rig);
	const struct virtqueue_addresses bad[] = {
		{ end - 16 * QUEUE_SIZE + 16, good.avail, good.used },
		{ good.descriptors, end - (6 + 2 * QUEUE_SIZE) + 2, good.used },
		{ good.descriptors, good.avail, end - 8 * QUEUE_SIZE },
		{ good.descriptors, good.avail, end },
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_int_eq(virtqueue_set_addresses(&rig.queue, &bad[i]), 0);
		ck_assert_int_eq(virtqueue_start(&rig.queue, true, true), 0);
		ck_assert_msg(!virtqueue_is_live(&rig.queue), "row %zu", i);
		virtqueue_stop(&rig.queue);
	}
	ring_finish(&rig);
}
END_TEST

/* --- notifications ------------------------------------------------------------------------------------- */

static void complete_one(struct ring_rig *rig) {
	const struct vmm_buffer buffer = { rig->data, 8, true };
	struct virtqueue_chain chain;
	ck_assert_int_ge(vmm_queue_add(&rig->driver, &buffer, 1, false), 0);
	ck_assert_int_eq(virtqueue_pop(&rig->queue, &chain), 1);
	virtqueue_push(&rig->queue, chain.head, 8);
	virtqueue_notify(&rig->queue);
}

START_TEST(flag_suppresses_interrupts) {
	struct ring_rig rig;
	struct vmm_used used;
	ring_init(&rig, QUEUE_SIZE, PLAIN);
	complete_one(&rig);
	ck_assert_uint_eq(fd_event_take(rig.driver.call_fd), 1);
	rig.driver.avail[0] = 1; /* VIRTQ_AVAIL_F_NO_INTERRUPT */
	complete_one(&rig);
	ck_assert_uint_eq(fd_event_take(rig.driver.call_fd), 0);
	virtqueue_notify(&rig.queue); /* nothing new: nothing to say */
	ck_assert_uint_eq(fd_event_take(rig.driver.call_fd), 0);
	ck_assert(vmm_queue_take(&rig.driver, &used));
	ring_finish(&rig);
}
END_TEST

START_TEST(event_index_decides) {
	struct ring_rig rig;
	struct vmm_used used;
	ring_init(&rig, QUEUE_SIZE, 0);
	complete_one(&rig);
	ck_assert_uint_eq(fd_event_take(rig.driver.call_fd), 1);
	/* the driver did not look yet: its used_event is still 0 */
	complete_one(&rig);
	ck_assert_uint_eq(fd_event_take(rig.driver.call_fd), 0);
	while (vmm_queue_take(&rig.driver, &used)) {
	}
	complete_one(&rig);
	ck_assert_uint_eq(fd_event_take(rig.driver.call_fd), 1);
	/* garbage is only a wish */
	rig.driver.avail[2 + QUEUE_SIZE] = 0x7777;
	complete_one(&rig);
	ck_assert_uint_eq(fd_event_take(rig.driver.call_fd), 0);
	ring_finish(&rig);
}
END_TEST

START_TEST(empty_ring_asks_for_a_kick) {
	struct ring_rig rig;
	struct virtqueue_chain chain;
	ring_init(&rig, QUEUE_SIZE, 0);
	complete_one(&rig);
	ck_assert_int_eq(virtqueue_pop(&rig.queue, &chain), 0);
	const struct vmm_buffer buffer = { rig.data, 8, true };
	rig.driver.kicked_idx = rig.driver.avail_idx;
	ck_assert_int_ge(vmm_queue_add(&rig.driver, &buffer, 1, false), 0);
	vmm_queue_kick(&rig.driver);
	ck_assert_uint_eq(fd_event_take(rig.driver.kick_fd), 1);
	/* not empty yet: no kick for the second */
	ck_assert_int_ge(vmm_queue_add(&rig.driver, &buffer, 1, false), 0);
	vmm_queue_kick(&rig.driver);
	ck_assert_uint_eq(fd_event_take(rig.driver.kick_fd), 0);
	ring_finish(&rig);
}
END_TEST

START_TEST(revisit_finds_chains_without_a_kick) {
	struct ring_rig rig;
	struct virtqueue_chain chain;
	ring_init(&rig, QUEUE_SIZE, 0);
	ck_assert(!virtqueue_revisit(&rig.queue));
	const struct vmm_buffer buffer = { rig.data, 8, true };
	ck_assert_int_ge(vmm_queue_add(&rig.driver, &buffer, 1, false), 0);
	ck_assert(virtqueue_revisit(&rig.queue));
	ck_assert_int_eq(virtqueue_pop(&rig.queue, &chain), 1);
	ck_assert_msg(!virtqueue_revisit(&rig.queue), "what is in flight is taken");
	virtqueue_stop(&rig.queue);
	ck_assert(!virtqueue_revisit(&rig.queue));
	ring_finish(&rig);
}
END_TEST

START_TEST(revisit_makes_the_call_that_was_lost) {
	struct ring_rig rig;
	struct vmm_used used;
	ring_init(&rig, QUEUE_SIZE, 0);
	volatile uint16_t *used_event = &rig.driver.avail[2 + QUEUE_SIZE];
	complete_one(&rig);
	while (vmm_queue_take(&rig.driver, &used)) {
	}
	ck_assert_uint_eq(fd_event_take(rig.driver.call_fd), 1);
	/* what the driver asks for comes to be seen too late, and is not due any more for the second */
	uint16_t asked = *used_event;
	*used_event = 0;
	complete_one(&rig);
	*used_event = asked;
	complete_one(&rig);
	ck_assert_uint_eq(fd_event_take(rig.driver.call_fd), 0);
	virtqueue_revisit(&rig.queue);
	ck_assert_uint_eq(fd_event_take(rig.driver.call_fd), 1);
	virtqueue_revisit(&rig.queue);
	ck_assert_msg(fd_event_take(rig.driver.call_fd) == 0, "once is enough");
	ring_finish(&rig);
}
END_TEST

START_TEST(revisit_leaves_alone_who_wants_no_call) {
	struct ring_rig rig;
	struct vmm_used used;
	ring_init(&rig, QUEUE_SIZE, 0);
	complete_one(&rig);
	complete_one(&rig);
	while (vmm_queue_take(&rig.driver, &used)) {
	}
	fd_event_take(rig.driver.call_fd);
	virtqueue_revisit(&rig.queue);
	ck_assert_msg(fd_event_take(rig.driver.call_fd) == 0, "it has seen everything");
	ring_finish(&rig);
}
END_TEST

START_TEST(full_call_descriptor_does_not_block) {
	struct ring_rig rig;
	const uint64_t full = UINT64_MAX - 1;
	ring_init(&rig, QUEUE_SIZE, PLAIN);
	ck_assert_int_eq(write(rig.driver.call_fd, &full, sizeof(full)), sizeof(full));
	complete_one(&rig);
	ring_finish(&rig);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("protocol virtqueue");
	TCase *use = suite_case(suite, "use");
	tcase_add_loop_test(use, chains_come_out_as_they_went_in, 0, 4);
	tcase_add_test(use, completes_out_of_order);
	tcase_add_loop_test(use, ring_of_one, 0, 2);
	tcase_add_test(use, one_chain_uses_the_whole_ring);
	tcase_add_test(use, longest_chain_is_taken);
	tcase_add_test(use, longest_chain_of_empty_descriptors);
	tcase_add_test(use, buffer_over_two_regions_is_split);
	TCase *hostile = suite_case(suite, "hostile");
	tcase_add_loop_test(hostile, descriptors_are_taken_or_break_the_ring, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(hostile, available_ring_breaks_the_ring, 0, ARRAY_LEN(avail_rows));
	tcase_add_test(hostile, push_to_a_broken_ring_is_dropped);
	TCase *state = suite_case(suite, "state");
	tcase_add_loop_test(state, size_is_taken_or_refused, 0, ARRAY_LEN(sizes));
	tcase_add_test(state, misaligned_addresses_are_refused);
	tcase_add_test(state, started_ring_is_not_changed);
	tcase_add_test(state, start_needs_size_and_addresses);
	tcase_add_test(state, base_limits);
	tcase_add_test(state, stop_and_start_goes_on);
	tcase_add_test(state, stop_forgets_chains_in_flight);
	tcase_add_test(state, ring_lives_while_its_memory_is_there);
	tcase_add_test(state, rings_must_fit_their_region);
	TCase *notify = suite_case(suite, "notify");
	tcase_add_test(notify, flag_suppresses_interrupts);
	tcase_add_test(notify, event_index_decides);
	tcase_add_test(notify, empty_ring_asks_for_a_kick);
	tcase_add_test(notify, revisit_finds_chains_without_a_kick);
	tcase_add_test(notify, revisit_makes_the_call_that_was_lost);
	tcase_add_test(notify, revisit_leaves_alone_who_wants_no_call);
	tcase_add_test(notify, full_call_descriptor_does_not_block);
	return suite;
}
