/*
 * The display that shows nothing, for an endpoint that runs alone: the consumer's side of a private
 * link, which takes every picture at its refresh and looks at none. A guest runs as with a real one.
 *
 * Thread: the loop's.
 */
#ifndef GPU_NULL_DISPLAY_H
#define GPU_NULL_DISPLAY_H

#include <stdint.h>

#include "core/clock.h"
#include "core/frame_link.h"
#include "core/loop.h"

struct null_display {
	struct frame_link link; /* the consumer's side */
	uint32_t channels_len;
	struct ticker ticker;
	struct loop_source *source;
	struct frame_view views[FRAME_LINK_CHANNELS];
	struct frame_cursor cursor;
};

/* Takes over `fds`. The displays have `modes`, all at the first one's refresh. 0 or -errno. */
int null_display_init(struct null_display *display, struct loop *loop, int fds[LINK_FDS],
	const struct frame_mode *modes, uint32_t modes_len);
void null_display_finish(struct null_display *display);

#endif
