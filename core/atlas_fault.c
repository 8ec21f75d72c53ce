#include <string.h>

#include "core/atlas.h"
#include "core/checked.h"
#include "core/crc32.h"
#include "core/cue.h"
#include "core/macros.h"
#include "core/signals.h"
#include "core/text.h"

#define ALPHA_MASK UINT32_C(0xff000000) /* of a BGRA pixel as a little-endian word */
#define SEEN 1024 /* pictures remembered as checked: states and themes share many */
/* A picture that is forgotten is checked again, for each theme and locale at most. More is not sharing. */
#define CHECKS_MAX (ATLAS_THEMES_MAX * ATLAS_LOCALES_MAX)

_Static_assert(sizeof(struct atlas_header) % 8 == 0 && sizeof(struct atlas_element) % 8 == 0,
	"the tables lie behind each other, and tiles have 64-bit fields");

uint32_t atlas_crc32(const struct atlas_header *header, const struct atlas_element *elements,
	const struct atlas_tile *tiles) {
	struct atlas_header unsigned_header = *header;
	unsigned_header.crc32 = 0;
	uint32_t crc = crc32_update(0, &unsigned_header, sizeof(unsigned_header));
	crc = crc32_update(crc, elements, header->elements_len * sizeof(*elements));
	return crc32_update(crc, tiles, header->tiles_len * sizeof(*tiles));
}

/* A file whose header and tables are known to lie inside it. */
struct view {
	const uint8_t *base;
	uint64_t size_bytes, pixels_at;
	const struct atlas_header *header;
	const struct atlas_element *elements;
	const struct atlas_tile *tiles;
	uint64_t checked_bytes;
	const struct atlas_tile *seen[SEEN];
};

/* ---- tiles ---- */

static uint64_t tile_pixels(const struct atlas_tile *tile) {
	return (uint64_t)tile->width * tile->height;
}

static bool is_opaque(const uint32_t *pixels, uint64_t len) {
	uint32_t alpha = ALPHA_MASK;
	for (uint64_t i = 0; i < len; i++) {
		alpha &= pixels[i];
	}
	return alpha == ALPHA_MASK;
}

static bool is_same_picture(const struct atlas_tile *a, const struct atlas_tile *b) {
	return a->offset == b->offset && a->width == b->width && a->height == b->height &&
		a->crc32 == b->crc32 && a->opaque == b->opaque;
}

static const char *pixels_fault(struct view *view, const struct atlas_tile *tile) {
	const struct atlas_tile **seen = &view->seen[tile->offset / ATLAS_ALIGN % SEEN];
	if (*seen != NULL && is_same_picture(*seen, tile)) {
		return NULL;
	}
	const uint32_t *pixels = (const void *)(view->base + tile->offset);
	view->checked_bytes += tile_pixels(tile) * sizeof(*pixels);
	if (view->checked_bytes > CHECKS_MAX * view->size_bytes) {
		return "tiles overlap each other";
	}
	if (crc32_update(0, pixels, tile_pixels(tile) * sizeof(*pixels)) != tile->crc32) {
		return "a tile's pixels are damaged";
	}
	if (tile->opaque != 0 && !is_opaque(pixels, tile_pixels(tile))) {
		return "a tile is not as opaque as it says";
	}
	*seen = tile;
	return NULL;
}

static const char *tile_fault(struct view *view, const struct atlas_tile *tile) {
	if (!text_is_terminated(tile->name, sizeof(tile->name)) || tile->name[0] == '\0') {
		return "a tile has no name";
	}
	if (tile->width == 0 || tile->width > ATLAS_SIZE_MAX || tile->height == 0 ||
		tile->height > ATLAS_SIZE_MAX || tile->opaque > 1) {
		return "a tile's size or kind is out of range";
	}
	if (tile->offset < view->pixels_at || tile->offset % ATLAS_ALIGN != 0 ||
		!checked_range_fits(
			tile->offset, tile_pixels(tile) * sizeof(uint32_t), view->size_bytes)) {
		return "a tile lies outside the file";
	}
	return pixels_fault(view, tile);
}

/* ---- elements ---- */

static bool has_signal(const struct atlas_element *element) {
	return element->signal < SIGNAL_VALUES;
}

static bool is_one(const struct atlas_element *element) {
	return element->states_len == 1;
}

static bool is_lamp(const struct atlas_element *element) {
	return element->states_len == 2;
}

static bool is_choice(const struct atlas_element *element) {
	return element->states_len >= 2 && has_signal(element);
}

static bool is_readout(const struct atlas_element *element) {
	return element->states_len == ATLAS_READOUT_STATES && has_signal(element) &&
		element->digits >= 1 && element->digits <= ATLAS_DIGITS_MAX &&
		element->decimals < element->digits;
}

static bool is_gauge(const struct atlas_element *element) {
	return element->states_len >= 1 && has_signal(element) && element->least < element->most;
}

static bool is_frame(const struct atlas_element *element) {
	return element->states_len == 1 && has_signal(element);
}

static bool (*const kinds[ATLAS_KINDS])(const struct atlas_element *element) = {
	[ATLAS_GROUND] = is_one,
	[ATLAS_LAMP] = is_lamp,
	[ATLAS_CHOICE] = is_choice,
	[ATLAS_READOUT] = is_readout,
	[ATLAS_GAUGE] = is_gauge,
	[ATLAS_NOTICE] = is_one,
	[ATLAS_FRAME] = is_frame,
};

/* A safety element says something, always, and by one picture. */
static bool is_fit_for_safety(const struct atlas_element *element) {
	return (element->kind == ATLAS_LAMP || element->kind == ATLAS_CHOICE) &&
		has_signal(element);
}

static uint32_t sprites_of(const struct atlas_element *element) {
	return element->kind == ATLAS_READOUT ? element->digits : 1;
}

static bool is_inside(const struct atlas_element *element, const struct atlas_tile *tile) {
	int64_t x = (int64_t)tile->x - element->place.x;
	int64_t y = (int64_t)tile->y - element->place.y;
	int64_t width = (int64_t)tile->width * sprites_of(element);
	return x >= 0 && y >= 0 && x + width <= element->place.width &&
		y + tile->height <= element->place.height;
}

static bool is_same_place(const struct atlas_tile *a, const struct atlas_tile *b) {
	return a->x == b->x && a->y == b->y && a->width == b->width && a->height == b->height;
}

/* The checksums are right by now: equal ones are equal pixels. */
static bool is_like_one_before(const struct atlas_tile *states, uint32_t state) {
	for (uint32_t i = 0; i < state; i++) {
		if (states[i].crc32 == states[state].crc32) {
			return true;
		}
	}
	return false;
}

/* The states of one theme and locale. */
static const char *states_fault(
	const struct atlas_element *element, const struct atlas_tile *states) {
	for (uint32_t i = 0; i < element->states_len; i++) {
		if (!is_inside(element, &states[i])) {
			return "a tile lies outside its element's place";
		}
		if ((element->safety || element->kind == ATLAS_GROUND) && states[i].opaque == 0) {
			return "a tile of a safety element or ground is not opaque";
		}
		if (element->kind == ATLAS_READOUT && !is_same_place(&states[i], &states[0])) {
			return "a readout's digits differ in size or place";
		}
		if (element->safety && is_like_one_before(states, i)) {
			return "two states of a safety element look the same";
		}
	}
	return NULL;
}

static const char *element_tiles_fault(
	const struct view *view, const struct atlas_element *element) {
	uint32_t pictures = view->header->themes_len * view->header->locales_len;
	if (!checked_range_fits(element->first_tile, (uint64_t)pictures * element->states_len,
		    view->header->tiles_len)) {
		return "an element's tiles are not in the table";
	}
	for (uint32_t i = 0; i < pictures; i++) {
		const struct atlas_tile *states =
			&view->tiles[element->first_tile + i * element->states_len];
		const char *fault = states_fault(element, states);
		if (fault != NULL) {
			return fault;
		}
	}
	return NULL;
}

static const char *element_fault(const struct view *view, const struct atlas_element *element) {
	if (!text_is_terminated(element->name, sizeof(element->name)) || element->name[0] == '\0' ||
		!text_is_terminated(element->output, sizeof(element->output)) ||
		element->output[0] == '\0') {
		return "an element has no name or output";
	}
	if (element->kind >= ATLAS_KINDS || element->safety > 1 || element->chime >= CUE_CHIMES ||
		(element->signal != SIGNAL_NONE && !has_signal(element))) {
		return "an element's kind, signal or chime is none";
	}
	if (!kinds[element->kind](element) || (element->safety && !is_fit_for_safety(element))) {
		return "an element's states, signal or range do not fit its kind";
	}
	if (rect_is_empty(&element->place) ||
		!rect_fits(&element->place, ATLAS_SIZE_MAX, ATLAS_SIZE_MAX)) {
		return "an element's place is out of range";
	}
	return element_tiles_fault(view, element);
}

/* What two elements of one output do to each other. */
static const char *pair_fault(const struct atlas_element *a, const struct atlas_element *b) {
	if (strcmp(a->name, b->name) == 0) {
		return "two elements of an output have one name";
	}
	bool may_overlap =
		(!a->safety && !b->safety) || a->kind == ATLAS_GROUND || b->kind == ATLAS_GROUND;
	struct rect common = rect_intersect(&a->place, &b->place);
	return may_overlap || rect_is_empty(&common) ? NULL
						     : "a safety element overlaps another element";
}

/* The element and those before it on its output. */
static const char *neighbours_fault(const struct view *view, uint32_t index) {
	const struct atlas_element *element = &view->elements[index];
	uint32_t sprites = sprites_of(element);
	for (uint32_t i = 0; i < index; i++) {
		const struct atlas_element *other = &view->elements[i];
		if (strcmp(other->output, element->output) != 0) {
			continue;
		}
		const char *fault = pair_fault(other, element);
		if (fault != NULL) {
			return fault;
		}
		sprites += sprites_of(other);
	}
	return sprites > ATLAS_SPRITES_MAX ? "an output has too many elements" : NULL;
}

/* ---- the file ---- */

static const char *tables_fault(struct view *view) {
	const char *fault = NULL;
	for (uint32_t i = 0; fault == NULL && i < view->header->tiles_len; i++) {
		fault = tile_fault(view, &view->tiles[i]);
	}
	for (uint32_t i = 0; fault == NULL && i < view->header->elements_len; i++) {
		fault = element_fault(view, &view->elements[i]);
		if (fault == NULL) {
			fault = neighbours_fault(view, i);
		}
	}
	return fault;
}

static bool header_is_sane(const struct atlas_header *header, size_t size_bytes) {
	return header->magic == ATLAS_MAGIC && header->version == ATLAS_VERSION &&
		header->size_bytes == size_bytes && header->themes_len >= 1 &&
		header->themes_len <= ATLAS_THEMES_MAX && header->locales_len >= 1 &&
		header->locales_len <= ATLAS_LOCALES_MAX &&
		header->elements_len <= ATLAS_ELEMENTS_MAX && header->tiles_len <= ATLAS_TILES_MAX;
}

const char *atlas_fault(const void *file, size_t size_bytes) {
	struct view view = { .base = file, .size_bytes = size_bytes, .header = file };
	const struct atlas_header *header = file;
	if (size_bytes < sizeof(*header) || !header_is_sane(header, size_bytes)) {
		return "the header is none of an atlas of this version";
	}
	view.elements = (const void *)(header + 1);
	view.tiles = (const void *)(view.elements + header->elements_len);
	view.pixels_at = sizeof(*header) + header->elements_len * sizeof(*view.elements) +
		header->tiles_len * sizeof(*view.tiles);
	if (view.pixels_at > size_bytes) {
		return "the tables do not fit the file";
	}
	if (atlas_crc32(header, view.elements, view.tiles) != header->crc32) {
		return "the tables are damaged";
	}
	return tables_fault(&view);
}
