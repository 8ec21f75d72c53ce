/*
 * Faults that can be injected into the compositor and mechanisms that can be switched off, so that it
 * can be shown that each mechanism finds its fault and that nothing else does. Only where the
 * configuration was compiled with `allow_inject` (fascia run --allow-inject).
 *
 * CONTROL_INJECT to the compositor: `name` is one of the names below, `text` the thing's name (a layer,
 * an element, a tile), arg[0] a number with the meaning noted (0: the default), arg[1] for how many
 * ticks it lasts (0: once). "clear" ends all faults and switches all mechanisms on again.
 *
 * Thread: any; constant tables.
 */
#ifndef CORE_INJECT_H
#define CORE_INJECT_H

#include <stdint.h>

enum inject_fault {
	INJECT_CLEAR,
	INJECT_FLIP_ATLAS, /* "atlas": flips a bit of tile TEXT; arg[0]: 0 first copy, 1 both */
	INJECT_FLIP_COMPOSED, /* "composed": flips a bit of element TEXT after composing, before the check */
	INJECT_FLIP_SHOWN, /* "shown": the same behind the check, in what is shown */
	INJECT_OVERDRAW, /* "overdraw": a foreign rectangle over element TEXT, as a wrong scene would */
	INJECT_BLIND, /* "blind": region checks say passed, whatever they saw */
	INJECT_STALE_READBACK, /* "readback": what is read back stays that of an old picture */
	INJECT_COMMIT_ERROR, /* "commit": the output refuses pictures */
	INJECT_LOSE_FLIP, /* "flip": what was committed never gets shown */
	INJECT_UNPLUG, /* "unplug": no display is connected */
	INJECT_MODE, /* "mode": the display has another mode */
	INJECT_RESUME, /* "resume": after a sleep, commits fail and flips are lost until a reset */
	INJECT_STALL, /* "stall": the tick takes arg[0] ms longer */
	INJECT_HANG, /* "hang": the compositor stops, awake, until it is killed */
	INJECT_CLOCK, /* "clock": the clock runs arg[0] per mille too fast (signed) */
	INJECT_SKIP_STEP, /* "skip-step": cycles leave out a step */
	INJECT_EARLY_PET, /* "early-pet": it is petted at each tick */
	INJECT_DROP_CUES, /* "drop-cues": chimes are not asked for */
	INJECT_FAULTS,
};

/* Each by its name: what it does, to be switched off by CONTROL_MECHANISM (`name`; arg[0] 0 off, 1 on). */
enum mechanism {
	MECHANISM_LOSS, /* "loss": a dead, hung-up or reset source ends its layer */
	MECHANISM_STUCK, /* "stuck": unanswered ticks */
	MECHANISM_STALL, /* "stall": stall_ms */
	MECHANISM_HEARTBEAT, /* "heartbeat" */
	MECHANISM_FROZEN, /* "frozen": LIVE regions and the tag's counter */
	MECHANISM_ORDER, /* "order": counters that go back, pictures that are old */
	MECHANISM_TORN, /* "torn": both tags of a picture must agree */
	MECHANISM_SANE, /* "sane": a bad frame counts as a fault of its layer */
	MECHANISM_EXACT, /* "exact": EXACT and OFF */
	MECHANISM_OWNER, /* "owner": clipping out of safety rectangles, and OWNER */
	MECHANISM_OPAQUE, /* "opaque": alpha below 255 in opaque layers */
	MECHANISM_UNIFORM, /* "uniform": BLACK */
	MECHANISM_VISIBLE, /* "visible": PRESENCE and CONTRAST */
	MECHANISM_DEADLINE, /* "deadline": missed ticks */
	MECHANISM_FLIP, /* "flip": lost flips */
	MECHANISM_COMMIT, /* "commit": refused pictures are tried again */
	MECHANISM_CONNECTION, /* "connection": hot-plug */
	MECHANISM_MODE, /* "mode" */
	MECHANISM_READBACK, /* "readback": checks behind the flip */
	MECHANISM_WATCHDOG, /* "watchdog": petting depends on a completed cycle */
	MECHANISM_SELF_TEST, /* "self-test" */
	MECHANISM_SCRUB, /* "scrub" */
	MECHANISM_CLOCK, /* "clock": clock against ticks */
	MECHANISM_LATENESS, /* "lateness": the 2 ms alarm */
	MECHANISM_SIGNALS, /* "signals": counter, CRC and time-out */
	MECHANISM_HYSTERESIS, /* "hysteresis": dwell, latch and quarantine */
	MECHANISM_CHIME, /* "chime": the confirmation's deadline */
	MECHANISM_CLEANUP, /* "cleanup": what a guest left is not shown any more */
	MECHANISMS,
};

const char *inject_fault_name(enum inject_fault fault);
/* What it does, in a sentence for `fascia inject --help`. */
const char *inject_fault_text(enum inject_fault fault);
enum inject_fault inject_fault_from_name(const char *name); /* INJECT_FAULTS: none */
const char *mechanism_name(enum mechanism mechanism);
enum mechanism mechanism_from_name(const char *name); /* MECHANISMS: none */

#endif
