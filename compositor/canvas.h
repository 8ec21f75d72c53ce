/*
 * What an output shows: its last scene, and what changed with the pictures before, so that a new scene
 * costs only its difference.
 *
 *   pictures of an output of three:   n - 2      n - 1      n        n + 1
 *   changed with each:                history[1] history[0]          scene_compare()
 *   the back picture holds n - 2 (its age is 3): all three changes are drawn into it
 *
 * A tick of it, so that nothing is shown before it was looked at:
 *
 *   canvas_begin()     the next scene is put together
 *   canvas_compose()   what differs is drawn into the back picture
 *   canvas_view()      what will be on the output: that picture, or the one shown, if nothing differs
 *   canvas_repair()    paints over what is wrong there; begins a picture if there is none yet
 *   canvas_present()   shows it
 *
 * A repair is of one picture only, the scene does not know of it: it is painted over with the scene's
 * content in the next one.
 *
 * Thread: the compositor's. Nothing allocates after canvas_init().
 */
#ifndef COMPOSITOR_CANVAS_H
#define COMPOSITOR_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

#include "compositor/check.h"
#include "compositor/painter.h"
#include "compositor/scene.h"
#include "core/rect.h"
#include "display/output.h"

struct canvas {
	struct output *output;   /* borrowed */
	struct painter *painter; /* borrowed */
	uint32_t background;     /* 0x00RRGGBB */
	struct scene scenes[2];
	unsigned shown; /* which of them is on the output */
	struct rects history[OUTPUT_AGE_MAX - 1]; /* newest first */
	bool is_behind;    /* what the output shows is unknown: all of the next picture is new */
	bool has_picture;  /* one is in the making */
	struct output_picture picture; /* that one, or the one shown last */
	struct rects damage;           /* what makes it differ from the one before */
	struct rects repaired; /* what is not the scene's in it, then in the one before */
};

void canvas_init(
	struct canvas *canvas, struct output *output, struct painter *painter, uint32_t background);

/* The output's rectangle. */
struct rect canvas_bounds(const struct canvas *canvas);

/* The next scene, with nothing but the background in it. */
struct scene *canvas_begin(struct canvas *canvas);

/* The scene that was begun last. */
const struct scene *canvas_scene(const struct canvas *canvas);

/* Draws the scene that was begun, if it looks different from the one shown. Whether it does. */
bool canvas_compose(struct canvas *canvas);

/* The picture in the making; when there is none, the one shown. Empty before the first one. Until
 * canvas_present(). */
struct check_view canvas_view(const struct canvas *canvas);

/* The picture in the making, begun if there is none yet, to be written to inside `rect`. */
struct painter_target canvas_touch(struct canvas *canvas, const struct rect *rect);

/* Paints `sprite` over all that is in its `visible`. It is opaque there. */
void canvas_repair(struct canvas *canvas, const struct sprite *sprite);

/* Shows the picture in the making. 0, or -errno: the output refused it, and will be given all of it again
 * next time. `*shown_ns`: when, or 0: there was nothing new, or it was refused. */
int canvas_present(struct canvas *canvas, uint64_t *shown_ns);

/* What the output shows is not known any more: the next picture is drawn and shown whatever differs. */
void canvas_forget_shown(struct canvas *canvas);

#endif
