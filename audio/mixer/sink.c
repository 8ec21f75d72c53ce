#include "audio/mixer/sink_impl.h"

#include <assert.h>
#include <stddef.h>

/*
 * Half a quantum between the looks of a sink that waits: a quantum that came late is made up for at
 * twice the speed (cycle.c).
 */
#define WAITING_TICKS_PER_QUANTUM 2

int sink_init(struct sink *sink, const struct sink_impl *impl, const struct sink_options *options) {
	assert(impl->name != NULL && impl->write != NULL && impl->latency_frames != NULL &&
		impl->destroy != NULL);
	assert(options->rate > 0 && options->quantum_frames > 0);

	bool step = options->step_fd >= 0;
	uint64_t ticks = options->waits && !step ? WAITING_TICKS_PER_QUANTUM : 1;
	*sink = (struct sink) {
		.impl = impl,
		.half_frames = 2 * (uint64_t)options->quantum_frames / ticks,
		.waits = options->waits,
	};
	/* rounded to a nanosecond a tick: some millionths at the smallest quantum, which nobody hears */
	uint64_t period_ns = options->quantum_frames * NS_PER_S / options->rate / ticks;
	return ticker_init(
		&sink->ticker, step ? TICKER_STEP : TICKER_REAL, period_ns, options->step_fd);
}

void sink_finish(struct sink *sink) {
	ticker_finish(&sink->ticker);
}

void sink_destroy(struct sink *sink) {
	if (sink != NULL) {
		sink->impl->destroy(sink);
	}
}

void sink_start(struct sink *sink) {
	ticker_start(&sink->ticker);
}

int sink_fd(const struct sink *sink) {
	return sink->ticker.fd;
}

bool sink_take(struct sink *sink, struct sink_tick *tick) {
	if (!ticker_take(&sink->ticker, &tick->due_ns)) {
		return false;
	}
	tick->missed = sink->ticker.missed - sink->missed;
	tick->half_frames = (1 + tick->missed) * sink->half_frames;
	sink->missed = sink->ticker.missed;
	return true;
}

void sink_write(struct sink *sink, const float *samples, uint32_t frames) {
	sink->impl->write(sink, samples, frames);
}

uint32_t sink_latency_frames(const struct sink *sink) {
	return sink->impl->latency_frames(sink);
}

bool sink_waits(const struct sink *sink) {
	return sink->waits;
}
