/*
 * Draws the assets of a configuration into PNG files, to look at: draw-assets FILE.yaml DIR
 *
 * One picture per fallback HMI (all telltales on, a speed, a gear, who is missing; and one with nothing
 * known) and one per placeholder.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/atlas.h"
#include "core/fd.h"
#include "service/assets.h"
#include "service/png.h"

static void put(uint32_t *picture, uint32_t width, const struct atlas *atlas,
	const struct atlas_tile *tile, uint32_t right) {
	const uint32_t *pixels = atlas_pixels(atlas, tile);
	for (uint32_t y = 0; y < tile->height; y++) {
		memcpy(picture + (size_t)(tile->y + (int32_t)y) * width + tile->x + right,
			pixels + (size_t)y * tile->width, tile->width * sizeof(*pixels));
	}
}

static void draw_hmi(const struct config *config, const struct config_output *output,
	const struct atlas *atlas, const char *speed, const char *gear, const char *telltale,
	const char *path) {
	uint32_t *picture = calloc((size_t)output->width * output->height, sizeof(*picture));
	put(picture, output->width, atlas, atlas_find(atlas, "hmi/%s/background", output->name), 0);
	for (unsigned i = 0; i < 3 && speed[i] != '\0'; i++) {
		const struct atlas_tile *tile =
			atlas_find(atlas, "hmi/%s/speed/%c", output->name, speed[i]);
		if (speed[i] != ' ') {
			put(picture, output->width, atlas, tile, i * tile->width);
		}
	}
	put(picture, output->width, atlas, atlas_find(atlas, "hmi/%s/gear/%s", output->name, gear),
		0);
	for (unsigned i = 0; i < HMI_TELLTALES; i++) {
		put(picture, output->width, atlas,
			atlas_find(atlas, "hmi/%s/telltale/%u/%s", output->name, i, telltale), 0);
	}
	for (unsigned i = 0; i < config->layers_len; i++) {
		const struct atlas_tile *tile = atlas_find(
			atlas, "hmi/%s/missing/%s", output->name, config->layers[i].name);
		if (tile != NULL) {
			put(picture, output->width, atlas, tile, 0);
		}
	}
	png_write_opaque(path, picture, output->width, output->height, output->width * 4);
	free(picture);
}

int main(int argc, char **argv) {
	struct config config;
	struct config_pictures pictures;
	if (argc != 3 || !config_compile(argv[1], NULL, &config, &pictures, stderr)) {
		fputs("usage: draw-assets FILE.yaml DIR\n", stderr);
		return EXIT_FAILURE;
	}
	int fd = assets_create_atlas(&config, &pictures, stderr);
	struct atlas atlas;
	if (fd < 0 || atlas_map(&atlas, fd) != 0) {
		return EXIT_FAILURE;
	}
	for (unsigned i = 0; i < config.outputs_len; i++) {
		char path[512];
		snprintf(path, sizeof(path), "%s/hmi-%s.png", argv[2], config.outputs[i].name);
		draw_hmi(&config, &config.outputs[i], &atlas, "127", "D", "on", path);
		snprintf(path, sizeof(path), "%s/hmi-%s-unknown.png", argv[2],
			config.outputs[i].name);
		draw_hmi(&config, &config.outputs[i], &atlas, "---", "-", "off", path);
	}
	for (unsigned i = 0; i < config.layers_len; i++) {
		const struct atlas_tile *tile =
			atlas_find(&atlas, "placeholder/%s", config.layers[i].name);
		char path[512];
		snprintf(path, sizeof(path), "%s/placeholder-%s.png", argv[2],
			config.layers[i].name);
		if (tile != NULL) {
			png_write_opaque(path, atlas_pixels(&atlas, tile), tile->width,
				tile->height, tile->width * 4);
		}
	}
	atlas_unmap(&atlas);
	fd_close(&fd);
	config_pictures_finish(&pictures);
	return EXIT_SUCCESS;
}
