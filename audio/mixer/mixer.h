/*
 * The mixer: the streams of every sample link, summed into one stereo bus. It knows no time; a cycle
 * (cycle.h) asks for so many frames and hands them to a sink.
 *
 *      links ──> scrub ──> fade-in, gain ──> sum, tails ──> clip ──> safety voice ──> sink
 *                └────────── a voice per stream ──────────┘
 *
 * A stream's samples are never touched by what happens to another one: a producer that dies, starves
 * or writes garbage costs its own voice only.
 *
 * Thread: the cycle's, except mixer_set_dead(). After mixer_init() and mixer_add() no call allocates,
 * locks, logs, or makes a system call; mixer_publish() signals eventfds.
 */
#ifndef AUDIO_MIXER_MIXER_H
#define AUDIO_MIXER_MIXER_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/mixer/fade.h"
#include "audio/mixer/voice.h"
#include "core/config.h"
#include "core/sample_link.h"

#define MIXER_QUANTUM_FRAMES_MAX 1024
/* A stream that (re)starts plays when a whole quantum of it is there, or after this many quanta with
 * less: a clip shorter than a quantum must be heard as well. */
#define MIXER_PRIME_QUANTA 8
/* A producer that echoes nothing is waited for this much shorter than a stream that is dry. */
#define MIXER_SILENT_SHARE 10

struct mixer_stream {
	struct voice voice;
	uint64_t dropped; /* the producer's drop counter as seen last */
	uint32_t prime_waits; /* quanta since the first samples of a start came */
	uint32_t dry_ticks; /* mixer_ready() calls in a row that found it running and empty */
	bool given_up; /* dry for too long: not waited for until it has samples again */
};

struct mixer_input {
	struct link *link; /* borrowed; NULL: none */
	_Atomic uint32_t dead; /* set from any thread */
	uint32_t
		silent_ticks; /* mixer_ready() calls in a row before which it did not echo a quantum */
	struct mixer_stream streams[SAMPLE_LINK_STREAMS];
};

struct mixer {
	uint32_t rate;
	uint32_t quantum_frames;
	uint64_t quanta; /* published so far: the links' tick */
	struct fade fade;
	struct mixer_input inputs[CONFIG_GUESTS_MAX];
	float mix[MIXER_QUANTUM_FRAMES_MAX * MIX_CHANNELS];
	float samples[MIXER_QUANTUM_FRAMES_MAX * MIX_CHANNELS];
};

/* rate: 8000..192000; quantum_frames: 1..MIXER_QUANTUM_FRAMES_MAX */
void mixer_init(struct mixer *mixer, uint32_t rate, uint32_t quantum_frames);

/* Adds the link of guest `index` (consumer side, borrowed) with a gain per stream. */
void mixer_add(struct mixer *mixer, unsigned index, struct link *link,
	const float gain[SAMPLE_LINK_STREAMS]);

/* Another gain from the next quantum on, ramped. */
void mixer_set_gain(struct mixer *mixer, unsigned index, unsigned stream, float gain);

/* The process at the other end died, or was replaced. Any thread. */
void mixer_set_dead(struct mixer *mixer, unsigned index, bool dead);

/*
 * For a sink that waits for its streams: how many frames may be mixed now without any running stream
 * of a live producer running dry, at most a quantum. 0: a stream has to be waited for, or (*idle)
 * nothing plays at all. A stream that has been dry for `patience` calls in a row is not waited for
 * until it has samples again; nor is any of a producer that has not answered the last quantum for a
 * tenth of that: its guest may be slow, but a process that does not even echo is stopped or stuck.
 *
 * Less than a quantum is right at the end of a stream: its producer waits for the last frames to be
 * consumed before it can say that the stream is over.
 */
uint32_t mixer_ready(struct mixer *mixer, uint32_t patience, bool *idle);

/* Mixes 1..quantum_frames frames: the programme, within -1..1. The result is valid until the next call;
 * what lies above the programme is added to it in place. */
float *mixer_mix(struct mixer *mixer, uint32_t frames);

/* The sink took what was mixed: tells every producer. */
void mixer_publish(struct mixer *mixer, uint32_t latency_frames, uint64_t now_ns);

#endif
