#include "core/sample_link.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "core/clock.h"
#include "core/fd.h"
#include "core/macros.h"

_Static_assert((SAMPLE_RING_FRAMES & (SAMPLE_RING_FRAMES - 1)) == 0, "counters run freely");

#define FRAME_BYTES (SAMPLE_CHANNELS * sizeof(float))
#define RING_BYTES (SAMPLE_RING_FRAMES * FRAME_BYTES)

size_t sample_link_pool_bytes(void) {
	return fd_round_to_page(SAMPLE_LINK_STREAMS * RING_BYTES);
}

size_t sample_link_producer_page_bytes(void) {
	return fd_round_to_page(sizeof(struct sample_producer_page));
}

size_t sample_link_consumer_page_bytes(void) {
	return fd_round_to_page(sizeof(struct sample_consumer_page));
}

static struct sample_producer_stream *producer_stream(const struct link *link, unsigned stream) {
	assert(stream < SAMPLE_LINK_STREAMS);
	struct sample_producer_page *page = link->producer_page;
	return &page->streams[stream];
}

static struct sample_consumer_stream *consumer_stream(const struct link *link, unsigned stream) {
	assert(stream < SAMPLE_LINK_STREAMS);
	struct sample_consumer_page *page = link->consumer_page;
	return &page->streams[stream];
}

/* Where frame number `at` of the stream lies. */
static uint8_t *ring_at(const struct link *link, unsigned stream, uint64_t at) {
	uint64_t frame = (uint64_t)stream * SAMPLE_RING_FRAMES + at % SAMPLE_RING_FRAMES;
	return (uint8_t *)link->pool + frame * FRAME_BYTES;
}

/* How many of `frames` frames from number `at` on lie before the ring's end. */
static uint32_t before_end(uint64_t at, uint32_t frames) {
	return MIN(frames, (uint32_t)(SAMPLE_RING_FRAMES - at % SAMPLE_RING_FRAMES));
}

int sample_link_create_fds(const char *name, int fds[LINK_FDS]) {
	return link_create_fds(name, sample_link_pool_bytes(), sample_link_producer_page_bytes(),
		sample_link_consumer_page_bytes(), fds);
}

int sample_link_init(struct link *link, enum link_side side, int fds[LINK_FDS]) {
	/* link_map() knows no pool size of its own, a ring's is fixed */
	int rc = fd_memfd_check(fds[LINK_POOL], 0, sample_link_pool_bytes(), NULL);
	if (rc < 0) {
		link_close_fds(fds);
		return rc;
	}
	rc = link_map(link, side, SAMPLE_LINK_MAGIC, fds, sample_link_producer_page_bytes(),
		sample_link_consumer_page_bytes());
	if (rc < 0) {
		return rc;
	}
	for (unsigned i = 0; side == LINK_PRODUCER && i < SAMPLE_LINK_STREAMS; i++) {
		sample_link_set_state(link, i, SAMPLE_STREAM_IDLE);
	}
	return 0;
}

void sample_link_finish(struct link *link) {
	link_unmap(link);
}

/* ---- producer ---- */

void sample_link_set_state(struct link *link, unsigned stream, enum sample_stream_state state) {
	assert(link->side == LINK_PRODUCER);
	if (state == SAMPLE_STREAM_IDLE) {
		sample_link_drop(link, stream);
	}
	atomic_store(&producer_stream(link, stream)->state, (uint32_t)state);
}

/* Frames between what was written and what the consumer says it consumed; more than a ring when that
 * cannot be. */
static uint64_t fill(const struct link *link, unsigned stream) {
	return atomic_load(&producer_stream(link, stream)->written) -
		atomic_load(&consumer_stream(link, stream)->consumed);
}

uint32_t sample_link_writable(const struct link *link, unsigned stream) {
	uint64_t filled = fill(link, stream);
	return filled > SAMPLE_RING_FRAMES ? 0 : SAMPLE_RING_FRAMES - (uint32_t)filled;
}

uint32_t sample_link_write(
	struct link *link, unsigned stream, const float *samples, uint32_t frames) {
	assert(link->side == LINK_PRODUCER);
	struct sample_producer_stream *own = producer_stream(link, stream);
	uint64_t at = atomic_load(&own->written);
	frames = MIN(frames, sample_link_writable(link, stream));
	uint32_t first = before_end(at, frames);
	memcpy(ring_at(link, stream, at), samples, first * FRAME_BYTES);
	memcpy(ring_at(link, stream, 0), samples + (size_t)first * SAMPLE_CHANNELS,
		(frames - first) * FRAME_BYTES);
	atomic_store(&own->written, at + frames);
	return frames;
}

void sample_link_drop(struct link *link, unsigned stream) {
	assert(link->side == LINK_PRODUCER);
	struct sample_producer_stream *own = producer_stream(link, stream);
	atomic_store(&own->dropped, atomic_load(&own->written));
}

uint64_t sample_link_written(const struct link *link, unsigned stream) {
	return atomic_load(&producer_stream(link, stream)->written);
}

uint64_t sample_link_consumed(const struct link *link, unsigned stream) {
	uint64_t written = sample_link_written(link, stream);
	uint64_t filled = fill(link, stream);
	if (filled <= SAMPLE_RING_FRAMES) {
		return written - filled;
	}
	return filled > UINT64_MAX / 2 ? written : written - SAMPLE_RING_FRAMES;
}

uint64_t sample_link_starved(const struct link *link, unsigned stream) {
	return atomic_load(&consumer_stream(link, stream)->starved_frames);
}

bool sample_link_clock(const struct link *link, struct sample_clock *clock) {
	const struct sample_consumer_page *page = link->consumer_page;
	uint32_t rate = atomic_load(&page->rate);
	uint32_t quantum_frames = atomic_load(&page->quantum_frames);
	if (rate < SAMPLE_RATE_MIN || rate > SAMPLE_RATE_MAX || quantum_frames == 0 ||
		quantum_frames > SAMPLE_RING_FRAMES / 2) {
		return false;
	}
	*clock = (struct sample_clock) {
		.rate = rate,
		.quantum_frames = quantum_frames,
		.latency_frames = MIN(atomic_load(&page->latency_frames), rate),
		.quantum_ns = MIN(atomic_load(&page->quantum_ns), clock_now_ns()),
	};
	return true;
}

/* ---- consumer ---- */

void sample_link_set_clock(struct link *link, uint32_t rate, uint32_t quantum_frames) {
	assert(link->side == LINK_CONSUMER);
	assert(rate >= SAMPLE_RATE_MIN && rate <= SAMPLE_RATE_MAX);
	assert(quantum_frames > 0 && quantum_frames <= SAMPLE_RING_FRAMES / 2);
	struct sample_consumer_page *page = link->consumer_page;
	atomic_store(&page->rate, rate);
	atomic_store(&page->quantum_frames, quantum_frames);
}

void sample_link_quantum(
	struct link *link, uint64_t tick, uint32_t latency_frames, uint64_t now_ns) {
	assert(link->side == LINK_CONSUMER);
	struct sample_consumer_page *page = link->consumer_page;
	atomic_store(&page->latency_frames, latency_frames);
	atomic_store(&page->quantum_ns, now_ns);
	link_tick(link, tick);
}

enum sample_stream_state sample_link_state(const struct link *link, unsigned stream) {
	uint32_t state = atomic_load(&producer_stream(link, stream)->state);
	return state <= SAMPLE_STREAM_DRAINING ? (enum sample_stream_state)state
					       : SAMPLE_STREAM_IDLE;
}

/*
 * `dropped` is believed when it lies between `consumed` and `written`. An idle stream is in step
 * whatever the counters say: so a producer that takes over from one that wrote rubbish can play.
 */
static void consume_dropped(struct link *link, unsigned stream) {
	struct sample_consumer_stream *own = consumer_stream(link, stream);
	const struct sample_producer_stream *peer = producer_stream(link, stream);
	enum sample_stream_state state = sample_link_state(link, stream);
	uint64_t dropped = atomic_load(&peer->dropped);
	uint64_t written = atomic_load(&peer->written);
	uint64_t consumed = atomic_load(&own->consumed);
	if (state == SAMPLE_STREAM_IDLE) {
		atomic_store(&own->consumed, written);
	} else if (written - consumed <= SAMPLE_RING_FRAMES &&
		dropped - consumed <= written - consumed) {
		atomic_store(&own->consumed, dropped);
	}
}

static uint32_t readable(const struct link *link, unsigned stream) {
	uint64_t filled = fill(link, stream);
	return filled > SAMPLE_RING_FRAMES ? 0 : (uint32_t)filled;
}

uint32_t sample_link_readable(struct link *link, unsigned stream) {
	assert(link->side == LINK_CONSUMER);
	consume_dropped(link, stream);
	return readable(link, stream);
}

uint32_t sample_link_peek(
	const struct link *link, unsigned stream, float *samples, uint32_t frames) {
	assert(link->side == LINK_CONSUMER);
	uint64_t at = atomic_load(&consumer_stream(link, stream)->consumed);
	frames = MIN(frames, readable(link, stream));
	uint32_t first = before_end(at, frames);
	memcpy(samples, ring_at(link, stream, at), first * FRAME_BYTES);
	memcpy(samples + (size_t)first * SAMPLE_CHANNELS, ring_at(link, stream, 0),
		(frames - first) * FRAME_BYTES);
	return frames;
}

void sample_link_consume(struct link *link, unsigned stream, uint32_t frames) {
	assert(link->side == LINK_CONSUMER);
	struct sample_consumer_stream *own = consumer_stream(link, stream);
	frames = MIN(frames, readable(link, stream));
	atomic_store(&own->consumed, atomic_load(&own->consumed) + frames);
}

void sample_link_count_starved(struct link *link, unsigned stream, uint32_t frames) {
	assert(link->side == LINK_CONSUMER);
	atomic_fetch_add(&consumer_stream(link, stream)->starved_frames, frames);
}
