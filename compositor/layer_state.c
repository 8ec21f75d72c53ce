#include "compositor/layer_state.h"

#include <assert.h>

#include "core/macros.h"

enum event {
	HERE,    /* a peer is there */
	GONE,    /* no peer is there */
	PICTURE, /* nothing is wrong, and there is a picture of the present peer */
	LOSS,    /* something is wrong */
	HELD,    /* the last picture was held long enough */
	ENOUGH,  /* enough good ticks */
};

/* the drawing in the header; of one state's rows the first whose event holds is taken */
static const struct {
	enum layer_state from;
	enum event event;
	enum layer_state to;
} rows[] = {
	{ LAYER_ABSENT, PICTURE, LAYER_LIVE },
	{ LAYER_ABSENT, HERE, LAYER_STARTING },
	{ LAYER_STARTING, PICTURE, LAYER_LIVE },
	{ LAYER_STARTING, GONE, LAYER_ABSENT },
	{ LAYER_LIVE, LOSS, LAYER_SUSPECT },
	{ LAYER_SUSPECT, PICTURE, LAYER_LIVE },
	{ LAYER_SUSPECT, HELD, LAYER_PLACEHOLDER },
	{ LAYER_PLACEHOLDER, PICTURE, LAYER_RECOVERING },
	{ LAYER_RECOVERING, LOSS, LAYER_PLACEHOLDER },
	{ LAYER_RECOVERING, ENOUGH, LAYER_LIVE },
};

static const char *const state_names[] = {
	[LAYER_ABSENT] = "absent",
	[LAYER_STARTING] = "starting",
	[LAYER_LIVE] = "live",
	[LAYER_SUSPECT] = "suspect",
	[LAYER_PLACEHOLDER] = "placeholder",
	[LAYER_RECOVERING] = "recovering",
};

static const char *const cause_names[] = {
	[LAYER_CAUSE_NONE] = "nothing",
	[LAYER_CAUSE_NEVER_STARTED] = "never started",
	[LAYER_CAUSE_DIED] = "its process died",
	[LAYER_CAUSE_HUNG_UP] = "the machine hung up",
	[LAYER_CAUSE_RESET] = "the device was reset",
	[LAYER_CAUSE_BLANKED] = "the guest switched its display off",
	[LAYER_CAUSE_STUCK] = "its process is stuck",
	[LAYER_CAUSE_STALLED] = "no new picture in time",
};

const char *layer_state_name(enum layer_state state) {
	return state_names[state];
}

const char *layer_cause_name(enum layer_cause cause) {
	return cause_names[cause];
}

void layer_machine_init(struct layer_machine *machine, const struct layer_limits *limits) {
	assert(limits->recover_ticks >= 1);
	*machine = (struct layer_machine) {
		.state = LAYER_ABSENT,
		.cause = LAYER_CAUSE_NEVER_STARTED,
		.limits = *limits,
	};
}

static enum layer_cause find_cause(
	const struct layer_machine *machine, const struct layer_signs *signs, uint64_t tick) {
	bool fresh = signs->frames != machine->seen.frames;

	if (signs->died) {
		return LAYER_CAUSE_DIED;
	}
	if (signs->peer == LINK_PEER_ABSENT) {
		return LAYER_CAUSE_HUNG_UP;
	}
	/* a picture that came with the reset is from after it: what was shown before was taken back */
	if (signs->peer == LINK_PEER_CONNECTED ||
		(signs->resets != machine->seen.resets && !fresh)) {
		return LAYER_CAUSE_RESET;
	}
	if (signs->blank) {
		return LAYER_CAUSE_BLANKED;
	}
	if (signs->stuck) {
		return LAYER_CAUSE_STUCK;
	}
	if (machine->limits.stall_ticks > 0 &&
		tick - machine->flush_tick >= machine->limits.stall_ticks) {
		return LAYER_CAUSE_STALLED;
	}
	return LAYER_CAUSE_NONE;
}

/* The picture in hand outlives a stuck or silent producer, but not the end of its source. */
static bool ends_picture(enum layer_cause cause) {
	return cause != LAYER_CAUSE_NONE && cause != LAYER_CAUSE_STUCK &&
		cause != LAYER_CAUSE_STALLED;
}

static bool happened(const struct layer_machine *machine, const struct layer_signs *signs,
	enum layer_cause cause, enum event event, uint64_t tick) {
	switch (event) {
	case HERE:
		return !signs->died && signs->peer != LINK_PEER_ABSENT;
	case GONE:
		return signs->died || signs->peer == LINK_PEER_ABSENT;
	case PICTURE:
		return cause == LAYER_CAUSE_NONE && machine->has_valid;
	case LOSS:
		return cause != LAYER_CAUSE_NONE;
	case HELD:
		return tick - machine->since_tick >= machine->limits.hold_ticks;
	case ENOUGH:
		return machine->good_ticks >= machine->limits.recover_ticks;
	}
	return false;
}

static void enter(struct layer_machine *machine, enum layer_state state, enum layer_cause cause,
	uint64_t tick, struct layer_transition *transition) {
	if (cause != LAYER_CAUSE_NONE && state != LAYER_STARTING) {
		machine->cause = cause;
	}
	*transition = (struct layer_transition) {
		.from = machine->state,
		.to = state,
		.cause = machine->cause,
		.onset_ns = machine->well_ns,
	};
	machine->state = state;
	machine->since_tick = tick;
	machine->good_ticks = state == LAYER_RECOVERING ? 1 : 0;
	if (state == LAYER_LIVE) {
		machine->cause = LAYER_CAUSE_NONE;
	}
}

static bool take_row(struct layer_machine *machine, const struct layer_signs *signs,
	enum layer_cause cause, uint64_t tick, struct layer_transition *transition) {
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].from == machine->state &&
			happened(machine, signs, cause, rows[i].event, tick)) {
			enter(machine, rows[i].to, cause, tick, transition);
			return true;
		}
	}
	return false;
}

size_t layer_machine_step(struct layer_machine *machine, const struct layer_signs *signs,
	uint64_t tick, uint64_t now_ns,
	struct layer_transition transitions[LAYER_TRANSITIONS_MAX]) {
	bool fresh = signs->frames != machine->seen.frames;
	if (fresh || signs->flushes != machine->seen.flushes) {
		machine->flush_tick = tick;
	}
	enum layer_cause cause = find_cause(machine, signs, tick);
	if (ends_picture(cause)) {
		machine->has_valid = false;
	} else if (fresh && cause == LAYER_CAUSE_NONE) {
		machine->has_valid = true;
	}
	/* a layer that may be silent recovers by being well: its next picture may be hours away */
	if (machine->state == LAYER_RECOVERING && (fresh || machine->limits.stall_ticks == 0)) {
		machine->good_ticks++;
	}

	size_t len = 0;
	while (len < LAYER_TRANSITIONS_MAX &&
		take_row(machine, signs, cause, tick, &transitions[len])) {
		len++;
	}
	if (cause == LAYER_CAUSE_NONE) {
		machine->well_ns = now_ns;
	}
	machine->seen = *signs;
	return len;
}

bool layer_machine_shows_picture(const struct layer_machine *machine) {
	return machine->state == LAYER_LIVE || machine->state == LAYER_SUSPECT;
}

bool layer_machine_is_waiting(const struct layer_machine *machine) {
	switch (machine->state) {
	case LAYER_LIVE:
		return machine->limits.stall_ticks > 0;
	case LAYER_SUSPECT:
	case LAYER_RECOVERING:
		return true;
	case LAYER_ABSENT:
	case LAYER_STARTING:
	case LAYER_PLACEHOLDER:
		break;
	}
	return false;
}
