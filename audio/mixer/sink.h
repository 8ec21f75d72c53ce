/*
 * A sink: where the mix goes, and whose clock the mix runs on.
 *
 * Kinds: `null` plays into nothing in real time; `memory` plays into a ring that others read
 * (sink_memory.h).
 *
 * Thread: made and destroyed by any; everything else from the mixer's real-time thread, where nothing
 * but the sink's own wake-up is a system call.
 */
#ifndef AUDIO_MIXER_SINK_H
#define AUDIO_MIXER_SINK_H

#include <stdbool.h>
#include <stdint.h>

struct sink;

struct sink_options {
	uint32_t rate;           /* Hz */
	uint32_t quantum_frames;
	/* The sink has no clock of its own: it advances when its streams have something (cycle.h). Its
	 * ticks, two to a quantum, are the moments to look. */
	bool waits;
	int step_fd; /* a test's eventfd that the ticks come from instead; < 0: real time */
	int memory_fd; /* memory: the file made by sink_memory_create_fd(); borrowed */
};

/* NULL with errno. */
struct sink *sink_null_create(const struct sink_options *options);
struct sink *sink_memory_create(const struct sink_options *options);
void sink_destroy(struct sink *sink); /* NULL is legal */

/* Begins to tick. */
void sink_start(struct sink *sink);
/* Readable when a tick may be due. */
int sink_fd(const struct sink *sink);

struct sink_tick {
	uint64_t due_ns; /* nominal time */
	uint64_t missed; /* ticks that passed unserved since the last one taken */
	uint64_t half_frames; /* the time since the last one taken, in halves of a frame */
};
/* Takes a due tick: false if there is none. */
bool sink_take(struct sink *sink, struct sink_tick *tick);
/* Takes 1..quantum_frames frames. */
void sink_write(struct sink *sink, const float *samples, uint32_t frames);
/* Frames between the last one written and the one that is heard at this moment. */
uint32_t sink_latency_frames(const struct sink *sink);

bool sink_waits(const struct sink *sink);

#endif
