/*
 * The states of a PCM stream and the commands that move it (virtio 1.3, 5.14.6.6.1).
 *
 *                 ┌────────────────────────────┐
 *                 v  SET_PARAMS                │
 *      INITIAL ─> PARAMS ──PREPARE──> PREPARED ┤──START──> RUNNING ──STOP──> STOPPED
 *                 ^  ^                 ^   │ ^ │              ^                │  │
 *                 │  └─── (itself) ────┘   │ └─┘ (itself)     └─────START──────┘  │
 *                 │                        │                                      │
 *                 └──SET_PARAMS── RELEASED <┴──────────────RELEASE────────────────┘
 *                                    └──PREPARE──> PREPARED
 *
 * What is not drawn is refused with BAD_MSG and changes nothing.
 *
 * Thread: any; no state of its own.
 */
#ifndef AUDIO_STREAM_STATE_H
#define AUDIO_STREAM_STATE_H

#include <stdbool.h>

enum stream_state {
	STREAM_INITIAL,
	STREAM_PARAMS,
	STREAM_PREPARED,
	STREAM_RUNNING,
	STREAM_STOPPED,
	STREAM_RELEASED,
	STREAM_STATES,
};

/* For the statistics page. */
#define STREAM_STATE_NAMES "initial|params|prepared|running|stopped|released"

enum stream_command {
	STREAM_SET_PARAMS,
	STREAM_PREPARE,
	STREAM_START,
	STREAM_STOP,
	STREAM_RELEASE,
	STREAM_COMMANDS,
};

/* True: allowed, and *next is where it leads. */
bool stream_state_next(
	enum stream_state state, enum stream_command command, enum stream_state *next);

#endif
