#include "compositor/element.h"

#include <string.h>

#include "compositor/layer_view.h"
#include "core/macros.h"

struct rect element_place(const struct element *element) {
	const struct atlas_tile *tile = element->tile;
	return (struct rect) { tile->x, tile->y, tile->width, tile->height };
}

static void distrust(struct element *element) {
	element->is_distrusted = true;
	element->good_frames = 0;
}

/* Whether it was looked at for long, and seen for less than half of that. */
static bool is_owed(const struct element *element, const struct element_past *past) {
	return past->looked >= element->seen_ticks && past->seen < past->looked / 2;
}

static bool is_over(const struct element *element, const struct element_past *past, uint64_t tick) {
	return past->tile != NULL && tick - past->end_tick >= element->follow_ticks;
}

/* Nothing is owed, and nothing else than what is requested now is right. */
static void forget(struct element *element) {
	memset(element->past, 0, sizeof(element->past));
	element->looked = element->seen = 0;
}

static void change_request(struct element *element, const struct atlas_tile *tile, uint64_t tick) {
	if (element->tile != NULL && element->is_known) {
		element->past[element->past_next] = (struct element_past) { element->tile, tick,
			element->looked, element->seen };
		element->past_next = (element->past_next + 1) % ELEMENT_PAST;
	}
	element->tile = tile;
	element->looked = element->seen = 0;
}

/* How many requests that are over now are owed. */
static uint32_t end_requests(struct element *element, uint64_t tick) {
	uint32_t owed = 0;
	for (size_t i = 0; i < ELEMENT_PAST; i++) {
		struct element_past *past = &element->past[i];
		if (is_over(element, past, tick)) {
			owed += is_owed(element, past);
			past->tile = NULL;
		}
	}
	return owed;
}

bool element_request(struct element *element, const struct atlas_tile *tile, bool is_known,
	bool is_shown, uint64_t tick) {
	if (!is_known) {
		forget(element);
	}
	if (!is_shown) {
		element->looked = element->seen = 0;
		element->owed = 0;
		element->is_owing = false;
	}
	if (tile != element->tile) {
		change_request(element, tile, tick);
	}
	element->is_known = is_known;
	uint32_t owed = end_requests(element, tick);
	if (owed == 0 || !is_shown || element->layer == NULL) {
		return false;
	}
	bool is_new = !element->is_distrusted;
	element->owed += owed;
	element->is_owing = true;
	distrust(element);
	return is_new;
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
	/* of a layer that was moved off it, a part at most */
	return place->width == on_output.width && place->height == on_output.height;
}

bool element_is_for_guest(const struct element *element, const struct rect *output) {
	struct check_view view;
	struct rect place;
	if (element->is_distrusted || !element->is_known ||
		!element_own_view(element, &view, &place)) {
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
	return element->is_struck || element->bad_frames >= (is_shown ? patience(element) : 1);
}

void element_forgive(struct element *element) {
	element->is_struck = false;
	element->strikes = 0;
}

/* What the guest is ahead of its signals by is no strike: it may be so at each change. */
static void note_strike(struct element *element, uint64_t tick) {
	if (element->is_other_state) {
		return;
	}
	element->strike_ticks[element->strikes++ % ELEMENT_STRIKES] = tick;
	uint64_t oldest = element->strike_ticks[element->strikes % ELEMENT_STRIKES];
	element->is_struck = element->is_struck ||
		(element->strikes >= ELEMENT_STRIKES && tick - oldest < ELEMENT_STRIKE_TICKS);
}

/* A cause that is known stays while the guest is not trusted: one that is right and wrong by turns is not
 * searched at each turn. */
static void find_cause(struct element *element, const struct check_view *view,
	const struct rect *place, const struct atlas *atlas, bool *may_search) {
	struct check_found found;
	if (element->is_distrusted && element->cause != FAULT_NONE) {
		return;
	}
	bool is_elsewhere =
		*may_search && check_find(view, place, atlas_pixels(atlas, element->tile), &found);
	*may_search = false;
	element->cause = is_elsewhere ? FAULT_MISPLACED : FAULT_WRONG_PIXELS;
}

void element_fail(struct element *element, const struct check_view *view, const struct rect *place,
	const struct atlas *atlas, uint64_t tick, bool *may_search) {
	find_cause(element, view, place, atlas, may_search);
	element->looked++;
	element->is_other_state = is_any_state(atlas, element->index, check_crc(view, place));
	if (element->bad_frames == 0) {
		note_strike(element, tick);
	}
	distrust(element);
	element->bad_frames++;
}

/* What it did not show meanwhile the host did. */
static void repent(struct element *element) {
	element->is_owing = false;
	element->looked = element->seen = 0;
	for (size_t i = 0; i < ELEMENT_PAST; i++) {
		element->past[i].looked = 0;
	}
}

void element_see(struct element *element, uint32_t crc, bool is_shown) {
	bool follows = element->seen_crc != 0 && crc != element->seen_crc;
	if (element->is_owing && follows && element->owed < ELEMENT_STRIKES) {
		repent(element);
	}
	element->seen_crc = crc;
	element->looked += is_shown;
	element->seen += is_shown && crc == element->tile->shown_crc32;
	for (size_t i = 0; i < ELEMENT_PAST; i++) {
		struct element_past *past = &element->past[i];
		past->seen += past->tile != NULL && crc == past->tile->shown_crc32;
	}
}

bool element_pass(struct element *element) {
	element->bad_frames = 0;
	if (!element->is_distrusted || element->is_owing) {
		return false;
	}
	element->good_frames++;
	if (element->good_frames < element->layer->config->recover_frames) {
		return false;
	}
	element->is_distrusted = false;
	return true;
}
