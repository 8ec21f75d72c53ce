#include "audio/playback.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "audio/pcm_rate.h"
#include "audio/remix.h"
#include "core/clock.h"
#include "core/macros.h"

int playback_init(struct playback *playback, struct link *link, unsigned index, uint32_t rate,
	uint32_t quantum_frames, const struct playback_counters *counters) {
	*playback = (struct playback) {
		.link = link,
		.index = index,
		.rate = rate,
		.quantum_frames = quantum_frames,
		.starved = sample_link_starved(link, index),
		.chains = calloc(PLAYBACK_CHAINS, sizeof(struct playback_chain)),
		.spans = calloc(PLAYBACK_SPANS, sizeof(struct span)),
		.counters = *counters,
	};
	atomic_store(counters->state, STREAM_INITIAL);
	if (playback->chains == NULL || playback->spans == NULL) {
		playback_finish(playback);
		return -ENOMEM;
	}
	return 0;
}

void playback_finish(struct playback *playback) {
	converter_finish(&playback->converter);
	free(playback->chains);
	free(playback->spans);
	playback->chains = NULL;
	playback->spans = NULL;
}

static void set_state(struct playback *playback, enum stream_state state) {
	playback->state = state;
	atomic_store_explicit(playback->counters.state, state, memory_order_relaxed);
}

static bool has_chains(const struct playback *playback) {
	return playback->chains_out != playback->chains_in;
}

/* ---- commands ---- */

uint32_t playback_check_params(
	const struct playback *playback, const struct playback_params *params) {
	const struct pcm_format *format = pcm_format_from_index(params->format);
	uint32_t rate = pcm_rate_from_index(params->rate);
	if (params->features != 0 || format == NULL || rate == 0 || params->channels == 0 ||
		params->channels > REMIX_CHANNELS_MAX) {
		return VIRTIO_SND_NOT_SUPP;
	}
	uint32_t frame_bytes = format->bytes * params->channels;
	if (params->period_bytes == 0 || params->period_bytes % frame_bytes != 0 ||
		params->buffer_bytes == 0 || params->buffer_bytes % params->period_bytes != 0) {
		return VIRTIO_SND_BAD_MSG;
	}
	if (params->buffer_bytes > PLAYBACK_BUFFER_BYTES_MAX) {
		return VIRTIO_SND_NOT_SUPP;
	}
	/* less than what is kept ahead of the mixer would starve at every quantum */
	uint64_t mix_frames =
		(uint64_t)(params->buffer_bytes / frame_bytes) * playback->rate / rate;
	return mix_frames < (uint64_t)PLAYBACK_AHEAD_QUANTA * playback->quantum_frames
		? VIRTIO_SND_NOT_SUPP
		: VIRTIO_SND_OK;
}

uint32_t playback_set_params(struct playback *playback, const struct playback_params *params) {
	enum stream_state next;
	if (!stream_state_next(playback->state, STREAM_SET_PARAMS, &next)) {
		return VIRTIO_SND_BAD_MSG;
	}
	uint32_t status = playback_check_params(playback, params);
	if (status != VIRTIO_SND_OK) {
		return status;
	}
	struct converter converter;
	int error = converter_init(&converter, pcm_format_from_index(params->format),
		params->channels, pcm_rate_from_index(params->rate), playback->rate);
	if (error < 0) {
		return VIRTIO_SND_IO_ERR;
	}
	converter_finish(&playback->converter);
	playback->converter = converter;
	playback->params = *params;
	set_state(playback, next);
	return VIRTIO_SND_OK;
}

static void prepare(struct playback *playback) {
	/* nothing was read since the last reset: chains that came early stay as they are */
	converter_reset(&playback->converter);
	playback->begin = sample_link_written(playback->link, playback->index);
	playback->dry = false;
}

static void start(struct playback *playback) {
	playback->held = false;
	playback->starved = sample_link_starved(playback->link, playback->index);
	/* first the samples, then the state: the first quantum finds them */
	playback_pump(playback);
	sample_link_set_state(playback->link, playback->index, SAMPLE_STREAM_RUNNING);
}

/*
 * With chains pending it is a pause: the ring keeps what is in it. Without, everything was played but
 * the rate filter's last samples, which play out.
 */
static void stop(struct playback *playback) {
	sample_link_set_state(playback->link, playback->index,
		has_chains(playback) ? SAMPLE_STREAM_PAUSED : SAMPLE_STREAM_DRAINING);
}

static void release(struct playback *playback) {
	if (has_chains(playback) ||
		sample_link_state(playback->link, playback->index) != SAMPLE_STREAM_DRAINING) {
		sample_link_set_state(playback->link, playback->index, SAMPLE_STREAM_IDLE);
	}
}

uint32_t playback_command(struct playback *playback, enum stream_command command) {
	static void (*const actions[STREAM_COMMANDS])(struct playback *) = {
		[STREAM_PREPARE] = prepare,
		[STREAM_START] = start,
		[STREAM_STOP] = stop,
		[STREAM_RELEASE] = release,
	};
	assert(actions[command] != NULL);
	enum stream_state next;
	if (!stream_state_next(playback->state, command, &next)) {
		return VIRTIO_SND_BAD_MSG;
	}
	set_state(playback, next);
	actions[command](playback);
	return VIRTIO_SND_OK;
}

void playback_hold(struct playback *playback) {
	if (playback->state == STREAM_RUNNING && !playback->held) {
		playback->held = true;
		sample_link_set_state(playback->link, playback->index, SAMPLE_STREAM_PAUSED);
	}
}

void playback_reset(struct playback *playback) {
	playback->chains_in = playback->chains_read = playback->chains_out = 0;
	playback->spans_in = playback->spans_out = 0;
	playback->held = false;
	sample_link_set_state(playback->link, playback->index, SAMPLE_STREAM_IDLE);
	set_state(playback, STREAM_INITIAL);
}

/* ---- chains in ---- */

/* Space for `len` spans in one piece; what is left at the store's end is skipped. */
static bool take_spans(struct playback *playback, uint32_t len, struct playback_chain *chain) {
	uint32_t at = playback->spans_in % PLAYBACK_SPANS;
	uint32_t skip = at + len > PLAYBACK_SPANS ? PLAYBACK_SPANS - at : 0;
	uint32_t used = playback->spans_in - playback->spans_out;
	if (len > PLAYBACK_SPANS || used + skip + len > PLAYBACK_SPANS) {
		return false;
	}
	chain->spans_at = (at + skip) % PLAYBACK_SPANS;
	chain->spans_taken = skip + len;
	playback->spans_in += skip + len;
	return true;
}

/* How many of the chain's first spans hold `bytes` bytes. */
static uint16_t spans_for(const struct span *spans, uint16_t len, uint64_t bytes) {
	uint64_t sum = 0;
	uint16_t needed = 0;
	while (needed < len && sum < bytes) {
		sum += spans[needed].len;
		needed++;
	}
	return needed;
}

static enum playback_accepted accept_in_state(enum stream_state state) {
	switch (state) {
	case STREAM_PREPARED:
	case STREAM_RUNNING:
	case STREAM_STOPPED:
		return PLAYBACK_PENDING;
	case STREAM_RELEASED:
		return PLAYBACK_LATE;
	default:
		return PLAYBACK_NOT_READY;
	}
}

static enum playback_accepted keep_chain(
	struct playback *playback, const struct virtqueue_chain *chain, uint32_t payload_bytes) {
	if (playback->chains_in - playback->chains_out == PLAYBACK_CHAINS) {
		return PLAYBACK_FULL;
	}
	struct playback_chain kept = {
		.head = chain->head,
		.payload_bytes = payload_bytes,
		.readable_len = spans_for(chain->readable, chain->readable_len,
			VIRTIO_SND_XFER_BYTES + (uint64_t)payload_bytes),
		.writable_len = spans_for(
			chain->writable, chain->writable_len, VIRTIO_SND_XFER_STATUS_BYTES),
	};
	if (!take_spans(playback, (uint32_t)kept.readable_len + kept.writable_len, &kept)) {
		return PLAYBACK_FULL;
	}
	struct span *spans = playback->spans + kept.spans_at;
	memcpy(spans, chain->readable, sizeof(*spans) * kept.readable_len);
	memcpy(spans + kept.readable_len, chain->writable, sizeof(*spans) * kept.writable_len);
	playback->chains[playback->chains_in % PLAYBACK_CHAINS] = kept;
	playback->chains_in++;
	return PLAYBACK_PENDING;
}

enum playback_accepted playback_accept(
	struct playback *playback, const struct virtqueue_chain *chain) {
	assert(chain->readable_bytes >= VIRTIO_SND_XFER_BYTES);
	enum playback_accepted accepted = accept_in_state(playback->state);
	if (accepted != PLAYBACK_PENDING) {
		return accepted;
	}
	uint64_t bytes = chain->readable_bytes - VIRTIO_SND_XFER_BYTES;
	if (bytes == 0 || bytes % playback->converter.frame_bytes != 0) {
		return PLAYBACK_BAD;
	}
	/* the buffer is the most a guest may have on its way; the rest of a larger message is not heard */
	uint32_t payload_bytes = (uint32_t)MIN(bytes, playback->params.buffer_bytes);
	accepted = keep_chain(playback, chain, payload_bytes);
	if (accepted == PLAYBACK_PENDING && playback->held) {
		playback->held = false;
		sample_link_set_state(playback->link, playback->index, SAMPLE_STREAM_RUNNING);
	}
	return accepted;
}

/* ---- chains to the ring ---- */

static uint32_t ahead_frames(const struct playback *playback) {
	uint64_t consumed = sample_link_consumed(playback->link, playback->index);
	uint64_t written = sample_link_written(playback->link, playback->index);
	/* what lies before `begin` is dropped, even if the mixer has not come round to it */
	return (uint32_t)(written - MAX(consumed, playback->begin));
}

/* Reads at most `frames` frames of the chain into the ring. */
static void read_chain(
	struct playback *playback, struct playback_chain *chain, uint32_t out_frames) {
	struct converter *converter = &playback->converter;
	uint8_t data[CONVERTER_IN_FRAMES * CONVERTER_FRAME_BYTES_MAX];
	float out[CONVERTER_OUT_FRAMES * SAMPLE_CHANNELS];
	uint32_t left = (chain->payload_bytes - chain->read_bytes) / converter->frame_bytes;
	uint32_t frames = MIN(left, converter_in_frames(converter, out_frames));
	uint32_t bytes = frames * converter->frame_bytes;
	size_t copied = spans_read(playback->spans + chain->spans_at, chain->readable_len,
		VIRTIO_SND_XFER_BYTES + (uint64_t)chain->read_bytes, data, bytes);
	assert(copied == bytes);
	chain->read_bytes += bytes;
	uint32_t made = converter_run(converter, data, frames, out);
	sample_link_write(playback->link, playback->index, out, made);
	if (chain->read_bytes == chain->payload_bytes) {
		chain->read = true;
		chain->end = sample_link_written(playback->link, playback->index);
		playback->chains_read++;
		atomic_fetch_add_explicit(
			playback->counters.bytes, chain->payload_bytes, memory_order_relaxed);
	}
}

static void count_xruns(struct playback *playback) {
	uint64_t starved = sample_link_starved(playback->link, playback->index);
	bool dry = starved != playback->starved;
	if (dry && !playback->dry) {
		atomic_fetch_add_explicit(playback->counters.xruns, 1, memory_order_relaxed);
	}
	playback->dry = dry;
	playback->starved = starved;
}

static bool has_room(const struct playback *playback) {
	return sample_link_writable(playback->link, playback->index) >= CONVERTER_OUT_FRAMES;
}

void playback_pump(struct playback *playback) {
	if (playback->state != STREAM_RUNNING) {
		return;
	}
	count_xruns(playback);
	uint32_t target = PLAYBACK_AHEAD_QUANTA * playback->quantum_frames;
	uint32_t ahead = ahead_frames(playback);
	while (ahead < target && playback->chains_read != playback->chains_in &&
		has_room(playback)) {
		struct playback_chain *chain =
			&playback->chains[playback->chains_read % PLAYBACK_CHAINS];
		read_chain(playback, chain, target - ahead);
		ahead = ahead_frames(playback);
	}
	/* nothing more to read, and the mixer about to run dry: an end, or a guest that is late */
	float out[CONVERTER_OUT_FRAMES * SAMPLE_CHANNELS];
	uint32_t made = 1;
	while (ahead < playback->quantum_frames && made > 0 && has_room(playback)) {
		made = converter_flush(&playback->converter, out);
		sample_link_write(playback->link, playback->index, out, made);
		ahead = ahead_frames(playback);
	}
}

/* ---- chains out ---- */

static void give_back(struct playback *playback, struct playback_done *done) {
	const struct playback_chain *chain =
		&playback->chains[playback->chains_out % PLAYBACK_CHAINS];
	done->head = chain->head;
	done->writable = playback->spans + chain->spans_at + chain->readable_len;
	done->writable_len = chain->writable_len;
	playback->spans_out += chain->spans_taken;
	if (playback->chains_read == playback->chains_out) {
		playback->chains_read++;
	}
	playback->chains_out++;
	atomic_fetch_add_explicit(playback->counters.periods, 1, memory_order_relaxed);
}

/*
 * What of the stream up to frame `end` is still to be heard: what the sink held at the last quantum,
 * less the frames consumed after `end` and the time since, and what is in the rate filter.
 */
static uint32_t latency_bytes(const struct playback *playback, uint64_t end, uint64_t now_ns) {
	const struct converter *converter = &playback->converter;
	uint64_t frames = converter_delay_frames(converter);
	struct sample_clock clock;
	if (sample_link_clock(playback->link, &clock)) {
		uint64_t passed_ns = MIN(now_ns - MIN(now_ns, clock.quantum_ns), NS_PER_S);
		uint64_t passed = passed_ns * clock.rate / NS_PER_S +
			sample_link_consumed(playback->link, playback->index) - end;
		uint64_t held = clock.latency_frames - MIN(clock.latency_frames, passed);
		frames += held * converter->rate_in / converter->rate_out;
	}
	return (uint32_t)(frames * converter->frame_bytes);
}

bool playback_reap(struct playback *playback, uint64_t now_ns, struct playback_done *done) {
	if (!has_chains(playback)) {
		return false;
	}
	const struct playback_chain *chain =
		&playback->chains[playback->chains_out % PLAYBACK_CHAINS];
	if (!chain->read || chain->end > sample_link_consumed(playback->link, playback->index)) {
		return false;
	}
	*done = (struct playback_done) {
		.status = VIRTIO_SND_OK,
		.latency_bytes = latency_bytes(playback, chain->end, now_ns),
	};
	give_back(playback, done);
	return true;
}

bool playback_flush(struct playback *playback, struct playback_done *done) {
	if (!has_chains(playback)) {
		return false;
	}
	*done = (struct playback_done) { .status = VIRTIO_SND_OK };
	give_back(playback, done);
	return true;
}
