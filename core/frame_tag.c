#include "core/frame_tag.h"

#include <endian.h>

#include "core/crc32.h"

#define WORDS 4
#define NIBBLES (WORDS * 8)
#define LOW_BITS 0x000f0f0fu
#define OPAQUE 0xff000000u

_Static_assert((FRAME_TAG_PIXELS - 1) * 3 == NIBBLES + 1, "the tag and a zero fill the pixels");

/* where nibble `i` is: red is the upper of the three colours */
static uint32_t pixel_of(uint32_t i) {
	return 1 + i / 3;
}

static uint32_t shift_of(uint32_t i) {
	return 16 - 8 * (i % 3);
}

static uint32_t tag_crc32(const uint32_t words[WORDS]) {
	const uint32_t covered[] = { htole32(words[0]), htole32(words[1]), htole32(words[2]) };
	return crc32_update(0, covered, sizeof(covered));
}

void frame_tag_encode(const struct frame_tag *tag, uint32_t pixels[FRAME_TAG_PIXELS]) {
	uint32_t words[WORDS] = { tag->counter, tag->time_ms, tag->heartbeat };
	words[3] = tag_crc32(words);
	pixels[0] = OPAQUE | FRAME_TAG_MARK;
	for (uint32_t i = 1; i < FRAME_TAG_PIXELS; i++) {
		pixels[i] = OPAQUE;
	}
	for (uint32_t i = 0; i < NIBBLES; i++) {
		uint32_t nibble = (words[i / 8] >> (i % 8 * 4)) & 0xf;
		pixels[pixel_of(i)] |= nibble << shift_of(i);
	}
}

bool frame_tag_decode(struct frame_tag *tag, const uint32_t pixels[FRAME_TAG_PIXELS]) {
	if ((pixels[0] & LOW_BITS) != FRAME_TAG_MARK ||
		((pixels[pixel_of(NIBBLES)] >> shift_of(NIBBLES)) & 0xf) != 0) {
		return false;
	}
	uint32_t words[WORDS] = { 0 };
	for (uint32_t i = 0; i < NIBBLES; i++) {
		uint32_t nibble = (pixels[pixel_of(i)] >> shift_of(i)) & 0xf;
		words[i / 8] |= nibble << (i % 8 * 4);
	}
	if (words[3] != tag_crc32(words)) {
		return false;
	}
	*tag = (struct frame_tag) {
		.counter = words[0], .time_ms = words[1], .heartbeat = words[2]
	};
	return true;
}
