#include "core/loop.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fd.h"
#include "core/macros.h"

/*
 * What epoll carries is slot index and generation, not a pointer: a slot that was removed, and perhaps
 * taken again, within a round has another generation than the events pending for it.
 */
struct loop_source {
	struct loop *loop;
	int fd;
	bool used;
	bool owned; /* a timer or the loop's own: closed with the source */
	bool timer;
	uint32_t generation;
	loop_handler handler;
	void *data;
};

struct loop {
	int epoll_fd;
	int wake_fd; /* what loop_quit() writes */
	_Atomic bool quit;
	_Atomic int status;
	uint64_t patience_ns;
	void (*after)(void *data); /* may be NULL */
	void *after_data;
	struct loop_source sources[LOOP_SOURCES_MAX];
	struct epoll_event events[LOOP_SOURCES_MAX];
};

static uint64_t source_key(const struct loop_source *source) {
	return (uint64_t)source->generation << 32 | (uint64_t)(source - source->loop->sources);
}

static void handle_wake(void *data, uint32_t events) {
	struct loop *loop = data;
	fd_event_take(loop->wake_fd);
}

struct loop *loop_create(void) {
	struct loop *loop = calloc(1, sizeof(*loop));
	if (loop == NULL) {
		return NULL;
	}
	loop->wake_fd = -1;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		goto destroy_loop;
	}
	loop->wake_fd = fd_eventfd_create(false);
	if (loop->wake_fd < 0) {
		errno = -loop->wake_fd;
		goto destroy_loop;
	}
	if (loop_add(loop, loop->wake_fd, EPOLLIN, handle_wake, loop) == NULL) {
		goto destroy_loop;
	}
	return loop;

destroy_loop:
	loop_destroy(loop);
	return NULL;
}

void loop_destroy(struct loop *loop) {
	if (loop == NULL) {
		return;
	}
	int saved_errno = errno;
	for (size_t i = 0; i < LOOP_SOURCES_MAX; i++) {
		struct loop_source *source = &loop->sources[i];
		if (source->used && source->owned) {
			fd_close(&source->fd);
		}
	}
	fd_close(&loop->wake_fd);
	fd_close(&loop->epoll_fd);
	free(loop);
	errno = saved_errno;
}

static struct loop_source *free_slot(struct loop *loop) {
	for (size_t i = 0; i < LOOP_SOURCES_MAX; i++) {
		if (!loop->sources[i].used) {
			return &loop->sources[i];
		}
	}
	errno = ENOSPC;
	return NULL;
}

struct loop_source *loop_add(
	struct loop *loop, int fd, uint32_t events, loop_handler handler, void *data) {
	assert(handler != NULL);
	struct loop_source *source = free_slot(loop);
	if (source == NULL) {
		return NULL;
	}
	*source = (struct loop_source) {
		.loop = loop,
		.fd = fd,
		.used = true,
		.generation = source->generation + 1,
		.handler = handler,
		.data = data,
	};
	struct epoll_event event = { .events = events, .data.u64 = source_key(source) };
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
		source->used = false;
		return NULL;
	}
	return source;
}

int loop_modify(struct loop_source *source, uint32_t events) {
	assert(source->used);
	struct epoll_event event = { .events = events, .data.u64 = source_key(source) };
	int rc = epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event);
	return rc == 0 ? 0 : -errno;
}

void loop_remove(struct loop_source **source_ptr) {
	struct loop_source *source = *source_ptr;
	*source_ptr = NULL;
	if (source == NULL) {
		return;
	}
	assert(source->used);
	int saved_errno = errno;
	epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	errno = saved_errno;
	source->used = false;
	if (source->owned) {
		fd_close(&source->fd);
	}
}

/* Watches a descriptor that the loop closes, also when this fails. */
static struct loop_source *add_owned(struct loop *loop, int fd, loop_handler handler, void *data) {
	struct loop_source *source = loop_add(loop, fd, EPOLLIN, handler, data);
	if (source == NULL) {
		fd_close(&fd);
		return NULL;
	}
	source->owned = true;
	return source;
}

struct loop_source *loop_add_timer(struct loop *loop, loop_handler handler, void *data) {
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0) {
		return NULL;
	}
	struct loop_source *source = add_owned(loop, fd, handler, data);
	if (source != NULL) {
		source->timer = true;
	}
	return source;
}

static struct timespec timespec_from_ns(uint64_t ns) {
	return (struct timespec) {
		.tv_sec = (time_t)(ns / NS_PER_S),
		.tv_nsec = (long)(ns % NS_PER_S),
	};
}

void loop_timer_set(struct loop_source *timer, uint64_t first_ns, uint64_t period_ns) {
	assert(timer->used && timer->timer);
	struct itimerspec when = {
		.it_value = timespec_from_ns(first_ns),
		.it_interval = timespec_from_ns(first_ns == 0 ? 0 : period_ns),
	};
	int rc = timerfd_settime(timer->fd, 0, &when, NULL);
	assert(rc == 0);
	(void)rc;
}

static void handle_signal(void *data, uint32_t events) {
	struct loop *loop = data;
	loop_quit(loop, 0);
}

int loop_quit_on_signals(struct loop *loop) {
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	int fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0) {
		return -errno;
	}
	if (add_owned(loop, fd, handle_signal, loop) == NULL) {
		return -errno;
	}
	return -pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

void loop_set_after(struct loop *loop, void (*after)(void *data), void *data) {
	loop->after = after;
	loop->after_data = data;
}

/* The source an event is for, if it should still be told. */
static struct loop_source *event_source(struct loop *loop, const struct epoll_event *event) {
	struct loop_source *source = &loop->sources[event->data.u64 & UINT32_MAX];
	if (!source->used || source_key(source) != event->data.u64) {
		return NULL;
	}
	/* no expiry to read: a handler before it in this round set the timer anew */
	if (source->timer && fd_event_take(source->fd) == 0) {
		return NULL;
	}
	return source;
}

int loop_dispatch(struct loop *loop, int timeout_ms) {
	int len = epoll_wait(loop->epoll_fd, loop->events, ARRAY_LEN(loop->events), timeout_ms);
	int called = 0;
	for (int i = 0; i < len; i++) {
		struct loop_source *source = event_source(loop, &loop->events[i]);
		if (source != NULL) {
			source->handler(source->data, loop->events[i].events);
			called++;
		}
	}
	if (loop->after != NULL) {
		loop->after(loop->after_data);
	}
	return called;
}

void loop_set_patience(struct loop *loop, uint64_t patience_ns) {
	loop->patience_ns = patience_ns;
}

/* Looks for events without sleeping, until there was none for as long as the patience lasts. */
static void look_on(struct loop *loop) {
	uint64_t end_ns = clock_now_ns() + loop->patience_ns;
	while (!atomic_load(&loop->quit) && clock_now_ns() < end_ns) {
		if (loop_dispatch(loop, 0) > 0) {
			end_ns = clock_now_ns() + loop->patience_ns;
		}
	}
}

int loop_run(struct loop *loop) {
	while (!atomic_load(&loop->quit)) {
		loop_dispatch(loop, -1);
		if (loop->patience_ns > 0) {
			look_on(loop);
		}
	}
	atomic_store(&loop->quit, false);
	return atomic_load(&loop->status);
}

void loop_quit(struct loop *loop, int status) {
	atomic_store(&loop->status, status);
	atomic_store(&loop->quit, true);
	fd_event_signal(loop->wake_fd);
}
