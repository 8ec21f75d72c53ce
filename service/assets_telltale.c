/*
 * Telltales after the symbols of ISO 2575, in boxes of 64 units, and the colours that ECE R121 asks
 * for: red for danger, amber for caution, green and blue for what is switched on.
 */
#include "service/assets_impl.h"
#include "service/assets_old.h"

#define STROKE 4.0

struct telltale {
	uint32_t colour;
	const char *filled; /* may be NULL */
	const char *drawn;  /* with a line of STROKE; may be NULL */
};

static const struct telltale telltales[HMI_TELLTALES] = {
	/* turn left */
	{
		ASSETS_GREEN,
		"M 5 32 L 29 9 L 29 21 L 59 21 L 59 43 L 29 43 L 29 55 Z",
		NULL,
	},
	/* main beam */
	{
		ASSETS_BLUE,
		NULL,
		"M 35 13 C 53 13 60 23 60 32 C 60 41 53 51 35 51 C 31 41 31 23 35 13 Z"
		"M 5 14 L 24 14 M 5 23 L 22 23 M 5 32 L 22 32 M 5 41 L 22 41 M 5 50 L 24 50",
	},
	/* brake system */
	{
		ASSETS_RED,
		"O 32 41.5 2.8",
		"O 32 32 18 M 32 22 L 32 34 M 12.5 12 C 2.5 23 2.5 41 12.5 52"
		"M 51.5 12 C 61.5 23 61.5 41 51.5 52",
	},
	/* oil pressure: a can with a drop */
	{
		ASSETS_RED,
		"M 58 38 C 55 43 53.5 45 53.5 47.5 C 53.5 53.5 62.5 53.5 62.5 47.5"
		"C 62.5 45 61 43 58 38 Z",
		"M 15 28 L 15 48 L 39 48 L 57 30 L 53 27 L 42 33 L 36 28 Z"
		"M 15 32 L 5 27 L 5 34 L 15 41 M 25 28 L 25 21 M 19 20 L 31 20",
	},
	/* battery charge */
	{
		ASSETS_RED,
		"M 13 13 L 23 13 L 23 19 L 13 19 Z M 41 13 L 51 13 L 51 19 L 41 19 Z",
		"M 7 20 L 57 20 L 57 51 L 7 51 Z M 14 35 L 24 35 M 40 35 L 50 35 M 45 30 L 45 40",
	},
	/* seat belt */
	{
		ASSETS_RED,
		"O 31 12 7.5",
		"M 24 25 C 18 26 17 34 16 44 L 18 58 L 45 58 L 47 44 C 46 34 45 26 38 25 Z"
		"M 42 24 L 18 50 M 18 50 L 46 50 O 14 52 3",
	},
	/* engine */
	{
		ASSETS_AMBER,
		NULL,
		"M 13 27 L 20 27 L 25 21 L 43 21 L 43 27 L 48 27 L 52 32 L 52 27 L 58 27 L 58 46"
		"L 52 46 L 52 41 L 48 41 L 44 50 L 27 50 L 20 43 L 13 43 Z"
		"M 34 21 L 34 14 M 26 13 L 42 13 M 13 35 L 6 35 M 6 28 L 6 42",
	},
	/* turn right */
	{
		ASSETS_GREEN,
		"M 59 32 L 35 9 L 35 21 L 5 21 L 5 43 L 35 43 L 35 55 Z",
		NULL,
	},
};

void assets_draw_telltale(struct canvas *canvas, unsigned index, bool on) {
	const struct telltale *telltale = &telltales[index];
	uint32_t colour = on ? telltale->colour : (uint32_t)ASSETS_LINE;
	if (on) {
		struct canvas_point centre = { 32, 32 };
		canvas_glow(canvas, centre, 40, (colour & 0xffffff) | 0x38000000);
	}
	if (telltale->filled != NULL) {
		canvas_fill(canvas, telltale->filled, colour);
	}
	if (telltale->drawn != NULL) {
		canvas_stroke(canvas, telltale->drawn, STROKE, colour);
	}
}
