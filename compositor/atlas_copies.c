#include "compositor/atlas_copies.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/crc32.h"
#include "core/macros.h"

/* ---- life ---- */

/* The same tables and pixels, somewhere else. */
static struct atlas moved(const struct atlas *atlas, const uint8_t *base) {
	struct atlas copy = *atlas;
	copy.base = base;
	copy.elements = (const void *)(base + ((const uint8_t *)atlas->elements - atlas->base));
	copy.tiles = (const void *)(base + ((const uint8_t *)atlas->tiles - atlas->base));
	return copy;
}

static size_t block_bytes(const struct atlas_copies *copies, uint32_t block) {
	size_t offset = (size_t)block * ATLAS_BLOCK_BYTES;
	return MIN(copies->atlas.size_bytes - offset, (size_t)ATLAS_BLOCK_BYTES);
}

static uint32_t block_crc(
	const struct atlas_copies *copies, const struct atlas *copy, uint32_t block) {
	return crc32_update(
		0, copy->base + (size_t)block * ATLAS_BLOCK_BYTES, block_bytes(copies, block));
}

static int make_copy(struct atlas_copies *copies) {
	const struct atlas *sealed = &copies->sealed;
	uint8_t *base = mmap(NULL, sealed->size_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (base == MAP_FAILED) {
		return -errno;
	}
	memcpy(base, sealed->base, sealed->size_bytes);
	copies->atlas = moved(sealed, base);
	return mprotect(base, sealed->size_bytes, PROT_READ) < 0 ? -errno : 0;
}

static int take_checksums(struct atlas_copies *copies) {
	size_t len = (copies->atlas.size_bytes + ATLAS_BLOCK_BYTES - 1) / ATLAS_BLOCK_BYTES;
	copies->crcs = calloc(len, sizeof(*copies->crcs));
	if (copies->crcs == NULL) {
		return -ENOMEM;
	}
	copies->blocks_len = (uint32_t)len;
	for (uint32_t i = 0; i < copies->blocks_len; i++) {
		copies->crcs[i] = block_crc(copies, &copies->sealed, i);
	}
	return 0;
}

int atlas_copies_init(struct atlas_copies *copies, int fd) {
	*copies = (struct atlas_copies) { 0 };
	int err = atlas_map(&copies->sealed, fd);
	if (err < 0) {
		return err;
	}
	err = make_copy(copies);
	if (err == 0) {
		err = take_checksums(copies);
	}
	if (err < 0) {
		atlas_copies_finish(copies);
	}
	return err;
}

void atlas_copies_finish(struct atlas_copies *copies) {
	free(copies->crcs);
	atlas_unmap(&copies->atlas);
	atlas_unmap(&copies->sealed);
	*copies = (struct atlas_copies) { 0 };
}

/* ---- writing, where nobody may ---- */

/* Lets the block's pages be written to, or ends that. */
static bool protect(const struct atlas *copy, size_t offset, size_t bytes, int protection) {
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t first = ((uintptr_t)copy->base + offset) / page * page;
	uintptr_t end = (uintptr_t)copy->base + offset + bytes;
	return mprotect((void *)first, end - first, protection) == 0;
}

static uint8_t *writable(const struct atlas *copy) {
	return (uint8_t *)(uintptr_t)copy->base;
}

/* ---- scrubbing ---- */

static bool is_whole(const struct atlas_copies *copies, const struct atlas *copy, uint32_t block) {
	return block_crc(copies, copy, block) == copies->crcs[block];
}

static bool put_right(const struct atlas_copies *copies, const struct atlas *copy,
	const struct atlas *good, uint32_t block) {
	size_t offset = (size_t)block * ATLAS_BLOCK_BYTES;
	size_t bytes = block_bytes(copies, block);
	if (!protect(copy, offset, bytes, PROT_READ | PROT_WRITE)) {
		return false;
	}
	memcpy(writable(copy) + offset, good->base + offset, bytes);
	return protect(copy, offset, bytes, PROT_READ) && is_whole(copies, copy, block);
}

/* FAULT_NONE: both copies of the block are whole. */
static enum fault_cause scrub_block(const struct atlas_copies *copies, uint32_t block) {
	bool is_first_whole = is_whole(copies, &copies->atlas, block);
	bool is_second_whole = is_whole(copies, &copies->sealed, block);
	if (is_first_whole && is_second_whole) {
		return FAULT_NONE;
	}
	if (!is_first_whole && !is_second_whole) {
		return FAULT_ATLAS_LOST;
	}
	const struct atlas *good = is_first_whole ? &copies->atlas : &copies->sealed;
	const struct atlas *bad = is_first_whole ? &copies->sealed : &copies->atlas;
	bool is_right = put_right(copies, bad, good, block);
	/* what is drawn from must be right; that the other is not leaves it without a second */
	return is_right || is_first_whole ? FAULT_ATLAS : FAULT_ATLAS_LOST;
}

/* The tables of either copy may be what is damaged: the one that is whole tells. */
static const char *tile_in(const struct atlas_copies *copies, uint32_t block) {
	const struct atlas *atlas = &copies->sealed;
	uint64_t begin = (uint64_t)block * ATLAS_BLOCK_BYTES;
	uint64_t end = begin + ATLAS_BLOCK_BYTES;
	for (uint32_t i = 0; i < atlas->tiles_len; i++) {
		const struct atlas_tile *tile = &atlas->tiles[i];
		uint64_t bytes = (uint64_t)tile->width * tile->height * sizeof(uint32_t);
		if (tile->offset < end && tile->offset + bytes > begin) {
			return tile->name;
		}
	}
	return NULL;
}

uint32_t atlas_copies_share(const struct atlas_copies *copies, uint64_t period_ns) {
	uint64_t ticks = MAX(ATLAS_SCRUB_MS * NS_PER_MS / period_ns, 1);
	return (uint32_t)((copies->blocks_len + ticks - 1) / ticks);
}

struct atlas_damage atlas_copies_scrub(struct atlas_copies *copies, uint32_t blocks) {
	struct atlas_damage worst = { 0 };
	for (uint32_t i = 0; i < MIN(blocks, copies->blocks_len); i++) {
		enum fault_cause cause = scrub_block(copies, copies->next);
		if (cause > worst.cause) {
			worst = (struct atlas_damage) { cause, tile_in(copies, copies->next) };
		}
		copies->next = (copies->next + 1) % copies->blocks_len;
	}
	return worst;
}

const uint32_t *atlas_copies_second(
	const struct atlas_copies *copies, const struct atlas_tile *tile) {
	return atlas_pixels(&copies->sealed, tile);
}

/* ---- injection ---- */

static void flip(const struct atlas *copy, uint64_t offset) {
	if (protect(copy, offset, 1, PROT_READ | PROT_WRITE)) {
		writable(copy)[offset] ^= 0x10;
		(void)protect(copy, offset, 1, PROT_READ);
	}
}

int atlas_copies_flip(struct atlas_copies *copies, const char *name, bool is_both) {
	const struct atlas_tile *tile =
		copies->atlas.base == NULL ? NULL : atlas_find(&copies->sealed, "%s", name);
	if (tile == NULL) {
		return -ENOENT;
	}
	/* in its middle: an edge may be transparent */
	uint64_t pixel = (uint64_t)(tile->height / 2) * tile->width + tile->width / 2;
	flip(&copies->atlas, tile->offset + pixel * sizeof(uint32_t));
	if (is_both) {
		flip(&copies->sealed, tile->offset + pixel * sizeof(uint32_t));
	}
	return 0;
}
