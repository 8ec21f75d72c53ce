#include "compositor/element.h"

#include <string.h>

#include "compositor/layer_view.h"
#include "core/macros.h"

struct rect element_place(const struct element *element) {
	const struct atlas_tile *tile = element->tile;
	return (struct rect) { tile->x, tile->y, tile->width, tile->height };
}

void element_request(
	struct element *element, const struct atlas_tile *tile, bool is_known, uint64_t tick) {
	if (!is_known) {
		memset(element->past, 0, sizeof(element->past));
	}
	if (tile == element->tile) {
		return;
	}
	if (element->tile != NULL && is_known) {
		element->past[element->past_next] = (struct element_past) { element->tile, tick };
		element->past_next = (element->past_next + 1) % ELEMENT_PAST;
	}
	element->tile = tile;
}

static bool is_at_same_place(const struct atlas_tile *a, const struct atlas_tile *b) {
	return a->x == b->x && a->y == b->y && a->width == b->width && a->height == b->height;
}

size_t element_allowed(const struct element *element, uint64_t tick, bool is_guest_drawn,
	uint32_t allowed[ELEMENT_PAST + 1]) {
	size_t len = 0;
	allowed[len++] = element->tile->shown_crc32;
	for (size_t i = 0; is_guest_drawn && i < ELEMENT_PAST; i++) {
		const struct element_past *past = &element->past[i];
		if (past->tile != NULL && tick - past->end_tick < element->follow_ticks &&
			is_at_same_place(past->tile, element->tile)) {
			allowed[len++] = past->tile->shown_crc32;
		}
	}
	return len;
}

bool element_own_view(const struct element *element, struct check_view *view, struct rect *place) {
	if (element->layer == NULL || !layer_view_is_direct(element->layer) ||
		!layer_view(element->layer, view)) {
		return false;
	}
	const struct rect on_output = element_place(element);
	*place = layer_view_place(element->layer, view, &on_output);
	return true;
}

bool element_is_for_guest(const struct element *element, const struct rect *output) {
	struct check_view view;
	struct rect place;
	if (element->is_distrusted || !element_own_view(element, &view, &place)) {
		return false;
	}
	const struct rect on_output = element_place(element);
	const struct rect visible = layer_view_visible(element->layer, &view, output);
	const struct rect covered = rect_intersect(&visible, &on_output);
	return rect_equal(&covered, &on_output);
}

/* At most states, themes and locales of one element: a lamp has eight at the most. */
static bool is_any_state(const struct atlas *atlas, uint32_t index, uint32_t crc) {
	const struct atlas_element *element = &atlas->elements[index];
	uint32_t len = element->states_len * atlas->themes_len * atlas->locales_len;
	for (uint32_t i = 0; i < len; i++) {
		if (atlas->tiles[element->first_tile + i].shown_crc32 == crc) {
			return true;
		}
	}
	return false;
}

static uint64_t patience(const struct element *element) {
	return element->is_other_state ? MAX(element->follow_ticks, ELEMENT_BAD_FRAMES)
				       : ELEMENT_BAD_FRAMES;
}

bool element_is_to_blame(const struct element *element, bool is_shown) {
	return element->bad_frames >= (is_shown ? patience(element) : 1);
}

void element_fail(struct element *element, const struct check_view *view, const struct rect *place,
	const struct atlas *atlas) {
	struct check_found found;
	const uint32_t *expected = atlas_pixels(atlas, element->tile);
	element->is_distrusted = true;
	element->good_frames = 0;
	/* looked for once: it costs more than a check */
	if (element->bad_frames == 0) {
		element->cause = check_find(view, place, expected, &found) ? FAULT_MISPLACED
									   : FAULT_WRONG_PIXELS;
	}
	element->is_other_state = is_any_state(atlas, element->index, check_crc(view, place));
	element->bad_frames++;
}

bool element_pass(struct element *element) {
	element->bad_frames = 0;
	if (!element->is_distrusted) {
		return false;
	}
	element->good_frames++;
	if (element->good_frames < element->layer->config->recover_frames) {
		return false;
	}
	element->is_distrusted = false;
	return true;
}
