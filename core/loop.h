/*
 * The event loop of a process: epoll, with sources that may be removed while they are dispatched.
 *
 * All memory is taken by loop_init(); adding a source takes one of LOOP_SOURCES_MAX slots, so a
 * real-time process that adds its sources at start allocates nothing later. Handlers run in the
 * loop's thread, one at a time. A removed source's handler is not called again, even when its event
 * is already pending in the same round.
 *
 * Thread: all calls from the loop's thread; loop_quit() also from a signal handler.
 */
#ifndef CORE_LOOP_H
#define CORE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#define LOOP_SOURCES_MAX 128

struct loop;
struct loop_source; /* owned by the loop, valid until loop_remove() */

/* `events` is what epoll reported: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR. */
typedef void (*loop_handler)(void *data, uint32_t events);

struct loop *loop_create(void); /* NULL with errno */
void loop_destroy(struct loop *loop);

/* Watches `fd` (borrowed: the caller closes it after loop_remove). NULL with errno. */
struct loop_source *loop_add(
	struct loop *loop, int fd, uint32_t events, loop_handler handler, void *data);
int loop_modify(struct loop_source *source, uint32_t events); /* 0 or -errno */

/* Clears the caller's pointer. *source may be NULL. */
void loop_remove(struct loop_source **source);

/* A one-shot or periodic timer on CLOCK_MONOTONIC. Starts disarmed. */
struct loop_source *loop_add_timer(struct loop *loop, loop_handler handler, void *data);
/* First expiry in `first_ns` from now (0 disarms), then every `period_ns` (0: once). */
void loop_timer_set(struct loop_source *timer, uint64_t first_ns, uint64_t period_ns);

/* SIGTERM and SIGINT end the loop: blocks them and watches a signalfd. 0 or -errno. */
int loop_quit_on_signals(struct loop *loop);

/*
 * Called after every round of handlers, before sleeping: the place for work that is batched per
 * wake-up (one notification per drain). May be NULL.
 */
void loop_set_after(struct loop *loop, void (*after)(void *data), void *data);

/*
 * How long loop_run() goes on looking for events after the last one before it sleeps (default 0). Waking
 * up on a processor that went idle meanwhile can take longer than the work; this trades at most so
 * much processor time per burst of events for it.
 */
void loop_set_patience(struct loop *loop, uint64_t patience_ns);

/* Runs until loop_quit(). Returns the value given to loop_quit(). */
int loop_run(struct loop *loop);
/* One round: waits at most `timeout_ms` (-1: for ever, 0: not at all). Number of handlers called. */
int loop_dispatch(struct loop *loop, int timeout_ms);
void loop_quit(struct loop *loop, int status);

#endif
