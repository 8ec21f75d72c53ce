/*
 * What a fascia-sound process is made of, however it was started: by the keeper, which grants
 * everything over the control socket, or alone, by QEMU's conventions for back-end programs.
 *
 * One connection per process: it is served, and the process ends with it; the keeper starts the next.
 *
 * Thread: the loop's.
 */
#ifndef AUDIO_SOUND_ENDPOINT_H
#define AUDIO_SOUND_ENDPOINT_H

#include <stdbool.h>

#include "audio/cpu_share.h"
#include "audio/null_consumer.h"
#include "audio/sound_device.h"
#include "core/config.h"
#include "protocol/vhost_listener.h"

struct sound_endpoint {
	struct loop *loop;
	struct stats stats;
	char name[CONFIG_NAME_BYTES + 8]; /* in the log */
	const struct config *config;      /* mapped; NULL: alone */
	struct link link;                 /* producer side */
	bool has_link;
	uint32_t streams, rate, quantum_frames;
	struct vhost_listener listener;
	int control;        /* owned; -1: alone */
	struct loop_source *control_source;
	struct null_consumer consumer;    /* alone */
	struct sound_device *device;
	struct cpu_share share; /* in real time */
};

struct sound_endpoint_options {
	const char *socket_path; /* NULL: `fd` */
	int fd;    /* listening or connected; taken over */
	uint32_t streams, rate, quantum_frames;
};

/* Receives the grants up to START. Takes over `control`. 0 or -errno, logged. */
int sound_endpoint_init_granted(struct sound_endpoint *endpoint, int control);
int sound_endpoint_init_alone(
	struct sound_endpoint *endpoint, const struct sound_endpoint_options *options);
/* Also after a failed init. */
void sound_endpoint_finish(struct sound_endpoint *endpoint);

/* Serves one connection until it ends. The process' exit status. */
int sound_endpoint_run(struct sound_endpoint *endpoint);

#endif
