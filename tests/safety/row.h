/*
 * The rows of the failure table: what is done to a cockpit, how its answer is known from outside, and
 * within which time it must come. One table for the benchmark (real time, many runs) and for the tests
 * (stepped, one run and its control).
 *
 *                 inject                    detected                 safe picture shown
 *     ------ well --|--------- onset ----------|--------------------------|------ recover ---
 *                   |<------ time to detect -->|<------ reaction -------->|
 *                   |<------------------- fault to safe ----------------->|
 *
 * Onset is when the fault takes effect: the kill was sent, the bad picture was kicked, the injection was
 * answered, the output was to show a picture. Detection is the fault log's record of one of the row's causes. Safe is the first picture
 * (or state) from which on the row's oracle is content; wrong pictures are those before it, and after the
 * onset, that show what must never be seen.
 *
 * Thread: constant.
 */
#ifndef TESTS_SAFETY_ROW_H
#define TESTS_SAFETY_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "core/fault.h"
#include "core/inject.h"
#include "tests/safety/cockpit.h"

#define ROW_LAMP_ON SIGNAL_BRAKE    /* lit in the cockpit at rest */
#define ROW_LAMP_OFF SIGNAL_ENGINE  /* not lit */
#define ROW_LAMP_CHIMES SIGNAL_OIL_PRESSURE /* not lit, and has a warning chime */

#define ROW_CAUSES_MAX 4
#define ROW_CONTROLS_MAX 4

/* One injection. Times are CLOCK_MONOTONIC, ns; 0: did not happen. */
struct shot {
	uint64_t onset_ns, detect_ns, safe_ns;
	uint64_t fault_ns; /* when the fault took effect; onset_ns may be of what is measured */
	enum fault_cause cause; /* of the detection */
	uint32_t wrong_pictures;
	uint32_t missed_pictures; /* that the observer did not see */
	/* fault log records after this one are of this injection, up to the last one before the recovery */
	uint64_t first_record, last_record;
	uint64_t first_sight; /* likewise of the observer's sights */
	pid_t process; /* of rows that kill one */
	uint64_t number, second; /* of rows that compare one, or two */
	uint64_t pets,
		unpetted; /* of rows that starve the watchdog: pets so far, looks without a new one */
	bool is_answered; /* of rows whose answer is no picture */
	bool is_control;
};

struct row {
	const char *name; /* "1": number in the failure table, with a letter where it has parts */
	const char *fault; /* what happens */
	const char *promise; /* what is promised, for docs/safety.md */
	const char *mechanism; /* by what, for docs/safety.md */
	const char *simulated; /* NULL: the real thing; else where and how it is simulated */
	/* Tests that show the promise, "PROGRAM:CASE/TEST", separated by spaces; beside test-safety-rows for
	 * rows it runs, in its place for those that are about real time. May be NULL for the former. */
	const char *tests;
	enum fault_cause
		causes[ROW_CAUSES_MAX]; /* FAULT_NONE ends; none: nothing needs to be detected */
	enum mechanism controls[ROW_CONTROLS_MAX]; /* switched off in the control run */
	uint8_t controls_len;
	const char
		*control; /* what the control run does besides, for docs/safety.md; NULL: nothing */
	uint32_t detect_ms; /* onset to detection; 0: no bound of its own */
	uint32_t safe_ms; /* onset to safe; 0: the reaction's three frames only */
	uint32_t react_ms; /* detection to safe; 0: three frames */
	uint32_t wrong_max; /* wrong pictures allowed */
	bool may_return; /* the guest's own, right pictures may follow the safe ones at once */
	bool is_slow; /* a run takes more than a second; so does the restart of what dies often */
	bool ends_machine; /* ends a guest, whose next one then boots beside all others */
	bool is_real_only; /* about real time: not among the stepped tests */
	bool needs_sound; /* of the other guest */
	bool from_next; /* it takes effect with the next picture */
	bool from_hit; /* with the next that the output is to show, which tells when it was hit */
	bool is_greedy; /* it takes processors away from all others: run by itself */

	/* Switches off a mechanism that is not the compositor's, for the control run; cockpit_recover()
	 * switches it on. May be NULL. */
	int (*switch_off)(struct cockpit *cockpit);
	/* Before the phase is drawn: what the row needs. May be NULL. */
	int (*prepare)(struct cockpit *cockpit, struct shot *shot);
	/* Makes the fault; sets onset_ns if it knows better than the caller. 0 or -errno. */
	int (*inject)(struct cockpit *cockpit, struct shot *shot);
	/* Whether a picture after the onset is what it must be. */
	bool (*is_safe)(
		const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight);
	/* Whether a picture shows what must never be seen. NULL: a wrong element. */
	bool (*is_wrong)(
		const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight);
	/* For rows whose answer is no picture: whether it came, and, where it is another thing than a record, when
	 * (sets safe_ns). May be NULL. */
	bool (*is_answered)(struct cockpit *cockpit, struct shot *shot);
	/* Ends the fault; cockpit_recover() follows. May be NULL. */
	void (*undo)(struct cockpit *cockpit, struct shot *shot);
};

/* Whether it has a mechanism to be switched off. */
bool row_has_control(const struct row *row);

extern const struct row rows[];
extern const uint32_t rows_len;

#endif
