#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "audio/mixer/sink.h"
#include "audio/mixer/sink_memory.h"
#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"

#define RATE 48000
#define QUANTUM 128

static float samples[QUANTUM * SINK_MEMORY_CHANNELS];

static void fill(uint64_t frame) {
	for (uint32_t i = 0; i < QUANTUM; i++) {
		samples[2 * i] = (float)((frame + i) % 65536) / 65536.0f;
		samples[2 * i + 1] = -samples[2 * i];
	}
}

static bool frame_is(const float *pair, uint64_t frame) {
	return pair[0] == (float)(frame % 65536) / 65536.0f && pair[1] == -pair[0];
}

struct bench {
	int fd, step;
	struct sink *sink;
	struct sink_reader reader;
};

static void bench_init(struct bench *bench, bool waits) {
	bench->fd = sink_memory_create_fd("sink", RATE);
	ck_assert_int_ge(bench->fd, 0);
	bench->step = fd_eventfd_create(true);
	struct sink_options options = { .rate = RATE,
		.quantum_frames = QUANTUM,
		.waits = waits,
		.step_fd = bench->step,
		.memory_fd = bench->fd };
	bench->sink = sink_memory_create(&options);
	ck_assert_ptr_nonnull(bench->sink);
	ck_assert_int_eq(sink_reader_init(&bench->reader, fd_reopen_readonly(bench->fd)), 0);
}

static void bench_finish(struct bench *bench) {
	sink_reader_finish(&bench->reader);
	sink_destroy(bench->sink);
	fd_close(&bench->step);
	fd_close(&bench->fd);
}

START_TEST(what_is_written_is_read) {
	struct bench bench;
	bench_init(&bench, false);
	float out[3 * QUANTUM * SINK_MEMORY_CHANNELS];
	ck_assert_uint_eq(sink_reader_read(&bench.reader, out, QUANTUM), 0);
	ck_assert_int_eq(sink_reader_wait(&bench.reader, 0), 0);

	fill(0);
	sink_write(bench.sink, samples, QUANTUM);
	fill(QUANTUM);
	sink_write(bench.sink, samples, 100); /* a waiting sink's shorter quantum */
	ck_assert_int_eq(sink_reader_wait(&bench.reader, 0), 1);
	ck_assert_uint_eq(sink_reader_read(&bench.reader, out, 3 * QUANTUM), QUANTUM + 100);
	for (uint32_t i = 0; i < QUANTUM + 100; i++) {
		ck_assert(frame_is(out + 2 * (size_t)i, i));
	}
	ck_assert_uint_eq(sink_reader_read(&bench.reader, out, QUANTUM), 0);
	ck_assert_uint_eq(bench.reader.lost, 0);
	bench_finish(&bench);
}
END_TEST

START_TEST(a_slow_reader_skips_and_counts) {
	struct bench bench;
	bench_init(&bench, false);
	uint64_t written = 0;
	/* one time and a bit around the ring */
	while (written < SINK_MEMORY_FRAMES + 5 * QUANTUM) {
		fill(written);
		sink_write(bench.sink, samples, QUANTUM);
		written += QUANTUM;
	}
	float out[QUANTUM * SINK_MEMORY_CHANNELS];
	uint64_t read = 0;
	uint32_t len;
	while ((len = sink_reader_read(&bench.reader, out, 100)) > 0) {
		for (uint32_t i = 0; i < len; i++) {
			ck_assert(frame_is(out + 2 * (size_t)i, bench.reader.lost + read + i));
		}
		read += len;
	}
	ck_assert_uint_ge(bench.reader.lost, 5 * QUANTUM);
	ck_assert_uint_eq(bench.reader.lost + read, written);
	bench_finish(&bench);
}
END_TEST

START_TEST(a_reader_starts_at_now) {
	struct bench bench;
	bench_init(&bench, false);
	fill(0);
	sink_write(bench.sink, samples, QUANTUM);
	struct sink_reader late;
	ck_assert_int_eq(sink_reader_init(&late, fd_reopen_readonly(bench.fd)), 0);
	float out[QUANTUM * SINK_MEMORY_CHANNELS];
	ck_assert_uint_eq(sink_reader_read(&late, out, QUANTUM), 0);
	sink_reader_finish(&late);
	bench_finish(&bench);
}
END_TEST

START_TEST(ticks_come_from_the_test) {
	struct bench bench;
	bench_init(&bench, _i == 1);
	ck_assert(sink_waits(bench.sink) == (_i == 1));
	sink_start(bench.sink);
	struct sink_tick tick;
	ck_assert(!sink_take(bench.sink, &tick));
	fd_event_signal(bench.step);
	fd_event_signal(bench.step);
	for (int i = 0; i < 2; i++) {
		ck_assert(sink_take(bench.sink, &tick));
		ck_assert_uint_eq(tick.half_frames, 2 * QUANTUM);
		ck_assert_uint_eq(tick.missed, 0);
	}
	ck_assert(!sink_take(bench.sink, &tick));
	bench_finish(&bench);
}
END_TEST

START_TEST(refuses_what_is_not_its_memory) {
	int small = fd_memfd_create("small", 4096);
	int zeros = fd_memfd_create("zeros", sink_memory_bytes());
	int other_rate = sink_memory_create_fd("other rate", RATE + 1);
	const int files[] = { -1, small, zeros, other_rate };
	for (unsigned i = 0; i < ARRAY_LEN(files); i++) {
		errno = 0;
		ck_assert_ptr_null(sink_memory_create(&(struct sink_options) { .rate = RATE,
			.quantum_frames = QUANTUM,
			.step_fd = -1,
			.memory_fd = files[i] }));
		ck_assert_int_ne(errno, 0);
	}
	struct sink_reader reader;
	ck_assert_int_lt(sink_reader_init(&reader, -1), 0);
	ck_assert_int_lt(sink_reader_init(&reader, small), 0);
	ck_assert_int_lt(sink_reader_init(&reader, zeros), 0);
	close(other_rate);
}
END_TEST

START_TEST(null_plays_what_it_was_given) {
	struct sink *sink = sink_null_create(
		&(struct sink_options) { .rate = RATE, .quantum_frames = QUANTUM, .step_fd = -1 });
	ck_assert_ptr_nonnull(sink);
	ck_assert_uint_eq(sink_latency_frames(sink), 0);
	sink_write(sink, samples, QUANTUM);
	ck_assert_uint_eq(sink_latency_frames(sink), QUANTUM);
	sink_destroy(sink);
	sink_destroy(NULL);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("audio sink");
	TCase *tcase = suite_case(suite, "sink");
	tcase_add_test(tcase, what_is_written_is_read);
	tcase_add_test(tcase, a_slow_reader_skips_and_counts);
	tcase_add_test(tcase, a_reader_starts_at_now);
	tcase_add_loop_test(tcase, ticks_come_from_the_test, 0, 2);
	tcase_add_test(tcase, refuses_what_is_not_its_memory);
	tcase_add_test(tcase, null_plays_what_it_was_given);
	return suite;
}
