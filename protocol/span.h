/*
 * Spans: pieces of memory that together are one byte string, as a descriptor chain or a resource's
 * backing is. Thread: any, on a list that does not change meanwhile.
 */
#ifndef PROTOCOL_SPAN_H
#define PROTOCOL_SPAN_H

#include <stddef.h>
#include <stdint.h>

struct span {
	uint8_t *base;
	size_t len; /* bytes */
};

/*
 * Copies between a span list, from byte `offset` on, and private memory. Returns the bytes copied:
 * less than len only where the list ends.
 */
size_t spans_read(
	const struct span *spans, size_t spans_len, uint64_t offset, void *data, size_t len);
size_t spans_write(
	const struct span *spans, size_t spans_len, uint64_t offset, const void *data, size_t len);
uint64_t spans_bytes(const struct span *spans, size_t spans_len);

#endif
