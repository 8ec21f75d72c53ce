/*
 * The consumer's reading of a frame link's producer page, and the producer's of the consumer page and
 * of what a predecessor left: the input is rounds of tickets and raw descriptions. Whatever they say,
 * a view's pixels lie in the pool and its damage in the picture.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/fd.h"
#include "core/frame_link.h"
#include "core/pixel_format.h"
#include "tests/fuzz/fuzz.h"

#define POOL_PAGES 4
#define CHANNEL 1

static struct frame_link producer, consumer;
static int fds[LINK_FDS];

static void require(bool holds) {
	if (!holds) {
		abort();
	}
}

static void open_side(struct frame_link *link, enum link_side side) {
	int granted[LINK_FDS];
	require(link_grant_fds(fds, side, granted) == 0);
	require(frame_link_init(link, side, granted) == 0);
}

static void open_link(void) {
	require(frame_link_create_fds("fuzz", POOL_PAGES * fd_round_to_page(1), fds) == 0);
	open_side(&consumer, LINK_CONSUMER);
	open_side(&producer, LINK_PRODUCER);
}

static void close_link(void) {
	frame_link_finish(&producer);
	frame_link_finish(&consumer);
	link_close_fds(fds);
}

static void read_pages(struct byte_reader *reader) {
	struct frame_producer_page *page = producer.link.producer_page;
	struct frame_producer_channel *from = &page->channels[CHANNEL];
	struct frame_consumer_page *other = consumer.link.consumer_page;
	struct frame_consumer_channel *to = &other->channels[CHANNEL];
	uint64_t ticket = byte_reader_u64(reader);
	atomic_store(&from->frame_box.published, ticket);
	atomic_store(&to->frame_box.held, byte_reader_u64(reader));
	atomic_store(&to->frame_box.wanted, byte_reader_u64(reader));
	atomic_store(&to->latched_sequence, byte_reader_u64(reader));
	struct frame *frame = &from->frames[mailbox_slot(ticket)];
	byte_reader_copy(reader, frame, sizeof(*frame));
	frame->generation = link_own_generation(&producer.link); /* others are not looked at */
	ticket = byte_reader_u64(reader);
	atomic_store(&from->cursor_box.published, ticket);
	struct frame_cursor *cursor = &from->cursors[mailbox_slot(ticket)];
	byte_reader_copy(reader, cursor, offsetof(struct frame_cursor, image));
	cursor->generation = frame->generation;
}

static void check_view(const struct frame_view *view) {
	const struct frame *frame = &view->frame;
	require(pixel_format_is_valid(frame->format));
	require(frame->damage.len <= RECTS_MAX);
	for (uint32_t i = 0; i < frame->damage.len; i++) {
		require(rect_fits(&frame->damage.items[i], frame->width, frame->height));
	}
	for (uint32_t y = 0; y < frame->height; y++) {
		const volatile uint8_t *row = view->pixels + (size_t)y * frame->stride;
		(void)row[0];
		(void)row[frame->width * PIXEL_BYTES - 1];
	}
}

static void consume(struct frame_view *view, struct frame_cursor *cursor) {
	uint64_t rejected = 0;
	if (frame_link_acquire(&consumer, CHANNEL, view, &rejected) && !view->retracted) {
		check_view(view);
		frame_link_latch(&consumer, CHANNEL, view->frame.sequence, 0);
	}
	if (frame_link_acquire_cursor(&consumer, CHANNEL, cursor)) {
		require(cursor->visible <= 1 && cursor->hot_x < FRAME_CURSOR_SIZE &&
			cursor->hot_y < FRAME_CURSOR_SIZE);
	}
}

/* A process that takes over from the one that wrote all this still works, and is understood. */
static void take_over(struct frame_view *view) {
	frame_link_finish(&producer);
	open_side(&producer, LINK_PRODUCER);
	struct frame frame = {
		.stride = 4 * PIXEL_BYTES,
		.width = 4,
		.height = 4,
		.format = PIXEL_FORMAT_BGRX,
	};
	frame_link_is_busy(&producer, 0, UINT64_MAX);
	uint64_t sequence = frame_link_publish(&producer, CHANNEL, &frame);
	require(sequence != 0 && frame_link_is_busy(&producer, 0, 1));
	uint64_t rejected = 0;
	view->rejected = 0;
	if (frame_link_acquire(&consumer, CHANNEL, view, &rejected)) {
		require(view->frame.sequence == sequence);
		check_view(view);
	}
	require(rejected == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct frame_cursor cursor;
	struct byte_reader reader;
	byte_reader_init(&reader, data, size);
	struct frame_view view = { 0 };
	memset(&cursor, 0, sizeof(cursor));
	open_link();
	do {
		read_pages(&reader);
		consume(&view, &cursor);
	} while (byte_reader_left(&reader) > 0);
	take_over(&view);
	close_link();
	return 0;
}
