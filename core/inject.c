#include "core/inject.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "core/macros.h"

static const struct {
	const char *name, *text;
} faults[] = {
	[INJECT_CLEAR] = { "clear", "ends all faults and switches all mechanisms on again" },
	[INJECT_FLIP_ATLAS] = { "atlas",
		"flips a bit of tile NAME in the atlas: 0 in the first copy, 1 in both" },
	[INJECT_FLIP_COMPOSED] = { "composed",
		"flips a bit of element NAME after composing, before the check" },
	[INJECT_FLIP_SHOWN] = { "shown",
		"flips a bit of element NAME in what is shown, behind the check" },
	[INJECT_OVERDRAW] = { "overdraw",
		"draws a foreign rectangle over element NAME, as a wrong scene would" },
	[INJECT_BLIND] = { "blind", "region checks say passed, whatever they saw" },
	[INJECT_STALE_READBACK] = { "readback", "what is read back stays that of an old picture" },
	[INJECT_COMMIT_ERROR] = { "commit", "the output refuses pictures" },
	[INJECT_LOSE_FLIP] = { "flip", "what was committed is never shown" },
	[INJECT_UNPLUG] = { "unplug", "no display is connected" },
	[INJECT_MODE] = { "mode", "the display has another mode" },
	[INJECT_RESUME] = { "resume",
		"as after a sleep: commits fail and flips are lost until a reset" },
	[INJECT_STALL] = { "stall", "a tick takes this many ms longer" },
	[INJECT_HANG] = { "hang", "the compositor stops, awake, until it is killed" },
	[INJECT_CLOCK] = { "clock", "the clock runs this many per mille too fast" },
	[INJECT_SKIP_STEP] = { "skip-step", "cycles leave out a step" },
	[INJECT_EARLY_PET] = { "early-pet", "the watchdog is petted at each tick" },
	[INJECT_DROP_CUES] = { "drop-cues", "chimes are not asked for" },
};
_Static_assert(ARRAY_LEN(faults) == INJECT_FAULTS, "a row per fault");

static const char *const mechanisms[] = {
	[MECHANISM_LOSS] = "loss",
	[MECHANISM_STUCK] = "stuck",
	[MECHANISM_STALL] = "stall",
	[MECHANISM_HEARTBEAT] = "heartbeat",
	[MECHANISM_FROZEN] = "frozen",
	[MECHANISM_ORDER] = "order",
	[MECHANISM_TORN] = "torn",
	[MECHANISM_SANE] = "sane",
	[MECHANISM_EXACT] = "exact",
	[MECHANISM_OWNER] = "owner",
	[MECHANISM_OPAQUE] = "opaque",
	[MECHANISM_UNIFORM] = "uniform",
	[MECHANISM_VISIBLE] = "visible",
	[MECHANISM_DEADLINE] = "deadline",
	[MECHANISM_FLIP] = "flip",
	[MECHANISM_COMMIT] = "commit",
	[MECHANISM_CONNECTION] = "connection",
	[MECHANISM_MODE] = "mode",
	[MECHANISM_READBACK] = "readback",
	[MECHANISM_WATCHDOG] = "watchdog",
	[MECHANISM_SELF_TEST] = "self-test",
	[MECHANISM_SCRUB] = "scrub",
	[MECHANISM_CLOCK] = "clock",
	[MECHANISM_LATENESS] = "lateness",
	[MECHANISM_SIGNALS] = "signals",
	[MECHANISM_HYSTERESIS] = "hysteresis",
	[MECHANISM_CHIME] = "chime",
	[MECHANISM_CLEANUP] = "cleanup",
};
_Static_assert(ARRAY_LEN(mechanisms) == MECHANISMS, "a name per mechanism");

const char *inject_fault_name(enum inject_fault fault) {
	assert(fault < INJECT_FAULTS);
	return faults[fault].name;
}

const char *inject_fault_text(enum inject_fault fault) {
	assert(fault < INJECT_FAULTS);
	return faults[fault].text;
}

enum inject_fault inject_fault_from_name(const char *name) {
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		if (strcmp(faults[i].name, name) == 0) {
			return (enum inject_fault)i;
		}
	}
	return INJECT_FAULTS;
}

const char *mechanism_name(enum mechanism mechanism) {
	assert(mechanism < MECHANISMS);
	return mechanisms[mechanism];
}

enum mechanism mechanism_from_name(const char *name) {
	for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++) {
		if (strcmp(mechanisms[i], name) == 0) {
			return (enum mechanism)i;
		}
	}
	return MECHANISMS;
}
