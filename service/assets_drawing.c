/*
 * A drawing becomes elements and tiles of an atlas.
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "core/signals.h"
#include "service/assets_impl.h"

struct assets_target assets_target_from_area(
	const struct drawing *drawing, const char *output, const struct rect *area) {
	double scale =
		fmin(area->width / (double)drawing->width, area->height / (double)drawing->height);
	return (struct assets_target) {
		.output = output,
		.area = *area,
		.origin = {
			.x = area->x + floor((area->width - drawing->width * scale) / 2),
			.y = area->y + floor((area->height - drawing->height * scale) / 2),
		},
		.scale = scale,
	};
}

struct painting {
	struct atlas_builder *builder;
	const struct drawing *drawing;
	const struct assets_target *target;
	const struct drawing_element *element;
	struct rect place; /* of the element, on the output */
};

/* Neighbours in the drawing stay neighbours: edges are rounded, not sizes. */
static struct rect place_from_units(const struct assets_target *target, const struct rect *units) {
	double scale = target->scale;
	int32_t x = (int32_t)lround(target->origin.x + units->x * scale);
	int32_t y = (int32_t)lround(target->origin.y + units->y * scale);
	int32_t right = (int32_t)lround(target->origin.x + (units->x + units->width) * scale);
	int32_t bottom = (int32_t)lround(target->origin.y + (units->y + units->height) * scale);
	const struct rect place = {
		.x = MIN(x, target->area.x + (int32_t)target->area.width - 1),
		.y = MIN(y, target->area.y + (int32_t)target->area.height - 1),
		.width = (uint32_t)MAX(right - x, 1),
		.height = (uint32_t)MAX(bottom - y, 1),
	};
	return rect_intersect(&place, &target->area);
}

/* What one state covers, inside the element's place. */
static struct rect state_place(const struct painting *painting, uint32_t state) {
	const struct drawing_element *element = painting->element;
	struct rect place = painting->place;
	if (element->atlas.kind == ATLAS_READOUT) {
		place.width = MAX(place.width / element->atlas.digits, 1);
		return place;
	}
	if (!element->has_needle) {
		return place;
	}
	const struct assets_target *target = painting->target;
	struct drawing_box box = drawing_state_box(element, state);
	double x = floor(target->origin.x + box.x * target->scale);
	double y = floor(target->origin.y + box.y * target->scale);
	const struct rect around = {
		.x = (int32_t)x,
		.y = (int32_t)y,
		.width = (uint32_t)ceil(box.width * target->scale) + 1,
		.height = (uint32_t)ceil(box.height * target->scale) + 1,
	};
	struct rect covered = rect_intersect(&around, &place);
	return rect_is_empty(&covered) ? (struct rect) { place.x, place.y, 1, 1 } : covered;
}

static void add_state(
	const struct painting *painting, uint32_t theme, uint32_t locale, uint32_t state) {
	const struct drawing_element *element = painting->element;
	struct rect place = state_place(painting, state);
	uint32_t *pixels = atlas_builder_add(painting->builder, &place, "%s/%s/%u.%u.%u",
		painting->target->output, element->atlas.name, theme, locale, state);
	struct canvas *canvas = pixels != NULL ? atlas_builder_draw(painting->builder) : NULL;
	if (canvas == NULL) {
		return;
	}
	if (element->plate.is_given) {
		/* to the last pixel, wherever the edges were rounded to */
		canvas_box(canvas, place.x, place.y, place.width, place.height, 0,
			element->plate.argb[theme]);
	}
	canvas_place(canvas, painting->target->origin, painting->target->scale);
	drawing_paint_state(element, canvas, theme, locale, state);
	canvas_destroy(canvas);
}

static bool colour_differs(const struct drawing_colour *colour, uint32_t theme) {
	return colour->argb[theme] != colour->argb[0];
}

/* The theme and locale with the same pictures: what is drawn already is not drawn again. */
static uint32_t same_theme(const struct painting *painting, uint32_t theme) {
	const struct drawing_element *element = painting->element;
	bool differs = theme < painting->drawing->themes_len &&
		(element->shapes.len > 0 || colour_differs(&element->colour, theme) ||
			colour_differs(&element->off, theme) ||
			colour_differs(&element->plate, theme));
	return differs ? theme : 0;
}

static uint32_t same_locale(const struct painting *painting, uint32_t locale) {
	bool differs = locale < painting->drawing->locales_len && painting->element->has_texts;
	return differs ? locale : 0;
}

static void add_states(const struct painting *painting, const struct atlas_element *added,
	uint32_t theme, uint32_t locale) {
	uint32_t theme_as = same_theme(painting, theme), locale_as = same_locale(painting, locale);
	uint32_t locales_len = atlas_builder_locales(painting->builder);
	for (uint32_t state = 0; state < added->states_len; state++) {
		if (theme_as == theme && locale_as == locale) {
			add_state(painting, theme, locale, state);
			continue;
		}
		uint32_t picture = theme_as * locales_len + locale_as;
		atlas_builder_share(painting->builder,
			added->first_tile + picture * added->states_len + state, "%s/%s/%u.%u.%u",
			painting->target->output, added->name, theme, locale, state);
	}
}

static void add_element(const struct painting *painting) {
	struct atlas_element element = painting->element->atlas;
	snprintf(element.output, sizeof(element.output), "%s", painting->target->output);
	element.place = painting->place;
	const struct atlas_element *added = atlas_builder_add_element(painting->builder, &element);
	for (uint32_t theme = 0; theme < atlas_builder_themes(painting->builder); theme++) {
		for (uint32_t locale = 0; locale < atlas_builder_locales(painting->builder);
			locale++) {
			if (added != NULL) {
				add_states(painting, added, theme, locale);
			}
		}
	}
}

/* ---- the ground ---- */

static void add_ground_picture(
	const struct painting *painting, const char *name, uint32_t theme, uint32_t locale) {
	const struct assets_target *target = painting->target;
	const struct drawing *drawing = painting->drawing;
	uint32_t *pixels = atlas_builder_add(painting->builder, &target->area, "%s/%s/%u.%u.0",
		target->output, name, theme, locale);
	struct canvas *canvas = pixels != NULL ? atlas_builder_draw(painting->builder) : NULL;
	if (canvas == NULL) {
		return;
	}
	/* beside the drawing, where the area has another shape: its rearmost colour */
	uint32_t colour = drawing->ground.len > 0 ? drawing->ground.items[0].colour.argb[theme] : 0;
	canvas_box(canvas, target->area.x, target->area.y, target->area.width, target->area.height,
		0, 0xff000000 | colour);
	canvas_place(canvas, target->origin, target->scale);
	drawing_paint_ground(drawing, canvas, theme, locale);
	canvas_destroy(canvas);
}

void assets_add_ground(struct atlas_builder *builder, const struct drawing *drawing,
	const struct assets_target *target) {
	const struct painting painting = {
		.builder = builder, .drawing = drawing, .target = target
	};
	struct atlas_element element = {
		.name = "(ground)", /* no name of a layer or of the file's */
		.kind = ATLAS_GROUND,
		.signal = SIGNAL_NONE,
		.place = target->area,
		.states_len = 1,
	};
	snprintf(element.output, sizeof(element.output), "%s", target->output);
	const struct atlas_element *added = atlas_builder_add_element(builder, &element);
	uint32_t locales_len = atlas_builder_locales(builder);
	uint32_t pictures = added != NULL ? atlas_builder_themes(builder) * locales_len : 0;
	for (uint32_t picture = 0; picture < pictures; picture++) {
		uint32_t theme = picture / locales_len, locale = picture % locales_len;
		uint32_t theme_as = theme < drawing->themes_len ? theme : 0;
		uint32_t locale_as = locale < drawing->locales_len ? locale : 0;
		if (theme == theme_as && locale == locale_as) {
			add_ground_picture(&painting, element.name, theme, locale);
		} else {
			atlas_builder_share(builder,
				added->first_tile + theme_as * locales_len + locale_as,
				"%s/%s/%u.%u.0", target->output, element.name, theme, locale);
		}
	}
}

void assets_add_drawing(struct atlas_builder *builder, const struct drawing *drawing,
	const struct assets_target *target) {
	struct painting painting = { .builder = builder, .drawing = drawing, .target = target };
	assets_add_ground(builder, drawing, target);
	for (uint32_t i = 0; i < drawing->elements_len; i++) {
		painting.element = &drawing->elements[i];
		painting.place = place_from_units(target, &drawing->elements[i].place);
		add_element(&painting);
	}
}

/* ---- afterwards ---- */

/* The first two states of a picture with one checksum. */
static bool find_equal_states(const struct atlas_builder *builder,
	const struct atlas_element *element, uint32_t picture, uint32_t equal[2]) {
	uint32_t first = element->first_tile + picture * element->states_len;
	for (uint32_t i = 0; i < element->states_len; i++) {
		for (uint32_t before = 0; before < i; before++) {
			if (atlas_builder_tile(builder, first + i)->shown_crc32 ==
				atlas_builder_tile(builder, first + before)->shown_crc32) {
				equal[0] = before;
				equal[1] = i;
				return true;
			}
		}
	}
	return false;
}

bool assets_states_differ(
	const struct atlas_builder *builder, const struct drawing *drawing, uint32_t first) {
	uint32_t pictures = atlas_builder_themes(builder) * atlas_builder_locales(builder);
	bool differ = true;
	for (uint32_t i = 0; i < drawing->elements_len; i++) {
		/* the ground comes before them */
		if (first + 1 + i >= atlas_builder_elements(builder)) {
			break; /* only the ground was drawn */
		}
		const struct atlas_element *element = atlas_builder_element(builder, first + 1 + i);
		uint32_t equal[2];
		for (uint32_t picture = 0; element->safety && picture < pictures; picture++) {
			if (find_equal_states(builder, element, picture, equal)) {
				char where[32];
				snprintf(where, sizeof(where), "elements[%u]", i);
				config_source_error(drawing->source, where,
					"%s: states %u and %u of safety element '%s' look the same",
					where, equal[0], equal[1], element->name);
				differ = false;
				break;
			}
		}
	}
	return differ;
}
