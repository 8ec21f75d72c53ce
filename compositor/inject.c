#include "compositor/inject.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/macros.h"

static struct {
	bool is_allowed;
	bool is_off[MECHANISMS];
	struct injection faults[INJECT_FAULTS];
} table;

void inject_init(bool is_allowed) {
	memset(&table, 0, sizeof(table));
	table.is_allowed = is_allowed;
}

bool inject_is_allowed(void) {
	return table.is_allowed;
}

bool mechanism_is_on(enum mechanism mechanism) {
	return !table.is_allowed || !table.is_off[mechanism];
}

int mechanism_set(enum mechanism mechanism, bool is_on) {
	if (!table.is_allowed) {
		return -EPERM;
	}
	if (mechanism >= MECHANISMS) {
		return -EINVAL;
	}
	table.is_off[mechanism] = !is_on;
	return 0;
}

int inject_fault(enum inject_fault fault, const char *text, int64_t number, int64_t ticks) {
	if (!table.is_allowed) {
		return -EPERM;
	}
	if (fault >= INJECT_FAULTS || ticks < 0 || ticks > INJECT_TICKS_MAX) {
		return -EINVAL;
	}
	if (fault == INJECT_CLEAR) {
		inject_init(true);
		return 0;
	}
	struct injection *injection = &table.faults[fault];
	*injection = (struct injection) {
		.is_on = true,
		.ticks = (uint32_t)MAX(ticks, 1),
		.number = number,
	};
	snprintf(injection->text, sizeof(injection->text), "%s", text);
	return 0;
}

const struct injection *inject_peek(enum inject_fault fault) {
	return table.faults[fault].is_on ? &table.faults[fault] : NULL;
}

bool inject_take(enum inject_fault fault, struct injection *taken) {
	struct injection *injection = &table.faults[fault];
	if (!injection->is_on) {
		return false;
	}
	if (taken != NULL) {
		*taken = *injection;
	}
	injection->is_on = --injection->ticks > 0;
	return true;
}
