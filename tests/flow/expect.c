#include "tests/flow/expect.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/fd.h"
#include "core/macros.h"
#include "service/assets.h"
#include "service/assets_mock.h"
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

void expect_fallback(
	const struct expect *expect, struct service *service, const char *const *missing) {
	int32_t signals[SIGNAL_VALUES];
	for (uint32_t i = 0; i < SIGNAL_VALUES; i++) {
		signals[i] = SIGNAL_UNKNOWN;
	}
	expect_fallback_of(expect, service, missing, signals);
}

void expect_fallback_of(const struct expect *expect, struct service *service,
	const char *const *missing, const int32_t signals[SIGNAL_VALUES]) {
	const char *output = service->config.outputs[0].name;
	struct assets_values values = { .missing = missing };
	memcpy(values.signals, signals, sizeof(values.signals));
	struct assets_mock mock;
	ck_assert_int_eq(assets_mock_init(&mock, &expect->atlas, output, &values), 0);
	compare(service, &mock.place, mock.pixels, mock.place.width);
	assets_mock_finish(&mock);
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
