/*
 * The sound of the turn signal: a short click every half second while it is on, silence while it is not,
 * played by a thread of its own. Its rhythm counts samples, so it is exact in a recording whatever the
 * machine's speed.
 *
 * Thread: start and stop from one, switch from any; nothing else is shared.
 */
#ifndef TESTS_GUEST_PROGRAMS_TURN_CLICK_H
#define TESTS_GUEST_PROGRAMS_TURN_CLICK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#define TURN_CLICK_RATE 48000
#define TURN_CLICK_HZ 3400 /* no partial of a chime is near */
#define TURN_CLICK_PERIOD_FRAMES (TURN_CLICK_RATE / 2)

struct turn_click {
	const char *device; /* ALSA name, "hw:0,0" */
	pthread_t thread;
	atomic_bool stop, is_on;
};

/* 0 or -errno of the thread; a missing sound card is tried again every second. */
int turn_click_start(struct turn_click *click, const char *device);
void turn_click_stop(struct turn_click *click);
void turn_click_switch(struct turn_click *click, bool is_on);

#endif
