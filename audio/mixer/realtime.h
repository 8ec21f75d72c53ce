/*
 * What makes a thread a real-time one, where the system permits it.
 *
 * Thread: the one that is meant.
 */
#ifndef AUDIO_MIXER_REALTIME_H
#define AUDIO_MIXER_REALTIME_H

/* The mixer is above the endpoints that feed it. */
#define REALTIME_PRIORITY_MIXER 60
#define REALTIME_PRIORITY_SOUND 59

/* SCHED_FIFO for the calling thread, with a limit on how long it may run without sleeping, so that an
 * error here cannot take the machine. 0, or -EPERM: it goes on as it is. */
int realtime_schedule(int priority);

/* Every page of the process, now and later, stays in memory. 0 or -errno. */
int realtime_lock_memory(void);

/* Touches the stack that the calling thread is going to use. */
void realtime_touch_stack(void);

#endif
