#include "core/pixel_format.h"

#include <string.h>

#include "core/macros.h"
#include "tests/suite.h"

static const struct {
	enum pixel_format format;
	const char *name;
	const char *fourcc;
	bool alpha;
} rows[] = {
	{ PIXEL_FORMAT_BGRA, "BGRA", "AR24", true },
	{ PIXEL_FORMAT_BGRX, "BGRX", "XR24", false },
	{ PIXEL_FORMAT_ARGB, "ARGB", "BA24", true },
	{ PIXEL_FORMAT_XRGB, "XRGB", "BX24", false },
	{ PIXEL_FORMAT_RGBA, "RGBA", "AB24", true },
	{ PIXEL_FORMAT_XBGR, "XBGR", "RX24", false },
	{ PIXEL_FORMAT_ABGR, "ABGR", "RA24", true },
	{ PIXEL_FORMAT_RGBX, "RGBX", "XB24", false },
};

START_TEST(formats_are_what_they_are_called) {
	ck_assert(pixel_format_is_valid(rows[_i].format));
	ck_assert_str_eq(pixel_format_name(rows[_i].format), rows[_i].name);
	ck_assert(pixel_format_has_alpha(rows[_i].format) == rows[_i].alpha);
	const uint8_t *code = (const uint8_t *)rows[_i].fourcc;
	uint32_t drm = code[0] | (uint32_t)code[1] << 8 | (uint32_t)code[2] << 16 |
		(uint32_t)code[3] << 24;
	ck_assert_uint_eq(pixel_format_to_drm(rows[_i].format), drm);
}
END_TEST

START_TEST(numbers_that_are_no_format) {
	ck_assert(ARRAY_LEN(rows) == PIXEL_FORMAT_COUNT - 1);
	ck_assert(!pixel_format_is_valid(PIXEL_FORMAT_NONE));
	ck_assert(!pixel_format_is_valid(PIXEL_FORMAT_COUNT));
	ck_assert(!pixel_format_is_valid(UINT32_MAX));
	ck_assert(!pixel_format_is_valid(UINT32_C(0x80000001)));
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core pixel_format");
	TCase *tcase = suite_case(suite, "formats");
	tcase_add_loop_test(tcase, formats_are_what_they_are_called, 0, ARRAY_LEN(rows));
	tcase_add_test(tcase, numbers_that_are_no_format);
	return suite;
}
