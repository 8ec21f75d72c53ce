#include "core/bytes.h"

#include <string.h>

#include "tests/suite.h"

/* u8 u16 u32 u64 and five bytes, as a writer puts them */
static const uint8_t message[] = {
	0x11,
	0x33,
	0x22,
	0x77,
	0x66,
	0x55,
	0x44,
	0xff,
	0xee,
	0xdd,
	0xcc,
	0xbb,
	0xaa,
	0x99,
	0x88,
	'h',
	'e',
	'l',
	'l',
	'o',
};

static void write_message(struct byte_writer *writer) {
	byte_writer_u8(writer, 0x11);
	byte_writer_u16(writer, 0x2233);
	byte_writer_u32(writer, 0x44556677);
	byte_writer_u64(writer, UINT64_C(0x8899aabbccddeeff));
	byte_writer_copy(writer, "hello", 5);
}

START_TEST(writes_little_endian) {
	uint8_t buffer[sizeof(message)];
	struct byte_writer writer;
	byte_writer_init(&writer, buffer, sizeof(buffer));
	write_message(&writer);
	ck_assert(!writer.failed);
	ck_assert_uint_eq(writer.len, sizeof(message));
	ck_assert_mem_eq(buffer, message, sizeof(message));
}
END_TEST

/* Row n: a buffer of n bytes. What fits whole is written, nothing lies behind the end. */
START_TEST(writer_stops_at_the_end) {
	uint8_t buffer[sizeof(message) + 1];
	memset(buffer, 0xa5, sizeof(buffer));
	struct byte_writer writer;
	byte_writer_init(&writer, buffer, (size_t)_i);
	write_message(&writer);
	ck_assert(writer.failed == ((size_t)_i < sizeof(message)));
	ck_assert_uint_le(writer.len, (size_t)_i);
	ck_assert_mem_eq(buffer, message, writer.len);
	for (size_t i = writer.len; i < sizeof(buffer); i++) {
		ck_assert_uint_eq(buffer[i], 0xa5);
	}
	byte_writer_u8(&writer, 1);
	ck_assert(writer.failed);
}
END_TEST

/* Row n: the message cut after n bytes. */
START_TEST(reads_what_is_there) {
	struct byte_reader reader;
	byte_reader_init(&reader, message, (size_t)_i);
	uint8_t u8 = byte_reader_u8(&reader);
	uint16_t u16 = byte_reader_u16(&reader);
	uint32_t u32 = byte_reader_u32(&reader);
	uint64_t u64 = byte_reader_u64(&reader);
	char text[5];
	memset(text, 0xa5, sizeof(text));
	byte_reader_copy(&reader, text, sizeof(text));

	ck_assert_uint_eq(u8, _i >= 1 ? 0x11 : 0);
	ck_assert_uint_eq(u16, _i >= 3 ? 0x2233 : 0);
	ck_assert_uint_eq(u32, _i >= 7 ? 0x44556677 : 0);
	ck_assert_uint_eq(u64, _i >= 15 ? UINT64_C(0x8899aabbccddeeff) : 0);
	ck_assert_mem_eq(text, _i >= 20 ? "hello" : "\0\0\0\0\0", 5);
	bool whole = (size_t)_i == sizeof(message);
	ck_assert(reader.failed == !whole);
	ck_assert(byte_reader_done(&reader) == whole);
	ck_assert_uint_eq(byte_reader_left(&reader), 0);
}
END_TEST

START_TEST(one_byte_too_many_is_not_done) {
	struct byte_reader reader;
	byte_reader_init(&reader, message, sizeof(message));
	byte_reader_skip(&reader, sizeof(message) - 1);
	ck_assert(!byte_reader_done(&reader));
	ck_assert_uint_eq(byte_reader_left(&reader), 1);
	byte_reader_skip(&reader, 1);
	ck_assert(byte_reader_done(&reader));
}
END_TEST

START_TEST(failures_stay) {
	struct byte_reader reader;
	byte_reader_init(&reader, message, sizeof(message));
	byte_reader_skip(&reader, SIZE_MAX);
	ck_assert(reader.failed);
	ck_assert_uint_eq(byte_reader_u8(&reader), 0);
	ck_assert(!byte_reader_done(&reader));

	uint8_t buffer[4] = { 0 };
	struct byte_writer writer;
	byte_writer_init(&writer, buffer, sizeof(buffer));
	byte_writer_zeros(&writer, SIZE_MAX);
	ck_assert(writer.failed);
	byte_writer_u8(&writer, 1);
	ck_assert_uint_eq(buffer[0], 0);
}
END_TEST

START_TEST(nothing_of_nothing) {
	struct byte_reader reader;
	byte_reader_init(&reader, NULL, 0);
	byte_reader_copy(&reader, NULL, 0);
	ck_assert(byte_reader_done(&reader));
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core bytes");
	TCase *tcase = suite_case(suite, "bytes");
	tcase_add_test(tcase, writes_little_endian);
	tcase_add_loop_test(tcase, writer_stops_at_the_end, 0, sizeof(message) + 1);
	tcase_add_loop_test(tcase, reads_what_is_there, 0, sizeof(message) + 1);
	tcase_add_test(tcase, one_byte_too_many_is_not_done);
	tcase_add_test(tcase, failures_stay);
	tcase_add_test(tcase, nothing_of_nothing);
	return suite;
}
