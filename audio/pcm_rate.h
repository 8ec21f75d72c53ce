/*
 * The frame rates a guest may play (virtio 1.4, 5.14.6.6.2.1): all of them. Linux knows the first
 * thirteen and ignores the others.
 *
 * Thread: any; no state.
 */
#ifndef AUDIO_PCM_RATE_H
#define AUDIO_PCM_RATE_H

#include <stdint.h>

/* By the wire's number, which may be anything: Hz, or 0: not offered. */
uint32_t pcm_rate_from_index(unsigned index);

/* The offered rates as bits. */
uint64_t pcm_rate_mask(void);

#endif
