#include "core/safety_page.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "core/crc32.h"
#include "core/fd.h"
#include "core/macros.h"
#include "core/text.h"

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2,
	"the page is read by other processes");
_Static_assert((SAFETY_RECORDS & (SAFETY_RECORDS - 1)) == 0, "slots must not jump at a wrap");
_Static_assert(
	offsetof(struct safety_record, crc32) + sizeof(uint32_t) == sizeof(struct safety_record),
	"the CRC covers all of a record, and no padding is behind it");

#define SEALS_SIZE (F_SEAL_SHRINK | F_SEAL_GROW)
#define COVERED_AT offsetof(struct safety_record, detect_ns)
#define COVERED_BYTES (offsetof(struct safety_record, crc32) - COVERED_AT)

size_t safety_page_bytes(void) {
	return fd_round_to_page(sizeof(struct safety_page));
}

int safety_page_create_fd(void) {
	return fd_memfd_create("safety", safety_page_bytes());
}

static uint32_t record_crc32(const struct safety_record *record) {
	return crc32_update(0, (const uint8_t *)record + COVERED_AT, COVERED_BYTES);
}

static const struct safety_record *slot_of(const struct safety_page *page, uint64_t number) {
	return &page->records[number % SAFETY_RECORDS];
}

/* A copy of what is covered by the CRC; false when it is not whole, or not of this number. */
static bool copy_record(
	const struct safety_page *page, uint64_t number, struct safety_record *record) {
	const struct safety_record *slot = slot_of(page, number);
	if (number == 0 || atomic_load(&slot->number) != number) {
		return false;
	}
	memcpy((uint8_t *)record + COVERED_AT, (const uint8_t *)slot + COVERED_AT,
		COVERED_BYTES + sizeof(record->crc32));
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load(&slot->number) != number || record->crc32 != record_crc32(record)) {
		return false;
	}
	atomic_store(&record->number, number);
	return true;
}

static bool page_is_sane(const struct safety_page *page) {
	return atomic_load(&page->magic) == SAFETY_MAGIC &&
		atomic_load(&page->version) == SAFETY_VERSION;
}

/* What the predecessors left. One of them may have died between a record and its number. */
static void inspect_records(struct safety_page *page) {
	struct safety_record record;
	uint64_t newest = atomic_load(&page->newest);
	if (copy_record(page, newest + 1, &record)) {
		newest++;
		atomic_store(&page->newest, newest);
	}
	uint32_t damaged = 0;
	uint64_t kept = MIN(newest, (uint64_t)SAFETY_RECORDS);
	for (uint64_t number = newest - kept + 1; number <= newest && kept > 0; number++) {
		damaged += copy_record(page, number, &record) ? 0 : 1;
	}
	atomic_store(&page->damaged, damaged);
}

static void *map_page(int fd, int protection) {
	int rc = fd_memfd_check(fd, SEALS_SIZE, safety_page_bytes(), NULL);
	if (rc < 0) {
		errno = -rc;
		return MAP_FAILED;
	}
	return mmap(NULL, safety_page_bytes(), protection, MAP_SHARED, fd, 0);
}

struct safety_page *safety_page_map(int fd) {
	struct safety_page *page = map_page(fd, PROT_READ | PROT_WRITE);
	int error = errno;
	fd_close(&fd);
	if (page == MAP_FAILED) {
		errno = error;
		return NULL;
	}
	if (!page_is_sane(page) || atomic_load(&page->newest) > INT64_MAX) {
		memset(page, 0, offsetof(struct safety_page, outputs));
		atomic_store(&page->version, SAFETY_VERSION);
		atomic_store(&page->magic, SAFETY_MAGIC);
	}
	atomic_store(&page->regions_len, 0);
	memset(page->regions, 0, sizeof(page->regions));
	inspect_records(page);
	atomic_fetch_add(&page->incarnation, 1);
	return page;
}

const struct safety_page *safety_page_map_reader(int fd) {
	struct safety_page *page = map_page(fd, PROT_READ);
	if (page == MAP_FAILED) {
		return NULL;
	}
	if (!page_is_sane(page)) {
		safety_page_unmap(page);
		errno = EINVAL;
		return NULL;
	}
	return page;
}

void safety_page_unmap(const struct safety_page *page) {
	if (page != NULL) {
		munmap((void *)(uintptr_t)page, safety_page_bytes());
	}
}

/*
 * A reader that finds the same number before and after its copy has a whole record: it is 0 for as long
 * as something in it changes. Release and acquire fences order the plain stores between.
 */
static void begin_write(struct safety_record *slot) {
	atomic_store(&slot->number, 0);
	atomic_thread_fence(memory_order_release);
}

static void end_write(struct safety_record *slot, uint64_t number) {
	slot->crc32 = record_crc32(slot);
	atomic_store(&slot->number, number);
}

uint64_t safety_page_add(struct safety_page *page, const struct safety_record *record) {
	uint64_t number = atomic_load(&page->newest) + 1;
	struct safety_record *slot = &page->records[number % SAFETY_RECORDS];
	begin_write(slot);
	memcpy((uint8_t *)slot + COVERED_AT, (const uint8_t *)record + COVERED_AT, COVERED_BYTES);
	slot->incarnation = atomic_load(&page->incarnation);
	end_write(slot, number);
	atomic_store(&page->newest, number);
	return number;
}

void safety_page_set_safe(struct safety_page *page, uint64_t number, uint64_t safe_ns) {
	struct safety_record *slot = &page->records[number % SAFETY_RECORDS];
	if (number == 0 || atomic_load(&slot->number) != number) {
		return;
	}
	begin_write(slot);
	slot->safe_ns = safe_ns;
	end_write(slot, number);
}

bool safety_page_read(
	const struct safety_page *page, uint64_t number, struct safety_record *record) {
	struct safety_record copy;
	if (!copy_record(page, number, &copy) || copy.subject >= SAFETY_SUBJECTS ||
		copy.cause >= FAULT_CAUSES || copy.reaction >= FAULT_REACTIONS) {
		return false;
	}
	text_make_ascii(copy.name, sizeof(copy.name));
	text_make_ascii(copy.from, sizeof(copy.from));
	text_make_ascii(copy.to, sizeof(copy.to));
	memcpy(record, &copy, sizeof(*record));
	return true;
}

struct safety_region *safety_page_add_region(struct safety_page *page, const char *name,
	const char *output, const char *layer, enum safety_check check, const struct rect *place) {
	uint32_t len = atomic_load(&page->regions_len);
	if (len >= SAFETY_REGIONS) {
		return NULL;
	}
	struct safety_region *region = &page->regions[len];
	snprintf(region->name, sizeof(region->name), "%s", name);
	snprintf(region->output, sizeof(region->output), "%s", output);
	snprintf(region->layer, sizeof(region->layer), "%s", layer);
	region->check = check;
	region->place = *place;
	atomic_store(&page->regions_len, len + 1);
	return region;
}

static void read_name(char to[SAFETY_NAME_BYTES], const char from[SAFETY_NAME_BYTES]) {
	memcpy(to, from, SAFETY_NAME_BYTES);
	text_make_ascii(to, SAFETY_NAME_BYTES);
}

bool safety_page_read_region(
	const struct safety_page *page, uint32_t index, struct safety_region_reading *reading) {
	if (index >= MIN(atomic_load(&page->regions_len), (uint32_t)SAFETY_REGIONS)) {
		return false;
	}
	const struct safety_region *region = &page->regions[index];
	*reading = (struct safety_region_reading) {
		.check = MIN(region->check, SAFETY_CHECKS - 1u),
		.verdict = MIN(atomic_load(&region->verdict), SAFETY_VERDICTS - 1u),
		.cause = MIN(atomic_load(&region->cause), FAULT_CAUSES - 1u),
		.place = region->place,
		.expected = atomic_load(&region->expected),
		.found = atomic_load(&region->found),
		.host_drawn = atomic_load(&region->host_drawn) != 0,
		.checks = atomic_load(&region->checks),
		.failures = atomic_load(&region->failures),
		.failed_ns = atomic_load(&region->failed_ns),
	};
	read_name(reading->name, region->name);
	read_name(reading->output, region->output);
	read_name(reading->layer, region->layer);
	return true;
}
