/*
 * Control messages: fixed-size messages with descriptors over SOCK_SEQPACKET.
 *
 * Two uses, one format:
 *   keeper <-> child   a socket pair, CONTROL_FD in the child. First the keeper grants what the child
 *                      is made of, each with its descriptors, then START; the child answers READY.
 *                      While it runs, grants may follow (a peer's new pidfd, a client).
 *   client <-> keeper  the unix socket RUNTIME_DIR/keeper: `fascia status` and friends. A request, its
 *                      replies, END. A client that wants to talk to the compositor asks CLIENT and gets
 *                      one end of a fresh pair whose other end the compositor was granted.
 *
 * Every message is exactly sizeof(struct control_message); anything else ends the connection.
 * Sending never blocks: a peer whose socket is full is a broken peer (-EAGAIN).
 *
 * Thread: the owner's.
 */
#ifndef CORE_CONTROL_H
#define CORE_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#include "core/link.h"

#define CONTROL_FD 3 /* the socket's number in every child */
#define CONTROL_FDS_MAX 6
#define CONTROL_NAME_BYTES 32

enum control_type {
	CONTROL_NONE,

	/* keeper -> child: grants. `index` as noted, `name` the thing's name */
	CONTROL_CONFIG,      /* fds: the sealed configuration; index: this child's own guest */
	CONTROL_STATS,       /* fds: its statistics page */
	CONTROL_ATLAS,       /* fds: the sealed atlas */
	CONTROL_LISTENER,    /* fds: a listening socket, shared with the keeper */
	CONTROL_FRAME_LINK,  /* fds: LINK_FDS; index: guest */
	CONTROL_SAMPLE_LINK, /* fds: LINK_FDS; index: guest */
	CONTROL_OUTPUT,      /* fds: the output's memory, [step eventfd]; index: output */
	CONTROL_SINK,        /* fds: the memory sink's memory */
	CONTROL_PEER,        /* fds: pidfd of the process at a link's other end; index: guest;
	                      * arg[0]: 0 frame link, 1 sample link. Readable pidfd: that process died */
	CONTROL_CLIENT,      /* fds: a client's socket */
	CONTROL_SAFETY,      /* fds: the safety page (core/safety_page.h), writable */
	CONTROL_SIGNALS,     /* fds: the bound datagram socket of signals (core/signals.h) */
	CONTROL_CUES,        /* fds: CUE_FDS, as this side may have them */
	CONTROL_CHIMES,      /* fds: the sealed bank of chimes */
	CONTROL_WATCHDOG,    /* fds: what is petted; arg[0]: enum config_watchdog_kind */
	CONTROL_BUZZER,      /* fds: where "1" is written to ask for the buzzer */
	CONTROL_CHANNEL,     /* fds: the guest channel's listening socket; index: guest */
	CONTROL_START,       /* all initial grants were sent */

	/* child -> keeper */
	CONTROL_READY,       /* first light, or accepting: what comes after may start */

	/* client -> keeper, answered by zero or more replies of the same type, then END */
	CONTROL_GET_STATS,   /* replies: name, fds: a read-only statistics page */
	CONTROL_GET_OUTPUT,  /* name ("": the first); reply: read-only memory, [step eventfd] */
	CONTROL_GET_SINK,    /* reply: read-only memory of the sink */
	CONTROL_GET_CONFIG,  /* reply: the sealed configuration */
	CONTROL_GET_SAFETY,  /* reply: the read-only safety page */
	CONTROL_GET_CLIENT,  /* name: "compositor"; reply: a socket to it */
	CONTROL_END,         /* arg[0]: 0 or errno; text: what was wrong and what to do */

	/* client -> compositor over a CLIENT socket, answered by END with arg[1]: CLOCK_MONOTONIC, ns, when it
	 * was done, so that it holds for each picture complete after that and for none before */
	CONTROL_LAYER, /* name: layer; arg[0]: enum control_layer; arg[1..]: its values */
	CONTROL_ACKNOWLEDGE, /* name: layer or output ("": all): ends quarantine, latch and safe state */
	CONTROL_ANALYZE, /* name: layer; replies: text, a reason or fact each */
	CONTROL_INJECT, /* core/inject.h */
	CONTROL_MECHANISM, /* name: mechanism; arg[0]: 0 off, 1 on */

	CONTROL_TYPES,
};

enum control_layer {
	CONTROL_LAYER_AT, /* x, y (signed) */
	CONTROL_LAYER_SIZE, /* width, height */
	CONTROL_LAYER_Z, /* z (signed) */
	CONTROL_LAYER_OPACITY, /* 0..255 */
	CONTROL_LAYER_VISIBLE, /* 0 or 1 */
	CONTROL_LAYER_CONNECT, /* 0 or 1: unplugs or plugs the guest's display */
};

struct control_message {
	uint32_t type; /* enum control_type */
	uint32_t index;
	int64_t arg[4];
	char name[CONTROL_NAME_BYTES]; /* NUL-terminated */
	char text[128]; /* NUL-terminated */
};

struct control_packet {
	struct control_message message;
	int fds[CONTROL_FDS_MAX]; /* received: owned by whoever received; sent: borrowed */
	size_t fds_len;
};

/* 0 or -errno: -EAGAIN the peer does not read. */
int control_send(int socket, const struct control_packet *packet);
/* 1: a packet of a known type, strings terminated and printable, descriptors close-on-exec. 0: the peer
 * hung up. -EAGAIN: nothing there. -EBADMSG: not of our format, everything that came with it is closed.
 * Which descriptors a type must carry is for the receiver to check. */
int control_receive(int socket, struct control_packet *packet);
/* Like it, but waits up to `timeout_ms` per packet (-1: for ever): -ETIMEDOUT. For clients and for
 * start-up; a process that serves others has a loop. */
int control_receive_wait(int socket, struct control_packet *packet, int timeout_ms);
void control_close_fds(struct control_packet *packet);

#endif
