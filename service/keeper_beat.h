/*
 * The beat: a compositor that stands still while its outputs run in real time. The watch would find that
 * too, in the ten seconds that a loaded machine may make any process wait; but instruments that stand
 * still are wrong after a tenth of one, and a process of real-time priority waits for nobody.
 *
 * Looked at in short periods. A look that comes late says that the machine, or the keeper, stood still:
 * that time does not count.
 *
 * Thread: the keeper's.
 */
#ifndef SERVICE_KEEPER_BEAT_H
#define SERVICE_KEEPER_BEAT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/clock.h"
#include "core/config.h"
#include "display/output_memory.h"
#include "service/keeper_store.h"

#define BEAT_PERIOD_NS (10 * NS_PER_MS)
#define BEAT_LIMIT_NS (100 * NS_PER_MS)
#define BEAT_LIMIT_TICKS 6 /* of outputs so slow that these take longer */

/* an output in real time */
struct beat_output {
	const struct output_memory_page *page; /* NULL: it has no beat */
	uint64_t limit_ns;
	uint64_t tick;     /* at the last look */
	uint64_t still_ns; /* for how long that has been so */
};

struct beat {
	struct beat_output outputs[CONFIG_OUTPUTS_MAX];
	uint64_t looked_ns; /* 0: not yet */
};

/* Maps what is looked at. 0 or -errno. */
int beat_init(struct beat *beat, const struct store *store);
void beat_finish(struct beat *beat);
/* Whether there is anything to look at. */
bool beat_is_needed(const struct beat *beat);

/* A look at a compositor that runs. True: an output of its stands still. */
bool beat_look(struct beat *beat, uint64_t now_ns);
/* It is not running, or was started: it has all the time again. */
void beat_reset(struct beat *beat);

/* Whether the process has a priority that no load can take from it. */
bool beat_is_real_time(pid_t pid);

#endif
