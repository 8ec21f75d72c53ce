#include "gpu/backing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/checked.h"
#include "core/copy.h"
#include "core/macros.h"
#include "protocol/virtio_gpu.h"

#define ENTRIES_AT_ONCE 64

static int add_range(struct backing *backing, const struct virtio_gpu_entry *entry) {
	uint64_t end;
	if (entry->len == 0 || !checked_add_u64(entry->address, entry->len, &end)) {
		return -EINVAL;
	}
	if (backing->ranges_len > 0) {
		struct backing_range *last = &backing->ranges[backing->ranges_len - 1];
		if (last->address + last->len == entry->address) {
			last->len += entry->len;
			return 0;
		}
	}
	backing->ranges[backing->ranges_len++] =
		(struct backing_range) { .address = entry->address, .len = entry->len };
	return 0;
}

/* The one reading of the entries: the guest may change them while we do. */
static int read_ranges(struct backing *backing, const struct backing_source *source) {
	uint8_t data[ENTRIES_AT_ONCE * VIRTIO_GPU_ENTRY_BYTES];
	for (uint32_t done = 0; done < source->entries_len;) {
		uint32_t len = MIN(source->entries_len - done, ENTRIES_AT_ONCE);
		spans_read(source->spans, source->spans_len,
			source->offset + (uint64_t)done * VIRTIO_GPU_ENTRY_BYTES, data,
			(size_t)len * VIRTIO_GPU_ENTRY_BYTES);
		for (uint32_t i = 0; i < len; i++) {
			struct virtio_gpu_entry entry;
			virtio_gpu_decode_entry(data + i * VIRTIO_GPU_ENTRY_BYTES, &entry);
			int rc = add_range(backing, &entry);
			if (rc < 0) {
				return rc;
			}
			backing->total_bytes += entry.len; /* 2^14 times 2^32 at most */
		}
		done += len;
	}
	return 0;
}

static int account(struct backing *backing, struct image_store *store) {
	uint64_t bytes = backing->ranges_len * sizeof(backing->ranges[0]) +
		backing->spans_len * sizeof(backing->spans[0]);
	/* on failure the ranges stay, and what was taken for them */
	if (bytes > backing->taken_bytes &&
		image_store_take_memory(store, bytes - backing->taken_bytes) < 0) {
		return -ENOMEM;
	}
	if (bytes < backing->taken_bytes) {
		image_store_give_memory(store, backing->taken_bytes - bytes);
	}
	backing->taken_bytes = bytes;
	return 0;
}

/* Room for `len` more spans; grows by half, as the pieces of a range are not known before. */
static int reserve_spans(struct backing *backing, uint32_t *capacity, uint32_t len) {
	if (backing->spans_len + len <= *capacity) {
		return 0;
	}
	uint32_t wanted = MAX(backing->spans_len + len, *capacity + *capacity / 2);
	struct backing_span *spans =
		realloc(backing->spans, (size_t)wanted * sizeof(backing->spans[0]));
	if (spans == NULL) {
		return -ENOMEM;
	}
	backing->spans = spans;
	*capacity = wanted;
	return 0;
}

static void add_span(struct backing *backing, const struct span *span) {
	if (backing->spans_len > 0) {
		struct backing_span *last = &backing->spans[backing->spans_len - 1];
		if (last->base + last->len == span->base) {
			last->len += span->len;
			return;
		}
	}
	uint64_t offset = 0;
	if (backing->spans_len > 0) {
		const struct backing_span *last = &backing->spans[backing->spans_len - 1];
		offset = last->offset + last->len;
	}
	backing->spans[backing->spans_len++] =
		(struct backing_span) { .offset = offset, .len = span->len, .base = span->base };
}

static int translate_ranges(struct backing *backing, const struct guest_memory *memory) {
	uint32_t capacity = 0;
	for (uint32_t i = 0; i < backing->ranges_len; i++) {
		struct span pieces[GUEST_MEMORY_REGIONS_MAX];
		int len = guest_memory_spans(memory, backing->ranges[i].address,
			backing->ranges[i].len, pieces, ARRAY_LEN(pieces));
		if (len < 0) {
			return -EFAULT;
		}
		if (reserve_spans(backing, &capacity, (uint32_t)len) < 0) {
			return -ENOMEM;
		}
		for (int j = 0; j < len; j++) {
			add_span(backing, &pieces[j]);
		}
	}
	return 0;
}

static void drop_spans(struct backing *backing) {
	free(backing->spans);
	backing->spans = NULL;
	backing->spans_len = 0;
	backing->bytes = 0;
}

int backing_translate(
	struct backing *backing, const struct guest_memory *memory, struct image_store *store) {
	drop_spans(backing);
	int rc = translate_ranges(backing, memory);
	if (rc == 0) {
		rc = account(backing, store);
	}
	if (rc < 0) {
		drop_spans(backing);
		return rc;
	}
	backing->bytes = backing->total_bytes;
	return 0;
}

int backing_init(struct backing *backing, const struct backing_source *source,
	const struct guest_memory *memory, struct image_store *store) {
	*backing = (struct backing) { 0 };
	/* the guest decides how many: they count before they are allocated */
	uint64_t bytes = (uint64_t)source->entries_len * sizeof(backing->ranges[0]);
	if (image_store_take_memory(store, bytes) < 0) {
		return -ENOMEM;
	}
	backing->taken_bytes = bytes;
	backing->ranges = malloc(MAX(bytes, 1));
	int rc = backing->ranges != NULL ? read_ranges(backing, source) : -ENOMEM;
	if (rc == 0) {
		/* merged lists give back what they do not need; a failure to shrink costs nothing */
		void *less = realloc(
			backing->ranges, MAX(backing->ranges_len, 1) * sizeof(backing->ranges[0]));
		backing->ranges = less != NULL ? less : backing->ranges;
		rc = backing_translate(backing, memory, store);
	}
	if (rc < 0) {
		backing_finish(backing, store);
	}
	return rc;
}

void backing_finish(struct backing *backing, struct image_store *store) {
	drop_spans(backing);
	free(backing->ranges);
	image_store_give_memory(store, backing->taken_bytes);
	*backing = (struct backing) { 0 };
}

bool backing_has_picture(const struct backing *backing, const struct backing_picture *picture,
	uint32_t width, uint32_t height) {
	uint64_t bytes;
	return width > 0 && height > 0 &&
		checked_mul_add_u64(
			picture->stride, height - 1, (uint64_t)width * PIXEL_BYTES, &bytes) &&
		checked_range_fits(picture->offset, bytes, backing->bytes);
}

/* The span that holds the byte at `offset`, which is in the backing. */
static uint32_t find_span(const struct backing *backing, uint64_t offset) {
	uint32_t low = 0;
	uint32_t high = backing->spans_len;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		if (backing->spans[middle].offset <= offset) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return low;
}

typedef void (*copy_bytes)(void *to, const void *from, size_t len);

static void copy_little(void *to, const void *from, size_t len) {
	memcpy(to, from, len);
}

/* Copies `len` bytes from `offset`, which is in span `index` or behind it. Returns the last span. */
static uint32_t copy_run(const struct backing *backing, uint32_t index, uint64_t offset,
	uint8_t *to, uint64_t len, copy_bytes copy) {
	const struct backing_span *span = &backing->spans[index];
	while (offset >= span->offset + span->len) {
		span++;
	}
	for (;;) {
		uint64_t skip = offset - span->offset;
		uint64_t part = MIN(len, span->len - skip);
		copy(to, span->base + skip, part);
		len -= part;
		if (len == 0) {
			return (uint32_t)(span - backing->spans);
		}
		to += part;
		offset += part;
		span++;
	}
}

void backing_copy_picture(const struct backing *backing, const struct backing_picture *picture,
	uint8_t *to, uint32_t to_stride, uint32_t width, uint32_t height) {
	uint64_t row_bytes = (uint64_t)width * PIXEL_BYTES;
	uint64_t offset = picture->offset;
	uint32_t index = find_span(backing, offset);
	copy_bytes copy = row_bytes * height >= COPY_STREAM_BYTES ? copy_stream : copy_little;
	if (row_bytes == picture->stride && row_bytes == to_stride) {
		row_bytes *= height;
		height = 1;
	}
	for (uint32_t y = 0; y < height; y++) {
		index = copy_run(backing, index, offset, to, row_bytes, copy);
		offset += picture->stride;
		to += to_stride;
	}
	copy_stream_end();
}
