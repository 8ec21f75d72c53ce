#include "tests/flow/expect.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/fd.h"
#include "core/macros.h"
#include "service/assets.h"
#include "tests/flow/guest.h"

void expect_init(struct expect *expect, const struct service *service) {
	const struct config_pictures none = { 0 };
	expect->fd = assets_create_atlas(&service->config, &none, stderr);
	ck_assert_int_ge(expect->fd, 0);
	ck_assert_int_eq(atlas_map(&expect->atlas, expect->fd), 0);
}

void expect_finish(struct expect *expect) {
	atlas_unmap(&expect->atlas);
	fd_close(&expect->fd);
}

/* Fails unless the output shows `pixels` (rows of `stride` words) at `place`. */
static void compare(struct service *service, const struct rect *place, const uint32_t *pixels,
	uint32_t stride) {
	uint32_t width = service->output.page->width;
	const uint32_t *picture = service_picture(service);
	for (uint32_t y = 0; y < place->height; y++) {
		for (uint32_t x = 0; x < place->width; x++) {
			size_t at = ((size_t)place->y + y) * width + (size_t)place->x + x;
			uint32_t is = picture[at] & 0xffffff;
			uint32_t should_be = pixels[(size_t)y * stride + x] & 0xffffff;
			if (is != should_be) {
				ck_abort_msg("output at %d,%d: %06x, not %06x", place->x + (int)x,
					place->y + (int)y, is, should_be);
			}
		}
	}
}

void expect_guest(
	struct service *service, uint32_t seed, const struct rect *part, int32_t x, int32_t y) {
	uint32_t *pixels = calloc((size_t)part->width * part->height, sizeof(*pixels));
	ck_assert_ptr_nonnull(pixels);
	for (uint32_t row = 0; row < part->height; row++) {
		for (uint32_t column = 0; column < part->width; column++) {
			pixels[(size_t)row * part->width + column] = guest_pixel(
				seed, (uint32_t)part->x + column, (uint32_t)part->y + row);
		}
	}
	const struct rect place = { x, y, part->width, part->height };
	compare(service, &place, pixels, part->width);
	free(pixels);
}

static const struct atlas_tile *find_tile(
	const struct expect *expect, const char *output, const char *what) {
	const struct atlas_tile *tile = atlas_find(&expect->atlas, "hmi/%s/%s", output, what);
	ck_assert_msg(tile != NULL, "no tile hmi/%s/%s", output, what);
	return tile;
}

/* Copies a tile over the background, `shift` of its widths to the right. */
static void put(const struct expect *expect, uint32_t *pixels, const struct atlas_tile *ground,
	const struct atlas_tile *tile, uint32_t shift) {
	const uint32_t *from = atlas_pixels(&expect->atlas, tile);
	size_t x = (size_t)(tile->x - ground->x) + (size_t)shift * tile->width;
	for (uint32_t y = 0; y < tile->height; y++) {
		memcpy(pixels + ((size_t)(tile->y - ground->y) + y) * ground->width + x,
			from + (size_t)y * tile->width, tile->width * sizeof(*pixels));
	}
}

void expect_fallback(
	const struct expect *expect, struct service *service, const char *const *missing) {
	const char *output = service->config.outputs[0].name;
	const struct atlas_tile *ground = find_tile(expect, output, "background");
	size_t bytes = (size_t)ground->width * ground->height * sizeof(uint32_t);
	uint32_t *pixels = malloc(bytes);
	ck_assert_ptr_nonnull(pixels);
	memcpy(pixels, atlas_pixels(&expect->atlas, ground), bytes);

	for (uint32_t i = 0; i < 3; i++) {
		put(expect, pixels, ground, find_tile(expect, output, "speed/-"), i);
	}
	put(expect, pixels, ground, find_tile(expect, output, "gear/-"), 0);
	for (unsigned i = 0; i < HMI_TELLTALES; i++) {
		char what[64];
		snprintf(what, sizeof(what), "telltale/%u/on", i);
		put(expect, pixels, ground, find_tile(expect, output, what), 0);
	}
	for (; *missing != NULL; missing++) {
		char what[64];
		snprintf(what, sizeof(what), "missing/%s", *missing);
		put(expect, pixels, ground, find_tile(expect, output, what), 0);
	}
	const struct rect place = { ground->x, ground->y, ground->width, ground->height };
	compare(service, &place, pixels, ground->width);
	free(pixels);
}

void expect_placeholder(const struct expect *expect, struct service *service, const char *layer) {
	const struct config *config = &service->config;
	const struct atlas_tile *tile = atlas_find(&expect->atlas, "placeholder/%s", layer);
	ck_assert_ptr_nonnull(tile);
	for (uint32_t i = 0; i < config->layers_len; i++) {
		if (strcmp(config->layers[i].name, layer) == 0) {
			compare(service, &config->layers[i].place,
				atlas_pixels(&expect->atlas, tile), tile->width);
			return;
		}
	}
	ck_abort_msg("no layer '%s'", layer);
}

void expect_background(struct service *service, const struct rect *part) {
	uint32_t *pixels = calloc((size_t)part->width * part->height, sizeof(*pixels));
	ck_assert_ptr_nonnull(pixels);
	for (size_t i = 0; i < (size_t)part->width * part->height; i++) {
		pixels[i] = service->config.outputs[0].background;
	}
	compare(service, part, pixels, part->width);
	free(pixels);
}
