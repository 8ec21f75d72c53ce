/*
 * Flips: whether what was composed really gets shown, and what to do about it if not.
 *
 *   lost flip    committed and not completed for 3 periods: all of it is committed again; after 2 more the
 *                mode is set; after 2 more (117 ms at 60 Hz) nothing helps
 *   refusal      all of it is committed again with the next frame; after the second in a row the mode is
 *                set; after the third nothing helps
 *   unplugged    composing and checking go on; the mode is set when a display is back
 *   other mode   the configured one is set; after the third time in a row nothing helps
 *
 * What helps nothing is for who owns the output: black, and the watchdog is not petted. Until
 * flips_acknowledge() nothing is tried then but to commit again what was lost. One of these at a time: the first
 * that applies.
 *
 * Thread: the compositor's. Nothing allocates or blocks.
 */
#ifndef COMPOSITOR_FLIPS_H
#define COMPOSITOR_FLIPS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/fault.h"
#include "display/output.h"

#define FLIPS_PATIENCE_TICKS 3 /* until it is lost */
#define FLIPS_TRY_TICKS 2 /* until a try was in vain: seven in all, which are 117 ms at 60 Hz */
#define FLIPS_TRIES 3

struct flips {
	struct output *output; /* borrowed */
	enum fault_cause cause; /* what is wrong now */
	bool is_hopeless;
	unsigned tries; /* against `cause` */
	uint64_t try_tick; /* of the last one */
	unsigned refusals; /* in a row */
	uint64_t completed; /* as seen last */
	uint64_t pending_tick; /* since when a picture is on its way */
	uint64_t pending_ns;
	bool is_pending;
	uint64_t last_ns; /* of the tick before */
	uint64_t mode_sets; /* so far */
	uint64_t repaints; /* committed again as a whole, so far */
};

/* What a tick brought. */
struct flips_verdict {
	enum fault_cause began; /* FAULT_NONE: nothing new */
	enum fault_cause ended; /* what is over */
	uint64_t onset_ns; /* of what began: it is not older */
	bool is_repaint; /* the next picture must be a whole one, whatever changed */
	bool is_hopeless; /* became so now; `flips->cause` says by what */
};

void flips_init(struct flips *flips, struct output *output, uint64_t now_ns);
/* Somebody wants to try again: nothing was wrong so far. What was tried stays counted. */
void flips_acknowledge(struct flips *flips, uint64_t now_ns);

/* Once a tick, before the picture is composed. `tick`: its number, those that were missed counted, since a
 * display goes on while the compositor does not. May set the mode. */
void flips_step(struct flips *flips, uint64_t tick, uint64_t now_ns, struct flips_verdict *verdict);

/* What output_show() said. */
void flips_handle_show(struct flips *flips, int err);

#endif
