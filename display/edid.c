#include "display/edid.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/macros.h"

#define PRODUCT_CODE 1
#define MODEL_YEAR 2026

#define DTD_PIXELS_MAX 4095
#define DTD_CLOCK_MAX 65535
/* the base block says the size in centimetres too, in a byte: larger displays have no size */
#define SIZE_MM_MAX 2550

/* reduced blanking, version 1 */
#define RB_BLANK_X 160
#define RB_FRONT_X 48
#define RB_SYNC_X 32
#define RB_FRONT_Y 3
#define RB_BACK_Y_MIN 6
#define RB_BLANK_PS UINT64_C(460000000)
#define PS_PER_KILOSECOND UINT64_C(1000000000000000)

/* what the base block shows when the display's own mode does not fit it */
#define BASE_WIDTH 1920
#define BASE_HEIGHT 1080
#define BASE_REFRESH_MHZ 60000

#define DESCRIPTOR_BYTES 18
#define DESCRIPTOR_TEXT_BYTES 13

struct aspect {
	uint32_t x, y;
	uint32_t sync_y; /* CVT names the aspect ratio by the width of the vertical sync */
	uint8_t displayid; /* DisplayID names it by a code */
};

static const struct aspect aspects[] = {
	{ 4, 3, 4, 2 },
	{ 16, 9, 5, 4 },
	{ 16, 10, 6, 5 },
	{ 5, 4, 7, 1 },
	{ 15, 9, 7, 3 },
};
static const struct aspect aspect_other = { 0, 0, 10, 8 };

static const struct aspect *aspect_of(uint32_t width, uint32_t height) {
	for (size_t i = 0; i < ARRAY_LEN(aspects); i++) {
		if (width * aspects[i].y == height * aspects[i].x) {
			return &aspects[i];
		}
	}
	return &aspect_other;
}

struct edid_timing edid_timing_compute(uint32_t width, uint32_t height, uint32_t refresh_mhz) {
	uint64_t frame_ps = PS_PER_KILOSECOND / refresh_mhz;
	uint32_t sync_y = aspect_of(width, height)->sync_y;
	uint32_t blank_y = (uint32_t)(RB_BLANK_PS * height / (frame_ps - RB_BLANK_PS)) + 1;
	blank_y = MAX(blank_y, RB_FRONT_Y + sync_y + RB_BACK_Y_MIN);

	uint64_t pixels = (uint64_t)(width + RB_BLANK_X) * (height + blank_y);
	uint64_t clock = (pixels * refresh_mhz + 5000000) / 10000000;
	return (struct edid_timing) {
		.clock_10khz = (uint32_t)MAX(clock, 1),
		.active_x = width,
		.blank_x = RB_BLANK_X,
		.front_x = RB_FRONT_X,
		.sync_x = RB_SYNC_X,
		.active_y = height,
		.blank_y = blank_y,
		.front_y = RB_FRONT_Y,
		.sync_y = sync_y,
	};
}

static bool timing_fits_base(const struct edid_timing *timing) {
	return timing->active_x <= DTD_PIXELS_MAX && timing->active_y <= DTD_PIXELS_MAX &&
		timing->clock_10khz <= DTD_CLOCK_MAX;
}

static void put_le16(uint8_t *at, uint32_t value) {
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static uint8_t checksum_of(const uint8_t *data, size_t len) {
	uint8_t sum = 0;
	for (size_t i = 0; i < len; i++) {
		sum = (uint8_t)(sum + data[i]);
	}
	return (uint8_t)(0x100 - sum);
}

/* E-EDID 1.4, 3.10.2: detailed timing descriptor */
static void put_detailed_timing(
	uint8_t *at, const struct edid_timing *timing, uint32_t width_mm, uint32_t height_mm) {
	put_le16(at, timing->clock_10khz);
	at[2] = (uint8_t)timing->active_x;
	at[3] = (uint8_t)timing->blank_x;
	at[4] = (uint8_t)((timing->active_x >> 8) << 4 | timing->blank_x >> 8);
	at[5] = (uint8_t)timing->active_y;
	at[6] = (uint8_t)timing->blank_y;
	at[7] = (uint8_t)((timing->active_y >> 8) << 4 | timing->blank_y >> 8);
	at[8] = (uint8_t)timing->front_x;
	at[9] = (uint8_t)timing->sync_x;
	at[10] = (uint8_t)(timing->front_y << 4 | timing->sync_y);
	at[11] = 0; /* the upper bits of fronts and syncs: RB never needs them */
	at[12] = (uint8_t)width_mm;
	at[13] = (uint8_t)height_mm;
	at[14] = (uint8_t)((width_mm >> 8) << 4 | height_mm >> 8);
	at[17] = 0x1a; /* digital separate sync, horizontal positive, vertical negative: RB */
}

static void put_text(uint8_t *at, uint8_t tag, const char *text, size_t len) {
	at[3] = tag;
	uint8_t *to = at + DESCRIPTOR_BYTES - DESCRIPTOR_TEXT_BYTES;
	memset(to, ' ', DESCRIPTOR_TEXT_BYTES);
	memcpy(to, text, len);
	if (len < DESCRIPTOR_TEXT_BYTES) {
		to[len] = '\n';
	}
}

static void put_name(uint8_t *at, const struct frame_mode *mode) {
	char name[DESCRIPTOR_TEXT_BYTES];
	size_t len = 0;
	while (len < sizeof(name) && mode->name[len] != '\0') {
		char c = mode->name[len];
		name[len++] = c >= ' ' && c <= '~' ? c : '?';
	}
	if (len == 0) {
		put_text(at, 0xfc, "fascia", strlen("fascia"));
	} else {
		put_text(at, 0xfc, name, len);
	}
}

static void put_serial(uint8_t *at, uint32_t serial) {
	if (serial == 0) {
		at[3] = 0x10; /* unused descriptor */
		return;
	}
	char text[DESCRIPTOR_TEXT_BYTES];
	int len = snprintf(text, sizeof(text), "%u", serial);
	put_text(at, 0xff, text, (size_t)len);
}

static void put_base(uint8_t *edid, const struct frame_mode *mode, const struct edid_timing *timing,
	bool native) {
	static const uint8_t magic[8] = { 0, 255, 255, 255, 255, 255, 255, 0 };
	/* red, green, blue and white of sRGB, 10 bits each */
	static const uint8_t chromaticity[10] = {
		0xee,
		0x91,
		0xa3,
		0x54,
		0x4c,
		0x99,
		0x26,
		0x0f,
		0x50,
		0x54,
	};
	uint32_t width_mm = mode->width_mm;
	uint32_t height_mm = mode->height_mm;
	if (width_mm == 0 || height_mm == 0 || width_mm > SIZE_MM_MAX || height_mm > SIZE_MM_MAX) {
		width_mm = 0;
		height_mm = 0;
	}

	memcpy(edid, magic, sizeof(magic));
	edid[8] =
		('F' - '@') << 2 | ('S' - '@') >> 3; /* FSZ: five bits a letter; no maker has it */
	edid[9] = (uint8_t)(('S' - '@') << 5 | ('Z' - '@'));
	put_le16(edid + 10, PRODUCT_CODE);
	put_le16(edid + 12, mode->serial);
	put_le16(edid + 14, mode->serial >> 16);
	edid[16] = 0xff; /* the year below is the model's */
	edid[17] = MODEL_YEAR - 1990;
	edid[18] = 1;
	edid[19] = 4;
	edid[20] = 0xa0; /* digital, 8 bits a colour */
	edid[21] = (uint8_t)((width_mm + 5) / 10);
	edid[22] = (uint8_t)((height_mm + 5) / 10);
	edid[23] = 120; /* gamma 2.2 */
	edid[24] = native ? 0x06 : 0x04; /* RGB, sRGB; the first timing is the panel's own */
	memcpy(edid + 25, chromaticity, sizeof(chromaticity));
	memset(edid + 38, 0x01, 16); /* no standard timings */

	put_detailed_timing(edid + 54, timing, width_mm, height_mm);
	put_name(edid + 72, mode);
	put_serial(edid + 90, mode->serial);
	edid[108 + 3] = 0x10; /* unused descriptor */
}

static void put_maker(uint8_t *at, const struct frame_mode *mode) {
	memcpy(at, "FSZ", 3);
	put_le16(at + 3, PRODUCT_CODE);
	put_le16(at + 5, mode->serial);
	put_le16(at + 7, mode->serial >> 16);
	at[9] = 0xff; /* the year is the model's, and counts from 2000 here */
	at[10] = MODEL_YEAR - 2000;
}

/* DisplayID 1.3, 4.4.1: Type I detailed timing. Numbers are one less than what they mean. */
static void put_timing_type_1(uint8_t *at, const struct edid_timing *timing) {
	put_le16(at, timing->clock_10khz - 1);
	at[2] = (uint8_t)((timing->clock_10khz - 1) >> 16);
	at[3] = 0x80 | aspect_of(timing->active_x, timing->active_y)->displayid; /* preferred */
	put_le16(at + 4, timing->active_x - 1);
	put_le16(at + 6, timing->blank_x - 1);
	put_le16(at + 8, 0x8000 | (timing->front_x - 1)); /* horizontal sync positive */
	put_le16(at + 10, timing->sync_x - 1);
	put_le16(at + 12, timing->active_y - 1);
	put_le16(at + 14, timing->blank_y - 1);
	put_le16(at + 16, timing->front_y - 1);
	put_le16(at + 18, timing->sync_y - 1);
}

/* 4.2: display parameters: sizes in tenths of a millimetre, gamma 2.2, 8 bits a colour */
static void put_parameters(
	uint8_t *at, const struct frame_mode *mode, const struct edid_timing *timing) {
	if (mode->width_mm <= UINT16_MAX / 10 && mode->height_mm <= UINT16_MAX / 10) {
		put_le16(at, mode->width_mm * 10);
		put_le16(at + 2, mode->height_mm * 10);
	}
	uint32_t longer = MAX(timing->active_x, timing->active_y);
	uint32_t shorter = MIN(timing->active_x, timing->active_y);
	put_le16(at + 4, timing->active_x);
	put_le16(at + 6, timing->active_y);
	at[9] = 120;
	at[10] = (uint8_t)MIN(longer * 100 / shorter - 100, 255);
	at[11] = 0x77;
}

/* 4.11: display interface features: one digital link of its own kind, RGB, 8 bits a colour */
static void put_interface(uint8_t *at) {
	at[0] = 0xf1;
	at[2] = 0x02;
}

static uint8_t *put_data_header(uint8_t *at, uint8_t tag, uint8_t data_bytes) {
	at[0] = tag;
	at[2] = data_bytes;
	return at + 3;
}

/* A DisplayID 1.3 section: who made it, what it is, its timing, its plug; in an extension block. */
static void put_displayid(
	uint8_t *block, const struct frame_mode *mode, const struct edid_timing *timing) {
	enum { PRODUCT = 12, PARAMETERS = 12, TIMING = 20, INTERFACE = 10 };
	uint8_t *section = block + 1;
	uint8_t *data = section + 4;

	uint8_t *at = put_data_header(data, 0x00, PRODUCT);
	put_maker(at, mode);
	at = put_data_header(at + PRODUCT, 0x01, PARAMETERS);
	put_parameters(at, mode, timing);
	at = put_data_header(at + PARAMETERS, 0x03, TIMING);
	put_timing_type_1(at, timing);
	at = put_data_header(at + TIMING, 0x0f, INTERFACE);
	put_interface(at);
	at += INTERFACE;

	block[0] = 0x70;
	section[0] = 0x13;
	section[1] = (uint8_t)(at - data);
	section[2] = 3; /* a display of its own */
	*at = checksum_of(section, (size_t)(at - section));
	block[EDID_BLOCK_BYTES - 1] = checksum_of(block, EDID_BLOCK_BYTES - 1);
}

static uint32_t clamp(uint32_t value, uint32_t min, uint32_t max) {
	return value < min ? min : MIN(value, max);
}

size_t edid_encode(uint8_t edid[EDID_BYTES_MAX], const struct frame_mode *mode) {
	struct edid_timing timing = edid_timing_compute(clamp(mode->width, 1, 8191),
		clamp(mode->height, 1, 8191), clamp(mode->refresh_mhz, 1000, 400000));
	bool native = timing_fits_base(&timing);

	memset(edid, 0, EDID_BYTES_MAX);
	if (native) {
		put_base(edid, mode, &timing, native);
	} else {
		struct edid_timing base =
			edid_timing_compute(BASE_WIDTH, BASE_HEIGHT, BASE_REFRESH_MHZ);
		put_base(edid, mode, &base, native);
		edid[126] = 1; /* extension blocks */
		put_displayid(edid + EDID_BLOCK_BYTES, mode, &timing);
	}
	edid[EDID_BLOCK_BYTES - 1] = checksum_of(edid, EDID_BLOCK_BYTES - 1);
	return native ? EDID_BLOCK_BYTES : EDID_BYTES_MAX;
}
