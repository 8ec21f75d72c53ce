/*
 * The HMI that the compositor draws from tiles it finds by name. For assets*.c only.
 */
#ifndef SERVICE_ASSETS_OLD_H
#define SERVICE_ASSETS_OLD_H

#include <stdint.h>

#include "core/config.h"
#include "service/atlas_builder.h"

/* Adds the fallback HMI of one output. */
void assets_add_hmi(struct atlas_builder *builder, const struct config *config, unsigned output);

/* Draws telltale `index` (0..HMI_TELLTALES-1), on or off, into a box of 64 units. */
void assets_draw_telltale(struct canvas *canvas, unsigned index, bool on);

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
