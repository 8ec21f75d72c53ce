/*
 * The check of an atlas: the input is the file's header, tables and pixels. Its checksums are made
 * right first, for behind them are the checks that matter.
 */
#include <stdlib.h>
#include <string.h>

#include "core/atlas.h"
#include "core/checked.h"
#include "core/crc32.h"
#include "core/fd.h"
#include "tests/fuzz/fuzz.h"

static void sign(uint8_t *file, size_t size, struct atlas_header *header) {
	struct atlas_element *elements = (void *)(header + 1);
	size_t elements_fit = (size - sizeof(*header)) / sizeof(*elements);
	if (header->elements_len > ATLAS_ELEMENTS_MAX || header->elements_len > elements_fit) {
		return;
	}
	struct atlas_tile *tiles = (void *)(elements + header->elements_len);
	size_t tiles_fit = (size - (size_t)((uint8_t *)tiles - file)) / sizeof(*tiles);
	if (header->tiles_len > ATLAS_TILES_MAX || header->tiles_len > tiles_fit) {
		return;
	}
	for (uint32_t i = 0; i < header->tiles_len; i++) {
		uint64_t bytes = (uint64_t)tiles[i].width * tiles[i].height * sizeof(uint32_t);
		if (checked_range_fits(tiles[i].offset, bytes, size)) {
			tiles[i].crc32 = crc32_update(0, file + tiles[i].offset, bytes);
		}
	}
	header->crc32 = atlas_crc32(header, elements, tiles);
}

static void look_at_tile(const struct atlas *atlas, const struct atlas_tile *tile) {
	const uint32_t *pixels = atlas_pixels(atlas, tile);
	volatile uint32_t last = pixels[(uint64_t)tile->width * tile->height - 1];
	(void)last;
}

static void look_around(const struct atlas *atlas) {
	for (uint32_t i = 0; i < atlas->tiles_len; i++) {
		look_at_tile(atlas, &atlas->tiles[i]);
		if (atlas_find(atlas, "%s", atlas->tiles[i].name) == NULL) {
			abort();
		}
	}
	for (uint32_t i = 0; i < atlas->elements_len; i++) {
		const struct atlas_element *element = &atlas->elements[i];
		for (uint32_t theme = 0; theme <= atlas->themes_len; theme++) {
			for (uint32_t locale = 0; locale <= atlas->locales_len; locale++) {
				look_at_tile(atlas,
					atlas_element_tile(atlas, element, theme, locale,
						element->states_len - 1));
			}
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	uint8_t *file = malloc(size + 1);
	if (file == NULL) {
		return 0;
	}
	memcpy(file, data, size);
	if (size >= sizeof(struct atlas_header)) {
		struct atlas_header *header = (void *)file;
		header->magic = ATLAS_MAGIC;
		header->version = ATLAS_VERSION;
		header->size_bytes = size;
		sign(file, size, header);
	}

	int fd = fd_memfd_create_constant("atlas", file, size);
	struct atlas atlas;
	if (fd >= 0 && atlas_map(&atlas, fd) == 0) {
		look_around(&atlas);
		atlas_unmap(&atlas);
	}
	fd_close(&fd);
	free(file);
	return 0;
}
