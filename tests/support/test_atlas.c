#include "tests/support/test_atlas.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/atlas.h"
#include "core/crc32.h"
#include "core/fd.h"
#include "core/pixel_format.h"

struct builder {
	const char *without;
	uint32_t tiles_len;
	struct atlas_tile tiles[ATLAS_TILES_MAX];
};

uint32_t test_atlas_colour(const char *name) {
	/* a checksum is as good as a random number, and never black */
	return (crc32_update(0, name, strlen(name)) & 0xffffff) | 0x010101;
}

static void add(struct builder *builder, const char *name, struct rect place) {
	if (builder->without != NULL && strstr(name, builder->without) != NULL) {
		return;
	}
	assert(builder->tiles_len < ATLAS_TILES_MAX);
	struct atlas_tile *tile = &builder->tiles[builder->tiles_len++];
	*tile = (struct atlas_tile) { .x = place.x,
		.y = place.y,
		.width = place.width,
		.height = place.height,
		.opaque = 1 };
	snprintf(tile->name, sizeof(tile->name), "%s", name);
}

static void add_characters(struct builder *builder, const char *output, const char *kind,
	const char *names, int32_t x) {
	for (size_t i = 0; i < strlen(names); i++) {
		char name[88];
		snprintf(name, sizeof(name), "hmi/%s/%s/%c", output, kind, names[i]);
		add(builder, name,
			(struct rect) { x, 4, TEST_ATLAS_DIGIT_WIDTH, TEST_ATLAS_DIGIT_HEIGHT });
	}
}

static void add_hmi(struct builder *builder, const struct config *config, uint32_t index) {
	const struct config_output *output = &config->outputs[index];
	char name[88];
	snprintf(name, sizeof(name), "hmi/%s/background", output->name);
	add(builder, name, (struct rect) { 0, 0, output->width, output->height });
	add_characters(builder, output->name, "speed", "0123456789-", 2);
	add_characters(builder, output->name, "gear", "PRND-", 2 + 4 * TEST_ATLAS_DIGIT_WIDTH);
	for (int i = 0; i < HMI_TELLTALES; i++) {
		struct rect place = { 2 + 6 * i, 20, 5, 5 };
		snprintf(name, sizeof(name), "hmi/%s/telltale/%d/on", output->name, i);
		add(builder, name, place);
		snprintf(name, sizeof(name), "hmi/%s/telltale/%d/off", output->name, i);
		add(builder, name, place);
	}
	for (uint32_t i = 0; i < config->layers_len; i++) {
		const struct config_layer *layer = &config->layers[i];
		if (layer->output == index && layer->critical) {
			snprintf(
				name, sizeof(name), "hmi/%s/missing/%s", output->name, layer->name);
			add(builder, name, (struct rect) { 2, 28 + 6 * (int32_t)i, 20, 5 });
		}
	}
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
		add(builder, name, (struct rect) { 0, 0, layer->place.width, layer->place.height });
	}
}

static uint64_t pixels_of(const struct atlas_tile *tile) {
	return (uint64_t)tile->width * tile->height;
}

/* Gives every tile its place in the file; returns the file's size. */
static uint64_t lay_out(struct builder *builder) {
	uint64_t at = sizeof(struct atlas_header) + builder->tiles_len * sizeof(builder->tiles[0]);
	for (uint32_t i = 0; i < builder->tiles_len; i++) {
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
	tile->crc32 = crc32_update(0, pixels, pixels_of(tile) * PIXEL_BYTES);
}

int test_atlas_create_fd(const struct config *config, const char *without) {
	static struct builder builder;
	builder = (struct builder) { .without = without };
	add_all(&builder, config);
	uint64_t bytes = lay_out(&builder);
	uint8_t *file = calloc(1, bytes);
	assert(file != NULL);
	for (uint32_t i = 0; i < builder.tiles_len; i++) {
		draw(&builder.tiles[i], file);
	}
	struct atlas_header header = { .magic = ATLAS_MAGIC,
		.version = ATLAS_VERSION,
		.size_bytes = bytes,
		.themes_len = 1,
		.locales_len = 1,
		.tiles_len = builder.tiles_len };
	header.crc32 = atlas_crc32(&header, NULL, builder.tiles);
	memcpy(file, &header, sizeof(header));
	memcpy(file + sizeof(header), builder.tiles, builder.tiles_len * sizeof(builder.tiles[0]));

	int fd = fd_memfd_create_constant("test-atlas", file, bytes);
	assert(fd >= 0);
	free(file);
	return fd;
}
