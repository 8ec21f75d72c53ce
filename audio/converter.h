/*
 * A converter: a stream of a guest's bytes into frames of the mix (stereo, 32-bit float, mix rate).
 *
 *      bytes ──> pcm_format ──> remix ──> rate (speexdsp; equal rates bypass it) ──> frames
 *
 * Equal rates and S16 stereo keep every bit. The rate filter delays by converter_delay_frames().
 *
 * Thread: the owner's. Nothing after converter_init() allocates.
 */
#ifndef AUDIO_CONVERTER_H
#define AUDIO_CONVERTER_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/pcm_format.h"

/* The most one converter_run() makes; so many bytes are the most it takes. */
#define CONVERTER_OUT_FRAMES 1024
#define CONVERTER_IN_FRAMES 256
#define CONVERTER_FRAME_BYTES_MAX 64 /* 8 channels of 8 bytes */

struct converter {
	const struct pcm_format *format;
	uint32_t channels;
	uint32_t frame_bytes;
	uint32_t rate_in, rate_out;
	uint32_t block_frames;   /* the most converter_run() takes */
	void *resampler;         /* NULL: equal rates */
	uint64_t in_frames;      /* taken since the last reset */
	uint64_t out_frames;     /* made since then */
	uint32_t silence_frames; /* flushed through since the last real frame */
};

/* channels: 1..8; rates: 5512..384000 to 8000..192000. 0 or -ENOMEM. */
int converter_init(struct converter *converter, const struct pcm_format *format, uint32_t channels,
	uint32_t rate_in, uint32_t rate_out);
void converter_finish(struct converter *converter); /* a zeroed one is legal */

/* Forgets what was played. */
void converter_reset(struct converter *converter);

/* How many frames of the guest's make about `out_frames`, at least 1 and at most one run takes. */
uint32_t converter_in_frames(const struct converter *converter, uint32_t out_frames);

/* Converts `frames` frames (at most block_frames). Returns how many came out, at most
 * CONVERTER_OUT_FRAMES. */
uint32_t converter_run(
	struct converter *converter, const uint8_t *data, uint32_t frames, float *out);

/* Silence in, so that the last samples come out of the filter. Returns how many frames came out, at
 * most CONVERTER_OUT_FRAMES; 0 when all did (equal rates: always). */
uint32_t converter_flush(struct converter *converter, float *out);

/* Frames of the guest's that went in and have not come out. */
uint32_t converter_delay_frames(const struct converter *converter);

#endif
