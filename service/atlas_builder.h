/*
 * An atlas in the making: elements, tiles, their pixels. Equal pixels are kept once.
 *
 * Thread: any, one at a time.
 */
#ifndef SERVICE_ATLAS_BUILDER_H
#define SERVICE_ATLAS_BUILDER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/atlas.h"
#include "core/macros.h"
#include "core/rect.h"
#include "service/canvas.h"

struct atlas_builder;

/* Elements will have pictures in so many themes and locales. NULL with errno. */
struct atlas_builder *atlas_builder_create(uint32_t themes_len, uint32_t locales_len);
void atlas_builder_destroy(struct atlas_builder *builder); /* NULL is legal */

/* The first -errno that anything met; then nothing is added any more. */
int atlas_builder_error(const struct atlas_builder *builder);
void atlas_builder_fail(struct atlas_builder *builder, int error);

uint32_t atlas_builder_themes(const struct atlas_builder *builder);
uint32_t atlas_builder_locales(const struct atlas_builder *builder);

/* Adds an element; its tiles are those that are added next. The copy, the builder's; NULL: error. */
struct atlas_element *atlas_builder_add_element(
	struct atlas_builder *builder, const struct atlas_element *element);
uint32_t atlas_builder_elements(const struct atlas_builder *builder);
const struct atlas_element *atlas_builder_element(
	const struct atlas_builder *builder, uint32_t index);
/* Forgets the last element but for its tiles: it was the pattern of those that follow. */
void atlas_builder_remove_element(struct atlas_builder *builder, uint32_t index);

/* Adds a transparent tile; its pixels are the caller's to draw until the atlas is finished. NULL when
 * the builder has an error. */
uint32_t *atlas_builder_add(struct atlas_builder *builder, const struct rect *place,
	const char *name_format, ...) PRINTF_LIKE(3, 4);
/* Adds one of a checked atlas, whose checksums are right, and which lives longer than the builder. */
void atlas_builder_borrow(
	struct atlas_builder *builder, const struct atlas_tile *tile, const uint32_t *pixels);
/* Adds one that is what the tile `index` is. */
void atlas_builder_share(struct atlas_builder *builder, uint32_t index, const char *name_format,
	...) PRINTF_LIKE(3, 4);
uint32_t atlas_builder_tiles(const struct atlas_builder *builder);
const struct atlas_tile *atlas_builder_tile(const struct atlas_builder *builder, uint32_t index);
const uint32_t *atlas_builder_pixels(const struct atlas_builder *builder, uint32_t index);

/* A canvas on the tile added last, in pixels of the output. NULL: the builder has an error. The
 * caller's to destroy. */
struct canvas *atlas_builder_draw(struct atlas_builder *builder);

/* Finishes the tiles: places in the file, checksums, those of what is shown by the compositor's own
 * drawing. Nothing is added afterwards. 0 or -errno. */
int atlas_builder_finish(struct atlas_builder *builder);
/* What was finished, as a write-sealed memfd: a descriptor, or -errno. */
int atlas_builder_seal(const struct atlas_builder *builder);

#endif
