#include "core/frame_link.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/fd.h"
#include "core/macros.h"
#include "core/pixel_format.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

#define CHANNEL 2
#define WIDTH 64u
#define HEIGHT 32u
#define STRIDE (WIDTH * PIXEL_BYTES)
#define BUFFER (STRIDE * HEIGHT)
#define POOL_BUFFERS 8
#define POOL fd_round_to_page(POOL_BUFFERS *BUFFER)
#define RACE_FRAMES 20000

static int fds[LINK_FDS];
static struct frame_link producer, consumer;

static int map_side(struct frame_link *link, enum link_side side) {
	int granted[LINK_FDS];
	ck_assert_int_eq(link_grant_fds(fds, side, granted), 0);
	return frame_link_init(link, side, granted);
}

static void open_link(void) {
	ck_assert_int_eq(frame_link_create_fds("test", POOL, fds), 0);
	ck_assert_int_eq(map_side(&consumer, LINK_CONSUMER), 0);
	ck_assert_int_eq(map_side(&producer, LINK_PRODUCER), 0);
}

static void close_link(void) {
	frame_link_finish(&producer);
	frame_link_finish(&consumer);
	link_close_fds(fds);
}

/* The picture in pool buffer number `buffer`, with one changed rectangle. */
static struct frame picture(unsigned buffer, struct rect damage) {
	return (struct frame) {
		.pool_offset = buffer * BUFFER,
		.stride = STRIDE,
		.width = WIDTH,
		.height = HEIGHT,
		.format = PIXEL_FORMAT_BGRX,
		.damage = { .len = 1, .items = { damage } },
	};
}

static uint64_t publish(unsigned buffer, struct rect damage) {
	struct frame frame = picture(buffer, damage);
	return frame_link_publish(&producer, CHANNEL, &frame);
}

static bool acquire(struct frame_view *view) {
	uint64_t rejected = 0;
	bool acquired = frame_link_acquire(&consumer, CHANNEL, view, &rejected);
	ck_assert_uint_eq(rejected, 0);
	return acquired;
}

static const struct rect whole = { 0, 0, WIDTH, HEIGHT };

static bool damage_is(const struct frame_view *view, const struct rect *rect) {
	return view->frame.damage.len == 1 && rect_equal(&view->frame.damage.items[0], rect);
}

START_TEST(a_picture_crosses) {
	struct frame_view view = { 0 };
	ck_assert(!acquire(&view));
	memset((uint8_t *)producer.link.pool + BUFFER, 0x77, BUFFER);
	uint64_t sequence = publish(1, whole);
	ck_assert_uint_eq(sequence, 1);
	ck_assert(link_event_take(consumer.link.producer_event));
	ck_assert(acquire(&view));
	ck_assert_uint_eq(view.frame.sequence, sequence);
	ck_assert_ptr_eq(view.pixels, (uint8_t *)consumer.link.pool + BUFFER);
	ck_assert_uint_eq(view.pixels[BUFFER - 1], 0x77);
	ck_assert(damage_is(&view, &whole));
	ck_assert(!acquire(&view));

	uint64_t latched_ns;
	ck_assert_uint_eq(frame_link_latched(&producer, CHANNEL, NULL), 0);
	frame_link_latch(&consumer, CHANNEL, sequence, 1234);
	ck_assert_uint_eq(frame_link_latched(&producer, CHANNEL, &latched_ns), sequence);
	ck_assert_uint_eq(latched_ns, 1234);
	frame_link_count_flush(&producer, CHANNEL);
	ck_assert_uint_eq(frame_link_flushes(&consumer, CHANNEL), 1);

	frame_link_retract(&producer, CHANNEL);
	ck_assert(acquire(&view));
	ck_assert(view.retracted);
	ck_assert_ptr_nonnull(view.pixels); /* to be held on the screen */
	ck_assert(!acquire(&view));
	frame_link_release(&consumer, CHANNEL, &view);
	ck_assert_ptr_null(view.pixels);
	ck_assert(!view.retracted);
	ck_assert(!acquire(&view));
}
END_TEST

static void publish_acquire_latch(struct frame_view *view, unsigned buffer, struct rect damage) {
	publish(buffer, damage);
	ck_assert(acquire(view));
	frame_link_latch(&consumer, CHANNEL, view->frame.sequence, 0);
}

START_TEST(damage_of_frames_that_were_skipped) {
	struct frame_view view = { 0 };
	const struct rect a = { 1, 1, 2, 2 }, b = { 20, 20, 3, 3 }, c = { 40, 5, 4, 4 };
	publish_acquire_latch(&view, 0, a);
	ck_assert(damage_is(&view, &whole)); /* the first */
	publish_acquire_latch(&view, 1, a);
	ck_assert(damage_is(&view, &a));
	publish(2, b);
	publish(3, c); /* b was never seen */
	ck_assert(acquire(&view));
	ck_assert_uint_eq(view.frame.damage.len, 2);
	struct rect bounds = rects_bounds(&view.frame.damage);
	struct rect expected = rect_union(&b, &c);
	ck_assert(rect_equal(&bounds, &expected));
	/* acquired, not latched: it still counts, more is never wrong */
	publish(4, a);
	ck_assert(acquire(&view));
	ck_assert_uint_eq(view.frame.damage.len, 3);
	frame_link_latch(&consumer, CHANNEL, view.frame.sequence, 0);
	publish_acquire_latch(&view, 5, b);
	ck_assert(damage_is(&view, &b));
}
END_TEST

/* More skipped frames than the producer tells apart; a latch in the middle of them. */
START_TEST(damage_of_many_skipped_frames) {
	struct frame_view view = { 0 };
	publish_acquire_latch(&view, 0, whole);
	uint64_t first = view.frame.sequence;
	for (int32_t i = 0; i < 3 * FRAME_CHANGES_MAX; i++) {
		publish(1, (struct rect) { i * 2, 0, 1, 1 });
		if (i == FRAME_CHANGES_MAX) {
			frame_link_latch(&consumer, CHANNEL, first + 2, 0);
		}
	}
	ck_assert(acquire(&view));
	for (int32_t i = 0; i < 3 * FRAME_CHANGES_MAX; i++) {
		struct rects left = view.frame.damage;
		rects_clip(&left, &(struct rect) { i * 2, 0, 1, 1 });
		/* what was latched need not be said again, all the rest must */
		ck_assert(i < 2 || left.len > 0);
	}
}
END_TEST

START_TEST(everything_changes_with_the_size) {
	struct frame_view view = { 0 };
	const struct rect spot = { 0, 0, 1, 1 };
	publish_acquire_latch(&view, 0, whole);
	struct frame frame = picture(1, spot);
	frame.width = WIDTH / 2;
	frame_link_publish(&producer, CHANNEL, &frame);
	ck_assert(acquire(&view));
	ck_assert(damage_is(&view, &(struct rect) { 0, 0, WIDTH / 2, HEIGHT }));
	frame_link_latch(&consumer, CHANNEL, view.frame.sequence, 0);
	frame.format = PIXEL_FORMAT_BGRA;
	frame_link_publish(&producer, CHANNEL, &frame);
	ck_assert(acquire(&view));
	ck_assert(damage_is(&view, &(struct rect) { 0, 0, WIDTH / 2, HEIGHT }));
	frame_link_retract(&producer, CHANNEL);
	ck_assert(acquire(&view));
	frame_link_publish(&producer, CHANNEL, &frame);
	ck_assert(acquire(&view));
	ck_assert(damage_is(&view, &(struct rect) { 0, 0, WIDTH / 2, HEIGHT }));
}
END_TEST

START_TEST(busy_is_what_may_still_be_read) {
	struct frame_view view = { 0 };
	publish(0, whole);
	ck_assert(frame_link_is_busy(&producer, 0, BUFFER)); /* published */
	ck_assert(!frame_link_is_busy(&producer, BUFFER, BUFFER));
	ck_assert(acquire(&view));
	publish(1, whole);
	ck_assert(frame_link_is_busy(&producer, 0, 1)); /* held */
	ck_assert(frame_link_is_busy(&producer, BUFFER, 1));
	publish(2, whole);
	ck_assert(!frame_link_is_busy(&producer, BUFFER, BUFFER)); /* came straight back */
	ck_assert(acquire(&view));
	ck_assert(!frame_link_is_busy(&producer, 0, BUFFER));
	ck_assert(frame_link_is_busy(&producer, 2 * BUFFER, 1));
	/* another channel shows the same buffer */
	struct frame frame = picture(5, whole);
	frame_link_publish(&producer, 9, &frame);
	ck_assert(frame_link_is_busy(&producer, 5 * BUFFER + 100, 1));
	frame_link_retract(&producer, CHANNEL);
	ck_assert(acquire(&view));
	ck_assert(frame_link_is_busy(&producer, 2 * BUFFER, 1)); /* still held */
	frame_link_release(&consumer, CHANNEL, &view);
	ck_assert(!frame_link_is_busy(&producer, 2 * BUFFER, BUFFER));
}
END_TEST

static const struct {
	const char *name;
	uint64_t offset, len;
	bool busy; /* with buffer 2 published */
} spans[] = {
	{ "all of it", 2 * BUFFER, BUFFER, true },
	{ "up to it", 0, 2 * BUFFER, false },
	{ "its first byte", 0, 2 * BUFFER + 1, true },
	{ "its last byte", 3 * BUFFER - 1, 1, true },
	{ "behind it", 3 * BUFFER, BUFFER, false },
	{ "nothing in the middle of it", 2 * BUFFER + 5, 0, false },
	{ "everything", 0, UINT64_MAX, true },
	{ "an end that wraps", 2 * BUFFER + 1, UINT64_MAX, true },
	{ "far behind", UINT64_MAX, 1, false },
};

START_TEST(busy_spans) {
	publish(2, whole);
	bool busy = frame_link_is_busy(&producer, spans[_i].offset, spans[_i].len);
	ck_assert_msg(busy == spans[_i].busy, "%s", spans[_i].name);
}
END_TEST

static struct frame_producer_channel *producer_page(void) {
	return &((struct frame_producer_page *)producer.link.producer_page)->channels[CHANNEL];
}

static struct frame_consumer_channel *consumer_page(void) {
	return &((struct frame_consumer_page *)consumer.link.consumer_page)->channels[CHANNEL];
}

/* Puts a description into the page as a hostile producer may, past frame_link_publish(). */
static void publish_raw(const struct frame *frame) {
	struct frame_producer_channel *page = producer_page();
	unsigned slot = mailbox_free_slot(&page->frame_box, &consumer_page()->frame_box);
	page->frames[slot] = *frame;
	page->frames[slot].generation = link_own_generation(&producer.link);
	mailbox_publish(&page->frame_box, slot);
}

#define SET(field, value) .field##_set = true, .field = (value)
static const struct {
	const char *name;
	bool pool_offset_set, stride_set, width_set, height_set, format_set, sequence_set;
	uint64_t pool_offset, sequence;
	uint32_t stride, width, height, format;
	bool sane;
} frames[] = {
	{ "as it should be", .sane = true },
	{ "no format", SET(format, PIXEL_FORMAT_NONE) },
	{ "format past the last", SET(format, PIXEL_FORMAT_COUNT) },
	{ "format all ones", SET(format, UINT32_MAX) },
	{ "no width", SET(width, 0) },
	{ "no height", SET(height, 0) },
	{ "wider than its rows", SET(width, WIDTH + 1) },
	{ "width that wraps 32 bits of bytes", SET(width, 0x40000001) },
	{ "widest", SET(width, UINT32_MAX) },
	{ "too wide", SET(width, FRAME_SIZE_MAX + 1), SET(stride, 0x20000) },
	{ "too high", SET(height, FRAME_SIZE_MAX + 1), SET(stride, STRIDE) },
	{ "higher than the pool", SET(height, POOL_BUFFERS *HEIGHT + 1) },
	{ "highest", SET(height, UINT32_MAX) },
	{ "no stride", SET(stride, 0) },
	{ "stride of one row too short", SET(stride, STRIDE - 4) },
	{ "stride of odd bytes", SET(stride, STRIDE + 2) },
	{ "stride past the pool", SET(stride, UINT32_MAX - 3) },
	{ "offset of odd bytes", SET(pool_offset, 2) },
	{ "last byte past the pool", SET(pool_offset, (POOL_BUFFERS - 1) * BUFFER + 4) },
	{ "last place that fits", SET(pool_offset, (POOL_BUFFERS - 1) * BUFFER), .sane = true },
	{ "offset at the pool's end", SET(pool_offset, POOL_BUFFERS *BUFFER) },
	{ "offset that wraps", SET(pool_offset, UINT64_MAX - 3) },
	{ "offset all ones", SET(pool_offset, UINT64_MAX) },
	{ "no sequence", SET(sequence, 0) },
	{ "sequence all ones", SET(sequence, UINT64_MAX), .sane = true },
	{ "one row as long as may be", SET(height, 1), SET(stride, UINT32_MAX - 3), .sane = true },
};

#define APPLY(field)                                                                               \
	if (frames[_i].field##_set) {                                                              \
		frame.field = frames[_i].field;                                                    \
	}

START_TEST(bad_frames_are_refused) {
	ck_assert_uint_eq(POOL, POOL_BUFFERS * BUFFER); /* the rows below count on it */
	struct frame_view view = { 0 };
	publish(3, whole);
	ck_assert(acquire(&view));
	struct frame_view before = view;

	struct frame frame = picture(0, whole);
	frame.sequence = 77;
	APPLY(pool_offset)
	APPLY(stride)
	APPLY(width)
	APPLY(height)
	APPLY(format)
	APPLY(sequence)
	publish_raw(&frame);
	uint64_t rejected = 0;
	bool acquired = frame_link_acquire(&consumer, CHANNEL, &view, &rejected);
	ck_assert_msg(acquired == frames[_i].sane, "%s", frames[_i].name);
	ck_assert_uint_eq(rejected, !frames[_i].sane);
	if (!frames[_i].sane) {
		/* the view stands, its memory too, and one bad frame is counted once */
		ck_assert_ptr_eq(view.pixels, before.pixels);
		ck_assert_uint_eq(view.frame.sequence, before.frame.sequence);
		ck_assert(frame_link_is_busy(&producer, 3 * BUFFER, BUFFER));
		ck_assert(!frame_link_acquire(&consumer, CHANNEL, &view, &rejected));
		ck_assert_uint_eq(rejected, 1);
		publish(1, whole);
		ck_assert(acquire(&view));
	}
}
END_TEST

/* Damage that lies: never outside the picture, never less than everything when in doubt. */
static const struct {
	const char *name;
	uint64_t since, sequence; /* the view has sequence 10 */
	uint32_t len;
	struct rect item;
	bool everything;
	struct rect expected;
} damages[] = {
	{ "since the view", 10, 11, 1, { 1, 1, 2, 2 }, false, { 1, 1, 2, 2 } },
	{ "since before the view", 9, 11, 1, { 1, 1, 2, 2 }, false, { 1, 1, 2, 2 } },
	{ "since after the view", 11, 12, 1, { 1, 1, 2, 2 }, true, { 0 } },
	{ "since ever", 0, 11, 1, { 1, 1, 2, 2 }, true, { 0 } },
	{ "an older frame", 9, 10, 1, { 1, 1, 2, 2 }, true, { 0 } },
	{ "a count past the list", 10, 11, RECTS_MAX + 1, { 1, 1, 2, 2 }, true, { 0 } },
	{ "a huge count", 10, 11, UINT32_MAX, { 1, 1, 2, 2 }, true, { 0 } },
	{ "outside the picture", 10, 11, 1, { INT32_MAX, 5, UINT32_MAX, 9 }, false, { 0 } },
	{ "around the picture", 10, 11, 1, { INT32_MIN, INT32_MIN, UINT32_MAX, UINT32_MAX }, false,
		{ 0, 0, WIDTH, HEIGHT } },
	{ "over the edge", 10, 11, 1, { WIDTH - 1, HEIGHT - 1, 50, 50 }, false,
		{ WIDTH - 1, HEIGHT - 1, 1, 1 } },
};

START_TEST(a_candidate_is_taken_or_refused) {
	struct frame_view view = { 0 }, candidate;
	const struct rect whole = { 0, 0, WIDTH, HEIGHT }, part = { 1, 2, 3, 4 };
	ck_assert_int_eq(
		frame_link_want(&consumer, CHANNEL, &view, &candidate), FRAME_OFFER_NOTHING);
	publish(0, whole);
	ck_assert_int_eq(
		frame_link_want(&consumer, CHANNEL, &view, &candidate), FRAME_OFFER_PICTURE);
	frame_link_take(&consumer, CHANNEL, &view, &candidate);
	ck_assert_ptr_eq(view.pixels, consumer.link.pool);
	frame_link_latch(&consumer, CHANNEL, view.frame.sequence, 1);

	/* while it is looked at, both are promised */
	publish(1, part);
	ck_assert_int_eq(
		frame_link_want(&consumer, CHANNEL, &view, &candidate), FRAME_OFFER_PICTURE);
	ck_assert_ptr_eq(candidate.pixels, (const uint8_t *)consumer.link.pool + BUFFER);
	publish(2, part);
	ck_assert(frame_link_is_busy(&producer, 0, BUFFER));
	ck_assert(frame_link_is_busy(&producer, BUFFER, BUFFER));
	frame_link_refuse(&consumer, CHANNEL, &view);
	ck_assert(frame_link_is_busy(&producer, 0, BUFFER));
	ck_assert(!frame_link_is_busy(&producer, BUFFER, BUFFER));
	ck_assert_ptr_eq(view.pixels, consumer.link.pool);

	/* the next one's damage is since the one in hand */
	ck_assert_int_eq(
		frame_link_want(&consumer, CHANNEL, &view, &candidate), FRAME_OFFER_PICTURE);
	struct rect bounds = rects_bounds(&candidate.frame.damage);
	ck_assert(rect_equal(&bounds, &part));
	frame_link_refuse(&consumer, CHANNEL, &view);
	/* refused once is refused for good */
	ck_assert_int_eq(
		frame_link_want(&consumer, CHANNEL, &view, &candidate), FRAME_OFFER_NOTHING);
	ck_assert_uint_eq(view.frame.sequence, 1);

	frame_link_retract(&producer, CHANNEL);
	ck_assert_int_eq(
		frame_link_want(&consumer, CHANNEL, &view, &candidate), FRAME_OFFER_RETRACTED);
	ck_assert_int_eq(
		frame_link_want(&consumer, CHANNEL, &view, &candidate), FRAME_OFFER_NOTHING);
	ck_assert(frame_link_is_busy(&producer, 0, BUFFER));
	publish(3, part);
	ck_assert_int_eq(
		frame_link_want(&consumer, CHANNEL, &view, &candidate), FRAME_OFFER_PICTURE);
	frame_link_take(&consumer, CHANNEL, &view, &candidate);
	ck_assert(!view.retracted);
	ck_assert(!frame_link_is_busy(&producer, 0, BUFFER));
}
END_TEST

START_TEST(damage_that_lies) {
	struct frame_view view = { 0 };
	struct frame frame = picture(0, whole);
	frame.sequence = 10;
	publish_raw(&frame);
	ck_assert(acquire(&view));
	frame.sequence = damages[_i].sequence;
	frame.damage_since = damages[_i].since;
	frame.damage.items[0] = damages[_i].item;
	frame.damage.len = damages[_i].len;
	publish_raw(&frame);
	ck_assert(acquire(&view));
	struct rect bounds = rects_bounds(&view.frame.damage);
	const struct rect *expected = damages[_i].everything ? &whole : &damages[_i].expected;
	ck_assert_msg(rect_equal(&bounds, expected), "%s", damages[_i].name);
}
END_TEST

START_TEST(garbage_from_the_consumer) {
	publish(0, whole);
	atomic_store(&consumer_page()->latched_sequence, UINT64_MAX);
	ck_assert_uint_eq(frame_link_latched(&producer, CHANNEL, NULL), 1);
	atomic_store(&consumer_page()->frame_box.held, UINT64_MAX);
	atomic_store(&consumer_page()->frame_box.wanted, UINT64_C(0x123456789abcdef2));
	for (unsigned i = 0; i < 20; i++) {
		ck_assert_uint_eq(publish(i % POOL_BUFFERS, whole), i + 2);
	}
	ck_assert(frame_link_is_busy(&producer, 19 % POOL_BUFFERS * BUFFER, 1));
}
END_TEST

START_TEST(a_new_producer_goes_on) {
	struct frame_view view = { 0 };
	publish_acquire_latch(&view, 0, whole);
	publish(1, whole);
	uint64_t last = publish(2, whole);
	ck_assert(acquire(&view));
	ck_assert_uint_eq(view.frame.sequence, last);
	frame_link_finish(&producer);

	ck_assert_int_eq(map_side(&producer, LINK_PRODUCER), 0);
	ck_assert(frame_link_is_busy(&producer, 2 * BUFFER, 1)); /* on the screen */
	ck_assert(!acquire(&view)); /* what it left behind is still there */
	ck_assert_ptr_nonnull(view.pixels);
	const struct rect spot = { 3, 3, 1, 1 };
	ck_assert_uint_gt(publish(3, spot), last);
	ck_assert(frame_link_is_busy(&producer, 2 * BUFFER, 1));
	ck_assert(acquire(&view));
	ck_assert(damage_is(&view, &whole)); /* it cannot know what its predecessor changed */
}
END_TEST

START_TEST(what_a_dead_producer_left_is_not_taken) {
	struct frame_view view = { 0 };
	struct frame_cursor cursor = { 0 };
	static const uint32_t image[FRAME_CURSOR_SIZE * FRAME_CURSOR_SIZE] = { 1 };
	const struct frame_cursor visible = { .visible = 1 };
	publish(0, whole);
	frame_link_publish_cursor(&producer, CHANNEL, &visible, image);
	frame_link_finish(&producer);
	ck_assert_int_eq(map_side(&producer, LINK_PRODUCER), 0);
	if (_i != 0) { /* whoever looks: a consumer that was there, or one that starts */
		frame_link_finish(&consumer);
		ck_assert_int_eq(map_side(&consumer, LINK_CONSUMER), 0);
	}
	ck_assert(!acquire(&view));
	ck_assert(!acquire(&view));
	ck_assert_ptr_null(view.pixels);
	frame_link_acquire_cursor(&consumer, CHANNEL, &cursor);
	ck_assert_uint_eq(cursor.visible, 0);
	/* nor is its memory kept */
	frame_link_retract(&producer, CHANNEL);
	ck_assert(!frame_link_is_busy(&producer, 0, BUFFER));

	publish(1, whole);
	frame_link_publish_cursor(&producer, CHANNEL, &visible, image);
	ck_assert(acquire(&view));
	ck_assert_uint_eq(view.frame.generation, 2);
	ck_assert(frame_link_acquire_cursor(&consumer, CHANNEL, &cursor));
	ck_assert_uint_eq(cursor.visible, 1);
}
END_TEST

START_TEST(a_new_producer_after_rubbish) {
	memset(producer_page()->frames, 0xff, sizeof(producer_page()->frames));
	memset(producer_page()->cursors, 0xff, sizeof(producer_page()->cursors));
	atomic_store(&producer_page()->frame_box.published, UINT64_MAX);
	frame_link_finish(&producer);
	ck_assert_int_eq(map_side(&producer, LINK_PRODUCER), 0);
	struct frame_view view = { 0 };
	uint64_t rejected = 0;
	ck_assert(!frame_link_acquire(&consumer, CHANNEL, &view, &rejected));
	ck_assert_uint_eq(rejected, 1);
	ck_assert_uint_gt(publish(1, whole), 0); /* 0 names no frame */
	ck_assert(acquire(&view));
	ck_assert(damage_is(&view, &whole));
}
END_TEST

START_TEST(a_new_consumer_finds_the_last_picture) {
	struct frame_view view = { 0 };
	struct frame_cursor cursor = { 0 };
	static const uint32_t image[FRAME_CURSOR_SIZE * FRAME_CURSOR_SIZE] = { 1 };
	publish_acquire_latch(&view, 0, whole);
	frame_link_publish_cursor(
		&producer, CHANNEL, &(struct frame_cursor) { .visible = 1 }, image);
	ck_assert(frame_link_acquire_cursor(&consumer, CHANNEL, &cursor));
	frame_link_finish(&consumer);
	ck_assert_int_eq(map_side(&consumer, LINK_CONSUMER), 0);
	view = (struct frame_view) { 0 };
	cursor = (struct frame_cursor) { 0 };
	ck_assert(acquire(&view));
	ck_assert(damage_is(&view, &whole));
	ck_assert(frame_link_acquire_cursor(&consumer, CHANNEL, &cursor));
	ck_assert_uint_eq(cursor.visible, 1);
	ck_assert_uint_eq(cursor.image[0], 1);
}
END_TEST

static void fill_image(uint32_t *image, uint32_t value) {
	for (size_t i = 0; i < FRAME_CURSOR_SIZE * FRAME_CURSOR_SIZE; i++) {
		image[i] = value;
	}
}

START_TEST(cursors_cross) {
	static struct frame_cursor got, state = { .visible = 1, .x = -3, .y = 7, .hot_x = 5 };
	uint32_t image[FRAME_CURSOR_SIZE * FRAME_CURSOR_SIZE];
	const size_t last = ARRAY_LEN(image) - 1;
	ck_assert(!frame_link_acquire_cursor(&consumer, CHANNEL, &got));
	frame_link_publish_cursor(&producer, CHANNEL, &state, NULL); /* no image yet */
	ck_assert(frame_link_acquire_cursor(&consumer, CHANNEL, &got));
	ck_assert_uint_eq(got.visible, 0);

	fill_image(image, 11);
	frame_link_publish_cursor(&producer, CHANNEL, &state, image);
	ck_assert(frame_link_acquire_cursor(&consumer, CHANNEL, &got));
	ck_assert_uint_eq(got.visible, 1);
	ck_assert_int_eq(got.x, -3);
	ck_assert_uint_eq(got.hot_x, 5);
	ck_assert_uint_eq(got.image[last], 11);

	/* through more slots than there are, the image stays with the place */
	for (int i = 0; i < 3 * MAILBOX_SLOTS; i++) {
		uint64_t sequence = got.image_sequence;
		state.x = i;
		frame_link_publish_cursor(&producer, CHANNEL, &state, NULL);
		ck_assert(frame_link_acquire_cursor(&consumer, CHANNEL, &got));
		ck_assert_int_eq(got.x, i);
		ck_assert_uint_eq(got.image_sequence, sequence);
		ck_assert_uint_eq(got.image[last], 11);
	}
	fill_image(image, 12);
	frame_link_publish_cursor(&producer, CHANNEL, &state, image);
	frame_link_publish_cursor(&producer, CHANNEL, &state, NULL); /* the first was never seen */
	ck_assert(frame_link_acquire_cursor(&consumer, CHANNEL, &got));
	ck_assert_uint_eq(got.image[0], 12);
	frame_link_retract(&producer, CHANNEL);
	ck_assert(frame_link_acquire_cursor(&consumer, CHANNEL, &got));
	ck_assert_uint_eq(got.visible, 0);
}
END_TEST

START_TEST(cursors_that_lie) {
	struct frame_producer_channel *page = producer_page();
	page->cursors[1] = (struct frame_cursor) {
		.visible = UINT32_MAX,
		.generation = 1,
		.x = INT32_MIN,
		.hot_x = FRAME_CURSOR_SIZE,
		.hot_y = UINT32_MAX,
		.image_sequence = UINT64_MAX,
	};
	atomic_store(&page->cursor_box.published, UINT64_MAX - 2); /* slot 1 */
	struct frame_cursor got = { 0 };
	ck_assert(frame_link_acquire_cursor(&consumer, CHANNEL, &got));
	ck_assert_uint_eq(got.visible, 1);
	ck_assert_uint_eq(got.hot_x, FRAME_CURSOR_SIZE - 1);
	ck_assert_uint_eq(got.hot_y, FRAME_CURSOR_SIZE - 1);
}
END_TEST

START_TEST(modes_cross) {
	struct frame_mode mode = {
		.enabled = 1,
		.width = 1920,
		.height = 720,
		.refresh_mhz = 60000,
		.width_mm = 300,
		.height_mm = 110,
		.name = "cluster",
		.serial = 5,
	};
	struct frame_mode got;
	ck_assert(!frame_link_mode(&producer, CHANNEL, &got)); /* never set */
	frame_link_set_mode(&consumer, CHANNEL, &mode);
	ck_assert(frame_link_mode(&producer, CHANNEL, &got));
	ck_assert_mem_eq(&got, &mode, sizeof(mode));
	ck_assert(!frame_link_mode(&producer, CHANNEL + 1, &got));
	mode.width = 1280;
	atomic_store(&consumer_page()->mode_lock, UINT32_MAX - 1); /* about to wrap */
	frame_link_set_mode(&consumer, CHANNEL, &mode);
	ck_assert(frame_link_mode(&producer, CHANNEL, &got));
	ck_assert_uint_eq(got.width, 1280);
	ck_assert_uint_ne(atomic_load(&consumer_page()->mode_lock), 0);
	atomic_store(&consumer_page()->mode_lock, 7); /* its writer died in the middle */
	ck_assert(!frame_link_mode(&producer, CHANNEL, &got));
	frame_link_set_mode(&consumer, CHANNEL, &mode);
	ck_assert(frame_link_mode(&producer, CHANNEL, &got));
}
END_TEST

START_TEST(modes_are_clamped) {
	struct frame_mode mode, got;
	memset(&mode, 0xff, sizeof(mode));
	frame_link_set_mode(&consumer, CHANNEL, &mode);
	ck_assert(frame_link_mode(&producer, CHANNEL, &got));
	ck_assert_uint_eq(got.enabled, 1);
	ck_assert_uint_eq(got.width, 8191);
	ck_assert_uint_eq(got.height, 8191);
	ck_assert_uint_eq(got.refresh_mhz, 400000);
	ck_assert_uint_eq(got.width_mm, 4095);
	ck_assert_uint_eq(strlen(got.name), 13);
	frame_link_set_mode(&consumer, CHANNEL, &(struct frame_mode) { 0 });
	ck_assert(frame_link_mode(&producer, CHANNEL, &got));
	ck_assert_uint_eq(got.width, 1);
	ck_assert_uint_eq(got.refresh_mhz, 1000);
}
END_TEST

START_TEST(periods_are_clamped) {
	ck_assert_uint_eq(frame_link_period_ns(&producer), NS_PER_S / 60);
	frame_link_set_period_ns(&consumer, NS_PER_S / 50);
	ck_assert_uint_eq(frame_link_period_ns(&producer), NS_PER_S / 50);
	frame_link_set_period_ns(&consumer, 1);
	ck_assert_uint_eq(frame_link_period_ns(&producer), NS_PER_MS);
	frame_link_set_period_ns(&consumer, UINT64_MAX);
	ck_assert_uint_eq(frame_link_period_ns(&producer), NS_PER_S);
}
END_TEST

/*
 * Two threads and plain pixels: a buffer is written only while it is not busy, so each picture that
 * is acquired is whole, and stays it while it is held. The thread sanitizer checks the same.
 */
static void draw(unsigned buffer, uint32_t value) {
	uint32_t *pixels = (void *)((uint8_t *)producer.link.pool + buffer * BUFFER);
	for (size_t i = 0; i < WIDTH; i++) {
		pixels[i] = value;
	}
}

static void *flush_frames(void *data) {
	for (uint32_t n = 1; n <= RACE_FRAMES; n++) {
		unsigned buffer = 0;
		while (frame_link_is_busy(&producer, buffer * BUFFER, BUFFER)) {
			buffer++;
			ck_assert_uint_lt(buffer, POOL_BUFFERS);
		}
		draw(buffer, n);
		publish(buffer, whole);
		if (n % 1000 == 500) {
			frame_link_retract(&producer, CHANNEL);
		}
	}
	return NULL;
}

/* The sanitizer takes two mappings of one page for two pages: each side uses the writer's. */
static void share_maps(void) {
	consumer.link.pool = producer.link.pool;
	consumer.link.producer_page = producer.link.producer_page;
	producer.link.consumer_page = consumer.link.consumer_page;
}

START_TEST(two_threads) {
	struct link producer_maps = producer.link, consumer_maps = consumer.link;
	share_maps();
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, flush_frames, NULL), 0);
	struct frame_view view = { 0 };
	uint64_t last = 0;
	uint64_t rejected = 0;
	while (last < RACE_FRAMES) { /* the last one stays published */
		if (!frame_link_acquire(&consumer, CHANNEL, &view, &rejected)) {
			continue;
		}
		if (view.retracted) {
			frame_link_release(&consumer, CHANNEL, &view);
			continue;
		}
		const uint32_t *pixels = (const void *)view.pixels;
		for (size_t i = 0; i < 2 * WIDTH; i++) {
			ck_assert_uint_eq(pixels[i % WIDTH], view.frame.sequence);
		}
		ck_assert_uint_gt(view.frame.sequence, last);
		last = view.frame.sequence;
		frame_link_latch(&consumer, CHANNEL, last, 0);
	}
	pthread_join(thread, NULL);
	ck_assert_uint_eq(rejected, 0);
	producer.link = producer_maps;
	consumer.link = consumer_maps;
}
END_TEST

START_TEST(inits_fail_clean) {
	struct frame_link *link = malloc(sizeof(*link));
	unsigned n = 1;
	for (;; n++) {
		int granted[LINK_FDS];
		ck_assert_int_eq(link_grant_fds(fds, LINK_CONSUMER, granted), 0);
		fault_at(n);
		int rc = frame_link_init(link, LINK_CONSUMER, granted);
		bool hit = fault_hit();
		fault_off();
		if (rc == 0) {
			break;
		}
		ck_assert_int_eq(rc, -ENOMEM);
		ck_assert(hit);
	}
	ck_assert_uint_eq(n, 4);
	frame_link_finish(link);
	free(link);
}
END_TEST

static void expect_heartbeat(const struct frame_link *link, uint64_t count, uint64_t number) {
	uint64_t got_count = 0, got_number = 0;
	ck_assert(frame_link_heartbeat(link, &got_count, &got_number));
	ck_assert_uint_eq(got_count, count);
	ck_assert_uint_eq(got_number, number);
}

START_TEST(heartbeats_cross) {
	uint64_t count = 9, number = 9;
	ck_assert(!frame_link_heartbeat(&consumer, &count, &number));
	ck_assert_uint_eq(count, 0);
	ck_assert_uint_eq(number, 0);
	frame_link_set_heartbeat(&producer, 1, 700);
	expect_heartbeat(&consumer, 1, 700);
	/* another one that says the same */
	frame_link_set_heartbeat(&producer, 2, 700);
	expect_heartbeat(&consumer, 2, 700);
	frame_link_set_heartbeat(&producer, UINT64_MAX / 2, UINT64_MAX);
	expect_heartbeat(&consumer, UINT64_MAX / 2, UINT64_MAX);

	frame_link_finish(&producer);
	ck_assert_int_eq(map_side(&producer, LINK_PRODUCER), 0);
	expect_heartbeat(&producer, UINT64_MAX / 2, UINT64_MAX);
}
END_TEST

static _Atomic uint64_t *heartbeat_lock(void) {
	struct frame_producer_page *page = producer.link.producer_page;
	return &page->heartbeat_lock;
}

START_TEST(heartbeats_of_hostile_producers) {
	uint64_t count = 9, number = 9;
	/* one that died while it wrote: nothing new */
	atomic_store(heartbeat_lock(), 5);
	ck_assert(!frame_link_heartbeat(&consumer, &count, &number));
	ck_assert_uint_eq(count, 9);
	ck_assert_uint_eq(number, 9);
	frame_link_finish(&producer);
	ck_assert_int_eq(map_side(&producer, LINK_PRODUCER), 0);
	expect_heartbeat(&consumer, 3, 0);
	frame_link_set_heartbeat(&producer, 4, 4);
	expect_heartbeat(&consumer, 4, 4);
	atomic_store(heartbeat_lock(), UINT64_MAX);
	frame_link_finish(&producer);
	ck_assert_int_eq(map_side(&producer, LINK_PRODUCER), 0);
	ck_assert(!frame_link_heartbeat(&consumer, &count, &number));
	ck_assert_uint_eq(count, 0);
}
END_TEST

static void *beat(void *data) {
	for (uint64_t i = 1; i <= RACE_FRAMES; i++) {
		frame_link_set_heartbeat(&producer, i, 3 * i);
	}
	return NULL;
}

START_TEST(heartbeats_are_whole) {
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, beat, NULL), 0);
	uint64_t count = 0, number = 0;
	while (count < RACE_FRAMES) {
		uint64_t before = count;
		if (frame_link_heartbeat(&consumer, &count, &number)) {
			ck_assert_uint_ge(count, before);
			ck_assert_uint_eq(number, 3 * count);
		}
	}
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

static void add_hostile_cases(Suite *suite) {
	TCase *tcase = suite_case(suite, "hostile");
	tcase_add_checked_fixture(tcase, open_link, close_link);
	tcase_add_loop_test(tcase, bad_frames_are_refused, 0, ARRAY_LEN(frames));
	tcase_add_test(tcase, a_candidate_is_taken_or_refused);
	tcase_add_loop_test(tcase, damage_that_lies, 0, ARRAY_LEN(damages));
	tcase_add_test(tcase, garbage_from_the_consumer);
	tcase_add_test(tcase, a_new_producer_after_rubbish);
	tcase_add_test(tcase, cursors_that_lie);
	tcase_add_test(tcase, modes_are_clamped);
	tcase_add_test(tcase, periods_are_clamped);
}

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core frame_link");
	TCase *tcase = suite_case(suite, "frames");
	tcase_add_checked_fixture(tcase, open_link, close_link);
	tcase_add_test(tcase, a_picture_crosses);
	tcase_add_test(tcase, damage_of_frames_that_were_skipped);
	tcase_add_test(tcase, damage_of_many_skipped_frames);
	tcase_add_test(tcase, everything_changes_with_the_size);
	tcase_add_test(tcase, busy_is_what_may_still_be_read);
	tcase_add_loop_test(tcase, busy_spans, 0, ARRAY_LEN(spans));
	tcase_add_test(tcase, a_new_producer_goes_on);
	tcase_add_loop_test(tcase, what_a_dead_producer_left_is_not_taken, 0, 2);
	tcase_add_test(tcase, a_new_consumer_finds_the_last_picture);
	tcase_add_test(tcase, cursors_cross);
	tcase_add_test(tcase, modes_cross);
	tcase_add_test(tcase, heartbeats_cross);
	tcase_add_test(tcase, heartbeats_of_hostile_producers);
	tcase_add_test(tcase, two_threads);
	tcase_add_test(tcase, heartbeats_are_whole);
	tcase_add_test(tcase, inits_fail_clean);
	add_hostile_cases(suite);
	return suite;
}
