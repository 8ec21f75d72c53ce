/*
 * An output around another one that misbehaves as real displays do, on request: the boundary at which
 * lost flips, refused commits, unplugged and reset displays are simulated, whatever the real output is.
 * Made only where faults may be injected; without one it passes everything through.
 *
 * A display that was unplugged, has another mode, or slept stays dark until output_reset(): pictures are
 * accepted and completed, and reach nobody (the output within is not shown them).
 *
 * Thread: the compositor's. Nothing allocates after output_inject_create().
 */
#ifndef DISPLAY_OUTPUT_INJECT_H
#define DISPLAY_OUTPUT_INJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "display/output.h"

enum output_fault {
	OUTPUT_REFUSES,      /* output_show() is -EINVAL */
	OUTPUT_LOSES_FLIPS,  /* what is committed never completes; what is shown stays */
	OUTPUT_UNPLUGGED,
	OUTPUT_OTHER_MODE,   /* half the size, until a reset */
	OUTPUT_SLEPT,        /* the first flip is lost, then all are refused, until a reset */
	OUTPUT_STALE, /* what is read back is the picture shown when this began, with its number */
	OUTPUT_FAULTS,
};

/* Takes over `inner`, also when it fails: NULL with errno. `hit_ns` is told when the newest of REFUSES, LOSES_FLIPS
 * and SLEPT first hit a picture, by output_show()'s time, 0 until then: a tick that has nothing new shows none.
 * NULL: nobody asks; else it outlives the output. */
struct output *output_inject_create(struct output *inner, _Atomic uint64_t *hit_ns);

/* Begins a fault. It lasts for the next `ticks` calls of output_tick(); 0: for the next picture that it
 * hits (REFUSES, LOSES_FLIPS), or one tick. `reset_helps`: output_reset() ends it before. Asserts that
 * the output is one of output_inject_create(). */
void output_inject_fault(
	struct output *output, enum output_fault fault, uint32_t ticks, bool reset_helps);
/* Ends all faults; a display that is dark stays so. */
void output_inject_clear(struct output *output);

#endif
