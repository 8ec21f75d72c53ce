/*
 * What the files that draw assets share. For assets*.c only.
 */
#ifndef SERVICE_ASSETS_IMPL_H
#define SERVICE_ASSETS_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/atlas.h"
#include "core/config.h"
#include "core/macros.h"
#include "core/rect.h"
#include "service/canvas.h"

/* An atlas in the making. */
struct atlas_builder {
	struct atlas_tile tiles[ATLAS_TILES_MAX];
	uint32_t *pixels[ATLAS_TILES_MAX]; /* owned; width * height of the tile */
	uint32_t len;
	int error; /* sticky: the first -errno; then nothing is added any more */
};

/* Adds a transparent tile; its pixels are the caller's to draw until the atlas is finished. NULL when
 * the builder has an error. */
uint32_t *atlas_builder_add(struct atlas_builder *builder, const struct rect *place,
	const char *name_format, ...) PRINTF_LIKE(3, 4);

/* A canvas on the tile added last, whose first pixel is x,y of the plane. NULL: the builder has an
 * error. The caller's to destroy. */
struct canvas *atlas_builder_draw(struct atlas_builder *builder, int32_t x, int32_t y);

/* Adds the fallback HMI of one output. */
void assets_add_hmi(struct atlas_builder *builder, const struct config *config, unsigned output);

/* Draws telltale `index` (0..HMI_TELLTALES-1), on or off, into a box of 64 units. */
void assets_draw_telltale(struct canvas *canvas, unsigned index, bool on);

/* Adds what stands in a lost layer's place. */
void assets_add_placeholder(struct atlas_builder *builder, const struct config_layer *layer);

/* The symbol of a display without a signal, in a box of 64 units. */
void assets_draw_no_signal(struct canvas *canvas, uint32_t colour);

/* The colours of everything that is drawn. */
enum {
	ASSETS_NIGHT_TOP = (int)0xff14181e,
	ASSETS_NIGHT_BOTTOM = (int)0xff090b0e,
	ASSETS_LINE = (int)0xff2a323c,
	ASSETS_DIM = (int)0xff5b6773,
	ASSETS_TEXT = (int)0xffe8edf2,
	ASSETS_QUIET = (int)0xff9aa7b4,
	ASSETS_ACCENT = (int)0xff4da3d9,
	ASSETS_RED = (int)0xffff4b3e,
	ASSETS_AMBER = (int)0xffffb020,
	ASSETS_GREEN = (int)0xff3ddc6b,
	ASSETS_BLUE = (int)0xff4c9bff,
};

#endif
