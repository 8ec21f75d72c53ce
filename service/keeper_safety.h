/*
 * What the keeper keeps for safety: the fault log that outlives the compositor, the way signals come in,
 * cues between compositor and mixer, and what the compositor pets and rings. Made before the first
 * process, so that a watchdog runs from the start and a wrong path is said at once.
 *
 * Thread: the keeper's.
 */
#ifndef SERVICE_KEEPER_SAFETY_H
#define SERVICE_KEEPER_SAFETY_H

#include "core/config.h"
#include "core/cue.h"

#define SAFETY_SIGNALS "signals" /* in the runtime directory */

struct safety_store {
	int page;          /* core/safety_page.h */
	int signals;       /* the bound datagram socket; -1: none are expected */
	int cues[CUE_FDS]; /* -1: no chimes */
	int watchdog;      /* -1: none */
	int buzzer;        /* -1: none */
};

void safety_store_clear(struct safety_store *safety);

/* Says in the log what could not be made or opened, and what to do. 0 or -errno; what was made until
 * then is safety_store_finish()'s. */
int safety_store_init(struct safety_store *safety, const struct config *config);

/* Closes everything and removes the socket. The end of the keeper is an orderly one: a watchdog device
 * is told so before it is closed. */
void safety_store_finish(struct safety_store *safety, const struct config *config);

#endif
