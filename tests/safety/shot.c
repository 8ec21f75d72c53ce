#include "tests/safety/shot.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/macros.h"

#define REACTION_FRAMES 3
#define SETTLE_TICKS 4        /* looked on after the answer: what is wrong may come later */
#define CONTROL_TICKS 45      /* beyond the bound: long enough to say that no answer comes */
#define PATIENCE_TICKS 120    /* likewise where there is no bound */
#define SLOW_TICKS 900
#define TICKS_OF_MS(ms) (((ms) * 60 + 999) / 1000)

static const char *const verdict_names[] = { "passed", "undetected", "unsafe", "wrong", "unseen",
	"late", "broken" };

const char *shot_verdict_name(enum shot_verdict verdict) {
	return verdict_names[verdict];
}

/* The first record of a cause since the fault; what was before it is of something else. */
static bool find_record(const struct cockpit *cockpit, const struct shot *shot,
	enum fault_cause cause, struct safety_record *record) {
	uint64_t number = shot->first_record;
	while (cockpit_record(cockpit, number, cause, record)) {
		if (record->detect_ns >= shot->fault_ns) {
			return true;
		}
		number = atomic_load(&record->number);
	}
	return false;
}

static void find_detection(
	const struct cockpit *cockpit, const struct row *row, struct shot *shot) {
	struct safety_record record;
	for (unsigned i = 0; i < ROW_CAUSES_MAX && row->causes[i] != FAULT_NONE; i++) {
		if (find_record(cockpit, shot, row->causes[i], &record) &&
			(shot->detect_ns == 0 || record.detect_ns < shot->detect_ns)) {
			shot->detect_ns = record.detect_ns;
			shot->cause = row->causes[i];
		}
	}
}

static bool needs_detection(const struct row *row) {
	return row->causes[0] != FAULT_NONE;
}

static bool is_wrong(const struct cockpit *cockpit, const struct row *row, const struct shot *shot,
	const struct sight *sight) {
	return row->is_wrong != NULL ? row->is_wrong(cockpit, shot, sight) : sight->wrong != 0;
}

static void count_wrong(const struct cockpit *cockpit, const struct row *row, struct shot *shot) {
	struct sight sight;
	shot->wrong_pictures = 0;
	for (uint64_t i = shot->first_sight; i < observer_len(&cockpit->observer); i++) {
		shot->wrong_pictures += observer_get(&cockpit->observer, i, &sight) &&
			sight.shown_ns >= shot->fault_ns && is_wrong(cockpit, row, shot, &sight);
	}
}

/* From when on a picture can be the answer: what was shown before the fault was noticed is none. */
static uint64_t answers_from(const struct row *row, const struct shot *shot) {
	return needs_detection(row) ? MAX(shot->detect_ns, shot->onset_ns) : shot->onset_ns;
}

/* Goes over all pictures anew: the last run of safe ones begins at safe_ns. */
static void find_safe(const struct cockpit *cockpit, const struct row *row, struct shot *shot) {
	uint64_t len = observer_len(&cockpit->observer);
	if (row->is_safe == NULL) {
		return;
	}
	shot->safe_ns = 0;
	if (needs_detection(row) && shot->detect_ns == 0) {
		return;
	}
	for (uint64_t i = shot->first_sight; i < len; i++) {
		struct sight sight;
		if (!observer_get(&cockpit->observer, i, &sight) ||
			sight.shown_ns < answers_from(row, shot)) {
			continue;
		}
		if (is_wrong(cockpit, row, shot, &sight)) {
			shot->safe_ns = 0;
		} else if (!row->is_safe(cockpit, shot, &sight)) {
			bool is_back = row->may_return && sight.cluster == SIGHT_GUEST &&
				sight.other == SIGHT_GUEST && sight.wrong == 0;
			shot->safe_ns = is_back ? shot->safe_ns : 0;
		} else if (shot->safe_ns == 0) {
			shot->safe_ns = sight.shown_ns;
		}
	}
}

static bool look(struct cockpit *cockpit, const struct row *row, struct shot *shot) {
	find_detection(cockpit, row, shot);
	find_safe(cockpit, row, shot);
	shot->is_answered = row->is_answered == NULL || row->is_answered(cockpit, shot);
	bool is_safe = row->is_safe == NULL || shot->safe_ns != 0;
	return shot->is_answered && is_safe && (shot->detect_ns != 0 || !needs_detection(row));
}

static unsigned patience(const struct row *row) {
	uint32_t ms = MAX(row->safe_ms, row->detect_ms);
	if (row->is_slow) {
		return SLOW_TICKS;
	}
	return ms != 0 ? TICKS_OF_MS(ms) + CONTROL_TICKS : PATIENCE_TICKS;
}

static int switch_mechanisms(struct cockpit *cockpit, const struct row *row, bool is_on) {
	for (unsigned i = 0; i < row->controls_len; i++) {
		int error = cockpit_mechanism(cockpit, row->controls[i], is_on);
		if (error != 0) {
			return error;
		}
	}
	return 0;
}

static void wait_phase(const struct cockpit *cockpit, uint64_t phase_ns) {
	if (cockpit->options.is_real) {
		nanosleep(&(struct timespec) { .tv_nsec = (long)phase_ns }, NULL);
	}
}

static int begin(
	struct cockpit *cockpit, const struct row *row, uint64_t phase_ns, struct shot *shot) {
	int error = row->prepare != NULL ? row->prepare(cockpit, shot) : 0;
	if (error != 0) {
		return error;
	}
	wait_phase(cockpit, phase_ns);
	shot->first_record = cockpit_newest_record(cockpit);
	shot->first_sight = observer_len(&cockpit->observer);
	shot->missed_pictures = (uint32_t)atomic_load(&cockpit->observer.missed);
	uint64_t now_ns = clock_now_ns();
	error = row->inject(cockpit, shot);
	if (shot->onset_ns == 0) {
		shot->onset_ns = now_ns;
	}
	shot->fault_ns = shot->fault_ns != 0 ? shot->fault_ns : shot->onset_ns;
	return error;
}

/* A fault of the output begins with the first picture that it hits: a tick that finds nothing new shows none. */
static void take_hit(const struct cockpit *cockpit, const struct row *row, struct shot *shot) {
	uint64_t hit_ns =
		row->from_hit ? cockpit_stat(cockpit, "compositor", "output.main.fault_hit_ns") : 0;
	if (hit_ns > shot->fault_ns) {
		shot->onset_ns = hit_ns;
	}
}

/* A guest's fault begins when its first bad picture is kicked, one of the next picture with the first that was
 * complete after the compositor had put the fault in. */
static void take_onset(const struct cockpit *cockpit, const struct row *row, struct shot *shot) {
	struct sight sight;
	bool is_begun = !row->from_next || shot->onset_ns != shot->fault_ns;
	for (uint64_t i = shot->first_sight;
		!is_begun && observer_get(&cockpit->observer, i, &sight); i++) {
		is_begun = sight.shown_ns > cockpit->done_ns;
		shot->onset_ns = is_begun ? sight.shown_ns : shot->onset_ns;
	}
	take_hit(cockpit, row, shot);
	uint64_t fault_ns = MAX(atomic_load(&cockpit->cluster.shared->fault_ns),
		atomic_load(&cockpit->other.shared->fault_ns));
	if (fault_ns > shot->onset_ns) {
		shot->onset_ns = shot->fault_ns = fault_ns;
	}
}

static void watch(struct cockpit *cockpit, const struct row *row, struct shot *shot) {
	unsigned limit = patience(row);
	for (unsigned i = 0; i < limit; i++) {
		if (cockpit_tick(cockpit) != 0) {
			return;
		}
		take_onset(cockpit, row, shot);
		if (look(cockpit, row, shot)) {
			break;
		}
	}
	if (cockpit->handle_answer != NULL) {
		cockpit->handle_answer(cockpit, row->name, cockpit->answer_data);
	}
	for (unsigned i = 0; i < SETTLE_TICKS; i++) {
		(void)cockpit_tick(cockpit);
	}
	find_safe(cockpit, row, shot);
	count_wrong(cockpit, row, shot);
	shot->missed_pictures =
		(uint32_t)(atomic_load(&cockpit->observer.missed) - shot->missed_pictures);
}

static bool is_late(uint64_t from_ns, uint64_t at_ns, uint64_t bound_ns) {
	return from_ns != 0 && at_ns != 0 && at_ns > from_ns + bound_ns;
}

static bool keeps_bounds(const struct row *row, const struct shot *shot, uint64_t grace_ns) {
	uint64_t react_ns = row->react_ms != 0 ? row->react_ms * NS_PER_MS
					       : REACTION_FRAMES * COCKPIT_PERIOD_NS;
	if (row->safe_ms != 0 &&
		is_late(shot->onset_ns, shot->safe_ns, row->safe_ms * NS_PER_MS + grace_ns)) {
		return false;
	}
	if (row->detect_ms != 0 &&
		is_late(shot->onset_ns, shot->detect_ns, row->detect_ms * NS_PER_MS + grace_ns)) {
		return false;
	}
	return !is_late(shot->detect_ns, shot->safe_ns, react_ns + grace_ns);
}

enum shot_verdict shot_judge(
	const struct row *row, const struct shot *shot, bool is_real, uint64_t grace_ns) {
	bool needs_time = row->is_safe != NULL || row->safe_ms != 0;
	if (shot->wrong_pictures > row->wrong_max) {
		return SHOT_WRONG;
	}
	if (needs_detection(row) && shot->detect_ns == 0) {
		return SHOT_UNDETECTED;
	}
	if (!shot->is_answered || (needs_time && shot->safe_ns == 0)) {
		return SHOT_UNSAFE;
	}
	if (shot->missed_pictures > 0) {
		return SHOT_UNSEEN;
	}
	return is_real && !keeps_bounds(row, shot, grace_ns) ? SHOT_LATE : SHOT_PASSED;
}

/* For whoever has to find out why. */
static void say_records(const struct cockpit *cockpit, const struct row *row,
	const struct shot *shot, enum shot_verdict verdict) {
	struct safety_record record;
	fprintf(stderr, "\nsafety: row %s: %s; recorded since:\n", row->name,
		shot_verdict_name(verdict));
	for (uint64_t n = shot->first_record + 1; n <= shot->last_record; n++) {
		if (safety_page_read(cockpit->safety, n, &record)) {
			fprintf(stderr, "safety:   %+.1f ms %s: %s -> %s: %s\n",
				((double)record.detect_ns - (double)shot->onset_ns) / 1e6,
				record.name, record.from, record.to,
				fault_name((enum fault_cause)record.cause));
		}
	}
}

enum shot_verdict shot_take(struct cockpit *cockpit, const struct row *row, uint64_t phase_ns,
	bool is_control, struct shot *shot) {
	*shot = (struct shot) { .process = -1, .is_control = is_control };
	int error = is_control ? switch_mechanisms(cockpit, row, false) : 0;
	if (error == 0 && is_control && row->switch_off != NULL) {
		error = row->switch_off(cockpit);
	}
	if (error == 0) {
		error = begin(cockpit, row, phase_ns, shot);
	}
	if (error == 0) {
		watch(cockpit, row, shot);
	}
	if (row->undo != NULL) {
		row->undo(cockpit, shot);
	}
	if (error != 0) {
		fprintf(stderr, "safety: row %s: %s\n", row->name, strerror(-error));
	}
	shot->last_record = cockpit_newest_record(cockpit);
	/* clearing switches all mechanisms on again */
	int recovered = cockpit_recover(cockpit);
	if (error != 0 || recovered != 0) {
		return SHOT_BROKEN;
	}
	enum shot_verdict verdict = shot_judge(row, shot, cockpit->options.is_real, 0);
	if (verdict != SHOT_PASSED && !is_control) {
		say_records(cockpit, row, shot, verdict);
	}
	return verdict;
}
