#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "core/frame_link.h"
#include "core/frame_link_page.h"
#include "core/macros.h"

/* Whether the frame's damage covers all that changed since the view. */
static bool damage_covers(const struct frame *frame, const struct frame_view *view) {
	const struct frame *old = &view->frame;
	return view->pixels != NULL && frame->damage.len <= RECTS_MAX && frame->damage_since != 0 &&
		frame->damage_since <= old->sequence && frame->sequence > old->sequence &&
		frame->width == old->width && frame->height == old->height &&
		frame->format == old->format;
}

static void set_damage(struct frame *frame, const struct frame_view *view) {
	struct rect picture = { .width = frame->width, .height = frame->height };
	if (damage_covers(frame, view)) {
		rects_clip(&frame->damage, &picture);
		return;
	}
	rects_clear(&frame->damage);
	rects_add(&frame->damage, &picture);
}

enum frame_offer frame_link_want(struct frame_link *link, unsigned channel, struct frame_view *view,
	struct frame_view *candidate) {
	assert(link->link.side == LINK_CONSUMER);
	const struct frame_producer_channel *peer = producer_channel(link, channel);
	struct frame_consumer_channel *own = consumer_channel(link, channel);
	uint64_t ticket;
	if (!mailbox_want(&peer->frame_box, &own->frame_box, &ticket)) {
		return FRAME_OFFER_NOTHING;
	}
	if (ticket == 0) {
		mailbox_refuse(&own->frame_box); /* goes on holding the picture */
		bool news = !view->retracted;
		view->retracted = true;
		return news ? FRAME_OFFER_RETRACTED : FRAME_OFFER_NOTHING;
	}
	if (ticket == view->rejected) {
		mailbox_refuse(&own->frame_box);
		return FRAME_OFFER_NOTHING;
	}
	struct frame frame;
	memcpy(&frame, &peer->frames[mailbox_slot(ticket)], sizeof(frame));
	if (!frame_is_sane(&frame, link->link.pool_bytes)) {
		frame_link_refuse(link, channel, view);
		return FRAME_OFFER_INSANE;
	}
	/* read after the frame: one of the present producer is never taken for its predecessor's */
	if (frame.generation != link_generation(&link->link)) {
		frame_link_refuse(link, channel, view);
		return FRAME_OFFER_NOTHING;
	}
	set_damage(&frame, view);
	*candidate = (struct frame_view) {
		.frame = frame,
		.pixels = (const uint8_t *)link->link.pool + frame.pool_offset,
		.rejected = view->rejected,
	};
	return FRAME_OFFER_PICTURE;
}

void frame_link_take(struct frame_link *link, unsigned channel, struct frame_view *view,
	const struct frame_view *candidate) {
	assert(link->link.side == LINK_CONSUMER);
	mailbox_take(&consumer_channel(link, channel)->frame_box);
	*view = *candidate;
}

void frame_link_refuse(struct frame_link *link, unsigned channel, struct frame_view *view) {
	assert(link->link.side == LINK_CONSUMER);
	struct frame_consumer_channel *own = consumer_channel(link, channel);
	view->rejected = atomic_load(&own->frame_box.wanted);
	mailbox_refuse(&own->frame_box);
}

bool frame_link_acquire(
	struct frame_link *link, unsigned channel, struct frame_view *view, uint64_t *rejected) {
	struct frame_view candidate;
	switch (frame_link_want(link, channel, view, &candidate)) {
	case FRAME_OFFER_PICTURE:
		frame_link_take(link, channel, view, &candidate);
		return true;
	case FRAME_OFFER_RETRACTED:
		return true;
	case FRAME_OFFER_INSANE:
		(*rejected)++;
		return false;
	case FRAME_OFFER_NOTHING:
		break;
	}
	return false;
}

void frame_link_release(struct frame_link *link, unsigned channel, struct frame_view *view) {
	assert(link->link.side == LINK_CONSUMER);
	mailbox_release(&consumer_channel(link, channel)->frame_box);
	*view = (struct frame_view) { .rejected = view->rejected };
}

void frame_link_latch(
	struct frame_link *link, unsigned channel, uint64_t sequence, uint64_t now_ns) {
	assert(link->link.side == LINK_CONSUMER);
	struct frame_consumer_channel *own = consumer_channel(link, channel);
	/* the time first: whoever sees the sequence finds a time at least as new */
	atomic_store(&own->latched_ns, now_ns);
	atomic_store(&own->latched_sequence, sequence);
}

bool frame_link_acquire_cursor(
	struct frame_link *link, unsigned channel, struct frame_cursor *cursor) {
	assert(link->link.side == LINK_CONSUMER);
	const struct frame_producer_channel *peer = producer_channel(link, channel);
	struct frame_consumer_channel *own = consumer_channel(link, channel);
	uint64_t ticket;
	if (!mailbox_acquire(&peer->cursor_box, &own->cursor_box, &ticket)) {
		return false;
	}
	if (ticket == 0) {
		cursor->visible = 0;
		return true;
	}
	const struct frame_cursor *from = &peer->cursors[mailbox_slot(ticket)];
	struct frame_cursor head;
	memcpy(&head, from, offsetof(struct frame_cursor, image));
	if (head.image_sequence != cursor->image_sequence) {
		memcpy(cursor->image, from->image, sizeof(cursor->image));
	}
	cursor->image_sequence = head.image_sequence;
	cursor->visible = head.visible != 0 && head.image_sequence != 0 &&
		head.generation == link_generation(&link->link);
	cursor->x = head.x;
	cursor->y = head.y;
	cursor->hot_x = MIN(head.hot_x, FRAME_CURSOR_SIZE - 1);
	cursor->hot_y = MIN(head.hot_y, FRAME_CURSOR_SIZE - 1);
	return true;
}

uint64_t frame_link_flushes(const struct frame_link *link, unsigned channel) {
	return atomic_load(&producer_channel(link, channel)->flushes);
}
