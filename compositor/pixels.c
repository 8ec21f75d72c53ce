#include "compositor/pixels.h"

#include <assert.h>
#include <string.h>

_Static_assert(
	__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "formats are read as little-endian words");

#define OPAQUE UINT32_C(0xff000000)

static inline uint32_t load(const uint8_t *from, size_t i) {
	uint32_t pixel;
	memcpy(&pixel, from + i * PIXEL_BYTES, sizeof(pixel));
	return pixel;
}

/* RGBA in memory is 0xAABBGGRR: red and blue change places */
static inline uint32_t swap_red_blue(uint32_t pixel) {
	return (pixel & 0xff00ff00) | (pixel >> 16 & 0xff) | (pixel & 0xff) << 16;
}

/* ABGR in memory is 0xRRGGBBAA: alpha goes to the front */
static inline uint32_t rotate_alpha(uint32_t pixel) {
	return pixel >> 8 | pixel << 24;
}

void pixels_fetch(uint32_t *to, const uint8_t *from, size_t len, enum pixel_format format) {
	switch (format) {
	case PIXEL_FORMAT_BGRA:
		memcpy(to, from, len * PIXEL_BYTES);
		return;
	case PIXEL_FORMAT_BGRX:
		for (size_t i = 0; i < len; i++) {
			to[i] = load(from, i) | OPAQUE;
		}
		return;
	case PIXEL_FORMAT_ARGB:
		for (size_t i = 0; i < len; i++) {
			to[i] = __builtin_bswap32(load(from, i));
		}
		return;
	case PIXEL_FORMAT_XRGB:
		for (size_t i = 0; i < len; i++) {
			to[i] = __builtin_bswap32(load(from, i)) | OPAQUE;
		}
		return;
	case PIXEL_FORMAT_RGBA:
		for (size_t i = 0; i < len; i++) {
			to[i] = swap_red_blue(load(from, i));
		}
		return;
	case PIXEL_FORMAT_RGBX:
		for (size_t i = 0; i < len; i++) {
			to[i] = swap_red_blue(load(from, i)) | OPAQUE;
		}
		return;
	case PIXEL_FORMAT_ABGR:
		for (size_t i = 0; i < len; i++) {
			to[i] = rotate_alpha(load(from, i));
		}
		return;
	case PIXEL_FORMAT_XBGR:
		for (size_t i = 0; i < len; i++) {
			to[i] = rotate_alpha(load(from, i)) | OPAQUE;
		}
		return;
	case PIXEL_FORMAT_NONE:
	case PIXEL_FORMAT_COUNT:
		break;
	}
	assert(!"a frame's format is checked when it is acquired");
}

/* two pixels, a channel in each 16-bit lane */
typedef uint16_t lanes __attribute__((vector_size(16)));
typedef uint8_t bytes __attribute__((vector_size(8)));

static inline lanes widen(const uint32_t *from) {
	bytes narrow;
	memcpy(&narrow, from, sizeof(narrow));
	return __builtin_convertvector(narrow, lanes);
}

static inline lanes mul(lanes a, lanes b) {
	lanes t = a * b + 128;
	return (t + (t >> 8)) >> 8;
}

static inline void over_two(uint32_t *to, const uint32_t *from, lanes opacity) {
	lanes source = mul(widen(from), opacity);
	lanes alpha = __builtin_shufflevector(source, source, 3, 3, 3, 3, 7, 7, 7, 7);
	lanes sum = source + mul(widen(to), 255 - alpha);
	sum |= (lanes)(sum > 255); /* a guest's colour may exceed its alpha */
	bytes narrow = __builtin_convertvector(sum, bytes);
	memcpy(to, &narrow, sizeof(narrow));
}

void pixels_over(uint32_t *to, const uint32_t *from, size_t len, unsigned opacity) {
	lanes factor = (lanes) { 0 } + (uint16_t)opacity;
	size_t i = 0;
	for (; i + 2 <= len; i += 2) {
		over_two(to + i, from + i, factor);
	}
	if (i < len) {
		uint32_t last_to[2] = { to[i], 0 };
		uint32_t last_from[2] = { from[i], 0 };
		over_two(last_to, last_from, factor);
		to[i] = last_to[0];
	}
}

void pixels_fill(uint32_t *to, uint32_t colour, size_t len) {
	for (size_t i = 0; i < len; i++) {
		to[i] = colour;
	}
}

uint32_t pixels_position(uint32_t index, uint32_t to_len, uint32_t from_len) {
	uint64_t centre = (2 * (uint64_t)index + 1) * from_len * 128 / to_len;
	uint64_t last = ((uint64_t)from_len - 1) * 256;
	uint64_t position = centre < 128 ? 0 : centre - 128;
	return (uint32_t)(position < last ? position : last);
}

void pixels_mix_rows(
	uint16_t *to, const uint32_t *upper, const uint32_t *lower, size_t len, unsigned weight) {
	const uint8_t *a = (const uint8_t *)upper;
	const uint8_t *b = (const uint8_t *)lower;
	uint16_t weight_a = (uint16_t)(256 - weight);
	uint16_t weight_b = (uint16_t)weight;
	for (size_t i = 0; i < len * PIXEL_BYTES; i++) {
		to[i] = (uint16_t)(a[i] * weight_a + b[i] * weight_b);
	}
}

void pixels_sample_row(uint32_t *to, const uint16_t *mixed, const uint32_t *positions, size_t len,
	uint32_t first) {
	for (size_t i = 0; i < len; i++) {
		uint32_t weight = positions[i] & 0xff;
		const uint16_t *left = mixed + (size_t)((positions[i] >> 8) - first) * PIXEL_BYTES;
		const uint16_t *right = left + PIXEL_BYTES;
		uint32_t pixel = 0;
		for (unsigned c = 0; c < PIXEL_BYTES; c++) {
			uint32_t sum = left[c] * (256 - weight) + right[c] * weight + 32768;
			pixel |= (sum >> 16) << 8 * c;
		}
		to[i] = pixel;
	}
}
