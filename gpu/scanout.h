/*
 * Scanouts: which part of which resource each of the guest's displays shows, and when a picture of it
 * goes to the consumer.
 *
 * A flush is published at once, `flushes_per_refresh` times per refresh; further ones are put off to
 * the next tick, where the newest picture is published once. So is a scanout that was set but not
 * flushed by then, and one that found every buffer busy. Nothing is lost but pictures that were
 * overtaken.
 *
 * A 2D resource is copied by TRANSFER_TO_HOST_2D into its own host image; publishing names a buffer of
 * that. A guest blob is copied when it is published, as much of it as was flushed, into an image that
 * belongs to the scanout, since only SET_SCANOUT_BLOB says what the blob's bytes mean.
 *
 * Thread: the loop's.
 */
#ifndef GPU_SCANOUT_H
#define GPU_SCANOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/frame_link.h"
#include "gpu/fence.h"
#include "gpu/gpu_stats.h"
#include "gpu/resource.h"

struct scanout {
	struct resource *resource; /* NULL: disabled */
	struct rect source; /* the part of the resource it shows */
	enum pixel_format format;
	struct host_image *image; /* blob: owned; 2D: the resource's */
	struct backing_picture blob; /* blob: where `source` begins in it */
	bool everything; /* the next picture is new as a whole */
	struct rects damage; /* since the last publish, in pixels of the picture */
	bool due; /* to be published at the next tick */
	uint32_t published; /* in this refresh */
	uint64_t sequence; /* published last; 0: none since it was set up */
	uint64_t flush_ns;
};

/* Everything that shows; one per device. */
struct scanouts {
	struct frame_link *link; /* borrowed */
	struct image_store *store; /* borrowed */
	struct gpu_stats *stats; /* borrowed */
	uint32_t len;
	uint32_t flushes_per_refresh;
	struct scanout items[FRAME_LINK_CHANNELS];
};

void scanouts_init(struct scanouts *scanouts, struct frame_link *link, struct image_store *store,
	struct gpu_stats *stats, uint32_t len, uint32_t flushes_per_refresh);

/* Shows `source` of a 2D resource (inside it, not empty). 0 or -ENOMEM: the scanout is as it was. */
int scanouts_set(struct scanouts *scanouts, uint32_t index, struct resource *resource,
	const struct rect *source);

/* Shows a guest blob: `blob` is where its top left pixel lies, all of it is in the blob. */
int scanouts_set_blob(struct scanouts *scanouts, uint32_t index, struct resource *resource,
	const struct rect *source, enum pixel_format format, const struct backing_picture *blob);

/* The display shows nothing any more. */
void scanouts_disable(struct scanouts *scanouts, uint32_t index);
/* The resource goes away: its scanouts are disabled, their last pictures stay with the consumer. */
void scanouts_forget(struct scanouts *scanouts, const struct resource *resource);
void scanouts_reset(struct scanouts *scanouts);

/*
 * The guest says that `rect` of the resource is ready. Publishes or puts off, for every scanout that
 * shows it, and adds to *wait what has to be shown for that; `published_only` then says that a copy
 * out of guest memory was put off, so that even an unfenced flush has to wait for it.
 */
void scanouts_flush(struct scanouts *scanouts, const struct resource *resource,
	const struct rect *rect, uint64_t now_ns, struct fence_wait *wait);

/* Every picture once more, at the next tick: the consumer let go of what it had. */
void scanouts_show_again(struct scanouts *scanouts);

/* A refresh passed: publishes what was put off. */
void scanouts_tick(struct scanouts *scanouts);
/* Publishes what was put off of these channels, budget or not: a guest has waited long enough. */
void scanouts_publish_due(struct scanouts *scanouts, uint32_t channels);

/* Whether all that is waited for has happened. */
bool scanouts_have(const struct scanouts *scanouts, const struct fence_wait *wait);

#endif
