/* A guest's PCM all the way into the sink's memory, on the test's clock. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/macros.h"
#include "protocol/virtio_snd.h"
#include "tests/audio/sound_rig.h"
#include "tests/suite.h"

#define QUANTUM 128
#define PERIOD_FRAMES 480
#define PERIODS 4
#define FIVE_MS 240

/* A guest that plays `frames` frames of S16 stereo, a period at a time, as an application does. */
struct player {
	struct sound_rig *rig;
	unsigned guest, stream;
	const int16_t *pcm;
	uint32_t frames;
	uint32_t sent_frames;
	uint32_t done_periods;
	bool is_stopped;
};

static void player_send(struct player *player) {
	struct vmm_snd *snd = &player->rig->guests[player->guest].snd;
	unsigned pending = vmm_snd_in_flight(snd);
	while (pending < PERIODS && player->sent_frames < player->frames) {
		uint32_t frames = MIN(PERIOD_FRAMES, player->frames - player->sent_frames);
		ck_assert_int_eq(vmm_snd_send(snd, player->stream,
					 player->pcm + (size_t)2 * player->sent_frames, frames * 4,
					 player->sent_frames),
			0);
		player->sent_frames += frames;
		pending++;
	}
}

static void player_start(struct player *player) {
	sound_rig_prepare(player->rig, player->guest, player->stream, VIRTIO_SND_FMT_S16,
		VIRTIO_SND_RATE_48000, 2, PERIOD_FRAMES * 4, PERIODS);
	player_send(player);
	sound_rig_command(player->rig, player->guest, VMM_SND_START, player->stream);
}

/* Between two quanta: takes what is done, sends more; stops when all was played, as drain does. */
static void player_run(struct player *player) {
	struct vmm_snd *snd = &player->rig->guests[player->guest].snd;
	struct vmm_snd_done done;
	while (vmm_snd_take(snd, &done)) {
		ck_assert_uint_eq(done.status, VMM_SND_OK);
		player->done_periods++;
	}
	player_send(player);
	if (!player->is_stopped && player->sent_frames == player->frames &&
		vmm_snd_in_flight(snd) == 0) {
		sound_rig_command(player->rig, player->guest, VMM_SND_STOP, player->stream);
		sound_rig_command(player->rig, player->guest, VMM_SND_RELEASE, player->stream);
		player->is_stopped = true;
	}
}

static int16_t *make_pcm(uint32_t frames, unsigned seed, int range) {
	int16_t *pcm = malloc(sizeof(int16_t) * 2 * frames);
	uint32_t random = seed * 2654435761u + 1;
	for (uint32_t i = 0; i < 2 * frames; i++) {
		random = random * 1664525u + 1013904223u;
		pcm[i] = (int16_t)((int)(random >> 8) % range);
	}
	/* never silent, so that a gap shows */
	for (uint32_t i = 0; i < frames; i++) {
		pcm[2 * i] = pcm[2 * i] == 0 ? 1 : pcm[2 * i];
	}
	return pcm;
}

static uint32_t first_sound(const struct sound_rig *rig) {
	for (uint32_t i = 0; i < rig->tape_frames; i++) {
		if (rig->tape[2 * (size_t)i] != 0) {
			return i;
		}
	}
	ck_abort_msg("nothing was heard");
	return 0;
}

static void expect_pcm(
	const struct sound_rig *rig, uint32_t at, const int16_t *pcm, uint32_t frames) {
	ck_assert_uint_le(at + frames, rig->tape_frames);
	for (uint32_t i = 0; i < 2 * frames; i++) {
		/* as the recorder makes S16 of it */
		long sample = lrintf(rig->tape[(size_t)2 * at + i] * 32768.0f);
		ck_assert_msg(
			sample == pcm[i], "frame %u: %ld instead of %d", i / 2, sample, pcm[i]);
	}
}

START_TEST(a_recording_is_what_was_played) {
	struct sound_rig *rig = sound_rig_create((struct sound_rig_options) { .waits = _i == 1 });
	uint32_t frames = 10000; /* not of periods, nor of quanta */
	int16_t *pcm = make_pcm(frames, 1, 32768);
	pcm[2 * 100] = -32768;
	pcm[2 * 101] = 32767;
	struct player player = { .rig = rig, .pcm = pcm, .frames = frames };
	sound_rig_quanta(rig, 3);
	player_start(&player);
	for (unsigned i = 0; i < 200 && !player.is_stopped; i++) {
		sound_rig_quantum(rig);
		player_run(&player);
	}
	sound_rig_quanta(rig, 10);
	ck_assert(player.is_stopped);
	uint32_t begin = first_sound(rig);
	expect_pcm(rig, begin, pcm, frames);
	for (uint32_t i = begin + frames + FIVE_MS; i < rig->tape_frames; i++) {
		ck_assert(rig->tape[2 * (size_t)i] == 0);
	}
	if (_i == 1) {
		/* a sink that waits writes the sound, and at most its tail, and nothing before it */
		ck_assert_uint_eq(begin, 0);
		ck_assert_uint_le(rig->tape_frames, frames + FIVE_MS + QUANTUM);
		ck_assert_uint_eq(sound_rig_stat(rig, "stream.0.xruns"), 0);
	}
	free(pcm);
	sound_rig_destroy(rig);
}
END_TEST

START_TEST(two_guests_are_an_exact_sum_to_the_last_sample) {
	struct sound_rig *rig =
		sound_rig_create((struct sound_rig_options) { .guests = 2, .waits = true });
	int16_t *pcm[2] = { make_pcm(9600, 1, 16000), make_pcm(12000, 2, 16000) };
	struct player players[2] = {
		{ .rig = rig, .guest = 0, .pcm = pcm[0], .frames = 9600 },
		{ .rig = rig, .guest = 1, .stream = 1, .pcm = pcm[1], .frames = 12000 },
	};
	player_start(&players[0]);
	player_start(&players[1]);
	for (unsigned i = 0; i < 400 && !(players[0].is_stopped && players[1].is_stopped); i++) {
		sound_rig_quantum(rig);
		/* the second one is slow, and waited for */
		player_run(&players[0]);
		if (i % 3 == 0) {
			player_run(&players[1]);
		}
	}
	ck_assert(players[0].is_stopped && players[1].is_stopped);
	for (uint32_t i = 0; i < 2 * 12000; i++) {
		bool tail = i >= 2 * 9600 && i < 2 * (9600 + FIVE_MS);
		int want = pcm[1][i] + (i < 2 * 9600 ? pcm[0][i] : 0);
		ck_assert_msg(tail || rig->tape[i] * 32768.0f == (float)want, "frame %u: %g not %d",
			i / 2, rig->tape[i] * 32768.0f, want);
	}
	ck_assert_uint_eq(sound_rig_stat(rig, "stream.0.xruns"), 0);
	free(pcm[0]);
	free(pcm[1]);
	sound_rig_destroy(rig);
}
END_TEST

START_TEST(one_guest_dies_and_the_other_is_exact) {
	struct sound_rig *rig =
		sound_rig_create((struct sound_rig_options) { .guests = 2, .waits = _i == 1 });
	int16_t *pcm[2] = { make_pcm(24000, 1, 16000), make_pcm(24000, 2, 16000) };
	struct player players[2] = {
		{ .rig = rig, .guest = 0, .pcm = pcm[0], .frames = 24000 },
		{ .rig = rig, .guest = 1, .pcm = pcm[1], .frames = 24000 },
	};
	player_start(&players[0]);
	player_start(&players[1]);
	for (unsigned i = 0; i < 40; i++) {
		sound_rig_quantum(rig);
		player_run(&players[0]);
		player_run(&players[1]);
	}
	uint32_t death = rig->tape_frames;
	sound_rig_kill(rig, 0);
	for (unsigned i = 0; i < 100; i++) {
		sound_rig_quantum(rig);
		player_run(&players[1]);
	}
	uint32_t begin = first_sound(rig);
	ck_assert_uint_gt(rig->tape_frames, death + 12000);
	for (uint32_t i = begin; i < rig->tape_frames; i++) {
		float other = pcm[1][2 * (i - begin)] / 32768.0f;
		float mine = i < death ? pcm[0][2 * (i - begin)] / 32768.0f : 0;
		float rest = rig->tape[2 * (size_t)i] - other - mine;
		if (i < death || i >= death + FIVE_MS) {
			ck_assert_msg(rest == 0, "frame %u, %d from the death: %g", i,
				(int)(i - death), rest);
		}
	}
	free(pcm[0]);
	free(pcm[1]);
	sound_rig_destroy(rig);
}
END_TEST

/* ---- latency ---- */

/* The tape's frame that holds the given left sample. */
static uint32_t find_sample(const struct sound_rig *rig, float sample) {
	for (uint32_t i = 0; i < rig->tape_frames; i++) {
		if (rig->tape[2 * (size_t)i] == sample) {
			return i;
		}
	}
	ck_abort_msg("%g was not heard", sample);
	return 0;
}

START_TEST(latency_is_what_is_still_to_be_heard) {
	const uint32_t held = 700;
	struct sound_rig *rig =
		sound_rig_create((struct sound_rig_options) { .latency_frames = held });
	struct vmm_snd *snd = &rig->guests[0].snd;
	sound_rig_prepare(rig, 0, 0, VIRTIO_SND_FMT_S16, VIRTIO_SND_RATE_48000, 2,
		PERIOD_FRAMES * 4, PERIODS);
	int16_t pcm[PERIODS][PERIOD_FRAMES * 2] = { 0 };
	for (unsigned i = 0; i < PERIODS; i++) {
		pcm[i][2 * (PERIOD_FRAMES - 1)] =
			(int16_t)(1000 + i); /* the last frame is marked */
		ck_assert_int_eq(vmm_snd_send(snd, 0, pcm[i], sizeof(pcm[i]), i), 0);
	}
	sound_rig_command(rig, 0, VMM_SND_START, 0);
	/* 1 ms after each quantum the endpoint gets to run */
	sound_rig_after_quantum_ns = _i * NS_PER_MS;
	unsigned seen = 0;
	for (unsigned i = 0; i < 30; i++) {
		sound_rig_quantum(rig);
		struct vmm_snd_done done;
		while (vmm_snd_take(snd, &done)) {
			/* the mark has gone into the sink, which lets go of its frames in time */
			uint32_t at = find_sample(rig, (float)(1000 + done.cookie) / 32768);
			uint32_t behind = rig->tape_frames - 1 - at;
			uint32_t passed = (uint32_t)_i * 48;
			uint32_t to_hear = held - MIN(held, behind + passed);
			ck_assert_msg(abs((int)(done.latency_bytes / 4) - (int)to_hear) <= 1,
				"%u frames said, %u measured", done.latency_bytes / 4, to_hear);
			seen++;
		}
	}
	ck_assert_uint_eq(seen, PERIODS);
	sound_rig_destroy(rig);
}
END_TEST

static const struct {
	uint8_t rate;
	uint32_t hz;
} latency_rates[] = {
	{ VIRTIO_SND_RATE_44100, 44100 },
	{ VIRTIO_SND_RATE_8000, 8000 },
	{ VIRTIO_SND_RATE_192000, 192000 },
};

/* Through the rate filter: where the middle of a click comes out. */
START_TEST(latency_includes_the_rate_filter) {
	uint32_t hz = latency_rates[_i].hz;
	struct sound_rig *rig = sound_rig_create(
		(struct sound_rig_options) { .latency_frames = 256, .slot_bytes = 1 << 16 });
	struct vmm_snd *snd = &rig->guests[0].snd;
	uint32_t period_frames = hz / 50;
	uint32_t period_bytes = period_frames * 4;
	sound_rig_prepare(
		rig, 0, 0, VIRTIO_SND_FMT_S16, latency_rates[_i].rate, 2, period_bytes, 4);
	int16_t *pcm = calloc(period_frames * 2, sizeof(int16_t));
	for (unsigned i = 0; i < 4; i++) {
		pcm[2 * (period_frames - 1)] = i == 1 ? 20000 : 0;
		ck_assert_int_eq(vmm_snd_send(snd, 0, pcm, period_bytes, i), 0);
	}
	sound_rig_command(rig, 0, VMM_SND_START, 0);
	uint32_t heard_at =
		0; /* the tape's frame that is heard when period 1 completes, and how much later */
	uint32_t said = 0;
	for (unsigned i = 0; i < 60; i++) {
		sound_rig_quantum(rig);
		struct vmm_snd_done done;
		while (vmm_snd_take(snd, &done)) {
			if (done.cookie == 1) {
				heard_at = rig->tape_frames - 256;
				said = done.latency_bytes / 4;
			}
		}
	}
	uint32_t peak = 0;
	for (uint32_t i = 0; i < rig->tape_frames; i++) {
		if (rig->tape[2 * (size_t)i] > rig->tape[2 * (size_t)peak]) {
			peak = i;
		}
	}
	double measured_ms = ((double)peak - heard_at) / 48.0;
	double said_ms = said * 1000.0 / hz;
	ck_assert_msg(fabs(measured_ms - said_ms) < 1.0, "%u Hz: %.2f ms said, %.2f ms measured",
		hz, said_ms, measured_ms);
	free(pcm);
	sound_rig_destroy(rig);
}
END_TEST

/* ---- rates ---- */

static const struct {
	uint8_t rate;
	uint32_t hz;
} rates[] = {
	{ VIRTIO_SND_RATE_44100, 44100 },
	{ VIRTIO_SND_RATE_8000, 8000 },
	{ VIRTIO_SND_RATE_96000, 96000 },
	{ VIRTIO_SND_RATE_5512, 5512 },
};

/* Least squares: the sine of that frequency in channel 0, and what is not it, in dB. */
static double snr(const float *tape, uint32_t frames, double frequency) {
	double cc = 0, ss = 0, cs = 0, yc = 0, ys = 0, signal = 0, noise = 0;
	double w = 2 * M_PI * frequency / 48000;
	for (uint32_t i = 0; i < frames; i++) {
		double c = cos(w * i), s = sin(w * i), y = tape[2 * (size_t)i];
		cc += c * c;
		ss += s * s;
		cs += c * s;
		yc += y * c;
		ys += y * s;
	}
	double det = cc * ss - cs * cs;
	double a = (yc * ss - ys * cs) / det, b = (ys * cc - yc * cs) / det;
	for (uint32_t i = 0; i < frames; i++) {
		double m = a * cos(w * i) + b * sin(w * i);
		signal += m * m;
		noise += (tape[2 * (size_t)i] - m) * (tape[2 * (size_t)i] - m);
	}
	return 10 * log10(signal / noise);
}

START_TEST(another_rate_has_no_gap_and_little_noise) {
	uint32_t hz = rates[_i].hz;
	struct sound_rig *rig = sound_rig_create(
		(struct sound_rig_options) { .waits = true, .slot_bytes = 1 << 16 });
	struct vmm_snd *snd = &rig->guests[0].snd;
	/* periods that are no multiple of anything */
	uint32_t period_frames = hz / 97;
	uint32_t periods = 100;
	float *period = calloc(period_frames * 2, sizeof(float));
	sound_rig_prepare(rig, 0, 0, VIRTIO_SND_FMT_FLOAT, rates[_i].rate, 2, period_frames * 8, 4);
	double frequency = hz / 11.0;
	uint32_t sent = 0, done_periods = 0;
	for (unsigned i = 0; i < 2000 && done_periods < periods; i++) {
		while (sent < periods && vmm_snd_in_flight(snd) < 4) {
			for (uint32_t j = 0; j < period_frames; j++) {
				uint32_t frame = sent * period_frames + j;
				period[2 * j] =
					(float)(0.5 * sin(2 * M_PI * frequency * frame / hz));
			}
			ck_assert_int_eq(vmm_snd_send(snd, 0, period, period_frames * 8, sent), 0);
			sent++;
		}
		if (sound_rig_stat(rig, "stream.0.state") != 3) {
			sound_rig_command(rig, 0, VMM_SND_START, 0);
		}
		sound_rig_quantum(rig);
		struct vmm_snd_done done;
		while (vmm_snd_take(snd, &done)) {
			ck_assert_uint_eq(done.cookie, done_periods);
			done_periods++;
		}
	}
	ck_assert_uint_eq(done_periods, periods);
	uint64_t frames = (uint64_t)periods * period_frames * 48000 / hz;
	ck_assert_uint_ge(rig->tape_frames + 1500, frames);
	uint32_t middle = (uint32_t)frames / 2;
	double db = snr(rig->tape + 2 * (frames / 4), middle, frequency);
	ck_assert_msg(db > 90, "%u Hz: %.1f dB", hz, db);
	free(period);
	sound_rig_destroy(rig);
}
END_TEST

/* ---- more than one thing at once ---- */

START_TEST(streams_of_one_guest_complete_on_their_own) {
	struct sound_rig *rig = sound_rig_create((struct sound_rig_options) { .streams = 8 });
	struct vmm_snd *snd = &rig->guests[0].snd;
	int16_t period[PERIOD_FRAMES * 2] = { 0 };
	for (unsigned i = 0; i < 8; i++) {
		sound_rig_prepare(rig, 0, i, VIRTIO_SND_FMT_S16, VIRTIO_SND_RATE_48000, 2,
			sizeof(period), PERIODS);
		ck_assert_int_eq(vmm_snd_send(snd, i, period, sizeof(period), i), 0);
	}
	/* started last to first, one quantum apart; one stays prepared */
	for (unsigned i = 7; i > 0; i--) {
		sound_rig_command(rig, 0, VMM_SND_START, i);
		sound_rig_quantum(rig);
	}
	sound_rig_quanta(rig, 10);
	struct vmm_snd_done done;
	for (unsigned i = 7; i > 0; i--) {
		ck_assert(vmm_snd_take(snd, &done));
		ck_assert_uint_eq(done.cookie, i);
	}
	ck_assert(!vmm_snd_take(snd, &done));
	ck_assert_uint_eq(vmm_snd_in_flight(snd), 1);
	sound_rig_destroy(rig);
}
END_TEST

START_TEST(other_quanta_and_mix_rates) {
	static const struct sound_rig_options rows[] = {
		{ .quantum_frames = 16 },
		{ .quantum_frames = 1024 },
		{ .quantum_frames = 441, .rate = 44100 },
		{ .quantum_frames = 100, .rate = 192000 },
		{ .quantum_frames = 33, .rate = 8000 },
	};
	struct sound_rig *rig = sound_rig_create(rows[_i]);
	struct vmm_snd *snd = &rig->guests[0].snd;
	/* 100 ms at 48 kHz, through whatever there is */
	float period[1200 * 2];
	for (unsigned i = 0; i < ARRAY_LEN(period); i++) {
		period[i] = 0.25f;
	}
	sound_rig_prepare(rig, 0, 0, VIRTIO_SND_FMT_FLOAT, VIRTIO_SND_RATE_48000, 2, 1200 * 4, 8);
	for (unsigned i = 0; i < 8; i++) {
		ck_assert_int_eq(vmm_snd_send(snd, 0, period, 1200 * 4, i), 0);
	}
	sound_rig_command(rig, 0, VMM_SND_START, 0);
	uint32_t frames = 4800 * (uint64_t)rig->options.rate / 48000;
	sound_rig_quanta(rig, frames / rig->options.quantum_frames + 3);
	unsigned done_periods = 0;
	struct vmm_snd_done done;
	while (vmm_snd_take(snd, &done)) {
		done_periods++;
	}
	ck_assert_uint_eq(done_periods, 8);
	/* no hole from the first to the last frame */
	uint32_t margin = frames / 20;
	uint32_t begin = first_sound(rig);
	for (uint32_t i = begin + margin; i < begin + frames - margin; i++) {
		ck_assert_float_eq_tol(rig->tape[2 * (size_t)i], 0.25f, 0.0001f);
	}
	sound_rig_destroy(rig);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("audio sound_flow");
	TCase *tcase = suite_case(suite, "sound_flow");
	tcase_add_loop_test(tcase, a_recording_is_what_was_played, 0, 2);
	tcase_add_test(tcase, two_guests_are_an_exact_sum_to_the_last_sample);
	tcase_add_loop_test(tcase, one_guest_dies_and_the_other_is_exact, 0, 2);
	tcase_add_loop_test(tcase, latency_is_what_is_still_to_be_heard, 0, 3);
	tcase_add_loop_test(tcase, latency_includes_the_rate_filter, 0, ARRAY_LEN(latency_rates));
	tcase_add_loop_test(tcase, another_rate_has_no_gap_and_little_noise, 0, ARRAY_LEN(rates));
	tcase_add_test(tcase, streams_of_one_guest_complete_on_their_own);
	tcase_add_loop_test(tcase, other_quanta_and_mix_rates, 0, 5);
	return suite;
}
