#include "compositor/timing.h"

#include "core/macros.h"

void timing_init(struct timing *timing, uint64_t period_ns) {
	*timing = (struct timing) { .period_ns = period_ns };
}

static void begin_window(struct timing *timing, uint64_t due_ns, int64_t ahead_ns) {
	timing->window_due_ns = due_ns;
	timing->ahead_ns = ahead_ns;
}

/* More than a window's worth of missed ones need not be told apart. */
static void count_missed(struct timing *timing, uint64_t missed) {
	uint64_t first = timing->number - missed;
	for (uint64_t i = missed > TIMING_WINDOW ? missed - TIMING_WINDOW : 0; i < missed; i++) {
		timing->missed[timing->missed_len++ % TIMING_WINDOW] = first + i;
	}
}

static bool is_missing(const struct timing *timing) {
	if (timing->missed_len <= TIMING_MISSED_MAX) {
		return false;
	}
	uint64_t oldest =
		timing->missed[(timing->missed_len - TIMING_MISSED_MAX - 1) % TIMING_WINDOW];
	return timing->number - oldest < TIMING_WINDOW;
}

/* Whether this tick tells that the clock is wrong, and by how much it was too fast. */
static bool compare_clock(
	struct timing *timing, uint64_t due_ns, int64_t ahead_ns, int64_t *per_mille) {
	uint64_t ticked_ns = due_ns - timing->window_due_ns;
	if (ticked_ns < TIMING_CLOCK_NS) {
		timing->ahead_ns = MIN(timing->ahead_ns, ahead_ns);
		return false;
	}
	if (timing->has_before) {
		*per_mille =
			(timing->ahead_ns - timing->ahead_before_ns) * 1000 / (int64_t)ticked_ns;
	}
	timing->ahead_before_ns = timing->ahead_ns;
	timing->has_before = true;
	begin_window(timing, due_ns, ahead_ns);
	return *per_mille > TIMING_CLOCK_PER_MILLE || *per_mille < -TIMING_CLOCK_PER_MILLE;
}

static void judge_lateness(struct timing *timing, uint64_t first_due_ns, uint64_t lead_ns,
	uint64_t now_ns, struct timing_verdict *verdict) {
	uint64_t asked_ns = first_due_ns - lead_ns;
	verdict->lateness_ns = now_ns > asked_ns ? now_ns - asked_ns : 0;
	verdict->is_late = verdict->lateness_ns > TIMING_LATE_NS;
	if (!verdict->is_late) {
		return;
	}
	verdict->is_burst = timing->late == 0 ||
		(timing->number - timing->late_number) * timing->period_ns >= NS_PER_S;
	timing->late++;
	timing->late_number = timing->number;
}

void timing_step(struct timing *timing, uint64_t due_ns, uint64_t lead_ns, uint64_t now_ns,
	struct timing_verdict *verdict) {
	int64_t ahead_ns = (int64_t)(now_ns + lead_ns - due_ns);
	*verdict = (struct timing_verdict) { 0 };
	if (!timing->is_begun) {
		timing->is_begun = true;
		timing->due_ns = due_ns;
		begin_window(timing, due_ns, ahead_ns);
		return;
	}
	uint64_t ticks = (due_ns - timing->due_ns) / timing->period_ns;
	uint64_t missed = ticks > 1 ? ticks - 1 : 0;
	timing->number += ticks;
	timing->due_ns = due_ns;
	count_missed(timing, missed);
	verdict->is_missing = is_missing(timing);
	judge_lateness(timing, due_ns - missed * timing->period_ns, lead_ns, now_ns, verdict);
	verdict->is_clock_wrong =
		compare_clock(timing, due_ns, ahead_ns, &verdict->clock_per_mille);
}
