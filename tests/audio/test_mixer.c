#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "audio/mixer/mixer.h"
#include "core/macros.h"
#include "tests/audio/link_pair.h"
#include "tests/suite.h"

#define RATE 48000
#define Q 128
#define FIVE_MS (RATE * 5 / 1000)
#define PATIENCE 10

static struct mixer mixer;
static struct link_pair links[2];
static float tape[200 * Q * 2];
static uint32_t tape_frames;
static bool is_stopped[2]; /* the process of that guest answers nothing */
static uint32_t sent[2][SAMPLE_LINK_STREAMS];

static void setup_with_gain(float gain) {
	float gains[SAMPLE_LINK_STREAMS];
	for (unsigned i = 0; i < SAMPLE_LINK_STREAMS; i++) {
		gains[i] = gain;
	}
	mixer_init(&mixer, RATE, Q);
	for (unsigned i = 0; i < 2; i++) {
		link_pair_init(&links[i]);
		mixer_add(&mixer, i, &links[i].consumer, gains);
	}
	tape_frames = 0;
	memset(is_stopped, 0, sizeof(is_stopped));
	memset(sent, 0, sizeof(sent));
}

static void setup(void) {
	setup_with_gain(1.0f);
}

static void teardown(void) {
	link_pair_finish(&links[0]);
	link_pair_finish(&links[1]);
}

/* What stream `stream` of guest `guest` plays: small multiples of 2^-15, so that sums are exact. */
static float source(unsigned guest, unsigned stream, uint32_t frame) {
	return (float)((int)(frame * (7 + 4 * guest + 2 * stream) % 8001) - 4000) / 32768.0f;
}

static void feed(unsigned guest, unsigned stream, uint32_t frames) {
	for (uint32_t i = 0; i < frames; i++) {
		float frame[2] = { source(guest, stream, sent[guest][stream]) };
		frame[1] = -frame[0];
		ck_assert_uint_eq(sample_link_write(&links[guest].producer, stream, frame, 1), 1);
		sent[guest][stream]++;
	}
}

static void set_state(unsigned guest, unsigned stream, enum sample_stream_state state) {
	sample_link_set_state(&links[guest].producer, stream, state);
}

static void mix(uint32_t frames) {
	memcpy(tape + (size_t)2 * tape_frames, mixer_mix(&mixer, frames),
		sizeof(float) * 2 * frames);
	tape_frames += frames;
	mixer_publish(&mixer, 0, 0);
	for (unsigned i = 0; i < 2; i++) {
		if (!is_stopped[i]) {
			link_echo(&links[i].producer);
		}
	}
}

static float left(uint32_t frame) {
	return tape[2 * (size_t)frame];
}

START_TEST(two_guests_are_an_exact_sum) {
	set_state(0, 0, SAMPLE_STREAM_RUNNING);
	set_state(1, 3, SAMPLE_STREAM_RUNNING);
	for (unsigned i = 0; i < 20; i++) {
		feed(0, 0, Q);
		feed(1, 3, Q);
		mix(Q);
	}
	for (uint32_t i = 0; i < tape_frames; i++) {
		ck_assert(left(i) == source(0, 0, i) + source(1, 3, i));
		ck_assert(tape[2 * (size_t)i + 1] == -left(i));
	}
	ck_assert_uint_eq(sample_link_consumed(&links[0].producer, 0), 20 * Q);
	ck_assert_uint_eq(mixer.quanta, 20);
}
END_TEST

START_TEST(sixteen_streams_at_once) {
	for (unsigned i = 0; i < 2 * SAMPLE_LINK_STREAMS; i++) {
		set_state(i % 2, i / 2, SAMPLE_STREAM_RUNNING);
		feed(i % 2, i / 2, 4 * Q);
	}
	for (unsigned i = 0; i < 4; i++) {
		mix(Q);
	}
	for (uint32_t i = 0; i < tape_frames; i++) {
		float sum = 0;
		for (unsigned j = 0; j < 2 * SAMPLE_LINK_STREAMS; j++) {
			sum += source(j % 2, j / 2, i);
		}
		sum = fmaxf(-1.0f, fminf(1.0f, sum));
		ck_assert(left(i) == sum);
	}
}
END_TEST

START_TEST(an_unstarted_or_paused_stream_is_not_touched) {
	feed(0, 0, 4 * Q);
	set_state(0, 1, SAMPLE_STREAM_PAUSED);
	feed(0, 1, 2 * Q);
	mix(Q);
	ck_assert(left(0) == 0 && left(Q - 1) == 0);
	ck_assert_uint_eq(sample_link_readable(&links[0].consumer, 1), 2 * Q);
	set_state(0, 1, SAMPLE_STREAM_RUNNING);
	mix(Q);
	ck_assert(left(Q) == source(0, 1, 0));
	ck_assert_uint_eq(sample_link_starved(&links[0].producer, 1), 0);
}
END_TEST

/* The end of one guest, in each of its forms, while the other plays on. */
enum ending { ENDS_DEAD, ENDS_ABSENT, ENDS_DRY, ENDS_PAUSED, ENDS_IDLE, ENDS_DRAINED, ENDINGS };

START_TEST(an_end_fades_and_the_other_guest_is_exact) {
	set_state(0, 0, SAMPLE_STREAM_RUNNING);
	set_state(1, 0, SAMPLE_STREAM_RUNNING);
	for (unsigned i = 0; i < 3; i++) {
		feed(0, 0, Q);
		feed(1, 0, Q);
		mix(Q);
	}
	uint32_t end = tape_frames;
	feed(0, 0, _i == ENDS_DRAINED || _i == ENDS_DRY ? 50 : 2 * Q);
	switch ((enum ending)_i) {
	case ENDS_DEAD:
		mixer_set_dead(&mixer, 0, true);
		break;
	case ENDS_ABSENT:
		link_set_peer(&links[0].producer, LINK_PEER_ABSENT);
		break;
	case ENDS_PAUSED:
		set_state(0, 0, SAMPLE_STREAM_PAUSED);
		break;
	case ENDS_IDLE:
		set_state(0, 0, SAMPLE_STREAM_IDLE);
		break;
	case ENDS_DRAINED:
		set_state(0, 0, SAMPLE_STREAM_DRAINING);
		end += 50;
		break;
	case ENDS_DRY:
		end += 50;
		break;
	case ENDINGS:
		break;
	}
	for (unsigned i = 0; i < 6; i++) {
		feed(1, 0, Q);
		mix(Q);
	}
	float last = source(0, 0, end - 1);
	bool is_started = false;
	for (uint32_t i = end; i < tape_frames; i++) {
		float rest = left(i) - source(1, 0, i);
		if (i >= end + FIVE_MS) {
			ck_assert_msg(rest == 0, "%u frames after the end: %g", i - end, rest);
		} else if (rest != 0) {
			is_started = true;
			/* falls from the last sample, always on its side */
			ck_assert(rest * last > 0 && fabsf(rest) <= fabsf(last) + 1e-6f);
		}
	}
	ck_assert(is_started);
	ck_assert_float_eq_tol(left(end) - source(1, 0, end), last, 0.001f);
}
END_TEST

START_TEST(a_dead_producers_successor_begins_exactly) {
	set_state(0, 0, SAMPLE_STREAM_RUNNING);
	feed(0, 0, 5 * Q);
	mix(Q);
	mixer_set_dead(&mixer, 0, true);
	for (unsigned i = 0; i < 5; i++) {
		mix(Q);
	}
	/* the keeper starts another, which takes over the page and says so */
	set_state(0, 0, SAMPLE_STREAM_IDLE);
	mixer_set_dead(&mixer, 0, false);
	mix(Q);
	uint32_t begin = sent[0][0];
	uint32_t at = tape_frames;
	feed(0, 0, 2 * Q);
	set_state(0, 0, SAMPLE_STREAM_RUNNING);
	mix(Q);
	mix(Q);
	for (uint32_t i = 0; i < 2 * Q; i++) {
		ck_assert(left(at + i) == source(0, 0, begin + i));
	}
}
END_TEST

START_TEST(stopped_and_started_between_two_quanta) {
	set_state(0, 0, SAMPLE_STREAM_RUNNING);
	feed(0, 0, 3 * Q);
	mix(Q);
	set_state(0, 0, SAMPLE_STREAM_IDLE);
	uint32_t begin = sent[0][0];
	feed(0, 0, 5 * Q);
	set_state(0, 0, SAMPLE_STREAM_RUNNING);
	for (unsigned i = 0; i < 5; i++) {
		mix(Q);
	}
	/* nothing of the old samples is played but the tail; the new ones are not faded in */
	float tail = left(Q) - source(0, 0, begin);
	ck_assert_float_eq_tol(tail, source(0, 0, Q - 1), 0.001f);
	for (uint32_t i = FIVE_MS; i < 5 * Q; i++) {
		ck_assert(left(Q + i) == source(0, 0, begin + i));
	}
}
END_TEST

START_TEST(a_dry_stream_is_counted_and_fades_in_again) {
	set_state(0, 0, SAMPLE_STREAM_RUNNING);
	mix(Q);
	ck_assert_uint_eq(sample_link_starved(&links[0].producer, 0), 0);
	feed(0, 0, Q);
	mix(Q);
	mix(Q);
	mix(Q);
	mix(Q);
	ck_assert_uint_eq(sample_link_starved(&links[0].producer, 0), 3 * Q);
	uint32_t again = tape_frames;
	uint32_t begin = sent[0][0];
	feed(0, 0, 4 * Q);
	for (unsigned i = 0; i < 4; i++) {
		mix(Q);
	}
	ck_assert(fabsf(left(again)) < 0.001f);
	for (uint32_t i = FIVE_MS; i < 4 * Q; i++) {
		ck_assert(left(again + i) == source(0, 0, begin + i));
	}
	ck_assert_uint_eq(sample_link_starved(&links[0].producer, 0), 3 * Q);
}
END_TEST

START_TEST(gain_of_the_configuration_is_in_force_at_once) {
	teardown();
	setup_with_gain(0.25f);
	set_state(0, 0, SAMPLE_STREAM_RUNNING);
	feed(0, 0, Q);
	mix(Q);
	for (uint32_t i = 0; i < Q; i++) {
		ck_assert(left(i) == 0.25f * source(0, 0, i));
	}
	mixer_set_gain(&mixer, 0, 0, 0.0f);
	feed(0, 0, 6 * Q);
	for (unsigned i = 0; i < 6; i++) {
		mix(Q);
	}
	ck_assert(left(Q + 1) != 0 && left(6 * Q) == 0);
}
END_TEST

static const struct {
	const char *name;
	float sample;
	float heard; /* beside the other guest's 0.25 */
} rubbish[] = {
	{ "not a number", NAN, 0.25f },
	{ "infinite", INFINITY, 0.25f },
	{ "negative infinite", -INFINITY, 0.25f },
	{ "denormal", 1e-40f, 0.25f },
	{ "full scale", 1.0f, 1.0f },
	{ "negative full scale", -1.0f, -0.75f },
	{ "far over full scale", 1e30f, 1.0f },
	{ "far below", -1e30f, -0.75f },
};

START_TEST(rubbish_is_its_producers_own) {
	set_state(0, 0, SAMPLE_STREAM_RUNNING);
	set_state(1, 0, SAMPLE_STREAM_RUNNING);
	for (unsigned i = 0; i < Q; i++) {
		float bad[2] = { rubbish[_i].sample, rubbish[_i].sample };
		float good[2] = { 0.25f, 0.25f };
		sample_link_write(&links[0].producer, 0, bad, 1);
		sample_link_write(&links[1].producer, 0, good, 1);
	}
	mix(Q);
	for (uint32_t i = 0; i < Q; i++) {
		ck_assert_msg(left(i) == rubbish[_i].heard, "%s: %g", rubbish[_i].name, left(i));
	}
}
END_TEST

START_TEST(counters_that_lie_harm_nobody) {
	struct sample_producer_page *page = links[0].producer.producer_page;
	set_state(1, 0, SAMPLE_STREAM_RUNNING);
	const uint64_t lies[] = { UINT64_MAX, UINT64_C(1) << 63, SAMPLE_RING_FRAMES + 1, 0 };
	for (unsigned i = 0; i < 4 * ARRAY_LEN(lies); i++) {
		atomic_store(&page->streams[0].written, lies[i % 4]);
		atomic_store(&page->streams[0].dropped, lies[i / 4]);
		atomic_store(&page->streams[0].state, i % 7);
		atomic_store(&page->header.peer, (uint32_t)i);
		feed(1, 0, Q);
		mix(Q);
	}
	for (uint32_t i = 0; i < tape_frames; i++) {
		ck_assert(isfinite(left(i)));
	}
	ck_assert_uint_eq(sample_link_starved(&links[1].producer, 0), 0);
	ck_assert_uint_eq(sample_link_consumed(&links[1].producer, 0), 16 * Q);
}
END_TEST

/* ---- how far a sink that waits may go ---- */

static uint32_t ready(bool *idle) {
	return mixer_ready(&mixer, PATIENCE, idle);
}

START_TEST(waits_for_every_running_stream) {
	bool idle;
	ck_assert_uint_eq(ready(&idle), 0);
	ck_assert(idle);
	set_state(0, 0, SAMPLE_STREAM_RUNNING);
	set_state(1, 2, SAMPLE_STREAM_RUNNING);
	feed(0, 0, 3 * Q);
	ck_assert_uint_eq(ready(&idle), 0);
	ck_assert(!idle);
	feed(1, 2, 40);
	ck_assert_uint_eq(ready(&idle), 40);
	mix(40);
	ck_assert_uint_eq(ready(&idle), 0);
	feed(1, 2, 3 * Q);
	ck_assert_uint_eq(ready(&idle), Q);
	mix(Q);
	for (uint32_t i = 0; i < tape_frames; i++) {
		ck_assert(left(i) == source(0, 0, i) + source(1, 2, i));
	}
	ck_assert_uint_eq(sample_link_starved(&links[1].producer, 2), 0);
	/* the guest stops: nobody waits for it */
	set_state(1, 2, SAMPLE_STREAM_PAUSED);
	ck_assert_uint_eq(ready(&idle), Q);
}
END_TEST

START_TEST(waits_for_no_dead_producer) {
	bool idle;
	set_state(0, 0, SAMPLE_STREAM_RUNNING);
	set_state(1, 0, SAMPLE_STREAM_RUNNING);
	feed(0, 0, 2 * Q);
	ck_assert_uint_eq(ready(&idle), 0);
	mixer_set_dead(&mixer, 1, true);
	ck_assert_uint_eq(ready(&idle), Q);
	mixer_set_dead(&mixer, 1, false);
	ck_assert_uint_eq(ready(&idle), 0);
	link_set_peer(&links[1].producer, LINK_PEER_ABSENT);
	ck_assert_uint_eq(ready(&idle), Q);
}
END_TEST

START_TEST(loses_patience_with_a_silent_stream) {
	bool idle;
	set_state(0, 0, SAMPLE_STREAM_RUNNING);
	set_state(1, 0, SAMPLE_STREAM_RUNNING);
	feed(0, 0, 2 * Q);
	for (unsigned i = 0; i < PATIENCE; i++) {
		ck_assert_uint_eq(ready(&idle), 0);
	}
	ck_assert_uint_eq(ready(&idle), Q);
	mix(Q);
	ck_assert_uint_eq(ready(&idle), Q);
	/* it is waited for again once it has said something */
	feed(1, 0, 10);
	ck_assert_uint_eq(ready(&idle), 10);
	mix(10);
	ck_assert_uint_eq(ready(&idle), 0);
}
END_TEST

START_TEST(waits_less_for_a_process_that_is_stopped) {
	bool idle;
	set_state(0, 0, SAMPLE_STREAM_RUNNING);
	set_state(1, 0, SAMPLE_STREAM_RUNNING);
	feed(0, 0, 40 * Q);
	feed(1, 0, 2 * Q);
	is_stopped[1] = true;
	/* what it had written is played */
	ck_assert_uint_eq(ready(&idle), Q);
	mix(Q);
	ck_assert_uint_eq(ready(&idle), Q);
	mix(Q);
	ck_assert_uint_eq(ready(&idle), Q);
	mix(Q);
	for (uint32_t i = 0; i < 2 * Q; i++) {
		ck_assert(left(i) == source(0, 0, i) + source(1, 0, i));
	}
	/* it goes on: the next quantum is echoed, and it is waited for again */
	is_stopped[1] = false;
	ck_assert_uint_eq(ready(&idle), Q);
	mix(Q);
	ck_assert_uint_eq(ready(&idle), 0);
	feed(1, 0, Q);
	ck_assert_uint_eq(ready(&idle), Q);
}
END_TEST

START_TEST(lets_the_last_samples_out) {
	bool idle;
	set_state(0, 0, SAMPLE_STREAM_RUNNING);
	feed(0, 0, Q + 30);
	ck_assert_uint_eq(ready(&idle), Q);
	mix(Q);
	set_state(0, 0, SAMPLE_STREAM_DRAINING);
	uint32_t quanta = 0;
	while (ready(&idle) > 0) {
		ck_assert_uint_lt(quanta++, 10);
		mix(Q);
	}
	ck_assert(idle);
	for (uint32_t i = 0; i < Q + 30; i++) {
		ck_assert(left(i) == source(0, 0, i));
	}
	ck_assert(left(tape_frames - 1) == 0);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("audio mixer");
	TCase *tcase = suite_case(suite, "mixer");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, two_guests_are_an_exact_sum);
	tcase_add_test(tcase, sixteen_streams_at_once);
	tcase_add_test(tcase, an_unstarted_or_paused_stream_is_not_touched);
	tcase_add_loop_test(tcase, an_end_fades_and_the_other_guest_is_exact, 0, ENDINGS);
	tcase_add_test(tcase, a_dead_producers_successor_begins_exactly);
	tcase_add_test(tcase, stopped_and_started_between_two_quanta);
	tcase_add_test(tcase, a_dry_stream_is_counted_and_fades_in_again);
	tcase_add_test(tcase, gain_of_the_configuration_is_in_force_at_once);
	tcase_add_loop_test(tcase, rubbish_is_its_producers_own, 0, ARRAY_LEN(rubbish));
	tcase_add_test(tcase, counters_that_lie_harm_nobody);
	tcase_add_test(tcase, waits_for_every_running_stream);
	tcase_add_test(tcase, waits_for_no_dead_producer);
	tcase_add_test(tcase, loses_patience_with_a_silent_stream);
	tcase_add_test(tcase, waits_less_for_a_process_that_is_stopped);
	tcase_add_test(tcase, lets_the_last_samples_out);
	return suite;
}
