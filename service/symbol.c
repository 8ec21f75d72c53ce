#include "service/symbol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <librsvg/rsvg.h>

struct symbol {
	RsvgHandle *handle;
	uint32_t width, height;
	cairo_surface_t *drawn; /* of that size; NULL: not yet. States differ in colour only */
};

struct symbol *symbol_create(const char *path) {
	struct symbol *symbol = calloc(1, sizeof(*symbol));
	if (symbol == NULL) {
		return NULL;
	}
	GError *error = NULL;
	symbol->handle = rsvg_handle_new_from_file(path, &error);
	if (symbol->handle == NULL) {
		int number =
			g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND) ? ENOENT : EINVAL;
		g_error_free(error);
		free(symbol);
		errno = number;
		return NULL;
	}
	return symbol;
}

static void forget_drawn(struct symbol *symbol) {
	if (symbol->drawn != NULL) {
		cairo_surface_destroy(symbol->drawn);
		symbol->drawn = NULL;
	}
}

void symbol_destroy(struct symbol *symbol) {
	if (symbol == NULL) {
		return;
	}
	forget_drawn(symbol);
	g_object_unref(symbol->handle);
	free(symbol);
}

static const uint32_t *pixels_of(struct symbol *symbol) {
	return (const void *)cairo_image_surface_get_data(symbol->drawn);
}

const uint32_t *symbol_draw(struct symbol *symbol, uint32_t width, uint32_t height) {
	if (symbol->drawn != NULL && symbol->width == width && symbol->height == height) {
		return pixels_of(symbol);
	}
	forget_drawn(symbol);
	cairo_surface_t *surface =
		cairo_image_surface_create(CAIRO_FORMAT_ARGB32, (int)width, (int)height);
	cairo_t *cairo = cairo_create(surface);
	const RsvgRectangle viewport = { 0, 0, width, height };
	gboolean drawn = rsvg_handle_render_document(symbol->handle, cairo, &viewport, NULL);
	cairo_status_t status = cairo_status(cairo);
	cairo_destroy(cairo);
	if (!drawn || status != CAIRO_STATUS_SUCCESS) {
		cairo_surface_destroy(surface);
		errno = status == CAIRO_STATUS_NO_MEMORY ? ENOMEM : EINVAL;
		return NULL;
	}
	cairo_surface_flush(surface);
	symbol->drawn = surface;
	symbol->width = width;
	symbol->height = height;
	return pixels_of(symbol);
}
