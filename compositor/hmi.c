#include "compositor/hmi.h"

#include <assert.h>
#include <string.h>

#include "core/log.h"
#include "core/macros.h"

#define FIRST_ID 128 /* the layers' ids end before */
#define FIRST_ORDER (INT64_MAX - 1000)

/* in place of a missing ground: as visible as it can be */
#define PLAIN_GROUND 0x101418

_Static_assert(FIRST_ID + 1 + ATLAS_SPRITES_MAX < SCENE_IDS, "ids are enough for each HMI");

/* ---- what an output has ---- */

static uint32_t find_layer(const struct config *config, const char *name, uint32_t output) {
	for (uint32_t i = 0; i < config->layers_len; i++) {
		if (config->layers[i].output == output &&
			strcmp(config->layers[i].name, name) == 0) {
			return i;
		}
	}
	return CONFIG_NONE;
}

static uint32_t sprites_of(const struct atlas_element *element) {
	return element->kind == ATLAS_READOUT ? element->digits : 1;
}

static void add_element(struct hmi *hmi, uint32_t index, uint32_t *id, const struct config *config,
	uint32_t output) {
	const struct atlas_element *element = &hmi->atlas->elements[index];
	bool is_notice = element->kind == ATLAS_NOTICE;
	hmi->elements[hmi->elements_len++] = (struct hmi_element) {
		.index = index,
		.id = *id,
		.layer = is_notice ? find_layer(config, element->name, output) : CONFIG_NONE,
	};
	*id += sprites_of(element);
	if (element->kind == ATLAS_GROUND) {
		hmi->area = rect_union(&hmi->area, &element->place);
	}
}

static bool has_notice(const struct hmi *hmi, uint32_t layer) {
	for (uint32_t i = 0; i < hmi->elements_len; i++) {
		if (hmi->elements[i].layer == layer) {
			return true;
		}
	}
	return false;
}

static void log_missing(const struct hmi *hmi, const struct config *config, uint32_t output) {
	const char *name = config->outputs[output].name;
	if (rect_is_empty(&hmi->area)) {
		log_error(
			"output %s: the atlas has no HMI for it; a plain area stands for it", name);
	}
	for (uint32_t i = 0; i < config->layers_len; i++) {
		const struct config_layer *layer = &config->layers[i];
		if (layer->output == output && layer->critical && !has_notice(hmi, i)) {
			log_warning("output %s: its HMI cannot say that layer %s is missing: the "
				    "atlas has no notice of that name",
				name, layer->name);
		}
	}
}

void hmi_init(
	struct hmi *hmi, const struct atlas *atlas, const struct config *config, uint32_t output) {
	const struct config_output *of = &config->outputs[output];
	uint32_t id = FIRST_ID + 1;
	*hmi = (struct hmi) { .atlas = atlas };
	for (uint32_t i = 0; i < atlas->elements_len; i++) {
		if (strcmp(atlas->elements[i].output, of->name) == 0) {
			add_element(hmi, i, &id, config, output);
		}
	}
	log_missing(hmi, config, output);
	if (rect_is_empty(&hmi->area)) {
		hmi->area = (struct rect) { 0, 0, of->width, of->height };
	}
}

/* ---- values to states ---- */

#define NO_STATE UINT32_MAX

static int32_t value_of(const struct atlas_element *element, const int32_t *values) {
	return element->signal < SIGNAL_VALUES ? values[element->signal] : SIGNAL_UNKNOWN;
}

static uint32_t gauge_state(const struct atlas_element *element, int32_t value) {
	if (value == SIGNAL_UNKNOWN) {
		return NO_STATE;
	}
	int64_t range = (int64_t)element->most - element->least;
	int64_t at = (int64_t)MIN(MAX(value, element->least), element->most) - element->least;
	return (uint32_t)((at * (element->states_len - 1) * 2 + range) / (range * 2));
}

static uint32_t choice_state(const struct atlas_element *element, int32_t value) {
	uint32_t unknown = element->states_len - 1;
	return value >= 0 && (uint32_t)value < unknown ? (uint32_t)value : unknown;
}

static uint32_t state_of(const struct atlas_element *element, int32_t value) {
	switch ((enum atlas_element_kind)element->kind) {
	case ATLAS_LAMP:
		return value != 0;
	case ATLAS_CHOICE:
		return choice_state(element, value);
	case ATLAS_GAUGE:
		return gauge_state(element, value);
	case ATLAS_FRAME:
		return value != 0 && value != SIGNAL_UNKNOWN ? 0 : NO_STATE;
	case ATLAS_GROUND:
	case ATLAS_NOTICE:
	case ATLAS_READOUT:
	case ATLAS_KINDS:
		break;
	}
	return 0;
}

/* The value in units of the readout, to the nearest. */
static int64_t scale_value(const struct atlas_element *element, int32_t value) {
	const struct signal_info *info = signal_info(element->signal);
	uint32_t decimals = info != NULL ? info->decimals : 0;
	int64_t scaled = value;
	for (; decimals < element->decimals; decimals++) {
		scaled *= 10;
	}
	int64_t unit = 1;
	for (; decimals > element->decimals; decimals--) {
		unit *= 10;
	}
	return (scaled + (scaled < 0 ? -unit / 2 : unit / 2)) / unit;
}

static void fill(uint8_t *states, uint32_t from, uint32_t to, uint8_t state) {
	memset(states + from, state, to - from);
}

/* A state for each digit, from the left: blanks, a minus, the number, with a digit before its decimals. A
 * number that does not fit is as good as unknown. */
static void readout_states(
	const struct atlas_element *element, int32_t value, uint8_t states[ATLAS_DIGITS_MAX]) {
	uint32_t at = element->digits;
	fill(states, 0, at, ATLAS_READOUT_MINUS);
	if (value == SIGNAL_UNKNOWN) {
		return;
	}
	int64_t scaled = scale_value(element, value);
	uint64_t rest = scaled < 0 ? (uint64_t)-scaled : (uint64_t)scaled;
	uint32_t least = element->digits - 1 - element->decimals;
	uint8_t digits[ATLAS_DIGITS_MAX];
	for (; at > 0 && (rest > 0 || at > least); rest /= 10) {
		digits[--at] = (uint8_t)(rest % 10);
	}
	if (rest > 0 || (scaled < 0 && at == 0)) {
		return;
	}
	memcpy(states + at, digits + at, element->digits - at);
	if (scaled < 0) {
		at--; /* its minus is there */
	}
	fill(states, 0, at, ATLAS_READOUT_BLANK);
}

static const struct atlas_tile *tile_of(const struct hmi *hmi, const struct atlas_element *element,
	const int32_t *values, uint32_t state) {
	return atlas_element_tile(hmi->atlas, element, (uint32_t)values[SIGNAL_THEME],
		(uint32_t)values[SIGNAL_LOCALE], state);
}

const struct atlas_tile *hmi_tile(
	const struct hmi *hmi, uint32_t index, const int32_t values[SIGNAL_VALUES]) {
	assert(index < hmi->atlas->elements_len);
	const struct atlas_element *element = &hmi->atlas->elements[index];
	int32_t value = value_of(element, values);
	if (element->kind == ATLAS_READOUT) {
		uint8_t states[ATLAS_DIGITS_MAX];
		readout_states(element, value, states);
		return tile_of(hmi, element, values, states[element->digits - 1]);
	}
	uint32_t state = state_of(element, value);
	return state == NO_STATE ? NULL : tile_of(hmi, element, values, state);
}

/* ---- tiles to sprites ---- */

struct adder {
	const struct hmi *hmi;
	const int32_t *values;
	struct scene *scene;
	const struct rect *output;
};

/* Sprite `number` of an element, that many tile widths to the right. */
static void add_tile(const struct adder *adder, const struct hmi_element *element, uint32_t number,
	const struct atlas_tile *tile) {
	struct sprite sprite = {
		.pixels = (const uint8_t *)atlas_pixels(adder->hmi->atlas, tile),
		.stride = tile->width * PIXEL_BYTES,
		.width = tile->width,
		.height = tile->height,
		.format = PIXEL_FORMAT_BGRA,
		.opacity = 255,
		.opaque = tile->opaque != 0,
		.place = { tile->x, tile->y, tile->width, tile->height },
	};
	sprite.place.x += (int32_t)(number * tile->width);
	const struct scene_item item = {
		.id = element->id + number,
		.order = FIRST_ORDER + element->id + number,
		.content =
			sprite.pixels, /* equal pixels are equal, whatever state they stand for */
	};
	scene_add(adder->scene, &item, &sprite, adder->output);
}

static void add_readout(const struct adder *adder, const struct hmi_element *element) {
	const struct atlas_element *readout = &adder->hmi->atlas->elements[element->index];
	uint8_t states[ATLAS_DIGITS_MAX];
	readout_states(readout, value_of(readout, adder->values), states);
	for (uint32_t i = 0; i < readout->digits; i++) {
		add_tile(adder, element, i, tile_of(adder->hmi, readout, adder->values, states[i]));
	}
}

static void add_pictures(const struct adder *adder, const struct hmi_element *element) {
	if (adder->hmi->atlas->elements[element->index].kind == ATLAS_READOUT) {
		add_readout(adder, element);
		return;
	}
	const struct atlas_tile *tile = hmi_tile(adder->hmi, element->index, adder->values);
	if (tile != NULL) {
		add_tile(adder, element, 0, tile);
	}
}

/* Plain, under all others: no layer shines through. */
static void add_ground(const struct adder *adder) {
	const struct sprite sprite = {
		.colour = PLAIN_GROUND,
		.opacity = 255,
		.opaque = true,
		.place = adder->hmi->area,
	};
	const struct scene_item item = {
		.id = FIRST_ID,
		.order = FIRST_ORDER + FIRST_ID,
		.content = adder->hmi,
	};
	scene_add(adder->scene, &item, &sprite, adder->output);
}

static bool is_missing(const struct hmi_element *element, uint32_t missing) {
	return element->layer != CONFIG_NONE && (missing & UINT32_C(1) << element->layer) != 0;
}

void hmi_add_fallback(const struct hmi *hmi, const int32_t values[SIGNAL_VALUES], uint32_t missing,
	struct scene *scene, const struct rect *output) {
	const struct adder adder = { hmi, values, scene, output };
	add_ground(&adder);
	for (uint32_t i = 0; i < hmi->elements_len; i++) {
		const struct hmi_element *element = &hmi->elements[i];
		bool is_notice = hmi->atlas->elements[element->index].kind == ATLAS_NOTICE;
		if (!is_notice || is_missing(element, missing)) {
			add_pictures(&adder, element);
		}
	}
}

void hmi_add_overlay(const struct hmi *hmi, const int32_t values[SIGNAL_VALUES],
	const bool host_drawn[ATLAS_ELEMENTS_MAX], struct scene *scene, const struct rect *output) {
	const struct adder adder = { hmi, values, scene, output };
	for (uint32_t i = 0; i < hmi->elements_len; i++) {
		uint32_t index = hmi->elements[i].index;
		if (host_drawn[index] || hmi->atlas->elements[index].kind == ATLAS_FRAME) {
			add_pictures(&adder, &hmi->elements[i]);
		}
	}
}
