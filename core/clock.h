/*
 * The clock of a process, and clocks that a test owns.
 *
 * A `ticker` is what an output or a sink runs on. It has three forms, named as in the configuration:
 *   @RATE   real time: ticks at start + n * period (n from 1) on CLOCK_MONOTONIC, missed ticks are counted, not
 *           made up for (60 means 60 Hz)
 *   @0      immediate: a tick whenever its owner asks for one (benchmarks)
 *   @step   one tick per unit written to an eventfd that the test holds: time is what the test says
 * Time-outs of a ticker's owner are counted in ticks, so they mean the same in all three forms.
 *
 * Thread: the owner's.
 */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t clock_now_ns(void);

enum ticker_kind { TICKER_REAL, TICKER_IMMEDIATE, TICKER_STEP };

struct ticker {
	enum ticker_kind kind;
	uint64_t period_ns; /* > 0; in @0 and @step nominal, to turn ms into ticks */
	int fd; /* readable when a tick is due: REAL an owned timerfd, STEP the borrowed eventfd,
	         * IMMEDIATE -1: the owner takes ticks after whatever made it ask for one */
	bool requested; /* IMMEDIATE: a tick is due */
	uint64_t next_ns; /* REAL: the next tick's nominal time; 0: not started */
	uint64_t lead_ns; /* REAL: wakes this much before */
	uint64_t count; /* ticks handed out so far */
	uint64_t missed; /* REAL: ticks that passed unserved */
};

/* `step_fd` is borrowed and only used by TICKER_STEP (an EFD_NONBLOCK|EFD_SEMAPHORE eventfd). 0 or
 * -errno. */
int ticker_init(struct ticker *ticker, enum ticker_kind kind, uint64_t period_ns, int step_fd);
void ticker_finish(struct ticker *ticker);

/* Starts ticking (REAL arms its timer; nothing to do for the others). */
void ticker_start(struct ticker *ticker);

/*
 * REAL: wake `lead_ns` before the next tick from now on (late latch). At most period / 2.
 */
void ticker_set_lead(struct ticker *ticker, uint64_t lead_ns);

/* IMMEDIATE: a tick is due, one however often it is asked for. No effect on the other kinds. */
void ticker_request(struct ticker *ticker);

/*
 * Takes one due tick: true if there was one, and then *due_ns is its nominal time (REAL: the grid
 * time it was due, others: now). Never blocks. REAL skips to the newest due tick and adds the ones in
 * between to `missed`; STEP takes exactly one.
 */
bool ticker_take(struct ticker *ticker, uint64_t *due_ns);

/* Milliseconds to ticks, rounded up, at least 1. */
uint64_t ticker_ticks_from_ms(const struct ticker *ticker, uint32_t ms);

#endif
