#include "gpu/cursor.h"

#include <errno.h>
#include <string.h>

#include "core/macros.h"

/* A place further away than this is not on any display. */
#define PLACE_MAX FRAME_SIZE_MAX

void cursors_init(struct cursors *cursors, struct frame_link *link, struct gpu_stats *stats) {
	*cursors = (struct cursors) { .link = link, .stats = stats };
}

static int32_t clamp(int32_t value) {
	return MAX(-PLACE_MAX, MIN(value, PLACE_MAX));
}

static void publish(struct cursors *cursors, uint32_t scanout, const uint32_t *image) {
	struct cursor *cursor = &cursors->items[scanout];
	const struct frame_cursor state = {
		.visible = cursor->visible,
		.x = cursor->x,
		.y = cursor->y,
		.hot_x = cursor->hot_x,
		.hot_y = cursor->hot_y,
	};
	frame_link_publish_cursor(cursors->link, scanout, &state, image);
	cursor->moved = false;
	gpu_stats_add(cursors->stats->cursors, 1);
}

/*
 * Where the four colours of a pixel are, byte by byte. The fourth byte is alpha whatever the format
 * says: Linux makes every dumb buffer as BGRX, also those it then uses as cursors.
 */
struct layout {
	uint8_t blue, green, red, alpha;
};

static const struct layout layouts[PIXEL_FORMAT_COUNT] = {
	[PIXEL_FORMAT_BGRA] = { 0, 1, 2, 3 },
	[PIXEL_FORMAT_BGRX] = { 0, 1, 2, 3 },
	[PIXEL_FORMAT_ARGB] = { 3, 2, 1, 0 },
	[PIXEL_FORMAT_XRGB] = { 3, 2, 1, 0 },
	[PIXEL_FORMAT_RGBA] = { 2, 1, 0, 3 },
	[PIXEL_FORMAT_XBGR] = { 1, 2, 3, 0 },
	[PIXEL_FORMAT_ABGR] = { 1, 2, 3, 0 },
	[PIXEL_FORMAT_RGBX] = { 2, 1, 0, 3 },
};

static void convert_row(
	uint8_t *to, const uint8_t *from, uint32_t width, enum pixel_format format) {
	const struct layout *layout = &layouts[format];
	for (uint32_t x = 0; x < width; x++, to += PIXEL_BYTES, from += PIXEL_BYTES) {
		to[0] = from[layout->blue];
		to[1] = from[layout->green];
		to[2] = from[layout->red];
		to[3] = from[layout->alpha];
	}
}

static int read_2d(struct resource *resource, uint32_t *image) {
	if (resource->width > FRAME_CURSOR_SIZE || resource->height > FRAME_CURSOR_SIZE) {
		return -EINVAL;
	}
	struct pixels pixels;
	if (!host_image_read(resource->image, &pixels)) {
		return 0; /* never written: transparent */
	}
	for (uint32_t y = 0; y < resource->height; y++) {
		convert_row((uint8_t *)(image + (size_t)y * FRAME_CURSOR_SIZE),
			pixels.base + (size_t)y * pixels.stride, resource->width, resource->format);
	}
	return 0;
}

/* A blob has no size in pixels of its own: drivers mean the one size that cursors have. */
static int read_blob(const struct resource *resource, uint32_t *image) {
	const struct backing_picture picture = { .stride = FRAME_CURSOR_SIZE * PIXEL_BYTES };
	if (!backing_has_picture(
		    &resource->backing, &picture, FRAME_CURSOR_SIZE, FRAME_CURSOR_SIZE)) {
		return -EINVAL;
	}
	backing_copy_picture(&resource->backing, &picture, (uint8_t *)image,
		FRAME_CURSOR_SIZE * PIXEL_BYTES, FRAME_CURSOR_SIZE, FRAME_CURSOR_SIZE);
	return 0;
}

static void place(struct cursor *cursor, const struct virtio_gpu_cursor *request) {
	cursor->x = clamp(request->x);
	cursor->y = clamp(request->y);
}

int cursors_set(struct cursors *cursors, const struct virtio_gpu_cursor *request,
	struct resource *resource) {
	uint32_t image[FRAME_CURSOR_SIZE * FRAME_CURSOR_SIZE] = { 0 };
	int rc = resource->image != NULL ? read_2d(resource, image) : read_blob(resource, image);
	if (rc < 0) {
		return rc;
	}
	struct cursor *cursor = &cursors->items[request->scanout_id];
	place(cursor, request);
	cursor->visible = true;
	cursor->hot_x = MIN(request->hot_x, FRAME_CURSOR_SIZE - 1);
	cursor->hot_y = MIN(request->hot_y, FRAME_CURSOR_SIZE - 1);
	publish(cursors, request->scanout_id, image);
	return 0;
}

void cursors_hide(struct cursors *cursors, uint32_t scanout) {
	cursors->items[scanout].visible = false;
	publish(cursors, scanout, NULL);
}

void cursors_move(struct cursors *cursors, const struct virtio_gpu_cursor *request) {
	struct cursor *cursor = &cursors->items[request->scanout_id];
	place(cursor, request);
	cursor->moved = true;
}

void cursors_publish_moves(struct cursors *cursors) {
	for (uint32_t i = 0; i < FRAME_LINK_CHANNELS; i++) {
		if (cursors->items[i].moved) {
			publish(cursors, i, NULL);
		}
	}
}

void cursors_reset(struct cursors *cursors) {
	memset(cursors->items, 0, sizeof(cursors->items));
}
