/*
 * What the keeper grants a compositor before it starts: the descriptors it is made of.
 *
 * Thread: the compositor's, before its start. Blocking is fine here.
 */
#ifndef COMPOSITOR_GRANTS_H
#define COMPOSITOR_GRANTS_H

#include <stdint.h>

#include "core/config.h"
#include "core/cue.h"
#include "core/link.h"

/* All descriptors are owned; -1: not granted. */
struct grants {
	int config;
	int stats;
	int atlas;
	int outputs[CONFIG_OUTPUTS_MAX];
	int steps[CONFIG_OUTPUTS_MAX]; /* the outputs' step eventfds */
	int links[CONFIG_GUESTS_MAX][LINK_FDS];
	int processes[CONFIG_GUESTS_MAX]; /* pidfds of the links' producers */
	int safety; /* the safety page */
	int signals; /* the socket of signals */
	int cues[CUE_FDS];
	int watchdog;
	uint32_t watchdog_kind; /* enum config_watchdog_kind; NONE while there is no watchdog */
	int buzzer;
};

void grants_init(struct grants *grants);
void grants_finish(struct grants *grants); /* closes what was not taken out */

/* Receives from `socket` until START. 0, -ECONNRESET: the keeper hung up before, -EPROTO: it sent what
 * is not for us (logged), or -errno. */
int grants_receive(struct grants *grants, int socket);

#endif
