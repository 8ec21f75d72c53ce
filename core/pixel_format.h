/*
 * Pixel formats: the eight that VIRTIO-GPU 2D knows (virtio 1.3, 5.7.6.8, virtio_gpu_formats), all of
 * 4 bytes a pixel. A format's name here is its byte order in memory, first byte first, as in the
 * specification: BGRX is DRM_FORMAT_XRGB8888, BGRA is DRM_FORMAT_ARGB8888, RGBA is
 * DRM_FORMAT_ABGR8888.
 *
 * Thread: any; pure functions.
 */
#ifndef CORE_PIXEL_FORMAT_H
#define CORE_PIXEL_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#define PIXEL_BYTES 4

enum pixel_format {
	PIXEL_FORMAT_NONE, /* no format; what a zeroed page says */
	PIXEL_FORMAT_BGRA,
	PIXEL_FORMAT_BGRX,
	PIXEL_FORMAT_ARGB,
	PIXEL_FORMAT_XRGB,
	PIXEL_FORMAT_RGBA,
	PIXEL_FORMAT_XBGR,
	PIXEL_FORMAT_ABGR,
	PIXEL_FORMAT_RGBX,
	PIXEL_FORMAT_COUNT,
};

/* False for NONE and for any number that is no format: the check for numbers read from a page. */
bool pixel_format_is_valid(uint32_t format);
bool pixel_format_has_alpha(enum pixel_format format);
uint32_t pixel_format_to_drm(enum pixel_format format);   /* DRM fourcc */
const char *pixel_format_name(enum pixel_format format);  /* "BGRX" */

#endif
