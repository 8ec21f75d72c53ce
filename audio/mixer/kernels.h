/*
 * The arithmetic of the mixer on blocks of stereo frames (interleaved 32-bit float, full scale 1.0).
 *
 * Thread: any; no state, no system call, no allocation.
 */
#ifndef AUDIO_MIXER_KERNELS_H
#define AUDIO_MIXER_KERNELS_H

#include <stdint.h>

#define MIX_CHANNELS 2

/*
 * Makes samples harmless, in place: what is not a number or infinite becomes 0, denormals become 0,
 * what is beyond full scale is limited to it. Samples from -1 to 1 keep every bit. Without this one
 * producer could silence all others (NaN) or slow everyone down (denormals).
 */
void kernel_scrub(float *samples, uint32_t frames);

/* samples *= gain; a gain of 1 changes nothing. */
void kernel_scale(float *samples, uint32_t frames, float gain);

/* samples *= gain, gain + step, ...: the first frame gets `gain`. */
void kernel_ramp(float *samples, uint32_t frames, float gain, float step);

/* mix += samples */
void kernel_add(float *mix, const float *samples, uint32_t frames);

/* The last guard before the sink: limits to -1..1. */
void kernel_clip(float *samples, uint32_t frames);

#endif
