#include "core/atlas.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "core/checked.h"
#include "core/crc32.h"
#include "core/fd.h"
#include "core/text.h"

#define SEALS_CONSTANT (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)
#define ALPHA_MASK UINT32_C(0xff000000) /* of a BGRA pixel as a little-endian word */

uint32_t atlas_crc32(const struct atlas_header *header, const struct atlas_tile *tiles) {
	struct atlas_header unsigned_header = *header;
	unsigned_header.crc32 = 0;
	uint32_t crc = crc32_update(0, &unsigned_header, sizeof(unsigned_header));
	return crc32_update(crc, tiles, header->tiles_len * sizeof(*tiles));
}

static uint64_t tile_bytes(const struct atlas_tile *tile) {
	return (uint64_t)tile->width * tile->height * sizeof(uint32_t);
}

static bool tile_is_opaque(const struct atlas *atlas, const struct atlas_tile *tile) {
	const uint32_t *pixels = atlas_pixels(atlas, tile);
	uint32_t alpha = ALPHA_MASK;
	for (uint64_t i = 0; i < (uint64_t)tile->width * tile->height; i++) {
		alpha &= pixels[i];
	}
	return alpha == ALPHA_MASK;
}

static bool tile_is_sane(
	const struct atlas *atlas, const struct atlas_tile *tile, uint64_t pixels_at) {
	if (!text_is_terminated(tile->name, sizeof(tile->name)) || tile->name[0] == '\0') {
		return false;
	}
	if (tile->width == 0 || tile->width > ATLAS_SIZE_MAX || tile->height == 0 ||
		tile->height > ATLAS_SIZE_MAX) {
		return false;
	}
	if (tile->offset < pixels_at || tile->offset % ATLAS_ALIGN != 0 ||
		!checked_range_fits(tile->offset, tile_bytes(tile), atlas->size_bytes)) {
		return false;
	}
	if (crc32_update(0, atlas_pixels(atlas, tile), tile_bytes(tile)) != tile->crc32) {
		return false;
	}
	return tile->opaque == 0 || (tile->opaque == 1 && tile_is_opaque(atlas, tile));
}

static bool atlas_is_sane(const struct atlas *atlas, const struct atlas_header *header) {
	if (header->magic != ATLAS_MAGIC || header->version != ATLAS_VERSION ||
		header->size_bytes != atlas->size_bytes || header->tiles_len > ATLAS_TILES_MAX) {
		return false;
	}
	uint64_t pixels_at = sizeof(*header) + header->tiles_len * sizeof(struct atlas_tile);
	if (pixels_at > atlas->size_bytes || atlas_crc32(header, atlas->tiles) != header->crc32) {
		return false;
	}
	for (uint32_t i = 0; i < header->tiles_len; i++) {
		if (!tile_is_sane(atlas, &atlas->tiles[i], pixels_at)) {
			return false;
		}
	}
	return true;
}

int atlas_map(struct atlas *atlas, int fd) {
	*atlas = (struct atlas) { 0 };
	size_t size_bytes;
	int rc = fd_memfd_check(fd, SEALS_CONSTANT, sizeof(struct atlas_header), &size_bytes);
	if (rc < 0) {
		return rc;
	}
	/* private: older kernels refuse a shared mapping of a write-sealed file */
	const uint8_t *base = mmap(NULL, size_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (base == MAP_FAILED) {
		return -errno;
	}
	const struct atlas_header *header = (const void *)base;
	atlas->base = base;
	atlas->size_bytes = size_bytes;
	atlas->tiles = (const void *)(base + sizeof(*header));
	if (!atlas_is_sane(atlas, header)) {
		atlas_unmap(atlas);
		return -EINVAL;
	}
	atlas->tiles_len = header->tiles_len;
	return 0;
}

void atlas_unmap(struct atlas *atlas) {
	if (atlas->base != NULL) {
		munmap((void *)(uintptr_t)atlas->base, atlas->size_bytes);
	}
	*atlas = (struct atlas) { 0 };
}

const struct atlas_tile *atlas_find(const struct atlas *atlas, const char *name_format, ...) {
	char name[sizeof(atlas->tiles->name)];
	va_list args;
	va_start(args, name_format);
	int len = vsnprintf(name, sizeof(name), name_format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(name)) {
		return NULL;
	}
	for (uint32_t i = 0; i < atlas->tiles_len; i++) {
		if (strcmp(atlas->tiles[i].name, name) == 0) {
			return &atlas->tiles[i];
		}
	}
	return NULL;
}

const uint32_t *atlas_pixels(const struct atlas *atlas, const struct atlas_tile *tile) {
	return (const void *)(atlas->base + tile->offset);
}
