#include "gpu/backing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/macros.h"
#include "core/pixel_format.h"
#include "protocol/virtio_gpu.h"
#include "tests/suite.h"
#include "tests/support/fault.h"
#include "tests/vmm/vmm_ram.h"

/* two regions with a hole between them */
#define REGION UINT64_C(0x40000)
#define HOLE UINT64_C(0x1000)
#define FIRST VMM_RAM_GUEST_BASE
#define SECOND (FIRST + REGION + HOLE)
#define BUDGET 1000000
#define ENTRIES_MAX 512
#define LIST_BYTES (5 + ENTRIES_MAX * VIRTIO_GPU_ENTRY_BYTES)

static struct vmm_ram ram;
static struct guest_memory memory;
static struct image_store store;
static struct guest_region_wire wire[2];

static int region_fd(void) {
	int fd = fcntl(ram.fd, F_DUPFD_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void make(uint64_t budget) {
	const struct vmm_ram_options options = {
		.bytes = 2 * REGION,
		.regions_len = 2,
		.hole_bytes = HOLE,
	};
	ck_assert_int_eq(vmm_ram_init(&ram, &options), 0);
	for (uint32_t i = 0; i < ram.bytes / 4; i++) {
		memcpy(ram.base + (size_t)i * 4, &i, 4); /* no pixel is like another */
	}
	guest_memory_init(&memory, false);
	int fds[2];
	for (size_t i = 0; i < 2; i++) {
		wire[i] = (struct guest_region_wire) {
			.guest_address = ram.regions[i].guest_address,
			.size_bytes = ram.regions[i].bytes,
			.user_address = ram.regions[i].user_address,
			.file_offset = ram.regions[i].file_offset,
		};
		fds[i] = region_fd();
	}
	ck_assert_uint_eq(wire[0].guest_address, FIRST);
	ck_assert_uint_eq(wire[1].guest_address, SECOND);
	ck_assert_int_eq(guest_memory_set_table(&memory, wire, fds, 2), 0);
	store = (struct image_store) { .memory_budget = budget };
}

static void unmake(void) {
	ck_assert_uint_eq(store.memory_bytes, 0);
	guest_memory_finish(&memory);
	vmm_ram_finish(&ram);
}

/* A list of entries as it lies in a chain: in pieces of 7 bytes, behind 5 that belong to the command. */
struct list {
	uint8_t data[LIST_BYTES];
	struct span spans[LIST_BYTES / 7 + 1];
	struct backing_source source;
};

static struct list list;

static void prepare(const struct virtio_gpu_entry *entries, uint32_t len) {
	size_t bytes = 5;
	ck_assert_uint_le(len, ENTRIES_MAX);
	for (uint32_t i = 0; i < len; i++, bytes += VIRTIO_GPU_ENTRY_BYTES) {
		/* little-endian, as this test's machine is; the last four are padding */
		memset(list.data + bytes, 0xee, VIRTIO_GPU_ENTRY_BYTES);
		memcpy(list.data + bytes, &entries[i].address, 8);
		memcpy(list.data + bytes + 8, &entries[i].len, 4);
	}
	size_t spans_len = 0;
	for (size_t at = 0; at < bytes; at += 7) {
		list.spans[spans_len++] =
			(struct span) { .base = list.data + at, .len = MIN(7, bytes - at) };
	}
	list.source = (struct backing_source) {
		.spans = list.spans,
		.spans_len = spans_len,
		.offset = 5,
		.entries_len = len,
	};
}

static int init(struct backing *backing, const struct virtio_gpu_entry *entries, uint32_t len) {
	prepare(entries, len);
	return backing_init(backing, &list.source, &memory, &store);
}

static void expect_empty(const struct backing *backing) {
	ck_assert(!backing_is_present(backing));
	ck_assert_ptr_null(backing->spans);
	ck_assert_uint_eq(backing->bytes, 0);
	ck_assert_uint_eq(backing->taken_bytes, 0);
	ck_assert_uint_eq(store.memory_bytes, 0);
}

/* The byte string of a list. The caller frees it. */
static uint8_t *string_of(const struct virtio_gpu_entry *entries, uint32_t len, uint64_t *bytes) {
	uint64_t all_bytes = 0;
	for (uint32_t i = 0; i < len; i++) {
		all_bytes += entries[i].len;
	}
	uint8_t *string = malloc(all_bytes);
	ck_assert_ptr_nonnull(string);
	*bytes = 0;
	for (uint32_t i = 0; i < len; i++) {
		const void *at = vmm_ram_at(&ram, entries[i].address, entries[i].len);
		ck_assert_ptr_nonnull(at);
		memcpy(string + *bytes, at, entries[i].len);
		*bytes += entries[i].len;
	}
	return string;
}

static const struct {
	const char *name;
	struct virtio_gpu_entry entries[4];
	uint32_t len;
	int result;
	uint32_t ranges_len, spans_len; /* spans 0: as the mappings happen to lie */
} rows[] = {
	{ "one page", { { FIRST, 4096 } }, 1, 0, 1, 1 },
	{ "the last page", { { SECOND + REGION - 4096, 4096 } }, 1, 0, 1, 1 },
	{ "a whole region", { { SECOND, REGION } }, 1, 0, 1, 1 },
	{ "neighbours", { { FIRST, 4096 }, { FIRST + 4096, 4096 } }, 2, 0, 1, 1 },
	{ "neighbours backwards", { { FIRST + 4096, 4096 }, { FIRST, 4096 } }, 2, 0, 2, 2 },
	{ "the same twice", { { FIRST, 4096 }, { FIRST, 4096 } }, 2, 0, 2, 2 },
	{ "overlapping", { { FIRST, 4096 }, { FIRST + 2048, 4096 } }, 2, 0, 2, 2 },
	{ "two of each",
		{ { FIRST, 64 }, { FIRST + 64, 64 }, { FIRST + 256, 64 }, { FIRST + 320, 64 } }, 4,
		0, 2, 2 },
	{ "both regions", { { FIRST + REGION - 4096, 4096 }, { SECOND, 4096 } }, 2, 0, 2, 0 },
	{ "single bytes",
		{ { FIRST + 1, 1 }, { FIRST + 99, 1 }, { FIRST + 7, 1 }, { SECOND + 3, 1 } }, 4, 0,
		4, 0 },

	{ "empty", { { FIRST, 0 } }, 1, -EINVAL, 0, 0 },
	{ "empty in the end", { { FIRST, 64 }, { FIRST + 64, 0 } }, 2, -EINVAL, 0, 0 },
	{ "wraps", { { UINT64_MAX - 4094, 4096 } }, 1, -EINVAL, 0, 0 },
	{ "wraps by a byte", { { UINT64_MAX, 1 } }, 1, -EINVAL, 0, 0 },
	{ "wraps later", { { FIRST, 64 }, { UINT64_MAX - 1, 3 } }, 2, -EINVAL, 0, 0 },
	{ "no memory at all", { { 0, 4096 } }, 1, -EFAULT, 0, 0 },
	{ "just below", { { FIRST - 1, 2 } }, 1, -EFAULT, 0, 0 },
	{ "just behind", { { SECOND + REGION - 1, 2 } }, 1, -EFAULT, 0, 0 },
	{ "into the hole", { { FIRST + REGION - 4, 8 } }, 1, -EFAULT, 0, 0 },
	{ "over the hole", { { FIRST, (uint32_t)(2 * REGION) } }, 1, -EFAULT, 0, 0 },
	{ "merged into the hole", { { FIRST + REGION - 64, 64 }, { FIRST + REGION, 64 } }, 2,
		-EFAULT, 0, 0 },
	{ "good, then bad", { { FIRST, 64 }, { SECOND, 64 }, { 64, 64 } }, 3, -EFAULT, 0, 0 },
	{ "the longest", { { FIRST, UINT32_MAX } }, 1, -EFAULT, 0, 0 },
};

START_TEST(a_list_becomes_a_string) {
	struct backing backing;
	make(BUDGET);
	int result = init(&backing, rows[_i].entries, rows[_i].len);
	ck_assert_msg(result == rows[_i].result, "%s: %d", rows[_i].name, result);
	if (result < 0) {
		expect_empty(&backing);
		unmake();
		return;
	}
	uint64_t bytes;
	uint8_t *string = string_of(rows[_i].entries, rows[_i].len, &bytes);
	uint8_t *copy = malloc(bytes);
	ck_assert_uint_eq(backing.bytes, bytes);
	ck_assert_uint_eq(backing.ranges_len, rows[_i].ranges_len);
	if (rows[_i].spans_len > 0) {
		ck_assert_uint_eq(backing.spans_len, rows[_i].spans_len);
	}
	const struct backing_picture picture = { .offset = 0, .stride = bytes };
	uint32_t pixels = (uint32_t)(bytes / PIXEL_BYTES);
	ck_assert(backing_has_picture(&backing, &picture, pixels, 1));
	ck_assert(!backing_has_picture(&backing, &picture, pixels + 1, 1));
	backing_copy_picture(&backing, &picture, copy, (uint32_t)bytes, pixels, 1);
	ck_assert_mem_eq(copy, string, bytes);
	free(copy);
	free(string);
	backing_finish(&backing, &store);
	expect_empty(&backing);
	unmake();
}
END_TEST

/* A string of pieces that never are neighbours: backwards, and from the end again when through. */
static void scatter(struct virtio_gpu_entry *entries, uint32_t len, uint32_t piece_bytes) {
	uint32_t pieces = (uint32_t)REGION / piece_bytes;
	for (uint32_t i = 0; i < len; i++) {
		entries[i] = (struct virtio_gpu_entry) {
			.address = (i % 2 == 0 ? FIRST : SECOND) +
				(uint64_t)(pieces - 1 - i % pieces) * piece_bytes,
			.len = piece_bytes,
		};
	}
}

static const struct {
	const char *name;
	uint32_t len, piece_bytes;
	struct backing_picture picture;
	uint32_t width, height, to_stride;
} pictures[] = {
	{ "a pixel", 3, 100, { 200, 4 }, 1, 1, 4 },
	{ "pixels over a seam", 3, 98, { 96, 4 }, 1, 1, 4 },
	{ "rows over seams", 5, 100, { 12, 52 }, 9, 8, 40 },
	{ "rows longer than pieces", 100, 20, { 8, 240 }, 50, 8, 200 },
	{ "one run", 100, 20, { 0, 200 }, 50, 10, 200 },
	{ "rows on each other", 5, 100, { 4, 0 }, 20, 7, 80 },
	{ "rows far apart", 500, 64, { 16, 9000 }, 30, 3, 120 },
	{ "into wider rows", 65, 64, { 0, 256 }, 64, 16, 300 },
	{ "large", 300, 4096, { 0, 4096 }, 1024, 300, 4096 },
	{ "large, a part", 400, 4096, { 404, 4100 }, 1000, 390, 4032 },
};

START_TEST(pictures_are_copied_row_by_row) {
	static struct virtio_gpu_entry entries[ENTRIES_MAX];
	struct backing backing;
	const struct backing_picture *picture = &pictures[_i].picture;
	make(BUDGET);
	scatter(entries, pictures[_i].len, pictures[_i].piece_bytes);
	ck_assert_int_eq(init(&backing, entries, pictures[_i].len), 0);
	ck_assert_uint_eq(backing.ranges_len, pictures[_i].len);

	uint64_t bytes;
	uint8_t *string = string_of(entries, pictures[_i].len, &bytes);
	size_t row_bytes = (size_t)pictures[_i].width * PIXEL_BYTES;
	size_t to_bytes = (size_t)pictures[_i].to_stride * pictures[_i].height;
	uint8_t *copy = malloc(to_bytes);
	memset(copy, 0xaa, to_bytes);
	ck_assert(backing_has_picture(&backing, picture, pictures[_i].width, pictures[_i].height));
	backing_copy_picture(&backing, picture, copy, pictures[_i].to_stride, pictures[_i].width,
		pictures[_i].height);
	for (uint32_t y = 0; y < pictures[_i].height; y++) {
		const uint8_t *row = copy + (size_t)y * pictures[_i].to_stride;
		ck_assert_msg(
			memcmp(row, string + picture->offset + y * picture->stride, row_bytes) == 0,
			"%s: row %u", pictures[_i].name, y);
		for (size_t x = row_bytes; x < pictures[_i].to_stride; x++) {
			ck_assert_uint_eq(row[x], 0xaa);
		}
	}
	free(copy);
	free(string);
	backing_finish(&backing, &store);
	unmake();
}
END_TEST

static const struct {
	const char *name;
	struct backing_picture picture;
	uint32_t width, height;
	bool fits; /* into 4096 bytes */
} places[] = {
	{ "all of it", { 0, 64 }, 16, 64, true },
	{ "a row more", { 0, 64 }, 16, 65, false },
	{ "a pixel more", { 0, 64 }, 17, 64, false },
	{ "a pixel later", { 4, 64 }, 16, 64, false },
	{ "a byte later", { 1, 64 }, 16, 64, false },
	{ "the last row needs no stride", { 4032, 1000000 }, 16, 1, true },
	{ "the last pixel", { 4092, 0 }, 1, 1, true },
	{ "not quite", { 4093, 0 }, 1, 1, false },
	{ "behind it", { 4096, 0 }, 1, 1, false },
	{ "no width", { 0, 64 }, 0, 1, false },
	{ "no height", { 0, 64 }, 1, 0, false },
	{ "rows over each other", { 0, 4 }, 16, 1009, true },
	{ "offset wraps", { UINT64_MAX - 3, 4 }, 1, 1, false },
	{ "stride wraps", { 0, UINT64_MAX }, 1, 2, false },
	{ "height wraps", { 0, UINT64_C(1) << 40 }, 1, (1u << 24) + 1, false },
	{ "the largest", { UINT64_MAX, UINT64_MAX }, UINT32_MAX, UINT32_MAX, false },
};

START_TEST(pictures_must_fit) {
	const struct virtio_gpu_entry entries[] = { { FIRST + 4096, 2048 }, { FIRST, 2048 } };
	struct backing backing;
	make(BUDGET);
	ck_assert_int_eq(init(&backing, entries, ARRAY_LEN(entries)), 0);
	ck_assert_msg(backing_has_picture(&backing, &places[_i].picture, places[_i].width,
			      places[_i].height) == places[_i].fits,
		"%s", places[_i].name);
	backing_finish(&backing, &store);
	unmake();
}
END_TEST

START_TEST(memory_may_go_and_come_back) {
	const struct virtio_gpu_entry entries[] = { { SECOND, 4096 }, { FIRST, 4096 } };
	const struct backing_picture picture = { .offset = 4096, .stride = 4096 };
	struct backing backing;
	uint32_t before, after;
	make(BUDGET);
	ck_assert_int_eq(init(&backing, entries, ARRAY_LEN(entries)), 0);
	uint64_t taken = store.memory_bytes;
	backing_copy_picture(&backing, &picture, (uint8_t *)&before, 4, 1, 1);

	ck_assert_int_eq(guest_memory_remove(&memory, &wire[1]), 0);
	for (int i = 0; i < 2; i++) { /* failing twice is no worse */
		ck_assert_int_eq(backing_translate(&backing, &memory, &store), -EFAULT);
		ck_assert_uint_eq(backing.bytes, 0);
		ck_assert(backing_is_present(&backing));
		ck_assert(!backing_has_picture(&backing, &picture, 1, 1));
	}
	ck_assert_int_eq(guest_memory_add(&memory, &wire[1], region_fd()), 0);
	ck_assert_int_eq(backing_translate(&backing, &memory, &store), 0);
	ck_assert_uint_eq(backing.bytes, 8192);
	ck_assert_uint_eq(store.memory_bytes, taken);
	backing_copy_picture(&backing, &picture, (uint8_t *)&after, 4, 1, 1);
	ck_assert_uint_eq(after, before);
	backing_finish(&backing, &store);
	unmake();
}
END_TEST

/* three entries: what their ranges take, and what their spans do */
#define RANGES_BYTES (3 * sizeof(struct backing_range))
#define SPANS_BYTES (3 * sizeof(struct backing_span))

static const struct {
	const char *name;
	uint64_t step; /* between entries of 64 bytes */
	uint64_t budget;
	int result;
	uint64_t taken;
} budgets[] = {
	{ "enough", 128, RANGES_BYTES + SPANS_BYTES, 0, RANGES_BYTES + SPANS_BYTES },
	{ "a byte short", 128, RANGES_BYTES + SPANS_BYTES - 1, -ENOMEM, 0 },
	{ "for ranges only", 128, RANGES_BYTES, -ENOMEM, 0 },
	{ "a byte short for ranges", 128, RANGES_BYTES - 1, -ENOMEM, 0 },
	{ "nothing", 128, 0, -ENOMEM, 0 },
	{ "merged, enough to read", 64, RANGES_BYTES, 0,
		sizeof(struct backing_range) + sizeof(struct backing_span) },
	{ "merged, a byte short", 64, RANGES_BYTES - 1, -ENOMEM, 0 },
};

START_TEST(lists_count_in_the_budget) {
	struct virtio_gpu_entry entries[3];
	struct backing backing;
	make(budgets[_i].budget);
	for (uint32_t i = 0; i < 3; i++) {
		entries[i] = (struct virtio_gpu_entry) { FIRST + i * budgets[_i].step, 64 };
	}
	int result = init(&backing, entries, 3);
	ck_assert_msg(result == budgets[_i].result, "%s: %d", budgets[_i].name, result);
	ck_assert_uint_eq(store.memory_bytes, budgets[_i].taken);
	if (result == 0) {
		backing_finish(&backing, &store);
	}
	expect_empty(&backing);
	unmake();
}
END_TEST

START_TEST(every_allocation_may_fail) {
	static struct virtio_gpu_entry entries[ENTRIES_MAX];
	struct backing backing;
	unsigned failed = 0;
	bool hit = true;
	make(BUDGET);
	scatter(entries, 100, 64);
	prepare(entries, 100); /* asserts allocate too */
	for (unsigned n = 1; hit; n++) {
		fault_at(n);
		int result = backing_init(&backing, &list.source, &memory, &store);
		hit = fault_hit();
		fault_off();
		if (result < 0) {
			ck_assert_int_eq(result, -ENOMEM);
			ck_assert(hit);
			expect_empty(&backing);
			failed++;
			continue;
		}
		/* also when it could only not be made smaller */
		ck_assert_uint_eq(backing.bytes, 6400);
		backing_finish(&backing, &store);
	}
	ck_assert_uint_gt(failed, 2); /* the ranges, and spans that grow */
	unmake();
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("gpu backing");
	TCase *lists = suite_case(suite, "lists");
	tcase_add_loop_test(lists, a_list_becomes_a_string, 0, ARRAY_LEN(rows));
	tcase_add_test(lists, memory_may_go_and_come_back);
	tcase_add_loop_test(lists, lists_count_in_the_budget, 0, ARRAY_LEN(budgets));
	tcase_add_test(lists, every_allocation_may_fail);
	TCase *copies = suite_case(suite, "pictures");
	tcase_add_loop_test(copies, pictures_must_fit, 0, ARRAY_LEN(places));
	tcase_add_loop_test(copies, pictures_are_copied_row_by_row, 0, ARRAY_LEN(pictures));
	return suite;
}
