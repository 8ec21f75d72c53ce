#include "service/chimes.h"

#include <math.h>
#include <string.h>

#include "core/chimes.h"
#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"

static void make(struct chimes *chimes, uint32_t rate) {
	int fd = chimes_create_fd(rate);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(chimes_map(chimes, fd, rate), 0);
	fd_close(&fd);
}

static float loudest(const float *samples, uint32_t frames) {
	float most = 0;
	for (uint32_t i = 0; i < frames * CHIMES_CHANNELS; i++) {
		most = fmaxf(most, fabsf(samples[i]));
	}
	return most;
}

static const uint32_t rates[] = { 8000, 11025, 44100, 48000, 192000 };

/* Whatever the rate: loud, of a second or so, from silence to silence, without a step that clicks. */
START_TEST(every_chime_at_every_rate) {
	uint32_t rate = rates[_i];
	struct chimes chimes;
	make(&chimes, rate);
	for (unsigned i = CUE_CHIME_NONE + 1; i < CUE_CHIMES; i++) {
		uint32_t frames = chimes.entries[i].frames;
		const float *samples = chimes_samples(&chimes, (enum cue_chime)i);
		ck_assert_uint_ge(frames, rate / 2);
		ck_assert_uint_le(frames, 2 * rate);
		ck_assert_float_gt(loudest(samples, frames), 0.6f);
		ck_assert_float_le(loudest(samples, frames), CHIMES_PEAK);
		ck_assert(samples[0] == 0 && samples[1] == 0);
		const float *last = &samples[(size_t)CHIMES_CHANNELS * (frames - 1)];
		ck_assert(last[0] == 0 && last[1] == 0);
		ck_assert_float_lt(loudest(samples, rate / 4000), 0.35f);
		ck_assert_float_lt(loudest(last - 2 * (size_t)(rate / 4000), rate / 4000), 0.01f);
	}
	chimes_unmap(&chimes);
}
END_TEST

START_TEST(the_same_bytes_each_time) {
	struct chimes one, two;
	make(&one, 48000);
	make(&two, 48000);
	ck_assert_uint_eq(one.size_bytes, two.size_bytes);
	ck_assert_mem_eq(one.base, two.base, one.size_bytes);
	chimes_unmap(&one);
	chimes_unmap(&two);
}
END_TEST

/* How much of a frequency there is, by Goertzel's algorithm, over the whole chime. */
static double strength(const float *samples, uint32_t frames, uint32_t rate, double hz) {
	double turn = 2 * cos(6.283185307179586 * hz / rate), before = 0, now = 0;
	for (uint32_t i = 0; i < frames; i++) {
		double next = samples[(size_t)CHIMES_CHANNELS * i] + turn * now - before;
		before = now;
		now = next;
	}
	return sqrt(now * now + before * before - turn * now * before) / frames;
}

static const struct pitch {
	const char *name;
	enum cue_chime chime;
	double own_hz, others_hz[2];
} pitches[] = {
	{ "information", CUE_CHIME_INFORMATION, 659.26, { 783.99, 1046.5 } },
	{ "caution", CUE_CHIME_CAUTION, 783.99, { 659.26, 1046.5 } },
	{ "warning", CUE_CHIME_WARNING, 1046.5, { 659.26, 783.99 } },
};

START_TEST(they_are_told_apart) {
	const struct pitch *row = &pitches[_i];
	struct chimes chimes;
	make(&chimes, 48000);
	uint32_t frames = chimes.entries[row->chime].frames;
	const float *samples = chimes_samples(&chimes, row->chime);
	double own = strength(samples, frames, 48000, row->own_hz);
	for (unsigned i = 0; i < 2; i++) {
		double other = strength(samples, frames, 48000, row->others_hz[i]);
		ck_assert_msg(own > 5 * other, "%s: %g against %g", row->name, own, other);
	}
	chimes_unmap(&chimes);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("service chimes");
	TCase *tcase = suite_case(suite, "gongs");
	tcase_add_loop_test(tcase, every_chime_at_every_rate, 0, ARRAY_LEN(rates));
	tcase_add_test(tcase, the_same_bytes_each_time);
	tcase_add_loop_test(tcase, they_are_told_apart, 0, ARRAY_LEN(pitches));
	return suite;
}
