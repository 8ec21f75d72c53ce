#include "service/png.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <spng.h>

static int errno_from_spng(int error) {
	switch (error) {
	case 0:
		return 0;
	case SPNG_EMEM:
		return -ENOMEM;
	case SPNG_IO_ERROR:
		return -EIO;
	default:
		return -EBADMSG;
	}
}

/* Opens a file for decoding and reads its header. */
static int open_png(const char *path, FILE **file, spng_ctx **context, struct spng_ihdr *header) {
	*file = fopen(path, "rbe");
	if (*file == NULL) {
		return -errno;
	}
	int error = -ENOMEM;
	*context = spng_ctx_new(0);
	if (*context == NULL) {
		goto close_file;
	}
	spng_set_image_limits(*context, PNG_PIXELS_MAX, PNG_PIXELS_MAX);
	spng_set_png_file(*context, *file);
	if (spng_get_ihdr(*context, header) != 0) {
		error = -EINVAL;
		goto free_context;
	}
	return 0;

free_context:
	spng_ctx_free(*context);
close_file:
	fclose(*file);
	return error;
}

int png_read_size(const char *path, uint32_t *width, uint32_t *height) {
	FILE *file;
	spng_ctx *context;
	struct spng_ihdr header;
	int error = open_png(path, &file, &context, &header);
	if (error != 0) {
		return error;
	}
	*width = header.width;
	*height = header.height;
	spng_ctx_free(context);
	fclose(file);
	return 0;
}

/* R, G, B, A bytes to words 0xAARRGGBB, in place. */
static void words_from_rgba(uint32_t *pixels, size_t len) {
	for (size_t i = 0; i < len; i++) {
		uint8_t rgba[4];
		memcpy(rgba, &pixels[i], sizeof(rgba));
		pixels[i] = (uint32_t)rgba[3] << 24 | (uint32_t)rgba[0] << 16 |
			(uint32_t)rgba[1] << 8 | rgba[2];
	}
}

int png_read(struct png *png, const char *path) {
	FILE *file;
	spng_ctx *context;
	struct spng_ihdr header;
	int error = open_png(path, &file, &context, &header);
	if (error != 0) {
		return error;
	}
	size_t pixels_len = (size_t)header.width * header.height;
	*png = (struct png) { .width = header.width, .height = header.height };
	png->pixels = malloc(pixels_len * sizeof(*png->pixels));
	error = png->pixels == NULL
		? -ENOMEM
		: errno_from_spng(spng_decode_image(context, png->pixels,
			  pixels_len * sizeof(*png->pixels), SPNG_FMT_RGBA8, SPNG_DECODE_TRNS));
	if (error == 0) {
		words_from_rgba(png->pixels, pixels_len);
	} else {
		png_finish(png);
	}
	spng_ctx_free(context);
	fclose(file);
	return error;
}

void png_finish(struct png *png) {
	free(png->pixels);
	*png = (struct png) { 0 };
}

static int encode_rows(spng_ctx *context, const uint32_t *pixels, const struct spng_ihdr *header,
	uint32_t stride, uint8_t *row) {
	int error = spng_encode_image(
		context, NULL, 0, SPNG_FMT_PNG, SPNG_ENCODE_PROGRESSIVE | SPNG_ENCODE_FINALIZE);
	for (uint32_t y = 0; error == 0 && y < header->height; y++) {
		const uint32_t *words = (const uint32_t *)(const void *)((const uint8_t *)pixels +
			(size_t)y * stride);
		for (uint32_t x = 0; x < header->width; x++) {
			row[3 * x] = (uint8_t)(words[x] >> 16);
			row[3 * x + 1] = (uint8_t)(words[x] >> 8);
			row[3 * x + 2] = (uint8_t)words[x];
		}
		error = spng_encode_row(context, row, (size_t)header->width * 3);
	}
	return error == SPNG_EOI ? 0 : errno_from_spng(error);
}

static int encode_file(
	FILE *file, const uint32_t *pixels, uint32_t width, uint32_t height, uint32_t stride) {
	struct spng_ihdr header = {
		.width = width,
		.height = height,
		.bit_depth = 8,
		.color_type = SPNG_COLOR_TYPE_TRUECOLOR,
	};
	int error = -ENOMEM;
	uint8_t *row = malloc((size_t)width * 3);
	spng_ctx *context = spng_ctx_new(SPNG_CTX_ENCODER);
	if (row != NULL && context != NULL) {
		spng_set_png_file(context, file);
		spng_set_ihdr(context, &header);
		/* a screenshot is waited for: 3 takes a third of the time of 9 for a tenth more */
		spng_set_option(context, SPNG_IMG_COMPRESSION_LEVEL, 3);
		error = encode_rows(context, pixels, &header, stride, row);
	}
	spng_ctx_free(context);
	free(row);
	return error;
}

static int write_file(const char *path, const uint32_t *pixels, uint32_t width, uint32_t height,
	uint32_t stride) {
	FILE *file = fopen(path, "wbe");
	if (file == NULL) {
		return -errno;
	}
	int error = encode_file(file, pixels, width, height, stride);
	if (fclose(file) != 0 && error == 0) {
		error = -errno;
	}
	return error;
}

/* A device, a pipe: written to, never replaced. */
static bool is_special(const char *path) {
	struct stat status;
	return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

int png_write_opaque(const char *path, const uint32_t *pixels, uint32_t width, uint32_t height,
	uint32_t stride) {
	if (is_special(path)) {
		return write_file(path, pixels, width, height, stride);
	}
	char *temporary;
	if (asprintf(&temporary, "%s.partial", path) < 0) {
		return -ENOMEM;
	}
	int error = write_file(temporary, pixels, width, height, stride);
	if (error == 0 && rename(temporary, path) != 0) {
		error = -errno;
	}
	if (error != 0) {
		(void)unlink(temporary);
	}
	free(temporary);
	return error;
}
