/*
 * The guest channel's decoder: the input is what a guest sends, cut into pieces in two ways. Both must
 * be read the same, whatever it is.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/macros.h"
#include "protocol/guest_channel.h"
#include "tests/fuzz/fuzz.h"

#define VERDICTS_MAX 2048

struct reading {
	size_t len;
	struct {
		enum guest_channel_verdict verdict;
		struct guest_channel_message message;
	} lines[VERDICTS_MAX];
};

static void require(bool holds) {
	if (!holds) {
		abort();
	}
}

static bool is_end(enum guest_channel_verdict verdict) {
	return verdict == GUEST_CHANNEL_TOO_LONG || verdict == GUEST_CHANNEL_BINARY;
}

static void read_all(struct reading *reading, const uint8_t *data, size_t size, size_t piece) {
	struct guest_channel channel = { 0 };
	reading->len = 0;
	while (size > 0) {
		struct guest_channel_message message = { 0 };
		size_t taken = 0;
		enum guest_channel_verdict verdict =
			guest_channel_take(&channel, data, MIN(size, piece), &taken, &message);
		require(taken > 0 && taken <= MIN(size, piece));
		require(channel.len < GUEST_CHANNEL_LINE_MAX);
		require(strlen(guest_channel_answer(verdict)) > 0 || verdict == GUEST_CHANNEL_MORE);
		data += taken;
		size -= taken;
		if (verdict == GUEST_CHANNEL_MESSAGE && message.verb == GUEST_CHANNEL_HELLO) {
			size_t len = strnlen(message.name, sizeof(message.name));
			require(len > 0 && len < sizeof(message.name));
		}
		if (verdict != GUEST_CHANNEL_MORE && reading->len < VERDICTS_MAX) {
			reading->lines[reading->len].verdict = verdict;
			reading->lines[reading->len++].message = message;
		}
		if (is_end(verdict)) {
			return;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct reading whole, pieces;
	read_all(&whole, data, size, SIZE_MAX);
	read_all(&pieces, data, size, 1 + size % 7);
	require(whole.len == pieces.len);
	for (size_t i = 0; i < whole.len; i++) {
		require(whole.lines[i].verdict == pieces.lines[i].verdict);
		require(whole.lines[i].message.verb == pieces.lines[i].message.verb);
		require(whole.lines[i].message.number == pieces.lines[i].message.number);
	}
	return 0;
}
