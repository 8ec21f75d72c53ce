/*
 * Spoils pictures where a fault is injected (compositor/inject.h): as a wrong scene, a wrong bit after
 * composing, or a wrong bit behind all checks would.
 *
 * Thread: the compositor's. Nothing allocates; where injection is not allowed nothing is done.
 */
#ifndef COMPOSITOR_SPOILER_H
#define COMPOSITOR_SPOILER_H

#include "compositor/canvas.h"
#include "compositor/scene.h"
#include "core/atlas.h"
#include "display/output.h"

/* The first element of that name, on that output if it is not NULL. NULL: there is none. */
const struct atlas_element *spoiler_find(
	const struct atlas *atlas, const char *output, const char *name);

/* At the end of a scene of the output of that name: INJECT_OVERDRAW. */
void spoiler_add_to_scene(const struct atlas *atlas, const char *output, struct scene *scene,
	const struct rect *bounds);
/* Between composing and checking: INJECT_FLIP_COMPOSED. */
void spoiler_flip_composed(const struct atlas *atlas, const char *output, struct canvas *canvas);
/* After the picture was shown: INJECT_FLIP_SHOWN. */
void spoiler_flip_shown(const struct atlas *atlas, const char *name, struct output *output);

#endif
