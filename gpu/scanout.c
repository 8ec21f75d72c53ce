#include "gpu/scanout.h"

#include <assert.h>
#include <errno.h>

#include "core/macros.h"

void scanouts_init(struct scanouts *scanouts, struct frame_link *link, struct image_store *store,
	struct gpu_stats *stats, uint32_t len, uint32_t flushes_per_refresh) {
	assert(len <= FRAME_LINK_CHANNELS);
	*scanouts = (struct scanouts) {
		.link = link,
		.store = store,
		.stats = stats,
		.len = len,
		.flushes_per_refresh = MAX(flushes_per_refresh, 1),
	};
	for (uint32_t i = 0; i < len; i++) { /* a predecessor's numbers go on */
		scanouts->items[i].sequence = link->history[i].sequence;
	}
}

static bool is_blob(const struct scanout *scanout) {
	return scanout->resource->image == NULL;
}

/* Lets go of what is shown; the consumer is not told. */
static void release(struct scanout *scanout) {
	if (scanout->resource == NULL) {
		return;
	}
	if (is_blob(scanout)) {
		host_image_destroy(&scanout->image);
	} else {
		host_image_hide(scanout->image);
	}
	/* what was published counts on: frames are numbered by channel, not by what they show */
	*scanout = (struct scanout) {
		.sequence = scanout->sequence,
		.published = scanout->published,
	};
}

static void begin(struct scanout *scanout, struct resource *resource, const struct rect *source) {
	scanout->resource = resource;
	scanout->source = *source;
	scanout->everything = true;
	scanout->due = true; /* shown at the next tick even if the guest never flushes it */
}

int scanouts_set(struct scanouts *scanouts, uint32_t index, struct resource *resource,
	const struct rect *source) {
	struct scanout *scanout = &scanouts->items[index];
	if (host_image_show(resource->image) < 0) {
		return -ENOMEM;
	}
	release(scanout);
	begin(scanout, resource, source);
	scanout->format = resource->format;
	scanout->image = resource->image;
	return 0;
}

/* An image for a blob's pixels; kept when guests flip between blobs of one size. */
static struct host_image *take_blob_image(
	struct scanouts *scanouts, struct scanout *scanout, const struct rect *source) {
	bool fits = scanout->resource != NULL && is_blob(scanout) &&
		scanout->source.width == source->width && scanout->source.height == source->height;
	if (fits) {
		struct host_image *image = scanout->image;
		scanout->image = NULL;
		return image;
	}
	struct host_image *image =
		host_image_create(scanouts->store, source->width, source->height);
	if (image != NULL && host_image_show(image) < 0) {
		host_image_destroy(&image);
	}
	return image;
}

int scanouts_set_blob(struct scanouts *scanouts, uint32_t index, struct resource *resource,
	const struct rect *source, enum pixel_format format, const struct backing_picture *blob) {
	struct scanout *scanout = &scanouts->items[index];
	struct host_image *image = take_blob_image(scanouts, scanout, source);
	if (image == NULL) {
		return -ENOMEM;
	}
	release(scanout);
	begin(scanout, resource, source);
	scanout->format = format;
	scanout->image = image;
	scanout->blob = *blob;
	return 0;
}

void scanouts_disable(struct scanouts *scanouts, uint32_t index) {
	release(&scanouts->items[index]);
	frame_link_retract(scanouts->link, index);
}

void scanouts_forget(struct scanouts *scanouts, const struct resource *resource) {
	for (uint32_t i = 0; i < scanouts->len; i++) {
		if (scanouts->items[i].resource == resource) {
			release(&scanouts->items[i]);
		}
	}
}

void scanouts_reset(struct scanouts *scanouts) {
	for (uint32_t i = 0; i < scanouts->len; i++) {
		scanouts_disable(scanouts, i);
	}
}

/* Copies a part of the picture out of the blob; `rect` is in pixels of the picture. */
static int copy_blob(struct scanouts *scanouts, struct scanout *scanout, const struct rect *rect) {
	const struct backing *backing = &scanout->resource->backing;
	struct backing_picture part = {
		.offset = scanout->blob.offset + (uint32_t)rect->y * scanout->blob.stride +
			(uint64_t)(uint32_t)rect->x * PIXEL_BYTES,
		.stride = scanout->blob.stride,
	};
	/* the backing may have been detached, or its memory taken away: the old picture stays */
	if (!backing_has_picture(backing, &part, rect->width, rect->height)) {
		return 0;
	}
	struct pixels pixels;
	int rc = host_image_write(scanout->image, rect, &pixels);
	if (rc < 0) {
		return rc;
	}
	backing_copy_picture(
		backing, &part, pixels_at(&pixels, rect), pixels.stride, rect->width, rect->height);
	gpu_stats_add(scanouts->stats->transfer_bytes,
		(uint64_t)rect->width * rect->height * PIXEL_BYTES);
	return 0;
}

/* The pixels of the next picture are in the scanout's image afterwards. */
static int fetch(struct scanouts *scanouts, struct scanout *scanout) {
	if (scanout->everything) {
		struct rect whole = {
			.width = scanout->source.width,
			.height = scanout->source.height,
		};
		rects_clear(&scanout->damage);
		rects_add(&scanout->damage, &whole);
	}
	if (!is_blob(scanout)) {
		return 0;
	}
	for (uint32_t i = 0; i < scanout->damage.len; i++) {
		int rc = copy_blob(scanouts, scanout, &scanout->damage.items[i]);
		if (rc < 0) {
			return rc;
		}
	}
	return 0;
}

static uint64_t source_offset(const struct scanout *scanout) {
	if (is_blob(scanout)) {
		return 0; /* the image is the source rectangle already */
	}
	return (uint64_t)(uint32_t)scanout->source.y * host_image_stride(scanout->image) +
		(uint64_t)(uint32_t)scanout->source.x * PIXEL_BYTES;
}

static void publish(struct scanouts *scanouts, uint32_t index) {
	struct scanout *scanout = &scanouts->items[index];
	uint64_t offset;
	if (fetch(scanouts, scanout) < 0 || host_image_present(scanout->image, &offset) < 0) {
		gpu_stats_add(scanouts->stats->no_buffer, 1);
		scanout->due = true;
		return;
	}
	if (frame_link_latched(scanouts->link, index, NULL) < scanout->sequence) {
		gpu_stats_add(scanouts->stats->coalesced, 1);
	}
	const struct frame frame = {
		.flush_ns = scanout->flush_ns,
		.pool_offset = offset + source_offset(scanout),
		.stride = host_image_stride(scanout->image),
		.width = scanout->source.width,
		.height = scanout->source.height,
		.format = scanout->format,
		.damage = scanout->damage,
	};
	scanout->sequence = frame_link_publish(scanouts->link, index, &frame);
	scanout->published++;
	scanout->due = false;
	scanout->everything = false;
	rects_clear(&scanout->damage);
	gpu_stats_add(scanouts->stats->frames, 1);
}

/* Takes note of a flush of `rect`, in pixels of the resource. False: it is all outside. */
static bool add_damage(struct scanout *scanout, const struct rect *rect, uint64_t now_ns) {
	struct rect part = rect_intersect(rect, &scanout->source);
	if (rect_is_empty(&part)) {
		return false;
	}
	part.x -= scanout->source.x;
	part.y -= scanout->source.y;
	rects_add(&scanout->damage, &part);
	scanout->flush_ns = now_ns;
	return true;
}

static void flush_one(struct scanouts *scanouts, uint32_t index, struct fence_wait *wait) {
	struct scanout *scanout = &scanouts->items[index];
	if (scanout->published < scanouts->flushes_per_refresh) {
		publish(scanouts, index);
	} else {
		gpu_stats_add(scanouts->stats->postponed, 1);
		if (scanout->due && !scanout->everything) {
			gpu_stats_add(scanouts->stats->coalesced, 1);
		}
		scanout->due = true;
	}
	wait->channels |= UINT32_C(1) << index;
	/* put off: the next one of the channel, whatever its number */
	wait->sequence[index] = scanout->due ? scanout->sequence + 1 : scanout->sequence;
	if (scanout->due && is_blob(scanout)) {
		wait->published_only = true; /* the guest must not draw before we have copied */
	}
}

void scanouts_flush(struct scanouts *scanouts, const struct resource *resource,
	const struct rect *rect, uint64_t now_ns, struct fence_wait *wait) {
	for (uint32_t i = 0; i < scanouts->len; i++) {
		struct scanout *scanout = &scanouts->items[i];
		if (scanout->resource == resource) {
			gpu_stats_add(scanouts->stats->flushes, 1);
			frame_link_count_flush(scanouts->link, i);
			if (add_damage(scanout, rect, now_ns)) {
				flush_one(scanouts, i, wait);
			}
		}
	}
}

void scanouts_publish_due(struct scanouts *scanouts, uint32_t channels) {
	for (uint32_t i = 0; i < scanouts->len; i++) {
		bool wanted = (channels & UINT32_C(1) << i) != 0;
		if (wanted && scanouts->items[i].resource != NULL && scanouts->items[i].due) {
			publish(scanouts, i);
		}
	}
}

void scanouts_show_again(struct scanouts *scanouts) {
	for (uint32_t i = 0; i < scanouts->len; i++) {
		if (scanouts->items[i].resource != NULL) {
			scanouts->items[i].everything = true;
			scanouts->items[i].due = true;
		}
	}
}

void scanouts_tick(struct scanouts *scanouts) {
	for (uint32_t i = 0; i < scanouts->len; i++) {
		scanouts->items[i].published = 0;
	}
	scanouts_publish_due(scanouts, UINT32_MAX);
}

bool scanouts_have(const struct scanouts *scanouts, const struct fence_wait *wait) {
	for (uint32_t i = 0; i < scanouts->len; i++) {
		if ((wait->channels & UINT32_C(1) << i) == 0) {
			continue;
		}
		const struct scanout *scanout = &scanouts->items[i];
		if (scanout->resource == NULL) {
			continue; /* disabled meanwhile: it will never be shown */
		}
		uint64_t reached = wait->published_only
			? scanout->sequence
			: frame_link_latched(scanouts->link, i, NULL);
		if (reached < wait->sequence[i]) {
			return false;
		}
	}
	return true;
}
