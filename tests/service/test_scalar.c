#include "core/macros.h"
#include "service/scalar.h"
#include "tests/suite.h"

static const struct mode_row {
	const char *text;
	bool good;
	struct scalar_mode mode;
} mode_rows[] = {
	{ "1920x1080@60", true, { 1920, 1080, TICKER_REAL, 60000 } },
	{ "1920x1080", true, { 1920, 1080, TICKER_REAL, 60000 } },
	{ "1920x1080@59.94", true, { 1920, 1080, TICKER_REAL, 59940 } },
	{ "1x1@1", true, { 1, 1, TICKER_REAL, 1000 } },
	{ "8192x8192@400", true, { 8192, 8192, TICKER_REAL, 400000 } },
	{ "800x480@0", true, { 800, 480, TICKER_IMMEDIATE, 60000 } },
	{ "800x480@step", true, { 800, 480, TICKER_STEP, 60000 } },
	{ "", false, { 0 } },
	{ "1920", false, { 0 } },
	{ "1920x", false, { 0 } },
	{ "x1080", false, { 0 } },
	{ "0x1080", false, { 0 } },
	{ "8193x1", false, { 0 } },
	{ "-1x1", false, { 0 } },
	{ " 1x1", false, { 0 } },
	{ "1x1 ", false, { 0 } },
	{ "1 x1", false, { 0 } },
	{ "1x1@", false, { 0 } },
	{ "1x1@401", false, { 0 } },
	{ "1x1@400.001", false, { 0 } },
	{ "1x1@0.5", false, { 0 } },
	{ "1x1@60.", false, { 0 } },
	{ "1x1@60.0001", false, { 0 } },
	{ "1x1@-60", false, { 0 } },
	{ "1x1@steps", false, { 0 } },
	{ "99999999999999999999x1", false, { 0 } },
};

START_TEST(mode) {
	const struct mode_row *row = &mode_rows[_i];
	struct scalar_mode mode = { .width = 7 };
	ck_assert_msg(scalar_mode(row->text, &mode) == row->good, "'%s'", row->text);
	ck_assert_msg(row->good || mode.width == 7, "'%s' stored something", row->text);
	if (row->good) {
		ck_assert_uint_eq(mode.width, row->mode.width);
		ck_assert_uint_eq(mode.height, row->mode.height);
		ck_assert_int_eq(mode.clock, row->mode.clock);
		ck_assert_uint_eq(mode.refresh_mhz, row->mode.refresh_mhz);
	}
}
END_TEST

static const struct rect_row {
	const char *text;
	bool good;
	struct rect rect;
} rect_rows[] = {
	{ "0,0 1x1", true, { 0, 0, 1, 1 } },
	{ "-5,7 640x480", true, { -5, 7, 640, 480 } },
	{ "-32768,32768 8192x1", true, { -32768, 32768, 8192, 1 } },
	{ "32769,0 1x1", false, { 0 } },
	{ "0,0", false, { 0 } },
	{ "0,0  1x1", false, { 0 } },
	{ "0,0 0x1", false, { 0 } },
	{ "0,0 1x1x", false, { 0 } },
	{ "0.0 1x1", false, { 0 } },
	{ "--5,0 1x1", false, { 0 } },
	{ "+5,0 1x1", false, { 0 } },
};

START_TEST(rect) {
	const struct rect_row *row = &rect_rows[_i];
	struct rect got;
	ck_assert_msg(scalar_rect(row->text, &got) == row->good, "'%s'", row->text);
	ck_assert_msg(!row->good || rect_equal(&got, &row->rect), "'%s'", row->text);
}
END_TEST

static const struct number_row {
	const char *text;
	bool good;
	uint64_t value;
} colour_rows[] = {
	{ "#101418", true, 0x101418 },
	{ "A0b0C0", true, 0xa0b0c0 },
	{ "#fff", false, 0 },
	{ "##10141", false, 0 },
	{ "0x1014", false, 0 },
	{ "", false, 0 },
}, bytes_rows[] = {
	{ "0", true, 0 },
	{ "4096", true, 4096 },
	{ "64K", true, 64 << 10 },
	{ "64 KiB", true, 64 << 10 },
	{ "64M", true, 64 << 20 },
	{ "64MiB", true, 64 << 20 },
	{ "4G", true, UINT64_C(4) << 30 },
	{ "1 GiB", true, UINT64_C(1) << 30 },
	{ "1T", false, 0 },
	{ "1MB", false, 0 },
	{ "-1", false, 0 },
	{ "1.5M", false, 0 },
	{ "M", false, 0 },
	{ "99999999999999G", false, 0 },
};

START_TEST(colour) {
	const struct number_row *row = &colour_rows[_i];
	uint32_t rgb = 0;
	ck_assert_msg(scalar_colour(row->text, &rgb) == row->good, "'%s'", row->text);
	ck_assert_uint_eq(rgb, row->value);
}
END_TEST

START_TEST(bytes) {
	const struct number_row *row = &bytes_rows[_i];
	uint64_t got = 0;
	ck_assert_msg(scalar_bytes(row->text, &got) == row->good, "'%s'", row->text);
	ck_assert_uint_eq(got, row->value);
}
END_TEST

static const struct rate_row {
	const char *text;
	bool good;
	uint32_t times, ms;
} rate_rows[] = {
	{ "never", true, 0, 0 },
	{ "3 in 60s", true, 3, 60000 },
	{ "1 in 1ms", true, 1, 1 },
	{ "1000 in 3600s", true, 1000, 3600000 },
	{ "1 in 3601s", false, 0, 0 },
	{ "1 in 3600001ms", false, 0, 0 },
	{ "0 in 60s", false, 0, 0 },
	{ "1001 in 60s", false, 0, 0 },
	{ "3 in 0s", false, 0, 0 },
	{ "3 in 60", false, 0, 0 },
	{ "3 in 60 s", false, 0, 0 },
	{ "3 in 60m", false, 0, 0 },
	{ "3 per 60s", false, 0, 0 },
	{ "3 in -1s", false, 0, 0 },
	{ "3", false, 0, 0 },
	{ "", false, 0, 0 },
};

START_TEST(rate) {
	const struct rate_row *row = &rate_rows[_i];
	uint32_t times = 7, ms = 7;
	ck_assert_msg(scalar_rate(row->text, &times, &ms) == row->good, "'%s'", row->text);
	ck_assert_uint_eq(times, row->good ? row->times : 7);
	ck_assert_uint_eq(ms, row->good ? row->ms : 7);
}
END_TEST

static const struct milli_row {
	const char *text;
	bool good;
	uint64_t value;
} milli_rows[] = {
	{ "0", true, 0 },
	{ "2", true, 2000 },
	{ "0.5", true, 500 },
	{ "1.234", true, 1234 },
	{ "10", true, 10000 },
	{ "10.000", true, 10000 },
	{ "10.001", false, 0 },
	{ "11", false, 0 },
	{ "1.2345", false, 0 },
	{ "1.", false, 0 },
	{ ".5", false, 0 },
	{ "-1", false, 0 },
	{ "-0.5", false, 0 },
	{ "1s", false, 0 },
	{ "", false, 0 },
};

START_TEST(milli) {
	const struct milli_row *row = &milli_rows[_i];
	uint64_t got = 0;
	ck_assert_msg(scalar_milli(row->text, 10, &got) == row->good, "'%s'", row->text);
	ck_assert_uint_eq(got, row->value);
}
END_TEST

static const struct name_row {
	const char *text;
	bool good;
} name_rows[] = {
	{ "a", true },
	{ "cluster", true },
	{ "IVI-2_left", true },
	{ "a23456789012345678901234", true },
	{ "a234567890123456789012345", false },
	{ "", false },
	{ "2a", false },
	{ "-a", false },
	{ "a.b", false },
	{ "a/b", false },
	{ "a b", false },
	{ "\303\244", false },
};

START_TEST(name) {
	const struct name_row *row = &name_rows[_i];
	ck_assert_msg(scalar_is_name(row->text) == row->good, "'%s'", row->text);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("service scalar");
	TCase *tcase = suite_case(suite, "scalar");
	tcase_add_loop_test(tcase, mode, 0, (int)ARRAY_LEN(mode_rows));
	tcase_add_loop_test(tcase, rect, 0, (int)ARRAY_LEN(rect_rows));
	tcase_add_loop_test(tcase, colour, 0, (int)ARRAY_LEN(colour_rows));
	tcase_add_loop_test(tcase, bytes, 0, (int)ARRAY_LEN(bytes_rows));
	tcase_add_loop_test(tcase, rate, 0, (int)ARRAY_LEN(rate_rows));
	tcase_add_loop_test(tcase, milli, 0, (int)ARRAY_LEN(milli_rows));
	tcase_add_loop_test(tcase, name, 0, (int)ARRAY_LEN(name_rows));
	return suite;
}
