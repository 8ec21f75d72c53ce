/*
 * Elements of an atlas that was built before, and notices, whose layers only the configuration knows.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "service/assets_impl.h"

#define LETTER_WIDTH 0.62 /* of the size of a bold font */
#define NAME_COLOUR 0xfff2f5f8

static void add_built_tiles(struct atlas_builder *builder, const struct atlas *atlas,
	const struct atlas_element *element, const char *output, const struct rect *area) {
	uint32_t locales_len = atlas_builder_locales(builder);
	uint32_t pictures = atlas_builder_themes(builder) * locales_len;
	for (uint32_t i = 0; i < pictures * element->states_len; i++) {
		uint32_t picture = i / element->states_len, state = i % element->states_len;
		uint32_t theme = picture / locales_len, locale = picture % locales_len;
		const struct atlas_tile *from =
			atlas_element_tile(atlas, element, theme, locale, state);
		struct atlas_tile tile = *from;
		tile.x += area->x;
		tile.y += area->y;
		snprintf(tile.name, sizeof(tile.name), "%s/%s/%u.%u.%u", output, element->name,
			theme, locale, state);
		atlas_builder_borrow(builder, &tile, atlas_pixels(atlas, from));
	}
}

void assets_add_built(struct atlas_builder *builder, const struct atlas *atlas, const char *output,
	const struct rect *area) {
	for (uint32_t i = 0; i < atlas->elements_len; i++) {
		struct atlas_element element = atlas->elements[i];
		snprintf(element.output, sizeof(element.output), "%s", output);
		element.place.x += area->x;
		element.place.y += area->y;
		if (atlas_builder_add_element(builder, &element) != NULL) {
			add_built_tiles(builder, atlas, &atlas->elements[i], output, area);
		}
	}
}

/* ---- notices ---- */

/* Whether a notice may lie there: it hides no safety element, and is on the output's ground. */
static bool is_free(const struct atlas_builder *builder, uint32_t first, const struct rect *place) {
	for (uint32_t i = first; i < atlas_builder_elements(builder); i++) {
		const struct atlas_element *element = atlas_builder_element(builder, i);
		struct rect common = rect_intersect(place, &element->place);
		bool is_inside = rect_equal(&common, place);
		if ((element->kind == ATLAS_GROUND && !is_inside) ||
			(element->safety && !rect_is_empty(&common))) {
			return false;
		}
	}
	return true;
}

/* The pattern's tile with the layer's name in its upper half. */
static void add_notice_tile(struct atlas_builder *builder, uint32_t from, const struct rect *place,
	const char *output, const char *layer) {
	const struct atlas_tile *pattern = atlas_builder_tile(builder, from);
	uint32_t *pixels = atlas_builder_add(
		builder, place, "%s/%s/%u", output, layer, atlas_builder_tiles(builder));
	struct canvas *canvas = pixels != NULL ? atlas_builder_draw(builder) : NULL;
	if (canvas == NULL) {
		return;
	}
	memcpy(pixels, atlas_builder_pixels(builder, from),
		(size_t)pattern->width * pattern->height * sizeof(*pixels));
	double left = place->height * 0.95;
	double room = fmax(place->width - left - place->height * 0.2, 1);
	const struct canvas_font font = {
		.size = fmin(place->height * 0.36, room / (LETTER_WIDTH * (double)strlen(layer))),
		.bold = true,
		.align = CANVAS_LEFT,
		.colour = NAME_COLOUR,
	};
	canvas_text(canvas,
		(struct canvas_point) { place->x + left, place->y + place->height * 0.45 }, &font,
		layer);
	canvas_destroy(canvas);
}

static void add_notice(struct atlas_builder *builder, const struct atlas_element *pattern,
	const struct rect *place, const char *layer) {
	struct atlas_element element = *pattern;
	snprintf(element.name, sizeof(element.name), "%s", layer);
	element.place = *place;
	if (atlas_builder_add_element(builder, &element) == NULL) {
		return;
	}
	uint32_t pictures = atlas_builder_themes(builder) * atlas_builder_locales(builder);
	for (uint32_t i = 0; i < pictures; i++) {
		add_notice_tile(builder, pattern->first_tile + i, place, pattern->output, layer);
	}
}

void assets_expand_notice(struct atlas_builder *builder, const struct config *config,
	unsigned output, uint32_t first) {
	uint32_t index = first;
	while (index < atlas_builder_elements(builder) &&
		atlas_builder_element(builder, index)->kind != ATLAS_NOTICE) {
		index++;
	}
	if (index == atlas_builder_elements(builder)) {
		return;
	}
	const struct atlas_element pattern = *atlas_builder_element(builder, index);
	atlas_builder_remove_element(builder, index);
	struct rect place = pattern.place;
	for (unsigned i = 0; i < config->layers_len; i++) {
		const struct config_layer *layer = &config->layers[i];
		if (layer->output != output || !layer->critical) {
			continue;
		}
		add_notice(builder, &pattern, &place, layer->name);
		struct rect next = place;
		next.y += (int32_t)place.height;
		place = is_free(builder, first, &next) ? next : place;
	}
}
