#include "core/clock.h"

#include <assert.h>
#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/macros.h"

uint64_t clock_now_ns(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static int ticker_open(enum ticker_kind kind, int step_fd) {
	switch (kind) {
	case TICKER_REAL: {
		int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
		return fd < 0 ? -errno : fd;
	}
	case TICKER_STEP:
		return step_fd >= 0 ? step_fd : -EBADF;
	case TICKER_IMMEDIATE:
		break;
	}
	return -EINVAL;
}

int ticker_init(struct ticker *ticker, enum ticker_kind kind, uint64_t period_ns, int step_fd) {
	assert(period_ns > 0);
	*ticker = (struct ticker) { .kind = kind, .period_ns = period_ns, .fd = -1 };
	if (kind == TICKER_IMMEDIATE) {
		return 0;
	}
	int fd = ticker_open(kind, step_fd);
	if (fd < 0) {
		return fd;
	}
	ticker->fd = fd;
	return 0;
}

void ticker_finish(struct ticker *ticker) {
	if (ticker->kind == TICKER_STEP) {
		ticker->fd = -1;
	}
	fd_close(&ticker->fd);
}

/* Setting a timer also forgets expiries that nobody read, so it makes the fd unreadable. */
static void ticker_arm(struct ticker *ticker) {
	uint64_t wake_ns = ticker->next_ns - ticker->lead_ns;
	struct itimerspec when = {
		.it_value = {
			.tv_sec = (time_t)(wake_ns / NS_PER_S),
			.tv_nsec = (long)(wake_ns % NS_PER_S),
		},
	};
	int rc = timerfd_settime(ticker->fd, TFD_TIMER_ABSTIME, &when, NULL);
	assert(rc == 0);
	(void)rc;
}

void ticker_start(struct ticker *ticker) {
	if (ticker->kind == TICKER_REAL) {
		ticker->next_ns = clock_now_ns() + ticker->period_ns;
		ticker_arm(ticker);
	}
}

void ticker_set_lead(struct ticker *ticker, uint64_t lead_ns) {
	ticker->lead_ns = MIN(lead_ns, ticker->period_ns / 2);
	if (ticker->kind == TICKER_REAL && ticker->next_ns != 0) {
		ticker_arm(ticker);
	}
}

void ticker_request(struct ticker *ticker) {
	ticker->requested = ticker->kind == TICKER_IMMEDIATE;
}

static bool take_real(struct ticker *ticker, uint64_t *due_ns) {
	if (ticker->next_ns == 0) {
		return false;
	}
	uint64_t now_ns = clock_now_ns();
	bool due = now_ns + ticker->lead_ns >= ticker->next_ns;
	if (due) {
		uint64_t passed = (now_ns + ticker->lead_ns - ticker->next_ns) / ticker->period_ns;
		*due_ns = ticker->next_ns + passed * ticker->period_ns;
		ticker->missed += passed;
		ticker->next_ns = *due_ns + ticker->period_ns;
	}
	ticker_arm(ticker);
	return due;
}

/* STEP and IMMEDIATE: a tick is due now, or none is. */
static bool take_asked(struct ticker *ticker, uint64_t *due_ns) {
	bool due = ticker->kind == TICKER_STEP ? fd_event_take(ticker->fd) > 0 : ticker->requested;
	ticker->requested = false;
	if (due) {
		*due_ns = clock_now_ns();
	}
	return due;
}

bool ticker_take(struct ticker *ticker, uint64_t *due_ns) {
	bool due = ticker->kind == TICKER_REAL ? take_real(ticker, due_ns)
					       : take_asked(ticker, due_ns);
	ticker->count += due;
	return due;
}

uint64_t ticker_ticks_from_ms(const struct ticker *ticker, uint32_t ms) {
	uint64_t ns = ms * NS_PER_MS;
	uint64_t ticks = ns / ticker->period_ns;
	/* a period is a rate's, cut to whole nanoseconds: 50 ms at 60 Hz are 3 ticks and 2 ns */
	ticks += ns % ticker->period_ns > ticks;
	return MAX(ticks, 1);
}
