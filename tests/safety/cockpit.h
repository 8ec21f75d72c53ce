/*
 * A whole cockpit for the safety campaign: `fascia run --allow-inject` with a cluster guest and another
 * guest, a source of signals, a chime path, a watchdog that is read, and an observer of the screen.
 *
 * Real: all of it at 60 Hz in real time, for the benchmark. Stepped: the output's clock, the signals and
 * both guests' pictures are the test's; nothing depends on the machine's speed.
 *
 * Thread: the owner's. Errors are said on stderr; results are 0 or -errno.
 */
#ifndef TESTS_SAFETY_COCKPIT_H
#define TESTS_SAFETY_COCKPIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/atlas.h"
#include "core/config.h"
#include "core/inject.h"
#include "core/safety_page.h"
#include "core/signals.h"
#include "core/stats.h"
#include "display/output_memory.h"
#include "tests/safety/cluster_guest.h"
#include "tests/safety/lipsync.h"
#include "tests/safety/observer.h"
#include "tests/safety/pets.h"

#define COCKPIT_PAGES_MAX 16
#define COCKPIT_PERIOD_NS (NS_PER_S / 60)

struct cockpit_options {
	bool is_real;
	bool has_sound;
};

struct signal_source {
	int socket; /* -1: not sending */
	struct signal_message message;
	struct cluster_guest_shared *guest; /* is told the same, once it was sent; borrowed */
	_Atomic int32_t values[SIGNAL_VALUES];
	_Atomic bool is_paused, is_corrupt; /* faults of the bus */
	_Atomic bool stop;
	bool has_thread;
	pthread_t thread;
};

struct cockpit {
	struct cockpit_options options;
	char dir[64], yaml[96], runtime[96], watchdog[96], buzzer[96];
	pid_t run;          /* the service; -1: none */
	struct config config;
	int config_fd, atlas_fd;
	struct atlas atlas;
	int keeper, compositor; /* client sockets; the latter is asked for anew when it broke */
	const struct stats_page *pages[COCKPIT_PAGES_MAX];
	uint32_t pages_len;
	struct output_reader output;
	int step;           /* stepped: the output's clock */
	uint64_t
		done_ns; /* when the compositor carried out what it was asked for last (core/control.h) */
	const struct safety_page *safety;
	struct cluster_guest cluster, other;
	struct observer observer;
	bool is_endpoint_stopped; /* the cluster's: its guest would wait for it, and the test for the guest */
	uint32_t seen_counter; /* of the cluster's newest picture, as looked at last */
	struct lipsync lipsync; /* while the sound is on */
	struct signal_source source;
	struct pets pets, buzzes; /* of the watchdog; of the buzzer */
	/* called when a row's answer is on the screen; may be NULL */
	void (*handle_answer)(struct cockpit *cockpit, const char *row, const void *data);
	const void *answer_data;
};

int cockpit_init(struct cockpit *cockpit, const struct cockpit_options *options);
void cockpit_finish(struct cockpit *cockpit);

/* ---- time ---- */

/* A period passes: sleeps, or makes signals, pictures and a tick. */
int cockpit_tick(struct cockpit *cockpit);
/* Stepped: the tick alone, without signals and pictures. */
int cockpit_step(struct cockpit *cockpit);
/* Ticks until `is_so`, at most `ticks` times; false: it did not come. */
bool cockpit_wait(struct cockpit *cockpit, bool (*is_so)(struct cockpit *cockpit, const void *data),
	const void *data, unsigned ticks);
/* Everything is as it shall be: output normal, both guests shown, every element right. Ends faults,
 * acknowledges, and starts guests that are gone. -ETIMEDOUT: it does not become so. */
int cockpit_recover(struct cockpit *cockpit);

/* Real time: the other guest begins or ceases to play, started anew, and its sound to be listened to. It costs
 * much, and few rows are about it. Leaves the cockpit recovered. 0 or -errno. */
int cockpit_set_sound(struct cockpit *cockpit, bool is_on);

/* ---- what is asked for ---- */

int32_t cockpit_value(const struct cockpit *cockpit, uint32_t signal);
/* Changes a signal for the observer and the source; the cluster's guest is told what is sent when it is. */
void cockpit_set_value(struct cockpit *cockpit, uint32_t signal, int32_t value);

/* ---- the compositor ---- */

int cockpit_inject(struct cockpit *cockpit, enum inject_fault fault, const char *thing,
	int64_t number, int64_t ticks);
int cockpit_mechanism(struct cockpit *cockpit, enum mechanism mechanism, bool is_on);
int cockpit_acknowledge(struct cockpit *cockpit);

/* ---- what is seen ---- */

/* 0 when there is no such process or value. */
uint64_t cockpit_stat(const struct cockpit *cockpit, const char *process, const char *name);
pid_t cockpit_pid(const struct cockpit *cockpit, const char *process);
/* The first record after `number` with this cause (FAULT_NONE: any); false: there is none yet. */
bool cockpit_record(const struct cockpit *cockpit, uint64_t number, enum fault_cause cause,
	struct safety_record *record);
uint64_t cockpit_newest_record(const struct cockpit *cockpit);
/* An element's index in the atlas and its place, by the signal it shows. False: there is none. */
bool cockpit_element(
	const struct cockpit *cockpit, uint32_t signal, uint32_t *index, struct rect *place);

#endif
