/*
 * The resources of one guest: 2D pictures and guest blobs, found by the number the guest gave them.
 *
 * A number may be used again as soon as its resource is gone; nothing keeps a pointer to a resource
 * but the table and the scanouts that show it (scanout.h), and those are told before it goes.
 *
 * Thread: the loop's.
 */
#ifndef GPU_RESOURCE_H
#define GPU_RESOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/pixel_format.h"
#include "gpu/backing.h"
#include "gpu/host_image.h"
#include "protocol/virtio_gpu.h"

struct resource {
	uint32_t id; /* never 0 */
	struct host_image *image; /* owned; NULL: a guest blob */
	enum pixel_format format; /* 2D */
	uint32_t width, height; /* 2D */
	uint64_t blob_bytes; /* blob */
	struct backing backing;
	bool has_uuid;
	uint8_t uuid[VIRTIO_GPU_UUID_BYTES];
};

/* Open addressing; half of the slots stay empty. */
struct resource_table {
	uint32_t len;
	uint32_t budget;
	uint32_t slots_len; /* a power of two */
	uint32_t seed; /* the guest chooses the numbers, not where they go */
	struct resource **slots; /* owned */
};

int resource_table_init(struct resource_table *table, uint32_t budget); /* 0 or -ENOMEM */
void resource_table_finish(struct resource_table *table); /* has to be empty */

/* NULL: no such resource. */
struct resource *resource_table_find(const struct resource_table *table, uint32_t id);
/* A new, zeroed resource. NULL with errno: EEXIST, ENOMEM (or the budget is used up). */
struct resource *resource_table_add(struct resource_table *table, uint32_t id);
/* Takes it out and frees all it has. */
void resource_table_remove(
	struct resource_table *table, struct resource *resource, struct image_store *store);

/* Walks: the first resource at or after slot *at, which moves behind it. NULL at the end. The table
 * must not change meanwhile. */
struct resource *resource_table_next(const struct resource_table *table, uint32_t *at);

#endif
