/*
 * What the rows of the failure table (row.h) do to a cockpit: a function each, which makes the fault, says
 * when it took effect if it knows better than its caller, and returns 0 or -errno.
 *
 * Thread: the cockpit's.
 */
#ifndef TESTS_SAFETY_ROW_FAULT_H
#define TESTS_SAFETY_ROW_FAULT_H

#include "tests/safety/row.h"

/* ---- of the cluster's guest: from its next picture on ---- */

int fault_reset_guest(struct cockpit *cockpit, struct shot *shot);
int fault_panic_guest(struct cockpit *cockpit, struct shot *shot);
int fault_stick_heartbeat(struct cockpit *cockpit, struct shot *shot);
int fault_freeze_guest(struct cockpit *cockpit, struct shot *shot);
int fault_lag_guest(struct cockpit *cockpit, struct shot *shot);
int fault_corrupt_lamp(struct cockpit *cockpit, struct shot *shot);
int fault_omit_lamp(struct cockpit *cockpit, struct shot *shot);
int fault_light_lamp(struct cockpit *cockpit, struct shot *shot);
int fault_shift_lamp(struct cockpit *cockpit, struct shot *shot);
int fault_mirror_lamp(struct cockpit *cockpit, struct shot *shot);
int fault_put_cursor(struct cockpit *cockpit, struct shot *shot);
int fault_clear_alpha(struct cockpit *cockpit, struct shot *shot);
int fault_tear_picture(struct cockpit *cockpit, struct shot *shot);
int fault_truncate_memory(struct cockpit *cockpit, struct shot *shot);
int fault_blank_guest(struct cockpit *cockpit, struct shot *shot);
int fault_write_over(struct cockpit *cockpit, struct shot *shot);
int fault_kill_guest(struct cockpit *cockpit, struct shot *shot);

/* ---- of the other guest ---- */

int fault_blacken_other(struct cockpit *cockpit, struct shot *shot);
int fault_silence_other(struct cockpit *cockpit, struct shot *shot);
int fault_reset_other(struct cockpit *cockpit, struct shot *shot);
int fault_kill_other(struct cockpit *cockpit, struct shot *shot);

/* ---- of processes ---- */

int fault_kill_endpoint(struct cockpit *cockpit, struct shot *shot);
int fault_stop_endpoint(struct cockpit *cockpit, struct shot *shot);
int fault_kill_other_endpoint(struct cockpit *cockpit, struct shot *shot);
int fault_kill_compositor(struct cockpit *cockpit, struct shot *shot);
/* As if it had been taken over: it publishes an impossible frame. */
int fault_scribble_frames(struct cockpit *cockpit, struct shot *shot);
/* Sends this signal to the process of this name, and remembers which it was. */
int fault_signal_process(struct cockpit *cockpit, struct shot *shot, const char *name, int number);
/* What was stopped goes on. */
void fault_end_stop(struct cockpit *cockpit, struct shot *shot);

/* The keeper: nobody starts successors then. */
int fault_stop_keeper(struct cockpit *cockpit);
void fault_end_stop_of_keeper(struct cockpit *cockpit, struct shot *shot);

/* ---- inside the compositor ---- */

int fault_overdraw_lamp(struct cockpit *cockpit, struct shot *shot);
int fault_corrupt_composed(struct cockpit *cockpit, struct shot *shot);
int fault_corrupt_shown(struct cockpit *cockpit, struct shot *shot);
int fault_stall_ticks(struct cockpit *cockpit, struct shot *shot);
int fault_lose_flips(struct cockpit *cockpit, struct shot *shot);
int fault_refuse_once(struct cockpit *cockpit, struct shot *shot);
int fault_refuse_all(struct cockpit *cockpit, struct shot *shot);
int fault_unplug(struct cockpit *cockpit, struct shot *shot);
int fault_change_mode(struct cockpit *cockpit, struct shot *shot);
int fault_hang(struct cockpit *cockpit, struct shot *shot);
int fault_blind_checks(struct cockpit *cockpit, struct shot *shot);
int fault_stale_readback(struct cockpit *cockpit, struct shot *shot);
int fault_flip_atlas(struct cockpit *cockpit, struct shot *shot);
int fault_speed_clock_up(struct cockpit *cockpit, struct shot *shot);
int fault_resume_badly(struct cockpit *cockpit, struct shot *shot);
int fault_skip_pets(struct cockpit *cockpit, struct shot *shot);
int fault_pet_early(struct cockpit *cockpit, struct shot *shot);

/* ---- of the bus, of chimes, and of the machine ---- */

int fault_pause_signals(struct cockpit *cockpit, struct shot *shot);
int fault_corrupt_signals(struct cockpit *cockpit, struct shot *shot);
int fault_drop_cue(struct cockpit *cockpit, struct shot *shot);
void fault_end_chime(struct cockpit *cockpit, struct shot *shot);
int fault_starve(struct cockpit *cockpit, struct shot *shot);

/* No fault, but what some need before: that a chime, or a process, was last asked for a while ago; that the
 * cluster's guest has pictures that are old enough to be shown again. */
int fault_after_a_second(struct cockpit *cockpit, struct shot *shot);
int fault_after_pictures(struct cockpit *cockpit, struct shot *shot);

#endif
