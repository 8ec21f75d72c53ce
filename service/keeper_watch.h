/*
 * The watch: ends processes that are alive but do nothing (stopped, or stuck in a loop), so that they
 * are replaced like those that died. It only looks at counters in the links' and outputs' pages.
 *
 *   endpoint      must echo the ticks of its link while a VMM is connected
 *   compositor    must tick its outputs that run in real time
 *   mixer         must count quanta unless its sink waits for its streams
 *
 * Where time is what a test says (@step, @0, a sink that waits), no tick means nothing, and silence
 * only counts while ticks come.
 *
 * Thread: the keeper's.
 */
#ifndef SERVICE_KEEPER_WATCH_H
#define SERVICE_KEEPER_WATCH_H

#include <stddef.h>
#include <stdint.h>

#include "core/link.h"
#include "display/output_memory.h"
#include "service/keeper_child.h"
#include "service/keeper_store.h"

#define WATCH_PERIOD_NS NS_PER_S
/* silent looks in a row; far above what a loaded machine makes a process wait */
#define WATCH_LOOKS 10

struct watch {
	/* what is looked at: NULL where it does not apply */
	const struct link_page_header *producer, *consumer;
	const struct output_memory_page *output;
	uint64_t due;      /* ticks that were to be answered, at the last look */
	uint64_t answered; /* by then */
	unsigned silent;   /* looks */
};

/* Maps what `child` is judged by; nothing where nothing can be told. 0 or -errno. */
int watch_init(struct watch *watch, const struct child *child, const struct store *store);
void watch_finish(struct watch *watch);

/* A look at a RUNNING child. True: it has been silent for too long. */
bool watch_look(struct watch *watch);
/* The child was started: it has all the time again. */
void watch_reset(struct watch *watch);

#endif
