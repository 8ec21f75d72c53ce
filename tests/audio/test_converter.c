#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/converter.h"
#include "audio/pcm_rate.h"
#include "audio/remix.h"
#include "core/macros.h"
#include "protocol/virtio_snd.h"
#include "tests/suite.h"

/* One sample in the wire's bytes and the value it stands for. */
static const struct {
	const char *name;
	unsigned format;
	uint8_t bytes[8];
	double value;
} samples[] = {
	{ "S8 zero", VIRTIO_SND_FMT_S8, { 0x00 }, 0 },
	{ "S8 lowest", VIRTIO_SND_FMT_S8, { 0x80 }, -1 },
	{ "S8 highest", VIRTIO_SND_FMT_S8, { 0x7f }, 127.0 / 128 },
	{ "U8 middle", VIRTIO_SND_FMT_U8, { 0x80 }, 0 },
	{ "U8 lowest", VIRTIO_SND_FMT_U8, { 0x00 }, -1 },
	{ "U8 highest", VIRTIO_SND_FMT_U8, { 0xff }, 127.0 / 128 },
	{ "S16 lowest", VIRTIO_SND_FMT_S16, { 0x00, 0x80 }, -1 },
	{ "S16 -1", VIRTIO_SND_FMT_S16, { 0xff, 0xff }, -1.0 / 32768 },
	{ "S16 0x1234", VIRTIO_SND_FMT_S16, { 0x34, 0x12 }, 0x1234 / 32768.0 },
	{ "U16 middle", VIRTIO_SND_FMT_U16, { 0x00, 0x80 }, 0 },
	{ "U16 lowest", VIRTIO_SND_FMT_U16, { 0x00, 0x00 }, -1 },
	{ "S18_3 lowest", VIRTIO_SND_FMT_S18_3, { 0x00, 0x00, 0x02 }, -1 },
	{ "S18_3 -1, rubbish on top", VIRTIO_SND_FMT_S18_3, { 0xff, 0xff, 0xab }, -1.0 / 131072 },
	{ "U18_3 middle", VIRTIO_SND_FMT_U18_3, { 0x00, 0x00, 0x02 }, 0 },
	{ "S20_3 one", VIRTIO_SND_FMT_S20_3, { 0x01, 0x00, 0x00 }, 1.0 / 524288 },
	{ "U20_3 lowest", VIRTIO_SND_FMT_U20_3, { 0x00, 0x00, 0x00 }, -1 },
	{ "S24_3 lowest", VIRTIO_SND_FMT_S24_3, { 0x00, 0x00, 0x80 }, -1 },
	{ "S24_3 0x123456", VIRTIO_SND_FMT_S24_3, { 0x56, 0x34, 0x12 }, 0x123456 / 8388608.0 },
	{ "U24_3 middle", VIRTIO_SND_FMT_U24_3, { 0x00, 0x00, 0x80 }, 0 },
	{ "S20 in 4, sign extended", VIRTIO_SND_FMT_S20, { 0xff, 0xff, 0xff, 0xff },
		-1.0 / 524288 },
	{ "U20 in 4 middle", VIRTIO_SND_FMT_U20, { 0x00, 0x00, 0x08, 0x00 }, 0 },
	{ "S24 in 4, sign not extended", VIRTIO_SND_FMT_S24, { 0xff, 0xff, 0xff, 0x00 },
		-1.0 / 8388608 },
	{ "S24 in 4, sign extended", VIRTIO_SND_FMT_S24, { 0x00, 0x00, 0x80, 0xff }, -1 },
	{ "U24 in 4 middle", VIRTIO_SND_FMT_U24, { 0x00, 0x00, 0x80, 0x00 }, 0 },
	{ "S32 lowest", VIRTIO_SND_FMT_S32, { 0x00, 0x00, 0x00, 0x80 }, -1 },
	{ "S32 quarter", VIRTIO_SND_FMT_S32, { 0x00, 0x00, 0x00, 0x20 }, 0.25 },
	{ "U32 middle", VIRTIO_SND_FMT_U32, { 0x00, 0x00, 0x00, 0x80 }, 0 },
	{ "FLOAT 0.5", VIRTIO_SND_FMT_FLOAT, { 0x00, 0x00, 0x00, 0x3f }, 0.5 },
	{ "FLOAT over full scale", VIRTIO_SND_FMT_FLOAT, { 0x00, 0x00, 0x80, 0x40 }, 4 },
	{ "FLOAT64 -0.75", VIRTIO_SND_FMT_FLOAT64, { 0, 0, 0, 0, 0, 0, 0xe8, 0xbf }, -0.75 },
	/* G.711's tables: the smallest and the largest of each sign, 14 and 13 bit values in 16 bits */
	{ "MU_LAW 0xff", VIRTIO_SND_FMT_MU_LAW, { 0xff }, 0 },
	{ "MU_LAW 0x80", VIRTIO_SND_FMT_MU_LAW, { 0x80 }, 32124 / 32768.0 },
	{ "MU_LAW 0x00", VIRTIO_SND_FMT_MU_LAW, { 0x00 }, -32124 / 32768.0 },
	{ "MU_LAW 0xfe", VIRTIO_SND_FMT_MU_LAW, { 0xfe }, 8 / 32768.0 },
	{ "A_LAW 0xd5", VIRTIO_SND_FMT_A_LAW, { 0xd5 }, 8 / 32768.0 },
	{ "A_LAW 0x55", VIRTIO_SND_FMT_A_LAW, { 0x55 }, -8 / 32768.0 },
	{ "A_LAW 0xaa", VIRTIO_SND_FMT_A_LAW, { 0xaa }, 32256 / 32768.0 },
	{ "A_LAW 0x2a", VIRTIO_SND_FMT_A_LAW, { 0x2a }, -32256 / 32768.0 },
};

START_TEST(a_sample_has_its_value) {
	const struct pcm_format *format = pcm_format_from_index(samples[_i].format);
	ck_assert_ptr_nonnull(format);
	/* twice in a row, and at an odd address */
	uint8_t data[1 + 2 * 8];
	memcpy(data + 1, samples[_i].bytes, format->bytes);
	memcpy(data + 1 + format->bytes, samples[_i].bytes, format->bytes);
	float out[2];
	format->to_float(data + 1, out, 2);
	for (int i = 0; i < 2; i++) {
		ck_assert_msg(
			out[i] == (float)samples[_i].value, "%s: %.9g", samples[_i].name, out[i]);
	}
}
END_TEST

START_TEST(every_offered_format_has_a_row) {
	uint64_t mask = 0;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		mask |= UINT64_C(1) << samples[i].format;
	}
	ck_assert_uint_eq(mask, pcm_format_mask());
	for (unsigned i = 0; i < 300; i++) {
		bool offered = i < 64 && (pcm_format_mask() >> i & 1) != 0;
		ck_assert((pcm_format_from_index(i) != NULL) == offered);
		bool rate_offered = i < 64 && (pcm_rate_mask() >> i & 1) != 0;
		ck_assert((pcm_rate_from_index(i) != 0) == rate_offered);
	}
}
END_TEST

START_TEST(channels_go_where_they_belong) {
	/* every channel alone, full scale: which sides hear it, and nothing clips with all of them */
	for (unsigned channels = 1; channels <= REMIX_CHANNELS_MAX; channels++) {
		float left = 0, right = 0;
		for (unsigned i = 0; i < channels; i++) {
			float in[REMIX_CHANNELS_MAX] = { 0 };
			float out[2];
			in[i] = 1.0f;
			remix_to_stereo(in, channels, out, 1);
			left += out[0];
			right += out[1];
			if (channels > 1 && i < 2) {
				ck_assert(out[i] > 0 && out[1 - i] == 0);
			}
		}
		ck_assert_float_eq_tol(left, 1.0f, 1e-6f);
		ck_assert_float_eq_tol(right, 1.0f, 1e-6f);
	}
	const float stereo[] = { 0.1f, -0.3f };
	float out[2];
	remix_to_stereo(stereo, 2, out, 1);
	ck_assert_mem_eq(out, stereo, sizeof(out));
	remix_to_stereo(stereo, 1, out, 1);
	ck_assert(out[0] == 0.1f && out[1] == 0.1f);
}
END_TEST

static const struct {
	uint32_t in, out;
} rates[] = {
	{ 44100, 48000 },
	{ 48000, 48000 },
	{ 5512, 48000 },
	{ 8000, 48000 },
	{ 384000, 48000 },
	{ 192000, 48000 },
	{ 96000, 48000 },
	{ 48000, 44100 },
	{ 5512, 192000 },
	{ 384000, 8000 },
	{ 32000, 48000 },
	{ 11025, 48000 },
	{ 22050, 48000 },
	{ 88200, 48000 },
	{ 12000, 48000 },
};

/* Feeds a sine of S16-range floats; returns the frames made. */
static uint32_t convert_sine(struct converter *converter, double frequency, uint32_t in_frames,
	float *out, uint32_t out_max) {
	uint32_t made = 0;
	for (uint32_t at = 0; at < in_frames;) {
		float block[CONVERTER_IN_FRAMES * 2];
		uint32_t frames = MIN(converter->block_frames, in_frames - at);
		for (uint32_t i = 0; i < frames; i++) {
			double phase = 2 * M_PI * frequency * (at + i) / converter->rate_in;
			block[2 * i] = (float)(0.5 * sin(phase));
			block[2 * i + 1] = (float)(-0.25 * sin(phase));
		}
		ck_assert_uint_le(made + CONVERTER_OUT_FRAMES, out_max);
		uint32_t got = converter_run(
			converter, (const uint8_t *)block, frames, out + (size_t)2 * made);
		ck_assert_uint_le(got, CONVERTER_OUT_FRAMES);
		made += got;
		at += frames;
	}
	return made;
}

/* Signal to noise of channel 0 against the sine it should be, in dB. The converter is in step with its
 * input (the first sample in is the first out), so the phase is known too. */
static double sine_snr(const float *out, uint32_t frames, double frequency, uint32_t rate) {
	double signal = 0, noise = 0;
	/* the filter's own beginning is left out */
	for (uint32_t i = frames / 4; i < frames; i++) {
		double want = 0.5 * sin(2 * M_PI * frequency * i / rate);
		signal += want * want;
		noise += (out[2 * (size_t)i] - want) * (out[2 * (size_t)i] - want);
	}
	return 10 * log10(signal / (noise + 1e-30));
}

START_TEST(a_sine_stays_a_sine) {
	uint32_t in = rates[_i].in, out = rates[_i].out;
	struct converter converter;
	ck_assert_int_eq(
		converter_init(&converter, pcm_format_from_index(VIRTIO_SND_FMT_FLOAT), 2, in, out),
		0);
	uint32_t in_frames = in / 2;
	uint32_t out_max = out / 2 + 4 * CONVERTER_OUT_FRAMES;
	float *made = calloc((size_t)out_max * 2, sizeof(float));
	double frequency = MIN(in, out) / 20.0;
	uint32_t frames = convert_sine(&converter, frequency, in_frames, made, out_max);

	/* no frame is lost: all that went in came out, or is in the filter */
	uint64_t in_filter = (uint64_t)converter_delay_frames(&converter) * out / in;
	uint64_t expected = (uint64_t)in_frames * out / in;
	ck_assert_uint_le(frames, expected + 1);
	ck_assert_uint_ge(frames + in_filter + 2, expected);
	double snr = sine_snr(made, frames, frequency, out);
	ck_assert_msg(snr > 90, "%u to %u: %.1f dB", in, out, snr);

	/* flushing brings the rest out */
	uint32_t got;
	while ((got = converter_flush(&converter, made + (size_t)2 * frames)) > 0) {
		frames += got;
	}
	ck_assert_uint_ge(frames + 2, expected);
	converter_finish(&converter);
	free(made);
}
END_TEST

START_TEST(a_reset_forgets) {
	struct converter converter;
	ck_assert_int_eq(converter_init(&converter, pcm_format_from_index(VIRTIO_SND_FMT_FLOAT), 2,
				 44100, 48000),
		0);
	static float first[8192 * 2], second[8192 * 2];
	uint32_t made = convert_sine(&converter, 997, 4000, first, 8192);
	converter_reset(&converter);
	ck_assert_uint_eq(converter_delay_frames(&converter), 0);
	ck_assert_uint_eq(convert_sine(&converter, 997, 4000, second, 8192), made);
	ck_assert_mem_eq(first, second, sizeof(float) * 2 * made);
	converter_finish(&converter);
}
END_TEST

START_TEST(equal_rates_keep_every_bit) {
	struct converter converter;
	ck_assert_int_eq(converter_init(&converter, pcm_format_from_index(VIRTIO_SND_FMT_S16), 2,
				 48000, 48000),
		0);
	int16_t data[256 * 2];
	float out[CONVERTER_OUT_FRAMES * 2];
	for (int i = 0; i < 512; i++) {
		data[i] = (int16_t)(i * 128 - 32768);
	}
	ck_assert_uint_eq(converter_run(&converter, (const uint8_t *)data, 256, out), 256);
	for (int i = 0; i < 512; i++) {
		ck_assert(lrintf(out[i] * 32768.0f) == data[i]);
		ck_assert(out[i] == (float)data[i] / 32768.0f);
	}
	ck_assert_uint_eq(converter_delay_frames(&converter), 0);
	ck_assert_uint_eq(converter_flush(&converter, out), 0);
	converter_finish(&converter);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("audio converter");
	TCase *tcase = suite_case(suite, "converter");
	tcase_add_loop_test(tcase, a_sample_has_its_value, 0, ARRAY_LEN(samples));
	tcase_add_test(tcase, every_offered_format_has_a_row);
	tcase_add_test(tcase, channels_go_where_they_belong);
	tcase_add_loop_test(tcase, a_sine_stays_a_sine, 0, ARRAY_LEN(rates));
	tcase_add_test(tcase, a_reset_forgets);
	tcase_add_test(tcase, equal_rates_keep_every_bit);
	return suite;
}
