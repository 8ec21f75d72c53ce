/*
 * A cluster guest for the safety campaign: a process that plays VMM and guest over the front-end of
 * tests/vmm, draws the cluster from the shipped atlas as a good guest would (values as signalled, a
 * frame tag, a heartbeat), and can be told to do wrong in every way we know.
 *
 * The guest is a program of its own, so that it can be killed and stopped; it and its master share one
 * small memory. It draws at 60 Hz, or a picture at each cluster_guest_draw() where time is the test's.
 *
 * Thread: one per guest, of the master's.
 */
#ifndef TESTS_SAFETY_CLUSTER_GUEST_H
#define TESTS_SAFETY_CLUSTER_GUEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/rect.h"
#include "core/signals.h"

#define CLUSTER_GUEST_LAG 10 /* pictures */

enum guest_fault {
	GUEST_GOOD,
	GUEST_SILENT,      /* draws nothing more, lives */
	GUEST_FREEZE,      /* flushes the same picture, tag included, again and again */
	GUEST_LAG,         /* shows the pictures of CLUSTER_GUEST_LAG pictures ago */
	GUEST_CORRUPT,     /* one bit of a pixel in the middle of the element */
	GUEST_MISSING,     /* the element off, although it is on */
	GUEST_UNREQUESTED, /* the element on, although it is off */
	GUEST_SHIFT,       /* the element some pixels to the right */
	GUEST_MIRROR,      /* the element mirrored */
	GUEST_CURSOR,      /* a red cursor image over the element */
	GUEST_ALPHA,       /* an ARGB picture with alpha 0 in the element */
	GUEST_BLACK,       /* all black, tags excepted */
	GUEST_TORN,        /* the upper half of this picture, the lower half of the last one */
	GUEST_WRITE_AFTER, /* writes red over the element in its memory after the flush */
	GUEST_WRITE_BEFORE, /* the same before it */
	GUEST_TRUNCATE,    /* cuts its memory's file short, and transfers from it */
	GUEST_BAD_GEOMETRY, /* resources, transfers and scanouts of impossible sizes between the pictures */
	GUEST_RESET, /* resets the device and stays silent */
	GUEST_BLANK, /* switches its scanout off */
	GUEST_NO_BEAT, /* no heartbeat */
	GUEST_SAME_BEAT, /* a heartbeat whose number stands still */
	GUEST_PANIC, /* neither pictures nor heartbeats */
	GUEST_OWN_CLOCK, /* its sound's clock is its own, whatever its device says */
	GUEST_FAULTS,
};

struct cluster_guest_shared {
	_Atomic uint32_t fault; /* enum guest_fault */
	_Atomic uint32_t lasts; /* pictures it lasts; 0: until it is changed */
	_Atomic uint64_t
		delay_ns; /* by which its pictures come later from the fault on: its phase is new */
	struct rect element; /* of the fault, on the guest's screen; written before `fault` */
	uint32_t element_index; /* in the atlas */
	_Atomic uint64_t
		fault_ns; /* CLOCK_MONOTONIC just before the first bad picture was kicked; 0: not yet */
	_Atomic uint64_t pictures; /* flushed and answered since its start */
	_Atomic uint64_t refusals; /* error replies to GUEST_BAD_GEOMETRY's requests */
	_Atomic uint32_t asked, done; /* pictures to be drawn by the test's clock */
	_Atomic uint64_t tick; /* what the test's clock says then */
	_Atomic uint32_t is_ready; /* first picture is on its way */
	_Atomic int32_t failed; /* -errno: it gave up */
	_Atomic int32_t values[SIGNAL_VALUES]; /* what it shows */
	/* a click in its sound, and the picture that goes with it (lipsync.h) */
	_Atomic uint32_t clicks_asked, clicks_sent;
	_Atomic uint64_t click_ns; /* when it takes the click to be heard; 0: not sent yet */
	_Atomic uint64_t flash_ns; /* when the picture of that moment was flushed; 0: not yet */
	_Atomic uint32_t flash; /* its counter; written before `flash_ns` */
};

struct cluster_guest_options {
	const char *socket; /* of the gpu device */
	const char *channel; /* of the guest channel; NULL: no heartbeat */
	const char *sound; /* of the sound device; NULL: plays nothing */
	int config, atlas; /* sealed; borrowed. What output 0 shows is drawn */
	uint32_t width, height;
	bool is_plain; /* no HMI: a moving pattern with a tag, for the other guest */
	bool is_stepped; /* a picture at each cluster_guest_draw() only */
};

struct cluster_guest {
	pid_t pid; /* -1: none */
	struct cluster_guest_shared *shared;
	int shared_fd;
	struct cluster_guest_options options;
};

int cluster_guest_init(struct cluster_guest *guest, const struct cluster_guest_options *options);
void cluster_guest_finish(struct cluster_guest *guest);

/* Starts the process, which connects again and again until its device answers. 0 or -errno. */
int cluster_guest_start(struct cluster_guest *guest);
/* Kills it, as the kernel does: nothing is put away. When it was sent: CLOCK_MONOTONIC. */
uint64_t cluster_guest_kill(struct cluster_guest *guest);
/* Whether it still runs; a process that ended is reaped. */
bool cluster_guest_is_alive(struct cluster_guest *guest);

void cluster_guest_set_fault(struct cluster_guest *guest, enum guest_fault fault,
	uint32_t element_index, const struct rect *element, uint32_t lasts);

/* Stepped: one picture, answered on return. 0, -ETIMEDOUT, or what the guest gave up with. */
int cluster_guest_draw(struct cluster_guest *guest);

#endif
