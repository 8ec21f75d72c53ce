#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/flow/guest.h"
#include "tests/suite.h"

/* the sink waits for its streams: what is recorded depends on nothing but what was sent */
static const char two_players[] = "outputs: [{name: main, mode: 64x48@step, fallback: false}]\n"
				  "guests:\n"
				  "  - name: a\n"
				  "    gpu: {enabled: false}\n"
				  "  - name: b\n"
				  "    gpu: {enabled: false}\n"
				  "    sound: {gains: [0.5]}\n"
				  "sound:\n"
				  "  sink: memory\n"
				  "  clock: streams\n";

#define SEED_A 0
#define SEED_B 500
#define GAIN_B 0.5f
/* one step of 16 bits is 3e-5 */
#define TOLERANCE 2e-6f
#define FADE_FRAMES 240 /* 5 ms at 48 kHz */

struct recording {
	float *left; /* owned; both channels are the same */
	size_t len;
};

/* All that is in the sink by now. */
static void record(struct recording *recording, struct sink_reader *reader) {
	float samples[512 * SINK_MEMORY_CHANNELS];
	uint32_t frames;
	while ((frames = sink_reader_read(reader, samples, 512)) > 0) {
		float *longer =
			realloc(recording->left, (recording->len + frames) * sizeof(*longer));
		ck_assert_ptr_nonnull(longer);
		recording->left = longer;
		for (uint32_t i = 0; i < frames; i++) {
			ck_assert(samples[2 * i] == samples[2 * i + 1]);
			recording->left[recording->len++] = samples[2 * i];
		}
	}
	ck_assert_uint_eq(reader->lost, 0);
}

static float sample(int16_t seed, uint64_t frame) {
	return (float)guest_sample(seed, frame) / 32768.0f;
}

/* The first frame that is not silent, from `from` on. */
static size_t find_sound(const struct recording *recording, size_t from) {
	while (from < recording->len && fabsf(recording->left[from]) < TOLERANCE) {
		from++;
	}
	return from;
}

/* Takes a guest's frames out of the recording: `len` frames from `at` on, its own from `first` on. */
static void subtract(struct recording *recording, size_t at, size_t len, int16_t seed, float gain,
	uint64_t first) {
	ck_assert_uint_le(at + len, recording->len);
	for (size_t i = 0; i < len; i++) {
		recording->left[at + i] -= gain * sample(seed, first + i);
	}
}

static void expect_silence(const struct recording *recording, size_t from, size_t to) {
	for (size_t i = from; i < to; i++) {
		ck_assert_msg(fabsf(recording->left[i]) < TOLERANCE, "frame %zu: %g is left over",
			i, (double)recording->left[i]);
	}
}

START_TEST(one_guest_is_recorded_sample_by_sample) {
	struct service service;
	struct guest_player a;
	struct sink_reader reader;
	struct recording recording = { 0 };
	service_start(&service, two_players, NULL);
	service_sink(&service, &reader);
	guest_player_start(&a, &service, "a", SEED_A);
	guest_player_play(&a, 200);
	record(&recording, &reader);

	size_t start = find_sound(&recording, 0);
	size_t len = recording.len - start;
	ck_assert_uint_ge(len, 200 * GUEST_PERIOD_FRAMES);
	subtract(&recording, start, len, SEED_A, 1.0f, 0);
	expect_silence(&recording, 0, recording.len);

	free(recording.left);
	sink_reader_finish(&reader);
	guest_player_stop(&a);
	service_stop(&service);
}
END_TEST

START_TEST(two_guests_are_mixed) {
	struct service service;
	struct guest_player a, b;
	struct guest_player *const both[] = { &a, &b };
	struct sink_reader reader;
	struct recording recording = { 0 };
	service_start(&service, two_players, NULL);
	service_sink(&service, &reader);
	guest_player_start(&a, &service, "a", SEED_A);
	guest_player_play(&a, 20);
	guest_player_start(&b, &service, "b", SEED_B);
	guest_players_play(both, 2, 100);
	record(&recording, &reader);

	size_t start_a = find_sound(&recording, 0);
	subtract(&recording, start_a, recording.len - start_a, SEED_A, 1.0f, 0);
	size_t start_b = find_sound(&recording, 0);
	ck_assert_uint_ge(start_b, start_a + 20 * GUEST_PERIOD_FRAMES);
	ck_assert_uint_ge(recording.len - start_b, 100 * GUEST_PERIOD_FRAMES);
	subtract(&recording, start_b, recording.len - start_b, SEED_B, GAIN_B, 0);
	expect_silence(&recording, 0, recording.len);

	free(recording.left);
	sink_reader_finish(&reader);
	guest_player_stop(&a);
	guest_player_stop(&b);
	service_stop(&service);
}
END_TEST

/* The endpoint of one guest is killed while both play. */
START_TEST(a_dead_guest_fades_and_leaves_the_other_alone) {
	struct service service;
	struct guest_player a, b;
	struct guest_player *const both[] = { &a, &b };
	struct sink_reader reader;
	struct recording recording = { 0 };
	service_start(&service, two_players, NULL);
	service_sink(&service, &reader);
	guest_player_start(&a, &service, "a", SEED_A);
	guest_player_start(&b, &service, "b", SEED_B);
	guest_players_play(both, 2, 50);
	ck_assert_int_eq(kill(service_pid(&service, "sound-b"), SIGKILL), 0);
	service_wait_starts(&service, "sound-b", 2);
	guest_player_play(&a, 100);
	record(&recording, &reader);

	size_t start_a = find_sound(&recording, 0);
	/* b may have begun within the same quantum or later, never before */
	subtract(&recording, start_a, recording.len - start_a, SEED_A, 1.0f, 0);
	size_t start_b = find_sound(&recording, 0);
	ck_assert_uint_lt(start_b, recording.len);
	size_t end_b = start_b;
	while (end_b < recording.len &&
		fabsf(recording.left[end_b] - GAIN_B * sample(SEED_B, end_b - start_b)) <
			TOLERANCE) {
		end_b++;
	}
	/* all that it had completed was heard as it was; then 5 ms in which the
	 * last frame fades; then nothing */
	ck_assert_uint_ge(end_b - start_b, 50 * GUEST_PERIOD_FRAMES);
	ck_assert_uint_lt(end_b + FADE_FRAMES, recording.len);
	for (size_t i = 0; i < FADE_FRAMES; i++) {
		ck_assert_float_le(fabsf(recording.left[end_b + i]),
			fabsf(recording.left[end_b + i - 1]) + TOLERANCE);
	}
	expect_silence(&recording, end_b + FADE_FRAMES, recording.len);

	free(recording.left);
	sink_reader_finish(&reader);
	guest_player_stop(&a);
	guest_player_stop(&b);
	service_stop(&service);
}
END_TEST

static uint32_t get_u32(const uint8_t *bytes) {
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
		(uint32_t)bytes[3] << 24;
}

START_TEST(record_writes_what_was_played) {
	struct service service;
	struct guest_player a;
	char path[96];
	service_start(&service, two_players, NULL);
	snprintf(path, sizeof(path), "%s/x.wav", service.dir);

	const char *const words[] = { "record", "--seconds", "2", path, NULL };
	int out;
	pid_t pid = service_command_start(&service, &out, "recording", words);
	guest_player_start(&a, &service, "a", SEED_A);
	guest_player_play(&a, 210);
	ck_assert_int_eq(service_command_wait(&service, pid, &out), 0);

	static uint8_t file[44 + 2 * 48000 * 4 + 1];
	FILE *stream = fopen(path, "re");
	ck_assert_ptr_nonnull(stream);
	ck_assert_uint_eq(fread(file, 1, sizeof(file), stream), sizeof(file) - 1);
	fclose(stream);
	ck_assert_uint_eq(get_u32(file + 24), 48000);
	ck_assert_uint_eq(get_u32(file + 40), 2 * 48000 * 4);

	size_t start = 0;
	const uint8_t *pcm = file + 44;
	while (start < 96000 && get_u32(pcm + 4 * start) == 0) {
		start++;
	}
	ck_assert_uint_lt(start, 96000);
	for (size_t i = start; i < 96000; i++) {
		int16_t left = (int16_t)(pcm[4 * i] | pcm[4 * i + 1] << 8);
		ck_assert_int_eq(left, guest_sample(SEED_A, i - start));
	}
	guest_player_stop(&a);
	service_stop(&service);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("flow sound");
	TCase *tcase = suite_case(suite, "sound");
	tcase_add_test(tcase, one_guest_is_recorded_sample_by_sample);
	tcase_add_test(tcase, two_guests_are_mixed);
	tcase_add_test(tcase, a_dead_guest_fades_and_leaves_the_other_alone);
	tcase_add_test(tcase, record_writes_what_was_played);
	return suite;
}
