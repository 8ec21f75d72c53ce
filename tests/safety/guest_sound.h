/*
 * The sound of a guest of the safety campaign: a stream of silence, kept as full as a player keeps it,
 * and a click in it when the master asks for one. Like a player it knows when a frame that it sends now
 * will be heard: its clock is the device's completions and what they say is still to be heard.
 *
 * A thread of its own, which connects again and again.
 *
 * Thread: guest_sound_start from one; the object lives as long as the process.
 */
#ifndef TESTS_SAFETY_GUEST_SOUND_H
#define TESTS_SAFETY_GUEST_SOUND_H

#include <pthread.h>
#include <stdint.h>

#include "tests/safety/cluster_guest.h"
#include "tests/vmm/vmm_snd.h"

#define GUEST_SOUND_RATE 48000

struct guest_sound {
	struct cluster_guest_shared *shared; /* borrowed */
	const char *socket;                  /* borrowed */
	struct vmm_ram ram;
	struct vmm_snd snd;
	uint64_t sent, done;  /* periods */
	uint64_t clock_ns;    /* at this moment ... */
	int64_t clock_frames; /* ... so many frames of the stream were heard */
	pthread_t thread;
};

/* 0 or -errno. */
int guest_sound_start(
	struct guest_sound *sound, struct cluster_guest_shared *shared, const char *socket);

#endif
