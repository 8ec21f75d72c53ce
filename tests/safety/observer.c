#include "tests/safety/observer.h"

#include <errno.h>
#include <string.h>

#include "core/macros.h"
#include "tests/support/realtime.h"

#define PRIORITY 40
#define WAIT_MS 100
#define COLOUR 0x00ffffffu
#define PROBE_ROWS 5 /* of a tile, evenly spread: enough to know it by */

struct view {
	const uint32_t *pixels;
	uint32_t stride; /* pixels */
};

static const uint32_t *view_row(const struct view *view, const struct rect *place, uint32_t y) {
	return view->pixels + ((size_t)place->y + y) * view->stride + (size_t)place->x;
}

static bool rows_equal(const uint32_t *a, const uint32_t *b, uint32_t len) {
	for (uint32_t i = 0; i < len; i++) {
		if (((a[i] ^ b[i]) & COLOUR) != 0) {
			return false;
		}
	}
	return true;
}

static bool shows_tile(const struct observer *observer, const struct view *view,
	const struct atlas_tile *tile, const struct rect *place, uint32_t step) {
	const uint32_t *pixels = atlas_pixels(observer->atlas, tile);
	for (uint32_t y = step / 2; y < tile->height; y += step) {
		if (!rows_equal(view_row(view, place, y), pixels + (size_t)y * tile->width,
			    tile->width)) {
			return false;
		}
	}
	return true;
}

static bool is_black(const struct view *view, const struct rect *place) {
	static const uint32_t black[PAINTER_TARGET_MAX];
	for (uint32_t y = 0; y < place->height; y += place->height / PROBE_ROWS + 1) {
		if (!rows_equal(view_row(view, place, y), black, place->width)) {
			return false;
		}
	}
	return true;
}

/* Known by the first row of the ground, which no guest's picture has: its tag is there. */
static bool shows_ground(
	const struct observer *observer, const struct view *view, const struct rect *place) {
	for (uint32_t i = 0; i < observer->atlas->elements_len; i++) {
		const struct atlas_element *element = &observer->atlas->elements[i];
		if (element->kind != ATLAS_GROUND) {
			continue;
		}
		for (uint32_t n = 0; n < observer->atlas->themes_len * observer->atlas->locales_len;
			n++) {
			const struct atlas_tile *tile =
				&observer->atlas->tiles[element->first_tile + n];
			if (rows_equal(view_row(view, place, 0),
				    atlas_pixels(observer->atlas, tile),
				    MIN(tile->width, place->width))) {
				return true;
			}
		}
	}
	return false;
}

static enum sight_class classify(const struct observer *observer, const struct view *view,
	uint32_t layer, uint32_t *counter) {
	const struct config_layer *config = &observer->config->layers[layer];
	struct frame_tag top = { 0 }, bottom;
	bool has_top = frame_tag_decode(&top, view_row(view, &config->place, 0));
	bool has_bottom =
		frame_tag_decode(&bottom, view_row(view, &config->place, config->place.height - 1));
	if (has_top || has_bottom) {
		*counter = top.counter;
		return has_top && has_bottom && top.counter == bottom.counter ? SIGHT_GUEST
									      : SIGHT_TORN;
	}
	if (config->critical && shows_ground(observer, view, &config->place)) {
		return SIGHT_FALLBACK;
	}
	const struct atlas_tile *tile = atlas_find(observer->atlas, "placeholder/%s", config->name);
	if (tile != NULL &&
		shows_tile(observer, view, tile, &config->place, tile->height / PROBE_ROWS)) {
		return SIGHT_PLACEHOLDER;
	}
	return is_black(view, &config->place) ? SIGHT_BLACK : SIGHT_OTHER;
}

/* The picture of a lamp in the present theme and locale. */
static const struct atlas_tile *lamp_tile(const struct observer *observer, uint32_t element,
	bool is_on, int32_t values[SIGNAL_VALUES]) {
	uint32_t signal = observer->atlas->elements[element].signal;
	int32_t kept = values[signal];
	values[signal] = is_on;
	const struct atlas_tile *tile = hmi_tile(&observer->hmi, element, values);
	values[signal] = kept;
	return tile;
}

static void look_at_lamps(
	const struct observer *observer, const struct view *view, struct sight *sight) {
	int32_t values[SIGNAL_VALUES];
	for (unsigned i = 0; i < SIGNAL_VALUES; i++) {
		values[i] = atomic_load(&observer->values[i]);
	}
	for (uint32_t i = 0; i < observer->atlas->elements_len && i < 64; i++) {
		const struct atlas_element *element = &observer->atlas->elements[i];
		if (!element->safety || element->kind != ATLAS_LAMP) {
			continue;
		}
		const struct atlas_tile *on = lamp_tile(observer, i, true, values);
		const struct atlas_tile *off = lamp_tile(observer, i, false, values);
		const struct rect place = { on->x, on->y, on->width, on->height };
		bool is_lit = shows_tile(observer, view, on, &place, 1);
		bool is_off = !is_lit && shows_tile(observer, view, off, &place, 1);
		bool wanted = values[element->signal] != 0;
		sight->lit |= (uint64_t)is_lit << i;
		sight->wrong |= (uint64_t)(wanted ? !is_lit : !is_off) << i;
	}
}

static void add_sight(struct observer *observer, const struct sight *sight) {
	uint64_t index = atomic_load(&observer->sights_len);
	observer->sights[index % OBSERVER_SIGHTS] = *sight;
	atomic_store(&observer->sights_len, index + 1);
}

bool observer_look(struct observer *observer) {
	const struct output_memory_page *page = observer->reader->page;
	for (unsigned tries = 0; tries < 100; tries++) {
		uint64_t shown = atomic_load(&page->shown);
		if (shown == observer->seen) {
			return false;
		}
		struct sight sight = { .number = shown, .shown_ns = atomic_load(&page->shown_ns) };
		const struct view view = {
			.pixels = (const uint32_t *)((const uint8_t *)page +
				page->picture_offset[(shown - 1) % OUTPUT_MEMORY_PICTURES]),
			.stride = page->stride / 4,
		};
		sight.cluster =
			(uint8_t)classify(observer, &view, observer->cluster, &sight.counter);
		sight.other =
			(uint8_t)classify(observer, &view, observer->other, &sight.other_counter);
		look_at_lamps(observer, &view, &sight);
		if (atomic_load(&page->shown) < shown + 2) {
			if (observer->seen != 0 && shown > observer->seen + 1) {
				atomic_fetch_add(&observer->missed, shown - observer->seen - 1);
			}
			observer->seen = shown;
			add_sight(observer, &sight);
			return true;
		}
	}
	return false;
}

static void *run(void *data) {
	struct observer *observer = data;
	uint32_t wake = 0;
	while (!atomic_load(&observer->stop)) {
		if (output_reader_wait(observer->reader, &wake, WAIT_MS)) {
			observer_look(observer);
		}
	}
	return NULL;
}

static uint32_t find_layer(const struct config *config, const char *name) {
	for (uint32_t i = 0; i < config->layers_len; i++) {
		if (strcmp(config->layers[i].name, name) == 0) {
			return i;
		}
	}
	return CONFIG_NONE;
}

int observer_init(struct observer *observer, struct output_reader *reader,
	const struct config *config, const struct atlas *atlas, bool is_real) {
	memset(observer, 0, sizeof(*observer));
	observer->reader = reader;
	observer->config = config;
	observer->atlas = atlas;
	observer->cluster = find_layer(config, "cluster");
	observer->other = find_layer(config, "ivi");
	if (observer->cluster == CONFIG_NONE || observer->other == CONFIG_NONE) {
		return -EINVAL;
	}
	hmi_init(&observer->hmi, atlas, config, 0);
	if (!is_real) {
		return 0;
	}
	int error = realtime_thread_create(&observer->thread, PRIORITY, run, observer, NULL);
	observer->has_thread = error == 0;
	return error;
}

void observer_finish(struct observer *observer) {
	if (observer->has_thread) {
		atomic_store(&observer->stop, true);
		pthread_join(observer->thread, NULL);
		observer->has_thread = false;
	}
}

void observer_set_values(struct observer *observer, const int32_t values[SIGNAL_VALUES]) {
	for (unsigned i = 0; i < SIGNAL_VALUES; i++) {
		atomic_store(&observer->values[i], values[i]);
	}
}

uint64_t observer_len(const struct observer *observer) {
	return atomic_load(&observer->sights_len);
}

bool observer_get(const struct observer *observer, uint64_t index, struct sight *sight) {
	uint64_t len = observer_len(observer);
	if (index >= len || len - index >= OBSERVER_SIGHTS - 1) {
		return false;
	}
	*sight = observer->sights[index % OBSERVER_SIGHTS];
	return true;
}

bool observer_newest(const struct observer *observer, struct sight *sight) {
	uint64_t len = observer_len(observer);
	return len > 0 && observer_get(observer, len - 1, sight);
}
