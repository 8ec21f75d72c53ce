#include "tests/compositor/reference.h"

#include <stdbool.h>

struct colour {
	unsigned channel[4]; /* blue, green, red, alpha */
};

/* by enum pixel_format: where in memory blue, green, red and alpha are; -1: no alpha */
static const int places[PIXEL_FORMAT_COUNT][4] = {
	[PIXEL_FORMAT_BGRA] = { 0, 1, 2, 3 },
	[PIXEL_FORMAT_BGRX] = { 0, 1, 2, -1 },
	[PIXEL_FORMAT_ARGB] = { 3, 2, 1, 0 },
	[PIXEL_FORMAT_XRGB] = { 3, 2, 1, -1 },
	[PIXEL_FORMAT_RGBA] = { 2, 1, 0, 3 },
	[PIXEL_FORMAT_XBGR] = { 1, 2, 3, -1 },
	[PIXEL_FORMAT_ABGR] = { 1, 2, 3, 0 },
	[PIXEL_FORMAT_RGBX] = { 2, 1, 0, -1 },
};

static unsigned channel_at(const struct sprite *sprite, int64_t x, int64_t y, unsigned c) {
	int byte = places[sprite->format][c];
	if (byte < 0) {
		return 255;
	}
	return sprite->pixels[y * sprite->stride + x * 4 + byte];
}

static int64_t clamp(int64_t value, int64_t last) {
	return value < 0 ? 0 : value > last ? last : value;
}

/* in 1/128 pixels of the source: the centre of target pixel i */
static int64_t centre_of(int64_t i, int64_t to_len, int64_t from_len) {
	return clamp((2 * i + 1) * from_len * 128 / (2 * to_len) - 64, (from_len - 1) * 128);
}

static struct colour sample(const struct sprite *sprite, int64_t dx, int64_t dy) {
	int64_t x = centre_of(dx, sprite->place.width, sprite->width);
	int64_t y = centre_of(dy, sprite->place.height, sprite->height);
	int64_t x0 = x / 128, y0 = y / 128, fx = x % 128, fy = y % 128;
	int64_t x1 = clamp(x0 + 1, sprite->width - 1), y1 = clamp(y0 + 1, sprite->height - 1);

	struct colour colour;
	for (unsigned c = 0; c < 4; c++) {
		int64_t sum = channel_at(sprite, x0, y0, c) * (128 - fx) * (128 - fy) +
			channel_at(sprite, x1, y0, c) * fx * (128 - fy) +
			channel_at(sprite, x0, y1, c) * (128 - fx) * fy +
			channel_at(sprite, x1, y1, c) * fx * fy;
		colour.channel[c] = (unsigned)((sum + 8192) / 16384);
	}
	return colour;
}

static struct colour colour_of(const struct sprite *sprite, int32_t x, int32_t y) {
	struct colour colour;
	int64_t dx = (int64_t)x - sprite->place.x, dy = (int64_t)y - sprite->place.y;
	bool scaled =
		sprite->place.width != sprite->width || sprite->place.height != sprite->height;

	if (sprite->pixels == NULL) {
		return (struct colour) { { sprite->colour & 255, sprite->colour >> 8 & 255,
			sprite->colour >> 16 & 255, 255 } };
	}
	if (scaled) {
		return sample(sprite, dx, dy);
	}
	for (unsigned c = 0; c < 4; c++) {
		colour.channel[c] = channel_at(sprite, dx, dy, c);
	}
	return colour;
}

/* a * b / 255, to the nearest */
static unsigned part(unsigned a, unsigned b) {
	return (2 * a * b + 255) / 510;
}

uint32_t reference_pixel(const struct sprite *sprites, size_t len, int32_t x, int32_t y) {
	unsigned result[3] = { 0 };

	for (size_t i = 0; i < len; i++) {
		const struct rect *visible = &sprites[i].visible;
		if (x < visible->x || y < visible->y || x - visible->x >= (int64_t)visible->width ||
			y - visible->y >= (int64_t)visible->height) {
			continue;
		}
		struct colour colour = colour_of(&sprites[i], x, y);
		unsigned alpha = part(colour.channel[3], sprites[i].opacity);
		for (unsigned c = 0; c < 3; c++) {
			unsigned sum = part(colour.channel[c], sprites[i].opacity) +
				part(result[c], 255 - alpha);
			result[c] = sum > 255 ? 255 : sum;
		}
	}
	return result[0] | result[1] << 8 | result[2] << 16;
}

uint32_t reference_random(uint64_t *state) {
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 32);
}
