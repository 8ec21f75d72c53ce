/*
 * What is on the screen, seen from outside: a reader of the output's memory that classifies every
 * picture by its pixels, without a word from the compositor. The campaign's oracle.
 *
 * Where the time is real, a thread of its own looks at each picture as it is shown; else
 * observer_look() does so at each step.
 *
 * Thread: observer_init, _finish, _look, _set_values from one; the sights may be read from any.
 */
#ifndef TESTS_SAFETY_OBSERVER_H
#define TESTS_SAFETY_OBSERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "compositor/hmi.h"
#include "core/atlas.h"
#include "core/config.h"
#include "core/frame_tag.h"
#include "core/signals.h"
#include "display/output_memory.h"

#define OBSERVER_SIGHTS 8192 /* newest kept; a power of two */

enum sight_class {
	SIGHT_GUEST,       /* its tags are there, both the same */
	SIGHT_TORN,        /* two tags that differ */
	SIGHT_FALLBACK,    /* the fallback HMI's ground */
	SIGHT_PLACEHOLDER,
	SIGHT_BLACK,
	SIGHT_OTHER,
	SIGHT_CLASSES,
};
#define SIGHT_CLASS_NAMES "guest|torn|fallback|placeholder|black|other"

struct sight {
	uint64_t number;       /* of the picture */
	uint64_t shown_ns;     /* CLOCK_MONOTONIC, when it was complete */
	uint8_t cluster, other; /* enum sight_class, of the two layers */
	uint32_t counter;      /* of the cluster's tag */
	uint32_t other_counter; /* of the other guest's */
	uint64_t lit;          /* bit n: safety element n shows its picture switched on */
	uint64_t wrong;        /* bit n: what safety element n shows is not what is requested */
};

struct observer {
	struct output_reader *reader; /* borrowed */
	const struct config *config;
	struct hmi hmi;               /* tells elements and tiles */
	const struct atlas *atlas;
	uint32_t cluster, other;      /* layers */
	_Atomic int32_t values[SIGNAL_VALUES]; /* as requested now */
	_Atomic uint64_t sights_len;  /* so far */
	_Atomic uint64_t missed;      /* pictures that were overtaken before they were read */
	struct sight sights[OBSERVER_SIGHTS];
	uint64_t seen;
	_Atomic bool stop;
	bool has_thread;
	pthread_t thread;
};

/* Layers "cluster" and "ivi" of output 0. 0 or -errno. `is_real`: with a thread (SCHED_FIFO if it may). */
int observer_init(struct observer *observer, struct output_reader *reader,
	const struct config *config, const struct atlas *atlas, bool is_real);
void observer_finish(struct observer *observer);

/* What the elements shall show from now on. */
void observer_set_values(struct observer *observer, const int32_t values[SIGNAL_VALUES]);

/* Looks at the newest picture; true: it was new. Without a thread only. */
bool observer_look(struct observer *observer);

/* Sights so far; sight n (from 0), false when it is no longer kept. */
uint64_t observer_len(const struct observer *observer);
bool observer_get(const struct observer *observer, uint64_t index, struct sight *sight);
bool observer_newest(const struct observer *observer, struct sight *sight);

#endif
