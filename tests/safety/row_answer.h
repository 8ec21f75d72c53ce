/*
 * Answers of the failure table's rows (row.h) that are no pictures: whether they came, and, where they are
 * another thing than a record, when, into shot->safe_ns. Some count what happens from before the injection on: beside them stands what must be done
 * before it.
 *
 * Thread: the cockpit's.
 */
#ifndef TESTS_SAFETY_ROW_ANSWER_H
#define TESTS_SAFETY_ROW_ANSWER_H

#include "tests/safety/row.h"

/* It is in the fault log. */
bool answer_is_recorded(struct cockpit *cockpit, struct shot *shot);
/* And safety elements go on being checked. */
int answer_count_checks(struct cockpit *cockpit, struct shot *shot);
bool answer_is_recorded_and_goes_on(struct cockpit *cockpit, struct shot *shot);
/* And the mode was set. */
int answer_count_modes(struct cockpit *cockpit, struct shot *shot);
bool answer_is_mode_set(struct cockpit *cockpit, struct shot *shot);
/* The atlas is whole again, also where its mechanism was off: the next injection would mend it. */
int answer_count_repairs(struct cockpit *cockpit, struct shot *shot);
void answer_await_repair(struct cockpit *cockpit, struct shot *shot);
/* The safe state, as recorded, where no picture can tell of it; and no pet of the watchdog any more. */
bool answer_is_in_safe_state(struct cockpit *cockpit, struct shot *shot);
/* The same where pictures tell of it: when is theirs to say. */
bool answer_is_black_and_unpetted(struct cockpit *cockpit, struct shot *shot);
/* After pictures were committed again and, since answer_count_modes(), the mode was set. */
bool answer_is_safe_after_tries(struct cockpit *cockpit, struct shot *shot);
/* The fallback is latched: it stays although the guest is well again. */
bool answer_is_latched(struct cockpit *cockpit, struct shot *shot);
/* The 2 ms alarm counted. */
int answer_count_late(struct cockpit *cockpit, struct shot *shot);
bool answer_is_counted_late(struct cockpit *cockpit, struct shot *shot);
/* The buzzer was asked for. */
int answer_count_buzzes(struct cockpit *cockpit, struct shot *shot);
bool answer_is_buzzed(struct cockpit *cockpit, struct shot *shot);
/* A window watchdog at the far end would have bitten: because no pet came, or because one came too early too.
 * Real time only. */
bool answer_is_bitten_for_none(struct cockpit *cockpit, struct shot *shot);
bool answer_is_bitten_for_early(struct cockpit *cockpit, struct shot *shot);
/* A compositor that was started anew has shown the fallback. */
bool answer_has_light(struct cockpit *cockpit, struct shot *shot);

/* ---- picture and sound ---- */

/* Faults that they must be in step after: several stalls of the picture, a pause of the sound; and what makes
 * them be out of step, for the controls. */
int answer_stall_pictures(struct cockpit *cockpit, struct shot *shot);
int answer_stop_mixer(struct cockpit *cockpit, struct shot *shot);
int answer_queue_pictures(struct cockpit *cockpit);
int answer_ignore_clock(struct cockpit *cockpit);
/* The worst of some marks, as if it were the time from onset to safe. */
bool answer_is_in_step(struct cockpit *cockpit, struct shot *shot);

#endif
