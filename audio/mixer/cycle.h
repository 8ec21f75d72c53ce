/*
 * The mixer's cycle: a tick of the sink becomes a quantum of the mix.
 *
 * A sink in real time gets one quantum a tick, come what may. A sink that *waits* (recordings of
 * guests that run under emulation, slower than real time) gets as many frames as every running stream
 * has, and none while one of them has none; when nothing plays, nothing is written. It never runs
 * faster than twice real time, and so only to make up for waits of at most WAIT_CREDIT_MS: on average
 * a guest that keeps up hears real time. A stream that stays dry for WAIT_PATIENCE_MS of real time is
 * not waited for any more until it has samples again, and neither is a process that is stopped: that
 * shows after a tenth of it.
 *
 * A chime of the safety voice waits for no stream: while one is to be heard, a waiting sink gets a whole
 * quantum whenever that much time has passed, and streams that are dry then are interrupted as in real
 * time. A recording has a gap of theirs there, and the chime when it was asked for.
 *
 * Thread: the real-time thread. No allocation, lock, or log; system calls are the sink's and the
 * wake-up's.
 */
#ifndef AUDIO_MIXER_CYCLE_H
#define AUDIO_MIXER_CYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/mixer/mixer.h"
#include "audio/mixer/safety_voice.h"
#include "audio/mixer/sink.h"
#include "core/stats.h"

#define WAIT_CREDIT_MS 200
#define WAIT_PATIENCE_MS 10000

struct cycle {
	struct mixer *mixer; /* borrowed */
	struct safety_voice *voice; /* borrowed; NULL: none */
	struct sink *sink;   /* borrowed */
	uint64_t credit;     /* half frames of time that have passed and were not mixed */
	uint64_t credit_max;
	uint32_t patience_ticks;
	_Atomic uint64_t *quanta, *frames, *missed, *waits, *late_max_ns, *busy_max_ns;
};

void cycle_init(struct cycle *cycle, struct mixer *mixer, struct safety_voice *voice,
	struct sink *sink, struct stats *stats);

/* Serves one tick of the sink. False: none is due. */
bool cycle_run(struct cycle *cycle);

#endif
