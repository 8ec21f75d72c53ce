/*
 * One to eight channels to the mix' two. Channels are in the order ALSA gives them without a map: mono;
 * FL FR; FL FR FC; quad FL FR RL RR; 5.0 FL FR RL RR FC; 5.1 FL FR RL RR FC LFE; 7.0 and 7.1 with SL
 * SR at the end.
 *
 * Mono goes to both sides and stereo through, both bit for bit. More are mixed down after ITU-R
 * BS.775 (centre and surround at -3 dB, no LFE), scaled so that full scale on all channels does not
 * clip.
 *
 * Thread: any; no state.
 */
#ifndef AUDIO_REMIX_H
#define AUDIO_REMIX_H

#include <stdint.h>

#define REMIX_CHANNELS_MAX 8

/* `in`: frames of `channels` (1..REMIX_CHANNELS_MAX) samples; `out`: frames of two. Not in place. */
void remix_to_stereo(const float *in, unsigned channels, float *out, uint32_t frames);

#endif
