#include "core/frame_tag.h"

#include <string.h>

#include "core/macros.h"
#include "tests/suite.h"

static const struct {
	const char *name;
	struct frame_tag tag;
} tags[] = {
	{ "zeros", { 0, 0, 0 } },
	{ "one of each", { 1, 1, 1 } },
	{ "all bits", { UINT32_MAX, UINT32_MAX, UINT32_MAX } },
	{ "each nibble differs", { 0x76543210, 0xfedcba98, 0x13579bdf } },
};

static void assert_tag(const struct frame_tag *tag, const struct frame_tag *expected) {
	ck_assert_uint_eq(tag->counter, expected->counter);
	ck_assert_uint_eq(tag->time_ms, expected->time_ms);
	ck_assert_uint_eq(tag->heartbeat, expected->heartbeat);
}

START_TEST(goes_both_ways) {
	uint32_t pixels[FRAME_TAG_PIXELS];
	struct frame_tag tag;
	frame_tag_encode(&tags[_i].tag, pixels);
	for (size_t i = 0; i < FRAME_TAG_PIXELS; i++) {
		ck_assert_msg((pixels[i] & 0xfff0f0f0u) == 0xff000000u, "%s: pixel %zu is %08x",
			tags[_i].name, i, pixels[i]);
	}
	ck_assert_msg(frame_tag_decode(&tag, pixels), "%s", tags[_i].name);
	assert_tag(&tag, &tags[_i].tag);
}
END_TEST

/* What a guest that has only the description would paint. */
START_TEST(is_as_documented) {
	static const struct frame_tag tag = { 0x76543210, 0xfedcba98, 0x13579bdf };
	/* half bytes in order: counter 0 1 2 .. 7, time 8 9 a .. f, heartbeat f d b .. 1, CRC-32 of
	 * 10325476 98badcfe df9b5713 = 2020bc72, and 0 */
	static const uint32_t painted[FRAME_TAG_PIXELS] = {
		0xff0a050f,
		0xff000102,
		0xff030405,
		0xff060708,
		0xff090a0b,
		0xff0c0d0e,
		0xff0f0f0d,
		0xff0b0907,
		0xff050301,
		0xff02070c,
		0xff0b0002,
		0xff000200,
	};
	uint32_t pixels[FRAME_TAG_PIXELS];
	frame_tag_encode(&tag, pixels);
	for (size_t i = 0; i < FRAME_TAG_PIXELS; i++) {
		ck_assert_msg(pixels[i] == painted[i], "pixel %zu is %08x", i, pixels[i]);
	}
}
END_TEST

START_TEST(survives_what_does_not_matter) {
	static const struct frame_tag expected = { 5, 6, 7 };
	static const uint32_t noise[] = { 0xff000000, 0xfff0f0f0, 0x00f0f0f0, 0x5a5050a0 };
	for (size_t n = 0; n < ARRAY_LEN(noise); n++) {
		uint32_t pixels[FRAME_TAG_PIXELS];
		frame_tag_encode(&expected, pixels);
		for (size_t i = 0; i < FRAME_TAG_PIXELS; i++) {
			pixels[i] ^= noise[n];
		}
		struct frame_tag tag;
		ck_assert_msg(frame_tag_decode(&tag, pixels), "noise %08x", noise[n]);
		assert_tag(&tag, &expected);
	}
}
END_TEST

START_TEST(every_flipped_bit_is_found) {
	for (uint32_t i = 0; i < FRAME_TAG_PIXELS; i++) {
		for (uint32_t bit = 0; bit < 24; bit++) {
			if (bit % 8 > 3) {
				continue;
			}
			uint32_t pixels[FRAME_TAG_PIXELS];
			frame_tag_encode(&tags[3].tag, pixels);
			pixels[i] ^= 1u << bit;
			struct frame_tag tag = { 1, 2, 3 };
			ck_assert_msg(!frame_tag_decode(&tag, pixels), "pixel %u bit %u", i, bit);
			assert_tag(&tag, &(struct frame_tag) { 1, 2, 3 });
		}
	}
}
END_TEST

START_TEST(pictures_without_a_tag) {
	static const uint32_t colours[] = { 0, UINT32_MAX, 0xff000000, 0xff0a050f, 0xff123456 };
	for (size_t n = 0; n < ARRAY_LEN(colours); n++) {
		uint32_t pixels[FRAME_TAG_PIXELS];
		for (size_t i = 0; i < FRAME_TAG_PIXELS; i++) {
			pixels[i] = colours[n];
		}
		struct frame_tag tag;
		ck_assert_msg(!frame_tag_decode(&tag, pixels), "all %08x", colours[n]);
	}
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core frame_tag");
	TCase *tcase = suite_case(suite, "pixels");
	tcase_add_loop_test(tcase, goes_both_ways, 0, ARRAY_LEN(tags));
	tcase_add_test(tcase, is_as_documented);
	tcase_add_test(tcase, survives_what_does_not_matter);
	tcase_add_test(tcase, every_flipped_bit_is_found);
	tcase_add_test(tcase, pictures_without_a_tag);
	return suite;
}
