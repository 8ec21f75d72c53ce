#include <string.h>
#include <unistd.h>

#include "audio/mixer/cycle.h"
#include "audio/mixer/sink_impl.h"
#include "audio/mixer/sink_memory.h"
#include "core/fd.h"
#include "core/macros.h"
#include "tests/audio/link_pair.h"
#include "tests/suite.h"

#define RATE 48000
#define Q 128

static struct mixer mixer;
static struct link_pair pair;
static struct sink *sink;
static struct sink_reader reader;
static struct stats stats;
static struct cycle cycle;
static int step, memory;
static uint64_t last_tick; /* as the producer saw it */

/* `half`: ticks of half a quantum, as a waiting sink in real time has them. */
static void begin(bool waits, bool half) {
	static const float unity[SAMPLE_LINK_STREAMS] = { 1, 1, 1, 1, 1, 1, 1, 1 };
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
	cycle_init(&cycle, &mixer, NULL, sink, &stats);
	sink_start(sink);
}

static void end(void) {
	sink_destroy(sink);
	sink_reader_finish(&reader);
	stats_finish(&stats);
	link_pair_finish(&pair);
	fd_close(&step);
	fd_close(&memory);
}

static void feed(uint32_t frames) {
	static const float sample[2] = { 0.5f, 0.5f };
	for (uint32_t i = 0; i < frames; i++) {
		ck_assert_uint_eq(sample_link_write(&pair.producer, 0, sample, 1), 1);
	}
}

/* Frames that came out of one tick. */
static uint32_t tick(void) {
	float samples[2 * Q * 2];
	fd_event_signal(step);
	ck_assert(cycle_run(&cycle));
	last_tick = link_echo(&pair.producer);
	return sink_reader_read(&reader, samples, 2 * Q);
}

static uint32_t ticks(unsigned count) {
	uint32_t frames = 0;
	for (unsigned i = 0; i < count; i++) {
		frames += tick();
	}
	return frames;
}

START_TEST(real_time_waits_for_nobody) {
	begin(false, false);
	ck_assert(!cycle_run(&cycle));
	ck_assert_uint_eq(tick(), Q);
	sample_link_set_state(&pair.producer, 0, SAMPLE_STREAM_RUNNING);
	ck_assert_uint_eq(ticks(10), 10 * Q);
	ck_assert_uint_eq(mixer.quanta, 11);
	/* each quantum was said to the producer */
	ck_assert_uint_eq(last_tick, 11);
	end();
}
END_TEST

START_TEST(a_waiting_sink_writes_nothing_when_nothing_plays) {
	begin(true, true);
	ck_assert_uint_eq(ticks(100), 0);
	ck_assert_uint_eq(mixer.quanta, 0);
	end();
}
END_TEST

START_TEST(a_waiting_sink_is_no_faster_than_real_time) {
	begin(true, true);
	ticks(1000);
	sample_link_set_state(&pair.producer, 0, SAMPLE_STREAM_RUNNING);
	feed(8000);
	/* idle time is not made up for: half a quantum a tick, beside the one quantum in hand */
	uint32_t frames = ticks(40);
	ck_assert_uint_ge(frames, 20 * Q);
	ck_assert_uint_le(frames, 21 * Q);
	end();
}
END_TEST

START_TEST(a_wait_is_made_up_for_at_twice_the_speed) {
	begin(true, true);
	sample_link_set_state(&pair.producer, 0, SAMPLE_STREAM_RUNNING);
	feed(Q);
	ck_assert_uint_eq(ticks(2), Q);
	/* the guest is late by 20 quanta, then gives all at once */
	ck_assert_uint_eq(ticks(40), 0);
	feed(50 * Q);
	for (unsigned i = 0; i < 20; i++) {
		ck_assert_uint_eq(tick(), Q);
	}
	/* 20 owed and 10 of the time since: real time again at half the ticks, from 40 ticks on */
	uint32_t frames = 20 * Q + ticks(40);
	ck_assert_uint_ge(frames, 49 * Q);
	ck_assert_uint_le(frames, 51 * Q);
	end();
}
END_TEST

START_TEST(a_long_wait_is_forgotten) {
	begin(true, true);
	sample_link_set_state(&pair.producer, 0, SAMPLE_STREAM_RUNNING);
	/* a second of real time, well below the patience */
	ck_assert_uint_eq(ticks(2 * RATE / Q), 0);
	feed(8192);
	uint32_t frames = 0;
	uint32_t owed = RATE * WAIT_CREDIT_MS / 1000;
	unsigned fast = 0;
	while (frames < 8000 && tick() == Q) {
		frames += Q;
		fast++;
	}
	/* at twice the speed for as long as what is owed and grows meanwhile lasts, and no longer */
	ck_assert_uint_le((uint64_t)fast * Q, 2 * owed + 2 * Q);
	end();
}
END_TEST

START_TEST(patience_ends) {
	begin(true, true);
	sample_link_set_state(&pair.producer, 0, SAMPLE_STREAM_RUNNING);
	sample_link_set_state(&pair.producer, 1, SAMPLE_STREAM_RUNNING);
	feed(2 * Q);
	uint32_t patience = 2 * RATE / Q * (WAIT_PATIENCE_MS / 1000);
	ck_assert_uint_eq(ticks(patience - 10), 0);
	ck_assert_uint_ge(ticks(20), Q);
	end();
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("audio cycle");
	TCase *tcase = suite_case(suite, "cycle");
	tcase_add_test(tcase, real_time_waits_for_nobody);
	tcase_add_test(tcase, a_waiting_sink_writes_nothing_when_nothing_plays);
	tcase_add_test(tcase, a_waiting_sink_is_no_faster_than_real_time);
	tcase_add_test(tcase, a_wait_is_made_up_for_at_twice_the_speed);
	tcase_add_test(tcase, a_long_wait_is_forgotten);
	tcase_add_test(tcase, patience_ends);
	return suite;
}
