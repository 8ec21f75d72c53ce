#include "core/bytes.h"

#include <string.h>

void byte_reader_init(struct byte_reader *reader, const void *data, size_t size_bytes) {
	*reader = (struct byte_reader) { .data = data, .len = size_bytes };
}

/* The next `size_bytes`, or NULL. */
static const uint8_t *take(struct byte_reader *reader, size_t size_bytes) {
	if (reader->failed || size_bytes > reader->len - reader->at) {
		reader->failed = true;
		return NULL;
	}
	const uint8_t *bytes = reader->data + reader->at;
	reader->at += size_bytes;
	return bytes;
}

static uint64_t take_integer(struct byte_reader *reader, size_t size_bytes) {
	const uint8_t *bytes = take(reader, size_bytes);
	uint64_t value = 0;
	for (size_t i = 0; bytes != NULL && i < size_bytes; i++) {
		value |= (uint64_t)bytes[i] << (8 * i);
	}
	return value;
}

uint8_t byte_reader_u8(struct byte_reader *reader) {
	return (uint8_t)take_integer(reader, sizeof(uint8_t));
}

uint16_t byte_reader_u16(struct byte_reader *reader) {
	return (uint16_t)take_integer(reader, sizeof(uint16_t));
}

uint32_t byte_reader_u32(struct byte_reader *reader) {
	return (uint32_t)take_integer(reader, sizeof(uint32_t));
}

uint64_t byte_reader_u64(struct byte_reader *reader) {
	return take_integer(reader, sizeof(uint64_t));
}

void byte_reader_copy(struct byte_reader *reader, void *to, size_t size_bytes) {
	if (size_bytes == 0) {
		return;
	}
	const uint8_t *bytes = take(reader, size_bytes);
	if (bytes == NULL) {
		memset(to, 0, size_bytes);
	} else {
		memcpy(to, bytes, size_bytes);
	}
}

void byte_reader_skip(struct byte_reader *reader, size_t size_bytes) {
	(void)take(reader, size_bytes);
}

size_t byte_reader_left(const struct byte_reader *reader) {
	return reader->failed ? 0 : reader->len - reader->at;
}

bool byte_reader_done(const struct byte_reader *reader) {
	return !reader->failed && reader->at == reader->len;
}

void byte_writer_init(struct byte_writer *writer, void *data, size_t size_bytes) {
	*writer = (struct byte_writer) { .data = data, .size_bytes = size_bytes };
}

/* Room for `size_bytes`, or NULL. */
static uint8_t *reserve(struct byte_writer *writer, size_t size_bytes) {
	if (writer->failed || size_bytes > writer->size_bytes - writer->len) {
		writer->failed = true;
		return NULL;
	}
	uint8_t *bytes = writer->data + writer->len;
	writer->len += size_bytes;
	return bytes;
}

static void put_integer(struct byte_writer *writer, uint64_t value, size_t size_bytes) {
	uint8_t *bytes = reserve(writer, size_bytes);
	for (size_t i = 0; bytes != NULL && i < size_bytes; i++) {
		bytes[i] = (uint8_t)(value >> (8 * i));
	}
}

void byte_writer_u8(struct byte_writer *writer, uint8_t value) {
	put_integer(writer, value, sizeof(value));
}

void byte_writer_u16(struct byte_writer *writer, uint16_t value) {
	put_integer(writer, value, sizeof(value));
}

void byte_writer_u32(struct byte_writer *writer, uint32_t value) {
	put_integer(writer, value, sizeof(value));
}

void byte_writer_u64(struct byte_writer *writer, uint64_t value) {
	put_integer(writer, value, sizeof(value));
}

void byte_writer_copy(struct byte_writer *writer, const void *from, size_t size_bytes) {
	uint8_t *bytes = reserve(writer, size_bytes);
	if (bytes != NULL && size_bytes > 0) {
		memcpy(bytes, from, size_bytes);
	}
}

void byte_writer_zeros(struct byte_writer *writer, size_t size_bytes) {
	uint8_t *bytes = reserve(writer, size_bytes);
	if (bytes != NULL && size_bytes > 0) {
		memset(bytes, 0, size_bytes);
	}
}
