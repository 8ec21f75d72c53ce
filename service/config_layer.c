/*
 * Layers: what is shown where.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/macros.h"
#include "service/config_compile_impl.h"
#include "service/png.h"
#include "service/scalar.h"

#define HOLD_MS_DEFAULT 100
#define RECOVER_FRAMES_DEFAULT 3
#define MS_MAX 600000

/* The index of `name` among `len` structs whose first member is their name, or CONFIG_NONE. */
static uint32_t find_name(const void *structs, size_t step, uint32_t len, const char *name) {
	for (uint32_t i = 0; i < len; i++) {
		if (strcmp((const char *)structs + i * step, name) == 0) {
			return i;
		}
	}
	return CONFIG_NONE;
}

static void complain_unknown(struct config_compiler *compiler, struct config_where where,
	const char *name, const void *structs, size_t step, uint32_t len) {
	char known[CONFIG_LAYERS_MAX * (CONFIG_NAME_BYTES + 2)] = "none is configured";
	size_t used = 0;
	for (uint32_t i = 0; i < len; i++) {
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
			i == 0 ? "" : ", ", (const char *)structs + i * step);
	}
	config_source_error(compiler->source, where.text, "%s: there is no '%s'; allowed: %s",
		where.text, name, known);
}

static void compile_output(struct config_compiler *compiler, unsigned index,
	const struct file_layer *file, struct config_layer *layer) {
	const struct config *config = compiler->config;
	layer->output = 0;
	if (file->output == NULL) {
		return;
	}
	uint32_t output = find_name(
		config->outputs, sizeof(config->outputs[0]), config->outputs_len, file->output);
	if (output == CONFIG_NONE) {
		complain_unknown(compiler, config_where("layers[%u].output", index), file->output,
			config->outputs, sizeof(config->outputs[0]), config->outputs_len);
		return;
	}
	layer->output = output;
}

/* A layer is of a guest unless it is a picture; without `guest` it is of the guest of its name. */
static void compile_guest(struct config_compiler *compiler, unsigned index,
	const struct file_layer *file, struct config_layer *layer) {
	const struct config *config = compiler->config;
	struct config_where where = config_where("layers[%u].guest", index);
	const char *name = file->guest != NULL ? file->guest : layer->name;
	layer->kind = CONFIG_LAYER_GUEST;
	layer->guest =
		find_name(config->guests, sizeof(config->guests[0]), config->guests_len, name);
	if (layer->guest == CONFIG_NONE) {
		complain_unknown(compiler, where, name, config->guests, sizeof(config->guests[0]),
			config->guests_len);
		layer->guest = 0;
	} else if (!config->guests[layer->guest].gpu.enabled) {
		config_source_error(compiler->source, where.text,
			"%s: guest '%s' has gpu: {enabled: false}, so it has no picture",
			where.text, name);
	}
	layer->scanout = config_number(compiler, config_where("layers[%u].scanout", index),
		file->scanout, 0, FRAME_LINK_CHANNELS - 1, 0);
}

static void compile_picture(struct config_compiler *compiler, unsigned index,
	const struct file_layer *file, struct config_layer *layer) {
	struct config_where where = config_where("layers[%u].picture", index);
	layer->kind = CONFIG_LAYER_PICTURE;
	layer->guest = CONFIG_NONE;
	layer->scanout = CONFIG_NONE;
	if (file->guest != NULL || file->scanout != NULL) {
		config_source_error(compiler->source, where.text,
			"%s: a layer shows a picture or a guest, not both", where.text);
	}
	if (file->critical != NULL && *file->critical) {
		config_source_error(compiler->source, where.text,
			"%s: a picture cannot be lost; allowed with it: critical: false",
			where.text);
	}
	char *path = config_path(compiler, file->picture);
	int error = path == NULL ? -ENOMEM
				 : png_read_size(path, &layer->place.width, &layer->place.height);
	if (error != 0) {
		config_source_error(compiler->source, where.text,
			"%s: '%s': %s; allowed: a PNG of up to %d pixels each way", where.text,
			path != NULL ? path : file->picture,
			error == -EINVAL ? "not a PNG" : strerror(-error), PNG_PIXELS_MAX);
		/* no second complaint about the size */
		layer->place.width = layer->place.height = 1;
	}
	compiler->pictures->paths[index] = path;
}

/* Without a size: the scanout's mode if the guest's section gives it, else all of the output from
 * `at` on. A picture has its own. */
static void default_size(struct config_compiler *compiler, const struct file_layer *file,
	struct config_layer *layer) {
	const struct config *config = compiler->config;
	if (layer->kind == CONFIG_LAYER_PICTURE) {
		return;
	}
	const struct file_gpu *gpu = compiler->file->guests[layer->guest].gpu;
	struct scalar_mode mode;
	if (gpu != NULL && layer->scanout < gpu->scanouts_count &&
		gpu->scanouts[layer->scanout].mode != NULL &&
		scalar_mode(gpu->scanouts[layer->scanout].mode, &mode)) {
		layer->place.width = mode.width;
		layer->place.height = mode.height;
		return;
	}
	const struct config_output *output = &config->outputs[layer->output];
	struct rect whole = { 0, 0, output->width, output->height };
	struct rect from_here = { layer->place.x, layer->place.y, output->width, output->height };
	struct rect rest = rect_intersect(&whole, &from_here);
	layer->place.width = MAX(rest.width, 1);
	layer->place.height = MAX(rest.height, 1);
}

static void complain_form(struct config_compiler *compiler, unsigned index, const char *key,
	const char *text, const char *form) {
	struct config_where where = config_where("layers[%u].%s", index, key);
	config_source_error(
		compiler->source, where.text, "%s: '%s'; allowed: %s", where.text, text, form);
}

static void compile_place(struct config_compiler *compiler, unsigned index,
	const struct file_layer *file, struct config_layer *layer) {
	if (file->at != NULL && !scalar_place(file->at, &layer->place.x, &layer->place.y)) {
		complain_form(compiler, index, "at", file->at, SCALAR_PLACE_FORM);
	}
	if (file->size == NULL) {
		default_size(compiler, file, layer);
	} else if (!scalar_size(file->size, &layer->place.width, &layer->place.height)) {
		complain_form(compiler, index, "size", file->size, SCALAR_SIZE_FORM);
		layer->place.width = layer->place.height = 1; /* no second complaint */
	}
	if (file->clip != NULL && !scalar_rect(file->clip, &layer->clip)) {
		complain_form(compiler, index, "clip", file->clip, SCALAR_RECT_FORM);
	}
	const struct config_output *output = &compiler->config->outputs[layer->output];
	struct rect whole = { 0, 0, output->width, output->height };
	struct rect seen = rect_intersect(&whole, &layer->place);
	if (rect_is_empty(&seen)) {
		struct config_where where = config_where("layers[%u].at", index);
		config_source_error(compiler->source, where.text,
			"%s: nothing of it is on output '%s'; allowed: a place that touches %ux%u",
			where.text, output->name, output->width, output->height);
	}
}

static void compile_liveness(struct config_compiler *compiler, unsigned index,
	const struct file_layer *file, struct config_layer *layer) {
	layer->critical = file->critical != NULL && *file->critical;
	if (layer->critical && !compiler->config->outputs[layer->output].fallback) {
		struct config_where where = config_where("layers[%u].critical", index);
		config_source_error(compiler->source, where.text,
			"%s: output '%s' has fallback: false, so there is nothing to fall back to",
			where.text, compiler->config->outputs[layer->output].name);
	}
	layer->stall_ms = config_number(
		compiler, config_where("layers[%u].stall_ms", index), file->stall_ms, 0, MS_MAX, 0);
	layer->hold_ms = config_number(compiler, config_where("layers[%u].hold_ms", index),
		file->hold_ms, 0, MS_MAX, HOLD_MS_DEFAULT);
	layer->recover_frames =
		config_number(compiler, config_where("layers[%u].recover_frames", index),
			file->recover_frames, 1, 1000, RECOVER_FRAMES_DEFAULT);
}

static void compile_layer(struct config_compiler *compiler, unsigned index,
	const struct file_layer *file, struct config_layer *layer) {
	struct config *config = compiler->config;
	config_name(compiler, config_where("layers[%u].name", index), file->name, layer->name,
		config->layers, sizeof(config->layers[0]), index);
	if (layer->name[0] == '\0') {
		return;
	}
	compile_output(compiler, index, file, layer);
	if (file->picture != NULL) {
		compile_picture(compiler, index, file, layer);
	} else {
		compile_guest(compiler, index, file, layer);
	}
	if (layer->kind == CONFIG_LAYER_GUEST && config->guests_len == 0) {
		return;
	}
	compile_place(compiler, index, file, layer);
	layer->scale = file->scale != NULL && *file->scale;
	layer->z = file->z != NULL ? *file->z : 0;
	layer->opacity = config_number(
		compiler, config_where("layers[%u].opacity", index), file->opacity, 0, 255, 255);
	layer->visible = file->hidden == NULL || !*file->hidden;
	compile_liveness(compiler, index, file, layer);
	config_compile_demands(compiler, index, file);
}

/* Two layers may show one scanout, but it has one mode. */
static void check_sharing(struct config_compiler *compiler, unsigned index) {
	const struct config_layer *layer = &compiler->config->layers[index];
	if (layer->kind != CONFIG_LAYER_GUEST || layer->scale) {
		return;
	}
	for (unsigned i = 0; i < index; i++) {
		const struct config_layer *other = &compiler->config->layers[i];
		if (other->kind == CONFIG_LAYER_GUEST && other->guest == layer->guest &&
			other->scanout == layer->scanout && !other->scale &&
			(other->place.width != layer->place.width ||
				other->place.height != layer->place.height)) {
			struct config_where where = config_where("layers[%u].size", index);
			config_source_error(compiler->source, where.text,
				"%s: layer '%s' shows the same scanout 1:1 in another size; make "
				"them "
				"equal or give one of them scale: true",
				where.text, other->name);
		}
	}
}

/* One guest and not a word about layers: it fills the first output, and is what it is about. */
static void derive_layer(struct config_compiler *compiler) {
	struct config *config = compiler->config;
	if (config->guests_len == 0 || !config->guests[0].gpu.enabled ||
		config->guests[0].name[0] == '\0') {
		return;
	}
	if (config->guests_len > 1) {
		config_source_error(compiler->source, "layers",
			"layers is missing; with %u guests it must say who is shown where",
			config->guests_len);
		return;
	}
	bool critical = config->outputs[0].fallback;
	struct file_layer file = { .name = config->guests[0].name, .critical = &critical };
	config->layers_len = 1;
	compile_layer(compiler, 0, &file, &config->layers[0]);
}

void config_compile_layers(struct config_compiler *compiler) {
	const struct file_root *file = compiler->file;
	struct config *config = compiler->config;
	if (file->layers_count == 0) {
		derive_layer(compiler);
		return;
	}
	for (unsigned i = 0; i < file->layers_count; i++) {
		compile_layer(compiler, i, &file->layers[i], &config->layers[i]);
		config->layers_len = i + 1;
	}
	for (unsigned i = 0; i < config->layers_len; i++) {
		check_sharing(compiler, i);
	}
	config_check_regions(compiler);
}
