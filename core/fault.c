#include "core/fault.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "core/macros.h"

static const struct {
	const char *name, *text;
	enum fault_reaction reaction;
} causes[] = {
	[FAULT_NONE] = { "none", "nothing is wrong", FAULT_REACTION_LOG },

	[FAULT_NEVER_STARTED] = { "never-started", "no picture came yet", FAULT_REACTION_LOG },
	[FAULT_DIED] = { "died", "the process of its device ended", FAULT_REACTION_PLACEHOLDER },
	[FAULT_HUNG_UP] = { "hung-up", "no virtual machine is connected",
		FAULT_REACTION_PLACEHOLDER },
	[FAULT_RESET] = { "reset", "the guest reset its device, or has no driver for it",
		FAULT_REACTION_PLACEHOLDER },
	[FAULT_BLANKED] = { "blanked", "the guest switched its display off",
		FAULT_REACTION_PLACEHOLDER },
	[FAULT_STUCK] = { "stuck", "the process of its device does not answer",
		FAULT_REACTION_PLACEHOLDER },
	[FAULT_STALLED] = { "stalled", "the guest draws no pictures any more",
		FAULT_REACTION_PLACEHOLDER },
	[FAULT_HEARTBEAT] = { "heartbeat", "the guest's heartbeat stopped",
		FAULT_REACTION_PLACEHOLDER },
	[FAULT_HEARTBEAT_FROZEN] = { "heartbeat-frozen",
		"the guest's heartbeat comes, but its number stands still",
		FAULT_REACTION_PLACEHOLDER },

	[FAULT_FROZEN] = { "frozen", "pictures come, but they do not change",
		FAULT_REACTION_PLACEHOLDER },
	[FAULT_LAGGED] = { "lagged", "a picture is too old, or was there before",
		FAULT_REACTION_HOLD },
	[FAULT_TORN] = { "torn", "a picture consists of parts of two", FAULT_REACTION_HOLD },
	[FAULT_BAD_FRAME] = { "bad-frame", "a picture's place or format is impossible",
		FAULT_REACTION_HOLD },
	[FAULT_WRONG_PIXELS] = { "wrong-pixels", "a verified element is not what is requested",
		FAULT_REACTION_FALLBACK },
	[FAULT_MISPLACED] = { "misplaced", "a verified element is in a wrong place",
		FAULT_REACTION_FALLBACK },
	[FAULT_OVERDRAWN] = { "overdrawn", "foreign pixels are in a region that has an owner",
		FAULT_REACTION_PLACEHOLDER },
	[FAULT_TRANSPARENT] = { "transparent", "pixels that must be opaque are not",
		FAULT_REACTION_PLACEHOLDER },
	[FAULT_UNIFORM] = { "uniform", "the picture is all of one colour",
		FAULT_REACTION_PLACEHOLDER },
	[FAULT_INVISIBLE] = { "invisible", "something that must be readable is not",
		FAULT_REACTION_PLACEHOLDER },

	[FAULT_MISSED_DEADLINES] = { "missed-deadlines", "pictures were late too often",
		FAULT_REACTION_FALLBACK },
	[FAULT_FLIP_LOST] = { "flip-lost", "the display does not show what it was given",
		FAULT_REACTION_SAFE },
	[FAULT_COMMIT] = { "commit", "the display refused a picture", FAULT_REACTION_SAFE },
	[FAULT_UNPLUGGED] = { "unplugged", "no display is connected", FAULT_REACTION_LOG },
	[FAULT_MODE] = { "mode", "the display has another mode than configured",
		FAULT_REACTION_LOG },
	[FAULT_SHOWN_WRONG] = { "shown-wrong", "what is shown is not what was checked",
		FAULT_REACTION_FALLBACK },
	[FAULT_READBACK_STALE] = { "readback-stale", "what is read back is of another picture",
		FAULT_REACTION_LOG },
	[FAULT_FLICKER] = { "flicker", "it failed and came back too often",
		FAULT_REACTION_FALLBACK },

	[FAULT_SELF_TEST] = { "self-test", "a wrong picture passed the check",
		FAULT_REACTION_SAFE },
	[FAULT_ATLAS] = { "atlas", "a picture in memory changed, and its copy is whole",
		FAULT_REACTION_LOG },
	[FAULT_ATLAS_LOST] = { "atlas-lost", "a picture in memory and its copy changed",
		FAULT_REACTION_SAFE },
	[FAULT_CLOCK] = { "clock", "the clock and the display's ticks disagree",
		FAULT_REACTION_LOG },
	[FAULT_LATE] = { "late", "the compositor was woken late", FAULT_REACTION_LOG },
	[FAULT_SIGNALS_LATE] = { "signals-late", "no valid signals came in time",
		FAULT_REACTION_LOG },
	[FAULT_SIGNALS_CORRUPT] = { "signals-corrupt",
		"signals with a wrong checksum, counter or sender came", FAULT_REACTION_LOG },
	[FAULT_CHIME_LOST] = { "chime-lost", "a chime was not heard in time", FAULT_REACTION_LOG },
};
_Static_assert(ARRAY_LEN(causes) == FAULT_CAUSES, "a row per cause");

static const char *const reactions[] = {
	[FAULT_REACTION_DEFAULT] = "default",
	[FAULT_REACTION_LOG] = "log",
	[FAULT_REACTION_HOLD] = "hold",
	[FAULT_REACTION_PLACEHOLDER] = "placeholder",
	[FAULT_REACTION_FALLBACK] = "fallback",
	[FAULT_REACTION_SAFE] = "safe",
};
_Static_assert(ARRAY_LEN(reactions) == FAULT_REACTIONS, "a name per reaction");

const char *fault_name(enum fault_cause cause) {
	assert(cause < FAULT_CAUSES);
	return causes[cause].name;
}

const char *fault_text(enum fault_cause cause) {
	assert(cause < FAULT_CAUSES);
	return causes[cause].text;
}

enum fault_cause fault_from_name(const char *name) {
	for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
		if (strcmp(causes[i].name, name) == 0) {
			return (enum fault_cause)i;
		}
	}
	return FAULT_NONE;
}

const char *fault_reaction_name(enum fault_reaction reaction) {
	assert(reaction < FAULT_REACTIONS);
	return reactions[reaction];
}

enum fault_reaction fault_reaction_from_name(const char *name) {
	for (size_t i = 0; i < ARRAY_LEN(reactions); i++) {
		if (strcmp(reactions[i], name) == 0) {
			return (enum fault_reaction)i;
		}
	}
	return FAULT_REACTION_DEFAULT;
}

enum fault_reaction fault_default_reaction(enum fault_cause cause) {
	assert(cause < FAULT_CAUSES);
	return causes[cause].reaction;
}

bool fault_is_of_layer(enum fault_cause cause) {
	return cause >= FAULT_NEVER_STARTED && cause <= FAULT_INVISIBLE;
}
