#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "core/fd.h"
#include "core/frame_link.h"
#include "core/frame_link_page.h"
#include "core/macros.h"

static void wake_consumer(struct frame_link *link) {
	fd_event_signal(link->link.producer_event);
}

/* 0 names no frame. */
static uint64_t sequence_after(uint64_t sequence) {
	return sequence + 1 != 0 ? sequence + 1 : 1;
}

/*
 * Which changes a consumer may be missing. It is told only what it latched, so all publishes after that
 * count:
 *
 *      latched             published
 *         5        6    7    8  <- about to be
 *         |        [changes... ]      base 5: "what changed since frame 5"
 *
 * With the list full the two oldest become one, under the newer's number: the consumer then gets more
 * than it misses, never less.
 */
static void history_drop_latched(struct frame_history *history, uint64_t latched) {
	uint32_t gone = 0;
	while (gone < history->changes_len && history->changes[gone].sequence <= latched) {
		history->base = history->changes[gone].sequence;
		gone++;
	}
	history->changes_len -= gone;
	memmove(history->changes, history->changes + gone,
		history->changes_len * sizeof(history->changes[0]));
}

static void history_merge_oldest(struct frame_history *history) {
	struct frame_change *oldest = &history->changes[0];
	rects_add_all(&history->changes[1].damage, &oldest->damage);
	history->changes_len--;
	memmove(oldest, oldest + 1, history->changes_len * sizeof(*oldest));
}

static void history_add(
	struct frame_history *history, uint64_t sequence, const struct frame *frame) {
	if (frame->width != history->width || frame->height != history->height) {
		history->base = 0;
		history->changes_len = 0;
	}
	if (history->changes_len == FRAME_CHANGES_MAX) {
		history_merge_oldest(history);
	}
	struct frame_change *change = &history->changes[history->changes_len++];
	*change = (struct frame_change) { .sequence = sequence, .damage = frame->damage };
	struct rect picture = { .width = frame->width, .height = frame->height };
	rects_clip(&change->damage, &picture);
	history->sequence = sequence;
	history->width = frame->width;
	history->height = frame->height;
}

uint64_t frame_link_publish(struct frame_link *link, unsigned channel, const struct frame *frame) {
	assert(link->link.side == LINK_PRODUCER);
	assert(frame->damage.len <= RECTS_MAX);
	struct frame_producer_channel *own = producer_channel(link, channel);
	struct frame_history *history = &link->history[channel];
	history_drop_latched(history, frame_link_latched(link, channel, NULL));
	history_add(history, sequence_after(history->sequence), frame);

	unsigned slot =
		mailbox_free_slot(&own->frame_box, &consumer_channel(link, channel)->frame_box);
	struct frame *to = &own->frames[slot];
	*to = *frame;
	to->sequence = history->sequence;
	to->generation = link_own_generation(&link->link);
	to->damage_since = history->base;
	rects_clear(&to->damage);
	for (uint32_t i = 0; i < history->changes_len; i++) {
		rects_add_all(&to->damage, &history->changes[i].damage);
	}
	assert(frame_is_sane(to, link->link.pool_bytes));
	mailbox_publish(&own->frame_box, slot);
	wake_consumer(link);
	return history->sequence;
}

void frame_link_retract(struct frame_link *link, unsigned channel) {
	assert(link->link.side == LINK_PRODUCER);
	struct frame_producer_channel *own = producer_channel(link, channel);
	mailbox_retract(&own->frame_box);
	mailbox_retract(&own->cursor_box);
	/* the next picture is the consumer's first */
	link->history[channel].base = 0;
	link->history[channel].changes_len = 0;
	wake_consumer(link);
}

/* Whether a frame in this process' own page, but perhaps of a predecessor's, touches the range. */
static bool frame_overlaps(const struct frame *frame, uint64_t offset, uint64_t len) {
	uint64_t bytes = frame_bytes(frame);
	if (offset < frame->pool_offset) {
		return len > frame->pool_offset - offset && bytes > 0;
	}
	return bytes > offset - frame->pool_offset && len > 0;
}

static bool channel_is_busy(
	const struct frame_link *link, unsigned channel, uint64_t offset, uint64_t len) {
	const struct frame_producer_channel *own = producer_channel(link, channel);
	unsigned busy =
		mailbox_busy_slots(&own->frame_box, &consumer_channel(link, channel)->frame_box);
	for (unsigned slot = 0; slot < MAILBOX_SLOTS; slot++) {
		if ((busy & (1u << slot)) != 0 && frame_overlaps(&own->frames[slot], offset, len)) {
			return true;
		}
	}
	return false;
}

bool frame_link_is_busy(const struct frame_link *link, uint64_t offset, uint64_t len) {
	assert(link->link.side == LINK_PRODUCER);
	for (unsigned channel = 0; channel < FRAME_LINK_CHANNELS; channel++) {
		if (channel_is_busy(link, channel, offset, len)) {
			return true;
		}
	}
	return false;
}

/* The slot's image becomes the newest one: `image`, or the last one given. */
static void update_image(struct frame_history *history, struct frame_producer_channel *own,
	unsigned slot, const uint32_t *image) {
	struct frame_cursor *to = &own->cursors[slot];
	if (image != NULL) {
		history->cursor_sequence = sequence_after(history->cursor_sequence);
		history->cursor_has_image = true;
	} else if (!history->cursor_has_image || to->image_sequence == history->cursor_sequence) {
		return;
	} else {
		image = own->cursors[history->cursor_slot].image;
	}
	memcpy(to->image, image, sizeof(to->image));
	to->image_sequence = history->cursor_sequence;
}

void frame_link_publish_cursor(struct frame_link *link, unsigned channel,
	const struct frame_cursor *state, const uint32_t *image) {
	assert(link->link.side == LINK_PRODUCER);
	struct frame_producer_channel *own = producer_channel(link, channel);
	struct frame_history *history = &link->history[channel];
	unsigned slot =
		mailbox_free_slot(&own->cursor_box, &consumer_channel(link, channel)->cursor_box);
	update_image(history, own, slot, image);
	history->cursor_slot = slot;

	struct frame_cursor *to = &own->cursors[slot];
	to->visible = state->visible != 0 && history->cursor_has_image;
	to->generation = link_own_generation(&link->link);
	to->x = state->x;
	to->y = state->y;
	to->hot_x = state->hot_x;
	to->hot_y = state->hot_y;
	mailbox_publish(&own->cursor_box, slot);
	wake_consumer(link);
}

void frame_link_count_flush(struct frame_link *link, unsigned channel) {
	assert(link->link.side == LINK_PRODUCER);
	atomic_fetch_add(&producer_channel(link, channel)->flushes, 1);
}

uint64_t frame_link_latched(const struct frame_link *link, unsigned channel, uint64_t *latched_ns) {
	const struct frame_consumer_channel *peer = consumer_channel(link, channel);
	uint64_t sequence = atomic_load(&peer->latched_sequence);
	if (latched_ns != NULL) {
		*latched_ns = atomic_load(&peer->latched_ns);
	}
	return MIN(sequence, link->history[channel].sequence);
}
