/*
 * How a sink is implemented; for those who use one: sink.h.
 */
#ifndef AUDIO_MIXER_SINK_IMPL_H
#define AUDIO_MIXER_SINK_IMPL_H

#include "audio/mixer/sink.h"
#include "core/clock.h"

struct sink_impl {
	const char *name;
	void (*write)(struct sink *sink, const float *samples, uint32_t frames);
	uint32_t (*latency_frames)(const struct sink *sink);
	void (*destroy)(struct sink *sink);
};

/* First member of every implementation. */
struct sink {
	const struct sink_impl *impl;
	struct ticker ticker;
	uint64_t missed;      /* of the ticker, as told to the owner */
	uint64_t half_frames; /* what a tick is worth */
	bool waits;
};

/* Checks the table and starts the clock object. 0 or -errno. */
int sink_init(struct sink *sink, const struct sink_impl *impl, const struct sink_options *options);
void sink_finish(struct sink *sink);

#endif
