#include "compositor/hmi.h"

#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/macros.h"

#define FIRST_ID 128 /* the layers' ids end before */
#define FIRST_ORDER (INT64_MAX - 1000)

/* in place of missing tiles: as visible as they can be */
#define PLAIN_BACKGROUND 0x101418
#define PLAIN_TILE 0xc0c0c0
#define PLAIN_LIT 0xff3020

static const char speed_names[] = "0123456789-";
static const char gear_names[] = HMI_GEARS;

void hmi_values_init(struct hmi_values *values) {
	*values = (struct hmi_values) { .speed = HMI_UNKNOWN, .gear = '-' };
	for (unsigned i = 0; i < HMI_TELLTALES; i++) {
		values->lit[i] = true;
	}
}

static void set_tile(
	struct hmi_tile *to, const struct atlas_tile *tile, const char *output, const char *what) {
	*to = (struct hmi_tile) { .tile = tile };
	if (tile == NULL) {
		log_error("output %s: the atlas has no tile hmi/%s/%s; a plain area stands for it",
			output, output, what);
		return;
	}
	to->place = (struct rect) { tile->x, tile->y, tile->width, tile->height };
}

/* Tiles of one kind go to one place: a missing one's area is that of any other. */
static void borrow_places(struct hmi_tile *tiles, size_t len) {
	struct rect place = { 0 };
	for (size_t i = 0; i < len; i++) {
		if (tiles[i].tile != NULL) {
			place = tiles[i].place;
		}
	}
	for (size_t i = 0; i < len; i++) {
		if (tiles[i].tile == NULL) {
			tiles[i].place = place;
		}
	}
}

static void find_set(struct hmi *hmi, struct hmi_tile *tiles, const char *names, const char *kind,
	const char *output) {
	size_t len = strlen(names);
	for (size_t i = 0; i < len; i++) {
		char what[32];
		snprintf(what, sizeof(what), "%s/%c", kind, names[i]);
		set_tile(
			&tiles[i], atlas_find(hmi->atlas, "hmi/%s/%s", output, what), output, what);
	}
	borrow_places(tiles, len);
}

static void find_telltales(struct hmi *hmi, const char *output) {
	for (unsigned i = 0; i < HMI_TELLTALES; i++) {
		for (unsigned on = 0; on < 2; on++) {
			char what[32];
			snprintf(what, sizeof(what), "telltale/%u/%s", i, on ? "on" : "off");
			set_tile(&hmi->telltale[i][on],
				atlas_find(hmi->atlas, "hmi/%s/%s", output, what), output, what);
		}
		borrow_places(hmi->telltale[i], 2);
	}
}

void hmi_init(
	struct hmi *hmi, const struct atlas *atlas, const struct config *config, uint32_t output) {
	const char *name = config->outputs[output].name;
	*hmi = (struct hmi) { .atlas = atlas };

	set_tile(
		&hmi->background, atlas_find(atlas, "hmi/%s/background", name), name, "background");
	const struct rect whole = { 0, 0, config->outputs[output].width,
		config->outputs[output].height };
	hmi->ground.place = hmi->background.tile != NULL ? hmi->background.place : whole;
	find_set(hmi, hmi->speed, speed_names, "speed", name);
	find_set(hmi, hmi->gear, gear_names, "gear", name);
	find_telltales(hmi, name);
	for (uint32_t i = 0; i < config->layers_len; i++) {
		const struct config_layer *layer = &config->layers[i];
		if (layer->output == output && layer->critical) {
			char what[CONFIG_NAME_BYTES + 16];
			snprintf(what, sizeof(what), "missing/%s", layer->name);
			set_tile(&hmi->missing[i],
				atlas_find(atlas, "hmi/%s/missing/%s", name, layer->name), name,
				what);
		}
	}
}

struct adder {
	const struct hmi *hmi;
	struct scene *scene;
	const struct rect *output;
	uint32_t index; /* of the element: the same element has the same one in every scene */
};

/* `shift`: how many tile widths to the right. */
static void add_tile(
	struct adder *adder, const struct hmi_tile *tile, uint32_t shift, uint32_t plain) {
	uint32_t index = adder->index++;
	struct sprite sprite = {
		.opacity = 255, .opaque = true, .colour = plain, .place = tile->place
	};
	sprite.place.x += (int32_t)(shift * tile->place.width);
	if (tile->tile != NULL) {
		sprite.pixels = (const uint8_t *)atlas_pixels(adder->hmi->atlas, tile->tile);
		sprite.stride = tile->tile->width * PIXEL_BYTES;
		sprite.width = tile->tile->width;
		sprite.height = tile->tile->height;
		sprite.format = PIXEL_FORMAT_BGRA;
		sprite.opaque = tile->tile->opaque != 0;
	}
	const struct scene_item item = {
		.id = FIRST_ID + index,
		.order = FIRST_ORDER + index,
		.content = tile,
	};
	scene_add(adder->scene, &item, &sprite, adder->output);
}

static void add_speed(struct adder *adder, int32_t speed) {
	unsigned digits[HMI_DIGITS] = { 10, 10, 10 };
	if (speed >= 0 && speed <= 999) {
		digits[0] = (unsigned)speed / 100;
		digits[1] = (unsigned)speed / 10 % 10;
		digits[2] = (unsigned)speed % 10;
	}
	for (unsigned i = 0; i < HMI_DIGITS; i++) {
		add_tile(adder, &adder->hmi->speed[digits[i]], i, PLAIN_TILE);
	}
}

static void add_gear(struct adder *adder, char gear) {
	const char *found = gear != '\0' ? strchr(gear_names, gear) : NULL;
	size_t index = found != NULL ? (size_t)(found - gear_names) : strlen(gear_names) - 1;
	add_tile(adder, &adder->hmi->gear[index], 0, PLAIN_TILE);
}

void hmi_add_to_scene(const struct hmi *hmi, const struct hmi_values *values, uint32_t missing,
	struct scene *scene, const struct rect *output) {
	struct adder adder = { .hmi = hmi, .scene = scene, .output = output };

	add_tile(&adder, &hmi->ground, 0, PLAIN_BACKGROUND);
	add_tile(&adder, &hmi->background, 0, PLAIN_BACKGROUND);
	add_speed(&adder, values->speed);
	add_gear(&adder, values->gear);
	for (unsigned i = 0; i < HMI_TELLTALES; i++) {
		add_tile(&adder, &hmi->telltale[i][values->lit[i]], 0,
			values->lit[i] ? PLAIN_LIT : PLAIN_TILE);
	}
	for (uint32_t i = 0; i < CONFIG_LAYERS_MAX; i++) {
		if (missing & UINT32_C(1) << i) {
			add_tile(&adder, &hmi->missing[i], 0, PLAIN_LIT);
		} else {
			adder.index++;
		}
	}
}
