/*
 * One process of the service, kept alive.
 *
 *                 child_start()              READY
 *        IDLE ------------------> STARTING ----------> RUNNING
 *                                  |    ^                 |
 *              died, or not ready  |    | back-off over   | died
 *              in time (killed)    v    |                 |
 *                                 WAITING <---------------+
 *
 * Back-off: 100 ms after the first death, doubling to 5 s; anew after 10 s of good running. An endpoint
 * that ends well after it was READY (its session is over) is started again at once, and so is a
 * compositor that ran for a second. child_stop() ends in IDLE from everywhere.
 *
 * Thread: the keeper's.
 */
#ifndef SERVICE_KEEPER_CHILD_H
#define SERVICE_KEEPER_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/control.h"
#include "core/loop.h"
#include "core/stats.h"

enum child_role { CHILD_COMPOSITOR, CHILD_MIXER, CHILD_GPU, CHILD_SOUND };
enum child_state { CHILD_IDLE, CHILD_STARTING, CHILD_RUNNING, CHILD_WAITING };

struct child;

/* What the keeper does when something happened to a child. */
struct child_events {
	/* It was started: give it everything it is made of, then START. 0 or -errno. */
	int (*grant)(void *data, struct child *child);
	void (*handle_ready)(void *data, struct child *child);
	/* It died; it is WAITING, or IDLE when it was stopped. */
	void (*handle_death)(void *data, struct child *child);
};

/* What a child has of its keeper. All borrowed. */
struct child_keeper {
	struct loop *loop;
	int lock; /* of the runtime directory */
	struct stats *stats;
	const struct child_events *events;
	void *data; /* handed to every event */
};

struct child {
	enum child_role role;
	uint32_t guest;  /* index; of endpoints */
	char name[CONTROL_NAME_BYTES];
	enum child_state state;
	bool stopping;
	pid_t pid;       /* 0: not alive */
	int pidfd;       /* -1: not alive */
	int control;     /* our end of its socket; -1: none */
	int stats_fd;
	unsigned deaths; /* since it last ran well */
	uint64_t started_ns;
	uint64_t backoff_ns; /* before the next start after a death */

	struct child_keeper keeper;
	struct loop_source *pid_source;     /* NULL: not alive */
	struct loop_source *control_source; /* NULL: none */
	struct loop_source *timer;
	_Atomic uint64_t *stats_state;
	_Atomic uint64_t *stats_starts;
	_Atomic uint64_t *stats_crashes;
};

/* `child` stays where it is; `guest_name` is NULL for those without a guest. 0 or -errno, then there is
 * nothing to finish. */
int child_init(struct child *child, const struct child_keeper *keeper, enum child_role role,
	uint32_t guest, const char *guest_name);
/* The process must be dead. */
void child_finish(struct child *child);

/* Starts an IDLE child. It may be WAITING afterwards. */
void child_start(struct child *child);

/* Asks it to end (SIGTERM; also one that is stopped). */
void child_stop(struct child *child);
void child_kill(struct child *child);
bool child_is_alive(const struct child *child);

/* Sends it a message; a child whose socket is full is killed, its successor will know. */
int child_send(struct child *child, const struct control_packet *packet);

#endif
