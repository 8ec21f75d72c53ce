#include "core/pixel_format.h"

#include <assert.h>

#define FOURCC(a, b, c, d)                                                                         \
	((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

/* DRM names a format from the highest bit of a little-endian word down, we from the first byte up */
static const struct {
	const char *name;
	uint32_t drm;
	bool alpha;
} formats[PIXEL_FORMAT_COUNT] = {
	[PIXEL_FORMAT_NONE] = { "none", 0, false },
	[PIXEL_FORMAT_BGRA] = { "BGRA", FOURCC('A', 'R', '2', '4'), true },
	[PIXEL_FORMAT_BGRX] = { "BGRX", FOURCC('X', 'R', '2', '4'), false },
	[PIXEL_FORMAT_ARGB] = { "ARGB", FOURCC('B', 'A', '2', '4'), true },
	[PIXEL_FORMAT_XRGB] = { "XRGB", FOURCC('B', 'X', '2', '4'), false },
	[PIXEL_FORMAT_RGBA] = { "RGBA", FOURCC('A', 'B', '2', '4'), true },
	[PIXEL_FORMAT_XBGR] = { "XBGR", FOURCC('R', 'X', '2', '4'), false },
	[PIXEL_FORMAT_ABGR] = { "ABGR", FOURCC('R', 'A', '2', '4'), true },
	[PIXEL_FORMAT_RGBX] = { "RGBX", FOURCC('X', 'B', '2', '4'), false },
};

bool pixel_format_is_valid(uint32_t format) {
	return format > PIXEL_FORMAT_NONE && format < PIXEL_FORMAT_COUNT;
}

bool pixel_format_has_alpha(enum pixel_format format) {
	assert(format < PIXEL_FORMAT_COUNT);
	return formats[format].alpha;
}

uint32_t pixel_format_to_drm(enum pixel_format format) {
	assert(format < PIXEL_FORMAT_COUNT);
	return formats[format].drm;
}

const char *pixel_format_name(enum pixel_format format) {
	assert(format < PIXEL_FORMAT_COUNT);
	return formats[format].name;
}
