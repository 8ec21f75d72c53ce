/*
 * The decoder of frame tags: the input is pixels. What is decoded is painted again as the same bits, in
 * those that matter.
 */
#include <stdlib.h>
#include <string.h>

#include "core/frame_tag.h"
#include "core/macros.h"
#include "tests/fuzz/fuzz.h"

#define BITS 0x000f0f0fu

static void paint_again(const uint32_t *pixels) {
	struct frame_tag tag;
	if (!frame_tag_decode(&tag, pixels)) {
		return;
	}
	uint32_t painted[FRAME_TAG_PIXELS];
	frame_tag_encode(&tag, painted);
	for (size_t i = 0; i < FRAME_TAG_PIXELS; i++) {
		if ((pixels[i] & BITS) != (painted[i] & BITS)) {
			abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	uint32_t pixels[FRAME_TAG_PIXELS] = { 0 };
	memcpy(pixels, data, MIN(size, sizeof(pixels)));
	paint_again(pixels);

	/* and as a tag that is whole, with noise where it does not matter */
	const struct frame_tag tag = { pixels[1], pixels[2], pixels[3] };
	uint32_t whole[FRAME_TAG_PIXELS];
	frame_tag_encode(&tag, whole);
	for (size_t i = 0; i < FRAME_TAG_PIXELS; i++) {
		whole[i] ^= pixels[i] & ~BITS;
	}
	struct frame_tag decoded;
	if (!frame_tag_decode(&decoded, whole) || memcmp(&decoded, &tag, sizeof(tag)) != 0) {
		abort();
	}
	paint_again(whole);
	return 0;
}
