/*
 * A sample link: the playback streams of one guest, on their way to the mixer. See link.h.
 *
 * Each stream is a single-producer single-consumer ring in the pool: 32-bit float samples in the
 * machine's byte order, interleaved, already at the mix rate and with the mix' channels (the endpoint
 * converts; the mixer removes what is not a number). Counters run freely and count frames; the ring's
 * capacity is a power of two. The consumer's counter is the guest's clock: an endpoint completes a
 * guest buffer when `consumed` has passed its last frame.
 *
 * Thread: one per side. No call blocks, allocates or makes a system call, except the event signals.
 */
#ifndef CORE_SAMPLE_LINK_H
#define CORE_SAMPLE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/link.h"

#define SAMPLE_LINK_MAGIC 0x504d4153u /* "SAMP" */
#define SAMPLE_LINK_STREAMS 8
#define SAMPLE_CHANNELS 2
#define SAMPLE_RATE_MIN 8000
#define SAMPLE_RATE_MAX 192000
#define SAMPLE_RING_FRAMES 8192 /* per stream: 170 ms at 48 kHz */

enum sample_stream_state {
	SAMPLE_STREAM_IDLE,     /* nothing to play; what is left in the ring is dropped */
	SAMPLE_STREAM_RUNNING,  /* plays; a sink that waits, waits for this stream */
	SAMPLE_STREAM_PAUSED,   /* keeps what is in the ring, plays nothing */
	SAMPLE_STREAM_DRAINING, /* plays what is in the ring; nobody waits for more */
};

struct sample_producer_stream {
	_Atomic uint32_t state;   /* enum sample_stream_state */
	_Atomic uint64_t written; /* frames */
	_Atomic uint64_t dropped; /* what was written before this is not to be played any more */
};

struct sample_producer_page {
	struct link_page_header header;
	struct sample_producer_stream streams[SAMPLE_LINK_STREAMS];
};

struct sample_consumer_stream {
	_Atomic uint64_t consumed;       /* frames; never more than `written` */
	_Atomic uint64_t starved_frames; /* frames of silence inserted while RUNNING */
};

struct sample_consumer_page {
	struct link_page_header header;   /* tick: quanta so far */
	_Atomic uint32_t rate;            /* mix rate, Hz */
	_Atomic uint32_t quantum_frames;
	_Atomic uint32_t latency_frames; /* from consumed to audible: what the sink still holds */
	_Atomic uint64_t quantum_ns; /* CLOCK_MONOTONIC of the last quantum */
	struct sample_consumer_stream streams[SAMPLE_LINK_STREAMS];
};

size_t sample_link_pool_bytes(void); /* SAMPLE_LINK_STREAMS rings */
size_t sample_link_producer_page_bytes(void);
size_t sample_link_consumer_page_bytes(void);

int sample_link_create_fds(const char *name, int fds[LINK_FDS]);
/* A producer that takes over sets every stream IDLE and goes on with the counters it finds. */
int sample_link_init(struct link *link, enum link_side side, int fds[LINK_FDS]);
void sample_link_finish(struct link *link);

/* ---- producer ---- */

void sample_link_set_state(struct link *link, unsigned stream, enum sample_stream_state state);
/* Frames that fit now: 0..SAMPLE_RING_FRAMES, whatever the consumer's page says. */
uint32_t sample_link_writable(const struct link *link, unsigned stream);
/* Appends up to `frames` frames of SAMPLE_CHANNELS floats; returns how many fitted. */
uint32_t sample_link_write(
	struct link *link, unsigned stream, const float *samples, uint32_t frames);
/* What was written so far is not to be played: `consumed` catches up at the consumer's next quantum.
 * The way to stop and start anew at once; setting IDLE does it too. */
void sample_link_drop(struct link *link, unsigned stream);
uint64_t sample_link_written(const struct link *link, unsigned stream);
/* Consumed frames, clamped to what was written. */
uint64_t sample_link_consumed(const struct link *link, unsigned stream);

/* Frames of silence that were played because the stream ran dry. */
uint64_t sample_link_starved(const struct link *link, unsigned stream);

struct sample_clock {
	uint32_t rate; /* Hz, SAMPLE_RATE_MIN..SAMPLE_RATE_MAX */
	uint32_t quantum_frames; /* 1..SAMPLE_RING_FRAMES / 2 */
	uint32_t latency_frames; /* from consumed to audible; at most a second */
	uint64_t quantum_ns; /* when the last quantum was, at most `now` */
};

/* The mixer's clock; false: no mixer has set one yet, or it is not sane. */
bool sample_link_clock(const struct link *link, struct sample_clock *clock);

/* ---- consumer ---- */

/* The mix rate and quantum, at start. */
void sample_link_set_clock(struct link *link, uint32_t rate, uint32_t quantum_frames);
/* One quantum passed: link_tick(), with how much the sink still holds and the time. */
void sample_link_quantum(
	struct link *link, uint64_t tick, uint32_t latency_frames, uint64_t now_ns);

enum sample_stream_state sample_link_state(const struct link *link, unsigned stream);
/* Frames ready: 0..SAMPLE_RING_FRAMES, whatever the producer's page says. What the producer dropped
 * (IDLE: everything) is consumed by this call: it comes first in a quantum. */
uint32_t sample_link_readable(struct link *link, unsigned stream);
/* Copies up to `frames` frames of what is readable without consuming; returns how many. */
uint32_t sample_link_peek(
	const struct link *link, unsigned stream, float *samples, uint32_t frames);
/* At most what is readable is consumed. */
void sample_link_consume(struct link *link, unsigned stream, uint32_t frames);
void sample_link_count_starved(struct link *link, unsigned stream, uint32_t frames);

#endif
