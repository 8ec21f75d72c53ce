/*
 * The two that are measured: fascia, from kick to the composed pixel in its output's memory, and
 * QEMU's vhost-user-gpu, from kick to the pixels delivered on its display socket. Same generator, same
 * picture sizes.
 *
 * Thread: one; calls block.
 */
#ifndef TESTS_BENCH_FRAME_PEER_H
#define TESTS_BENCH_FRAME_PEER_H

#include <stdint.h>
#include <sys/types.h>

#include "core/rect.h"
#include "tests/bench/bench_service.h"
#include "tests/bench/generator.h"
#include "tests/bench/qemu_display.h"

/* A guest's picture, and what of it changes in each frame. */
struct frame_case {
	const char *name;
	const char *guest; /* of data/bench-frame.yaml */
	uint32_t width, height; /* of the guest's picture */
	uint32_t x, y; /* of its layer on the output */
	struct rect damage; /* in the picture; both corners must not be covered by another layer */
};

struct qemu_peer {
	pid_t pid;
	struct generator generator;
	struct qemu_display display;
};

/* Starts QEMU's back-end and shows a picture on it. 0 or -errno. */
int qemu_peer_init(
	struct qemu_peer *peer, const char *program, const struct frame_case *frame_case);
void qemu_peer_finish(struct qemu_peer *peer);

/* Draws one picture and waits until its pixels were read from the display socket: the time from kick to
 * then in *ns. 0 or -errno. */
int qemu_peer_measure(struct qemu_peer *peer, const struct frame_case *frame_case, uint64_t *ns);
/* The same for fascia. *memory_ns: from kick until the composed picture was complete in the output's
 * memory, as its page says; *viewer_ns: until we, asleep until then, had read the tag there. */
int fascia_measure(struct bench_service *service, struct generator *generator,
	const struct frame_case *frame_case, uint64_t *memory_ns, uint64_t *viewer_ns);

#endif
