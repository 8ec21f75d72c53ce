#include "compositor/pixels_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/macros.h"
#include "tests/suite.h"

static const struct {
	enum pixel_format format;
	uint8_t memory[4];
	uint32_t expected;
} formats[] = {
	{ PIXEL_FORMAT_BGRA, { 1, 2, 3, 4 }, 0x04030201 },
	{ PIXEL_FORMAT_BGRX, { 1, 2, 3, 4 }, 0xff030201 },
	{ PIXEL_FORMAT_ARGB, { 1, 2, 3, 4 }, 0x01020304 },
	{ PIXEL_FORMAT_XRGB, { 1, 2, 3, 4 }, 0xff020304 },
	{ PIXEL_FORMAT_RGBA, { 1, 2, 3, 4 }, 0x04010203 },
	{ PIXEL_FORMAT_XBGR, { 1, 2, 3, 4 }, 0xff040302 },
	{ PIXEL_FORMAT_ABGR, { 1, 2, 3, 4 }, 0x01040302 },
	{ PIXEL_FORMAT_RGBX, { 1, 2, 3, 4 }, 0xff010203 },
};

static const struct pixels_impl *const impls[] = { &pixels_plain, &pixels_avx2 };

/* The one of row `row`, or NULL: not on this machine. */
static const struct pixels_impl *impl_of(int row) {
	const struct pixels_impl *impl = impls[row % (int)ARRAY_LEN(impls)];
	return impl->is_usable() ? impl : NULL;
}

START_TEST(fetches_format) {
	const struct pixels_impl *impl = impl_of(_i);
	int row = _i / (int)ARRAY_LEN(impls);
	if (impl == NULL) {
		return;
	}
	/* lengths around the width of any vector, from any alignment */
	for (size_t len = 1; len < 40; len++) {
		uint8_t from[40 * 4 + 3];
		uint32_t to[41] = { [40] = 77 };
		for (size_t shift = 0; shift < 4; shift++) {
			for (size_t i = 0; i < len * 4; i++) {
				from[shift + i] = formats[row].memory[i % 4];
			}
			to[len] = 77;
			impl->fetch(to, from + shift, len, formats[row].format);
			for (size_t i = 0; i < len; i++) {
				ck_assert_uint_eq(to[i], formats[row].expected);
			}
			ck_assert_uint_eq(to[len], 77);
		}
	}
}
END_TEST

/* As ck_assert_uint_eq(), for millions: each of those tells the test's parent where it is. */
static void expect_byte(uint32_t found, uint32_t expected) {
	if (found != expected) {
		ck_abort_msg("%u, not %u", found, expected);
	}
}

static unsigned divided(unsigned product) {
	return (2 * product + 255) / 510;
}

START_TEST(blends_every_pair_of_bytes) {
	/* every alpha with every channel value, with one opacity a test */
	static const unsigned opacities[] = { 0, 1, 127, 128, 254, 255 };
	const struct pixels_impl *impl = impl_of(_i);
	unsigned opacity = opacities[_i / (int)ARRAY_LEN(impls)];
	if (impl == NULL) {
		return;
	}

	for (unsigned alpha = 0; alpha < 256; alpha++) {
		uint32_t from[257], to[257];
		for (uint32_t i = 0; i < 256; i++) {
			from[i] = alpha << 24 | (255 - i) << 16 | i << 8 | alpha;
			to[i] = 0xff000000 | i << 16 | (i * 7 & 255) << 8 | 255;
		}
		uint32_t before[256];
		for (uint32_t i = 0; i < 256; i++) {
			before[i] = to[i];
		}
		to[255] = 12345;
		impl->over(to, (const uint8_t *)from, 255, opacity); /* odd */
		ck_assert_uint_eq(to[255], 12345);
		for (uint32_t i = 0; i < 255; i++) {
			for (unsigned shift = 0; shift < 24; shift += 8) {
				unsigned sum = divided((from[i] >> shift & 255) * opacity) +
					divided((before[i] >> shift & 255) *
						(255 - divided(alpha * opacity)));
				expect_byte(to[i] >> shift & 255, sum > 255 ? 255 : sum);
			}
		}
	}
}
END_TEST

/* Random pixels with runs of clear and solid ones, at any alignment and of any length: the same bits, the
 * meaningless alpha of the target included, and nothing written behind them. */
START_TEST(all_ways_give_the_same_bits) {
	enum { LEN = 70 };
	uint8_t from[LEN * 4 + 3];
	uint32_t before[LEN], results[ARRAY_LEN(impls)][LEN];
	srand((unsigned)_i + 1);
	for (size_t i = 0; i < sizeof(from); i++) {
		from[i] = (uint8_t)rand();
	}
	for (size_t i = 0; i < LEN; i++) {
		before[i] = (uint32_t)rand() * 3;
	}
	size_t run = (size_t)rand() % 40;
	memset(from + run * 4, _i % 2 == 0 ? 0 : 255, 28 * 4);
	size_t shift = (size_t)_i % 4, len = (size_t)_i % (LEN + 1);
	for (size_t n = 0; n < ARRAY_LEN(impls); n++) {
		memcpy(results[n], before, sizeof(before));
		if (impls[n]->is_usable()) {
			impls[n]->over(results[n], from + shift, len, _i % 3 == 0 ? 255 : _i % 256);
			ck_assert_mem_eq(results[n], results[0], sizeof(results[0]));
			ck_assert_mem_eq(results[n] + len, before + len, (LEN - len) * 4);
		}
	}
	memcpy(results[1], before, sizeof(before));
	pixels_over(results[1], from + shift, len, _i % 3 == 0 ? 255 : _i % 256);
	ck_assert_mem_eq(results[1], results[0], sizeof(results[0]));
}
END_TEST

static const struct {
	uint32_t index, to_len, from_len, position;
} positions[] = {
	{ 0, 10, 10, 0 }, /* same size: each on its own centre */
	{ 7, 10, 10, 7 * 128 },
	{ 0, 20, 10, 0 }, /* a quarter before the first centre: clamped */
	{ 1, 20, 10, 32 }, /* twice as large: a quarter and three quarters */
	{ 2, 20, 10, 96 },
	{ 19, 20, 10, 9 * 128 }, /* clamped at the last centre */
	{ 0, 5, 10, 64 }, /* half as large: between two */
	{ 4, 5, 10, 8 * 128 + 64 },
	{ 0, 1, 1, 0 },
	{ 8191, 8192, 1, 0 },
	{ 0, 1, 8192, 4095 * 128 + 64 },
	{ 8191, 8192, 8192, 8191 * 128 },
};

START_TEST(positions_are_centre_to_centre) {
	ck_assert_uint_eq(
		pixels_position(positions[_i].index, positions[_i].to_len, positions[_i].from_len),
		positions[_i].position);
}
END_TEST

START_TEST(sampling_is_exact) {
	/* every weight each way, with the values that could overflow or be rounded wrong */
	static const uint8_t values[] = { 0, 1, 127, 128, 254, 255 };
	const uint32_t rows[2][2] = { { 0xffffffff, values[_i] * 0x01010101u },
		{ 0x00ff0180, values[5 - _i] * 0x01010101u } };
	int16_t mixed[8];
	for (uint32_t fy = 0; fy < PIXELS_WEIGHTS; fy++) {
		pixels_mix_rows(mixed, rows[0], rows[1], 2, fy);
		for (uint32_t fx = 0; fx < PIXELS_WEIGHTS; fx++) {
			/* four at once, and one alone: both ways of doing it */
			const uint32_t one = 5 * PIXELS_WEIGHTS + fx;
			const uint32_t at[5] = { one, one, one, one, one };
			uint32_t row[5];
			pixels_sample_row(row, mixed, at, 5, 5);
			uint32_t to = row[fx % 5];
			for (unsigned shift = 0; shift < 32; shift += 8) {
				uint32_t sum =
					(rows[0][0] >> shift & 255) * (128 - fx) * (128 - fy) +
					(rows[0][1] >> shift & 255) * fx * (128 - fy) +
					(rows[1][0] >> shift & 255) * (128 - fx) * fy +
					(rows[1][1] >> shift & 255) * fx * fy;
				expect_byte(to >> shift & 255, (sum + 8192) / 16384);
			}
		}
	}
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor pixels");
	TCase *pixels = suite_case(suite, "pixels");
	tcase_add_loop_test(pixels, fetches_format, 0, ARRAY_LEN(formats) * ARRAY_LEN(impls));
	tcase_add_loop_test(pixels, blends_every_pair_of_bytes, 0, 6 * ARRAY_LEN(impls));
	tcase_add_loop_test(pixels, all_ways_give_the_same_bits, 0, 400);
	tcase_add_loop_test(pixels, positions_are_centre_to_centre, 0, ARRAY_LEN(positions));
	tcase_add_loop_test(pixels, sampling_is_exact, 0, 6);
	return suite;
}
