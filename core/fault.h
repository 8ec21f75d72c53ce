/*
 * What can be found wrong with a layer, an output, or the compositor itself, and what may be done about
 * it. One list for the state machines, the configuration, the fault log and the command line. The rows
 * are those of docs/safety.md.
 *
 * Thread: any; pure functions over constant tables.
 */
#ifndef CORE_FAULT_H
#define CORE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum fault_cause {
	FAULT_NONE,

	/* of a layer's source */
	FAULT_NEVER_STARTED,
	FAULT_DIED,             /* the endpoint's process ended */
	FAULT_HUNG_UP,          /* the VMM closed its connection, or none was there yet */
	FAULT_RESET,            /* the device was reset, or has no driver */
	FAULT_BLANKED,          /* the guest switched its scanout off */
	FAULT_STUCK,            /* the endpoint does not answer ticks */
	FAULT_STALLED,          /* no flush within the layer's stall_ms */
	FAULT_HEARTBEAT,        /* the guest's heartbeat stopped */
	FAULT_HEARTBEAT_FROZEN, /* it comes, and its number stands still */

	/* of a layer's pictures */
	FAULT_FROZEN,           /* flushes go on, the content or its counter stands still */
	FAULT_LAGGED,           /* an old picture again, or one that is too old */
	FAULT_TORN,             /* parts of two pictures */
	FAULT_BAD_FRAME,        /* where or what its pixels are is impossible */
	FAULT_WRONG_PIXELS,     /* a verified element is not what is requested */
	FAULT_MISPLACED,        /* it is, but elsewhere */
	FAULT_OVERDRAWN,        /* foreign pixels in a region that has an owner */
	FAULT_TRANSPARENT,      /* alpha below 255 where it must be opaque */
	FAULT_UNIFORM,          /* all of one colour */
	FAULT_INVISIBLE,        /* presence or contrast below what a reader needs */

	/* of an output */
	FAULT_MISSED_DEADLINES, /* the compositor was late too often */
	FAULT_FLIP_LOST,        /* what was committed is not shown */
	FAULT_COMMIT,           /* the output refused a picture */
	FAULT_UNPLUGGED,        /* no display is connected */
	FAULT_MODE,             /* it has another mode than configured */
	FAULT_SHOWN_WRONG,      /* what is shown is not what was checked */
	FAULT_READBACK_STALE,   /* what is read back is of another picture */
	FAULT_FLICKER,          /* too many visible transitions */

	/* of the compositor and its inputs */
	FAULT_SELF_TEST,        /* a known-bad signature was called good */
	FAULT_ATLAS,            /* a tile of the atlas changed; the second copy is whole */
	FAULT_ATLAS_LOST,       /* both copies changed */
	FAULT_CLOCK,            /* the clock and the ticks disagree */
	FAULT_LATE,             /* woken later than 2 ms */
	FAULT_SIGNALS_LATE,     /* no valid signal message in time */
	FAULT_SIGNALS_CORRUPT,  /* one with a bad checksum, counter, or source */
	FAULT_CHIME_LOST,       /* a cued chime was not confirmed in time */

	FAULT_CAUSES,
};

/* Levels L0 to L4; each includes what the ones before it do. */
enum fault_reaction {
	FAULT_REACTION_DEFAULT,     /* configuration only: what fault_default_reaction() says */
	FAULT_REACTION_LOG,         /* L0: written down */
	FAULT_REACTION_HOLD,        /* L1: the layer's last verified picture is held */
	FAULT_REACTION_PLACEHOLDER, /* L2: the layer's placeholder; of a critical layer: the fallback */
	FAULT_REACTION_FALLBACK, /* L3: the output's fallback HMI */
	FAULT_REACTION_SAFE, /* L4: black, and the watchdog is not petted any more */
	FAULT_REACTIONS,
};

const char *fault_name(enum fault_cause cause); /* "wrong-pixels": for configuration and scripts */
const char *fault_text(enum fault_cause cause); /* "a verified element is wrong": for people */
/* FAULT_NONE when there is no such name. */
enum fault_cause fault_from_name(const char *name);

const char *fault_reaction_name(enum fault_reaction reaction); /* "log", "hold", ... */
/* FAULT_REACTION_DEFAULT when there is no such name. */
enum fault_reaction fault_reaction_from_name(const char *name);

/* What is done where the configuration says nothing. Never FAULT_REACTION_DEFAULT. */
enum fault_reaction fault_default_reaction(enum fault_cause cause);
/* Whether a layer's `reactions:` may name it. */
bool fault_is_of_layer(enum fault_cause cause);

#endif
