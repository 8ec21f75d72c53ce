#include "tests/safety/row_answer.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "compositor/screen_state.h"
#include "core/clock.h"
#include "tests/safety/row_fault.h"

#define PET_MS 50
#define BITE_MS 150
#define FLICKER_ROUNDS 6
#define FLICKER_TICKS 60 /* long enough to come back */
#define LATCH_TICKS 60
#define REPAIR_TICKS 900 /* more than a round of scrubbing */
#define UNPETTED_LOOKS 12 /* of ticks: four pets would be due */
#define CHECKS_GO_ON 100 /* of safety elements, after what was found: some pictures */

/* ---- states and records ---- */

static bool is_state(const struct cockpit *cockpit, enum screen_state state) {
	return cockpit_stat(cockpit, "compositor", "output.main.state") == state;
}

/* When the safe state was entered, as recorded; 0: it was not. */
static uint64_t safe_since(const struct cockpit *cockpit, const struct shot *shot) {
	struct safety_record record;
	uint64_t number = shot->first_record;
	while (cockpit_record(cockpit, number, FAULT_NONE, &record)) {
		if (strcmp(record.to, "safe") == 0) {
			return record.safe_ns != 0 ? record.safe_ns : record.detect_ns;
		}
		number = atomic_load(&record.number);
	}
	return 0;
}

/* Looks at each tick: whether so many passed without a pet. */
static bool is_unpetted(struct cockpit *cockpit, struct shot *shot) {
	uint64_t pets =
		cockpit->options.is_real ? pets_len(&cockpit->pets) : pets_drain(&cockpit->pets);
	shot->unpetted = pets == shot->pets ? shot->unpetted + 1 : 0;
	shot->pets = pets;
	return shot->unpetted >= UNPETTED_LOOKS;
}

bool answer_is_in_safe_state(struct cockpit *cockpit, struct shot *shot) {
	uint64_t since_ns = safe_since(cockpit, shot);
	if (since_ns == 0 || !is_state(cockpit, SCREEN_SAFE)) {
		return false;
	}
	shot->safe_ns = since_ns;
	return is_unpetted(cockpit, shot);
}

bool answer_is_black_and_unpetted(struct cockpit *cockpit, struct shot *shot) {
	return safe_since(cockpit, shot) != 0 && is_state(cockpit, SCREEN_SAFE) &&
		is_unpetted(cockpit, shot);
}

bool answer_is_recorded(struct cockpit *cockpit, struct shot *shot) {
	return shot->detect_ns != 0;
}

/* How often this was counted since the injection. */
static uint64_t count_since(struct cockpit *cockpit, struct shot *shot, const char *name) {
	return cockpit_stat(cockpit, "compositor", name) - shot->number;
}

int answer_count_checks(struct cockpit *cockpit, struct shot *shot) {
	shot->number = cockpit_stat(cockpit, "compositor", "output.main.checks");
	return 0;
}

bool answer_is_recorded_and_goes_on(struct cockpit *cockpit, struct shot *shot) {
	if (shot->detect_ns == 0) {
		(void)answer_count_checks(cockpit, shot); /* it is about those after it */
		return false;
	}
	return answer_is_recorded(cockpit, shot) &&
		count_since(cockpit, shot, "output.main.checks") >= CHECKS_GO_ON;
}

int answer_count_repairs(struct cockpit *cockpit, struct shot *shot) {
	shot->number = cockpit_stat(cockpit, "compositor", "compositor.atlas_repairs");
	return 0;
}

static bool is_repaired(struct cockpit *cockpit, const void *data) {
	const struct shot *shot = data;
	return cockpit_stat(cockpit, "compositor", "compositor.atlas_repairs") > shot->number;
}

void answer_await_repair(struct cockpit *cockpit, struct shot *shot) {
	(void)cockpit_mechanism(cockpit, MECHANISM_SCRUB, true);
	(void)cockpit_wait(cockpit, is_repaired, shot, REPAIR_TICKS);
}

int answer_count_modes(struct cockpit *cockpit, struct shot *shot) {
	shot->number = cockpit_stat(cockpit, "compositor", "output.main.mode_sets");
	shot->second = cockpit_stat(cockpit, "compositor", "output.main.repaints");
	return 0;
}

bool answer_is_mode_set(struct cockpit *cockpit, struct shot *shot) {
	if (shot->detect_ns == 0 || count_since(cockpit, shot, "output.main.mode_sets") == 0) {
		return false;
	}
	shot->safe_ns = shot->safe_ns != 0 ? shot->safe_ns : clock_now_ns();
	return true;
}

bool answer_is_safe_after_tries(struct cockpit *cockpit, struct shot *shot) {
	return count_since(cockpit, shot, "output.main.mode_sets") > 0 &&
		cockpit_stat(cockpit, "compositor", "output.main.repaints") > shot->second &&
		answer_is_in_safe_state(cockpit, shot);
}

int answer_count_buzzes(struct cockpit *cockpit, struct shot *shot) {
	shot->number = pets_len(&cockpit->buzzes);
	return fault_after_a_second(cockpit, shot);
}

bool answer_is_buzzed(struct cockpit *cockpit, struct shot *shot) {
	uint64_t buzzes = cockpit->options.is_real ? pets_len(&cockpit->buzzes)
						   : pets_drain(&cockpit->buzzes);
	if (shot->detect_ns == 0 || buzzes <= shot->number) {
		return false;
	}
	shot->safe_ns = pets_at(&cockpit->buzzes, shot->number);
	return true;
}

/* Counted, but not each time recorded. */
int answer_count_late(struct cockpit *cockpit, struct shot *shot) {
	shot->number = cockpit_stat(cockpit, "compositor", "compositor.late");
	return 0;
}

bool answer_is_counted_late(struct cockpit *cockpit, struct shot *shot) {
	if (clock_now_ns() < shot->onset_ns) {
		(void)answer_count_late(cockpit, shot); /* not by this yet */
		return false;
	}
	if (cockpit_stat(cockpit, "compositor", "compositor.late") == shot->number) {
		return false;
	}
	shot->detect_ns = clock_now_ns();
	return true;
}

static bool is_bitten(struct cockpit *cockpit, struct shot *shot, uint64_t least_ns) {
	if (!cockpit->options.is_real) {
		return false;
	}
	shot->safe_ns = pets_bite(&cockpit->pets, shot->onset_ns, least_ns, BITE_MS * NS_PER_MS);
	return shot->safe_ns != 0;
}

bool answer_is_bitten_for_none(struct cockpit *cockpit, struct shot *shot) {
	return is_bitten(cockpit, shot, 0);
}

bool answer_is_bitten_for_early(struct cockpit *cockpit, struct shot *shot) {
	return is_bitten(cockpit, shot, PET_MS / 2 * NS_PER_MS);
}

/* A compositor that was started anew has shown the fallback. */
bool answer_has_light(struct cockpit *cockpit, struct shot *shot) {
	struct sight sight;
	pid_t pid = cockpit_pid(cockpit, "compositor");
	if (pid <= 0 || pid == shot->process) {
		return false;
	}
	for (uint64_t i = shot->first_sight; observer_get(&cockpit->observer, i, &sight); i++) {
		if (sight.shown_ns > shot->onset_ns && sight.cluster == SIGHT_FALLBACK) {
			shot->safe_ns = sight.shown_ns;
			return true;
		}
	}
	return false;
}

/* The fallback was latched: it stays although the guest is well again. */
bool answer_is_latched(struct cockpit *cockpit, struct shot *shot) {
	if (shot->detect_ns != 0) {
		for (unsigned i = 0; i < LATCH_TICKS; i++) {
			(void)cockpit_tick(cockpit);
		}
		return is_state(cockpit, SCREEN_FALLBACK);
	}
	if (shot->number++ < FLICKER_ROUNDS) {
		cluster_guest_set_fault(&cockpit->cluster, GUEST_BLANK, 0, NULL, 4);
		for (unsigned i = 0; i < FLICKER_TICKS; i++) {
			(void)cockpit_tick(cockpit);
		}
	}
	return false;
}

/* ---- picture and sound ---- */

#define STALLS 5
#define STALL_MS 60
#define STILL_MS 100
#define SETTLE_MS 50
#define MARKS 3

static void sleep_ms(long ms) {
	nanosleep(&(struct timespec) { .tv_nsec = ms * (long)NS_PER_MS }, NULL);
}

/* What comes after the fault is measured: whatever was queued meanwhile would be late. */
static void begin_marks(struct cockpit *cockpit) {
	sleep_ms(SETTLE_MS);
	lipsync_begin(&cockpit->lipsync, &cockpit->other, &cockpit->observer);
}

int answer_stall_pictures(struct cockpit *cockpit, struct shot *shot) {
	int error = cockpit_inject(cockpit, INJECT_STALL, "", STALL_MS, STALLS);
	sleep_ms(STALL_MS * STALLS);
	begin_marks(cockpit);
	return error;
}

int answer_stop_mixer(struct cockpit *cockpit, struct shot *shot) {
	int error = fault_signal_process(cockpit, shot, "mixer", SIGSTOP);
	sleep_ms(STILL_MS);
	fault_end_stop(cockpit, shot);
	begin_marks(cockpit);
	return error;
}

/* The worst of some marks, as if it were the time from onset to safe. */
bool answer_is_in_step(struct cockpit *cockpit, struct shot *shot) {
	struct lipsync *lipsync = &cockpit->lipsync;
	if (lipsync->marks < MARKS) {
		(void)lipsync_take(lipsync, &cockpit->other, &cockpit->observer);
	}
	if (lipsync->marks < MARKS) {
		return false;
	}
	shot->onset_ns = lipsync->worst_at_ns;
	shot->safe_ns = lipsync->worst_at_ns + lipsync->worst_ns;
	return true;
}

int answer_queue_pictures(struct cockpit *cockpit) {
	cluster_guest_set_fault(&cockpit->other, GUEST_LAG, 0, NULL, 0);
	return 0;
}

int answer_ignore_clock(struct cockpit *cockpit) {
	cluster_guest_set_fault(&cockpit->other, GUEST_OWN_CLOCK, 0, NULL, 0);
	return 0;
}
