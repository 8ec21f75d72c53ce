/*
 * A guest as the compositor sees it: the consumer side of its frame link, the channels that are shown
 * somewhere, and whether the process at the other end lives.
 *
 * Thread: the compositor's. Nothing allocates or blocks after guest_init() and guest_use_channel().
 */
#ifndef COMPOSITOR_GUEST_H
#define COMPOSITOR_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "compositor/candidate.h"
#include "compositor/layer_state.h"
#include "core/config.h"
#include "core/frame_link.h"
#include "core/log.h"

/*
 * A producer that has not echoed a tick for this many of them is stuck: 500 ms at 60 Hz. On a machine of
 * two cores under full load a waiting process was seen to be left waiting for 75 ms, and no picture may be
 * replaced for that; a layer that must be known to live within less has its stall_ms.
 */
#define GUEST_ECHO_TICKS 30

struct guest_channel {
	struct frame_view view;
	struct frame_cursor cursor;
	uint64_t frames;   /* good ones taken */
	uint64_t rejected; /* ones refused, insane or wrong */
	enum fault_cause
		refused; /* why the newest one was; NONE: it is in hand, or none is there */
	struct candidate_rules rules;
	struct candidate_memory memory; /* of the present source's pictures */
	uint64_t resets;     /* the source: of this many resets, */
	uint32_t generation; /* and of this process */
	uint64_t latched;  /* sequence told to the producer last */
};

struct guest {
	const struct config_guest *config;
	struct frame_link link;
	bool is_linked;    /* else it is absent for good */
	int process;       /* pidfd of the producer, owned; -1: none known */
	bool died;         /* that process ended */
	uint64_t tick;     /* sent last; goes on where a former compositor stopped */
	uint64_t tick_ns;  /* when the oldest tick was sent that is not echoed yet */
	uint64_t base_tick; /* ticks up to here were not for the present process */
	uint32_t generation; /* of the producer, when base_tick was set */
	struct log_budget lines; /* of log that it may cause */
	uint64_t hearts, heart_number; /* heartbeats so far, and what the last one said */
	struct guest_channel *channels[FRAME_LINK_CHANNELS]; /* NULL: shown nowhere */
	struct frame_mode modes[FRAME_LINK_CHANNELS];        /* as wanted now */
};

/* Takes over `fds`; NULL: there is no link. 0 or -errno. */
int guest_init(struct guest *guest, const struct config_guest *config, int fds[LINK_FDS]);
void guest_finish(struct guest *guest);

/* From now on the channel is taken from. 0 or -ENOMEM. */
int guest_use_channel(struct guest *guest, unsigned channel);

/* The producer's process, a pidfd taken over. guest_mark_died(): it became readable. */
void guest_set_process(struct guest *guest, int process);
void guest_mark_died(struct guest *guest);

/* What the scanout shall be; told to the producer if it differs. */
void guest_set_mode(struct guest *guest, unsigned channel, const struct frame_mode *mode);

/* Takes the newest picture and cursor of a used channel, if it is what the channel's rules demand (see
 * candidate.h); else the one in hand stays. `now_ns`: the time of the output that the guest is paced by.
 * True: a new good picture came, whose damage is in the channel's view. */
bool guest_take(struct guest *guest, unsigned channel, uint64_t now_ns);

/* The picture was taken back by its producer and is not shown any more: its memory may be used again. */
void guest_drop_picture(struct guest *guest, unsigned channel);

/* The picture in hand is shown, or needs not be: its producer may go on. */
void guest_latch(struct guest *guest, unsigned channel, uint64_t now_ns);

/* A tick of the output that the guest is paced by passed. */
void guest_tick(struct guest *guest, uint64_t now_ns);

/* How late the answer to a tick may be: by so many ticks and by so much time, which is for outputs whose
 * ticks may follow each other at any pace. */
struct guest_patience {
	uint64_t ticks, ns;
};

/* What is known of the guest and the channel; what only its layer knows is left zeroed. */
void guest_look(const struct guest *guest, unsigned channel, const struct guest_patience *patience,
	uint64_t now_ns, struct layer_signs *signs);

#endif
