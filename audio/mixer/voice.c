#include "audio/mixer/voice.h"

#include <assert.h>
#include <string.h>

#include "core/macros.h"

void voice_init(struct voice *voice, const struct fade *fade, uint32_t rate, float gain) {
	*voice = (struct voice) {
		.fade = fade,
		.gain = gain,
		.gain_target = gain,
		.gain_ramp_frames = rate * GAIN_RAMP_MS / 1000,
	};
}

void voice_set_gain(struct voice *voice, float gain) {
	if (gain == voice->gain_target) {
		return;
	}
	voice->gain_target = gain;
	voice->gain_left = voice->gain_ramp_frames;
}

bool voice_is_silent(const struct voice *voice) {
	return voice->state != VOICE_PLAYING && voice->tail_left == 0;
}

static void start_tail(struct voice *voice) {
	if (voice->last[0] == 0.0f && voice->last[1] == 0.0f) {
		return;
	}
	if (voice->tail_left > 0) {
		/* the rest of an older tail goes on in the new one */
		float factor = fade_out_factor(voice->fade, voice->tail_left);
		voice->last[0] += voice->tail[0] * factor;
		voice->last[1] += voice->tail[1] * factor;
	}
	memcpy(voice->tail, voice->last, sizeof(voice->tail));
	memset(voice->last, 0, sizeof(voice->last));
	voice->tail_left = voice->fade->frames;
}

static void add_tail(struct voice *voice, float *mix, uint32_t frames) {
	uint32_t len = MIN(frames, voice->tail_left);
	for (uint32_t i = 0; i < len; i++) {
		float factor = fade_out_factor(voice->fade, voice->tail_left - i);
		mix[MIX_CHANNELS * i] += voice->tail[0] * factor;
		mix[MIX_CHANNELS * i + 1] += voice->tail[1] * factor;
	}
	voice->tail_left -= len;
}

static void fade_in(struct voice *voice, float *samples, uint32_t frames) {
	uint32_t len = MIN(frames, voice->rise_left);
	for (uint32_t i = 0; i < len; i++) {
		float factor = fade_in_factor(voice->fade, voice->rise_left - i);
		samples[MIX_CHANNELS * i] *= factor;
		samples[MIX_CHANNELS * i + 1] *= factor;
	}
	voice->rise_left -= len;
}

static void apply_gain(struct voice *voice, float *samples, uint32_t frames) {
	uint32_t ramp = MIN(frames, voice->gain_left);
	if (ramp > 0) {
		float step = (voice->gain_target - voice->gain) / (float)voice->gain_left;
		kernel_ramp(samples, ramp, voice->gain + step, step);
		voice->gain_left -= ramp;
		voice->gain = voice->gain_left > 0 ? voice->gain + step * (float)ramp
						   : voice->gain_target;
	}
	kernel_scale(samples + (size_t)MIX_CHANNELS * ramp, frames - ramp, voice->gain);
}

static void play(struct voice *voice, float *mix, float *samples, uint32_t frames) {
	if (voice->state == VOICE_INTERRUPTED) {
		voice->rise_left = voice->fade->frames;
	}
	voice->state = VOICE_PLAYING;
	fade_in(voice, samples, frames);
	apply_gain(voice, samples, frames);
	kernel_add(mix, samples, frames);
	memcpy(voice->last, samples + (size_t)MIX_CHANNELS * (frames - 1), sizeof(voice->last));
}

void voice_cut(struct voice *voice) {
	start_tail(voice);
	voice->state = VOICE_SILENT;
	voice->rise_left = 0;
}

void voice_mix(struct voice *voice, float *mix, float *samples, uint32_t got, uint32_t frames,
	enum voice_end end) {
	assert(got <= frames);
	/* a tail that is already sounding lies under everything; a new one begins after the samples */
	add_tail(voice, mix, got);
	if (got > 0) {
		play(voice, mix, samples, got);
	}
	if (got == frames) {
		return;
	}
	if (end == VOICE_ENDS) {
		voice_cut(voice);
	} else if (voice->state == VOICE_PLAYING) {
		start_tail(voice);
		voice->state = VOICE_INTERRUPTED;
		voice->rise_left = 0;
	}
	add_tail(voice, mix + (size_t)MIX_CHANNELS * got, frames - got);
}
