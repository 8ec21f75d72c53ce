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
 *               link_tick() once per refresh -> endpoint answers fenced flushes by frame_link_latched()
 *
 * Each side has a `struct frame_link`: the mapped link and what this side keeps to itself. Calls of
 * link.h take its `link` member.
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
#define FRAME_SIZE_MAX 16384 /* pixels each way: more is no display, and less than any overflow */

/* A picture, as the producer describes it. Every field is checked by frame_link_acquire(). */
struct frame {
	uint64_t sequence;      /* of the channel, from 1, never reused by a link */
	uint64_t flush_ns;      /* CLOCK_MONOTONIC when the guest flushed it */
	uint64_t pool_offset; /* bytes from the pool's start to the top left pixel, multiple of 4 */
	uint32_t stride; /* bytes, multiple of 4 */
	uint32_t width,
		height; /* pixels of the picture (the scanout's source rectangle), 1..FRAME_SIZE_MAX */
	uint32_t format; /* enum pixel_format */
	uint32_t generation; /* of the producer that published it */
	uint32_t pad;
	/* What changed since the frame `damage_since` (0: everything, whatever `damage` says), in pixels
	 * of the picture. A consumer whose last frame is older than that takes everything as changed. */
	uint64_t damage_since;
	struct rects damage;
};

/* The cursor over a channel. Premultiplied BGRA, 64 x 64, in the slot itself. */
struct frame_cursor {
	uint32_t visible;
	int32_t x, y; /* of the hot spot, in pixels of the scanout */
	uint32_t hot_x, hot_y; /* < 64, in the image */
	uint32_t generation; /* of the producer that published it */
	uint64_t image_sequence; /* changes with the image, not with the place; 0: no image yet */
	uint32_t image[FRAME_CURSOR_SIZE * FRAME_CURSOR_SIZE];
};

/* What the consumer wants a scanout to be: drives display information, EDID and hot-plug events. */
struct frame_mode {
	uint32_t enabled;
	uint32_t width, height; /* pixels */
	uint32_t refresh_mhz; /* 60000 is 60 Hz */
	uint32_t width_mm, height_mm; /* of the display, 0: unknown */
	char name[16]; /* EDID display name: at most 13 bytes, NUL-padded */
	uint32_t serial;
};
#define FRAME_MODE_WORDS (sizeof(struct frame_mode) / sizeof(uint32_t))

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
	_Atomic uint64_t heartbeat_lock; /* twice the count; one less while the number is written */
	_Atomic uint64_t heartbeat_number;
};

struct frame_consumer_channel {
	struct mailbox_consumer_half frame_box;
	struct mailbox_consumer_half cursor_box;
	_Atomic uint64_t latched_sequence; /* newest frame composed and shown */
	_Atomic uint64_t latched_ns; /* CLOCK_MONOTONIC of that */
	_Atomic uint32_t mode_lock; /* sequence lock over `mode`: odd while written, 0: never */
	_Atomic uint32_t mode[FRAME_MODE_WORDS]; /* a struct frame_mode */
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

/* What one publish changed; `sequence` is its frame's. */
struct frame_change {
	uint64_t sequence;
	struct rects damage;
};

#define FRAME_CHANGES_MAX 4 /* publishes told apart before the oldest two are merged */

/* The producer's own memory of a channel. */
struct frame_history {
	uint64_t sequence; /* of the newest frame */
	uint64_t base; /* changes[] are what changed since this frame; 0: since ever */
	uint32_t changes_len;
	struct frame_change changes[FRAME_CHANGES_MAX]; /* oldest first, not latched yet */
	uint32_t width, height; /* of the newest frame */
	bool cursor_has_image; /* this process was given one */
	unsigned cursor_slot; /* written last: has the newest image */
	uint64_t cursor_sequence; /* of the newest image */
};

struct frame_link {
	struct link link;
	struct frame_history history[FRAME_LINK_CHANNELS]; /* producer only */
};

/* Maps a side: takes over `fds`. A producer starts a new generation: its published frames and cursors
 * stay what they were until it publishes or retracts, and sequence numbers go on. A consumer lets go
 * of what its predecessor held, so that its first acquire finds the last picture. But what was published by
 * an earlier producer than the present one is not taken: its process is dead, and the guest another. 0 or
 * -errno. */
int frame_link_init(struct frame_link *link, enum link_side side, int fds[LINK_FDS]);
void frame_link_finish(struct frame_link *link);

/* ---- producer ---- */

/*
 * Publishes a picture and signals the consumer. The caller fills everything but `sequence`, `generation`
 * and `damage_since`, and gives the damage since its own last publish on this channel; the link adds what
 * the consumer has not latched yet. Returns the frame's sequence. Asserts that the picture lies in the
 * pool and that its format is one.
 */
uint64_t frame_link_publish(struct frame_link *link, unsigned channel, const struct frame *frame);

/* The scanout shows nothing any more: no frame, no cursor. Signals the consumer. */
void frame_link_retract(struct frame_link *link, unsigned channel);

/* Whether the consumer may still read any byte of the pool in [offset, offset + len), on any channel:
 * such memory must not be written. */
bool frame_link_is_busy(const struct frame_link *link, uint64_t offset, uint64_t len);

/*
 * Publishes the cursor and signals the consumer. `image_sequence` and `image` of `state` are not used;
 * `image` is FRAME_CURSOR_SIZE rows of as many pixels, or NULL when it is the one given last (of this
 * process; before the first one, the cursor has no image and is not shown).
 */
void frame_link_publish_cursor(struct frame_link *link, unsigned channel,
	const struct frame_cursor *state, const uint32_t *image);

/* Counts a flush (for the consumer's liveness check), also when nothing is published. */
void frame_link_count_flush(struct frame_link *link, unsigned channel);

/*
 * The guest's heartbeat, as its channel brought it: `count` of them so far, 1..UINT64_MAX / 2, the last
 * one with this number. A successor goes on counting where frame_link_heartbeat() says its predecessor
 * ended. Nobody is woken: the consumer looks at its ticks.
 */
void frame_link_set_heartbeat(struct frame_link *link, uint64_t count, uint64_t number);

/* The newest frame of this channel that was shown (0: none), and when. */
uint64_t frame_link_latched(const struct frame_link *link, unsigned channel, uint64_t *latched_ns);

/* What the consumer wants the scanout to be. Sequence-locked copy; false if it kept changing or was
 * never set. Fields are clamped to what an EDID can say (1..8191 pixels, 1..400 Hz, name terminated
 * or full and printable). */
bool frame_link_mode(const struct frame_link *link, unsigned channel, struct frame_mode *mode);

/* The refresh period of the output the link is shown on, clamped to 1 ms..1 s; 16.7 ms when unset. */
uint64_t frame_link_period_ns(const struct frame_link *link);

/* ---- both ---- */

/* The last heartbeat: false, with both 0, before the first one, and with both untouched while one is
 * being written (of a producer that died in there, until it has a successor). Nothing of it is to be
 * believed beyond "the endpoint says so". */
bool frame_link_heartbeat(const struct frame_link *link, uint64_t *count, uint64_t *number);

/* ---- consumer ---- */

struct frame_view {
	struct frame frame; /* a private, checked copy */
	/* frame.height rows, frame.stride bytes apart, in the pool (the last row may end with its last
	 * pixel); NULL: no picture */
	const uint8_t *pixels;
	bool retracted; /* the producer took it back: held only to be shown a little longer */
	uint64_t rejected; /* the link's own: ticket of the last insane or refused frame */
};

/*
 * Takes the newest frame, if there is a new one and it is sane (format, size, stride, place in the
 * pool, damage clipped). True: *view was replaced, or its producer just retracted it. False: nothing
 * new. Either way the view's pixels stay promised, those of a retracted one until
 * frame_link_release(). An insane frame is skipped and counted in *rejected once.
 * `view->frame.damage` then is what changed since the view that it replaces. *view is zeroed before
 * the first call.
 */
bool frame_link_acquire(
	struct frame_link *link, unsigned channel, struct frame_view *view, uint64_t *rejected);

/*
 * The same in two steps, for pictures that are looked at before they replace the one in hand. PICTURE:
 * *candidate is the newest frame, and until it is taken or refused the pixels of both views stay
 * promised. RETRACTED: the producer just took its picture back. INSANE: a frame that cannot be one was
 * skipped, and is not offered again.
 */
enum frame_offer {
	FRAME_OFFER_NOTHING,
	FRAME_OFFER_RETRACTED,
	FRAME_OFFER_INSANE,
	FRAME_OFFER_PICTURE
};
enum frame_offer frame_link_want(struct frame_link *link, unsigned channel, struct frame_view *view,
	struct frame_view *candidate);
/* *view becomes the candidate. */
void frame_link_take(struct frame_link *link, unsigned channel, struct frame_view *view,
	const struct frame_view *candidate);
/* *view stays, and the candidate is not offered again. The damage of the next one is since *view. */
void frame_link_refuse(struct frame_link *link, unsigned channel, struct frame_view *view);

/* Lets go of a view: its pixels may be written from now on, and it is a zeroed one again. To be called
 * on a retracted view; a picture that is still published would only be acquired anew. */
void frame_link_release(struct frame_link *link, unsigned channel, struct frame_view *view);

/* The view acquired last is on the screen (or in the output's memory). */
void frame_link_latch(
	struct frame_link *link, unsigned channel, uint64_t sequence, uint64_t now_ns);

/*
 * Takes the newest cursor. True: *cursor was replaced by a private copy with hot spot and visibility
 * in range (the image is copied only when its sequence is another than in *cursor, which is zeroed
 * before the first call); a retracted cursor is an invisible one. False: nothing new.
 */
bool frame_link_acquire_cursor(
	struct frame_link *link, unsigned channel, struct frame_cursor *cursor);

uint64_t frame_link_flushes(const struct frame_link *link, unsigned channel);

void frame_link_set_mode(struct frame_link *link, unsigned channel, const struct frame_mode *mode);
void frame_link_set_period_ns(struct frame_link *link, uint64_t period_ns);

#endif
