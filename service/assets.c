#include "service/assets.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/crc32.h"
#include "core/fd.h"
#include "service/assets_impl.h"
#include "service/png.h"

#define TILE_ALIGN 64

static size_t tile_bytes(const struct atlas_tile *tile) {
	return (size_t)tile->width * tile->height * sizeof(uint32_t);
}

uint32_t *atlas_builder_add(
	struct atlas_builder *builder, const struct rect *place, const char *name_format, ...) {
	if (builder->error == 0 && builder->len == ATLAS_TILES_MAX) {
		builder->error = -E2BIG;
	}
	if (builder->error != 0) {
		return NULL;
	}
	struct atlas_tile *tile = &builder->tiles[builder->len];
	*tile = (struct atlas_tile) {
		.x = place->x,
		.y = place->y,
		.width = place->width,
		.height = place->height,
	};
	va_list args;
	va_start(args, name_format);
	int len = vsnprintf(tile->name, sizeof(tile->name), name_format, args);
	va_end(args);
	assert(len > 0 && (size_t)len < sizeof(tile->name)); /* configured names are short */

	uint32_t *pixels = calloc(1, tile_bytes(tile));
	if (pixels == NULL) {
		builder->error = -ENOMEM;
		return NULL;
	}
	builder->pixels[builder->len++] = pixels;
	return pixels;
}

struct canvas *atlas_builder_draw(struct atlas_builder *builder, int32_t x, int32_t y) {
	if (builder->error != 0) {
		return NULL;
	}
	const struct atlas_tile *tile = &builder->tiles[builder->len - 1];
	struct canvas *canvas = canvas_create(builder->pixels[builder->len - 1], tile->width,
		tile->height, (struct canvas_point) { x, y });
	if (canvas == NULL) {
		builder->error = -errno;
	}
	return canvas;
}

static void builder_finish(struct atlas_builder *builder) {
	for (uint32_t i = 0; i < builder->len; i++) {
		free(builder->pixels[i]);
	}
	free(builder);
}

static bool is_opaque(const uint32_t *pixels, size_t len) {
	for (size_t i = 0; i < len; i++) {
		if (pixels[i] >> 24 != 0xff) {
			return false;
		}
	}
	return true;
}

static uint64_t align(uint64_t offset) {
	return (offset + TILE_ALIGN - 1) / TILE_ALIGN * TILE_ALIGN;
}

/* Gives every tile its place in the file. Returns the file's size. */
static uint64_t lay_out(struct atlas_builder *builder) {
	uint64_t offset = sizeof(struct atlas_header) + builder->len * sizeof(struct atlas_tile);
	for (uint32_t i = 0; i < builder->len; i++) {
		struct atlas_tile *tile = &builder->tiles[i];
		tile->offset = align(offset);
		offset = tile->offset + tile_bytes(tile);
		tile->opaque = is_opaque(builder->pixels[i], tile_bytes(tile) / sizeof(uint32_t));
		tile->crc32 = crc32_update(0, builder->pixels[i], tile_bytes(tile));
	}
	return offset;
}

static int seal(struct atlas_builder *builder) {
	struct atlas_header header = {
		.magic = ATLAS_MAGIC,
		.version = ATLAS_VERSION,
		.size_bytes = lay_out(builder),
		.themes_len = 1,
		.locales_len = 1,
		.tiles_len = builder->len,
	};
	header.crc32 = atlas_crc32(&header, NULL, builder->tiles);
	uint8_t *file = calloc(1, header.size_bytes);
	if (file == NULL) {
		return -ENOMEM;
	}
	memcpy(file, &header, sizeof(header));
	memcpy(file + sizeof(header), builder->tiles, builder->len * sizeof(struct atlas_tile));
	for (uint32_t i = 0; i < builder->len; i++) {
		memcpy(file + builder->tiles[i].offset, builder->pixels[i],
			tile_bytes(&builder->tiles[i]));
	}
	int fd = fd_memfd_create_constant("atlas", file, header.size_bytes);
	free(file);
	return fd;
}

/* 0xAARRGGBB, not premultiplied, to premultiplied. */
static uint32_t premultiply(uint32_t pixel) {
	uint32_t alpha = pixel >> 24;
	uint32_t result = alpha << 24;
	for (unsigned shift = 0; shift < 24; shift += 8) {
		uint32_t product = (pixel >> shift & 0xff) * alpha;
		result |= (product + 127) / 255 << shift;
	}
	return result;
}

static void add_picture(struct atlas_builder *builder, const struct config_layer *layer,
	const char *path, FILE *errors) {
	struct png png;
	int error = path != NULL ? png_read(&png, path) : -ENOENT;
	if (error != 0) {
		fprintf(errors, "%s: %s; the picture of layer '%s' must be a good PNG\n", path,
			error == -EBADMSG ? "damaged" : strerror(-error), layer->name);
		builder->error = builder->error != 0 ? builder->error : error;
		return;
	}
	struct rect place = { 0, 0, png.width, png.height };
	uint32_t *pixels = atlas_builder_add(builder, &place, "picture/%s", layer->name);
	for (size_t i = 0; pixels != NULL && i < (size_t)png.width * png.height; i++) {
		pixels[i] = premultiply(png.pixels[i]);
	}
	png_finish(&png);
}

int assets_create_atlas(
	const struct config *config, const struct config_pictures *pictures, FILE *errors) {
	struct atlas_builder *builder = calloc(1, sizeof(*builder));
	if (builder == NULL) {
		return -ENOMEM;
	}
	for (unsigned i = 0; i < config->outputs_len; i++) {
		if (config->outputs[i].fallback) {
			assets_add_hmi(builder, config, i);
		}
	}
	for (unsigned i = 0; i < config->layers_len; i++) {
		if (config->layers[i].kind == CONFIG_LAYER_GUEST) {
			assets_add_placeholder(builder, &config->layers[i]);
		} else {
			add_picture(builder, &config->layers[i], pictures->paths[i], errors);
		}
	}
	int result = builder->error != 0 ? builder->error : seal(builder);
	builder_finish(builder);
	canvas_forget();
	return result;
}
