/*
 * The shape of a fade: half a cosine, made once at start so that no real-time loop calls cosf().
 *
 * Thread: any after fade_init(); read-only.
 */
#ifndef AUDIO_MIXER_FADE_H
#define AUDIO_MIXER_FADE_H

#include <stdint.h>

/* A fade, out or in, is over within 5 ms (design 7); 4 ms leaves a margin for rounding. */
#define FADE_MS 4
#define FADE_RATE_MAX 192000
#define FADE_FRAMES_MAX (FADE_RATE_MAX / 1000 * FADE_MS)

struct fade {
	uint32_t frames;              /* 1..FADE_FRAMES_MAX */
	float down
		[FADE_FRAMES_MAX]; /* falls from almost 1 to almost 0, without a kink at either end */
};

void fade_init(struct fade *fade, uint32_t rate); /* 8000..FADE_RATE_MAX */

/* The factor of a fade-in `left` frames before its end (1..frames). */
static inline float fade_in_factor(const struct fade *fade, uint32_t left) {
	return fade->down[left - 1];
}

/* The factor of a fade-out `left` frames before its end (1..frames). */
static inline float fade_out_factor(const struct fade *fade, uint32_t left) {
	return fade->down[fade->frames - left];
}

#endif
