/*
 * Which faults are injected now, and which mechanisms are switched off (core/inject.h). The places that
 * simulate a fault, and the mechanisms, ask here; where injection is not allowed nothing is ever on or
 * off, and nothing can change that.
 *
 * Thread: the compositor's; one table per process. Nothing allocates.
 */
#ifndef COMPOSITOR_INJECT_H
#define COMPOSITOR_INJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/inject.h"

#define INJECT_TEXT_BYTES 128
#define INJECT_TICKS_MAX 1000000

struct injection {
	bool is_on;
	uint32_t ticks;               /* left */
	int64_t number;               /* as asked for; 0: the default */
	char text[INJECT_TEXT_BYTES]; /* the thing's name; "": any */
};

/* Everything clear. Once per compositor, before it works. */
void inject_init(bool is_allowed);
bool inject_is_allowed(void);

/* Always true where injection is not allowed. */
bool mechanism_is_on(enum mechanism mechanism);

/* 0, -EPERM: injection is not allowed, -EINVAL: no such mechanism. */
int mechanism_set(enum mechanism mechanism, bool is_on);

/* Begins a fault; a newer one of its kind replaces it. `ticks` 0: once. INJECT_CLEAR ends all and
 * switches all mechanisms on. 0, -EPERM, -EINVAL: no such fault, or `ticks` out of range. */
int inject_fault(enum inject_fault fault, const char *text, int64_t number, int64_t ticks);

/* The fault as it is under way, or NULL. May be asked at any time, as often as one likes. */
const struct injection *inject_peek(enum inject_fault fault);

/* To be called by the one place that simulates the fault, when it does, once a tick: true if it is under
 * way, and then one tick of it is over. `taken` (may be NULL) is what it was. */
bool inject_take(enum inject_fault fault, struct injection *taken);

#endif
