/*
 * One injection of a row into a cockpit that is well: waits for the answer and measures it.
 *
 * Thread: the cockpit's.
 */
#ifndef TESTS_SAFETY_SHOT_H
#define TESTS_SAFETY_SHOT_H

#include "tests/safety/row.h"

enum shot_verdict {
	SHOT_PASSED,
	SHOT_UNDETECTED,  /* none of the row's causes was recorded */
	SHOT_UNSAFE,      /* no safe picture, or no answer */
	SHOT_WRONG,       /* wrong pictures were shown */
	SHOT_UNSEEN,      /* all is well, but for pictures that the observer did not get to see */
	SHOT_LATE,        /* the bound was not kept */
	SHOT_BROKEN,      /* the cockpit could not be brought to where the row begins */
};
#define SHOT_VERDICT_NAMES "passed|undetected|unsafe|wrong|unseen|late|broken"

/*
 * Injects the row once; `phase_ns` (real time only) is waited first. `is_control`: the row's mechanisms
 * are switched off meanwhile. Leaves the cockpit recovered, or SHOT_BROKEN. Bounds are judged with
 * `grace_ns` added, the machine's own lateness: the caller says it afterwards by shot_judge().
 */
enum shot_verdict shot_take(struct cockpit *cockpit, const struct row *row, uint64_t phase_ns,
	bool is_control, struct shot *shot);

/* The verdict on what was measured; SHOT_LATE only in real time. */
enum shot_verdict shot_judge(
	const struct row *row, const struct shot *shot, bool is_real, uint64_t grace_ns);

const char *shot_verdict_name(enum shot_verdict verdict);

#endif
