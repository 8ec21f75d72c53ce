/*
 * The guest channel's end in the endpoint (protocol/guest_channel.h): one connection at a time, accepted
 * from the socket that the keeper granted; what the guest says goes to counters and, its heartbeat, to
 * the frame link.
 *
 *      LISTENING ── accepted ──> CONNECTED ── hung up, violation, flood ──> PAUSED ── relisten_ns ──┐
 *          ^───────────────────────────────────────────────────────────────────────────────────────┘
 *
 * While there is a connection the socket is not looked at: whoever comes waits for its end. The pause
 * keeps a peer that does nothing but connect from costing more than a connection a second.
 *
 * A guest that sends more than CHANNEL_LINES_PER_S lines in a second is disconnected; at each wake-up at
 * most CHANNEL_BYTES_PER_WAKE are read, so that the device is served meanwhile. A guest that does not
 * read its answers loses them.
 *
 * Thread: the loop's. No call blocks.
 */
#ifndef GPU_CHANNEL_H
#define GPU_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/frame_link.h"
#include "core/loop.h"
#include "core/stats.h"
#include "protocol/guest_channel.h"

#define CHANNEL_BYTES_PER_WAKE 1024
#define CHANNEL_LINES_PER_S 250 /* a heartbeat per frame, four times over */

struct channel_setup {
	struct loop *loop;       /* borrowed, as all of these are, but: */
	int listener;            /* taken over */
	struct frame_link *link; /* the producer's side */
	struct stats *stats;
	uint64_t relisten_ns;    /* 1.. */
	uint64_t (*now_ns)(void *data); /* CLOCK_MONOTONIC, or a test's */
	void *data;
};

struct channel {
	struct channel_setup setup;
	struct loop_source *listener, *connection, *pause; /* NULL: not there */
	int socket;              /* -1: no connection */
	struct guest_channel lines;
	bool greeted;            /* this connection said hello */
	uint64_t second_ns, second_lines; /* when the present second began, and lines in it */
	uint64_t heartbeats;     /* over all incarnations */
	_Atomic uint64_t *connections, *count, *number, *focus, *errors, *unanswered;
};

/* Takes the channel's place in memory: *channel stays where it is. 0 or -errno. */
int channel_init(struct channel *channel, const struct channel_setup *setup);
/* Also after a failed init. */
void channel_finish(struct channel *channel);

#endif
