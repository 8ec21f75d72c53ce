#include "audio/mixer/realtime.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* A quantum is some milliseconds; whoever runs a second of it without sleeping is caught in a loop. */
#define RUN_LIMIT_US 1000000
#define STACK_BYTES (64 << 10)

int realtime_schedule(int priority) {
	struct sched_param param = { .sched_priority = priority };
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param) < 0) {
		return -errno;
	}
	struct rlimit limit = { .rlim_cur = RUN_LIMIT_US, .rlim_max = RUN_LIMIT_US };
	return setrlimit(RLIMIT_RTTIME, &limit) < 0 ? -errno : 0;
}

int realtime_lock_memory(void) {
	return mlockall(MCL_CURRENT | MCL_FUTURE) < 0 ? -errno : 0;
}

void realtime_touch_stack(void) {
	volatile unsigned char stack[STACK_BYTES];
	for (unsigned i = 0; i < sizeof(stack); i += 4096) {
		stack[i] = 0;
	}
}
