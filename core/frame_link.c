#include "core/frame_link.h"

#include <assert.h>
#include <stdatomic.h>

#include "core/checked.h"
#include "core/clock.h"
#include "core/fd.h"
#include "core/frame_link_page.h"
#include "core/macros.h"
#include "core/pixel_format.h"
#include "core/text.h"

_Static_assert(sizeof(struct frame_mode) % sizeof(uint32_t) == 0, "copied by words");

#define PERIOD_DEFAULT_NS (NS_PER_S / 60)
#define HEARTBEAT_TRIES 4 /* the next tick looks again */
#define MODE_TRIES 64 /* the writer needs nanoseconds: past this it was stopped while writing */
#define EDID_PIXELS_MAX 8191 /* DisplayID and detailed timings end before it, virtio-gpu too */
#define EDID_MM_MAX 4095 /* 12 bits */
#define EDID_NAME_BYTES 14

size_t frame_link_producer_page_bytes(void) {
	return fd_round_to_page(sizeof(struct frame_producer_page));
}

size_t frame_link_consumer_page_bytes(void) {
	return fd_round_to_page(sizeof(struct frame_consumer_page));
}

int frame_link_create_fds(const char *name, size_t pool_bytes, int fds[LINK_FDS]) {
	return link_create_fds(name, pool_bytes, frame_link_producer_page_bytes(),
		frame_link_consumer_page_bytes(), fds);
}

/* Goes on where the page's last writer ended; that one may have been anything but sane. */
static void history_init(
	struct frame_history *history, const struct frame_producer_channel *channel) {
	*history = (struct frame_history) { 0 };
	for (unsigned i = 0; i < MAILBOX_SLOTS; i++) {
		history->sequence = MAX(history->sequence, channel->frames[i].sequence);
		history->cursor_sequence =
			MAX(history->cursor_sequence, channel->cursors[i].image_sequence);
	}
}

/* A predecessor may have died while it wrote one. */
static void end_heartbeat(struct frame_producer_page *page) {
	uint64_t lock = atomic_load(&page->heartbeat_lock);
	atomic_store(&page->heartbeat_lock, lock + lock % 2);
}

int frame_link_init(struct frame_link *link, enum link_side side, int fds[LINK_FDS]) {
	int rc = link_map(&link->link, side, FRAME_LINK_MAGIC, fds,
		frame_link_producer_page_bytes(), frame_link_consumer_page_bytes());
	if (rc < 0) {
		return rc;
	}
	if (side == LINK_PRODUCER) {
		end_heartbeat(link->link.producer_page);
	}
	for (unsigned i = 0; i < FRAME_LINK_CHANNELS; i++) {
		if (side == LINK_PRODUCER) {
			history_init(&link->history[i], producer_channel(link, i));
		} else {
			mailbox_release(&consumer_channel(link, i)->frame_box);
			mailbox_release(&consumer_channel(link, i)->cursor_box);
		}
	}
	return 0;
}

void frame_link_finish(struct frame_link *link) {
	link_unmap(&link->link);
}

bool frame_is_sane(const struct frame *frame, uint64_t pool_bytes) {
	if (!pixel_format_is_valid(frame->format) || frame->sequence == 0) {
		return false;
	}
	if (frame->width == 0 || frame->width > FRAME_SIZE_MAX || frame->height == 0 ||
		frame->height > FRAME_SIZE_MAX) {
		return false;
	}
	if (frame->stride % PIXEL_BYTES != 0 || frame->pool_offset % PIXEL_BYTES != 0 ||
		frame->stride < frame->width * PIXEL_BYTES) {
		return false;
	}
	return checked_range_fits(frame->pool_offset, frame_bytes(frame), pool_bytes);
}

uint64_t frame_bytes(const struct frame *frame) {
	if (frame->width == 0 || frame->height == 0) {
		return 0;
	}
	/* 32 by 32 bits and 34 bits fit in 64 */
	return (uint64_t)(frame->height - 1) * frame->stride + (uint64_t)frame->width * PIXEL_BYTES;
}

/* ---- the mode, written by the consumer under a sequence lock ---- */

union mode_words {
	struct frame_mode mode;
	uint32_t words[FRAME_MODE_WORDS];
};

void frame_link_set_mode(struct frame_link *link, unsigned channel, const struct frame_mode *mode) {
	struct frame_consumer_channel *to = consumer_channel(link, channel);
	union mode_words copy = { .mode = *mode };
	uint32_t lock =
		atomic_load(&to->mode_lock) | 1; /* odd already: a predecessor died in here */
	atomic_store(&to->mode_lock, lock);
	for (size_t i = 0; i < FRAME_MODE_WORDS; i++) {
		atomic_store(&to->mode[i], copy.words[i]);
	}
	atomic_store(&to->mode_lock, lock + 1 != 0 ? lock + 1 : 2);
}

static bool mode_copy(const struct frame_consumer_channel *from, union mode_words *copy) {
	for (int i = 0; i < MODE_TRIES; i++) {
		uint32_t before = atomic_load(&from->mode_lock);
		if (before == 0) {
			return false;
		}
		for (size_t word = 0; word < FRAME_MODE_WORDS; word++) {
			copy->words[word] = atomic_load(&from->mode[word]);
		}
		if (before % 2 == 0 && atomic_load(&from->mode_lock) == before) {
			return true;
		}
	}
	return false;
}

static uint32_t clamp(uint32_t value, uint32_t least, uint32_t most) {
	return MAX(least, MIN(value, most));
}

bool frame_link_mode(const struct frame_link *link, unsigned channel, struct frame_mode *mode) {
	union mode_words copy;
	if (!mode_copy(consumer_channel(link, channel), &copy)) {
		return false;
	}
	*mode = copy.mode;
	mode->enabled = mode->enabled != 0;
	mode->width = clamp(mode->width, 1, EDID_PIXELS_MAX);
	mode->height = clamp(mode->height, 1, EDID_PIXELS_MAX);
	mode->refresh_mhz = clamp(mode->refresh_mhz, 1000, 400000);
	mode->width_mm = MIN(mode->width_mm, EDID_MM_MAX);
	mode->height_mm = MIN(mode->height_mm, EDID_MM_MAX);
	text_make_printable(mode->name, EDID_NAME_BYTES);
	return true;
}

void frame_link_set_period_ns(struct frame_link *link, uint64_t period_ns) {
	assert(link->link.side == LINK_CONSUMER);
	struct frame_consumer_page *page = link->link.consumer_page;
	atomic_store(&page->period_ns, period_ns);
}

uint64_t frame_link_period_ns(const struct frame_link *link) {
	const struct frame_consumer_page *page = link->link.consumer_page;
	uint64_t period_ns = atomic_load(&page->period_ns);
	if (period_ns == 0) {
		return PERIOD_DEFAULT_NS;
	}
	return MAX(NS_PER_MS, MIN(period_ns, NS_PER_S));
}

void frame_link_set_heartbeat(struct frame_link *link, uint64_t count, uint64_t number) {
	assert(link->link.side == LINK_PRODUCER);
	assert(count > 0 && count <= UINT64_MAX / 2);
	struct frame_producer_page *page = link->link.producer_page;
	atomic_store(&page->heartbeat_lock, 2 * count - 1);
	atomic_store(&page->heartbeat_number, number);
	atomic_store(&page->heartbeat_lock, 2 * count);
}

bool frame_link_heartbeat(const struct frame_link *link, uint64_t *count, uint64_t *number) {
	const struct frame_producer_page *page = link->link.producer_page;
	for (int i = 0; i < HEARTBEAT_TRIES; i++) {
		uint64_t lock = atomic_load(&page->heartbeat_lock);
		uint64_t copy = atomic_load(&page->heartbeat_number);
		if (lock % 2 == 0 && atomic_load(&page->heartbeat_lock) == lock) {
			*count = lock / 2;
			*number = lock == 0 ? 0 : copy;
			return lock != 0;
		}
	}
	return false;
}
