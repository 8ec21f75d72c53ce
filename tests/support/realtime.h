/*
 * Threads of tests and benchmarks that must not be kept waiting by the load beside them.
 *
 * Thread: any.
 */
#ifndef TESTS_SUPPORT_REALTIME_H
#define TESTS_SUPPORT_REALTIME_H

#include <pthread.h>
#include <stdbool.h>

/* Starts a thread at this SCHED_FIFO priority, or as any other where that is not allowed; which it became
 * is in *is_realtime (may be NULL). 0 or -errno. */
int realtime_thread_create(
	pthread_t *thread, int priority, void *(*run)(void *), void *data, bool *is_realtime);

#endif
