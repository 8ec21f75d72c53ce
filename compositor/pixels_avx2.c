#include "compositor/pixels_impl.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define PIXELS8 8

static bool is_usable(void) {
	return __builtin_cpu_supports("avx2") != 0;
}

/* Which byte of a pixel in memory becomes blue, green, red and alpha; 4: alpha is 255. */
static const uint8_t orders[PIXEL_FORMAT_COUNT][4] = {
	[PIXEL_FORMAT_BGRA] = { 0, 1, 2, 3 },
	[PIXEL_FORMAT_BGRX] = { 0, 1, 2, 4 },
	[PIXEL_FORMAT_ARGB] = { 3, 2, 1, 0 },
	[PIXEL_FORMAT_XRGB] = { 3, 2, 1, 4 },
	[PIXEL_FORMAT_RGBA] = { 2, 1, 0, 3 },
	[PIXEL_FORMAT_RGBX] = { 2, 1, 0, 4 },
	[PIXEL_FORMAT_ABGR] = { 1, 2, 3, 0 },
	[PIXEL_FORMAT_XBGR] = { 1, 2, 3, 4 },
};

AVX2 static inline __m256i load(const void *from) {
	return _mm256_loadu_si256(from);
}

AVX2 static inline void store(void *to, __m256i pixels) {
	_mm256_storeu_si256(to, pixels);
}

AVX2 static void fetch(uint32_t *to, const uint8_t *from, size_t len, enum pixel_format format) {
	const uint8_t *order = orders[format];
	bool has_alpha = order[3] != 4;
	const __m256i alpha = _mm256_set1_epi32(has_alpha ? 0 : (int)0xff000000);
	const __m256i first = _mm256_set1_epi32(
		order[0] | order[1] << 8 | order[2] << 16 | (has_alpha ? order[3] << 24 : 0));
	/* pixel n of a lane has its bytes from 4n on */
	const __m256i shuffle = _mm256_add_epi8(first,
		_mm256_setr_epi32(0, 0x04040404, 0x08080808, 0x0c0c0c0c, 0, 0x04040404, 0x08080808,
			0x0c0c0c0c));

	size_t i = 0;
	for (; i + PIXELS8 <= len; i += PIXELS8) {
		__m256i pixels = load(from + i * PIXEL_BYTES);
		store(to + i, _mm256_or_si256(_mm256_shuffle_epi8(pixels, shuffle), alpha));
	}
	pixels_plain.fetch(to + i, from + i * PIXEL_BYTES, len - i, format);
}

/* a * b / 255, to the nearest, in 16-bit lanes: (t + (t >> 8)) >> 8 is t * 257 >> 16 */
AVX2 static inline __m256i mul(__m256i a, __m256i b) {
	__m256i t = _mm256_add_epi16(_mm256_mullo_epi16(a, b), _mm256_set1_epi16(128));
	return _mm256_mulhi_epu16(t, _mm256_set1_epi16(257));
}

AVX2 static inline __m256i mul_bytes(__m256i a, __m256i low_factors, __m256i high_factors) {
	const __m256i zero = _mm256_setzero_si256();
	return _mm256_packus_epi16(mul(_mm256_unpacklo_epi8(a, zero), low_factors),
		mul(_mm256_unpackhi_epi8(a, zero), high_factors));
}

/* of eight pixels that neither hide nor show all of what is below */
AVX2 static inline __m256i blend(__m256i to, __m256i from) {
	const char no = -1;
	const __m256i low = _mm256_setr_epi8(3, no, 3, no, 3, no, 3, no, 7, no, 7, no, 7, no, 7, no,
		3, no, 3, no, 3, no, 3, no, 7, no, 7, no, 7, no, 7, no);
	const __m256i high = _mm256_setr_epi8(11, no, 11, no, 11, no, 11, no, 15, no, 15, no, 15,
		no, 15, no, 11, no, 11, no, 11, no, 11, no, 15, no, 15, no, 15, no, 15, no);
	const __m256i full = _mm256_set1_epi16(255);
	__m256i shining = mul_bytes(to, _mm256_sub_epi16(full, _mm256_shuffle_epi8(from, low)),
		_mm256_sub_epi16(full, _mm256_shuffle_epi8(from, high)));
	return _mm256_adds_epu8(from, shining);
}

AVX2 static inline void over_eight(uint32_t *to, __m256i from) {
	const __m256i alpha = _mm256_set1_epi32((int)0xff000000);
	if (_mm256_testc_si256(from, alpha)) {
		store(to, from); /* solid */
	} else if (!_mm256_testz_si256(from, from)) {
		store(to, blend(load(to), from));
	}
}

AVX2 static void over(uint32_t *to, const uint8_t *from, size_t len, unsigned opacity) {
	const __m256i factor = _mm256_set1_epi16((short)opacity);
	size_t i = 0;
	if (opacity == 255) {
		for (; i + PIXELS8 <= len; i += PIXELS8) {
			over_eight(to + i, load(from + i * PIXEL_BYTES));
		}
	} else {
		for (; i + PIXELS8 <= len; i += PIXELS8) {
			__m256i pixels = load(from + i * PIXEL_BYTES);
			over_eight(to + i, mul_bytes(pixels, factor, factor));
		}
	}
	pixels_plain.over(to + i, from + i * PIXEL_BYTES, len - i, opacity);
}

const struct pixels_impl pixels_avx2 = { "avx2", is_usable, fetch, over };

#else

static bool is_usable(void) {
	return false;
}

const struct pixels_impl pixels_avx2 = { .name = "avx2", .is_usable = is_usable };

#endif
