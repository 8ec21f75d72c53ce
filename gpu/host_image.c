#include "gpu/host_image.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "core/macros.h"

#define POOL_BUFFERS 3
#define BUFFERS (POOL_BUFFERS + 1) /* the last one is private */
#define PRIVATE POOL_BUFFERS
#define NONE (-1)

/* Past this many pieces a target's rest is copied at once: bounded work for any pattern of writes. */
#define REST_MAX 32

#define ROW_ALIGNMENT 64 /* a cache line */

struct buffer {
	uint8_t *base; /* NULL: there is no such buffer */
	uint64_t offset; /* in the pool */
	struct rects stale; /* where it is older than the newest pixels, or more */
};

struct host_image {
	struct image_store *store;
	struct host_image *next; /* in store->images */
	uint32_t width, height, stride;
	uint32_t shown; /* scanouts that show it */
	bool pooled; /* lives in the pool; before: private memory is taken for it */
	int newest; /* the buffer with all pixels; NONE: all are black */
	int target; /* the buffer being written while it is not complete, or NONE */
	uint32_t rest_len; /* what the target lacks; exact, so nothing newer is overwritten */
	struct rect rest[REST_MAX];
	struct buffer buffers[BUFFERS];
};

void image_store_init(struct image_store *store, const struct frame_link *link,
	uint64_t memory_budget, _Atomic uint64_t *stale_bytes) {
	*store = (struct image_store) {
		.memory_budget = memory_budget,
		.stale_bytes = stale_bytes,
	};
	pool_init(&store->pool, link);
}

int image_store_take_memory(struct image_store *store, uint64_t bytes) {
	if (bytes > store->memory_budget - store->memory_bytes) {
		return -ENOMEM;
	}
	store->memory_bytes += bytes;
	return 0;
}

void image_store_give_memory(struct image_store *store, uint64_t bytes) {
	assert(bytes <= store->memory_bytes);
	store->memory_bytes -= bytes;
}

static uint64_t bytes_of(const struct host_image *image) {
	return (uint64_t)image->stride * image->height;
}

static struct rect whole_of(const struct host_image *image) {
	return (struct rect) { .width = image->width, .height = image->height };
}

static struct pixels pixels_of(const struct host_image *image, int buffer) {
	return (struct pixels) { .base = image->buffers[buffer].base, .stride = image->stride };
}

uint32_t host_image_stride(const struct host_image *image) {
	return image->stride;
}

struct host_image *host_image_create(struct image_store *store, uint32_t width, uint32_t height) {
	uint64_t stride =
		((uint64_t)width * PIXEL_BYTES + ROW_ALIGNMENT - 1) & ~(ROW_ALIGNMENT - 1ull);
	if (stride > UINT32_MAX || image_store_take_memory(store, stride * height) < 0) {
		errno = ENOMEM;
		return NULL;
	}
	struct host_image *image = calloc(1, sizeof(*image));
	if (image == NULL) {
		image_store_give_memory(store, stride * height);
		errno = ENOMEM;
		return NULL;
	}
	image->store = store;
	image->width = width;
	image->height = height;
	image->stride = (uint32_t)stride;
	image->newest = NONE;
	image->target = NONE;
	image->next = store->images;
	store->images = image;
	return image;
}

static void drop_buffer(struct host_image *image, int index) {
	struct buffer *buffer = &image->buffers[index];
	if (buffer->base != NULL && index == PRIVATE) {
		free(buffer->base);
	} else if (buffer->base != NULL) {
		pool_give(&image->store->pool, buffer->offset);
	}
	*buffer = (struct buffer) { 0 };
}

/* In the pool, private memory is only borrowed for as long as no buffer there is free. */
static void drop_private(struct host_image *image) {
	if (image->buffers[PRIVATE].base != NULL) {
		drop_buffer(image, PRIVATE);
		image_store_give_memory(image->store, bytes_of(image));
	}
}

void host_image_destroy(struct host_image **image) {
	if (*image == NULL) {
		return;
	}
	struct image_store *store = (*image)->store;
	struct host_image **at = &store->images;
	while (*at != *image) {
		at = &(*at)->next;
	}
	*at = (*image)->next;

	for (int i = 0; i < POOL_BUFFERS; i++) {
		drop_buffer(*image, i);
	}
	if ((*image)->pooled) {
		drop_private(*image);
	} else {
		drop_buffer(*image, PRIVATE);
		image_store_give_memory(store, bytes_of(*image));
	}
	free(*image);
	*image = NULL;
}

static bool is_busy(const struct host_image *image, int index) {
	return index != PRIVATE &&
		frame_link_is_busy(
			image->store->pool.link, image->buffers[index].offset, bytes_of(image));
}

static void mark_stale(struct host_image *image, const struct rect *rect, int but) {
	for (int i = 0; i < BUFFERS; i++) {
		if (i != but && image->buffers[i].base != NULL) {
			rects_add(&image->buffers[i].stale, rect);
		}
	}
}

/* Brings `rect` of a buffer up to date with the newest one. */
static void refresh(struct host_image *image, int to, const struct rect *rect) {
	struct pixels to_pixels = pixels_of(image, to);
	if (image->newest == NONE) {
		pixels_clear(&to_pixels, rect);
	} else {
		struct pixels from_pixels = pixels_of(image, image->newest);
		pixels_copy(&to_pixels, &from_pixels, rect);
	}
	atomic_fetch_add_explicit(image->store->stale_bytes,
		(uint64_t)rect->width * rect->height * PIXEL_BYTES, memory_order_relaxed);
}

/* The target has all pixels now. */
static void close_target(struct host_image *image) {
	image->newest = image->target;
	image->target = NONE;
	image->rest_len = 0;
	rects_clear(&image->buffers[image->newest].stale);
	if (image->newest != PRIVATE && image->pooled) {
		drop_private(image);
	}
}

static void complete_target(struct host_image *image) {
	if (image->target == NONE) {
		return;
	}
	for (uint32_t i = 0; i < image->rest_len; i++) {
		refresh(image, image->target, &image->rest[i]);
	}
	close_target(image);
}

static void open_target(struct host_image *image, int index) {
	struct rects *stale = &image->buffers[index].stale;
	_Static_assert(RECTS_MAX < REST_MAX, "a stale list fits");
	image->target = index;
	image->rest_len = stale->len;
	for (uint32_t i = 0; i < stale->len; i++) {
		image->rest[i] = stale->items[i];
	}
}

/* What is left of `from` without `cut`: at most four pieces. */
static uint32_t subtract(const struct rect *from, const struct rect *cut, struct rect pieces[4]) {
	struct rect common = rect_intersect(from, cut);
	if (rect_is_empty(&common)) {
		pieces[0] = *from;
		return 1;
	}
	int32_t right = from->x + (int32_t)from->width;
	int32_t bottom = from->y + (int32_t)from->height;
	int32_t cut_right = common.x + (int32_t)common.width;
	int32_t cut_bottom = common.y + (int32_t)common.height;
	const struct rect candidates[4] = {
		{ from->x, from->y, from->width, (uint32_t)(common.y - from->y) },
		{ from->x, cut_bottom, from->width, (uint32_t)(bottom - cut_bottom) },
		{ from->x, common.y, (uint32_t)(common.x - from->x), common.height },
		{ cut_right, common.y, (uint32_t)(right - cut_right), common.height },
	};
	uint32_t len = 0;
	for (size_t i = 0; i < ARRAY_LEN(candidates); i++) {
		if (!rect_is_empty(&candidates[i])) {
			pieces[len++] = candidates[i];
		}
	}
	return len;
}

/* Takes `cut` out of the target's rest. False: too many pieces; the rest stands as it was. */
static bool rest_subtract(struct host_image *image, const struct rect *cut) {
	struct rect left[REST_MAX + 4];
	uint32_t len = 0;
	for (uint32_t i = 0; i < image->rest_len; i++) {
		if (len > REST_MAX) {
			return false;
		}
		len += subtract(&image->rest[i], cut, &left[len]);
	}
	if (len > REST_MAX) {
		return false;
	}
	memcpy(image->rest, left, len * sizeof(left[0]));
	image->rest_len = len;
	return true;
}

/* ---- room in the pool ---- */

static int add_pool_buffer(struct host_image *image, int index) {
	struct buffer *buffer = &image->buffers[index];
	uint64_t offset;
	if (pool_take(&image->store->pool, bytes_of(image), &offset) < 0) {
		return -ENOMEM;
	}
	*buffer = (struct buffer) {
		.base = (uint8_t *)image->store->pool.link->link.pool + offset,
		.offset = offset,
	};
	/* all of it will be written, and page by page that takes many times as long; else it comes then */
	(void)madvise(buffer->base, bytes_of(image), MADV_POPULATE_WRITE);
	struct rect whole = whole_of(image);
	rects_add(&buffer->stale, &whole);
	return 0;
}

static int add_private_buffer(struct host_image *image) {
	struct buffer *buffer = &image->buffers[PRIVATE];
	if (image->pooled && image_store_take_memory(image->store, bytes_of(image)) < 0) {
		return -ENOMEM;
	}
	buffer->base = calloc(1, bytes_of(image));
	if (buffer->base == NULL) {
		if (image->pooled) {
			image_store_give_memory(image->store, bytes_of(image));
		}
		return -ENOMEM;
	}
	if (image->newest != NONE) { /* else it is black already, as the picture is */
		struct rect whole = whole_of(image);
		rects_add(&buffer->stale, &whole);
	}
	return 0;
}

/* Gives back the buffers that hold nothing but older pixels; what is shown keeps one in any case. */
static void trim(struct host_image *image) {
	bool keeps_one = image->shown > 0 && image->newest == NONE && image->target == NONE;
	for (int i = 0; i < POOL_BUFFERS; i++) {
		if (image->buffers[i].base == NULL || i == image->newest || i == image->target) {
			continue;
		}
		if (keeps_one) {
			keeps_one = false;
			continue;
		}
		drop_buffer(image, i);
	}
}

/* Moves an image that no scanout shows back to private memory. */
static void evict(struct host_image *image) {
	complete_target(image);
	if (image->newest != PRIVATE && image->newest != NONE) {
		if (image->buffers[PRIVATE].base == NULL && add_private_buffer(image) < 0) {
			return;
		}
		struct rect whole = whole_of(image);
		refresh(image, PRIVATE, &whole);
		rects_clear(&image->buffers[PRIVATE].stale);
		image->newest = PRIVATE;
	} else if (image->newest == NONE &&
		image_store_take_memory(image->store, bytes_of(image)) < 0) {
		return;
	}
	image->pooled = false; /* its private memory stays taken */
	trim(image);
}

/* A pool buffer at `index`, at the cost of others' spare buffers, then of hidden images. */
static int make_pool_buffer(struct host_image *image, int index) {
	if (add_pool_buffer(image, index) == 0) {
		return 0;
	}
	for (struct host_image *other = image->store->images; other != NULL; other = other->next) {
		if (other != image) {
			trim(other);
		}
	}
	if (add_pool_buffer(image, index) == 0) {
		return 0;
	}
	for (struct host_image *other = image->store->images; other != NULL; other = other->next) {
		if (other == image || !other->pooled || other->shown > 0) {
			continue;
		}
		evict(other);
		if (add_pool_buffer(image, index) == 0) {
			return 0;
		}
	}
	return -ENOMEM;
}

static uint64_t stale_area(const struct buffer *buffer) {
	struct rect bounds = rects_bounds(&buffer->stale);
	return (uint64_t)bounds.width * bounds.height;
}

/* The pool buffer that may be written at the least cost, made if there is none. NONE: no room. */
static int choose_pool_buffer(struct host_image *image) {
	int best = NONE;
	int empty = NONE;
	for (int i = 0; i < POOL_BUFFERS; i++) {
		const struct buffer *buffer = &image->buffers[i];
		if (buffer->base == NULL) {
			empty = i;
		} else if (!is_busy(image, i) &&
			(best == NONE || stale_area(buffer) < stale_area(&image->buffers[best]))) {
			best = i;
		}
	}
	if (best == NONE && empty != NONE && make_pool_buffer(image, empty) == 0) {
		best = empty;
	}
	return best;
}

/* ---- the calls ---- */

int host_image_show(struct host_image *image) {
	if (!image->pooled) {
		if (make_pool_buffer(image, 0) < 0) {
			return -ENOMEM;
		}
		image->pooled = true;
		if (image->newest == PRIVATE) {
			open_target(image, 0);
			complete_target(image);
		} else { /* never written: nothing private exists yet */
			image_store_give_memory(image->store, bytes_of(image));
		}
	}
	image->shown++;
	return 0;
}

void host_image_hide(struct host_image *image) {
	assert(image->shown > 0);
	image->shown--;
}

/* Any buffer that may be written now. NONE: no room. */
static int choose_buffer(struct host_image *image) {
	int index = image->pooled ? choose_pool_buffer(image) : NONE;
	if (index == NONE &&
		(image->buffers[PRIVATE].base != NULL || add_private_buffer(image) == 0)) {
		index = PRIVATE;
	}
	return index;
}

int host_image_write(struct host_image *image, const struct rect *rect, struct pixels *pixels) {
	if (image->target == NONE && (image->newest == NONE || is_busy(image, image->newest))) {
		int index = choose_buffer(image);
		if (index == NONE) {
			return -ENOMEM;
		}
		open_target(image, index);
	}
	if (image->target != NONE && !rest_subtract(image, rect)) {
		complete_target(image);
	}
	if (image->target != NONE && image->rest_len == 0) {
		close_target(image);
	}
	int written = image->target != NONE ? image->target : image->newest;
	mark_stale(image, rect, written);
	*pixels = pixels_of(image, written);
	return 0;
}

int host_image_present(struct host_image *image, uint64_t *pool_offset) {
	assert(image->pooled);
	complete_target(image);
	if (image->newest == NONE || image->newest == PRIVATE) {
		int index = choose_pool_buffer(image);
		if (index == NONE) {
			return -EBUSY;
		}
		open_target(image, index);
		complete_target(image);
	}
	*pool_offset = image->buffers[image->newest].offset;
	return 0;
}

bool host_image_read(struct host_image *image, struct pixels *pixels) {
	complete_target(image);
	if (image->newest == NONE) {
		return false;
	}
	*pixels = pixels_of(image, image->newest);
	return true;
}
