/*
 * What a sound device that runs alone plays into: the real mixer on the null sink, in real time, in the
 * endpoint's own loop.
 *
 * Thread: the loop's.
 */
#ifndef AUDIO_NULL_CONSUMER_H
#define AUDIO_NULL_CONSUMER_H

#include <stdint.h>

#include "audio/mixer/cycle.h"
#include "core/loop.h"
#include "core/stats.h"

struct null_consumer {
	struct link link; /* consumer side */
	struct mixer mixer;
	struct sink *sink;
	struct cycle cycle;
	struct loop_source *source;
};

/* Takes over the consumer's descriptors. 0 or -errno. */
int null_consumer_init(struct null_consumer *consumer, struct loop *loop, int fds[LINK_FDS],
	uint32_t rate, uint32_t quantum_frames, struct stats *stats);
/* A zeroed one is legal. */
void null_consumer_finish(struct null_consumer *consumer);

#endif
