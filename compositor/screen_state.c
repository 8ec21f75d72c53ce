#include "compositor/screen_state.h"

#include <assert.h>

#include "compositor/layer_state.h"
#include "core/macros.h"

enum event {
	WAS_SAFE,     /* a predecessor was */
	LIT,          /* first light, with a fallback HMI */
	UNSAFE,       /* nothing that could be shown is known to be right */
	LACKING,      /* the fallback is called for, and there is one */
	IMPAIRED,     /* something is amiss that the state allows for */
	WHOLE,        /* nothing is */
	RESTORED,     /* the fallback may end: with something amiss, or with nothing */
	RESTORED_WHOLE,
	ACKNOWLEDGED, /* somebody takes responsibility for another try: with a fallback HMI, or without */
	ACKNOWLEDGED_BARE,
};

/* the drawing in the header; of one state's rows the first whose event holds is taken */
static const struct {
	enum screen_state from;
	enum event event;
	enum screen_state to;
} rows[] = {
	{ SCREEN_INIT, WAS_SAFE, SCREEN_SAFE },
	{ SCREEN_INIT, LIT, SCREEN_FALLBACK },
	{ SCREEN_INIT, IMPAIRED, SCREEN_DEGRADED },
	{ SCREEN_INIT, WHOLE, SCREEN_NORMAL },
	{ SCREEN_FALLBACK, UNSAFE, SCREEN_SAFE },
	{ SCREEN_FALLBACK, RESTORED_WHOLE, SCREEN_NORMAL },
	{ SCREEN_FALLBACK, RESTORED, SCREEN_DEGRADED },
	{ SCREEN_NORMAL, UNSAFE, SCREEN_SAFE },
	{ SCREEN_NORMAL, LACKING, SCREEN_FALLBACK },
	{ SCREEN_NORMAL, IMPAIRED, SCREEN_DEGRADED },
	{ SCREEN_DEGRADED, UNSAFE, SCREEN_SAFE },
	{ SCREEN_DEGRADED, LACKING, SCREEN_FALLBACK },
	{ SCREEN_DEGRADED, WHOLE, SCREEN_NORMAL },
	{ SCREEN_SAFE, ACKNOWLEDGED, SCREEN_FALLBACK },
	{ SCREEN_SAFE, ACKNOWLEDGED_BARE, SCREEN_DEGRADED },
};

static const char *const state_names[] = {
	[SCREEN_INIT] = "init",
	[SCREEN_FALLBACK] = "fallback",
	[SCREEN_NORMAL] = "normal",
	[SCREEN_DEGRADED] = "degraded",
	[SCREEN_SAFE] = "safe",
};

/* failed checks of what the host itself draws */
#define CHECKS                                                                                     \
	(FAULT_BIT(FAULT_WRONG_PIXELS) | FAULT_BIT(FAULT_MISPLACED) | FAULT_BIT(FAULT_OVERDRAWN) | \
		FAULT_BIT(FAULT_INVISIBLE) | FAULT_BIT(FAULT_SHOWN_WRONG))

/* what is made of the signs at a tick */
struct finding {
	enum fault_cause unsafe; /* NONE: nothing is */
	enum fault_cause lacking; /* why the fallback is called for; NONE: it is not */
	uint64_t onset_ns; /* of what is lacking, when a layer says so; else 0 */
	uint64_t logged; /* set of causes that change nothing */
};

const char *screen_state_name(enum screen_state state) {
	return state_names[state];
}

enum fault_reaction screen_reaction(enum fault_cause cause) {
	enum fault_reaction reaction = fault_default_reaction(cause);
	/* an output has no last picture of its own to hold, and its placeholder is the fallback */
	return reaction == FAULT_REACTION_HOLD || reaction == FAULT_REACTION_PLACEHOLDER
		? FAULT_REACTION_FALLBACK
		: reaction;
}

void screen_machine_init(struct screen_machine *machine, const struct screen_limits *limits) {
	assert(limits->flicker_max <= SCREEN_VISIBLE_MAX);
	*machine = (struct screen_machine) { .state = SCREEN_INIT, .limits = *limits };
}

void screen_machine_restore(
	struct screen_machine *machine, enum fault_cause unsafe, bool is_latched) {
	assert(machine->state == SCREEN_INIT);
	machine->was_unsafe = unsafe;
	machine->was_latched = is_latched;
}

/* What a check says at the tick of a change, and at the one after it, may be of the picture before. */
static bool is_strike(const struct screen_machine *machine, uint64_t reported, uint64_t tick) {
	return machine->state == SCREEN_FALLBACK && tick > machine->since_tick + 1 &&
		(reported & CHECKS) != 0;
}

static bool is_struck_out(struct screen_machine *machine, uint64_t reported, uint64_t tick) {
	if (!is_strike(machine, reported, tick)) {
		return false;
	}
	machine->strike_ticks[machine->strikes++ % SCREEN_STRIKES] = tick;
	uint64_t oldest = machine->strike_ticks[machine->strikes % SCREEN_STRIKES];
	return machine->strikes >= SCREEN_STRIKES && tick - oldest < SCREEN_STRIKE_TICKS;
}

static void sort_report(struct finding *finding, enum fault_cause cause) {
	switch (screen_reaction(cause)) {
	case FAULT_REACTION_SAFE:
		finding->unsafe = finding->unsafe != FAULT_NONE ? finding->unsafe : cause;
		break;
	case FAULT_REACTION_FALLBACK:
		finding->lacking = finding->lacking != FAULT_NONE ? finding->lacking : cause;
		break;
	default:
		finding->logged |= FAULT_BIT(cause);
	}
}

static struct finding judge(
	struct screen_machine *machine, const struct screen_signs *signs, uint64_t tick) {
	struct finding finding = { .unsafe = signs->unsafe, .logged = signs->noted };
	for (enum fault_cause cause = FAULT_NONE + 1; cause < FAULT_CAUSES; cause++) {
		if ((signs->reported & FAULT_BIT(cause)) != 0) {
			sort_report(&finding, cause);
		}
	}
	if (finding.lacking != FAULT_NONE) {
		machine->has_failed = true;
		machine->failed_tick = tick;
		if (is_struck_out(machine, signs->reported, tick) && finding.unsafe == FAULT_NONE) {
			finding.unsafe = finding.lacking;
		}
	} else if (signs->missing != FAULT_NONE) {
		finding.lacking = signs->missing;
		finding.onset_ns = signs->missing_onset_ns;
	}
	return finding;
}

static bool has_failed_lately(const struct screen_machine *machine, uint64_t tick) {
	return machine->has_failed && tick - machine->failed_tick < SCREEN_GOOD_TICKS;
}

static bool is_restored(const struct screen_machine *machine, const struct screen_signs *signs,
	const struct finding *finding, uint64_t tick) {
	if (finding->lacking != FAULT_NONE || signs->waiting || has_failed_lately(machine, tick)) {
		return false;
	}
	return signs->no_hysteresis ||
		(!machine->is_latched && tick - machine->since_tick >= machine->limits.dwell_ticks);
}

static bool happened(const struct screen_machine *machine, const struct screen_signs *signs,
	const struct finding *finding, enum event event, uint64_t tick) {
	bool has_fallback = machine->limits.has_fallback;
	/* without a fallback HMI a failed check is something amiss, and no more can be done */
	bool impaired = signs->impaired || has_failed_lately(machine, tick);
	switch (event) {
	case WAS_SAFE:
		return machine->was_unsafe != FAULT_NONE;
	case LIT:
		return has_fallback;
	case UNSAFE:
		return finding->unsafe != FAULT_NONE;
	case LACKING:
		return has_fallback && finding->lacking != FAULT_NONE;
	case IMPAIRED:
		return impaired;
	case WHOLE:
		return !impaired;
	case RESTORED:
		return is_restored(machine, signs, finding, tick);
	case RESTORED_WHOLE:
		return is_restored(machine, signs, finding, tick) && !impaired;
	case ACKNOWLEDGED:
		return signs->acknowledged && has_fallback;
	case ACKNOWLEDGED_BARE:
		return signs->acknowledged;
	}
	return false;
}

static enum fault_cause cause_of(const struct screen_machine *machine, enum screen_state state,
	const struct finding *finding) {
	switch (state) {
	case SCREEN_SAFE:
		return machine->state == SCREEN_INIT ? machine->was_unsafe : finding->unsafe;
	case SCREEN_FALLBACK:
	case SCREEN_DEGRADED:
		return finding->lacking;
	case SCREEN_INIT:
	case SCREEN_NORMAL:
		break;
	}
	return FAULT_NONE;
}

static enum fault_reaction reaction_of(enum screen_state state) {
	return state == SCREEN_SAFE        ? FAULT_REACTION_SAFE
		: state == SCREEN_FALLBACK ? FAULT_REACTION_FALLBACK
					   : FAULT_REACTION_LOG;
}

/* The latch closes where the fallback is shown already. */
static void note_visible(struct screen_machine *machine, enum screen_state to, uint64_t tick) {
	bool leaves = machine->state == SCREEN_FALLBACK && to != SCREEN_SAFE;
	bool falls = to == SCREEN_FALLBACK && machine->state != SCREEN_INIT &&
		machine->state != SCREEN_SAFE;
	if (falls || (leaves && machine->was_restored)) {
		machine->visible_ticks[machine->visible++ % SCREEN_VISIBLE_MAX] = tick;
	}
	machine->was_restored = machine->was_restored || leaves;
}

static bool is_flickering(const struct screen_machine *machine, uint64_t tick) {
	uint64_t limit = machine->limits.flicker_max;
	if (limit == 0 || machine->visible < limit) {
		return false;
	}
	uint64_t oldest = machine->visible_ticks[(machine->visible - limit) % SCREEN_VISIBLE_MAX];
	return tick - oldest < machine->limits.flicker_ticks;
}

static void enter(struct screen_machine *machine, enum screen_state state,
	const struct finding *finding, uint64_t tick, struct screen_transition *transition) {
	note_visible(machine, state, tick);
	machine->cause = cause_of(machine, state, finding);
	*transition = (struct screen_transition) {
		.from = machine->state,
		.to = state,
		.cause = machine->cause,
		.reaction = reaction_of(state),
		.onset_ns = finding->onset_ns != 0 ? finding->onset_ns : machine->well_ns,
	};
	machine->state = state;
	machine->since_tick = tick;
	machine->strikes = 0;
}

static size_t take_row(struct screen_machine *machine, const struct screen_signs *signs,
	const struct finding *finding, uint64_t tick, struct screen_transition *transition) {
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].from == machine->state &&
			happened(machine, signs, finding, rows[i].event, tick)) {
			enter(machine, rows[i].to, finding, tick, transition);
			return 1;
		}
	}
	return 0;
}

static size_t add_record(const struct screen_machine *machine, enum fault_cause cause,
	enum fault_reaction reaction, struct screen_transition *transitions, size_t len) {
	transitions[len] = (struct screen_transition) {
		.from = machine->state,
		.to = machine->state,
		.cause = cause,
		.reaction = reaction,
		.onset_ns = machine->well_ns,
	};
	return len + 1;
}

/* Causes that changed nothing, each once while it lasts. */
static size_t add_logged(struct screen_machine *machine, uint64_t logged,
	struct screen_transition *transitions, size_t len) {
	machine->logged &= logged;
	for (enum fault_cause cause = FAULT_NONE + 1; cause < FAULT_CAUSES; cause++) {
		if (len == SCREEN_TRANSITIONS_MAX) {
			break;
		}
		if ((logged & ~machine->logged & FAULT_BIT(cause)) != 0) {
			machine->logged |= FAULT_BIT(cause);
			len = add_record(machine, cause, FAULT_REACTION_LOG, transitions, len);
		}
	}
	return len;
}

static void acknowledge(struct screen_machine *machine) {
	machine->is_latched = false;
	machine->was_latched = false;
	machine->visible = 0;
	machine->strikes = 0;
}

size_t screen_machine_step(struct screen_machine *machine, const struct screen_signs *signs,
	uint64_t tick, uint64_t now_ns,
	struct screen_transition transitions[SCREEN_TRANSITIONS_MAX]) {
	if (signs->acknowledged) {
		acknowledge(machine);
	}
	struct finding finding = judge(machine, signs, tick);
	size_t len = take_row(machine, signs, &finding, tick, transitions);
	if (machine->state == SCREEN_FALLBACK && !machine->is_latched && !signs->no_hysteresis &&
		(machine->was_latched || is_flickering(machine, tick))) {
		machine->is_latched = true;
		machine->cause = FAULT_FLICKER;
		len = add_record(machine, FAULT_FLICKER, FAULT_REACTION_FALLBACK, transitions, len);
	}
	len = add_logged(machine, finding.logged, transitions, len);
	if (finding.unsafe == FAULT_NONE && finding.lacking == FAULT_NONE) {
		machine->well_ns = now_ns;
	}
	machine->is_waiting = has_failed_lately(machine, tick) ||
		(machine->state == SCREEN_FALLBACK && finding.lacking == FAULT_NONE &&
			!signs->waiting && !machine->is_latched);
	return len;
}
