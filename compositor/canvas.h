/*
 * What an output shows: its last scene, and what changed with the pictures before, so that a new scene
 * costs only its difference.
 *
 *   pictures of an output of three:   n - 2      n - 1      n        n + 1
 *   changed with each:                history[1] history[0]          scene_compare()
 *   the back picture holds n - 2 (its age is 3): all three changes are drawn into it
 *
 * Thread: the compositor's. Nothing allocates after canvas_init().
 */
#ifndef COMPOSITOR_CANVAS_H
#define COMPOSITOR_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

#include "compositor/painter.h"
#include "compositor/scene.h"
#include "core/rect.h"
#include "display/output.h"

struct canvas {
	struct output *output;   /* borrowed */
	struct painter *painter; /* borrowed */
	uint32_t background;     /* 0x00RRGGBB */
	struct scene scenes[2];
	unsigned shown;          /* which of them is on the output */
	struct rects history[OUTPUT_AGE_MAX - 1]; /* newest first */
	bool is_behind; /* the output refused the last picture: all of the next one is new */
};

void canvas_init(
	struct canvas *canvas, struct output *output, struct painter *painter, uint32_t background);

/* The output's rectangle. */
struct rect canvas_bounds(const struct canvas *canvas);

/* The next scene, with nothing but the background in it. */
struct scene *canvas_begin(struct canvas *canvas);

/* Draws and shows the scene that was begun, if it looks different from the one shown. The time it was
 * shown, or 0: there was nothing new. */
uint64_t canvas_show(struct canvas *canvas);

#endif
