/*
 * How far apart picture and sound of one guest come out. The guest is a player: it sends a click, knows
 * from its sound device when that will be heard, and flushes a picture, the flash, at that moment.
 *
 *      click sent                     guest's clock says: heard now
 *      ---|--------------------------------|-- flash flushed ------ shown --->
 *                                     |<---- sound's error ---->|
 *                                  in the sink
 *
 *      error = (shown - flushed) - (in the sink - said to be heard)
 *
 * > 0: the picture is late. How finely the guest's pictures follow each other is not in it.
 *
 * Thread: the cockpit's; the sink is listened to by one of its own.
 */
#ifndef TESTS_SAFETY_LIPSYNC_H
#define TESTS_SAFETY_LIPSYNC_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "audio/mixer/sink_memory.h"
#include "tests/safety/cluster_guest.h"
#include "tests/safety/observer.h"

#define LIPSYNC_CLICK_FRAMES 48

struct lipsync {
	struct sink_reader reader;
	_Atomic uint64_t heard_ns; /* of the click; 0: not yet */
	_Atomic bool stop;
	bool has_thread;
	pthread_t thread;
	uint64_t first_sight;  /* the flash is one of those after it */
	unsigned marks;        /* measured since lipsync_begin() */
	uint64_t worst_ns;     /* of their errors, sign dropped */
	uint64_t worst_at_ns;  /* when that one's flash was flushed */
};

/* Takes over `sink`, the memory sink's memory. 0 or -errno. */
int lipsync_init(struct lipsync *lipsync, int sink);
/* Legal on one that was zeroed. */
void lipsync_finish(struct lipsync *lipsync);

/* Forgets what was measured and asks the guest for a click and a flash. */
void lipsync_begin(
	struct lipsync *lipsync, struct cluster_guest *guest, const struct observer *observer);
/* Whether what was asked for has been seen and heard; if so, asks for the next. */
bool lipsync_take(
	struct lipsync *lipsync, struct cluster_guest *guest, const struct observer *observer);

#endif
