/*
 * A playback: one output stream of the device, from the chains its guest queued to the mixer's ring,
 * and back as completions.
 *
 *      accept ──> pending chains ──pump──> converter ──> ring ──> mixer
 *                       └───────────────── reap <─── consumed ─────┘
 *
 * The guest's clock is completion: a chain is done when the mixer has consumed its last frame. Its PCM
 * is read when it is needed, not when it is queued (drivers before Linux 6.7 queue a period before
 * it is written): the ring is kept PLAYBACK_AHEAD_QUANTA ahead of the mixer.
 *
 * What a chain costs is bounded: PLAYBACK_CHAINS chains and PLAYBACK_SPANS pieces of guest memory per
 * stream, taken once at playback_init().
 *
 * Thread: the device's.
 */
#ifndef AUDIO_PLAYBACK_H
#define AUDIO_PLAYBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/converter.h"
#include "audio/stream_state.h"
#include "core/sample_link.h"
#include "protocol/virtio_snd.h"
#include "protocol/virtqueue.h"

#define PLAYBACK_AHEAD_QUANTA 2
#define PLAYBACK_CHAINS VIRTQUEUE_SIZE_MAX
/* Linux cuts a period in pages: the largest buffer in 4 KiB pieces, four times over. */
#define PLAYBACK_SPANS 4096
/* Larger than any buffer Linux asks for (160 ms at most: 3.9 MB at 384 kHz, 8 channels, 64 bit). */
#define PLAYBACK_BUFFER_BYTES_MAX (UINT32_C(4) << 20)

struct playback_params { /* as on the wire, not checked */
	uint32_t buffer_bytes, period_bytes, features;
	uint32_t channels, format, rate;
};

struct playback_chain {
	uint16_t head;
	bool read; /* all of it is in the ring, up to frame `end` */
	uint32_t spans_at; /* in the span store: readable ones, then the writable ones */
	uint32_t spans_taken; /* store space, with what was skipped at its end */
	uint16_t readable_len, writable_len;
	uint32_t payload_bytes; /* whole frames, clipped to the buffer's size */
	uint32_t read_bytes;
	uint64_t end; /* the ring's frame counter */
};

struct playback_counters { /* atomics of the statistics page */
	_Atomic uint64_t *state, *periods, *bytes, *xruns, *errors;
};

struct playback {
	struct link *link; /* borrowed */
	unsigned index;
	uint32_t rate, quantum_frames; /* of the mix */
	enum stream_state state;
	bool held; /* running, but its queue stopped: paused until chains come */
	bool dry; /* the mixer ran dry at the last look */
	struct playback_params params;
	struct converter converter;
	uint64_t begin; /* the ring's frame counter at PREPARE */
	uint64_t starved; /* the mixer's counter as seen last */
	struct playback_chain *chains; /* PLAYBACK_CHAINS, by free-running index */
	uint32_t chains_in, chains_read, chains_out;
	struct span *spans; /* PLAYBACK_SPANS */
	uint32_t spans_in, spans_out;
	struct playback_counters counters;
};

/* A chain that is done: what to tell the guest. The spans are valid until the next call. */
struct playback_done {
	uint16_t head;
	uint32_t status;
	uint32_t latency_bytes;
	const struct span *writable;
	uint16_t writable_len;
};

/* 0 or -ENOMEM. */
int playback_init(struct playback *playback, struct link *link, unsigned index, uint32_t rate,
	uint32_t quantum_frames, const struct playback_counters *counters);
void playback_finish(struct playback *playback);

/*
 * Whether the stream can play that: OK; BAD_MSG: makes no sense; NOT_SUPP: formats, rates or features
 * not offered, or a buffer of less than two quanta, which could only stutter.
 */
uint32_t playback_check_params(
	const struct playback *playback, const struct playback_params *params);

/* Commands: OK, BAD_MSG when the state does not allow them, NOT_SUPP, IO_ERR when memory is short. */
uint32_t playback_set_params(struct playback *playback, const struct playback_params *params);
uint32_t playback_command(struct playback *playback, enum stream_command command);

/* What becomes of a chain; all but pending ones are to be completed at once. */
enum playback_accepted {
	PLAYBACK_PENDING,
	PLAYBACK_LATE, /* the stream was released: complete it with OK */
	PLAYBACK_NOT_READY, /* no PREPARE yet: IO_ERR */
	PLAYBACK_BAD, /* no data, or not whole frames: BAD_MSG */
	PLAYBACK_FULL, /* more than a stream may hold: IO_ERR */
};
/* Takes a chain of the tx queue that begins with its header, read by the caller. */
enum playback_accepted playback_accept(
	struct playback *playback, const struct virtqueue_chain *chain);

/* Moves PCM into the ring. Call at each quantum and when chains came. */
void playback_pump(struct playback *playback);

/* The next chain that was played, with what is still to be heard of it at `now_ns`. */
bool playback_reap(struct playback *playback, uint64_t now_ns, struct playback_done *done);

/* The next chain, played or not: for RELEASE, reset, and a stopped queue. */
bool playback_flush(struct playback *playback, struct playback_done *done);

/* The queue was stopped under a running stream: the mixer must not wait for it. */
void playback_hold(struct playback *playback);

/* Everything that is pending is forgotten without a completion; back to INITIAL. */
void playback_reset(struct playback *playback);

#endif
