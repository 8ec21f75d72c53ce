#include "audio/remix.h"

#include <assert.h>
#include <string.h>

enum position { FL, FR, FC, LFE, RL, RR, SL, SR };

static const enum position layouts[REMIX_CHANNELS_MAX + 1][REMIX_CHANNELS_MAX] = {
	[3] = { FL, FR, FC },
	[4] = { FL, FR, RL, RR },
	[5] = { FL, FR, RL, RR, FC },
	[6] = { FL, FR, RL, RR, FC, LFE },
	[7] = { FL, FR, RL, RR, FC, SL, SR },
	[8] = { FL, FR, RL, RR, FC, LFE, SL, SR },
};

#define M3DB 0.70710678f

static const float weights[][2] = {
	[FL] = { 1.0f, 0.0f },
	[FR] = { 0.0f, 1.0f },
	[FC] = { M3DB, M3DB },
	[LFE] = { 0.0f, 0.0f },
	[RL] = { M3DB, 0.0f },
	[RR] = { 0.0f, M3DB },
	[SL] = { M3DB, 0.0f },
	[SR] = { 0.0f, M3DB },
};

static void mono(const float *in, float *out, uint32_t frames) {
	for (uint32_t i = 0; i < frames; i++) {
		out[2 * i] = in[i];
		out[2 * i + 1] = in[i];
	}
}

static void mix_down(const float *in, unsigned channels, float *out, uint32_t frames) {
	float left[REMIX_CHANNELS_MAX], right[REMIX_CHANNELS_MAX];
	float sum = 0.0f; /* the layouts are symmetric: of one side */
	for (unsigned i = 0; i < channels; i++) {
		left[i] = weights[layouts[channels][i]][0];
		right[i] = weights[layouts[channels][i]][1];
		sum += left[i];
	}
	float scale = 1.0f / sum;
	for (uint32_t i = 0; i < frames; i++) {
		const float *frame = in + (size_t)channels * i;
		float l = 0.0f, r = 0.0f;
		for (unsigned j = 0; j < channels; j++) {
			l += frame[j] * left[j];
			r += frame[j] * right[j];
		}
		out[2 * i] = l * scale;
		out[2 * i + 1] = r * scale;
	}
}

void remix_to_stereo(const float *in, unsigned channels, float *out, uint32_t frames) {
	assert(channels >= 1 && channels <= REMIX_CHANNELS_MAX);
	if (channels == 1) {
		mono(in, out, frames);
	} else if (channels == 2) {
		memcpy(out, in, sizeof(float) * 2 * frames);
	} else {
		mix_down(in, channels, out, frames);
	}
}
