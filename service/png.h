/*
 * PNG files: pictures of the configuration come in, screenshots go out.
 *
 * Pixels are rows of `width` 32-bit words 0xAARRGGBB (BGRA in memory), not premultiplied.
 * Thread: any.
 */
#ifndef SERVICE_PNG_H
#define SERVICE_PNG_H

#include <stdbool.h>
#include <stdint.h>

#define PNG_PIXELS_MAX 8192 /* each way */

struct png {
	uint32_t width, height;
	uint32_t *pixels; /* owned */
};

/* The size a PNG file says it has, without reading its pixels. 0, -errno, or -EINVAL: no PNG, or more
 * than PNG_PIXELS_MAX pixels wide or high. */
int png_read_size(const char *path, uint32_t *width, uint32_t *height);

/* Reads a whole PNG of any kind. As above; -EBADMSG when it is damaged. */
int png_read(struct png *png, const char *path);
void png_finish(struct png *png);

/* Writes width x height pixels, `stride` bytes from row to row, without alpha. The file appears whole
 * or not at all. 0 or -errno. */
int png_write_opaque(
	const char *path, const uint32_t *pixels, uint32_t width, uint32_t height, uint32_t stride);

#endif
