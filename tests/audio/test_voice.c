#include <math.h>
#include <string.h>

#include "audio/mixer/voice.h"
#include "core/macros.h"
#include "tests/suite.h"

#define RATE 48000
#define QUANTUM 128
#define QUANTA 16
/* 5 ms, the promise of design 7; then a frame of silence is exact */
#define FIVE_MS (RATE * 5 / 1000)

static struct fade fade;
static struct voice voice;
static float mix[QUANTA * QUANTUM * MIX_CHANNELS];
static unsigned at; /* frames mixed so far */

static void setup(void) {
	fade_init(&fade, RATE);
	voice_init(&voice, &fade, RATE, 1.0f);
	memset(mix, 0, sizeof(mix));
	at = 0;
}

static float source(unsigned frame, unsigned channel) {
	return (channel == 0 ? 0.5f : -0.25f) * cosf(0.01f * (float)frame);
}

static void play(uint32_t got, uint32_t frames, enum voice_end end) {
	float samples[QUANTUM * MIX_CHANNELS];
	for (uint32_t i = 0; i < got * MIX_CHANNELS; i++) {
		samples[i] = source(at + i / MIX_CHANNELS, i % MIX_CHANNELS);
	}
	voice_mix(&voice, mix + (size_t)at * MIX_CHANNELS, samples, got, frames, end);
	at += frames;
}

static float out(unsigned frame, unsigned channel) {
	return mix[(size_t)frame * MIX_CHANNELS + channel];
}

static void expect_source(unsigned from, unsigned to) {
	for (unsigned i = from; i < to; i++) {
		ck_assert_msg(
			out(i, 0) == source(i, 0) && out(i, 1) == source(i, 1), "frame %u", i);
	}
}

static void expect_silence(unsigned from, unsigned to) {
	for (unsigned i = from; i < to; i++) {
		ck_assert_msg(out(i, 0) == 0.0f && out(i, 1) == 0.0f, "frame %u", i);
	}
}

/* No step between neighbours larger than the fade's or the source's own slope. */
static void expect_no_click(unsigned from, unsigned to) {
	for (unsigned i = from + 1; i < to; i++) {
		ck_assert_msg(fabsf(out(i, 0) - out(i - 1, 0)) < 0.02f, "step at %u: %g to %g", i,
			out(i - 1, 0), out(i, 0));
	}
}

START_TEST(a_start_is_exact) {
	play(QUANTUM, QUANTUM, VOICE_GOES_ON);
	play(QUANTUM, QUANTUM, VOICE_GOES_ON);
	expect_source(0, 2 * QUANTUM);
	ck_assert_int_eq(voice.state, VOICE_PLAYING);
}
END_TEST

START_TEST(an_end_fades_within_5_ms) {
	play(QUANTUM, QUANTUM, VOICE_GOES_ON);
	play(40, QUANTUM, VOICE_ENDS);
	play(0, QUANTUM, VOICE_ENDS);
	play(0, QUANTUM, VOICE_ENDS);
	expect_source(0, QUANTUM + 40);
	expect_no_click(0, at);
	ck_assert(out(QUANTUM + 40 + 10, 0) != 0.0f);
	expect_silence(QUANTUM + 40 + FIVE_MS, at);
	ck_assert(voice_is_silent(&voice));

	/* the next start is exact again */
	unsigned begin = at;
	play(QUANTUM, QUANTUM, VOICE_GOES_ON);
	expect_source(begin, at);
}
END_TEST

START_TEST(an_end_at_zero_has_no_tail) {
	float samples[QUANTUM * MIX_CHANNELS] = { 0.5f, 0.5f, 0.25f, -0.25f, 0.0f, 0.0f };
	voice_mix(&voice, mix, samples, 3, QUANTUM, VOICE_ENDS);
	ck_assert(mix[0] == 0.5f && mix[3] == -0.25f);
	expect_silence(2, QUANTUM);
	ck_assert(voice_is_silent(&voice));
}
END_TEST

START_TEST(running_dry_fades_out_and_in) {
	play(QUANTUM, QUANTUM, VOICE_GOES_ON);
	play(0, QUANTUM, VOICE_GOES_ON);
	play(0, QUANTUM, VOICE_GOES_ON);
	play(0, QUANTUM, VOICE_GOES_ON);
	ck_assert_int_eq(voice.state, VOICE_INTERRUPTED);
	unsigned again = at;
	play(QUANTUM, QUANTUM, VOICE_GOES_ON);
	play(QUANTUM, QUANTUM, VOICE_GOES_ON);
	play(QUANTUM, QUANTUM, VOICE_GOES_ON);
	expect_source(0, QUANTUM);
	expect_silence(QUANTUM + FIVE_MS, again);
	expect_no_click(0, at);
	ck_assert(fabsf(out(again, 0)) < 0.001f);
	expect_source(again + FIVE_MS, at);
}
END_TEST

START_TEST(samples_return_while_the_tail_sounds) {
	play(QUANTUM, QUANTUM, VOICE_GOES_ON);
	play(QUANTUM - 10, QUANTUM, VOICE_GOES_ON);
	unsigned again = at;
	play(QUANTUM, QUANTUM, VOICE_GOES_ON);
	play(QUANTUM, QUANTUM, VOICE_GOES_ON);
	play(QUANTUM, QUANTUM, VOICE_GOES_ON);
	expect_no_click(0, at);
	expect_source(again + FIVE_MS, at);
}
END_TEST

START_TEST(a_cut_lays_the_tail_under_the_new_start) {
	play(QUANTUM, QUANTUM, VOICE_GOES_ON);
	voice_cut(&voice);
	unsigned begin = at;
	play(QUANTUM, QUANTUM, VOICE_GOES_ON);
	play(QUANTUM, QUANTUM, VOICE_GOES_ON);
	play(QUANTUM, QUANTUM, VOICE_GOES_ON);
	/* no fade-in: what is there beside the source is the old tail alone */
	float tail = out(begin, 0) - source(begin, 0);
	ck_assert_float_eq_tol(tail, source(begin - 1, 0), 0.001f);
	expect_source(begin + FIVE_MS, at);
}
END_TEST

START_TEST(interrupted_twice_tails_add_up) {
	for (int i = 0; i < 4; i++) {
		play(30, QUANTUM / 2, VOICE_GOES_ON);
	}
	play(0, QUANTUM, VOICE_GOES_ON);
	play(0, QUANTUM, VOICE_GOES_ON);
	play(0, QUANTUM, VOICE_GOES_ON);
	expect_no_click(0, at);
	expect_silence(3 * QUANTUM / 2 + 30 + FIVE_MS, at);
}
END_TEST

START_TEST(gain_ramps_and_arrives) {
	play(QUANTUM, QUANTUM, VOICE_GOES_ON);
	voice_set_gain(&voice, 0.5f);
	for (int i = 0; i < 5; i++) {
		play(QUANTUM, QUANTUM, VOICE_GOES_ON);
	}
	expect_no_click(0, at);
	unsigned ramped = QUANTUM + RATE * GAIN_RAMP_MS / 1000;
	for (unsigned i = ramped; i < at; i++) {
		ck_assert(out(i, 0) == 0.5f * source(i, 0));
	}
	/* half way through the ramp, half way between the gains */
	unsigned middle = QUANTUM + RATE * GAIN_RAMP_MS / 2000 - 1;
	ck_assert_float_eq_tol(out(middle, 0), 0.75f * source(middle, 0), 0.001f);

	voice_set_gain(&voice, 1.0f);
	for (int i = 0; i < 5; i++) {
		play(QUANTUM, QUANTUM, VOICE_GOES_ON);
	}
	expect_source(at - QUANTUM, at);
}
END_TEST

static const uint32_t rates[] = { 8000, 11025, 44100, 48000, 96000, 192000 };

START_TEST(a_fade_is_short_and_falls_at_every_rate) {
	fade_init(&fade, rates[_i]);
	ck_assert_uint_gt(fade.frames, 0);
	ck_assert_uint_le(fade.frames * 1000, rates[_i] * 5);
	ck_assert(fade_out_factor(&fade, fade.frames) < 1.0f && fade_out_factor(&fade, 1) > 0.0f);
	for (uint32_t left = fade.frames; left > 1; left--) {
		ck_assert(fade_out_factor(&fade, left) > fade_out_factor(&fade, left - 1));
		ck_assert(fade_in_factor(&fade, left) < fade_in_factor(&fade, left - 1));
	}
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("audio voice");
	TCase *tcase = suite_case(suite, "voice");
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, a_start_is_exact);
	tcase_add_test(tcase, an_end_fades_within_5_ms);
	tcase_add_test(tcase, an_end_at_zero_has_no_tail);
	tcase_add_test(tcase, running_dry_fades_out_and_in);
	tcase_add_test(tcase, samples_return_while_the_tail_sounds);
	tcase_add_test(tcase, a_cut_lays_the_tail_under_the_new_start);
	tcase_add_test(tcase, interrupted_twice_tails_add_up);
	tcase_add_test(tcase, gain_ramps_and_arrives);
	tcase_add_loop_test(tcase, a_fade_is_short_and_falls_at_every_rate, 0, ARRAY_LEN(rates));
	return suite;
}
