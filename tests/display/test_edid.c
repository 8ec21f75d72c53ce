#include "display/edid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/macros.h"
#include "tests/suite.h"

struct row {
	const char *name;
	struct frame_mode mode;
	size_t size_bytes;
	uint32_t refresh_tolerance_mhz; /* a pixel clock is a multiple of 10 kHz */
};

static const struct row rows[] = {
	{ "full HD", { 1, 1920, 1080, 60000, 344, 194, "cluster", 7 }, 128, 20 },
	{ "cluster", { 1, 1280, 480, 60000, 292, 110, "exactly13char", 1 }, 128, 20 },
	{ "wide cluster", { 0, 1920, 720, 60000, 0, 0, "", 0 }, 128, 20 },
	{ "4:3", { 1, 1024, 768, 75000, 300, 225, "x", 4294967295u }, 128, 20 },
	{ "5:4", { 1, 1280, 1024, 60000, 300, 240, "x", 3 }, 128, 20 },
	{ "portrait", { 1, 1080, 1920, 59940, 194, 344, "portrait", 9 }, 128, 20 },
	{ "largest that fits", { 1, 4095, 2160, 60000, 2550, 2550, "big", 1 }, 128, 20 },
	{ "120 Hz", { 1, 1920, 1080, 120000, 600, 340, "fast", 1 }, 128, 20 },
	{ "tiny", { 1, 64, 64, 60000, 10, 10, "tiny", 1 }, 128, 500 },
	{ "too wide", { 1, 5120, 1440, 60000, 1200, 340, "wide", 2 }, 256, 20 },
	{ "too high", { 1, 1080, 4096, 60000, 200, 800, "high", 2 }, 256, 20 },
	{ "too fast", { 1, 3840, 2160, 120000, 600, 340, "4k120", 2 }, 256, 20 },
	{ "largest", { 1, 8191, 8191, 60000, 5000, 5000, "largest", 2 }, 256, 20 },
};

static unsigned sum(const uint8_t *data, size_t len) {
	unsigned total = 0;
	for (size_t i = 0; i < len; i++) {
		total += data[i];
	}
	return total & 0xff;
}

/* An independent reading, written from the standard's table, not from the encoder. */
struct reading {
	uint32_t width, height, total_x, total_y;
	uint64_t clock_hz;
	uint32_t width_mm, height_mm;
	uint32_t front_x, sync_x, front_y, sync_y;
};

static struct reading read_base_timing(const uint8_t *d) {
	struct reading r = { 0 };
	r.clock_hz = (uint64_t)(d[0] | d[1] << 8) * 10000;
	r.width = d[2] | (d[4] & 0xf0u) << 4;
	r.total_x = r.width + (d[3] | (d[4] & 0x0fu) << 8);
	r.height = d[5] | (d[7] & 0xf0u) << 4;
	r.total_y = r.height + (d[6] | (d[7] & 0x0fu) << 8);
	r.front_x = d[8] | (d[11] & 0xc0u) << 2;
	r.sync_x = d[9] | (d[11] & 0x30u) << 4;
	r.front_y = d[10] >> 4 | (d[11] & 0x0cu) << 2;
	r.sync_y = (d[10] & 0x0fu) | (d[11] & 0x03u) << 4;
	r.width_mm = d[12] | (d[14] & 0xf0u) << 4;
	r.height_mm = d[13] | (d[14] & 0x0fu) << 8;
	return r;
}

static uint32_t one_more(const uint8_t *at) {
	return (at[0] | (at[1] & 0x7fu) << 8) + 1;
}

static struct reading read_displayid_timing(const uint8_t *block) {
	ck_assert_uint_eq(block[0], 0x70);
	ck_assert_uint_eq(block[1] >> 4, 1); /* DisplayID 1.x */
	size_t section_bytes = block[2] + 5u; /* header before, checksum after */
	ck_assert_uint_eq(sum(block + 1, section_bytes), 0);
	const uint8_t *data = block + 5;
	while (data[0] != 3 && data < block + 5 + block[2]) { /* to the Type I detailed timing */
		data += 3 + data[2];
	}
	ck_assert_uint_eq(data[0], 3);
	ck_assert_uint_eq(data[2], 20);
	const uint8_t *t = data + 3;
	ck_assert_uint_eq(t[3] & 0x90, 0x80); /* preferred, not interlaced */
	struct reading r = { 0 };
	r.clock_hz = (uint64_t)((t[0] | t[1] << 8 | t[2] << 16) + 1) * 10000;
	r.width = (t[4] | (uint32_t)t[5] << 8) + 1;
	r.total_x = r.width + (t[6] | (uint32_t)t[7] << 8) + 1;
	r.front_x = one_more(t + 8);
	r.sync_x = one_more(t + 10);
	r.height = (t[12] | (uint32_t)t[13] << 8) + 1;
	r.total_y = r.height + (t[14] | (uint32_t)t[15] << 8) + 1;
	r.front_y = one_more(t + 16);
	r.sync_y = one_more(t + 18);
	return r;
}

static void check_timing(const struct reading *r, const struct row *row) {
	ck_assert_uint_eq(r->width, row->mode.width);
	ck_assert_uint_eq(r->height, row->mode.height);
	ck_assert_uint_eq(r->total_x - r->width, 160);
	ck_assert_uint_lt(r->front_x + r->sync_x, r->total_x - r->width);
	ck_assert_uint_lt(r->front_y + r->sync_y, r->total_y - r->height);
	uint64_t mhz = r->clock_hz * 1000 / ((uint64_t)r->total_x * r->total_y);
	int64_t off = (int64_t)mhz - (int64_t)row->mode.refresh_mhz;
	ck_assert_msg(llabs(off) <= row->refresh_tolerance_mhz, "%s: %lld mHz off", row->name,
		(long long)off);
}

START_TEST(mode_is_described) {
	const struct row *row = &rows[_i];
	uint8_t edid[EDID_BYTES_MAX];
	memset(edid, 0xee, sizeof(edid));
	ck_assert_msg(edid_encode(edid, &row->mode) == row->size_bytes, "%s", row->name);

	static const uint8_t magic[8] = { 0, 255, 255, 255, 255, 255, 255, 0 };
	ck_assert_mem_eq(edid, magic, 8);
	ck_assert_uint_eq(sum(edid, 128), 0);
	ck_assert_uint_eq(edid[126], row->size_bytes / 128 - 1);
	ck_assert_uint_eq(edid[12] | edid[13] << 8 | edid[14] << 16 | (uint32_t)edid[15] << 24,
		row->mode.serial);
	struct reading base = read_base_timing(edid + 54);
	if (row->size_bytes == 128) {
		check_timing(&base, row);
	} else {
		ck_assert_uint_eq(sum(edid + 128, 128), 0);
		struct reading extension = read_displayid_timing(edid + 128);
		check_timing(&extension, row);
		ck_assert_uint_eq(base.width, 1920);
		ck_assert_uint_eq(base.height, 1080);
	}
	if (row->mode.width_mm <= 2550 && row->mode.height_mm <= 2550) {
		ck_assert_uint_eq(base.width_mm, row->mode.width_mm);
		ck_assert_uint_eq(base.height_mm, row->mode.height_mm);
	} else {
		ck_assert_uint_eq(base.width_mm, 0);
	}
}
END_TEST

static const struct {
	const char *name, *text;
} names[] = {
	{ "", "fascia\n      " },
	{ "cluster", "cluster\n     " },
	{ "exactly13char", "exactly13char" },
	{ "tab\there", "tab?here\n    " },
};

START_TEST(name_is_padded_text) {
	struct frame_mode mode = rows[0].mode;
	memset(mode.name, 0, sizeof(mode.name));
	memcpy(mode.name, names[_i].name, strlen(names[_i].name));
	uint8_t edid[EDID_BYTES_MAX];
	edid_encode(edid, &mode);
	static const uint8_t tag[5] = { 0, 0, 0, 0xfc, 0 };
	ck_assert_mem_eq(edid + 72, tag, 5);
	ck_assert_mem_eq(edid + 77, names[_i].text, 13);
}
END_TEST

/* timings of VESA's own CVT calculator for reduced blanking */
static const struct {
	uint32_t width, height, blank_y, sync_y, clock_10khz;
} cvt[] = {
	{ 1920, 1080, 31, 5, 13865 },
	{ 1280, 1024, 30, 7, 9107 },
	{ 1920, 1200, 35, 6, 15413 },
	{ 1600, 1200, 35, 4, 13042 },
};

START_TEST(timings_are_cvt_reduced_blanking) {
	struct edid_timing timing = edid_timing_compute(cvt[_i].width, cvt[_i].height, 60000);
	ck_assert_uint_eq(timing.blank_x, 160);
	ck_assert_uint_eq(timing.blank_y, cvt[_i].blank_y);
	ck_assert_uint_eq(timing.front_y, 3);
	ck_assert_uint_eq(timing.sync_y, cvt[_i].sync_y);
	ck_assert_uint_eq(timing.clock_10khz, cvt[_i].clock_10khz);
}
END_TEST

START_TEST(hostile_modes_are_clamped) {
	static const struct frame_mode modes[] = {
		{ 0 },
		{ 1, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, "n", 0xffffffff },
		{ 1, 1, 1, 1, 1, 1, "n", 1 },
		{ 1, 8191, 1, 400000, 1, 4095, "n", 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		uint8_t edid[EDID_BYTES_MAX];
		size_t len = edid_encode(edid, &modes[i]);
		ck_assert(len == 128 || len == 256);
		ck_assert_uint_eq(sum(edid, 128), 0);
		ck_assert_uint_ne(read_base_timing(edid + 54).clock_hz, 0);
	}
}
END_TEST

/* edid-decode is nobody's work here: it says whether others will understand. */
START_TEST(edid_decode_agrees) {
	/* it takes pixel clocks below 10 MHz for damage; so small a display is only a test's */
	if (rows[_i].mode.width < 128) {
		return;
	}
	ck_assert_msg(system("command -v edid-decode >/dev/null 2>&1") == 0,
		"edid-decode is not installed: it is in the list of packages in ./dev");
	uint8_t edid[EDID_BYTES_MAX];
	size_t len = edid_encode(edid, &rows[_i].mode);
	/* it reads heap memory that it has not written: what meson fills that with must not matter */
	char command[1200] =
		"MALLOC_PERTURB_=0 edid-decode --check /dev/stdin >/dev/null 2>&1 <<'EDID'\n";
	size_t at = strlen(command);
	for (size_t i = 0; i < len; i++) {
		at += (size_t)snprintf(command + at, sizeof(command) - at, "%02x%s", edid[i],
			i % 16 == 15 ? "\n" : " ");
	}
	snprintf(command + at, sizeof(command) - at, "EDID\n");
	ck_assert_msg(system(command) == 0, "edid-decode finds faults in \"%s\"", rows[_i].name);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("display edid");
	TCase *tcase = suite_case(suite, "edid");
	tcase_add_loop_test(tcase, mode_is_described, 0, (int)ARRAY_LEN(rows));
	tcase_add_loop_test(tcase, name_is_padded_text, 0, (int)ARRAY_LEN(names));
	tcase_add_loop_test(tcase, timings_are_cvt_reduced_blanking, 0, (int)ARRAY_LEN(cvt));
	tcase_add_test(tcase, hostile_modes_are_clamped);
	tcase_add_loop_test(tcase, edid_decode_agrees, 0, (int)ARRAY_LEN(rows));
	return suite;
}
