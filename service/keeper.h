/*
 * The keeper: opens, holds, spawns, respawns; and tells who asks. See docs/architecture.md.
 *
 * It parses nothing: it gets the compiled configuration and the atlas from `fascia run` by control
 * messages (CONFIG, ATLAS, CHIMES when there are any, START), and answers READY when everything runs, or END with a text when it
 * gives up.
 *
 * Thread: one.
 */
#ifndef SERVICE_KEEPER_H
#define SERVICE_KEEPER_H

#include <stdbool.h>

#include "core/config.h"
#include "core/loop.h"
#include "core/stats.h"
#include "service/keeper_beat.h"
#include "service/keeper_child.h"
#include "service/keeper_store.h"
#include "service/keeper_watch.h"

#define KEEPER_CHILDREN_MAX (2 + 2 * CONFIG_GUESTS_MAX)
#define KEEPER_CLIENTS_MAX 16
#define KEEPER_SOCKET "keeper" /* in the runtime directory */

struct keeper_client {
	struct keeper *keeper;
	int socket;                 /* -1: a free place */
	struct loop_source *source; /* NULL: a free place */
};

struct keeper {
	struct loop *loop;
	struct stats stats;
	int stats_fd;
	struct store store;
	struct child children[KEEPER_CHILDREN_MAX]; /* in the order in which they start */
	struct watch watches[KEEPER_CHILDREN_MAX];  /* of the child with the same index */
	unsigned children_len;
	struct beat beat; /* of the compositor */
	bool started;  /* everything was READY once */
	bool stopping;
	bool failed;   /* it never came up */
	struct loop_source *stop_timer;
	struct loop_source *watch_timer;
	struct loop_source *beat_timer;
	int signals;
	struct loop_source *signals_source;
	int run;   /* the socket to `fascia run`; -1 once it is gone */
	struct loop_source *run_source; /* NULL: gone */
	int listener;                   /* RUNTIME_DIR/keeper */
	struct loop_source *listener_source;
	struct keeper_client clients[KEEPER_CLIENTS_MAX];
};

/* ---- keeper_grants.c ---- */

/* Gives a child everything it is made of, its living peers included, then START. 0 or -errno. */
int keeper_grant(struct keeper *keeper, struct child *child);

/* Tells a child's living peers which process is at the other end of their links now. */
void keeper_announce(struct keeper *keeper, const struct child *child);

/* ---- keeper_clients.c ---- */

/* Opens the socket for clients. 0 or -errno. */
int keeper_clients_init(struct keeper *keeper);
void keeper_clients_finish(struct keeper *keeper);

/* NULL: there is none. `guest` is 0 for those without a guest. */
struct child *keeper_find_child(struct keeper *keeper, enum child_role role, uint32_t guest);

#endif
