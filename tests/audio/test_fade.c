#include "audio/mixer/fade.h"

#include <math.h>

#include "core/macros.h"
#include "tests/suite.h"

static const struct {
	uint32_t rate, frames;
} rows[] = {
	{ 8000, 32 },
	{ 11025, 44 },
	{ 44100, 176 },
	{ 48000, 192 },
	{ 96000, 384 },
	{ FADE_RATE_MAX, FADE_FRAMES_MAX },
};

static struct fade fade;

START_TEST(is_over_in_time) {
	fade_init(&fade, rows[_i].rate);
	ck_assert_uint_eq(fade.frames, rows[_i].frames);
	ck_assert_uint_le((uint64_t)fade.frames * 1000, (uint64_t)rows[_i].rate * 5);
}
END_TEST

START_TEST(falls_without_a_kink) {
	fade_init(&fade, rows[_i].rate);
	/* neither end repeats what is before or after the fade, 1 or 0; the steps there are the
	 * smallest */
	float first_step = 1.0f - fade.down[0];
	float last_step = fade.down[fade.frames - 1];
	float middle_step = fade.down[fade.frames / 2 - 1] - fade.down[fade.frames / 2];
	ck_assert(first_step > 0 && first_step < middle_step / 4);
	ck_assert(last_step > 0 && last_step < middle_step / 4);
	for (uint32_t i = 1; i < fade.frames; i++) {
		float step = fade.down[i - 1] - fade.down[i];
		ck_assert_msg(step > 0 && step <= middle_step * 1.001f, "a step of %g at %u",
			(double)step, i);
	}
}
END_TEST

START_TEST(in_and_out_make_one) {
	fade_init(&fade, rows[_i].rate);
	for (uint32_t left = 1; left <= fade.frames; left++) {
		float sum = fade_in_factor(&fade, left) + fade_out_factor(&fade, left);
		ck_assert_msg(fabsf(sum - 1.0f) < 1e-6f, "%g with %u left", (double)sum, left);
	}
}
END_TEST

START_TEST(in_rises_and_out_falls) {
	fade_init(&fade, rows[_i].rate);
	ck_assert(fade_in_factor(&fade, fade.frames) < 0.01f);
	ck_assert(fade_in_factor(&fade, 1) > 0.99f);
	ck_assert(fade_out_factor(&fade, fade.frames) > 0.99f);
	ck_assert(fade_out_factor(&fade, 1) < 0.01f);
	for (uint32_t left = fade.frames; left > 1; left--) {
		ck_assert(fade_in_factor(&fade, left - 1) > fade_in_factor(&fade, left));
		ck_assert(fade_out_factor(&fade, left - 1) < fade_out_factor(&fade, left));
	}
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("audio fade");
	TCase *shape = suite_case(suite, "shape");
	tcase_add_loop_test(shape, is_over_in_time, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(shape, falls_without_a_kink, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(shape, in_and_out_make_one, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(shape, in_rises_and_out_falls, 0, ARRAY_LEN(rows));
	return suite;
}
