#include "gpu/resource.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

int resource_table_init(struct resource_table *table, uint32_t budget) {
	uint64_t slots_len = 16;
	while (slots_len < (uint64_t)budget * 2) {
		slots_len *= 2;
	}
	*table = (struct resource_table) { .budget = budget, .slots_len = (uint32_t)slots_len };
	table->slots = calloc(slots_len, sizeof(table->slots[0]));
	if (table->slots == NULL) {
		return -ENOMEM;
	}
	if (getrandom(&table->seed, sizeof(table->seed), GRND_NONBLOCK) < 0) {
		table->seed = 0x9e3779b9; /* early in a boot: predictable, and still bounded */
	}
	return 0;
}

void resource_table_finish(struct resource_table *table) {
	assert(table->len == 0);
	free(table->slots);
	*table = (struct resource_table) { 0 };
}

static uint32_t home_of(const struct resource_table *table, uint32_t id) {
	uint64_t mixed = (uint64_t)(id ^ table->seed) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(mixed >> 32) & (table->slots_len - 1);
}

/* The slot that has `id`, or the empty one where it would go. */
static uint32_t slot_of(const struct resource_table *table, uint32_t id) {
	uint32_t slot = home_of(table, id);
	while (table->slots[slot] != NULL && table->slots[slot]->id != id) {
		slot = (slot + 1) & (table->slots_len - 1);
	}
	return slot;
}

struct resource *resource_table_find(const struct resource_table *table, uint32_t id) {
	return table->slots[slot_of(table, id)];
}

struct resource *resource_table_add(struct resource_table *table, uint32_t id) {
	uint32_t slot = slot_of(table, id);
	if (table->slots[slot] != NULL) {
		errno = EEXIST;
		return NULL;
	}
	struct resource *resource = NULL;
	if (table->len < table->budget) {
		resource = calloc(1, sizeof(*resource));
	}
	if (resource == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	resource->id = id;
	table->slots[slot] = resource;
	table->len++;
	return resource;
}

/* Closes the gap at `gap`: whoever was pushed past it by a collision moves up. */
static void close_gap(struct resource_table *table, uint32_t gap) {
	uint32_t mask = table->slots_len - 1;
	for (uint32_t at = (gap + 1) & mask; table->slots[at] != NULL; at = (at + 1) & mask) {
		uint32_t home = home_of(table, table->slots[at]->id);
		if (((at - home) & mask) >= ((at - gap) & mask)) {
			table->slots[gap] = table->slots[at];
			gap = at;
		}
	}
	table->slots[gap] = NULL;
}

void resource_table_remove(
	struct resource_table *table, struct resource *resource, struct image_store *store) {
	uint32_t slot = slot_of(table, resource->id);
	assert(table->slots[slot] == resource);
	close_gap(table, slot);
	table->len--;
	host_image_destroy(&resource->image);
	backing_finish(&resource->backing, store);
	free(resource);
}

struct resource *resource_table_next(const struct resource_table *table, uint32_t *at) {
	while (*at < table->slots_len) {
		struct resource *resource = table->slots[(*at)++];
		if (resource != NULL) {
			return resource;
		}
	}
	return NULL;
}
