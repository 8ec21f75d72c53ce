/*
 * What a fascia-gpu process is made of, however it was started: by the keeper, which grants everything
 * over the control socket, or alone, by QEMU's conventions for back-end programs
 * (docs/interop/vhost-user, "Backend program conventions").
 *
 * Thread: the loop's.
 */
#ifndef GPU_ENDPOINT_H
#define GPU_ENDPOINT_H

#include <stdbool.h>

#include "core/config.h"
#include "core/frame_link.h"
#include "core/loop.h"
#include "core/stats.h"
#include "gpu/null_display.h"
#include "protocol/vhost_listener.h"

struct endpoint {
	struct loop *loop;
	struct stats stats;
	struct frame_link link; /* the producer's side */
	const struct config *config; /* mapped; NULL when alone */
	struct config_gpu gpu; /* this guest's */
	char name[CONFIG_NAME_BYTES + 8]; /* in the log */
	struct vhost_listener listener;
	int channel_listener; /* of the guest channel; -1: none. Whoever uses it takes it over */
	int control; /* owned; -1: alone */
	struct loop_source *control_source;
	bool has_display; /* alone */
	struct null_display display;
};

/* How to run alone. */
struct endpoint_options {
	const char *socket_path; /* NULL: `fd` */
	int fd; /* listening or connected; taken over */
	uint32_t profile; /* enum config_profile */
	uint32_t modes_len;
	struct frame_mode modes[FRAME_LINK_CHANNELS];
};

/* Receives all grants, up to START. Takes over `control`. 0 or -errno, logged. */
int endpoint_init_granted(struct endpoint *endpoint, int control);
int endpoint_init_alone(struct endpoint *endpoint, const struct endpoint_options *options);
/* Also after a failed init. */
void endpoint_finish(struct endpoint *endpoint);

/* Tells the keeper, if there is one, that a VMM may connect. */
void endpoint_ready(struct endpoint *endpoint);

#endif
