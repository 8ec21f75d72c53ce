/*
 * Writing into the fault log of the safety page (core/safety_page.h), and how much of it each guest may
 * cause to be written: the log keeps its newest records, and none shall push out the others'.
 *
 * Thread: the compositor's. Plain storage, nothing blocks.
 */
#ifndef COMPOSITOR_RECORD_H
#define COMPOSITOR_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/safety_page.h"

/* Stamps the record with the time of day and these texts, which are cut to fit, and adds it. Returns its
 * number; 0: `page` is NULL. */
uint64_t record_write(struct safety_page *page, struct safety_record *record, const char *name,
	const char *from, const char *to);

#define RECORD_BURST 20 /* so many at once, */
#define RECORD_TICKS 1800 /* and one more each so many ticks: 30 s at 60 Hz */

/* Zeroed at first. Whoever acknowledges has seen what there was: then it is zeroed again. */
struct record_budget {
	uint32_t taken; /* of the burst */
	uint64_t since_tick; /* from when the next one is earned */
};

/* Whether one more may be written at this tick. */
bool record_budget_take(struct record_budget *budget, uint64_t tick);

#endif
