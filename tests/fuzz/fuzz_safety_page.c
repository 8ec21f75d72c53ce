/*
 * The safety page after damage: the input is bytes and where they fall. Whatever readers get is in its
 * range and terminated, and a successor's own records are whole.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/fd.h"
#include "core/safety_page.h"
#include "core/text.h"
#include "tests/fuzz/fuzz.h"

#define NEAR_BYTES 512 /* half of the damage falls on the first fields and records */

static void require(bool holds) {
	if (!holds) {
		abort();
	}
}

static struct safety_page *take_over(int fd) {
	struct safety_page *page = safety_page_map(fcntl(fd, F_DUPFD_CLOEXEC, 0));
	require(page != NULL);
	return page;
}

static void fill(struct safety_page *page) {
	const struct safety_record record = { .cause = FAULT_DIED, .name = "a layer" };
	const struct rect place = { 0, 0, 96, 96 };
	for (int i = 0; i < 3; i++) {
		safety_page_add(page, &record);
		require(safety_page_add_region(page, "a", "b", "c", SAFETY_EXACT, &place) != NULL);
	}
}

static void damage(struct safety_page *page, struct byte_reader *input) {
	while (byte_reader_left(input) > 0) {
		uint32_t at = byte_reader_u32(input);
		uint32_t span = (at & 1) != 0 ? NEAR_BYTES : (uint32_t)sizeof(*page);
		((uint8_t *)page)[(at >> 1) % span] = byte_reader_u8(input);
	}
}

static void read_all(const struct safety_page *page) {
	uint64_t newest = atomic_load(&page->newest);
	for (uint64_t i = 0; i <= SAFETY_RECORDS; i++) {
		struct safety_record record;
		if (safety_page_read(page, newest - i, &record)) {
			require(record.subject < SAFETY_SUBJECTS && record.cause < FAULT_CAUSES);
			require(record.reaction < FAULT_REACTIONS);
			require(text_is_terminated(record.name, sizeof(record.name)));
			require(text_is_terminated(record.to, sizeof(record.to)));
		}
	}
	struct safety_region_reading reading;
	for (uint32_t i = 0; safety_page_read_region(page, i, &reading); i++) {
		require(i < SAFETY_REGIONS && reading.check < SAFETY_CHECKS);
		require(reading.verdict < SAFETY_VERDICTS && reading.cause < FAULT_CAUSES);
		require(text_is_terminated(reading.layer, sizeof(reading.layer)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct byte_reader input;
	byte_reader_init(&input, data, size);
	int fd = safety_page_create_fd();
	require(fd >= 0);
	struct safety_page *page = take_over(fd);
	fill(page);
	damage(page, &input);
	read_all(page);
	safety_page_unmap(page);

	page = take_over(fd);
	require(atomic_load(&page->damaged) <= SAFETY_RECORDS);
	fill(page);
	struct safety_record record;
	require(safety_page_read(page, atomic_load(&page->newest), &record));
	require(record.cause == FAULT_DIED);
	read_all(page);
	safety_page_unmap(page);
	fd_close(&fd);
	return 0;
}
