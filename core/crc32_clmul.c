#include "core/crc32_impl.h"

#if defined(__x86_64__)

#include <immintrin.h>

/*
 * The CRC of a message is its remainder as a polynomial over GF(2), divided by P. What a carry-less
 * multiplication gives is a sum of products: so bits far ahead can be replaced by their remainder
 * nearer by, x^n * A = (x^n mod P) * A, without changing that of the whole. 128 bits are folded at once,
 * each half with its own power:
 *
 *      A = high | low            B, n bits behind A
 *          |       |             |
 *          |       +- * x^n      |
 *          +- * x^(n+64)  \      |
 *                \---------+----xor--> stands for A and B, in the place of B
 *
 * Four such folds over 512 bits each are under way at a time, for a multiplication takes longer than
 * its successor has to wait. They are folded together at the end, to 128 bits, then to 64, and those
 * are divided by Barrett's method: the quotient is a product with x^64 / P.
 *
 * All is bit-reflected, as the message is: the first half of a lane is the high one, so that its power
 * is 64 more. A constant is a remainder of 32 bits at the high end of a word of 64, which are 32 powers
 * by themselves (hence n - 32 and n + 32), and shifted by one, for a product of reflected numbers comes
 * out one bit low. The scheme and its constants: Gopal and others, Fast CRC Computation for Generic
 * Polynomials Using PCLMULQDQ Instruction, Intel, 2009.
 */
#define FOLD_BY_512 0x1c6e41596, 0x154442bd4 /* x^(512-32), x^(512+32) */
#define FOLD_BY_128 0x0ccaa009e, 0x1751997d0 /* x^(128-32), x^(128+32) */
#define FOLD_TO_64 0, 0x163cd6124            /* x^64 */
#define BARRETT 0x1f7011641, 0x1db710641     /* x^64 / P, P */

#define LANES 4
#define LANE_BYTES sizeof(__m128i)
#define BLOCK_BYTES (LANES * LANE_BYTES)

#define WITH_CLMUL __attribute__((target("pclmul,sse4.1")))

bool crc32_clmul_works(void) {
	__builtin_cpu_init(); /* constructors may ask */
	return __builtin_cpu_supports("pclmul") != 0 && __builtin_cpu_supports("sse4.1") != 0;
}

WITH_CLMUL static inline __m128i load(const uint8_t *bytes) {
	return _mm_loadu_si128((const __m128i_u *)bytes);
}

WITH_CLMUL static inline __m128i fold(__m128i ahead, __m128i powers, __m128i behind) {
	__m128i low = _mm_clmulepi64_si128(ahead, powers, 0x00);
	__m128i high = _mm_clmulepi64_si128(ahead, powers, 0x11);
	return _mm_xor_si128(_mm_xor_si128(low, high), behind);
}

/* The remainder of 128 bits. */
WITH_CLMUL static inline uint32_t divide(__m128i rest) {
	const __m128i low_words = _mm_setr_epi32(-1, 0, -1, 0);
	__m128i powers = _mm_set_epi64x(FOLD_BY_128);
	rest = _mm_xor_si128(_mm_srli_si128(rest, 8), _mm_clmulepi64_si128(rest, powers, 0x10));
	powers = _mm_set_epi64x(FOLD_TO_64);
	rest = _mm_xor_si128(_mm_srli_si128(rest, 4),
		_mm_clmulepi64_si128(_mm_and_si128(rest, low_words), powers, 0x00));

	const __m128i barrett = _mm_set_epi64x(BARRETT);
	__m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(rest, low_words), barrett, 0x10);
	__m128i product = _mm_clmulepi64_si128(_mm_and_si128(quotient, low_words), barrett, 0x00);
	return (uint32_t)_mm_extract_epi32(_mm_xor_si128(rest, product), 1);
}

/* Of whole lanes, at least BLOCK_BYTES. */
WITH_CLMUL static uint32_t fold_all(uint32_t crc, const uint8_t *bytes, size_t size_bytes) {
	__m128i powers = _mm_set_epi64x(FOLD_BY_512);
	__m128i a = _mm_xor_si128(load(bytes), _mm_cvtsi32_si128((int)crc));
	__m128i b = load(bytes + LANE_BYTES);
	__m128i c = load(bytes + 2 * LANE_BYTES);
	__m128i d = load(bytes + 3 * LANE_BYTES);
	for (bytes += BLOCK_BYTES, size_bytes -= BLOCK_BYTES; size_bytes >= BLOCK_BYTES;
		bytes += BLOCK_BYTES, size_bytes -= BLOCK_BYTES) {
		a = fold(a, powers, load(bytes));
		b = fold(b, powers, load(bytes + LANE_BYTES));
		c = fold(c, powers, load(bytes + 2 * LANE_BYTES));
		d = fold(d, powers, load(bytes + 3 * LANE_BYTES));
	}
	powers = _mm_set_epi64x(FOLD_BY_128);
	__m128i rest = fold(fold(fold(a, powers, b), powers, c), powers, d);
	for (; size_bytes >= LANE_BYTES; bytes += LANE_BYTES, size_bytes -= LANE_BYTES) {
		rest = fold(rest, powers, load(bytes));
	}
	return divide(rest);
}

uint32_t crc32_clmul(uint32_t crc, const void *data, size_t size_bytes) {
	const uint8_t *bytes = data;
	size_t folded = size_bytes - size_bytes % LANE_BYTES;
	if (folded < BLOCK_BYTES) {
		return crc32_table(crc, data, size_bytes);
	}
	crc = ~fold_all(~crc, bytes, folded);
	return folded == size_bytes ? crc : crc32_table(crc, bytes + folded, size_bytes - folded);
}

#else

#include <assert.h>

bool crc32_clmul_works(void) {
	return false;
}

uint32_t crc32_clmul(uint32_t crc, const void *data, size_t size_bytes) {
	assert(!"crc32_clmul_works() said so");
	return crc32_table(crc, data, size_bytes);
}

#endif
