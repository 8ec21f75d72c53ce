/*
 * What the keeper keeps: every descriptor of a service that must outlive the processes that use it.
 * Created once, before the first process; granted again to each that replaces another.
 *
 * Thread: the keeper's.
 */
#ifndef SERVICE_KEEPER_STORE_H
#define SERVICE_KEEPER_STORE_H

#include "core/config.h"
#include "core/link.h"
#include "service/keeper_safety.h"

struct store_guest {
	int frame_link[LINK_FDS];  /* -1: no gpu */
	int sample_link[LINK_FDS]; /* -1: no sound */
	int gpu_listener;
	int sound_listener;
	int channel_listener;
};

struct store {
	const struct config *config;
	int config_fd;
	int atlas_fd;
	int chimes_fd; /* -1: no chimes */
	int output[CONFIG_OUTPUTS_MAX];
	int step[CONFIG_OUTPUTS_MAX]; /* the eventfd of an @step output, else -1 */
	int sink;       /* the memory sink, else -1 */
	struct safety_store safety;
	struct store_guest guests[CONFIG_GUESTS_MAX];
};

/* What `fascia run` prepared. */
struct store_given {
	int config_fd;
	int atlas_fd;
	int chimes_fd; /* -1: no chimes */
};

/* Takes over the descriptors, also on error. Says in the log what could not be made. 0 or -errno. */
int store_init(struct store *store, const struct store_given *given);

/* Closes everything and removes the guests' sockets. */
void store_finish(struct store *store);

#endif
