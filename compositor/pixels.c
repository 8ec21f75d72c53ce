#include "compositor/pixels.h"

#include <assert.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "compositor/pixels_impl.h"

_Static_assert(
	__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "formats are read as little-endian words");

_Static_assert(PIXELS_WEIGHTS == 128, "two of them are a shift by 14, and 255 of them 15 bits");

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

static void fetch(uint32_t *to, const uint8_t *from, size_t len, enum pixel_format format) {
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

/* four pixels, and half of them with a channel in each 16-bit lane */
typedef uint8_t pixels4 __attribute__((vector_size(16)));
typedef uint16_t lanes __attribute__((vector_size(16)));

#define PIXELS4 4

static inline lanes widen_low(pixels4 from) {
	const pixels4 zero = { 0 };
	return (lanes)__builtin_shufflevector(
		from, zero, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

static inline lanes widen_high(pixels4 from) {
	const pixels4 zero = { 0 };
	return (lanes)__builtin_shufflevector(
		from, zero, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/* of lanes that are all below 256 */
static inline pixels4 narrow(lanes low, lanes high) {
	return __builtin_shufflevector((pixels4)low, (pixels4)high, 0, 2, 4, 6, 8, 10, 12, 14, 16,
		18, 20, 22, 24, 26, 28, 30);
}

static inline lanes mul(lanes a, lanes b) {
	lanes t = a * b + 128;
	return (t + (t >> 8)) >> 8;
}

static inline lanes rest_of_alpha(lanes source) {
	return 255 - __builtin_shufflevector(source, source, 3, 3, 3, 3, 7, 7, 7, 7);
}

static inline void over_four(uint32_t *to, const uint8_t *from, unsigned opacity) {
	pixels4 source, target;
	memcpy(&source, from, sizeof(source));
	memcpy(&target, to, sizeof(target));
	lanes low = widen_low(source), high = widen_high(source);
	if (opacity != 255) {
		lanes factor = (lanes) { 0 } + (uint16_t)opacity;
		low = mul(low, factor);
		high = mul(high, factor);
		source = narrow(low, high);
	}
	pixels4 shining = narrow(mul(widen_low(target), rest_of_alpha(low)),
		mul(widen_high(target), rest_of_alpha(high)));
	/* a guest's colour may exceed its alpha: 255 is the end */
	pixels4 sum = source + shining;
	sum |= (pixels4)(sum < source);
	memcpy(to, &sum, sizeof(sum));
}

static void over(uint32_t *to, const uint8_t *from, size_t len, unsigned opacity) {
	size_t i = 0;
	for (; i + PIXELS4 <= len; i += PIXELS4) {
		over_four(to + i, from + i * PIXEL_BYTES, opacity);
	}
	if (i < len) {
		uint32_t last_to[PIXELS4] = { 0 };
		uint8_t last_from[PIXELS4 * PIXEL_BYTES] = { 0 };
		memcpy(last_to, to + i, (len - i) * PIXEL_BYTES);
		memcpy(last_from, from + i * PIXEL_BYTES, (len - i) * PIXEL_BYTES);
		over_four(last_to, last_from, opacity);
		memcpy(to + i, last_to, (len - i) * PIXEL_BYTES);
	}
}

static bool always(void) {
	return true;
}

const struct pixels_impl pixels_plain = { "plain", always, fetch, over };

static inline const struct pixels_impl *best(void) {
	return pixels_avx2.is_usable() ? &pixels_avx2 : &pixels_plain;
}

void pixels_fetch(uint32_t *to, const uint8_t *from, size_t len, enum pixel_format format) {
	if (format == PIXEL_FORMAT_BGRA) {
		memcpy(to, from, len * PIXEL_BYTES);
	} else {
		best()->fetch(to, from, len, format);
	}
}

void pixels_over(uint32_t *to, const void *from, size_t len, unsigned opacity) {
	best()->over(to, from, len, opacity);
}

void pixels_fill(uint32_t *to, uint32_t colour, size_t len) {
	for (size_t i = 0; i < len; i++) {
		to[i] = colour;
	}
}

uint32_t pixels_position(uint32_t index, uint32_t to_len, uint32_t from_len) {
	uint64_t half = PIXELS_WEIGHTS / 2;
	uint64_t centre = (2 * (uint64_t)index + 1) * from_len * half / to_len;
	uint64_t last = ((uint64_t)from_len - 1) * PIXELS_WEIGHTS;
	uint64_t position = centre < half ? 0 : centre - half;
	return (uint32_t)(position < last ? position : last);
}

void pixels_mix_rows(
	int16_t *to, const uint32_t *upper, const uint32_t *lower, size_t len, unsigned weight) {
	const uint8_t *a = (const uint8_t *)upper;
	const uint8_t *b = (const uint8_t *)lower;
	int16_t weight_a = (int16_t)(PIXELS_WEIGHTS - weight);
	int16_t weight_b = (int16_t)weight;
	for (size_t i = 0; i < len * PIXEL_BYTES; i++) {
		to[i] = (int16_t)(a[i] * weight_a + b[i] * weight_b);
	}
}

#ifdef __SSE2__

/* The four channels at `position`, as 32-bit numbers. Compilers do not find the multiply-and-add. */
static inline __m128i sample(const int16_t *mixed, uint32_t position, uint32_t first) {
	const int16_t *at = mixed + (size_t)(position / PIXELS_WEIGHTS - first) * PIXEL_BYTES;
	int weight = (int)(position % PIXELS_WEIGHTS);
	__m128i both = _mm_loadu_si128((const __m128i *)(const void *)at);
	__m128i pairs = _mm_unpacklo_epi16(both, _mm_srli_si128(both, 8));
	__m128i weights = _mm_set1_epi32((PIXELS_WEIGHTS - weight) | weight << 16);
	__m128i sums = _mm_madd_epi16(pairs, weights);
	return _mm_srai_epi32(_mm_add_epi32(sums, _mm_set1_epi32(1 << 13)), 14);
}

static size_t sample_fours(
	uint32_t *to, const int16_t *mixed, const uint32_t *positions, size_t len, uint32_t first) {
	size_t i = 0;
	for (; i + 4 <= len; i += 4) {
		__m128i a = _mm_packs_epi32(
			sample(mixed, positions[i], first), sample(mixed, positions[i + 1], first));
		__m128i b = _mm_packs_epi32(sample(mixed, positions[i + 2], first),
			sample(mixed, positions[i + 3], first));
		_mm_storeu_si128((__m128i *)(void *)(to + i), _mm_packus_epi16(a, b));
	}
	return i;
}

#else

static size_t sample_fours(
	uint32_t *to, const int16_t *mixed, const uint32_t *positions, size_t len, uint32_t first) {
	return 0;
}

#endif

void pixels_sample_row(
	uint32_t *to, const int16_t *mixed, const uint32_t *positions, size_t len, uint32_t first) {
	for (size_t i = sample_fours(to, mixed, positions, len, first); i < len; i++) {
		const int16_t *left =
			mixed + (size_t)(positions[i] / PIXELS_WEIGHTS - first) * PIXEL_BYTES;
		int32_t weight = (int32_t)(positions[i] % PIXELS_WEIGHTS);
		uint32_t pixel = 0;
		for (unsigned c = 0; c < PIXEL_BYTES; c++) {
			int32_t sum = left[c] * (PIXELS_WEIGHTS - weight) +
				left[c + PIXEL_BYTES] * weight + (1 << 13);
			pixel |= (uint32_t)(sum >> 14) << 8 * c;
		}
		to[i] = pixel;
	}
}
