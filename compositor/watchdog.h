/*
 * The watchdog outside: petted only by completed cycles.
 *
 * A cycle of an output takes pictures, judges them, composes, checks, and shows; each step adds its part to
 * the cycle's token, so that a step that is missing, repeated or out of order makes a wrong one:
 *
 *   token(0) = number of the cycle      token(n) = token(n - 1) * MULTIPLIER + part of step n
 *
 * It is petted not before `pet_ms` after the last time (its window is pet_ms to 3 * pet_ms), and only if
 * since then every output completed cycles and none was wrong or not fit to be seen. Time is given, so
 * that stepped outputs are exact.
 *
 * Kinds: see enum config_watchdog_kind. Where it is petted never blocks: what it does not take is counted.
 *
 * Thread: the compositor's. Nothing allocates.
 */
#ifndef COMPOSITOR_WATCHDOG_H
#define COMPOSITOR_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#include "core/config.h"
#include "core/stats.h"

enum watchdog_step {
	WATCHDOG_TAKE,
	WATCHDOG_JUDGE,
	WATCHDOG_COMPOSE,
	WATCHDOG_CHECK,
	WATCHDOG_SHOW,
	WATCHDOG_STEPS,
};

/* Of an output. */
struct watchdog_chain {
	uint64_t number; /* of the cycle */
	uint64_t token;
};

void watchdog_chain_begin(struct watchdog_chain *chain, uint64_t number);
void watchdog_chain_add(struct watchdog_chain *chain, enum watchdog_step step);
/* Whether all steps were made, once and in order. */
bool watchdog_chain_is_whole(const struct watchdog_chain *chain);

struct watchdog {
	int fd; /* owned; -1: there is none */
	enum config_watchdog_kind kind;
	uint64_t period_ns;
	uint64_t petted_ns;      /* last time, or start */
	uint32_t outputs;        /* set of those that must complete cycles */
	uint32_t whole, broken;  /* sets of those that did since then, and of those that failed */
	_Atomic uint64_t *pets, *withheld, *refused;
};

/* Takes over `fd`. `outputs`: set of those that must complete cycles, bit n for index n. */
void watchdog_init(struct watchdog *watchdog, const struct config_safety *config, int fd,
	uint32_t outputs, uint64_t now_ns, struct stats *stats);
/* An orderly end, which a device is told; closes. */
void watchdog_finish(struct watchdog *watchdog);

/* A cycle of output `index` ended at `now_ns`. `is_fit`: what is shown may be seen (it is not SAFE). */
void watchdog_end_cycle(struct watchdog *watchdog, uint32_t index,
	const struct watchdog_chain *chain, bool is_fit, uint64_t now_ns);

#endif
