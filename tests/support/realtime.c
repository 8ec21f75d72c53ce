#include "tests/support/realtime.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>

static int create(pthread_t *thread, int priority, void *(*run)(void *), void *data) {
	pthread_attr_t attributes;
	const struct sched_param parameter = { .sched_priority = priority };
	pthread_attr_init(&attributes);
	pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
	pthread_attr_setschedparam(&attributes, &parameter);
	int error = pthread_create(thread, &attributes, run, data);
	pthread_attr_destroy(&attributes);
	return -error;
}

int realtime_thread_create(
	pthread_t *thread, int priority, void *(*run)(void *), void *data, bool *is_realtime) {
	int error = create(thread, priority, run, data);
	if (is_realtime != NULL) {
		*is_realtime = error == 0;
	}
	return error == -EPERM ? -pthread_create(thread, NULL, run, data) : error;
}
