/*
 * A whole compositor in the test's process, on a stepped memory output, with the guests' side of the
 * links in the test's hands.
 */
#ifndef TESTS_COMPOSITOR_RIG_H
#define TESTS_COMPOSITOR_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "compositor/compositor.h"
#include "core/config.h"
#include "core/frame_link.h"
#include "core/loop.h"
#include "core/stats.h"
#include "tests/support/grants.h"

#define RIG_BUFFERS 3 /* a channel's, in its guest's pool */

struct rig_guest {
	struct frame_link link;
	bool is_stopped;   /* echoes no tick */
	bool is_attached;
};

struct rig {
	struct test_grants grants;
	struct stats stats;
	const struct stats_page *page;
	struct loop *loop;
	struct compositor *compositor;
	struct output_reader reader; /* of output 0 */
	uint32_t *picture;           /* its newest picture, after rig_look() */
	struct rig_guest guests[CONFIG_GUESTS_MAX];
};

/* Makes everything, with every guest's producer attached and RUNNING, and shows first light. The
 * clocks are started. */
void rig_init(struct rig *rig, const struct config *config, const char *without);
void rig_finish(struct rig *rig);

/* The same compositor again, after its predecessor ended. */
void rig_restart(struct rig *rig);

/* `steps` ticks of output 0, one by one; attached, running producers echo before each. */
void rig_step(struct rig *rig, unsigned steps);

/* A buffer of the channel that may be drawn into: `bytes` large. */
uint8_t *rig_buffer(struct rig *rig, uint32_t guest, unsigned channel, size_t bytes);

/* Publishes and flushes what was drawn into such a buffer; `frame` says width, height, stride and format,
 * and the damage (none: everything). */
void rig_publish(struct rig *rig, uint32_t guest, unsigned channel, const uint8_t *buffer,
	const struct frame *frame);

/* Publishes a picture of one colour, BGRX. */
void rig_publish_plain(struct rig *rig, uint32_t guest, unsigned channel, uint32_t width,
	uint32_t height, uint32_t colour);

/* Copies the newest picture; its number. */
int64_t rig_look(struct rig *rig);
/* A pixel of it, without what its X byte says. */
uint32_t rig_pixel(const struct rig *rig, int32_t x, int32_t y);

/* The value of "layer.NAME.state" or "output.NAME.state". */
uint64_t rig_value(const struct rig *rig, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Sends a layer command, as from a client; the errno of its END. */
int rig_command(
	struct rig *rig, const char *layer, enum control_layer command, int64_t a, int64_t b);

#endif
