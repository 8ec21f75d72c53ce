/*
 * Both sides' reading of a sample link's counters: the input is rounds of what the pages say. Whatever
 * that is, no side reads or writes outside of a ring, and a new producer brings the stream into step.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "core/bytes.h"
#include "core/sample_link.h"
#include "tests/fuzz/fuzz.h"

#define STREAM (SAMPLE_LINK_STREAMS - 1) /* its ring ends where the pool does */

static struct link producer, consumer;
static int fds[LINK_FDS];

static void require(bool holds) {
	if (!holds) {
		abort();
	}
}

static void open_side(struct link *link, enum link_side side) {
	int granted[LINK_FDS];
	require(link_grant_fds(fds, side, granted) == 0);
	require(sample_link_init(link, side, granted) == 0);
}

static void open_link(void) {
	require(sample_link_create_fds("fuzz", fds) == 0);
	open_side(&consumer, LINK_CONSUMER);
	open_side(&producer, LINK_PRODUCER);
}

static void close_link(void) {
	sample_link_finish(&producer);
	sample_link_finish(&consumer);
	link_close_fds(fds);
}

static void read_pages(struct byte_reader *reader) {
	struct sample_producer_page *from = producer.producer_page;
	struct sample_consumer_page *to = consumer.consumer_page;
	atomic_store(&from->streams[STREAM].state, byte_reader_u32(reader));
	atomic_store(&from->streams[STREAM].written, byte_reader_u64(reader));
	atomic_store(&from->streams[STREAM].dropped, byte_reader_u64(reader));
	atomic_store(&to->streams[STREAM].consumed, byte_reader_u64(reader));
	atomic_store(&to->rate, byte_reader_u32(reader));
	atomic_store(&to->quantum_frames, byte_reader_u32(reader));
	atomic_store(&to->latency_frames, byte_reader_u32(reader));
}

static void use_both(uint32_t frames) {
	static float samples[SAMPLE_RING_FRAMES * SAMPLE_CHANNELS];
	frames %= SAMPLE_RING_FRAMES + 1;
	uint32_t readable = sample_link_readable(&consumer, STREAM);
	require(readable <= SAMPLE_RING_FRAMES);
	uint32_t peeked = sample_link_peek(&consumer, STREAM, samples, frames);
	require(peeked <= readable && peeked <= frames);
	uint32_t writable = sample_link_writable(&producer, STREAM);
	require(writable <= SAMPLE_RING_FRAMES);
	require(sample_link_write(&producer, STREAM, samples, frames) <= writable);
	sample_link_consume(&consumer, STREAM, frames);
	uint64_t written = sample_link_written(&producer, STREAM);
	require(written - sample_link_consumed(&producer, STREAM) <= SAMPLE_RING_FRAMES);
	struct sample_clock clock;
	if (sample_link_clock(&producer, &clock)) {
		require(clock.rate >= SAMPLE_RATE_MIN && clock.latency_frames <= clock.rate);
		require(clock.quantum_frames > 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct byte_reader reader;
	byte_reader_init(&reader, data, size);
	open_link();
	do {
		read_pages(&reader);
		use_both(byte_reader_u32(&reader));
	} while (byte_reader_left(&reader) > 0);
	sample_link_finish(&producer);
	open_side(&producer, LINK_PRODUCER);
	require(sample_link_readable(&consumer, STREAM) == 0);
	require(sample_link_writable(&producer, STREAM) == SAMPLE_RING_FRAMES);
	close_link();
	return 0;
}
