#include <float.h>
#include <math.h>
#include <string.h>

#include "audio/mixer/kernels.h"
#include "core/macros.h"
#include "tests/suite.h"

static const struct {
	const char *name;
	float in, out;
} scrub_rows[] = {
	{ "zero", 0.0f, 0.0f },
	{ "full scale", 1.0f, 1.0f },
	{ "negative full scale", -1.0f, -1.0f },
	{ "the largest below full scale", 0x1.fffffep-1f, 0x1.fffffep-1f },
	{ "one S16 step", 1.0f / 32768, 1.0f / 32768 },
	{ "smallest normal", FLT_MIN, FLT_MIN },
	{ "negative smallest normal", -FLT_MIN, -FLT_MIN },
	{ "denormal", FLT_MIN / 2, 0.0f },
	{ "smallest denormal", -0x1p-149f, 0.0f },
	{ "just over full scale", 0x1.000002p0f, 1.0f },
	{ "largest", FLT_MAX, 1.0f },
	{ "negative largest", -FLT_MAX, -1.0f },
	{ "infinite", INFINITY, 0.0f },
	{ "negative infinite", -INFINITY, 0.0f },
	{ "not a number", NAN, 0.0f },
	{ "negative not a number", -NAN, 0.0f },
};

START_TEST(scrub_makes_samples_harmless) {
	float samples[4] = { 0.25f, scrub_rows[_i].in, scrub_rows[_i].in, -0.5f };
	kernel_scrub(samples, 2);
	ck_assert_msg(samples[1] == scrub_rows[_i].out, "%s: %g", scrub_rows[_i].name, samples[1]);
	ck_assert_msg(samples[2] == scrub_rows[_i].out, "%s: %g", scrub_rows[_i].name, samples[2]);
	ck_assert(samples[0] == 0.25f && samples[3] == -0.5f);
}
END_TEST

START_TEST(scrub_keeps_every_16_bit_sample) {
	float samples[2 * 1024];
	for (int first = -32768; first < 32768; first += 1024) {
		for (int i = 0; i < 1024; i++) {
			samples[2 * i] = (float)(first + i) / 32768.0f;
			samples[2 * i + 1] = -samples[2 * i];
		}
		float before[ARRAY_LEN(samples)];
		memcpy(before, samples, sizeof(before));
		kernel_scrub(samples, 1024);
		for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
			ck_assert(samples[i] == before[i]);
		}
	}
}
END_TEST

START_TEST(scale_by_one_keeps_bits) {
	float samples[] = { 0.1f, -0.7f, 1.0f / 3, -0.0f };
	float before[ARRAY_LEN(samples)];
	memcpy(before, samples, sizeof(before));
	kernel_scale(samples, 2, 1.0f);
	ck_assert_mem_eq(before, samples, sizeof(samples));
	kernel_scale(samples, 2, 0.5f);
	ck_assert_float_eq(samples[0], 0.05f);
	ck_assert_float_eq(samples[1], -0.35f);
}
END_TEST

START_TEST(ramp_is_even_over_both_channels) {
	float samples[] = { 1, -1, 1, -1, 1, -1 };
	kernel_ramp(samples, 3, 0.25f, 0.25f);
	const float expected[] = { 0.25f, -0.25f, 0.5f, -0.5f, 0.75f, -0.75f };
	ck_assert_mem_eq(samples, expected, sizeof(samples));
}
END_TEST

START_TEST(add_and_clip) {
	float mix[] = { 0.5f, -0.5f, 0.75f, -0.75f, 0.1f, -0.1f };
	const float samples[] = { 0.25f, -0.25f, 0.75f, -0.75f, 0.0f, 0.0f };
	kernel_add(mix, samples, 3);
	const float sum[] = { 0.75f, -0.75f, 1.5f, -1.5f, 0.1f, -0.1f };
	ck_assert_mem_eq(mix, sum, sizeof(mix));
	kernel_clip(mix, 3);
	const float clipped[] = { 0.75f, -0.75f, 1.0f, -1.0f, 0.1f, -0.1f };
	ck_assert_mem_eq(mix, clipped, sizeof(mix));
}
END_TEST

START_TEST(no_frames_touch_nothing) {
	float samples[] = { NAN, 2.0f };
	kernel_scrub(samples, 0);
	kernel_scale(samples, 0, 0.0f);
	kernel_ramp(samples, 0, 0.0f, 0.0f);
	kernel_clip(samples, 0);
	ck_assert(isnan(samples[0]) && samples[1] == 2.0f);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("audio kernels");
	TCase *tcase = suite_case(suite, "kernels");
	tcase_add_loop_test(tcase, scrub_makes_samples_harmless, 0, ARRAY_LEN(scrub_rows));
	tcase_add_test(tcase, scrub_keeps_every_16_bit_sample);
	tcase_add_test(tcase, scale_by_one_keeps_bits);
	tcase_add_test(tcase, ramp_is_even_over_both_channels);
	tcase_add_test(tcase, add_and_clip);
	tcase_add_test(tcase, no_frames_touch_nothing);
	return suite;
}
