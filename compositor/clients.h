/*
 * Who talks to the running compositor: the keeper, with later grants, and a few clients with layer
 * commands. One message a wake-up each, so that nobody can keep the compositor from its ticks for long.
 *
 * Thread: the loop's. Nothing allocates after clients_init().
 */
#ifndef COMPOSITOR_CLIENTS_H
#define COMPOSITOR_CLIENTS_H

#include "compositor/compositor.h"
#include "core/loop.h"

#define CLIENTS_MAX 4 /* more is no person at a command line */

struct client {
	struct clients *clients;
	int socket;                 /* owned; -1: free */
	struct loop_source *source;
};

struct clients {
	struct compositor *compositor; /* borrowed */
	struct loop *loop;             /* borrowed */
	int keeper;      /* borrowed */
	struct loop_source
		*keeper_source; /* NULL once the keeper is gone: that is no reason to stop */
	struct client items[CLIENTS_MAX];
};

/* Listens to the keeper's socket. 0 or -errno. */
int clients_init(
	struct clients *clients, struct compositor *compositor, struct loop *loop, int keeper);
void clients_finish(struct clients *clients);

#endif
