/*
 * The part of a processor that a sound endpoint takes for itself. It runs in real time, above the
 * compositor, and how much it has to do is up to its guest: a queue that never runs dry and a kick that
 * never ends are legal. So it runs for at most CPU_SHARE_RUN_NS (and the handlers that reach that) of
 * each window, and sleeps for the rest of it. A stream needs some 2 % at most.
 *
 * Thread: any; the times are the caller's.
 */
#ifndef AUDIO_CPU_SHARE_H
#define AUDIO_CPU_SHARE_H

#include <stdint.h>

#include "core/clock.h"

#define CPU_SHARE_WINDOW_NS (10 * NS_PER_MS)
#define CPU_SHARE_RUN_NS (3 * NS_PER_MS)

struct cpu_share { /* all zero: not begun */
	uint64_t begin_ns; /* of the window */
	uint64_t begin_cpu_ns; /* used before it */
};

/* How long to sleep now; 0: not at all. `cpu_ns`: what the thread has used so far. */
uint64_t cpu_share_rest_ns(struct cpu_share *share, uint64_t now_ns, uint64_t cpu_ns);

#endif
