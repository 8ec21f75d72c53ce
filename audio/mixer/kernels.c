#include "audio/mixer/kernels.h"

#include <string.h>

/*
 * On the bits, not with isnan(): this holds under -ffast-math as well, has no branches, and the
 * compiler makes vector code of it.
 */
static float scrub(float sample) {
	uint32_t bits;
	memcpy(&bits, &sample, sizeof(bits));
	uint32_t magnitude = bits & UINT32_C(0x7fffffff);
	uint32_t sign = bits & UINT32_C(0x80000000);
	uint32_t result = bits;
	result = magnitude > UINT32_C(0x3f800000) ? sign | UINT32_C(0x3f800000) : result;
	result = magnitude >= UINT32_C(0x7f800000) ? 0 : result;
	result = magnitude < UINT32_C(0x00800000) ? 0 : result;
	memcpy(&sample, &result, sizeof(sample));
	return sample;
}

void kernel_scrub(float *samples, uint32_t frames) {
	for (uint32_t i = 0; i < frames * MIX_CHANNELS; i++) {
		samples[i] = scrub(samples[i]);
	}
}

void kernel_scale(float *samples, uint32_t frames, float gain) {
	if (gain == 1.0f) {
		return;
	}
	for (uint32_t i = 0; i < frames * MIX_CHANNELS; i++) {
		samples[i] *= gain;
	}
}

void kernel_ramp(float *samples, uint32_t frames, float gain, float step) {
	for (uint32_t i = 0; i < frames; i++) {
		/* not a running sum: its error would be heard as a jump at the ramp's end */
		float factor = gain + step * (float)i;
		samples[MIX_CHANNELS * i] *= factor;
		samples[MIX_CHANNELS * i + 1] *= factor;
	}
}

void kernel_add(float *restrict mix, const float *restrict samples, uint32_t frames) {
	for (uint32_t i = 0; i < frames * MIX_CHANNELS; i++) {
		mix[i] += samples[i];
	}
}

void kernel_clip(float *samples, uint32_t frames) {
	for (uint32_t i = 0; i < frames * MIX_CHANNELS; i++) {
		float sample = samples[i];
		sample = sample > 1.0f ? 1.0f : sample;
		samples[i] = sample < -1.0f ? -1.0f : sample;
	}
}
