/*
 * The mixer's process: what the keeper granted, the real-time thread, and who lives at the other ends.
 *
 *      loop's thread:   control socket, pidfds of the producers ──atomic flags──┐
 *      real-time thread: sink tick ──> cycle ──> sink, quantum to all links <───┘
 *
 * The loop's thread makes and maps everything before the other one starts; from then on it only sets
 * flags, so that the real-time thread never takes a lock, allocates or logs.
 *
 * Thread: the loop's.
 */
#ifndef AUDIO_MIXER_SERVICE_H
#define AUDIO_MIXER_SERVICE_H

#include <pthread.h>
#include <stdbool.h>

#include "audio/mixer/cycle.h"
#include "core/config.h"
#include "core/control.h"
#include "core/loop.h"
#include "core/stats.h"

struct mixer_service;

struct mixer_peer {
	struct mixer_service *service;
	unsigned guest;
	struct link link;
	bool has_link;
	int pidfd;               /* -1: unknown */
	struct loop_source *source;
};

struct mixer_service {
	struct loop *loop;
	int control;             /* owned */
	struct loop_source *control_source;
	const struct config *config;
	struct stats stats;
	int memory_fd;           /* of the memory sink; -1: none */
	struct cue_player cues;
	bool has_cues;
	int chimes_fd;           /* the bank; -1: none */
	struct chimes chimes;
	struct mixer_peer peers[CONFIG_GUESTS_MAX];
	struct mixer mixer;
	struct safety_voice voice;
	struct sink *sink;
	struct cycle cycle;
	int quit_fd;             /* eventfd that ends the real-time thread */
	pthread_t thread;
	bool has_thread;
};

/* Receives the grants up to START on `control` (taken over), starts to mix and says READY. 0 or
 * -errno, logged. */
int mixer_service_init(struct mixer_service *service, int control);
/* Also after a failed init. */
void mixer_service_finish(struct mixer_service *service);

#endif
