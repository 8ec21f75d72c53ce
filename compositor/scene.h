/*
 * A scene: the sprites of one picture, back to front, and what they were made of, so that two scenes
 * can be compared and only their difference drawn.
 *
 * Thread: the compositor's. Plain storage, nothing to release.
 */
#ifndef COMPOSITOR_SCENE_H
#define COMPOSITOR_SCENE_H

#include <stddef.h>
#include <stdint.h>

#include "compositor/painter.h"
#include "core/rect.h"

/* What a sprite is; unique in a scene. Ids below SCENE_IDS. */
#define SCENE_IDS 512

struct scene_item {
	uint32_t id;
	int64_t order; /* ascends from back to front; the same item keeps its number while nothing
	                       * passes it */
	const void *content; /* what is shown (a channel, a tile): another one changes all of it */
	uint64_t version; /* of the content where damage does not tell (a cursor's image) */
	struct rects
		damage; /* on the output: what changed inside the content since the last scene */
};

struct scene {
	size_t len;
	struct scene_item items[PAINTER_SPRITES_MAX];
	struct sprite
		sprites[PAINTER_SPRITES_MAX]; /* of the same index, as painter_draw() takes them */
};

void scene_clear(struct scene *scene);

/*
 * Puts `sprite` on top. Its `visible` becomes what is left of `sprite->place` inside `clip`; a sprite
 * of which nothing is left, or that is fully transparent, is not added. The item with its damage still
 * empty, or NULL when it was not added. Past PAINTER_SPRITES_MAX nothing is added.
 */
struct scene_item *scene_add(struct scene *scene, const struct scene_item *item,
	const struct sprite *sprite, const struct rect *clip);

/* Adds to the item's damage: `rects` in pixels of its picture. Exact for a sprite that is not scaled,
 * else as wide as its filter reaches. */
void scene_damage_item(struct scene *scene, struct scene_item *item, const struct rects *rects);

/* Adds to `damage` what must be drawn so that a picture of `before` becomes one of `now`. */
void scene_compare(const struct scene *before, const struct scene *now, struct rects *damage);

#endif
