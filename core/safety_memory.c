#include "core/safety_memory.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "core/crc32.h"
#include "core/macros.h"

#define COVERED_BYTES offsetof(struct safety_memory_slot, crc32)

_Static_assert(COVERED_BYTES + sizeof(uint32_t) == sizeof(struct safety_memory_slot),
	"the CRC covers all of a slot, and no padding is behind it");

static bool is_whole(const struct safety_memory_slot *slot) {
	return slot->number != 0 && slot->bytes <= SAFETY_MEMORY_BYTES &&
		slot->crc32 == crc32_update(0, slot, COVERED_BYTES);
}

static const struct safety_memory_slot *newest(const struct safety_memory *memory) {
	const struct safety_memory_slot *found = NULL;
	for (size_t i = 0; i < ARRAY_LEN(memory->slots); i++) {
		const struct safety_memory_slot *slot = &memory->slots[i];
		if (is_whole(slot) && (found == NULL || slot->number > found->number)) {
			found = slot;
		}
	}
	return found;
}

void safety_memory_write(struct safety_memory *memory, const void *content, size_t bytes) {
	assert(bytes <= SAFETY_MEMORY_BYTES);
	const struct safety_memory_slot *last = newest(memory);
	if (last != NULL && last->bytes == bytes && memcmp(last->content, content, bytes) == 0) {
		return;
	}
	struct safety_memory_slot next = {
		.number = last != NULL ? last->number + 1 : 1,
		.bytes = (uint32_t)bytes,
	};
	memcpy(next.content, content, bytes);
	next.crc32 = crc32_update(0, &next, COVERED_BYTES);
	memory->slots[last == &memory->slots[0] ? 1 : 0] = next;
}

static bool is_empty(const struct safety_memory_slot *slot) {
	static const struct safety_memory_slot empty;
	return memcmp(slot, &empty, sizeof(empty)) == 0;
}

enum safety_memory_found safety_memory_read(
	const struct safety_memory *memory, void *content, size_t bytes) {
	const struct safety_memory_slot *last = newest(memory);
	if (last != NULL && last->bytes == bytes) {
		memcpy(content, last->content, bytes);
		return SAFETY_MEMORY_WHOLE;
	}
	/* its writer died in the middle of the first one */
	bool is_first = is_empty(&memory->slots[0]) || is_empty(&memory->slots[1]);
	return is_first && last == NULL ? SAFETY_MEMORY_NONE : SAFETY_MEMORY_DAMAGED;
}
