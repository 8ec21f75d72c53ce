#include "compositor/layer_view.h"

#include "core/macros.h"

static const struct frame_view *picture_of(const struct layer *layer) {
	if (layer->guest == NULL) {
		return NULL;
	}
	const struct frame_view *view = &layer->guest->channels[layer->config->scanout]->view;
	return view->pixels != NULL ? view : NULL;
}

static bool is_blue_first(enum pixel_format format) {
	return format == PIXEL_FORMAT_BGRX || format == PIXEL_FORMAT_BGRA;
}

static bool is_alpha_last(enum pixel_format format) {
	return is_blue_first(format) || format == PIXEL_FORMAT_RGBX || format == PIXEL_FORMAT_RGBA;
}

bool layer_view(const struct layer *layer, struct check_view *view) {
	const struct frame_view *picture = picture_of(layer);
	*view = (struct check_view) { 0 };
	if (picture == NULL || !is_alpha_last(picture->frame.format)) {
		return false;
	}
	/* offset and stride are multiples of 4, and pools begin at a page */
	view->pixels = (const uint32_t *)(const void *)picture->pixels;
	view->stride_bytes = picture->frame.stride;
	view->bounds = (struct rect) { 0, 0, picture->frame.width, picture->frame.height };
	return true;
}

static bool is_scaled(const struct layer *layer, const struct check_view *view) {
	return layer->config->scale != 0 &&
		(layer->place.width != view->bounds.width ||
			layer->place.height != view->bounds.height);
}

/* From `start` on, `len` of `from_len` pixels, when these become `to_len`. */
static void scale_span(int64_t start, int64_t len, int64_t from_len, int64_t to_len, int32_t *to,
	uint32_t *to_size) {
	int64_t first = start * to_len / from_len;
	int64_t end = ((start + len) * to_len + from_len - 1) / from_len;
	*to = (int32_t)first;
	*to_size = (uint32_t)MAX(end - first, 1);
}

struct rect layer_view_place(
	const struct layer *layer, const struct check_view *view, const struct rect *place) {
	struct rect part = rect_intersect(place, &layer->place);
	int64_t x = (int64_t)part.x - layer->place.x;
	int64_t y = (int64_t)part.y - layer->place.y;
	if (rect_is_empty(&part) || !is_scaled(layer, view)) {
		return (struct rect) { (int32_t)x, (int32_t)y, part.width, part.height };
	}
	struct rect scaled;
	scale_span(x, part.width, layer->place.width, view->bounds.width, &scaled.x, &scaled.width);
	scale_span(y, part.height, layer->place.height, view->bounds.height, &scaled.y,
		&scaled.height);
	return scaled;
}

bool layer_view_is_direct(const struct layer *layer) {
	const struct frame_view *picture = picture_of(layer);
	bool is_opaque = picture != NULL && is_blue_first(picture->frame.format) &&
		(!pixel_format_has_alpha(picture->frame.format) || layer->config->opaque != 0);
	return is_opaque && layer->config->scale == 0 && layer->opacity == 255;
}

struct rect layer_view_visible(
	const struct layer *layer, const struct check_view *view, const struct rect *output) {
	struct rect visible = rect_intersect(&layer->place, output);
	if (!rect_is_empty(&layer->config->clip)) {
		visible = rect_intersect(&visible, &layer->config->clip);
	}
	if (layer->config->scale == 0) {
		const struct rect picture = { layer->place.x, layer->place.y, view->bounds.width,
			view->bounds.height };
		visible = rect_intersect(&visible, &picture);
	}
	return visible;
}

struct sprite layer_view_sprite(
	const struct layer *layer, const struct check_view *view, const struct rect *place) {
	return (struct sprite) {
		.pixels = (const uint8_t *)view->pixels,
		.stride = view->stride_bytes,
		.width = view->bounds.width,
		.height = view->bounds.height,
		.format = PIXEL_FORMAT_BGRX,
		.opacity = 255,
		.opaque = true,
		.place = { layer->place.x, layer->place.y, view->bounds.width,
			view->bounds.height },
		.visible = *place,
	};
}
