#include "core/safety_page.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

#define RACE_RECORDS (200 * SAFETY_RECORDS)

static int page_fd;

static void make_page(void) {
	page_fd = safety_page_create_fd();
	ck_assert_int_ge(page_fd, 0);
}

static void close_page(void) {
	fd_close(&page_fd);
}

static struct safety_page *take_over(void) {
	struct safety_page *page = safety_page_map(fcntl(page_fd, F_DUPFD_CLOEXEC, 0));
	ck_assert_ptr_nonnull(page);
	return page;
}

static struct safety_record some_record(uint64_t detect_ns) {
	return (struct safety_record) {
		.detect_ns = detect_ns,
		.onset_ns = detect_ns - 1,
		.wall_ns = -5,
		.tick = 60,
		.incarnation = 77, /* not the caller's to say */
		.subject = SAFETY_LAYER,
		.cause = FAULT_FROZEN,
		.reaction = FAULT_REACTION_PLACEHOLDER,
		.name = "cluster",
		.from = "live",
		.to = "placeholder",
	};
}

static uint64_t add(struct safety_page *page, uint64_t detect_ns) {
	struct safety_record record = some_record(detect_ns);
	return safety_page_add(page, &record);
}

START_TEST(records_are_read_as_written) {
	struct safety_page *page = take_over();
	struct safety_record record;
	ck_assert(!safety_page_read(page, 0, &record));
	ck_assert(!safety_page_read(page, 1, &record));
	ck_assert_uint_eq(add(page, 1000), 1);
	ck_assert_uint_eq(add(page, 2000), 2);
	ck_assert_uint_eq(atomic_load(&page->newest), 2);

	const struct safety_page *reader = safety_page_map_reader(page_fd);
	ck_assert_ptr_nonnull(reader);
	ck_assert(safety_page_read(reader, 2, &record));
	ck_assert_uint_eq(atomic_load(&record.number), 2);
	ck_assert_uint_eq(record.detect_ns, 2000);
	ck_assert_uint_eq(record.onset_ns, 1999);
	ck_assert_uint_eq(record.safe_ns, 0);
	ck_assert_int_eq(record.wall_ns, -5);
	ck_assert_uint_eq(record.tick, 60);
	ck_assert_uint_eq(record.incarnation, 1);
	ck_assert_uint_eq(record.subject, SAFETY_LAYER);
	ck_assert_uint_eq(record.cause, FAULT_FROZEN);
	ck_assert_uint_eq(record.reaction, FAULT_REACTION_PLACEHOLDER);
	ck_assert_str_eq(record.name, "cluster");
	ck_assert_str_eq(record.from, "live");
	ck_assert_str_eq(record.to, "placeholder");

	safety_page_set_safe(page, 2, 2500);
	safety_page_set_safe(page, 0, 1);
	safety_page_set_safe(page, 3, 1);
	ck_assert(safety_page_read(reader, 2, &record));
	ck_assert_uint_eq(record.safe_ns, 2500);
	ck_assert(safety_page_read(reader, 1, &record));
	ck_assert_uint_eq(record.safe_ns, 0);
	ck_assert(!safety_page_read(reader, 3, &record));
	safety_page_unmap(reader);
	safety_page_unmap(page);
	safety_page_unmap(NULL);
}
END_TEST

START_TEST(the_newest_are_kept) {
	struct safety_page *page = take_over();
	struct safety_record record;
	const uint64_t newest = 3 * SAFETY_RECORDS + 5;
	for (uint64_t i = 1; i <= newest; i++) {
		ck_assert_uint_eq(add(page, i * 10), i);
	}
	ck_assert(!safety_page_read(page, newest - SAFETY_RECORDS, &record));
	ck_assert(!safety_page_read(page, newest + 1, &record));
	for (uint64_t i = newest - SAFETY_RECORDS + 1; i <= newest; i++) {
		ck_assert(safety_page_read(page, i, &record));
		ck_assert_uint_eq(record.detect_ns, i * 10);
	}
	/* an answer that comes too late for its record spoils no other */
	safety_page_set_safe(page, newest - SAFETY_RECORDS, 1);
	ck_assert(safety_page_read(page, newest, &record));
	ck_assert_uint_eq(record.safe_ns, 0);
	safety_page_unmap(page);
}
END_TEST

START_TEST(a_successor_goes_on) {
	struct safety_page *page = take_over();
	const struct rect place = { 1, 2, 3, 4 };
	ck_assert_uint_eq(atomic_load(&page->incarnation), 1);
	add(page, 10);
	ck_assert_ptr_nonnull(safety_page_add_region(page, "a", "b", "c", SAFETY_OFF, &place));
	safety_page_unmap(page);

	page = take_over();
	ck_assert_uint_eq(atomic_load(&page->incarnation), 2);
	ck_assert_uint_eq(atomic_load(&page->damaged), 0);
	ck_assert_uint_eq(atomic_load(&page->regions_len), 0);
	ck_assert_uint_eq(add(page, 20), 2);
	struct safety_record record;
	ck_assert(safety_page_read(page, 1, &record));
	ck_assert_uint_eq(record.incarnation, 1);
	ck_assert(safety_page_read(page, 2, &record));
	ck_assert_uint_eq(record.incarnation, 2);
	safety_page_unmap(page);
}
END_TEST

START_TEST(every_flipped_bit_of_a_record_is_found) {
	struct safety_page *page = take_over();
	add(page, 10);
	struct safety_record *slot = &page->records[1];
	for (size_t bit = 0; bit < sizeof(*slot) * 8; bit++) {
		uint8_t *byte = (uint8_t *)slot + bit / 8;
		*byte ^= (uint8_t)(1u << bit % 8);
		struct safety_record record;
		ck_assert_msg(!safety_page_read(page, 1, &record), "bit %zu", bit);
		*byte ^= (uint8_t)(1u << bit % 8);
		ck_assert(safety_page_read(page, 1, &record));
	}
	safety_page_unmap(page);
}
END_TEST

START_TEST(a_successor_counts_what_is_damaged) {
	struct safety_page *page = take_over();
	for (uint64_t i = 1; i <= SAFETY_RECORDS + 10; i++) {
		add(page, i);
	}
	page->records[3].cause ^= 1;
	atomic_store(&page->records[4].number, 0); /* it died in the middle of it */
	safety_page_unmap(page);
	page = take_over();
	ck_assert_uint_eq(atomic_load(&page->damaged), 2);
	ck_assert_uint_eq(add(page, 1), SAFETY_RECORDS + 11);
	safety_page_unmap(page);
}
END_TEST

/* Its writer died between a record and its number. */
START_TEST(a_successor_finds_the_last_record) {
	struct safety_page *page = take_over();
	for (uint64_t i = 1; i <= SAFETY_RECORDS + 1; i++) {
		add(page, i);
	}
	atomic_store(&page->newest, SAFETY_RECORDS);
	safety_page_unmap(page);
	page = take_over();
	ck_assert_uint_eq(atomic_load(&page->newest), SAFETY_RECORDS + 1);
	ck_assert_uint_eq(atomic_load(&page->damaged), 0);
	safety_page_unmap(page);
}
END_TEST

enum nonsense { MAGIC, VERSION, NEWEST };
static const struct {
	const char *name;
	enum nonsense nonsense;
} nonsenses[] = {
	{ "another magic", MAGIC },
	{ "another version", VERSION },
	{ "a number nobody reaches", NEWEST },
};

START_TEST(a_page_without_sense_is_begun_anew) {
	struct safety_page *page = take_over();
	add(page, 10);
	switch (nonsenses[_i].nonsense) {
	case MAGIC:
		atomic_fetch_xor(&page->magic, 1);
		break;
	case VERSION:
		atomic_fetch_add(&page->version, 1);
		break;
	case NEWEST:
		atomic_store(&page->newest, UINT64_MAX);
		break;
	}
	if (nonsenses[_i].nonsense != NEWEST) {
		ck_assert_ptr_null(safety_page_map_reader(page_fd));
		ck_assert_int_eq(errno, EINVAL);
	}
	safety_page_unmap(page);
	page = take_over();
	ck_assert_msg(atomic_load(&page->newest) == 0, "%s", nonsenses[_i].name);
	ck_assert_uint_eq(atomic_load(&page->incarnation), 1);
	struct safety_record record;
	ck_assert(!safety_page_read(page, 1, &record));
	ck_assert_uint_eq(add(page, 10), 1);
	safety_page_unmap(page);
}
END_TEST

START_TEST(readers_of_rubbish) {
	struct safety_page *page = take_over();
	struct safety_record written = some_record(10), record;
	memset(written.name, 0xa5, sizeof(written.name));
	memset(written.from, '\n', sizeof(written.from));
	ck_assert_uint_eq(safety_page_add(page, &written), 1);
	ck_assert(safety_page_read(page, 1, &record));
	ck_assert_str_eq(record.name, "???????????????????????????????");
	ck_assert_str_eq(record.from, "???????????????");
	uint32_t *const enums[] = { &written.subject, &written.cause, &written.reaction };
	const uint32_t ends[] = { SAFETY_SUBJECTS, FAULT_CAUSES, FAULT_REACTIONS };
	for (size_t i = 0; i < ARRAY_LEN(enums); i++) {
		written = some_record(10);
		*enums[i] = ends[i];
		uint64_t number = safety_page_add(page, &written);
		ck_assert_msg(!safety_page_read(page, number, &record), "%zu", i);
	}

	memset(page->regions, 0xa5, sizeof(page->regions));
	atomic_store(&page->regions_len, UINT32_MAX);
	struct safety_region_reading reading;
	ck_assert(safety_page_read_region(page, SAFETY_REGIONS - 1, &reading));
	ck_assert(!safety_page_read_region(page, SAFETY_REGIONS, &reading));
	ck_assert_int_lt(reading.check, SAFETY_CHECKS);
	ck_assert_int_lt(reading.verdict, SAFETY_VERDICTS);
	ck_assert_int_lt(reading.cause, FAULT_CAUSES);
	ck_assert_uint_eq(strlen(reading.name), SAFETY_NAME_BYTES - 1);
	ck_assert_int_eq(reading.layer[0], '?');
	safety_page_unmap(page);
}
END_TEST

/* Each record, and then when it was answered, as a compositor does. */
static void *write_records(void *argument) {
	struct safety_page *page = argument;
	for (uint64_t i = 1; i <= RACE_RECORDS; i++) {
		uint64_t number = add(page, 1000 * i);
		safety_page_set_safe(page, number, 1000 * i + 500);
	}
	return NULL;
}

/* Whatever is read is whole: as it was before its answer, or after it. The oldest is the one that is
 * about to be written over. */
START_TEST(two_threads) {
	struct safety_page *page = take_over();
	const struct safety_page *reader = safety_page_map_reader(page_fd);
	ck_assert_ptr_nonnull(reader);
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, write_records, page), 0);
	uint64_t newest = 0;
	while (newest < RACE_RECORDS) {
		newest = atomic_load(&reader->newest);
		uint64_t oldest = newest < SAFETY_RECORDS ? newest : newest - SAFETY_RECORDS + 1;
		struct safety_record record;
		if (!safety_page_read(reader, oldest, &record)) {
			continue;
		}
		ck_assert_uint_eq(atomic_load(&record.number), oldest);
		ck_assert_uint_eq(record.detect_ns, 1000 * oldest);
		ck_assert_uint_eq(record.onset_ns, 1000 * oldest - 1);
		ck_assert(record.safe_ns == 0 || record.safe_ns == 1000 * oldest + 500);
	}
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	struct safety_record last;
	ck_assert(safety_page_read(reader, RACE_RECORDS, &last));
	ck_assert_uint_eq(last.safe_ns, 1000 * (uint64_t)RACE_RECORDS + 500);
	safety_page_unmap(reader);
	safety_page_unmap(page);
}
END_TEST

START_TEST(regions_are_counted_and_end) {
	struct safety_page *page = take_over();
	const struct rect place = { -1, 2, 96, 97 };
	struct safety_region_reading reading;
	ck_assert(!safety_page_read_region(page, 0, &reading));
	for (unsigned i = 0; i < SAFETY_REGIONS; i++) {
		char name[SAFETY_NAME_BYTES];
		snprintf(name, sizeof(name), "telltale/%u", i);
		struct safety_region *region = safety_page_add_region(
			page, name, "cluster", i % 2 == 0 ? "" : "guest", SAFETY_LIVE, &place);
		ck_assert_ptr_nonnull(region);
		atomic_store(&region->verdict, SAFETY_REPAIRED);
		atomic_store(&region->cause, FAULT_MISPLACED);
		atomic_store(&region->expected, i);
		atomic_store(&region->checks, i + 1);
		atomic_store(&region->host_drawn, i % 2);
	}
	ck_assert_ptr_null(safety_page_add_region(page, "more", "", "", SAFETY_OFF, &place));
	ck_assert(safety_page_read_region(page, 41, &reading));
	ck_assert_str_eq(reading.name, "telltale/41");
	ck_assert_str_eq(reading.output, "cluster");
	ck_assert_str_eq(reading.layer, "guest");
	ck_assert_int_eq(reading.check, SAFETY_LIVE);
	ck_assert_int_eq(reading.verdict, SAFETY_REPAIRED);
	ck_assert_int_eq(reading.cause, FAULT_MISPLACED);
	ck_assert(rect_equal(&reading.place, &place));
	ck_assert_uint_eq(reading.expected, 41);
	ck_assert_uint_eq(reading.checks, 42);
	ck_assert(reading.host_drawn);
	ck_assert(!safety_page_read_region(page, SAFETY_REGIONS, &reading));
	safety_page_unmap(page);
}
END_TEST

START_TEST(long_region_names_are_cut) {
	struct safety_page *page = take_over();
	char name[2 * SAFETY_NAME_BYTES];
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	const struct rect place = { 0, 0, 1, 1 };
	struct safety_region *region =
		safety_page_add_region(page, name, name, name, SAFETY_OFF, &place);
	ck_assert_uint_eq(strlen(region->name), SAFETY_NAME_BYTES - 1);
	ck_assert_uint_eq(strlen(region->layer), SAFETY_NAME_BYTES - 1);
	safety_page_unmap(page);
}
END_TEST

enum no_page { NO_MEMORY_FILE, SHORT, UNSEALED };
static const struct {
	const char *name;
	enum no_page kind;
	int error;
} no_pages[] = {
	{ "not a memory file", NO_MEMORY_FILE, EINVAL },
	{ "too short", SHORT, EINVAL },
	{ "not sealed", UNSEALED, EPERM },
};

static int no_page(enum no_page kind) {
	if (kind == NO_MEMORY_FILE) {
		return fd_eventfd_create(false);
	}
	if (kind == SHORT) {
		return fd_memfd_create("test", fd_round_to_page(1));
	}
	int fd = memfd_create("test", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(fd, (off_t)safety_page_bytes()), 0);
	return fd;
}

START_TEST(pages_that_are_none) {
	int fd = no_page(no_pages[_i].kind);
	ck_assert_msg(safety_page_map_reader(fd) == NULL, "%s", no_pages[_i].name);
	ck_assert_int_eq(errno, no_pages[_i].error);
	ck_assert_ptr_null(safety_page_map(fd));
	ck_assert_int_eq(errno, no_pages[_i].error);
}
END_TEST

START_TEST(maps_fail_clean) {
	fault_at(1);
	ck_assert_int_lt(safety_page_create_fd(), 0);
	fault_off();
	int fd = fcntl(page_fd, F_DUPFD_CLOEXEC, 0);
	fault_at(1);
	ck_assert_ptr_null(safety_page_map(fd));
	ck_assert_int_eq(errno, ENOMEM);
	fault_at(1);
	ck_assert_ptr_null(safety_page_map_reader(page_fd));
	fault_off();
	/* nobody writes it yet */
	ck_assert_ptr_null(safety_page_map_reader(page_fd));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

static TCase *page_case(Suite *suite, const char *name) {
	TCase *tcase = suite_case(suite, name);
	tcase_add_checked_fixture(tcase, make_page, close_page);
	return tcase;
}

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core safety_page");
	TCase *tcase = page_case(suite, "records");
	tcase_add_test(tcase, records_are_read_as_written);
	tcase_add_test(tcase, the_newest_are_kept);
	tcase_add_test(tcase, a_successor_goes_on);
	tcase_add_test(tcase, every_flipped_bit_of_a_record_is_found);
	tcase_add_test(tcase, a_successor_counts_what_is_damaged);
	tcase_add_test(tcase, a_successor_finds_the_last_record);
	tcase_add_loop_test(tcase, a_page_without_sense_is_begun_anew, 0, ARRAY_LEN(nonsenses));
	tcase_add_test(tcase, readers_of_rubbish);
	tcase_add_test(tcase, two_threads);

	tcase = page_case(suite, "regions");
	tcase_add_test(tcase, regions_are_counted_and_end);
	tcase_add_test(tcase, long_region_names_are_cut);

	tcase = page_case(suite, "mapping");
	tcase_add_loop_test(tcase, pages_that_are_none, 0, ARRAY_LEN(no_pages));
	tcase_add_test(tcase, maps_fail_clean);
	return suite;
}
