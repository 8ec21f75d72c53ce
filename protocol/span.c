#include "protocol/span.h"

#include <stdbool.h>
#include <string.h>

#include "core/macros.h"

/* Walks `spans` from byte `offset`, handing out pieces of at most `*len` bytes. */
struct span_cursor {
	const struct span *spans;
	size_t spans_len;
	uint64_t offset; /* into the first of `spans` */
};

static bool cursor_next(struct span_cursor *cursor, size_t len, struct span *piece) {
	while (cursor->spans_len > 0 && cursor->offset >= cursor->spans->len) {
		cursor->offset -= cursor->spans->len;
		cursor->spans++;
		cursor->spans_len--;
	}
	if (cursor->spans_len == 0 || len == 0) {
		return false;
	}
	*piece = (struct span) {
		.base = cursor->spans->base + cursor->offset,
		.len = MIN(len, cursor->spans->len - (size_t)cursor->offset),
	};
	cursor->offset += piece->len;
	return true;
}

size_t spans_read(
	const struct span *spans, size_t spans_len, uint64_t offset, void *data, size_t len) {
	struct span_cursor cursor = { spans, spans_len, offset };
	struct span piece;
	size_t done = 0;
	while (cursor_next(&cursor, len - done, &piece)) {
		memcpy((uint8_t *)data + done, piece.base, piece.len);
		done += piece.len;
	}
	return done;
}

size_t spans_write(
	const struct span *spans, size_t spans_len, uint64_t offset, const void *data, size_t len) {
	struct span_cursor cursor = { spans, spans_len, offset };
	struct span piece;
	size_t done = 0;
	while (cursor_next(&cursor, len - done, &piece)) {
		memcpy(piece.base, (const uint8_t *)data + done, piece.len);
		done += piece.len;
	}
	return done;
}

uint64_t spans_bytes(const struct span *spans, size_t spans_len) {
	uint64_t bytes = 0;
	for (size_t i = 0; i < spans_len; i++) {
		bytes += spans[i].len;
	}
	return bytes;
}
