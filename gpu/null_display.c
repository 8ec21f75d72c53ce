#include "gpu/null_display.h"

#include <errno.h>
#include <sys/epoll.h>

static void handle_tick(void *data, uint32_t events) {
	struct null_display *display = data;
	uint64_t due_ns;
	if (!ticker_take(&display->ticker, &due_ns)) {
		return;
	}
	uint64_t rejected = 0;
	for (uint32_t i = 0; i < display->channels_len; i++) {
		struct frame_view *view = &display->views[i];
		if (frame_link_acquire(&display->link, i, view, &rejected) &&
			view->pixels != NULL) {
			frame_link_latch(&display->link, i, view->frame.sequence, clock_now_ns());
		}
		frame_link_acquire_cursor(&display->link, i, &display->cursor);
	}
	link_tick(&display->link.link, display->ticker.count);
}

static int start(struct null_display *display, struct loop *loop, uint64_t period_ns) {
	int rc = ticker_init(&display->ticker, TICKER_REAL, period_ns, -1);
	if (rc < 0) {
		return rc;
	}
	display->source = loop_add(loop, display->ticker.fd, EPOLLIN, handle_tick, display);
	if (display->source == NULL) {
		rc = -errno;
		ticker_finish(&display->ticker);
		return rc;
	}
	ticker_start(&display->ticker);
	return 0;
}

int null_display_init(struct null_display *display, struct loop *loop, int fds[LINK_FDS],
	const struct frame_mode *modes, uint32_t modes_len) {
	*display = (struct null_display) { .channels_len = modes_len };
	int rc = frame_link_init(&display->link, LINK_CONSUMER, fds);
	if (rc < 0) {
		return rc;
	}
	uint64_t period_ns = NS_PER_S * 1000 / modes[0].refresh_mhz;
	for (uint32_t i = 0; i < modes_len; i++) {
		frame_link_set_mode(&display->link, i, &modes[i]);
	}
	frame_link_set_period_ns(&display->link, period_ns);
	rc = start(display, loop, period_ns);
	if (rc < 0) {
		frame_link_finish(&display->link);
	}
	return rc;
}

void null_display_finish(struct null_display *display) {
	loop_remove(&display->source);
	ticker_finish(&display->ticker);
	frame_link_finish(&display->link);
}
