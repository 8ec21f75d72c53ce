#include "protocol/guest_memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/macros.h"
#include "tests/suite.h"

#define PAGE 4096u
#define FILE_BYTES (16u * PAGE)

static int file_create(unsigned seals) {
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, FILE_BYTES), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static int sealed_file(void) {
	return file_create(F_SEAL_SHRINK | F_SEAL_GROW);
}

static unsigned open_fds(void) {
	DIR *dir = opendir("/proc/self/fd");
	ck_assert_ptr_nonnull(dir);
	unsigned count = 0;
	while (readdir(dir) != NULL) {
		count++;
	}
	closedir(dir);
	return count;
}

/* Mappings of the test's files: a sanitizer makes others as it likes. */
static unsigned open_maps(void) {
	char line[512];
	unsigned count = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		count += strstr(line, "memfd:test") != NULL ? 1 : 0;
	}
	fclose(maps);
	return count;
}

/* --- tables that are taken or refused ------------------------------------------------------------ */

#define TOP UINT64_MAX

static const struct {
	const char *name;
	size_t len;
	struct guest_region_wire wire[3]; /* guest, size, user, offset */
	int result;
} tables[] = {
	{ "one", 1, { { 0, PAGE, 0x10000, 0 } }, 0 },
	{ "two that touch", 2, { { 0, PAGE, 0x10000, 0 }, { PAGE, PAGE, 0x10000 + PAGE, PAGE } },
		0 },
	{ "unordered", 2, { { 8 * PAGE, PAGE, 0x10000, 0 }, { 0, PAGE, 0x20000, PAGE } }, 0 },
	{ "a file twice", 2, { { 0, PAGE, 0x10000, 0 }, { 8 * PAGE, PAGE, 0x20000, 0 } }, 0 },
	{ "no whole page", 1, { { 0, PAGE + 1, 0x10000, 0 } }, 0 },
	{ "the file's last byte", 1, { { 0, FILE_BYTES, 0x10000, 0 } }, 0 },
	{ "size 0", 1, { { 0, 0, 0x10000, 0 } }, -EINVAL },
	{ "guest address wraps", 1, { { TOP - PAGE + 2, PAGE, 0x10000, 0 } }, -EINVAL },
	{ "user address wraps", 1, { { 0, PAGE, TOP - PAGE + 2, 0 } }, -EINVAL },
	{ "size of everything", 1, { { 0, TOP, 0x10000, 0 } }, -EINVAL },
	{ "offset wraps", 1, { { 0, PAGE, 0x10000, TOP - PAGE + 1 } }, -EINVAL },
	{ "offset and size pass 63 bits", 1, { { 0, PAGE, 0x10000, (UINT64_C(1) << 63) - PAGE } },
		-EINVAL },
	{ "offset within a page", 1, { { 0, PAGE, 0x10000, 512 } }, -EINVAL },
	{ "larger than the file", 1, { { 0, FILE_BYTES + 1, 0x10000, 0 } }, -EBADF },
	{ "past the file by its offset", 1, { { 0, PAGE, 0x10000, FILE_BYTES } }, -EBADF },
	{ "overlap in guest addresses", 2,
		{ { 0, 2 * PAGE, 0x10000, 0 }, { PAGE, PAGE, 0x20000, 0 } }, -EINVAL },
	{ "overlap in user addresses", 2,
		{ { 0, 2 * PAGE, 0x10000, 0 }, { 8 * PAGE, PAGE, 0x10000 + PAGE, 0 } }, -EINVAL },
	{ "overlap by the last byte", 2, { { PAGE, PAGE, 0x10000, 0 }, { 1, PAGE, 0x20000, 0 } },
		-EINVAL },
	{ "the same twice", 2, { { 0, PAGE, 0x10000, 0 }, { 0, PAGE, 0x10000, 0 } }, -EINVAL },
	{ "the third is bad", 3,
		{ { 0, PAGE, 0x10000, 0 }, { 2 * PAGE, PAGE, 0x20000, 0 },
			{ 4 * PAGE, FILE_BYTES + PAGE, 0x30000, 0 } },
		-EBADF },
};

START_TEST(table_is_taken_or_refused) {
	struct guest_memory memory;
	int fds[3];
	unsigned maps_before = open_maps();
	guest_memory_init(&memory, false);

	/* refused means: what was there stands */
	const struct guest_region_wire before = { 64 * PAGE, PAGE, 0x900000, 0 };
	int before_fd = sealed_file();
	ck_assert_int_eq(guest_memory_set_table(&memory, &before, &before_fd, 1), 0);
	const uint8_t *base = memory.regions[0].base;

	for (size_t i = 0; i < tables[_i].len; i++) {
		fds[i] = sealed_file();
	}
	int result = guest_memory_set_table(&memory, tables[_i].wire, fds, tables[_i].len);
	ck_assert_msg(result == tables[_i].result, "%s: %d", tables[_i].name, result);
	if (result < 0) {
		ck_assert_uint_eq(memory.regions_len, 1);
		ck_assert_ptr_eq(memory.regions[0].base, base);
		ck_assert_uint_eq(memory.generation, 0);
	} else {
		ck_assert_uint_eq(memory.regions_len, tables[_i].len);
		ck_assert_uint_eq(memory.generation, 1);
		for (size_t i = 1; i < tables[_i].len; i++) {
			ck_assert_uint_lt(memory.regions[i - 1].guest_address,
				memory.regions[i].guest_address);
		}
	}
	guest_memory_finish(&memory);
	ck_assert_uint_eq(open_maps(), maps_before);
}
END_TEST

START_TEST(table_length_is_limited) {
	struct guest_memory memory;
	struct guest_region_wire wire[GUEST_MEMORY_REGIONS_MAX + 1];
	int fds[GUEST_MEMORY_REGIONS_MAX + 1];
	guest_memory_init(&memory, false);
	for (size_t i = 0; i < ARRAY_LEN(wire); i++) {
		wire[i] = (struct guest_region_wire) { i * PAGE, PAGE, 0x10000 + i * PAGE, 0 };
		fds[i] = sealed_file();
	}
	ck_assert_int_eq(guest_memory_set_table(&memory, wire, fds, 0), -EINVAL);
	ck_assert_int_eq(guest_memory_set_table(&memory, wire, fds, ARRAY_LEN(wire)), -EINVAL);
	for (size_t i = 0; i < ARRAY_LEN(wire); i++) {
		fds[i] = sealed_file();
	}
	int spare = fds[GUEST_MEMORY_REGIONS_MAX];
	ck_assert_int_eq(guest_memory_set_table(&memory, wire, fds, GUEST_MEMORY_REGIONS_MAX), 0);
	ck_assert_int_eq(
		guest_memory_add(&memory, &wire[GUEST_MEMORY_REGIONS_MAX], spare), -ENOSPC);
	guest_memory_finish(&memory);
}
END_TEST

/* --- files that can back memory, or not ----------------------------------------------------------- */

static int open_directory(void) {
	return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_zero(void) {
	return open("/dev/zero", O_RDWR | O_CLOEXEC);
}

static int open_pipe(void) {
	int pair[2];
	ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
	close(pair[1]);
	return pair[0];
}

static int open_readonly(void) {
	int fd = sealed_file();
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int readonly = open(path, O_RDONLY | O_CLOEXEC);
	close(fd);
	return readonly;
}

static int open_unsealed(void) {
	return file_create(0);
}

static int open_write_sealed(void) {
	return file_create(F_SEAL_SHRINK | F_SEAL_WRITE);
}

static const struct {
	const char *name;
	int (*open)(void);
	bool allow_unsealed;
	int result;
} files[] = {
	{ "sealed", sealed_file, false, 0 },
	{ "unsealed, refused", open_unsealed, false, -EPERM },
	{ "unsealed, allowed", open_unsealed, true, 0 },
	{ "directory", open_directory, true, -EBADF },
	{ "device", open_zero, true, -EBADF },
	{ "pipe", open_pipe, true, -EBADF },
	{ "read-only", open_readonly, true, -EACCES },
	{ "write-sealed", open_write_sealed, true, -EPERM },
};

START_TEST(file_is_taken_or_refused) {
	const struct guest_region_wire wire = { 0, PAGE, 0x10000, 0 };
	struct guest_memory memory;
	guest_memory_init(&memory, files[_i].allow_unsealed);
	int result = guest_memory_add(&memory, &wire, files[_i].open());
	ck_assert_msg(result == files[_i].result, "%s: %d", files[_i].name, result);
	int fd = files[_i].open();
	result = guest_memory_set_table(&memory, &wire, &fd, 1);
	ck_assert_msg(result == files[_i].result, "%s: %d", files[_i].name, result);
	guest_memory_finish(&memory);
}
END_TEST

/* --- regions that come again ----------------------------------------------------------------------- */

START_TEST(unchanged_region_keeps_its_mapping) {
	struct guest_memory memory;
	guest_memory_init(&memory, false);
	const struct guest_region_wire wire[] = {
		{ 0, PAGE, 0x10000, 0 },
		{ 8 * PAGE, PAGE, 0x20000, PAGE },
		{ 16 * PAGE, PAGE, 0x30000, 2 * PAGE },
	};
	int file = sealed_file();
	int fds[] = { dup(file), dup(file), dup(file) };
	ck_assert_int_eq(guest_memory_set_table(&memory, wire, fds, 2), 0);
	uint8_t *first = memory.regions[0].base, *second = memory.regions[1].base;

	/* one more: nothing went away */
	fds[0] = dup(file);
	fds[1] = dup(file);
	ck_assert_int_eq(guest_memory_set_table(&memory, wire, fds, 3), 0);
	ck_assert_ptr_eq(memory.regions[0].base, first);
	ck_assert_ptr_eq(memory.regions[1].base, second);
	ck_assert_uint_eq(memory.generation, 0);

	/* one less */
	fds[0] = dup(file);
	fds[1] = dup(file);
	ck_assert_int_eq(guest_memory_set_table(&memory, wire + 1, fds, 2), 0);
	ck_assert_ptr_eq(memory.regions[0].base, second);
	ck_assert_uint_eq(memory.generation, 1);

	/* the same place, another file */
	int other = sealed_file();
	ck_assert_int_eq(guest_memory_set_table(&memory, wire + 1, &other, 1), 0);
	ck_assert_uint_eq(memory.generation, 3);
	close(file);
	guest_memory_finish(&memory);
}
END_TEST

START_TEST(repeated_tables_do_not_grow) {
	struct guest_memory memory;
	guest_memory_init(&memory, false);
	const struct guest_region_wire wire[] = {
		{ 0, PAGE, 0x10000, 0 },
		{ 8 * PAGE, PAGE, 0x20000, PAGE },
		{ 8 * PAGE, PAGE, 0x20000, 2 * PAGE },
	};
	int file = sealed_file();
	unsigned fds_before = open_fds(), maps_before = open_maps();
	for (int i = 0; i < 10000; i++) {
		int fds[] = { dup(file), dup(file) };
		const struct guest_region_wire pair[] = { wire[0], wire[1 + i % 2] };
		ck_assert_int_eq(guest_memory_set_table(&memory, pair, fds, 2), 0);
	}
	ck_assert_uint_eq(open_fds(), fds_before + 2);
	ck_assert_uint_eq(open_maps(), maps_before + 2);
	close(file);
	guest_memory_finish(&memory);
}
END_TEST

START_TEST(regions_are_added_and_removed) {
	struct guest_memory memory;
	guest_memory_init(&memory, false);
	const struct guest_region_wire high = { 8 * PAGE, PAGE, 0x20000, PAGE };
	const struct guest_region_wire low = { 0, PAGE, 0x10000, 0 };
	const struct guest_region_wire over = { 8 * PAGE, PAGE, 0x90000, PAGE };
	ck_assert_int_eq(guest_memory_add(&memory, &high, sealed_file()), 0);
	ck_assert_int_eq(guest_memory_add(&memory, &low, sealed_file()), 0);
	ck_assert_uint_eq(memory.regions[0].guest_address, 0);
	ck_assert_int_eq(guest_memory_add(&memory, &high, sealed_file()), -EINVAL);
	ck_assert_int_eq(guest_memory_add(&memory, &over, sealed_file()), -EINVAL);
	ck_assert_uint_eq(memory.generation, 0);

	struct guest_region_wire gone = low;
	gone.size_bytes = 2 * PAGE;
	ck_assert_int_eq(guest_memory_remove(&memory, &gone), -ENOENT);
	gone = low;
	gone.user_address++;
	ck_assert_int_eq(guest_memory_remove(&memory, &gone), -ENOENT);
	gone = low;
	gone.file_offset = 77; /* ignored */
	ck_assert_int_eq(guest_memory_remove(&memory, &gone), 0);
	ck_assert_int_eq(guest_memory_remove(&memory, &gone), -ENOENT);
	ck_assert_uint_eq(memory.regions_len, 1);
	ck_assert_uint_eq(memory.generation, 1);
	guest_memory_finish(&memory);
}
END_TEST

/* --- ranges ---------------------------------------------------------------------------------------- */

/* [0x10000, +2 pages) and [0x12000, +1 page) touch; [0x20000, +1 page) stands alone. */
static void memory_with_three(struct guest_memory *memory) {
	const struct guest_region_wire wire[] = {
		{ 0x10000, 2 * PAGE, 0x710000, 0 },
		{ 0x12000, PAGE, 0x720000, 4 * PAGE },
		{ 0x20000, PAGE, 0x730000, 8 * PAGE },
	};
	int file = sealed_file();
	int fds[] = { dup(file), dup(file), file };
	guest_memory_init(memory, false);
	ck_assert_int_eq(guest_memory_set_table(memory, wire, fds, 3), 0);
}

static const struct {
	const char *name;
	uint64_t address, len;
	size_t spans_max;
	int result;
	uint64_t lens[2];
} ranges[] = {
	{ "first byte", 0x10000, 1, 2, 1, { 1 } },
	{ "a region", 0x10000, 2 * PAGE, 2, 1, { 2 * PAGE } },
	{ "over two regions", 0x11ff0, 0x20, 2, 2, { 0x10, 0x10 } },
	{ "both regions", 0x10000, 3 * PAGE, 2, 2, { 2 * PAGE, PAGE } },
	{ "no room for the second", 0x11ff0, 0x20, 1, -ENOSPC, { 0 } },
	{ "no room at all", 0x10000, 1, 0, -ENOSPC, { 0 } },
	{ "nothing", 0x10000, 0, 2, -EINVAL, { 0 } },
	{ "below", 0xffff, 1, 2, -EFAULT, { 0 } },
	{ "begins below", 0xffff, 2, 2, -EFAULT, { 0 } },
	{ "into a hole", 0x12ff0, 0x11, 2, -EFAULT, { 0 } },
	{ "in a hole", 0x13000, 1, 2, -EFAULT, { 0 } },
	{ "over a hole", 0x12000, 0x9000, 8, -EFAULT, { 0 } },
	{ "last byte", 0x20fff, 1, 2, 1, { 1 } },
	{ "past the last", 0x20fff, 2, 2, -EFAULT, { 0 } },
	{ "wraps", TOP - 1, 4, 2, -EINVAL, { 0 } },
	{ "wraps by its length", 0x10000, TOP, 2, -EINVAL, { 0 } },
	{ "4 GiB", 0x10000, UINT64_C(1) << 32, 8, -EFAULT, { 0 } },
};

START_TEST(range_becomes_exact_spans) {
	struct guest_memory memory;
	struct span spans[8] = { { NULL, 0 } };
	memory_with_three(&memory);
	int result = guest_memory_spans(
		&memory, ranges[_i].address, ranges[_i].len, spans, ranges[_i].spans_max);
	ck_assert_msg(result == ranges[_i].result, "%s: %d", ranges[_i].name, result);
	for (int i = 0; i < result; i++) {
		ck_assert_uint_eq(spans[i].len, ranges[_i].lens[i]);
		memset(spans[i].base, 0x5a, spans[i].len); /* it is there */
	}
	if (result > 0) {
		ck_assert_uint_eq(spans_bytes(spans, (size_t)result), ranges[_i].len);
	}
	guest_memory_finish(&memory);
}
END_TEST

START_TEST(user_range_is_in_one_region) {
	struct guest_memory memory;
	memory_with_three(&memory);
	uint8_t *base = memory.regions[0].base;
	ck_assert_ptr_eq(guest_memory_from_user(&memory, 0x710000, 2 * PAGE), base);
	ck_assert_ptr_eq(guest_memory_from_user(&memory, 0x711fff, 1), base + 0x1fff);
	ck_assert_ptr_null(guest_memory_from_user(&memory, 0x711fff, 2));
	ck_assert_ptr_null(guest_memory_from_user(&memory, 0x710000, 2 * PAGE + 1));
	ck_assert_ptr_null(guest_memory_from_user(&memory, 0x70ffff, 2));
	ck_assert_ptr_null(guest_memory_from_user(&memory, 0x710000, 0));
	ck_assert_ptr_null(guest_memory_from_user(&memory, 0x710000, TOP));
	ck_assert_ptr_null(guest_memory_from_user(&memory, TOP, 1));
	ck_assert_ptr_null(guest_memory_from_user(&memory, 0x10000, 1)); /* a guest address */
	guest_memory_finish(&memory);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("protocol guest_memory");
	TCase *table = suite_case(suite, "table");
	tcase_add_loop_test(table, table_is_taken_or_refused, 0, ARRAY_LEN(tables));
	tcase_add_test(table, table_length_is_limited);
	tcase_add_loop_test(table, file_is_taken_or_refused, 0, ARRAY_LEN(files));
	tcase_add_test(table, unchanged_region_keeps_its_mapping);
	tcase_add_test(table, repeated_tables_do_not_grow);
	tcase_add_test(table, regions_are_added_and_removed);
	TCase *range = suite_case(suite, "range");
	tcase_add_loop_test(range, range_becomes_exact_spans, 0, ARRAY_LEN(ranges));
	tcase_add_test(range, user_range_is_in_one_region);
	return suite;
}
