#include "tests/bench/frame_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fd.h"
#include "tests/bench/process.h"

#define HANG_GUARD_MS 10000
#define SETTLE_MS 100

/* The display's answers and the driver's start need each other, and this is one thread: the back-end
 * asks on its display socket when it gets it, and answers the driver only after our reply. */
int qemu_peer_init(
	struct qemu_peer *peer, const char *program, const struct frame_case *frame_case) {
	int vhost[2], gpu[2];
	char fd_option[32];
	*peer = (struct qemu_peer) { .pid = -1 };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, vhost) < 0) {
		return -errno;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gpu) < 0) {
		return -errno;
	}
	snprintf(fd_option, sizeof(fd_option), "--fd=%d", vhost[1]);
	const char *argv[] = { program, fd_option, NULL };
	peer->pid = process_spawn(argv, vhost[1]);
	fd_close(&vhost[1]);
	if (peer->pid < 0) {
		return peer->pid;
	}
	int error =
		qemu_display_init(&peer->display, gpu[0], frame_case->width, frame_case->height);
	if (!error) {
		error = generator_init(&peer->generator, NULL, vhost[0], gpu[1], frame_case->width,
			frame_case->height);
	}
	fd_close(&gpu[1]);
	if (!error) {
		error = qemu_display_settle(&peer->display, SETTLE_MS);
	}
	if (!error) {
		error = generator_show(&peer->generator);
	}
	if (!error) {
		error = qemu_display_settle(&peer->display, SETTLE_MS);
	}
	return error;
}

void qemu_peer_finish(struct qemu_peer *peer) {
	generator_finish(&peer->generator);
	qemu_display_finish(&peer->display);
	process_end(peer->pid);
}

int qemu_peer_measure(struct qemu_peer *peer, const struct frame_case *frame_case, uint64_t *ns) {
	struct qemu_display *display = &peer->display;
	uint64_t kick_ns;
	uint32_t tag;
	int error = generator_draw(&peer->generator, &frame_case->damage, &tag, &kick_ns);
	while (!error) {
		error = qemu_display_wait_update(display, HANG_GUARD_MS);
		struct rect all = { 0, 0, display->update.width, display->update.height };
		if (!error && rect_equal(&display->update, &frame_case->damage) &&
			generator_is_shown(display->pixels, all.width, &all, tag)) {
			*ns = clock_now_ns() - kick_ns;
			return generator_collect(&peer->generator);
		}
	}
	return error;
}

/* The newest picture's pixels where they lie: the corners are all we look at. */
static bool output_shows(
	const struct output_reader *reader, const struct frame_case *frame_case, uint32_t tag) {
	const struct output_memory_page *page = reader->page;
	uint64_t shown = page->shown;
	if (shown == 0) {
		return false;
	}
	const uint8_t *base = (const uint8_t *)page;
	const uint32_t *pixels = (const uint32_t *)(base +
		page->picture_offset[(shown - 1) % OUTPUT_MEMORY_PICTURES]);
	struct rect place = frame_case->damage;
	place.x += (int32_t)frame_case->x;
	place.y += (int32_t)frame_case->y;
	return generator_is_shown(pixels, page->stride / 4, &place, tag);
}

int fascia_measure(struct bench_service *service, struct generator *generator,
	const struct frame_case *frame_case, uint64_t *memory_ns, uint64_t *viewer_ns) {
	uint32_t seen = service->output.page->wake;
	uint64_t kick_ns;
	uint32_t tag;
	int error = generator_draw(generator, &frame_case->damage, &tag, &kick_ns);
	if (error) {
		return error;
	}
	while (!output_shows(&service->output, frame_case, tag)) {
		if (!output_reader_wait(&service->output, &seen, HANG_GUARD_MS)) {
			return -ETIMEDOUT;
		}
	}
	*viewer_ns = clock_now_ns() - kick_ns;
	*memory_ns = service->output.page->shown_ns - kick_ns;
	return generator_collect(generator);
}
