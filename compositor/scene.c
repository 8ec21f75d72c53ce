#include "compositor/scene.h"

#include <assert.h>

#include "core/macros.h"

void scene_clear(struct scene *scene) {
	scene->len = 0;
}

struct scene_item *scene_add(struct scene *scene, const struct scene_item *item,
	const struct sprite *sprite, const struct rect *clip) {
	assert(item->id < SCENE_IDS);
	struct rect visible = rect_intersect(&sprite->place, clip);
	if (scene->len == PAINTER_SPRITES_MAX || rect_is_empty(&visible) || sprite->opacity == 0) {
		return NULL;
	}
	struct scene_item *added = &scene->items[scene->len];
	*added = *item;
	rects_clear(&added->damage);
	scene->sprites[scene->len] = *sprite;
	scene->sprites[scene->len].visible = visible;
	scene->len++;
	return added;
}

/* Where the pixels from `start` on, `len` of them, show once `from_len` became `to_len`: one pixel
 * more on each side, since a sample reads two neighbours. */
static void scale_span(int64_t start, int64_t len, int64_t from_len, int64_t to_len,
	int64_t *to_start, int64_t *to_end) {
	*to_start = (start - 1) * to_len / from_len - 1;
	*to_end = ((start + len + 1) * to_len + from_len - 1) / from_len + 1;
	*to_start = MAX(*to_start, 0);
	*to_end = MIN(*to_end, to_len);
}

static struct rect place_rect(const struct sprite *sprite, const struct rect *rect) {
	int64_t x, y, end_x, end_y;
	scale_span(rect->x, rect->width, sprite->width, sprite->place.width, &x, &end_x);
	scale_span(rect->y, rect->height, sprite->height, sprite->place.height, &y, &end_y);
	return (struct rect) {
		.x = sprite->place.x + (int32_t)x,
		.y = sprite->place.y + (int32_t)y,
		.width = (uint32_t)MAX(end_x - x, 0),
		.height = (uint32_t)MAX(end_y - y, 0),
	};
}

void scene_damage_item(struct scene *scene, struct scene_item *item, const struct rects *rects) {
	const struct sprite *sprite = &scene->sprites[item - scene->items];
	bool scaled =
		sprite->place.width != sprite->width || sprite->place.height != sprite->height;

	for (uint32_t i = 0; i < rects->len; i++) {
		struct rect rect = rects->items[i];
		if (scaled) {
			rect = place_rect(sprite, &rect);
		} else {
			rect.x += sprite->place.x;
			rect.y += sprite->place.y;
		}
		rect = rect_intersect(&rect, &sprite->visible);
		rects_add(&item->damage, &rect);
	}
}

/* Whether the same pixels in the same place would look the same in both scenes. */
static bool items_match(const struct scene *a, size_t i, const struct scene *b, size_t j) {
	const struct scene_item *p = &a->items[i];
	const struct scene_item *q = &b->items[j];
	const struct sprite *s = &a->sprites[i];
	const struct sprite *t = &b->sprites[j];
	return p->order == q->order && p->content == q->content && p->version == q->version &&
		s->width == t->width && s->height == t->height && s->format == t->format &&
		s->colour == t->colour && s->opacity == t->opacity && s->opaque == t->opaque &&
		rect_equal(&s->place, &t->place) && rect_equal(&s->visible, &t->visible);
}

/* What changed in item `index` and is seen: not under an opaque sprite, whose own changes tell of it. */
static void add_seen_damage(const struct scene *scene, size_t index, struct rects *damage) {
	struct rects seen = scene->items[index].damage;
	for (size_t i = index + 1; i < scene->len && seen.len > 0; i++) {
		if (scene->sprites[i].opaque) {
			rects_subtract(&seen, &scene->sprites[i].visible);
		}
	}
	rects_add_all(damage, &seen);
}

void scene_compare(const struct scene *before, const struct scene *now, struct rects *damage) {
	uint16_t before_index[SCENE_IDS] = { 0 }; /* index + 1; 0: not there, or dealt with */
	_Static_assert(PAINTER_SPRITES_MAX < UINT16_MAX, "an index and one fit");

	for (size_t i = 0; i < before->len; i++) {
		before_index[before->items[i].id] = (uint16_t)(i + 1);
	}
	for (size_t i = 0; i < now->len; i++) {
		uint16_t *index = &before_index[now->items[i].id];
		if (*index != 0 && items_match(before, *index - 1u, now, i)) {
			add_seen_damage(now, i, damage);
		} else {
			rects_add(damage, &now->sprites[i].visible);
			if (*index != 0) {
				rects_add(damage, &before->sprites[*index - 1u].visible);
			}
		}
		*index = 0;
	}
	for (size_t i = 0; i < before->len; i++) {
		if (before_index[before->items[i].id] != 0) {
			rects_add(damage, &before->sprites[i].visible);
		}
	}
}
