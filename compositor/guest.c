#include "compositor/guest.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "compositor/inject.h"
#include "compositor/painter.h"
#include "core/fd.h"
#include "core/macros.h"

_Static_assert(FRAME_SIZE_MAX <= PAINTER_SOURCE_MAX, "any sane frame can be drawn");

int guest_init(struct guest *guest, const struct config_guest *config, int fds[LINK_FDS]) {
	*guest = (struct guest) { .config = config, .process = -1 };
	if (fds == NULL) {
		return 0;
	}
	int err = frame_link_init(&guest->link, LINK_CONSUMER, fds);
	if (err < 0) {
		return err;
	}
	guest->is_linked = true;
	const struct link_page_header *own = guest->link.link.consumer_page;
	guest->tick = atomic_load(&own->tick);
	guest->base_tick = guest->tick;
	guest->generation = link_generation(&guest->link.link);
	for (unsigned i = 0; i < FRAME_LINK_CHANNELS; i++) {
		/* as a former compositor left it: said again, it would be a hot-plug to the guest */
		frame_link_mode(&guest->link, i, &guest->modes[i]);
	}
	return 0;
}

void guest_finish(struct guest *guest) {
	for (unsigned i = 0; i < FRAME_LINK_CHANNELS; i++) {
		free(guest->channels[i]);
	}
	fd_close(&guest->process);
	if (guest->is_linked) {
		frame_link_finish(&guest->link);
	}
	*guest = (struct guest) { .process = -1 };
}

int guest_use_channel(struct guest *guest, unsigned channel) {
	if (guest->channels[channel] == NULL) {
		guest->channels[channel] = calloc(1, sizeof(*guest->channels[channel]));
	}
	return guest->channels[channel] == NULL ? -ENOMEM : 0;
}

void guest_set_process(struct guest *guest, int process) {
	fd_close(&guest->process);
	guest->process = process;
	guest->died = false;
	guest->base_tick = guest->tick;
}

void guest_mark_died(struct guest *guest) {
	guest->died = true;
	fd_close(&guest->process);
}

void guest_set_mode(struct guest *guest, unsigned channel, const struct frame_mode *mode) {
	if (guest->is_linked && memcmp(&guest->modes[channel], mode, sizeof(*mode)) != 0) {
		frame_link_set_mode(&guest->link, channel, mode);
		guest->modes[channel] = *mode;
	}
}

/* What was seen of the pictures of another source says nothing of this one's. */
static void note_source(const struct guest *guest, struct guest_channel *channel) {
	uint64_t resets = link_resets(&guest->link.link);
	uint32_t generation = link_generation(&guest->link.link);
	if (resets != channel->resets || generation != channel->generation) {
		channel->memory = (struct candidate_memory) { 0 };
		channel->resets = resets;
		channel->generation = generation;
	}
}

static void refuse(struct guest_channel *channel, enum fault_cause cause) {
	channel->refused = cause;
	channel->rejected++;
}

static bool take_offer(struct guest *guest, unsigned channel, uint64_t now_ns) {
	struct guest_channel *to = guest->channels[channel];
	struct frame_view candidate;
	enum fault_cause cause;

	switch (frame_link_want(&guest->link, channel, &to->view, &candidate)) {
	case FRAME_OFFER_PICTURE:
		cause = candidate_judge(&to->memory, &to->rules, &candidate, now_ns);
		if (cause != FAULT_NONE) {
			frame_link_refuse(&guest->link, channel, &to->view);
			refuse(to, cause);
			return false;
		}
		frame_link_take(&guest->link, channel, &to->view, &candidate);
		to->refused = FAULT_NONE;
		to->frames++;
		return true;
	case FRAME_OFFER_INSANE:
		refuse(to, mechanism_is_on(MECHANISM_SANE) ? FAULT_BAD_FRAME : FAULT_NONE);
		return false;
	case FRAME_OFFER_RETRACTED:
		to->refused = FAULT_NONE;
		return false;
	case FRAME_OFFER_NOTHING:
		break;
	}
	return false;
}

bool guest_take(struct guest *guest, unsigned channel, uint64_t now_ns) {
	struct guest_channel *to = guest->channels[channel];
	if (!guest->is_linked) {
		return false;
	}
	frame_link_heartbeat(&guest->link, &guest->hearts, &guest->heart_number);
	frame_link_acquire_cursor(&guest->link, channel, &to->cursor);
	note_source(guest, to);
	return take_offer(guest, channel, now_ns);
}

void guest_drop_picture(struct guest *guest, unsigned channel) {
	struct guest_channel *from = guest->channels[channel];
	if (guest->is_linked && from->view.retracted && from->view.pixels != NULL) {
		frame_link_release(&guest->link, channel, &from->view);
	}
}

void guest_latch(struct guest *guest, unsigned channel, uint64_t now_ns) {
	struct guest_channel *from = guest->channels[channel];
	uint64_t sequence = from->view.frame.sequence;
	if (guest->is_linked && sequence != from->latched) {
		frame_link_latch(&guest->link, channel, sequence, now_ns);
		from->latched = sequence;
	}
}

static uint64_t last_answer(const struct guest *guest) {
	return MAX(link_echoed(&guest->link.link), guest->base_tick);
}

/* Ticks sent before a process was there are not its to answer. */
static void note_arrival(struct guest *guest) {
	uint32_t generation = link_generation(&guest->link.link);
	if (generation != guest->generation ||
		link_get_peer(&guest->link.link) == LINK_PEER_ABSENT) {
		guest->generation = generation;
		guest->base_tick = guest->tick;
	}
}

void guest_tick(struct guest *guest, uint64_t now_ns) {
	if (!guest->is_linked) {
		return;
	}
	note_arrival(guest);
	if (last_answer(guest) >= guest->tick) {
		guest->tick_ns = now_ns;
	}
	guest->tick++;
	link_tick(&guest->link.link, guest->tick);
}

static bool is_stuck(
	const struct guest *guest, const struct guest_patience *patience, uint64_t now_ns) {
	return guest->tick - last_answer(guest) > patience->ticks &&
		now_ns - guest->tick_ns >= patience->ns;
}

/* Mechanisms that are switched off see a guest that is well. */
static void look_away(const struct guest_channel *from, struct layer_signs *signs) {
	bool has_picture = from->view.pixels != NULL;
	if (!mechanism_is_on(MECHANISM_LOSS)) {
		signs->died = false;
		signs->peer = has_picture ? LINK_PEER_RUNNING : signs->peer;
	}
	if (!mechanism_is_on(MECHANISM_LOSS) || !mechanism_is_on(MECHANISM_CLEANUP)) {
		bool was_reset = signs->peer == LINK_PEER_CONNECTED && has_picture;
		signs->peer = was_reset ? LINK_PEER_RUNNING : signs->peer;
		signs->resets = 0;
		signs->blank = !has_picture;
	}
	if (!mechanism_is_on(MECHANISM_STUCK)) {
		signs->stuck = false;
	}
}

void guest_look(const struct guest *guest, unsigned channel, const struct guest_patience *patience,
	uint64_t now_ns, struct layer_signs *signs) {
	const struct guest_channel *from = guest->channels[channel];
	*signs = (struct layer_signs) { .peer = LINK_PEER_ABSENT, .blank = true };
	if (!guest->is_linked) {
		return;
	}
	*signs = (struct layer_signs) {
		.died = guest->died,
		.peer = link_get_peer(&guest->link.link),
		.blank = from->view.pixels == NULL || from->view.retracted,
		.resets = link_resets(&guest->link.link),
		.frozen = mechanism_is_on(MECHANISM_FROZEN) &&
			candidate_is_frozen(&from->memory, &from->rules),
		.refused = from->refused,
		.frames = from->frames,
		.refusals = from->rejected,
		.flushes = frame_link_flushes(&guest->link, channel),
		.hearts = guest->hearts,
		.heart_number = guest->heart_number,
	};
	signs->stuck = signs->peer != LINK_PEER_ABSENT && is_stuck(guest, patience, now_ns);
	look_away(from, signs);
}
