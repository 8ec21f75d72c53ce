/*
 * A voice: one stream's way into the mix, and what is done so that no edge of it clicks.
 *
 *              start: first quantum complete, plays from its first sample, bit for bit
 *      SILENT ───────────────────────────> PLAYING
 *        ^                                  │   ^
 *        │ ends (drained, dropped, idle)    │   │ samples again: fade-in
 *        ├──────────────────────────────────┘   │
 *        │        or is interrupted (ran dry, paused, producer gone)
 *        │                                  │   │
 *        └──── dropped ── INTERRUPTED <─────┘───┘
 *
 * Leaving PLAYING starts a *tail*: from the last frame that was heard a constant is added that fades to
 * zero (fade.h). There is nothing of the stream left to fade at that moment, and replaying what was
 * heard before would buzz; the tail only takes the edge off the step to silence. A stream that ends at
 * zero has no tail, so a clean end stays bit-exact. The tail is added, and goes on under whatever is
 * played next.
 *
 * At gain 1 samples keep every bit. Gain changes ramp over GAIN_RAMP_MS.
 *
 * Thread: the mixer's; no system call, no allocation.
 */
#ifndef AUDIO_MIXER_VOICE_H
#define AUDIO_MIXER_VOICE_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/mixer/fade.h"
#include "audio/mixer/kernels.h"

#define GAIN_RAMP_MS 10

enum voice_state { VOICE_SILENT, VOICE_PLAYING, VOICE_INTERRUPTED };

/* Why there are fewer samples than frames. */
enum voice_end {
	VOICE_GOES_ON,    /* the stream is meant to go on: the next samples fade in */
	VOICE_ENDS,       /* the stream is over: the next samples are a new start */
};

struct voice {
	const struct fade *fade;
	enum voice_state state;
	float last[MIX_CHANNELS]; /* the last frame played, with its gain */
	float tail[MIX_CHANNELS]; /* what the tail started from */
	uint32_t tail_left;       /* frames; 0: no tail */
	uint32_t rise_left;       /* frames of fade-in to come */
	float gain;               /* in force */
	float gain_target;
	uint32_t gain_left;       /* frames of ramp to come */
	uint32_t gain_ramp_frames;
};

/* The first gain is in force at once. `fade` must outlive the voice. */
void voice_init(struct voice *voice, const struct fade *fade, uint32_t rate, float gain);

void voice_set_gain(struct voice *voice, float gain);

/*
 * Adds `frames` frames to `mix`, of which the stream gives the first `got`, in `samples` (scribbled
 * over; already harmless, see kernel_scrub). `end` says what a got < frames means.
 */
void voice_mix(struct voice *voice, float *mix, float *samples, uint32_t got, uint32_t frames,
	enum voice_end end);

/* What was played up to now is cut off: the next samples are another beginning. */
void voice_cut(struct voice *voice);

/* Silent, and stays so without samples. */
bool voice_is_silent(const struct voice *voice);

#endif
