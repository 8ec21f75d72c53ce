/*
 * Reading and writing little-endian bytes with a sticky error: take as many fields as wanted, check
 * once. Past the end a reader yields zeros and a writer writes nothing, and both stay failed.
 *
 * Thread: the owner's.
 */
#ifndef CORE_BYTES_H
#define CORE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct byte_reader {
	const uint8_t *data; /* borrowed */
	size_t len;
	size_t at;
	bool failed;
};

void byte_reader_init(struct byte_reader *reader, const void *data, size_t size_bytes);
uint8_t byte_reader_u8(struct byte_reader *reader);
uint16_t byte_reader_u16(struct byte_reader *reader);
uint32_t byte_reader_u32(struct byte_reader *reader);
uint64_t byte_reader_u64(struct byte_reader *reader);
/* All of `size_bytes` or zeros. */
void byte_reader_copy(struct byte_reader *reader, void *to, size_t size_bytes);
void byte_reader_skip(struct byte_reader *reader, size_t size_bytes);
/* Bytes not read yet; 0 after a failure. */
size_t byte_reader_left(const struct byte_reader *reader);
/* Whether nothing failed and nothing is left: the message had exactly this size. */
bool byte_reader_done(const struct byte_reader *reader);

struct byte_writer {
	uint8_t *data; /* borrowed */
	size_t size_bytes;
	size_t len; /* written so far */
	bool failed;
};

void byte_writer_init(struct byte_writer *writer, void *data, size_t size_bytes);
void byte_writer_u8(struct byte_writer *writer, uint8_t value);
void byte_writer_u16(struct byte_writer *writer, uint16_t value);
void byte_writer_u32(struct byte_writer *writer, uint32_t value);
void byte_writer_u64(struct byte_writer *writer, uint64_t value);
void byte_writer_copy(struct byte_writer *writer, const void *from, size_t size_bytes);
void byte_writer_zeros(struct byte_writer *writer, size_t size_bytes);

#endif
