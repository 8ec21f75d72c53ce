#include "audio/mixer/mixer.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "core/macros.h"

void mixer_init(struct mixer *mixer, uint32_t rate, uint32_t quantum_frames) {
	assert(quantum_frames > 0 && quantum_frames <= MIXER_QUANTUM_FRAMES_MAX);
	memset(mixer, 0, sizeof(*mixer));
	mixer->rate = rate;
	mixer->quantum_frames = quantum_frames;
	fade_init(&mixer->fade, rate);
}

static uint64_t dropped_by_producer(const struct link *link, unsigned stream) {
	const struct sample_producer_page *page = link->producer_page;
	return atomic_load_explicit(&page->streams[stream].dropped, memory_order_acquire);
}

void mixer_add(struct mixer *mixer, unsigned index, struct link *link,
	const float gain[SAMPLE_LINK_STREAMS]) {
	assert(index < CONFIG_GUESTS_MAX && mixer->inputs[index].link == NULL);
	struct mixer_input *input = &mixer->inputs[index];
	input->link = link;
	for (unsigned i = 0; i < SAMPLE_LINK_STREAMS; i++) {
		voice_init(&input->streams[i].voice, &mixer->fade, mixer->rate, gain[i]);
		input->streams[i].dropped = dropped_by_producer(link, i);
	}
	sample_link_set_clock(link, mixer->rate, mixer->quantum_frames);
}

void mixer_set_gain(struct mixer *mixer, unsigned index, unsigned stream, float gain) {
	assert(index < CONFIG_GUESTS_MAX && stream < SAMPLE_LINK_STREAMS);
	voice_set_gain(&mixer->inputs[index].streams[stream].voice, gain);
}

void mixer_set_dead(struct mixer *mixer, unsigned index, bool dead) {
	assert(index < CONFIG_GUESTS_MAX);
	atomic_store(&mixer->inputs[index].dead, dead);
}

static bool input_is_live(const struct mixer_input *input) {
	return input->link != NULL && !atomic_load(&input->dead) &&
		link_get_peer(input->link) != LINK_PEER_ABSENT;
}

/* True: the running stream is one to wait for, and *frames is lowered to what it has. */
static bool wait_for_stream(
	struct mixer_stream *stream, uint32_t readable, uint32_t patience, uint32_t *frames) {
	if (readable > 0) {
		stream->dry_ticks = 0;
		stream->given_up = false;
	} else if (!stream->given_up && ++stream->dry_ticks > patience) {
		stream->given_up = true;
	}
	if (!stream->given_up) {
		*frames = MIN(*frames, readable);
	}
	return !stream->given_up;
}

static bool input_echoes(struct mixer *mixer, struct mixer_input *input, uint32_t patience) {
	bool echoes = link_echoed(input->link) >= mixer->quanta;
	input->silent_ticks = echoes ? 0 : input->silent_ticks + 1;
	return input->silent_ticks <= patience / MIXER_SILENT_SHARE;
}

static bool wait_for_input(
	struct mixer *mixer, struct mixer_input *input, uint32_t patience, uint32_t *frames) {
	bool active = false;
	bool live = input_is_live(input);
	bool waits = live && input_echoes(mixer, input, patience);
	for (unsigned i = 0; i < SAMPLE_LINK_STREAMS; i++) {
		struct mixer_stream *stream = &input->streams[i];
		enum sample_stream_state state =
			live ? sample_link_state(input->link, i) : SAMPLE_STREAM_IDLE;
		if (state == SAMPLE_STREAM_RUNNING && waits) {
			uint32_t readable = sample_link_readable(input->link, i);
			active |= wait_for_stream(stream, readable, patience, frames);
			continue;
		}
		stream->dry_ticks = 0;
		stream->given_up = false;
		bool plays = state == SAMPLE_STREAM_DRAINING || state == SAMPLE_STREAM_RUNNING;
		active |= plays && sample_link_readable(input->link, i) > 0;
		/* the end of what was playing is written too */
		active |= !voice_is_silent(&stream->voice);
	}
	return active;
}

uint32_t mixer_ready(struct mixer *mixer, uint32_t patience, bool *idle) {
	uint32_t frames = mixer->quantum_frames;
	bool active = false;
	for (unsigned i = 0; i < CONFIG_GUESTS_MAX; i++) {
		if (mixer->inputs[i].link != NULL) {
			active |= wait_for_input(mixer, &mixer->inputs[i], patience, &frames);
		}
	}
	*idle = !active;
	return active ? frames : 0;
}

/* How many frames a running stream gives to this quantum. */
static uint32_t take_running(struct mixer_stream *stream, uint32_t readable, uint32_t frames) {
	if (stream->voice.state == VOICE_PLAYING || readable >= frames) {
		stream->prime_waits = 0;
		return MIN(readable, frames);
	}
	if (readable == 0 || ++stream->prime_waits < MIXER_PRIME_QUANTA) {
		return 0;
	}
	stream->prime_waits = 0;
	return readable;
}

static void mix_stream(struct mixer *mixer, struct mixer_input *input, unsigned index, bool live,
	uint32_t frames) {
	struct mixer_stream *stream = &input->streams[index];
	enum sample_stream_state state =
		live ? sample_link_state(input->link, index) : SAMPLE_STREAM_IDLE;
	uint64_t dropped = dropped_by_producer(input->link, index);
	if (dropped != stream->dropped) {
		/* it may have stopped and started again between two quanta */
		stream->dropped = dropped;
		stream->prime_waits = 0;
		voice_cut(&stream->voice);
	}
	uint32_t readable = live ? sample_link_readable(input->link, index) : 0;
	uint32_t got = 0;
	enum voice_end end = VOICE_GOES_ON;
	switch (state) {
	case SAMPLE_STREAM_RUNNING:
		got = take_running(stream, readable, frames);
		break;
	case SAMPLE_STREAM_DRAINING:
		got = MIN(readable, frames);
		end = VOICE_ENDS;
		break;
	case SAMPLE_STREAM_PAUSED:
		break;
	case SAMPLE_STREAM_IDLE:
		end = VOICE_ENDS;
		break;
	}
	got = sample_link_peek(input->link, index, mixer->samples, got);
	kernel_scrub(mixer->samples, got);
	bool started = got > 0 || stream->voice.state != VOICE_SILENT;
	voice_mix(&stream->voice, mixer->mix, mixer->samples, got, frames, end);
	sample_link_consume(input->link, index, got);
	/* before the first sample of a start there is nothing to starve */
	if (state == SAMPLE_STREAM_RUNNING && started && got < frames) {
		sample_link_count_starved(input->link, index, frames - got);
	}
}

float *mixer_mix(struct mixer *mixer, uint32_t frames) {
	assert(frames > 0 && frames <= mixer->quantum_frames);
	memset(mixer->mix, 0, sizeof(float) * MIX_CHANNELS * frames);
	for (unsigned i = 0; i < CONFIG_GUESTS_MAX; i++) {
		struct mixer_input *input = &mixer->inputs[i];
		bool live = input_is_live(input);
		for (unsigned j = 0; j < SAMPLE_LINK_STREAMS && input->link != NULL; j++) {
			mix_stream(mixer, input, j, live, frames);
		}
	}
	kernel_clip(mixer->mix, frames);
	return mixer->mix;
}

void mixer_publish(struct mixer *mixer, uint32_t latency_frames, uint64_t now_ns) {
	mixer->quanta++;
	for (unsigned i = 0; i < CONFIG_GUESTS_MAX; i++) {
		if (mixer->inputs[i].link != NULL) {
			sample_link_quantum(
				mixer->inputs[i].link, mixer->quanta, latency_frames, now_ns);
		}
	}
}
