#include "compositor/spoiler.h"

#include <stdint.h>
#include <string.h>

#include "compositor/inject.h"

#define FOREIGN_ID (SCENE_IDS - 3)
#define FOREIGN_COLOUR UINT32_C(0x00ff00ff)
#define BIT UINT32_C(0x00008000) /* green's brightest: to be seen in the evidence */

static const char foreign_content;

const struct atlas_element *spoiler_find(
	const struct atlas *atlas, const char *output, const char *name) {
	for (uint32_t i = 0; i < atlas->elements_len; i++) {
		const struct atlas_element *element = &atlas->elements[i];
		if (strcmp(element->name, name) == 0 &&
			(output == NULL || strcmp(element->output, output) == 0)) {
			return element;
		}
	}
	return NULL;
}

/* The element whose picture is to be spoilt at this tick; NULL: none on this output. */
static const struct atlas_element *take(
	const struct atlas *atlas, const char *output, enum inject_fault fault) {
	const struct injection *injection = inject_peek(fault);
	if (injection == NULL) {
		return NULL;
	}
	const struct atlas_element *element = spoiler_find(atlas, output, injection->text);
	if (element != NULL) {
		inject_take(fault, NULL);
	}
	return element;
}

void spoiler_add_to_scene(const struct atlas *atlas, const char *output, struct scene *scene,
	const struct rect *bounds) {
	const struct atlas_element *element = take(atlas, output, INJECT_OVERDRAW);
	if (element == NULL) {
		return;
	}
	struct rect place = element->place;
	place.width = (place.width + 1) / 2;
	const struct sprite sprite = {
		.colour = FOREIGN_COLOUR,
		.opacity = 255,
		.opaque = true,
		.place = place,
	};
	const struct scene_item item = {
		.id = FOREIGN_ID,
		.order = INT64_MAX,
		.content = &foreign_content,
	};
	scene_add(scene, &item, &sprite, bounds);
}

/* The pixel in the middle of an element. */
static struct rect middle(const struct atlas_element *element) {
	return (struct rect) {
		.x = element->place.x + (int32_t)(element->place.width / 2),
		.y = element->place.y + (int32_t)(element->place.height / 2),
		.width = 1,
		.height = 1,
	};
}

static void flip(uint32_t *pixels, uint32_t stride_bytes, const struct rect *pixel,
	const struct rect *bounds) {
	struct rect inside = rect_intersect(pixel, bounds);
	if (!rect_is_empty(&inside)) {
		pixels[(size_t)inside.y * (stride_bytes / sizeof(*pixels)) + (size_t)inside.x] ^=
			BIT;
	}
}

void spoiler_flip_composed(const struct atlas *atlas, const char *output, struct canvas *canvas) {
	const struct atlas_element *element = take(atlas, output, INJECT_FLIP_COMPOSED);
	if (element == NULL) {
		return;
	}
	struct rect pixel = middle(element);
	struct rect bounds = canvas_bounds(canvas);
	struct painter_target target = canvas_touch(canvas, &pixel);
	flip(target.pixels, target.stride, &pixel, &bounds);
}

void spoiler_flip_shown(const struct atlas *atlas, const char *name, struct output *output) {
	const struct atlas_element *element = take(atlas, name, INJECT_FLIP_SHOWN);
	uint64_t id;
	uint32_t stride;
	const uint32_t *shown = element == NULL ? NULL : output_shown(output, &id, &stride);
	if (shown == NULL) {
		return;
	}
	struct rect pixel = middle(element);
	const struct rect bounds = { 0, 0, output->width, output->height };
	flip((uint32_t *)(uintptr_t)shown, stride, &pixel, &bounds);
}
