/*
 * A frame link: pictures and cursors of up to 16 scanouts of one guest, on their way to the
 * compositor. See link.h for the descriptors.
 *
 * The pool holds pixel buffers wherever the producer places them. A frame says where one is; it is a
 * promise that those bytes do not change while the frame is published, held or wanted. The consumer
 * keeps exactly one frame per channel (the one on screen) and takes a newer one when it composes.
 *
 *   endpoint:   write pixels into pool -> frame_link_publish() -> consumer wakes at its next tick
 *   compositor: frame_link_acquire() -> reads pixels from the pool -> frame_link_latch()
 *               frame_link_tick() once per refresh -> endpoint answers fenced flushes by `latched`
 *
 * Thread: one per side. No call blocks or allocates after init.
 */
#ifndef CORE_FRAME_LINK_H
#define CORE_FRAME_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/link.h"
#include "core/mailbox.h"
#include "core/rect.h"

#define FRAME_LINK_MAGIC 0x4d415246u /* "FRAM" */
#define FRAME_LINK_CHANNELS 16
#define FRAME_CURSOR_SIZE 64 /* pixels each way, virtio 1.3, 5.7.6.10 */

/* A picture, as the producer describes it. Every field is checked by frame_link_acquire(). */
struct frame {
	uint64_t sequence;      /* of the channel, from 1, never reused by a link */
	uint64_t flush_ns;      /* CLOCK_MONOTONIC when the guest flushed it */
	uint64_t pool_offset;   /* bytes from the pool's start to the top left pixel of `source` */
	uint32_t stride;        /* bytes, multiple of 4 */
	uint32_t width, height; /* pixels of the picture (the scanout's source rectangle) */
	uint32_t format;        /* enum pixel_format */
	/* What changed since the frame `damage_since` (0: everything, whatever `damage` says), in pixels
	 * of the picture. A consumer whose last frame is older than that takes everything as changed. */
	uint64_t damage_since;
	struct rects damage;
};

/* The cursor over a channel. Premultiplied BGRA, 64 x 64, in the slot itself. */
struct frame_cursor {
	uint32_t visible;
	int32_t x, y;                   /* of the hot spot, in pixels of the scanout */
	uint32_t hot_x, hot_y;          /* < 64 */
	uint64_t image_sequence;        /* changes with the image, not with the place */
	uint32_t image[FRAME_CURSOR_SIZE * FRAME_CURSOR_SIZE];
};

/* What the consumer wants a scanout to be: drives display information, EDID and hot-plug events. */
struct frame_mode {
	uint32_t enabled;
	uint32_t width, height;       /* pixels */
	uint32_t refresh_mhz;         /* 60000 is 60 Hz */
	uint32_t width_mm, height_mm; /* of the display, 0: unknown */
	char name[14];                /* EDID display name, NUL-padded */
	char pad[2];
	uint32_t serial;
};

struct frame_producer_channel {
	struct mailbox_producer_half frame_box;
	struct mailbox_producer_half cursor_box;
	_Atomic uint64_t flushes; /* flushes the guest made, published or coalesced */
	struct frame frames[MAILBOX_SLOTS];
	struct frame_cursor cursors[MAILBOX_SLOTS];
};

struct frame_producer_page {
	struct link_page_header header;
	struct frame_producer_channel channels[FRAME_LINK_CHANNELS];
};

struct frame_consumer_channel {
	struct mailbox_consumer_half frame_box;
	struct mailbox_consumer_half cursor_box;
	_Atomic uint64_t latched_sequence; /* newest frame composed and shown */
	_Atomic uint64_t latched_ns;       /* CLOCK_MONOTONIC of that */
	_Atomic uint32_t mode_lock;        /* sequence lock over `mode`: odd while it is written */
	struct frame_mode mode;
};

struct frame_consumer_page {
	struct link_page_header header;
	_Atomic uint64_t period_ns; /* of the output the link is shown on */
	struct frame_consumer_channel channels[FRAME_LINK_CHANNELS];
};

/* The pages' sizes, rounded up to the machine's page size, for link_create_fds(). */
size_t frame_link_producer_page_bytes(void);
size_t frame_link_consumer_page_bytes(void);

/* Keeper: creates a frame link's descriptors. */
int frame_link_create_fds(const char *name, size_t pool_bytes, int fds[LINK_FDS]);

/* Maps a side: takes over `fds`. A producer starts a new generation: its published frames and cursors
 * stay what they were until it publishes or retracts. 0 or -errno. */
int frame_link_init(struct link *link, enum link_side side, int fds[LINK_FDS]);
void frame_link_finish(struct link *link);

/* ---- producer ---- */

/*
 * Publishes a picture. The caller fills everything but `sequence` and `damage_since`, and gives the
 * damage since its own last publish on this channel; the link adds what the consumer has not latched
 * yet. Returns the frame's sequence. Asserts that the picture lies in the pool.
 */
uint64_t frame_link_publish(struct link *link, unsigned channel, const struct frame *frame);

/* The scanout shows nothing any more: no frame, no cursor. */
void frame_link_retract(struct link *link, unsigned channel);

/* Whether the consumer may still read any byte of the pool in [offset, offset + len): such memory
 * must not be written. */
bool frame_link_is_busy(const struct link *link, uint64_t offset, uint64_t len);

/* Publishes the cursor (image_sequence is set by the link: `image_changed` says whether it is new).
 * `image` may be NULL when it did not change. */
void frame_link_publish_cursor(struct link *link, unsigned channel,
	const struct frame_cursor *state, bool image_changed);

/* Counts a flush (for the consumer's liveness check), also when nothing is published. */
void frame_link_count_flush(struct link *link, unsigned channel);

/* The newest frame of this channel that was shown, and when. */
uint64_t frame_link_latched(const struct link *link, unsigned channel, uint64_t *latched_ns);

/* What the consumer wants the scanout to be. Sequence-locked copy; false if it kept changing. Fields
 * are clamped to what an EDID can say (1..8191 pixels, 1..400 Hz). */
bool frame_link_mode(const struct link *link, unsigned channel, struct frame_mode *mode);

/* ---- consumer ---- */

struct frame_view {
	struct frame frame;    /* a private, checked copy */
	const uint8_t *pixels; /* frame.height rows of frame.stride bytes, in the pool; NULL: no picture */
};

/*
 * Takes the newest frame, if there is a new one and it is sane (format, size, stride, place in the
 * pool, damage clipped). True: *view was replaced (pixels NULL when the producer retracted). False:
 * nothing new; *view still stands. An insane frame is skipped and *rejected counted up.
 * `view->frame.damage` then is what changed since the view that it replaces.
 */
bool frame_link_acquire(
	struct link *link, unsigned channel, struct frame_view *view, uint64_t *rejected);

/* The view acquired last is on the screen (or in the output's memory). */
void frame_link_latch(struct link *link, unsigned channel, uint64_t sequence, uint64_t now_ns);

/* Takes the newest cursor. True: *cursor points at a new state in the page, clamp it at use:
 * its bytes may change if the producer misbehaves. NULL: none. */
bool frame_link_acquire_cursor(
	struct link *link, unsigned channel, const struct frame_cursor **cursor);

uint64_t frame_link_flushes(const struct link *link, unsigned channel);

void frame_link_set_mode(struct link *link, unsigned channel, const struct frame_mode *mode);

#endif
