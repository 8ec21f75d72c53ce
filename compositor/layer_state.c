#include "compositor/layer_state.h"

#include <assert.h>

#include "core/macros.h"

enum event {
	REMEMBERED,   /* a predecessor had quarantined it */
	HERE,         /* a peer is there */
	GONE,         /* no peer is there */
	PICTURE,      /* nothing is wrong, and there is a picture of the present peer */
	DOUBT,        /* something is wrong, and the last picture may stay a while */
	LOST,         /* something is wrong, and it may not */
	HELD,         /* it stayed long enough */
	ENOUGH,       /* enough good ticks, long enough after the loss */
	EXHAUSTED,    /* too many losses */
	WORSE,        /* what is wrong asks for more than what was before */
	ACKNOWLEDGED, /* somebody takes responsibility for another try */
};

/* the drawing in the header; of one state's rows the first whose event holds is taken */
static const struct {
	enum layer_state from;
	enum event event;
	enum layer_state to;
} rows[] = {
	{ LAYER_ABSENT, REMEMBERED, LAYER_QUARANTINED },
	{ LAYER_ABSENT, PICTURE, LAYER_LIVE },
	{ LAYER_ABSENT, HERE, LAYER_STARTING },
	{ LAYER_STARTING, PICTURE, LAYER_LIVE },
	{ LAYER_STARTING, GONE, LAYER_ABSENT },
	{ LAYER_LIVE, LOST, LAYER_PLACEHOLDER },
	{ LAYER_LIVE, DOUBT, LAYER_SUSPECT },
	{ LAYER_SUSPECT, LOST, LAYER_PLACEHOLDER },
	{ LAYER_SUSPECT, PICTURE, LAYER_LIVE },
	{ LAYER_SUSPECT, HELD, LAYER_PLACEHOLDER },
	{ LAYER_PLACEHOLDER, EXHAUSTED, LAYER_QUARANTINED },
	{ LAYER_PLACEHOLDER, WORSE, LAYER_PLACEHOLDER },
	{ LAYER_PLACEHOLDER, PICTURE, LAYER_RECOVERING },
	{ LAYER_RECOVERING, LOST, LAYER_PLACEHOLDER },
	{ LAYER_RECOVERING, DOUBT, LAYER_PLACEHOLDER },
	{ LAYER_RECOVERING, ENOUGH, LAYER_LIVE },
	{ LAYER_QUARANTINED, ACKNOWLEDGED, LAYER_PLACEHOLDER },
	{ LAYER_QUARANTINED, WORSE, LAYER_QUARANTINED },
};

static const char *const state_names[] = {
	[LAYER_ABSENT] = "absent",
	[LAYER_STARTING] = "starting",
	[LAYER_LIVE] = "live",
	[LAYER_SUSPECT] = "suspect",
	[LAYER_PLACEHOLDER] = "placeholder",
	[LAYER_RECOVERING] = "recovering",
	[LAYER_QUARANTINED] = "quarantined",
};

/* The picture in hand outlives these; any other cause says that it is not to be shown again. */
#define KEEPS_PICTURE                                                                              \
	(FAULT_BIT(FAULT_STUCK) | FAULT_BIT(FAULT_STALLED) | FAULT_BIT(FAULT_HEARTBEAT) |          \
		FAULT_BIT(FAULT_HEARTBEAT_FROZEN) | REFUSALS)
/* why a picture is refused before it replaces the one in hand */
#define REFUSALS                                                                                   \
	(FAULT_BIT(FAULT_LAGGED) | FAULT_BIT(FAULT_TORN) | FAULT_BIT(FAULT_BAD_FRAME) |            \
		FAULT_BIT(FAULT_TRANSPARENT))
/* the source itself ended: heartbeats begin anew */
#define ENDS_SOURCE (FAULT_BIT(FAULT_DIED) | FAULT_BIT(FAULT_HUNG_UP) | FAULT_BIT(FAULT_RESET))
/* what a guest does when it boots */
#define ORDERLY (FAULT_BIT(FAULT_RESET) | FAULT_BIT(FAULT_BLANKED))

/* what is made of the signs at a tick */
struct finding {
	uint64_t causes; /* set of all, but those that are only written down */
	uint64_t logged; /* set of those */
	enum fault_cause cause; /* the one that counts most */
	enum fault_reaction reaction;
	bool is_struck; /* the last refused picture was one too many */
};

const char *layer_state_name(enum layer_state state) {
	return state_names[state];
}

void layer_machine_init(struct layer_machine *machine, const struct layer_limits *limits) {
	assert(limits->recover_ticks >= 1);
	assert(limits->quarantine_losses <= LAYER_LOSSES_MAX);
	*machine = (struct layer_machine) {
		.state = LAYER_ABSENT,
		.cause = FAULT_NEVER_STARTED,
		.reaction = FAULT_REACTION_PLACEHOLDER,
		.limits = *limits,
	};
	for (enum fault_cause cause = FAULT_NONE; cause < FAULT_CAUSES; cause++) {
		uint32_t *reaction = &machine->limits.reactions[cause];
		if (*reaction == FAULT_REACTION_DEFAULT) {
			*reaction = fault_default_reaction(cause);
		}
	}
}

void layer_machine_restore(
	struct layer_machine *machine, enum fault_cause cause, enum fault_reaction reaction) {
	assert(machine->state == LAYER_ABSENT);
	machine->was_quarantined = true;
	machine->cause = cause;
	machine->reaction = reaction;
}

static uint64_t bit_if(bool holds, enum fault_cause cause) {
	return holds ? FAULT_BIT(cause) : 0;
}

static bool is_fresh(const struct layer_machine *machine, const struct layer_signs *signs) {
	return signs->frames != machine->seen.frames;
}

static uint64_t source_causes(
	const struct layer_machine *machine, const struct layer_signs *signs) {
	/* a picture that came with the reset is from after it: what was shown before was taken back */
	bool reset = signs->resets != machine->seen.resets && !is_fresh(machine, signs);
	return bit_if(signs->died, FAULT_DIED) |
		bit_if(signs->peer == LINK_PEER_ABSENT, FAULT_HUNG_UP) |
		bit_if(signs->peer == LINK_PEER_CONNECTED || reset, FAULT_RESET) |
		bit_if(signs->blank, FAULT_BLANKED) | bit_if(signs->stuck, FAULT_STUCK);
}

static uint64_t heart_causes(
	const struct layer_machine *machine, const struct layer_signs *signs, uint64_t tick) {
	uint64_t limit = machine->limits.heartbeat_ticks;
	if (limit == 0 || signs->no_heartbeat) {
		return 0;
	}
	bool late = !machine->has_heart || tick - machine->heart_tick >= limit;
	return bit_if(late, FAULT_HEARTBEAT) |
		bit_if(!late && tick - machine->heart_number_tick >= limit, FAULT_HEARTBEAT_FROZEN);
}

/* Without what checks reported. */
static uint64_t find_causes(
	const struct layer_machine *machine, const struct layer_signs *signs, uint64_t tick) {
	const struct layer_limits *limits = &machine->limits;
	bool stalled = limits->stall_ticks > 0 && !signs->no_stall &&
		tick - machine->flush_tick >= limits->stall_ticks;
	return source_causes(machine, signs) | heart_causes(machine, signs, tick) |
		bit_if(stalled, FAULT_STALLED) | bit_if(signs->frozen, FAULT_FROZEN) |
		bit_if(signs->refused != FAULT_NONE, signs->refused);
}

/* The strongest that is asked for; DEFAULT: the cause is not there. */
static enum fault_reaction reaction_to(const struct layer_machine *machine,
	const struct layer_signs *signs, uint64_t causes, enum fault_cause cause) {
	uint64_t usual = causes | signs->reported[FAULT_REACTION_DEFAULT];
	enum fault_reaction reaction = (usual & FAULT_BIT(cause)) != 0
		? (enum fault_reaction)machine->limits.reactions[cause]
		: FAULT_REACTION_DEFAULT;
	for (enum fault_reaction asked = FAULT_REACTION_LOG; asked < FAULT_REACTIONS; asked++) {
		if ((signs->reported[asked] & FAULT_BIT(cause)) != 0) {
			reaction = MAX(reaction, asked);
		}
	}
	return reaction;
}

static bool is_doubt(enum fault_cause cause, enum fault_reaction reaction) {
	return reaction == FAULT_REACTION_HOLD ||
		(reaction == FAULT_REACTION_PLACEHOLDER &&
			(cause == FAULT_STUCK || cause == FAULT_STALLED));
}

/* The strongest reaction first; of equal ones what is at once; of these the first in the list. */
static int rank_of(enum fault_cause cause, enum fault_reaction reaction) {
	return 2 * (int)reaction + !is_doubt(cause, reaction);
}

static struct finding judge(
	const struct layer_machine *machine, const struct layer_signs *signs, uint64_t tick) {
	uint64_t causes = find_causes(machine, signs, tick);
	struct finding finding = { .cause = FAULT_NONE, .reaction = FAULT_REACTION_LOG };
	int rank = 0;
	for (enum fault_cause cause = FAULT_NONE + 1; cause < FAULT_CAUSES; cause++) {
		enum fault_reaction reaction = reaction_to(machine, signs, causes, cause);
		if (reaction == FAULT_REACTION_DEFAULT) {
			continue;
		}
		if (reaction == FAULT_REACTION_LOG) {
			finding.logged |= FAULT_BIT(cause);
			continue;
		}
		finding.causes |= FAULT_BIT(cause);
		if (rank_of(cause, reaction) > rank) {
			rank = rank_of(cause, reaction);
			finding.cause = cause;
			finding.reaction = reaction;
		}
	}
	return finding;
}

/* ---- what is remembered from tick to tick ---- */

static void note_hearts(
	struct layer_machine *machine, const struct layer_signs *signs, uint64_t tick) {
	if (signs->hearts != machine->seen.hearts && signs->hearts != 0) {
		machine->heart_tick = tick;
		if (!machine->has_heart || signs->heart_number != machine->seen.heart_number) {
			machine->heart_number_tick = tick;
		}
		machine->has_heart = true;
	}
	if ((source_causes(machine, signs) & ENDS_SOURCE) != 0) {
		machine->has_heart = false;
	}
}

static void note_strike(struct layer_machine *machine, const struct layer_signs *signs,
	uint64_t tick, struct finding *finding) {
	bool counts = signs->refusals != machine->seen.refusals && signs->refused != FAULT_NONE &&
		machine->limits.reactions[signs->refused] == FAULT_REACTION_HOLD;
	if (!counts) {
		return;
	}
	machine->strike_ticks[machine->strikes++ % LAYER_STRIKES] = tick;
	uint64_t oldest = machine->strike_ticks[machine->strikes % LAYER_STRIKES];
	finding->is_struck =
		machine->strikes >= LAYER_STRIKES && tick - oldest < LAYER_STRIKE_TICKS;
}

static void note_signs(struct layer_machine *machine, const struct layer_signs *signs,
	uint64_t tick, struct finding *finding) {
	bool fresh = is_fresh(machine, signs);
	if ((finding->causes & ~KEEPS_PICTURE) != 0) {
		machine->has_valid = false;
	} else if (fresh) {
		machine->has_valid = true;
	}
	/* a layer that may be silent recovers by being well: its next picture may be hours away */
	if (machine->state == LAYER_RECOVERING && (fresh || machine->limits.stall_ticks == 0)) {
		machine->good_ticks++;
	}
	note_strike(machine, signs, tick, finding);
}

/* ---- transitions ---- */

static bool is_exhausted(const struct layer_machine *machine, uint64_t tick) {
	uint64_t limit = machine->limits.quarantine_losses;
	if (limit == 0 || machine->losses < limit) {
		return false;
	}
	uint64_t oldest = machine->loss_ticks[(machine->losses - limit) % LAYER_LOSSES_MAX];
	return tick - oldest < machine->limits.quarantine_ticks;
}

static uint64_t hold_ticks(const struct layer_machine *machine, const struct finding *finding) {
	enum fault_cause cause = finding->cause != FAULT_NONE ? finding->cause : machine->cause;
	uint64_t ticks = machine->limits.hold_ticks;
	return (FAULT_BIT(cause) & REFUSALS) != 0 ? MAX(ticks, LAYER_REFUSED_TICKS) : ticks;
}

static bool is_lost(const struct finding *finding) {
	return finding->cause != FAULT_NONE &&
		(finding->is_struck || !is_doubt(finding->cause, finding->reaction));
}

static bool happened(const struct layer_machine *machine, const struct layer_signs *signs,
	const struct finding *finding, enum event event, uint64_t tick) {
	const struct layer_limits *limits = &machine->limits;
	switch (event) {
	case REMEMBERED:
		return machine->was_quarantined;
	case HERE:
		return !signs->died && signs->peer != LINK_PEER_ABSENT;
	case GONE:
		return signs->died || signs->peer == LINK_PEER_ABSENT;
	case PICTURE:
		return finding->cause == FAULT_NONE && machine->has_valid;
	case DOUBT:
		return finding->cause != FAULT_NONE && !is_lost(finding);
	case LOST:
		return is_lost(finding);
	case HELD:
		return tick - machine->since_tick >= hold_ticks(machine, finding);
	case ENOUGH:
		return machine->good_ticks >= limits->recover_ticks &&
			(signs->no_hysteresis || tick - machine->lost_tick >= limits->dwell_ticks);
	case WORSE:
		return finding->cause != FAULT_NONE && finding->reaction > machine->reaction;
	case EXHAUSTED:
		return !signs->no_hysteresis && is_exhausted(machine, tick);
	case ACKNOWLEDGED:
		return signs->acknowledged || signs->no_hysteresis;
	}
	return false;
}

static void note_loss(struct layer_machine *machine, uint64_t tick) {
	machine->lost_tick = tick;
	machine->strikes = 0;
	if ((FAULT_BIT(machine->cause) & ORDERLY) == 0) {
		machine->loss_ticks[machine->losses++ % LAYER_LOSSES_MAX] = tick;
	}
}

static void enter(struct layer_machine *machine, enum layer_state state,
	const struct finding *finding, uint64_t tick, struct layer_transition *transition) {
	enum fault_reaction reaction = machine->reaction;
	bool shown = layer_machine_shows_picture(machine);
	if (finding->cause != FAULT_NONE && machine->state != LAYER_ABSENT) {
		machine->cause = finding->cause;
		reaction = finding->reaction;
	}
	if (state == LAYER_PLACEHOLDER) {
		reaction = MAX(reaction, FAULT_REACTION_PLACEHOLDER);
		if (shown) {
			note_loss(machine, tick);
		}
	}
	if (reaction > machine->reaction) {
		machine->reaction = reaction;
	}
	*transition = (struct layer_transition) {
		.from = machine->state,
		.to = state,
		.cause = machine->cause,
		.reaction = reaction,
		.onset_ns = machine->well_ns,
	};
	if (machine->state == LAYER_QUARANTINED && state != LAYER_QUARANTINED) {
		machine->losses = 0;
	}
	machine->was_quarantined = false;
	machine->since_tick = machine->state == state ? machine->since_tick : tick;
	machine->state = state;
	machine->good_ticks = state == LAYER_RECOVERING ? 1 : 0;
	if (state == LAYER_LIVE) {
		machine->cause = FAULT_NONE;
		machine->reaction = FAULT_REACTION_LOG;
	}
}

static bool take_row(struct layer_machine *machine, const struct layer_signs *signs,
	const struct finding *finding, uint64_t tick, struct layer_transition *transition) {
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].from == machine->state &&
			happened(machine, signs, finding, rows[i].event, tick)) {
			enter(machine, rows[i].to, finding, tick, transition);
			return true;
		}
	}
	return false;
}

/* Causes that changed nothing, each once while it lasts. */
static size_t add_logged(struct layer_machine *machine, uint64_t logged,
	struct layer_transition *transitions, size_t len) {
	machine->logged &= logged;
	for (enum fault_cause cause = FAULT_NONE + 1; cause < FAULT_CAUSES; cause++) {
		if (len == LAYER_TRANSITIONS_MAX) {
			break;
		}
		if ((logged & ~machine->logged & FAULT_BIT(cause)) == 0) {
			continue;
		}
		machine->logged |= FAULT_BIT(cause);
		transitions[len++] = (struct layer_transition) {
			.from = machine->state,
			.to = machine->state,
			.cause = cause,
			.reaction = FAULT_REACTION_LOG,
			.onset_ns = machine->well_ns,
		};
	}
	return len;
}

size_t layer_machine_step(struct layer_machine *machine, const struct layer_signs *signs,
	uint64_t tick, uint64_t now_ns,
	struct layer_transition transitions[LAYER_TRANSITIONS_MAX]) {
	if (is_fresh(machine, signs) || signs->flushes != machine->seen.flushes) {
		machine->flush_tick = tick;
	}
	note_hearts(machine, signs, tick);
	struct finding finding = judge(machine, signs, tick);
	note_signs(machine, signs, tick, &finding);

	size_t len = 0;
	while (len < LAYER_TRANSITIONS_MAX &&
		take_row(machine, signs, &finding, tick, &transitions[len])) {
		len++;
	}
	len = add_logged(machine, finding.logged, transitions, len);
	if (finding.cause == FAULT_NONE) {
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
		return machine->limits.stall_ticks > 0 || machine->limits.heartbeat_ticks > 0;
	case LAYER_SUSPECT:
	case LAYER_RECOVERING:
		return true;
	case LAYER_STARTING:
	case LAYER_PLACEHOLDER:
		return machine->limits.heartbeat_ticks > 0; /* nobody is woken by one */
	case LAYER_ABSENT:
	case LAYER_QUARANTINED:
		break;
	}
	return false;
}
