#include "core/chimes.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/crc32.h"
#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

#define RATE 8000
#define FRAMES 16
#define BANK_BYTES 4096

/* A bank of three chimes of FRAMES frames, all at level 0.5, before it is sealed. */
static struct bank {
	union {
		struct chimes_header header;
		uint8_t bytes[BANK_BYTES];
		float floats[BANK_BYTES / sizeof(float)];
	} as;
} bank;

static float *samples_of(unsigned chime) {
	return &bank.as.floats[bank.as.header.chimes[chime].offset / sizeof(float)];
}

static void stamp(void) {
	for (unsigned i = CUE_CHIME_NONE + 1; i < CUE_CHIMES; i++) {
		struct chimes_entry *entry = &bank.as.header.chimes[i];
		uint64_t bytes = entry->frames * sizeof(float) * CHIMES_CHANNELS;
		if (entry->offset + bytes <= BANK_BYTES) {
			entry->crc32 = crc32_update(0, bank.as.bytes + entry->offset, bytes);
		}
	}
	bank.as.header.crc32 = chimes_crc32(&bank.as.header);
}

static void make_bank(void) {
	memset(&bank, 0, sizeof(bank));
	struct chimes_header *header = &bank.as.header;
	*header = (struct chimes_header) {
		.magic = CHIMES_MAGIC,
		.version = CHIMES_VERSION,
		.size_bytes = BANK_BYTES,
		.rate = RATE,
	};
	for (unsigned i = CUE_CHIME_NONE + 1; i < CUE_CHIMES; i++) {
		header->chimes[i].offset = 512 * (uint64_t)i;
		header->chimes[i].frames = FRAMES;
		for (unsigned j = 0; j < FRAMES * CHIMES_CHANNELS; j++) {
			samples_of(i)[j] = 0.5f;
		}
	}
	stamp();
}

static int map(struct chimes *chimes) {
	int fd = fd_memfd_create_constant("bank", &bank, BANK_BYTES);
	ck_assert_int_ge(fd, 0);
	int rc = chimes_map(chimes, fd, RATE);
	fd_close(&fd);
	return rc;
}

START_TEST(a_bank_is_mapped) {
	struct chimes chimes;
	make_bank();
	samples_of(CUE_CHIME_WARNING)[3] = -0.25f;
	samples_of(CUE_CHIME_WARNING)[4] = CHIMES_PEAK;
	stamp();
	ck_assert_int_eq(map(&chimes), 0);
	ck_assert_uint_eq(chimes.entries[CUE_CHIME_WARNING].frames, FRAMES);
	ck_assert(chimes_samples(&chimes, CUE_CHIME_WARNING)[3] == -0.25f);
	ck_assert(chimes_samples(&chimes, CUE_CHIME_CAUTION)[3] == 0.5f);
	chimes_unmap(&chimes);
	ck_assert_ptr_null(chimes.base);
	chimes_unmap(&chimes);
}
END_TEST

/* One word of the bank, by its offset in it, and whether the checksums know of the change. */
static const struct damage {
	const char *name;
	size_t at;
	uint32_t value;
	bool stamped;
} damages[] = {
	{ "another magic", offsetof(struct chimes_header, magic), 0, true },
	{ "another version", offsetof(struct chimes_header, version), 99, true },
	{ "another size", offsetof(struct chimes_header, size_bytes), BANK_BYTES - 1, true },
	{ "another rate", offsetof(struct chimes_header, rate), RATE + 1, true },
	{ "a header's bit", offsetof(struct chimes_header, chimes[2].frames), FRAMES - 1, false },
	{ "none in the bank", offsetof(struct chimes_header, chimes[0].frames), 1, true },
	{ "no frames", offsetof(struct chimes_header, chimes[1].frames), 0, true },
	{ "frames past the end", offsetof(struct chimes_header, chimes[3].frames), 400, true },
	{ "frames that overflow", offsetof(struct chimes_header, chimes[3].frames), UINT32_MAX,
		true },
	{ "an offset in the header", offsetof(struct chimes_header, chimes[1].offset), 0, true },
	{ "an offset past the end", offsetof(struct chimes_header, chimes[1].offset), 4096, true },
	{ "an offset far away", offsetof(struct chimes_header, chimes[1].offset) + 4, 0xffffffff,
		true },
	{ "an odd offset", offsetof(struct chimes_header, chimes[1].offset), 516, true },
	{ "a sample's bit", 512 * CUE_CHIME_CAUTION + 8, 0x3f000001, false },
	{ "a sample that is too loud", 512 * CUE_CHIME_CAUTION + 8, 0x3f333334, true },
	{ "a sample that is no number", 512 * CUE_CHIME_CAUTION + 8, 0x7fc00000, true },
	{ "a sample that is infinite", 512 * CUE_CHIME_WARNING, 0xff800000, true },
};

START_TEST(damaged_banks) {
	const struct damage *row = &damages[_i];
	struct chimes chimes;
	make_bank();
	memcpy(bank.as.bytes + row->at, &row->value, sizeof(row->value));
	if (row->stamped) {
		stamp();
	}
	ck_assert_msg(map(&chimes) == -EINVAL, "%s", row->name);
	ck_assert_ptr_null(chimes.base);
}
END_TEST

START_TEST(every_truncation) {
	make_bank();
	size_t needed = 512 * CUE_CHIME_WARNING + FRAMES * sizeof(float) * CHIMES_CHANNELS;
	for (size_t len = 0; len < needed; len++) {
		bank.as.header.size_bytes = len;
		stamp();
		int fd = fd_memfd_create_constant("bank", &bank, len);
		struct chimes chimes;
		ck_assert_int_eq(chimes_map(&chimes, fd, RATE), -EINVAL);
		ck_assert_ptr_null(chimes.base);
		fd_close(&fd);
	}
	bank.as.header.size_bytes = needed;
	stamp();
	int fd = fd_memfd_create_constant("bank", &bank, needed);
	struct chimes chimes;
	ck_assert_int_eq(chimes_map(&chimes, fd, RATE), 0);
	chimes_unmap(&chimes);
	fd_close(&fd);
}
END_TEST

START_TEST(only_sealed_banks) {
	struct chimes chimes;
	int fd = fd_memfd_create("bank", BANK_BYTES);
	ck_assert_int_eq(chimes_map(&chimes, fd, RATE), -EPERM);
	fd_close(&fd);
}
END_TEST

START_TEST(maps_fail_clean) {
	make_bank();
	int fd = fd_memfd_create_constant("bank", &bank, BANK_BYTES);
	struct chimes chimes;
	unsigned n = 1;
	while (fault_at(n), chimes_map(&chimes, fd, RATE) != 0) {
		ck_assert(fault_hit());
		ck_assert_ptr_null(chimes.base);
		n++;
	}
	fault_off();
	ck_assert_uint_gt(n, 1);
	chimes_unmap(&chimes);
	fd_close(&fd);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core chimes");
	TCase *tcase = suite_case(suite, "bank");
	tcase_add_test(tcase, a_bank_is_mapped);
	tcase_add_loop_test(tcase, damaged_banks, 0, ARRAY_LEN(damages));
	tcase_add_test(tcase, every_truncation);
	tcase_add_test(tcase, only_sealed_banks);
	tcase_add_test(tcase, maps_fail_clean);
	return suite;
}
