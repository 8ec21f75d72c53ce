/*
 * The receiving side of what a keeper grants (core/control.h): how a process takes its descriptors
 * before it starts. Every program lists what it takes; the rest is the same for all.
 *
 * Thread: the owner's, before its loop runs. Blocking is fine here.
 */
#ifndef CORE_GRANT_H
#define CORE_GRANT_H

#include <stddef.h>
#include <stdint.h>

#include "core/config.h"
#include "core/control.h"
#include "core/stats.h"

struct grant {
	uint32_t type; /* enum control_type */
	/* 0 or -errno. Descriptors that it keeps, it takes out of the packet; the rest is closed. */
	int (*take)(void *owner, struct control_packet *packet);
};

/* Receives from `control` up to START. What is in no row of `grants` is closed: a keeper may grant more
 * than this program has a use for. 0, -EPIPE: the keeper hung up before, or -errno. */
int grant_receive(int control, const struct grant *grants, size_t grants_len, void *owner);

/* Takers of what several programs are granted, each once and with one descriptor: else -EBADMSG. */
int grant_take_fd(struct control_packet *packet, int *fd); /* *fd: -1 */
int grant_take_stats(struct control_packet *packet, struct stats *stats, const char *role);
/* Maps it. *config is NULL. */
int grant_take_config(struct control_packet *packet, const struct config **config);

/* Tells the keeper that what comes after may start. 0 or -errno. */
int grant_ready(int control);

#endif
