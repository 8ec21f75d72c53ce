/*
 * A candidate: a picture that was taken newly, judged by its pixels before it replaces the one in hand.
 *
 * With frame tags (core/frame_tag.h): both tags must be there and agree, the counter must not go back,
 * and the picture must not be older than lag_ms beyond the youngest one seen. What "old" is cannot be
 * known, since the guest's clock is another one; the least difference of the two clocks stands for none,
 * and may grow by CANDIDATE_DRIFT_PPM, more than two clocks ever disagree. After CANDIDATE_SILENCE_MS
 * without a picture it is taken anew: the guest may have been paused, and its clock with it.
 * A program that begins anew counts anew: so CANDIDATE_RESTART pictures in a row whose counter and time go
 * on, with times after the last good one's, are believed again.
 *
 * Opaque layers: each CANDIDATE_ROWS-th row of a picture with alpha is looked at, other ones in each
 * picture, and all of every watched rectangle.
 *
 * Thread: the compositor's. Plain storage, bounded work.
 */
#ifndef COMPOSITOR_CANDIDATE_H
#define COMPOSITOR_CANDIDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/config.h"
#include "core/fault.h"
#include "core/frame_link.h"
#include "core/frame_tag.h"
#include "core/rect.h"

#define CANDIDATE_DRIFT_PPM 1000
#define CANDIDATE_SILENCE_MS 1000
#define CANDIDATE_RESTART 3
#define CANDIDATE_ROWS 16

/* What is demanded of the pictures of a channel: all that any layer which shows it demands. */
struct candidate_rules {
	bool tag;
	uint32_t lag_ms;        /* 0: no matter */
	uint32_t frozen_frames; /* 0: no matter */
	bool opaque;
	uint32_t watched_len;
	struct rect watched[CONFIG_VERIFIED_MAX]; /* in pixels of the picture */
};

/* What is known of the pictures so far. Zeroed: of none. */
struct candidate_memory {
	bool has_tag;
	struct frame_tag tag;  /* of the last good picture */
	uint64_t tag_ns;       /* when it was taken */
	uint32_t least_ms;     /* our clock minus the guest's, the least seen; wraps */
	uint64_t least_ns;     /* when that was */
	uint32_t unchanged;    /* pictures since its counter changed */
	struct frame_tag other; /* of the last picture that was refused for its counter */
	uint32_t others;       /* such pictures in order, so far; 0: none */
	uint32_t row;          /* where the next picture's alpha is looked at first */
};

/* Adds what `layer` demands. */
void candidate_add_rules(struct candidate_rules *rules, const struct config_layer *layer);
/* Adds a rectangle that must be opaque; past the maximum nothing. */
void candidate_watch(struct candidate_rules *rules, const struct rect *rect);

/* Why the picture must not be shown: TORN, LAGGED, BAD_FRAME, TRANSPARENT; NONE: it may, and is remembered
 * as the last good one. `now_ns`: of a clock that goes on with the output's ticks. */
enum fault_cause candidate_judge(struct candidate_memory *memory,
	const struct candidate_rules *rules, const struct frame_view *view, uint64_t now_ns);

/* Pictures came, and their counter stood still, for frozen_frames of them. */
bool candidate_is_frozen(
	const struct candidate_memory *memory, const struct candidate_rules *rules);

#endif
