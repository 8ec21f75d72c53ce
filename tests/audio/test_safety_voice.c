#include "audio/mixer/safety_voice.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "audio/mixer/cycle.h"
#include "audio/mixer/sink_impl.h"
#include "audio/mixer/sink_memory.h"
#include "core/crc32.h"
#include "core/fd.h"
#include "core/macros.h"
#include "tests/audio/link_pair.h"
#include "tests/suite.h"

#define RATE 48000
#define Q 128
#define CHIME_FRAMES (10 * Q + 37) /* none ends with a quantum */
#define ATTACK_FRAMES (RATE * DUCK_ATTACK_MS / 1000)
#define RELEASE_FRAMES (RATE * DUCK_RELEASE_MS / 1000)
#define TAPE_FRAMES (400 * Q)

/* ---- a bank in private memory, so that it can be damaged ---- */

static float bank_samples[CUE_CHIMES][CHIME_FRAMES * CHIMES_CHANNELS];
static struct chimes bank;

/* Each chime is a level of its own, as loud as may be: whatever is heard says which one it is. */
static float level_of(enum cue_chime chime) {
	return chime == CUE_CHIME_WARNING ? CHIMES_PEAK : 0.1f * (float)chime;
}

static void make_bank(void) {
	bank = (struct chimes) {
		.base = (const uint8_t *)bank_samples,
		.size_bytes = sizeof(bank_samples),
		.rate = RATE,
	};
	for (unsigned i = CUE_CHIME_NONE + 1; i < CUE_CHIMES; i++) {
		for (unsigned j = 0; j < CHIME_FRAMES; j++) {
			bank_samples[i][2 * j] = level_of((enum cue_chime)i);
			bank_samples[i][2 * j + 1] = -level_of((enum cue_chime)i);
		}
		bank.entries[i] = (struct chimes_entry) {
			.offset = i * sizeof(bank_samples[0]),
			.frames = CHIME_FRAMES,
			.crc32 = crc32_update(0, bank_samples[i], sizeof(bank_samples[i])),
		};
	}
}

/* ---- a cycle on a sink that steps ---- */

static int cue_fds[CUE_FDS];
static struct cue_requester requester;
static struct cue_player player;
static struct mixer mixer;
static struct link_pair pair;
static struct safety_voice voice;
static struct sink *sink;
static struct sink_reader reader;
static struct stats stats;
static struct cycle cycle;
static int step, memory;
static float tape[TAPE_FRAMES * 2];
static uint32_t taped;

static void begin_cues(void) {
	int granted[CUE_FDS];
	ck_assert_int_eq(cue_create_fds(cue_fds), 0);
	ck_assert_int_eq(cue_grant_fds(cue_fds, false, granted), 0);
	ck_assert_int_eq(cue_requester_init(&requester, granted), 0);
	ck_assert_int_eq(cue_grant_fds(cue_fds, true, granted), 0);
	ck_assert_int_eq(cue_player_init(&player, granted), 0);
}

static void begin(bool waits, bool half) {
	static const float unity[SAMPLE_LINK_STREAMS] = { 1, 1, 1, 1, 1, 1, 1, 1 };
	make_bank();
	begin_cues();
	mixer_init(&mixer, RATE, Q);
	link_pair_init(&pair);
	mixer_add(&mixer, 0, &pair.consumer, unity);
	step = fd_eventfd_create(true);
	memory = sink_memory_create_fd("test", RATE);
	struct sink_options options = {
		.rate = RATE,
		.quantum_frames = Q,
		.waits = waits,
		.step_fd = step,
		.memory_fd = memory,
	};
	sink = sink_memory_create(&options);
	ck_assert_ptr_nonnull(sink);
	if (half) {
		sink->half_frames = Q;
	}
	ck_assert_int_eq(sink_reader_init(&reader, fd_reopen_readonly(memory)), 0);
	ck_assert_int_eq(stats_init(&stats, -1, "test"), 0);
	safety_voice_init(&voice, RATE, &player, &bank, &stats);
	cycle_init(&cycle, &mixer, &voice, sink, &stats);
	sink_start(sink);
	taped = 0;
}

static void setup(void) {
	begin(false, false);
}

static void teardown(void) {
	sink_destroy(sink);
	sink_reader_finish(&reader);
	stats_finish(&stats);
	link_pair_finish(&pair);
	cue_requester_finish(&requester);
	cue_player_finish(&player);
	fd_close(&cue_fds[CUE_REQUESTS]);
	fd_close(&cue_fds[CUE_ANSWERS]);
	fd_close(&step);
	fd_close(&memory);
}

static void play_programme(uint32_t frames, float level) {
	const float frame[2] = { level, -level };
	sample_link_set_state(&pair.producer, 0, SAMPLE_STREAM_RUNNING);
	for (uint32_t i = 0; i < frames; i++) {
		ck_assert_uint_eq(sample_link_write(&pair.producer, 0, frame, 1), 1);
	}
}

static uint32_t tick(void) {
	fd_event_signal(step);
	ck_assert(cycle_run(&cycle));
	link_echo(&pair.producer);
	ck_assert_uint_le(taped + 2 * Q, TAPE_FRAMES);
	uint32_t frames = sink_reader_read(&reader, tape + (size_t)2 * taped, 2 * Q);
	taped += frames;
	return frames;
}

static void ticks(unsigned count) {
	for (unsigned i = 0; i < count; i++) {
		tick();
	}
}

static uint64_t ask(enum cue_chime chime) {
	return cue_request(&requester, chime, 1);
}

static void expect(uint64_t number, enum cue_progress progress) {
	ck_assert_int_eq(cue_progress(&requester, number), progress);
}

static uint64_t stat(const char *name) {
	uint64_t value = 0;
	ck_assert_msg(stats_read_value(stats.page, name, &value), "%s", name);
	return value;
}

static float left(uint32_t frame) {
	ck_assert_uint_lt(frame, taped);
	return tape[2 * frame];
}

static void expect_level(uint32_t frame, float level) {
	ck_assert_float_eq_tol(left(frame), level, 1e-5f);
	ck_assert_float_eq_tol(tape[2 * frame + 1], -level, 1e-5f);
}

/* ---- what is heard ---- */

START_TEST(in_the_quantum_after_the_request) {
	ticks(3);
	uint64_t number = ask(CUE_CHIME_WARNING);
	expect(number, CUE_WAITING);
	tick();
	expect(number, CUE_BEGUN);
	ck_assert_uint_ne(atomic_load(&requester.other->begun_ns), 0);
	expect_level(3 * Q - 1, 0);
	ck_assert_float_gt(left(3 * Q), 0);
	ck_assert_uint_eq(stat("chimes.played"), 1);
	ticks(CHIME_FRAMES / Q - 1);
	expect_level(3 * Q + CHIME_FRAMES - 38, CHIMES_PEAK);
	expect(number, CUE_BEGUN);
	tick();
	/* all of it, and not one frame more */
	expect_level(3 * Q + CHIME_FRAMES - 1, CHIMES_PEAK);
	expect_level(3 * Q + CHIME_FRAMES, 0);
	expect(number, CUE_HEARD);
	ck_assert_uint_eq(stat("chimes.heard"), 1);
}
END_TEST

/*
 * The loudest programme and the loudest chime: the sum is what it is by arithmetic alone, at every
 * frame, so nothing was ever clipped.
 */
START_TEST(nothing_clips) {
	play_programme(2 * Q, 1.0f);
	ticks(2);
	expect_level(Q, 1);
	ask(CUE_CHIME_WARNING);
	for (unsigned i = 0; i < 13; i++) {
		play_programme(10 * Q, 1.0f);
		ticks(10);
	}
	for (uint32_t i = 0; i < taped; i++) {
		ck_assert_float_le(fabsf(tape[2 * i]), 1.0f);
		ck_assert_float_le(fabsf(tape[2 * i + 1]), 1.0f);
	}
	const uint32_t at = 2 * Q;
	for (uint32_t i = 0; i < ATTACK_FRAMES; i++) {
		float duck = fminf((float)(i + 1) / ATTACK_FRAMES, 1.0f);
		expect_level(at + i, 1 - DUCK_DEPTH * duck + CHIMES_PEAK * duck);
	}
	expect_level(at + CHIME_FRAMES - 1, 1 - DUCK_DEPTH + CHIMES_PEAK);
	/* the programme comes back, slowly and to the bit */
	expect_level(at + CHIME_FRAMES, 1 - DUCK_DEPTH + DUCK_DEPTH / RELEASE_FRAMES);
	for (uint32_t i = CHIME_FRAMES; i < CHIME_FRAMES + RELEASE_FRAMES; i++) {
		ck_assert_float_lt(fabsf(left(at + i + 1) - left(at + i)), 1e-4f);
	}
	ck_assert(left(at + CHIME_FRAMES + RELEASE_FRAMES + 8) == 1.0f);
}
END_TEST

START_TEST(without_a_chime_every_bit_is_kept) {
	play_programme(20 * Q, 0.123456789f);
	ticks(20);
	for (uint32_t i = 0; i < taped; i++) {
		ck_assert(left(i) == 0.123456789f);
	}
}
END_TEST

START_TEST(back_to_back) {
	uint64_t first = ask(CUE_CHIME_WARNING);
	ticks(CHIME_FRAMES / Q + 1);
	expect(first, CUE_HEARD);
	uint64_t second = ask(CUE_CHIME_WARNING);
	expect(second, CUE_WAITING);
	uint32_t at = taped;
	tick();
	expect(second, CUE_BEGUN);
	ck_assert_float_gt(
		left(at), 0.6f); /* the programme is still turned down: no attack again */
	ticks(CHIME_FRAMES / Q);
	expect(second, CUE_HEARD);
	ck_assert_uint_eq(stat("chimes.played"), 2);
}
END_TEST

/* As severe or more: it begins at once, and what sounded fades out under it, without a step. */
static const struct replacement {
	const char *name;
	enum cue_chime first, second;
} replacements[] = {
	{ "the same again", CUE_CHIME_WARNING, CUE_CHIME_WARNING },
	{ "more severe", CUE_CHIME_INFORMATION, CUE_CHIME_WARNING },
	{ "a step more severe", CUE_CHIME_CAUTION, CUE_CHIME_WARNING },
};

START_TEST(one_takes_the_place_of_another) {
	const struct replacement *row = &replacements[_i];
	uint64_t first = ask(row->first);
	ticks(5);
	expect_level(5 * Q - 1, level_of(row->first));
	uint64_t second = ask(row->second);
	ticks(CHIME_FRAMES / Q);
	expect(first, CUE_BEGUN);
	expect(second, CUE_BEGUN);
	for (uint32_t i = 5 * Q - 1; i + 1 < taped; i++) {
		ck_assert_msg(fabsf(left(i + 1) - left(i)) < 0.01f, "%s at %u", row->name, i);
		ck_assert_float_le(left(i), CHIMES_PEAK + 1e-6f);
	}
	tick();
	expect_level(5 * Q + CHIME_FRAMES - 1, level_of(row->second));
	expect_level(5 * Q + CHIME_FRAMES, 0);
	expect(second, CUE_HEARD);
}
END_TEST

START_TEST(a_lesser_one_is_stood_for) {
	uint64_t warning = ask(CUE_CHIME_WARNING);
	ticks(5);
	uint64_t caution = ask(CUE_CHIME_CAUTION);
	tick();
	expect(warning, CUE_BEGUN);
	expect(caution, CUE_BEGUN);
	ticks(CHIME_FRAMES / Q - 5);
	expect_level(CHIME_FRAMES - 1, CHIMES_PEAK);
	expect_level(CHIME_FRAMES, 0);
	expect(caution, CUE_HEARD);
	ck_assert_uint_eq(stat("chimes.played"), 1);
	ck_assert_uint_eq(stat("chimes.covered"), 1);
}
END_TEST

START_TEST(several_in_one_quantum) {
	ask(CUE_CHIME_INFORMATION);
	ask(CUE_CHIME_WARNING);
	uint64_t last = ask(CUE_CHIME_CAUTION);
	ticks(2);
	expect_level(2 * Q - 1, CHIMES_PEAK);
	expect(last, CUE_BEGUN);
	ck_assert_uint_eq(stat("chimes.played"), 1);
	ck_assert_uint_eq(stat("chimes.covered"), 2);
}
END_TEST

/* ---- what is refused ---- */

static const uint32_t unknown[] = { CUE_CHIME_NONE, CUE_CHIMES, UINT32_MAX };

START_TEST(unknown_chimes) {
	uint64_t number = ask((enum cue_chime)unknown[_i]);
	ticks(2);
	expect(number, CUE_REFUSED);
	expect_level(Q, 0);
	ck_assert_uint_eq(stat("chimes.played"), 0);
	uint64_t good = ask(CUE_CHIME_CAUTION);
	tick();
	expect(good, CUE_BEGUN);
}
END_TEST

START_TEST(no_bank) {
	static const struct chimes none;
	safety_voice_init(&voice, RATE, &player, &none, &stats);
	uint64_t number = ask(CUE_CHIME_WARNING);
	play_programme(4 * Q, 0.5f);
	ticks(2);
	expect(number, CUE_REFUSED);
	expect_level(2 * Q - 1, 0.5f);
	ck_assert_uint_eq(stat("chimes.refused"), 1);
	ck_assert_uint_eq(stat("chimes.bank"), SAFETY_VOICE_NO_BANK);
}
END_TEST

static unsigned ticks_per_scrub(void) {
	return (sizeof(bank_samples) / 4096) + CUE_CHIMES;
}

/* A bit that changes after the start is found within a round of the bank's own check. */
START_TEST(a_bank_that_is_damaged_later) {
	ck_assert_uint_eq(stat("chimes.bank"), SAFETY_VOICE_BANK);
	ticks(2 * ticks_per_scrub());
	ck_assert_uint_eq(stat("chimes.bank"), SAFETY_VOICE_BANK);
	bank_samples[CUE_CHIME_WARNING][77] += 0.001f;
	ticks(2 * ticks_per_scrub());
	ck_assert_uint_eq(stat("chimes.bank"), SAFETY_VOICE_BANK_DAMAGED);
	uint64_t number = ask(CUE_CHIME_CAUTION);
	ticks(2);
	expect(number, CUE_REFUSED);
	expect_level(taped - 1, 0);
}
END_TEST

static const struct garbage {
	const char *name;
	float value;
} garbages[] = {
	{ "not a number", NAN },
	{ "infinite", -INFINITY },
	{ "huge", 1e30f },
};

/* Until it is found, it is no louder than a chime. */
START_TEST(a_damaged_sample_that_is_playing) {
	play_programme(40 * Q, 1.0f);
	ask(CUE_CHIME_INFORMATION);
	ticks(4);
	float *samples = &bank_samples[CUE_CHIME_INFORMATION][2 * (4 * Q + 5)];
	samples[0] = samples[1] = garbages[_i].value;
	tick();
	float expected = garbages[_i].value < 0 ? -CHIMES_PEAK : CHIMES_PEAK;
	ck_assert_float_eq_tol(left(4 * Q + 5), 1 - DUCK_DEPTH + expected, 1e-5f);
	ck_assert_float_eq_tol(left(4 * Q + 6), 1 - DUCK_DEPTH + 0.1f, 1e-5f);
}
END_TEST

/* ---- sinks that wait, sinks with latency, successors ---- */

START_TEST(a_waiting_sink_advances_for_a_chime) {
	teardown();
	begin(true, true);
	ticks(10);
	ck_assert_uint_eq(taped, 0);
	uint64_t number = ask(CUE_CHIME_WARNING);
	ck_assert_uint_eq(tick(), Q);
	expect(number, CUE_BEGUN);
	/* half a quantum's time per tick: no faster than real time */
	ticks(20);
	ck_assert_uint_ge(taped, 10 * Q);
	ck_assert_uint_le(taped, 12 * Q);
	ticks(10);
	expect(number, CUE_HEARD);
	uint32_t after = taped;
	ticks(10);
	ck_assert_uint_eq(taped, after);
}
END_TEST

START_TEST(a_chime_waits_for_no_stream) {
	teardown();
	begin(true, true);
	play_programme(Q, 0.5f);
	ticks(4);
	ck_assert_uint_eq(taped, Q);
	/* the stream is dry, and waited for */
	ticks(10);
	ck_assert_uint_eq(taped, Q);
	uint64_t number = ask(CUE_CHIME_WARNING);
	ck_assert_uint_eq(tick(), Q);
	expect(number, CUE_BEGUN);
	ticks(40);
	expect(number, CUE_HEARD);
	play_programme(Q, 0.5f);
	ck_assert_uint_eq(tick(), Q);
}
END_TEST

/* Heard is what the sink has played, not what it was given. */
START_TEST(heard_when_the_sink_has_played_it) {
	float mix[2 * Q];
	uint64_t number = ask(CUE_CHIME_CAUTION);
	ck_assert(safety_voice_look(&voice));
	uint32_t given = 0;
	for (; given < CHIME_FRAMES; given += Q) {
		memset(mix, 0, sizeof(mix));
		safety_voice_mix(&voice, mix, Q);
		safety_voice_publish(&voice, Q, 3 * Q, 7);
		expect(number, CUE_BEGUN);
	}
	ck_assert(!safety_voice_look(&voice));
	for (uint32_t left_over = given - CHIME_FRAMES; left_over < 3 * Q; left_over += Q) {
		expect(number, CUE_BEGUN);
		memset(mix, 0, sizeof(mix));
		safety_voice_mix(&voice, mix, Q);
		safety_voice_publish(&voice, Q, 3 * Q, 9);
	}
	expect(number, CUE_HEARD);
	ck_assert_uint_eq(atomic_load(&requester.other->heard_ns), 9);
}
END_TEST

START_TEST(a_successor_plays_what_was_not_answered) {
	uint64_t first = ask(CUE_CHIME_WARNING);
	tick();
	expect(first, CUE_BEGUN);
	uint64_t second = ask(CUE_CHIME_CAUTION);
	safety_voice_init(&voice, RATE, &player, &bank, &stats);
	ticks(3);
	expect(second, CUE_BEGUN);
	expect_level(4 * Q - 1, level_of(CUE_CHIME_CAUTION));
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("audio safety_voice");
	TCase *tcase = suite_case(suite, "voice");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, in_the_quantum_after_the_request);
	tcase_add_test(tcase, nothing_clips);
	tcase_add_test(tcase, without_a_chime_every_bit_is_kept);
	tcase_add_test(tcase, back_to_back);
	tcase_add_loop_test(tcase, one_takes_the_place_of_another, 0, ARRAY_LEN(replacements));
	tcase_add_test(tcase, a_lesser_one_is_stood_for);
	tcase_add_test(tcase, several_in_one_quantum);
	tcase_add_loop_test(tcase, unknown_chimes, 0, ARRAY_LEN(unknown));
	tcase_add_test(tcase, no_bank);
	tcase_add_test(tcase, a_bank_that_is_damaged_later);
	tcase_add_loop_test(tcase, a_damaged_sample_that_is_playing, 0, ARRAY_LEN(garbages));
	tcase_add_test(tcase, a_waiting_sink_advances_for_a_chime);
	tcase_add_test(tcase, a_chime_waits_for_no_stream);
	tcase_add_test(tcase, heard_when_the_sink_has_played_it);
	tcase_add_test(tcase, a_successor_plays_what_was_not_answered);
	return suite;
}
