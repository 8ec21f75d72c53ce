#include "tests/support/test_atlas.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/atlas.h"
#include "core/crc32.h"
#include "core/cue.h"
#include "core/fd.h"
#include "core/macros.h"
#include "core/pixel_format.h"

#define LAMP_SIZE 5
#define THEMES 2
#define LOCALES 2

struct builder {
	const char *without;
	uint32_t elements_len, tiles_len;
	struct atlas_element elements[ATLAS_ELEMENTS_MAX];
	struct atlas_tile tiles[ATLAS_TILES_MAX];
	uint32_t
		shares[ATLAS_TILES_MAX]; /* index + 1 of the tile whose pixels it has; 0: its own */
};

static const char *const speed_states[] = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "-",
	"blank" };
static const char *const gear_states[] = { "P", "R", "N", "D", "-" };
static const char *const lamp_states[] = { "off", "on" };
static const char *const revs_states[] = { "0", "1", "2", "3", "4", "5", "6", "7", "8" };
static const char *const one_state[] = { "one" };

const struct test_lamp test_lamps[TEST_ATLAS_LAMPS] = {
	{ "turn-left", SIGNAL_TURN_LEFT, false },
	{ "turn-right", SIGNAL_TURN_RIGHT, false },
	{ "main-beam", SIGNAL_MAIN_BEAM, false },
	{ "low-fuel", SIGNAL_LOW_FUEL, false },
	{ "brake", SIGNAL_BRAKE, true },
	{ "airbag", SIGNAL_AIRBAG, true },
	{ "oil-pressure", SIGNAL_OIL_PRESSURE, true },
	{ "battery", SIGNAL_BATTERY, true },
};

uint32_t test_atlas_colour(const char *name) {
	/* a checksum is as good as a random number, and never black */
	return (crc32_update(0, name, strlen(name)) & 0xffffff) | 0x010101;
}

static bool is_left_out(const struct builder *builder, const char *name) {
	return builder->without != NULL && strstr(name, builder->without) != NULL;
}

static struct atlas_tile *add(struct builder *builder, const char *name, struct rect place) {
	assert(builder->tiles_len < ATLAS_TILES_MAX);
	struct atlas_tile *tile = &builder->tiles[builder->tiles_len++];
	*tile = (struct atlas_tile) { .x = place.x,
		.y = place.y,
		.width = place.width,
		.height = place.height,
		.opaque = 1 };
	snprintf(tile->name, sizeof(tile->name), "%s", name);
	return tile;
}

/* The states in a theme; the second locale has the first one's pixels. */
static void add_states(struct builder *builder, const struct atlas_element *element,
	const char *const *states, uint32_t theme) {
	struct rect place = element->place;
	if (element->kind == ATLAS_READOUT) {
		place.width /= element->digits;
	}
	for (uint32_t i = 0; i < element->states_len; i++) {
		char name[88];
		snprintf(name, sizeof(name), "hmi/%s/%s/%s%s", element->output, element->name,
			states[i], theme == 1 ? "@night" : "");
		add(builder, name, place);
	}
	for (uint32_t i = 0; i < element->states_len; i++) {
		uint32_t origin = builder->tiles_len - element->states_len;
		add(builder, builder->tiles[origin].name, place);
		builder->shares[builder->tiles_len - 1] = origin + 1;
	}
}

static void add_element(struct builder *builder, const struct atlas_element *element,
	const char *name, const char *const *states) {
	struct atlas_element *added = &builder->elements[builder->elements_len];
	*added = *element;
	snprintf(added->name, sizeof(added->name), "%s", name);
	char path[88];
	snprintf(path, sizeof(path), "hmi/%s/%s", added->output, name);
	if (is_left_out(builder, path)) {
		return;
	}
	added->first_tile = builder->tiles_len;
	builder->elements_len++;
	for (uint32_t theme = 0; theme < THEMES; theme++) {
		add_states(builder, added, states, theme);
	}
}

static void add_lamps(struct builder *builder, const struct atlas_element *base) {
	for (int i = 0; i < TEST_ATLAS_LAMPS; i++) {
		struct atlas_element lamp = *base;
		lamp.kind = ATLAS_LAMP;
		lamp.signal = test_lamps[i].signal;
		lamp.safety = test_lamps[i].safety;
		lamp.chime = test_lamps[i].safety ? CUE_CHIME_WARNING : CUE_CHIME_NONE;
		lamp.states_len = ARRAY_LEN(lamp_states);
		lamp.place = (struct rect) { 2 + 6 * i, 20, LAMP_SIZE, LAMP_SIZE };
		add_element(builder, &lamp, test_lamps[i].name, lamp_states);
	}
}

static void add_notices(struct builder *builder, const struct config *config, uint32_t index,
	const struct atlas_element *base) {
	for (uint32_t i = 0; i < config->layers_len; i++) {
		const struct config_layer *layer = &config->layers[i];
		if (layer->output == index && layer->critical) {
			struct atlas_element notice = *base;
			notice.kind = ATLAS_NOTICE;
			notice.states_len = 1;
			notice.place = (struct rect) { 2, 28 + 6 * (int32_t)i, 20, 5 };
			add_element(builder, &notice, layer->name, one_state);
		}
	}
}

static void add_hmi(struct builder *builder, const struct config *config, uint32_t index) {
	const struct config_output *output = &config->outputs[index];
	struct atlas_element base = { .signal = SIGNAL_NONE };
	snprintf(base.output, sizeof(base.output), "%s", output->name);

	struct atlas_element ground = base;
	ground.kind = ATLAS_GROUND;
	ground.states_len = 1;
	ground.place = (struct rect) { 0, 0, output->width, output->height };
	add_element(builder, &ground, "ground", one_state);

	struct atlas_element speed = base;
	speed.kind = ATLAS_READOUT;
	speed.signal = SIGNAL_SPEED;
	speed.digits = 3;
	speed.states_len = ARRAY_LEN(speed_states);
	speed.place = (struct rect) { 2, 4, 3 * TEST_ATLAS_DIGIT_WIDTH, TEST_ATLAS_DIGIT_HEIGHT };
	add_element(builder, &speed, "speed", speed_states);

	struct atlas_element gear = base;
	gear.kind = ATLAS_CHOICE;
	gear.signal = SIGNAL_GEAR;
	gear.states_len = ARRAY_LEN(gear_states);
	gear.place = (struct rect) { 2 + 4 * TEST_ATLAS_DIGIT_WIDTH, 4, TEST_ATLAS_DIGIT_WIDTH,
		TEST_ATLAS_DIGIT_HEIGHT };
	add_element(builder, &gear, "gear", gear_states);

	struct atlas_element revs = base;
	revs.kind = ATLAS_GAUGE;
	revs.signal = SIGNAL_REVS;
	revs.least = 0;
	revs.most = 8000;
	revs.states_len = ARRAY_LEN(revs_states);
	revs.place = (struct rect) { 44, 4, 8, 12 };
	add_element(builder, &revs, "revs", revs_states);

	add_lamps(builder, &base);
	add_notices(builder, config, index, &base);

	struct atlas_element camera = base;
	camera.kind = ATLAS_FRAME;
	camera.signal = SIGNAL_CAMERA;
	camera.states_len = 1;
	camera.place = (struct rect) { 52, 20, 10, 10 };
	add_element(builder, &camera, "camera", one_state);
}

static void add_all(struct builder *builder, const struct config *config) {
	for (uint32_t i = 0; i < config->outputs_len; i++) {
		if (config->outputs[i].fallback) {
			add_hmi(builder, config, i);
		}
	}
	for (uint32_t i = 0; i < config->layers_len; i++) {
		const struct config_layer *layer = &config->layers[i];
		char name[88];
		snprintf(name, sizeof(name), "%s/%s",
			layer->kind == CONFIG_LAYER_PICTURE ? "picture" : "placeholder",
			layer->name);
		if (!is_left_out(builder, name)) {
			add(builder, name,
				(struct rect) { 0, 0, layer->place.width, layer->place.height });
		}
	}
}

static uint64_t pixels_of(const struct atlas_tile *tile) {
	return (uint64_t)tile->width * tile->height;
}

/* Gives every tile its place in the file; returns the file's size. */
static uint64_t lay_out(struct builder *builder) {
	uint64_t at = sizeof(struct atlas_header) +
		builder->elements_len * sizeof(builder->elements[0]) +
		builder->tiles_len * sizeof(builder->tiles[0]);
	for (uint32_t i = 0; i < builder->tiles_len; i++) {
		if (builder->shares[i] != 0) {
			builder->tiles[i].offset = builder->tiles[builder->shares[i] - 1].offset;
			continue;
		}
		builder->tiles[i].offset = (at + ATLAS_ALIGN - 1) / ATLAS_ALIGN * ATLAS_ALIGN;
		at = builder->tiles[i].offset + pixels_of(&builder->tiles[i]) * PIXEL_BYTES;
	}
	return at;
}

static void draw(struct atlas_tile *tile, uint8_t *file) {
	uint32_t *pixels = (uint32_t *)(void *)(file + tile->offset);
	for (uint64_t i = 0; i < pixels_of(tile); i++) {
		pixels[i] = test_atlas_colour(tile->name) | 0xff000000;
	}
	if (tile->width == LAMP_SIZE && tile->height == LAMP_SIZE) {
		/* told from its ground, its mirror image and its place */
		pixels[3 * LAMP_SIZE + 1] ^= 0xffffff;
	}
	tile->crc32 = crc32_update(0, pixels, pixels_of(tile) * PIXEL_BYTES);
	tile->shown_crc32 = tile->crc32; /* every alpha is 255 */
}

static void write_tables(const struct builder *builder, uint64_t bytes, uint8_t *file) {
	struct atlas_header header = { .magic = ATLAS_MAGIC,
		.version = ATLAS_VERSION,
		.size_bytes = bytes,
		.themes_len = THEMES,
		.locales_len = LOCALES,
		.elements_len = builder->elements_len,
		.tiles_len = builder->tiles_len };
	size_t elements_bytes = builder->elements_len * sizeof(builder->elements[0]);
	header.crc32 = atlas_crc32(&header, builder->elements, builder->tiles);
	memcpy(file, &header, sizeof(header));
	memcpy(file + sizeof(header), builder->elements, elements_bytes);
	memcpy(file + sizeof(header) + elements_bytes, builder->tiles,
		builder->tiles_len * sizeof(builder->tiles[0]));
}

int test_atlas_create_fd(const struct config *config, const char *without) {
	static struct builder builder;
	memset(&builder, 0, sizeof(builder));
	builder.without = without;
	add_all(&builder, config);
	uint64_t bytes = lay_out(&builder);
	uint8_t *file = calloc(1, bytes);
	assert(file != NULL);
	for (uint32_t i = 0; i < builder.tiles_len; i++) {
		draw(&builder.tiles[i], file);
	}
	write_tables(&builder, bytes, file);
	const char *fault = atlas_fault(file, bytes);
	if (fault != NULL) {
		fprintf(stderr, "the test's atlas is wrong: %s\n", fault);
		abort();
	}
	int fd = fd_memfd_create_constant("test-atlas", file, bytes);
	assert(fd >= 0);
	free(file);
	return fd;
}
