/*
 * The sink that plays into nothing, in real time: what it takes at a tick it "plays" until the next.
 */
#include "audio/mixer/sink_impl.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct sink_null {
	struct sink base;
	uint32_t playing_frames; /* of the last write: being heard now */
};

static const struct sink_impl impl;

static struct sink_null *null_from_sink(const struct sink *sink) {
	assert(sink->impl == &impl);
	return (struct sink_null *)sink;
}

static void null_write(struct sink *sink, const float *samples, uint32_t frames) {
	null_from_sink(sink)->playing_frames = frames;
}

static uint32_t null_latency_frames(const struct sink *sink) {
	return null_from_sink(sink)->playing_frames;
}

static void null_destroy(struct sink *sink) {
	struct sink_null *null = null_from_sink(sink);
	sink_finish(&null->base);
	free(null);
}

static const struct sink_impl impl = {
	.name = "null",
	.write = null_write,
	.latency_frames = null_latency_frames,
	.destroy = null_destroy,
};

struct sink *sink_null_create(const struct sink_options *options) {
	struct sink_null *null = calloc(1, sizeof(*null));
	if (null == NULL) {
		return NULL;
	}
	int error = sink_init(&null->base, &impl, options);
	if (error < 0) {
		free(null);
		errno = -error;
		return NULL;
	}
	return &null->base;
}
