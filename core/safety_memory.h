/*
 * What a thing is remembered by: a few bytes in the safety page that outlive the compositor, so that its
 * successor goes on where it ended.
 *
 *   slots    [ number | content | CRC ]  [ number | content | CRC ]
 *
 * Written in turn: a writer that dies in the middle of one leaves the other. The newest whole one counts.
 *
 * Thread: one writer at a time. Real time: bounded, plain stores.
 */
#ifndef CORE_SAFETY_MEMORY_H
#define CORE_SAFETY_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#define SAFETY_MEMORY_BYTES 96

struct safety_memory_slot {
	uint64_t number; /* of the write, from 1; 0: none */
	uint8_t content[SAFETY_MEMORY_BYTES];
	uint32_t bytes; /* of it */
	uint32_t crc32; /* of all before */
};

struct safety_memory {
	struct safety_memory_slot slots[2];
};

enum safety_memory_found {
	SAFETY_MEMORY_NONE,
	SAFETY_MEMORY_WHOLE,
	SAFETY_MEMORY_DAMAGED, /* there was something, and nothing of it can be believed */
};

/* At most SAFETY_MEMORY_BYTES, without padding; nothing happens if it is remembered already. */
void safety_memory_write(struct safety_memory *memory, const void *content, size_t bytes);

/* `content` is only written where a whole one of this size is found. What it says is for the caller to
 * check. */
enum safety_memory_found safety_memory_read(
	const struct safety_memory *memory, void *content, size_t bytes);

#endif
