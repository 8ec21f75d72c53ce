#include "core/sample_link.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

#define STREAM 3
#define RING SAMPLE_RING_FRAMES
#define RACE_FRAMES (200 * (uint64_t)RING)

static int fds[LINK_FDS];
static struct link producer, consumer;

static int map_side(struct link *link, enum link_side side) {
	int granted[LINK_FDS];
	ck_assert_int_eq(link_grant_fds(fds, side, granted), 0);
	return sample_link_init(link, side, granted);
}

static void open_link(void) {
	ck_assert_int_eq(sample_link_create_fds("test", fds), 0);
	ck_assert_int_eq(map_side(&consumer, LINK_CONSUMER), 0);
	ck_assert_int_eq(map_side(&producer, LINK_PRODUCER), 0);
}

static void close_link(void) {
	sample_link_finish(&producer);
	sample_link_finish(&consumer);
	link_close_fds(fds);
}

static struct sample_producer_stream *producer_page(void) {
	return &((struct sample_producer_page *)producer.producer_page)->streams[STREAM];
}

static struct sample_consumer_stream *consumer_page(void) {
	return &((struct sample_consumer_page *)consumer.consumer_page)->streams[STREAM];
}

/* Where both counters stand; the ring is empty. */
static void start_counters(uint64_t at) {
	atomic_store(&producer_page()->written, at);
	atomic_store(&producer_page()->dropped, at);
	atomic_store(&consumer_page()->consumed, at);
}

/* The two samples of frame number `n`. */
static float left(uint64_t n) {
	return (float)(n % 4096) / 4096.0f;
}

static float right(uint64_t n) {
	return -left(n);
}

static void fill(float *samples, uint64_t from, uint32_t frames) {
	for (uint32_t i = 0; i < frames; i++) {
		samples[2 * i] = left(from + i);
		samples[2 * i + 1] = right(from + i);
	}
}

static void check(const float *samples, uint64_t from, uint32_t frames) {
	bool same = true;
	for (uint32_t i = 0; i < frames; i++) {
		same = same && samples[2 * i] == left(from + i) &&
			samples[2 * i + 1] == right(from + i);
	}
	ck_assert(same);
}

/* Rows: where the free-running counters begin. */
static const uint64_t starts[] = {
	0,
	RING - 1,
	UINT64_C(1) << 32,
	UINT64_MAX - RING,
	UINT64_MAX - 5,
};

START_TEST(what_goes_in_comes_out) {
	start_counters(starts[_i]);
	sample_link_set_state(&producer, STREAM, SAMPLE_STREAM_RUNNING);
	static float samples[2 * RING], copy[2 * RING];
	uint64_t in = starts[_i], out = starts[_i];
	for (int round = 0; round < 40; round++) {
		uint32_t frames = 1 + (uint32_t)(round * 977) % RING;
		fill(samples, in, frames);
		in += sample_link_write(&producer, STREAM, samples, frames);
		ck_assert_uint_eq(sample_link_written(&producer, STREAM), in);
		ck_assert_uint_eq(sample_link_readable(&consumer, STREAM), in - out);
		ck_assert_uint_eq(sample_link_writable(&producer, STREAM), RING - (in - out));
		uint32_t got = sample_link_peek(
			&consumer, STREAM, copy, 1 + (uint32_t)(round * 641) % RING);
		check(copy, out, got);
		sample_link_consume(&consumer, STREAM, got);
		out += got;
		ck_assert_uint_eq(sample_link_consumed(&producer, STREAM), out);
	}
	ck_assert_uint_gt(out - starts[_i], 2 * RING);
}
END_TEST

START_TEST(full_and_empty) {
	static float samples[2 * (RING + 1)];
	ck_assert_uint_eq(sample_link_peek(&consumer, STREAM, samples, 1), 0);
	sample_link_set_state(&producer, STREAM, SAMPLE_STREAM_RUNNING);
	ck_assert_uint_eq(sample_link_write(&producer, STREAM, samples, RING + 1), RING);
	ck_assert_uint_eq(sample_link_writable(&producer, STREAM), 0);
	ck_assert_uint_eq(sample_link_write(&producer, STREAM, samples, 1), 0);
	ck_assert_uint_eq(sample_link_peek(&consumer, STREAM, samples, RING + 1), RING);
	sample_link_consume(&consumer, STREAM, RING + 1); /* only what is there */
	ck_assert_uint_eq(sample_link_consumed(&producer, STREAM), RING);
	ck_assert_uint_eq(sample_link_readable(&consumer, STREAM), 0);
}
END_TEST

START_TEST(streams_are_apart) {
	float one[2] = { 1, 1 }, two[2] = { 2, 2 }, got[2] = { 0, 0 };
	for (unsigned i = 0; i < SAMPLE_LINK_STREAMS; i++) {
		sample_link_set_state(&producer, i, SAMPLE_STREAM_RUNNING);
		sample_link_write(&producer, i, i == STREAM ? one : two, 1);
	}
	for (unsigned i = 0; i < SAMPLE_LINK_STREAMS; i++) {
		ck_assert_uint_eq(sample_link_peek(&consumer, i, got, 1), 1);
		ck_assert(got[0] == (i == STREAM ? 1.0f : 2.0f));
	}
}
END_TEST

START_TEST(stop_and_start_between_quanta) {
	static float samples[2 * 100];
	sample_link_set_state(&producer, STREAM, SAMPLE_STREAM_RUNNING);
	sample_link_write(&producer, STREAM, samples, 100);
	ck_assert_uint_eq(sample_link_readable(&consumer, STREAM), 100);
	sample_link_set_state(&producer, STREAM, SAMPLE_STREAM_IDLE);
	sample_link_set_state(&producer, STREAM, SAMPLE_STREAM_RUNNING);
	fill(samples, 5, 10);
	sample_link_write(&producer, STREAM, samples, 10);
	/* the consumer never saw IDLE, and yet plays only what came after it */
	ck_assert_uint_eq(sample_link_readable(&consumer, STREAM), 10);
	float got[2];
	ck_assert_uint_eq(sample_link_peek(&consumer, STREAM, got, 1), 1);
	check(got, 5, 1);
	ck_assert_uint_eq(sample_link_consumed(&producer, STREAM), 100);
}
END_TEST

START_TEST(a_pause_keeps_idle_drops) {
	static float samples[2 * 100];
	sample_link_set_state(&producer, STREAM, SAMPLE_STREAM_RUNNING);
	sample_link_write(&producer, STREAM, samples, 100);
	sample_link_set_state(&producer, STREAM, SAMPLE_STREAM_PAUSED);
	ck_assert_int_eq(sample_link_state(&consumer, STREAM), SAMPLE_STREAM_PAUSED);
	ck_assert_uint_eq(sample_link_readable(&consumer, STREAM), 100);
	sample_link_set_state(&producer, STREAM, SAMPLE_STREAM_IDLE);
	ck_assert_uint_eq(sample_link_readable(&consumer, STREAM), 0);
	ck_assert_uint_eq(sample_link_consumed(&producer, STREAM), 100);
}
END_TEST

START_TEST(a_successor_goes_on) {
	static float samples[2 * 100];
	sample_link_set_state(&producer, STREAM, SAMPLE_STREAM_RUNNING);
	sample_link_write(&producer, STREAM, samples, 100);
	sample_link_finish(&producer);
	ck_assert_int_eq(map_side(&producer, LINK_PRODUCER), 0);
	ck_assert_int_eq(sample_link_state(&consumer, STREAM), SAMPLE_STREAM_IDLE);
	ck_assert_uint_eq(sample_link_written(&producer, STREAM), 100);
	ck_assert_uint_eq(sample_link_readable(&consumer, STREAM), 0);
	sample_link_set_state(&producer, STREAM, SAMPLE_STREAM_RUNNING);
	sample_link_write(&producer, STREAM, samples, 7);
	sample_link_finish(&consumer);
	ck_assert_int_eq(map_side(&consumer, LINK_CONSUMER), 0);
	ck_assert_uint_eq(sample_link_readable(&consumer, STREAM), 7);
}
END_TEST

/* Counters as a hostile or broken process may set them. */
static const struct {
	const char *name;
	uint64_t written, dropped, consumed;
	uint32_t writable, readable;
	uint64_t producer_sees; /* consumed */
} counters[] = {
	{ "in step", 100, 100, 100, RING, 0, 100 },
	{ "full", 100 + RING, 0, 100, 0, RING, 100 },
	{ "written runs ahead", 101 + RING, 0, 100, 0, 0, 101 },
	{ "written far ahead", UINT64_C(1) << 60, 0, 100, 0, 0, (UINT64_C(1) << 60) - RING },
	{ "consumed runs ahead", 100, 0, 101, 0, 0, 100 },
	{ "consumed far ahead", 100, 0, UINT64_C(1) << 62, 0, 0, 100 },
	{ "dropped ahead of written", 150, 151, 100, RING - 50, 50, 100 },
	{ "dropped far ahead", 150, UINT64_MAX, 100, RING - 50, 50, 100 },
	{ "dropped behind consumed", 150, 99, 100, RING - 50, 50, 100 },
};

START_TEST(garbage_counters) {
	sample_link_set_state(&producer, STREAM, SAMPLE_STREAM_RUNNING);
	atomic_store(&producer_page()->written, counters[_i].written);
	atomic_store(&producer_page()->dropped, counters[_i].dropped);
	atomic_store(&consumer_page()->consumed, counters[_i].consumed);
	const char *name = counters[_i].name;
	static float samples[2 * RING];
	ck_assert_msg(sample_link_writable(&producer, STREAM) == counters[_i].writable, "%s", name);
	ck_assert_msg(sample_link_readable(&consumer, STREAM) == counters[_i].readable, "%s", name);
	ck_assert_msg(sample_link_peek(&consumer, STREAM, samples, RING) == counters[_i].readable,
		"%s", name);
	ck_assert_msg(
		sample_link_consumed(&producer, STREAM) == counters[_i].producer_sees, "%s", name);
	/* the next process on the producer's side brings the stream back into step */
	sample_link_finish(&producer);
	ck_assert_int_eq(map_side(&producer, LINK_PRODUCER), 0);
	ck_assert_uint_eq(sample_link_readable(&consumer, STREAM), 0);
	ck_assert_uint_eq(sample_link_writable(&producer, STREAM), RING);
}
END_TEST

START_TEST(states_that_are_none) {
	atomic_store(&producer_page()->state, 4);
	ck_assert_int_eq(sample_link_state(&consumer, STREAM), SAMPLE_STREAM_IDLE);
	atomic_store(&producer_page()->state, UINT32_MAX);
	ck_assert_int_eq(sample_link_state(&consumer, STREAM), SAMPLE_STREAM_IDLE);
}
END_TEST

START_TEST(the_clock_crosses) {
	struct sample_clock clock;
	ck_assert(!sample_link_clock(&producer, &clock));
	sample_link_set_clock(&consumer, 48000, 256);
	sample_link_quantum(&consumer, 9, 512, 1234);
	ck_assert(sample_link_clock(&producer, &clock));
	ck_assert_uint_eq(clock.rate, 48000);
	ck_assert_uint_eq(clock.quantum_frames, 256);
	ck_assert_uint_eq(clock.latency_frames, 512);
	ck_assert_uint_eq(clock.quantum_ns, 1234);
	ck_assert_uint_eq(link_echo(&producer), 9);
	sample_link_count_starved(&consumer, STREAM, 5);
	ck_assert_uint_eq(sample_link_starved(&producer, STREAM), 5);
}
END_TEST

static const struct {
	const char *name;
	uint32_t rate, quantum_frames, latency_frames;
	uint64_t quantum_ns;
	bool sane;
} clocks[] = {
	{ "no rate", 0, 256, 0, 0, false },
	{ "rate too high", SAMPLE_RATE_MAX + 1, 256, 0, 0, false },
	{ "no quantum", 48000, 0, 0, 0, false },
	{ "quantum larger than half a ring", 48000, RING / 2 + 1, 0, 0, false },
	{ "latency and time clamped", 48000, RING / 2, UINT32_MAX, UINT64_MAX, true },
};

START_TEST(garbage_clocks) {
	struct sample_consumer_page *page = consumer.consumer_page;
	atomic_store(&page->rate, clocks[_i].rate);
	atomic_store(&page->quantum_frames, clocks[_i].quantum_frames);
	atomic_store(&page->latency_frames, clocks[_i].latency_frames);
	atomic_store(&page->quantum_ns, clocks[_i].quantum_ns);
	struct sample_clock clock;
	ck_assert_msg(
		sample_link_clock(&producer, &clock) == clocks[_i].sane, "%s", clocks[_i].name);
	if (clocks[_i].sane) {
		ck_assert_uint_le(clock.latency_frames, clock.rate);
		ck_assert_uint_le(clock.quantum_ns, clock_now_ns());
	}
}
END_TEST

/* Two threads, the counters' wrap in the middle; the thread sanitizer looks at the samples. */
static void *play(void *data) {
	const uint64_t start = *(uint64_t *)data;
	float samples[2 * 256];
	for (uint64_t n = 0; n < RACE_FRAMES;) {
		uint32_t frames = (uint32_t)MIN(1 + n % 256, RACE_FRAMES - n);
		fill(samples, start + n, frames);
		n += sample_link_write(&producer, STREAM, samples, frames);
	}
	return NULL;
}

/* The sanitizer takes two mappings of one page for two pages: each side uses the writer's. */
static void share_maps(void) {
	consumer.pool = producer.pool;
	consumer.producer_page = producer.producer_page;
	producer.consumer_page = consumer.consumer_page;
}

START_TEST(two_threads) {
	uint64_t start = UINT64_MAX - RACE_FRAMES / 2;
	struct link producer_maps = producer, consumer_maps = consumer;
	share_maps();
	start_counters(start);
	sample_link_set_state(&producer, STREAM, SAMPLE_STREAM_RUNNING);
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, play, &start), 0);
	static float samples[2 * 480];
	uint64_t n = 0;
	while (n < RACE_FRAMES) {
		uint32_t frames = sample_link_readable(&consumer, STREAM);
		ck_assert_uint_le(frames, RING);
		frames = sample_link_peek(&consumer, STREAM, samples, MIN(frames, 480));
		check(samples, start + n, frames);
		sample_link_consume(&consumer, STREAM, frames);
		n += frames;
	}
	pthread_join(thread, NULL);
	ck_assert_uint_eq(sample_link_consumed(&producer, STREAM), start + RACE_FRAMES);
	producer = producer_maps;
	consumer = consumer_maps;
}
END_TEST

START_TEST(inits_fail_clean) {
	struct link link;
	unsigned n = 1;
	for (;; n++) {
		int granted[LINK_FDS];
		ck_assert_int_eq(link_grant_fds(fds, LINK_PRODUCER, granted), 0);
		fault_at(n);
		int rc = sample_link_init(&link, LINK_PRODUCER, granted);
		bool hit = fault_hit();
		fault_off();
		if (rc == 0) {
			break;
		}
		ck_assert(hit);
	}
	ck_assert_uint_eq(n, 4);
	sample_link_finish(&link);

	int other[LINK_FDS];
	ck_assert_int_eq(
		link_create_fds("test", fd_round_to_page(1), sample_link_producer_page_bytes(),
			sample_link_consumer_page_bytes(), other),
		0);
	ck_assert_int_eq(sample_link_init(&link, LINK_PRODUCER, other), -EINVAL); /* short pool */
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core sample_link");
	TCase *tcase = suite_case(suite, "ring");
	tcase_add_checked_fixture(tcase, open_link, close_link);
	tcase_add_loop_test(tcase, what_goes_in_comes_out, 0, ARRAY_LEN(starts));
	tcase_add_test(tcase, full_and_empty);
	tcase_add_test(tcase, streams_are_apart);
	tcase_add_test(tcase, stop_and_start_between_quanta);
	tcase_add_test(tcase, a_pause_keeps_idle_drops);
	tcase_add_test(tcase, a_successor_goes_on);
	tcase_add_loop_test(tcase, garbage_counters, 0, ARRAY_LEN(counters));
	tcase_add_test(tcase, states_that_are_none);
	tcase_add_test(tcase, the_clock_crosses);
	tcase_add_loop_test(tcase, garbage_clocks, 0, ARRAY_LEN(clocks));
	tcase_add_test(tcase, two_threads);
	tcase_add_test(tcase, inits_fail_clean);
	return suite;
}
