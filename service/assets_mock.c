#include "service/assets_mock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/macros.h"

static uint32_t over(uint32_t below, uint32_t above) {
	uint32_t keep = 255 - (above >> 24), result = 0xff000000;
	for (unsigned shift = 0; shift < 24; shift += 8) {
		uint32_t channel =
			(above >> shift & 0xff) + ((below >> shift & 0xff) * keep + 127) / 255;
		result |= MIN(channel, 255u) << shift;
	}
	return result;
}

void assets_mock_blend(struct assets_mock *mock, const struct atlas *atlas,
	const struct atlas_tile *tile, int32_t x, int32_t y) {
	const uint32_t *pixels = atlas_pixels(atlas, tile);
	const struct rect bounds = { 0, 0, mock->place.width, mock->place.height };
	const struct rect place = { x, y, tile->width, tile->height };
	struct rect part = rect_intersect(&place, &bounds);
	for (uint32_t row = 0; row < part.height; row++) {
		uint32_t *to =
			mock->pixels + ((size_t)part.y + row) * mock->place.width + (size_t)part.x;
		const uint32_t *from =
			pixels + ((size_t)(part.y - y) + row) * tile->width + (size_t)(part.x - x);
		for (uint32_t i = 0; i < part.width; i++) {
			to[i] = over(to[i], from[i]);
		}
	}
}

struct mocking {
	struct assets_mock *mock;
	const struct atlas *atlas;
	const struct assets_values *values;
	const struct atlas_element *element;
	struct rect ground;
};

static void blend_state(const struct mocking *mocking, uint32_t state, uint32_t shift) {
	const struct atlas_tile *tile = atlas_element_tile(mocking->atlas, mocking->element,
		mocking->values->theme, mocking->values->locale, state);
	int32_t x = tile->x + (int32_t)(shift * tile->width);
	assets_mock_blend(mocking->mock, mocking->atlas, tile, x - mocking->ground.x,
		tile->y - mocking->ground.y);
}

static void blend_readout(const struct mocking *mocking, int32_t value) {
	const struct atlas_element *element = mocking->element;
	bool unknown = value == SIGNAL_UNKNOWN;
	int64_t rest = value;
	for (uint32_t i = element->decimals; !unknown && i < signal_info(element->signal)->decimals;
		i++) {
		rest /= 10;
	}
	bool negative = rest < 0;
	rest = negative ? -rest : rest;
	for (uint32_t i = 0; i < element->digits; i++) {
		uint32_t state = (uint32_t)(rest % 10);
		if (unknown) {
			state = ATLAS_READOUT_MINUS;
		} else if (rest == 0 && i > element->decimals) {
			state = negative ? ATLAS_READOUT_MINUS : ATLAS_READOUT_BLANK;
			negative = false;
		}
		blend_state(mocking, state, element->digits - 1 - i);
		rest /= 10;
	}
}

static void blend_gauge(const struct mocking *mocking, int32_t value) {
	const struct atlas_element *element = mocking->element;
	if (value == SIGNAL_UNKNOWN) {
		return;
	}
	int64_t range = (int64_t)element->most - element->least;
	int64_t part = MIN(MAX((int64_t)value - element->least, 0), range);
	blend_state(mocking, (uint32_t)((part * (element->states_len - 1) + range / 2) / range), 0);
}

static bool is_missing(const struct assets_values *values, const char *layer) {
	for (const char *const *missing = values->missing; missing != NULL && *missing != NULL;
		missing++) {
		if (strcmp(*missing, layer) == 0) {
			return true;
		}
	}
	return values->all_notices;
}

static void blend_element(const struct mocking *mocking) {
	const struct atlas_element *element = mocking->element;
	int32_t value = element->signal < SIGNAL_VALUES ? mocking->values->signals[element->signal]
							: SIGNAL_UNKNOWN;
	uint32_t last = element->states_len - 1;
	switch (element->kind) {
	case ATLAS_LAMP:
		blend_state(mocking, value != 0, 0);
		break;
	case ATLAS_CHOICE:
		blend_state(
			mocking, value >= 0 && (uint32_t)value < last ? (uint32_t)value : last, 0);
		break;
	case ATLAS_READOUT:
		blend_readout(mocking, value);
		break;
	case ATLAS_GAUGE:
		blend_gauge(mocking, value);
		break;
	case ATLAS_NOTICE:
		if (is_missing(mocking->values, element->name)) {
			blend_state(mocking, 0, 0);
		}
		break;
	case ATLAS_FRAME:
		if (value != 0 && value != SIGNAL_UNKNOWN) {
			blend_state(mocking, 0, 0);
		}
		break;
	default:
		blend_state(mocking, 0, 0);
		break;
	}
}

int assets_mock_init(struct assets_mock *mock, const struct atlas *atlas, const char *output,
	const struct assets_values *values) {
	struct mocking mocking = { .mock = mock, .atlas = atlas, .values = values };
	for (uint32_t i = 0; i < atlas->elements_len; i++) {
		if (atlas->elements[i].kind == ATLAS_GROUND &&
			strcmp(atlas->elements[i].output, output) == 0) {
			mocking.ground = atlas->elements[i].place;
			break;
		}
	}
	*mock = (struct assets_mock) { .place = mocking.ground };
	if (rect_is_empty(&mocking.ground)) {
		return -ENOENT;
	}
	mock->pixels =
		calloc((size_t)mock->place.width * mock->place.height, sizeof(*mock->pixels));
	if (mock->pixels == NULL) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < atlas->elements_len; i++) {
		mocking.element = &atlas->elements[i];
		if (strcmp(mocking.element->output, output) == 0) {
			blend_element(&mocking);
		}
	}
	return 0;
}

void assets_mock_finish(struct assets_mock *mock) {
	free(mock->pixels);
	mock->pixels = NULL;
}
