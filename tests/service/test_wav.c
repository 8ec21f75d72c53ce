#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/macros.h"
#include "service/wav.h"
#include "tests/suite.h"

static char path[] = "/tmp/fascia-wav-XXXXXX";

static void make_path(void) {
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static size_t read_file(uint8_t *bytes, size_t len) {
	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	len = fread(bytes, 1, len, file);
	fclose(file);
	return len;
}

/* a header as the format's description has it, written down byte by byte */
static const uint8_t header_s16[44] = {
	'R',
	'I',
	'F',
	'F',
	36 + 12,
	0,
	0,
	0,
	'W',
	'A',
	'V',
	'E',
	'f',
	'm',
	't',
	' ',
	16,
	0,
	0,
	0,
	1,
	0,
	2,
	0,
	0x80,
	0xbb,
	0,
	0,
	0x00,
	0xee,
	2,
	0,
	4,
	0,
	16,
	0,
	'd',
	'a',
	't',
	'a',
	12,
	0,
	0,
	0,
};
static const uint8_t header_float[44] = {
	'R',
	'I',
	'F',
	'F',
	36 + 8,
	0,
	0,
	0,
	'W',
	'A',
	'V',
	'E',
	'f',
	'm',
	't',
	' ',
	16,
	0,
	0,
	0,
	3,
	0,
	1,
	0,
	0x44,
	0xac,
	0,
	0,
	0x10,
	0xb1,
	2,
	0,
	4,
	0,
	32,
	0,
	'd',
	'a',
	't',
	'a',
	8,
	0,
	0,
	0,
};

START_TEST(s16_file) {
	struct wav wav;
	uint8_t file[64];
	make_path();
	ck_assert_int_eq(wav_create(&wav, path, WAV_S16, 48000, 2), 0);
	const float samples[] = { 0.0f, 0.5f, -0.5f, 1.0f / 32768, -1.0f, 1.0f };
	ck_assert_int_eq(wav_write(&wav, samples, 2), 0);
	ck_assert_int_eq(wav_write(&wav, samples + 4, 1), 0);
	ck_assert_int_eq(wav_close(&wav), 0);

	ck_assert_uint_eq(read_file(file, sizeof(file)), 44 + 12);
	ck_assert_mem_eq(file, header_s16, 44);
	static const uint8_t pcm[12] = { 0, 0, 0, 0x40, 0, 0xc0, 1, 0, 0, 0x80, 0xff, 0x7f };
	ck_assert_mem_eq(file + 44, pcm, 12);
	unlink(path);
}
END_TEST

START_TEST(float_file) {
	struct wav wav;
	uint8_t file[64];
	make_path();
	ck_assert_int_eq(wav_create(&wav, path, WAV_FLOAT, 44100, 1), 0);
	const float samples[] = { 1.0f, -2.5f };
	ck_assert_int_eq(wav_write(&wav, samples, 2), 0);
	ck_assert_int_eq(wav_close(&wav), 0);
	ck_assert_uint_eq(read_file(file, sizeof(file)), 44 + 8);
	ck_assert_mem_eq(file, header_float, 44);
	static const uint8_t pcm[8] = { 0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0 };
	ck_assert_mem_eq(file + 44, pcm, 8);
	unlink(path);
}
END_TEST

static const struct clip_row {
	float sample;
	int16_t value;
} clip_rows[] = {
	{ 0.0f, 0 },
	{ -0.0f, 0 },
	{ 0.99999f, 32767 },
	{ 1.0f, 32767 },
	{ 1e30f, 32767 },
	{ INFINITY, 32767 },
	{ -1.0f, -32768 },
	{ -1.5f, -32768 },
	{ -INFINITY, -32768 },
	{ NAN, 0 },
	{ 0.5f / 32768, 0 },
	{ 0.75f / 32768, 1 },
	{ -0.75f / 32768, -1 },
};

START_TEST(clipping) {
	struct wav wav;
	uint8_t file[64];
	make_path();
	ck_assert_int_eq(wav_create(&wav, path, WAV_S16, 48000, 1), 0);
	ck_assert_int_eq(wav_write(&wav, &clip_rows[_i].sample, 1), 0);
	ck_assert_int_eq(wav_close(&wav), 0);
	ck_assert_uint_eq(read_file(file, sizeof(file)), 46);
	ck_assert_int_eq((int16_t)(file[44] | file[45] << 8), clip_rows[_i].value);
	unlink(path);
}
END_TEST

/* More than one batch, and a header that is right before the file is closed. */
START_TEST(long_file) {
	static float samples[3000 * 2];
	static uint8_t file[44 + sizeof(samples) / 2 + 1];
	struct wav wav;
	make_path();
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		samples[i] = (float)i / 32768;
	}
	ck_assert_int_eq(wav_create(&wav, path, WAV_S16, 48000, 2), 0);
	ck_assert_int_eq(wav_write(&wav, samples, 3000), 0);
	ck_assert_int_eq(wav_sync(&wav), 0);
	ck_assert_uint_eq(read_file(file, sizeof(file)), sizeof(file) - 1);
	ck_assert_uint_eq(file[40] | file[41] << 8, 12000);
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		ck_assert_uint_eq(file[44 + 2 * i] | file[45 + 2 * i] << 8, i);
	}
	ck_assert_int_eq(wav_close(&wav), 0);
	unlink(path);
}
END_TEST

START_TEST(full_file) {
	struct wav wav;
	make_path();
	ck_assert_int_eq(wav_create(&wav, path, WAV_S16, 48000, 2), 0);
	/* as if 4 GiB but one frame had been written */
	wav.frames = (UINT32_MAX - 44) / 4 - 1;
	const float samples[6] = { 0 };
	ck_assert_int_eq(wav_write(&wav, samples, 3), -EFBIG);
	ck_assert(wav.full);
	ck_assert_uint_eq(wav.frames, (UINT32_MAX - 44) / 4);
	ck_assert_int_eq(wav_close(&wav), 0);
	unlink(path);
}
END_TEST

START_TEST(no_file) {
	struct wav wav;
	ck_assert_int_eq(wav_create(&wav, "/nowhere/x.wav", WAV_S16, 48000, 2), -ENOENT);
	ck_assert_int_eq(wav_create(&wav, path, WAV_S16, 48000, 0), -EINVAL);
	ck_assert_int_eq(wav_create(&wav, path, WAV_S16, 48000, 9), -EINVAL);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("service wav");
	TCase *tcase = suite_case(suite, "wav");
	tcase_add_test(tcase, s16_file);
	tcase_add_test(tcase, float_file);
	tcase_add_loop_test(tcase, clipping, 0, (int)ARRAY_LEN(clip_rows));
	tcase_add_test(tcase, long_file);
	tcase_add_test(tcase, full_file);
	tcase_add_test(tcase, no_file);
	return suite;
}
