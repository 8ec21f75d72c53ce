/*
 * How long before its due time a picture is begun: as late as can be, so that it shows the newest frames,
 * and as early as the worst of the last pictures needed, plus a margin.
 *
 *   worst: the most time a picture took, forgotten by 1/64 with each picture (98 % are left after one,
 *   half after 44)
 *
 * Thread: the owner's. Pure arithmetic.
 */
#ifndef COMPOSITOR_PACE_H
#define COMPOSITOR_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_MARGIN_NS UINT64_C(1000000) /* a waking thread's usual delay, and some */
#define PACE_START_NS UINT64_C(3000000)  /* worst until measured: a full copy on a slow machine */

struct pace {
	uint64_t worst_ns;
	uint64_t lead_ns; /* to be used now */
};

void pace_init(struct pace *pace);

/* A picture took `spent_ns`. True: lead_ns changed by enough to be told to the clock. */
bool pace_add(struct pace *pace, uint64_t spent_ns);

#endif
