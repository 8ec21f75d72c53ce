#include "service/assets.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service/assets_impl.h"
#include "service/atlas_file.h"
#include "service/png.h"

#ifndef FASCIA_DATADIR
#error "the build names the directory of the installed data"
#endif

#define SCALE_MIN 0.25 /* below, a telltale is no more than a dot: the ground says as much */
#define SHIPPED_HMI "hmi/cluster.yaml"

/* The HMI of one output: drawn, or built before. */
struct source {
	unsigned output;
	const char *path;
	struct rect area;
	struct drawing *drawing;     /* NULL: built */
	struct atlas_file *built;    /* NULL: drawn */
	uint32_t first_element;      /* in the builder */
};

struct assets {
	const struct config *config;
	const struct config_pictures *pictures;
	FILE *errors;
	char shipped[PATH_MAX];
	struct source sources[CONFIG_OUTPUTS_MAX];
	unsigned sources_len;
	struct atlas_builder *builder;
};

/* The HMI that comes with the program: installed, or in the tree that it was built from. */
static void find_shipped(char path[PATH_MAX]) {
	char own[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);
	own[len > 0 ? len : 0] = '\0';
	size_t build_len = strlen(FASCIA_BUILD_ROOT);
	bool is_built = strncmp(own, FASCIA_BUILD_ROOT "/", build_len + 1) == 0;
	snprintf(path, PATH_MAX, "%s/%s", is_built ? FASCIA_SOURCE_DATADIR : FASCIA_DATADIR,
		SHIPPED_HMI);
}

/* Where the HMI goes: around the critical layers, so that others go on beside it; on all of the output
 * when there are none. */
static struct rect find_area(const struct config *config, unsigned output) {
	struct rect whole = { 0, 0, config->outputs[output].width, config->outputs[output].height };
	struct rect area = { 0 };
	for (unsigned i = 0; i < config->layers_len; i++) {
		const struct config_layer *layer = &config->layers[i];
		if (layer->output == output && layer->critical) {
			area = rect_union(&area, &layer->place);
		}
	}
	area = rect_intersect(&area, &whole);
	return rect_is_empty(&area) ? whole : area;
}

/* ---- the HMIs ---- */

static bool is_atlas(const char *path) {
	const char *dot = strrchr(path, '.');
	return dot != NULL && strcmp(dot, ".atlas") == 0;
}

static int load_built(struct assets *assets, struct source *source) {
	source->built = atlas_file_open(source->path, assets->errors);
	if (source->built == NULL) {
		return -EINVAL;
	}
	struct rect ground = atlas_file_ground(source->built);
	if (ground.width != source->area.width || ground.height != source->area.height) {
		fprintf(assets->errors,
			"%s: built for %ux%u; output '%s' has %ux%u for it: name the file it was "
			"built from, or build it with --scale\n",
			source->path, ground.width, ground.height,
			assets->config->outputs[source->output].name, source->area.width,
			source->area.height);
		return -EINVAL;
	}
	return 0;
}

static int load_source(struct assets *assets, unsigned output) {
	struct source *source = &assets->sources[assets->sources_len++];
	const char *named = assets->pictures->hmis[output];
	*source = (struct source) {
		.output = output,
		.path = named != NULL ? named : assets->shipped,
		.area = find_area(assets->config, output),
	};
	if (is_atlas(source->path)) {
		return load_built(assets, source);
	}
	source->drawing = drawing_load(source->path, assets->errors);
	return source->drawing != NULL ? 0 : -EINVAL;
}

/* A notice has the name of its layer, and two elements of one output may not have one name. */
static int check_layer_names(struct assets *assets, const struct source *source) {
	const struct config *config = assets->config;
	for (uint32_t i = source->first_element; i < atlas_builder_elements(assets->builder); i++) {
		const struct atlas_element *element = atlas_builder_element(assets->builder, i);
		for (unsigned layer = 0; layer < config->layers_len; layer++) {
			if (config->layers[layer].critical &&
				config->layers[layer].output == source->output &&
				strcmp(config->layers[layer].name, element->name) == 0) {
				fprintf(assets->errors,
					"%s: element '%s' has the name of a critical layer; "
					"rename one of them\n",
					source->path, element->name);
				return -EINVAL;
			}
		}
	}
	return 0;
}

static void add_drawn(struct assets *assets, struct source *source) {
	const struct config_output *output = &assets->config->outputs[source->output];
	struct assets_target target =
		assets_target_from_area(source->drawing, output->name, &source->area);
	if (target.scale < SCALE_MIN) {
		if (assets->config->safety.signals) {
			fprintf(assets->errors,
				"output '%s': %ux%u is too small for the HMI of %s; its critical "
				"layers must be larger, or the output have fallback: false\n",
				output->name, source->area.width, source->area.height,
				source->path);
			atlas_builder_fail(assets->builder, -EINVAL);
		}
		assets_add_ground(assets->builder, source->drawing, &target);
		return;
	}
	assets_add_drawing(assets->builder, source->drawing, &target);
}

static int add_hmis(struct assets *assets) {
	for (unsigned i = 0; i < assets->sources_len; i++) {
		struct source *source = &assets->sources[i];
		source->first_element = atlas_builder_elements(assets->builder);
		if (source->drawing != NULL) {
			add_drawn(assets, source);
		} else {
			assets_add_built(assets->builder, atlas_file_atlas(source->built),
				assets->config->outputs[source->output].name, &source->area);
		}
		int error = check_layer_names(assets, source);
		if (error != 0) {
			return error;
		}
		assets_expand_notice(
			assets->builder, assets->config, source->output, source->first_element);
	}
	return 0;
}

static int check_hmis(const struct assets *assets) {
	bool good = true;
	for (unsigned i = 0; i < assets->sources_len; i++) {
		const struct source *source = &assets->sources[i];
		if (source->drawing != NULL) {
			good &= assets_states_differ(
				assets->builder, source->drawing, source->first_element);
		}
	}
	return good ? 0 : -EINVAL;
}

static int load_hmis(struct assets *assets) {
	uint32_t themes = 1, locales = 1;
	for (unsigned i = 0; i < assets->config->outputs_len; i++) {
		if (!assets->config->outputs[i].fallback) {
			continue;
		}
		int error = load_source(assets, i);
		if (error != 0) {
			return error;
		}
		const struct source *source = &assets->sources[assets->sources_len - 1];
		const struct drawing *drawing = source->drawing;
		const struct atlas *built =
			drawing == NULL ? atlas_file_atlas(source->built) : NULL;
		themes = MAX(themes, drawing != NULL ? drawing->themes_len : built->themes_len);
		locales = MAX(locales, drawing != NULL ? drawing->locales_len : built->locales_len);
	}
	assets->builder = atlas_builder_create(themes, locales);
	return assets->builder != NULL ? 0 : -ENOMEM;
}

/* ---- pictures ---- */

/* 0xAARRGGBB, not premultiplied, to premultiplied. */
static uint32_t premultiply(uint32_t pixel) {
	uint32_t alpha = pixel >> 24;
	uint32_t result = alpha << 24;
	for (unsigned shift = 0; shift < 24; shift += 8) {
		uint32_t product = (pixel >> shift & 0xff) * alpha;
		result |= (product + 127) / 255 << shift;
	}
	return result;
}

static void add_picture(struct assets *assets, unsigned layer) {
	const char *path = assets->pictures->paths[layer];
	const char *name = assets->config->layers[layer].name;
	struct png png;
	int error = path != NULL ? png_read(&png, path) : -ENOENT;
	if (error != 0) {
		fprintf(assets->errors, "%s: %s; the picture of layer '%s' must be a good PNG\n",
			path, error == -EBADMSG ? "damaged" : strerror(-error), name);
		atlas_builder_fail(assets->builder, error);
		return;
	}
	struct rect place = { 0, 0, png.width, png.height };
	uint32_t *pixels = atlas_builder_add(assets->builder, &place, "picture/%s", name);
	for (size_t i = 0; pixels != NULL && i < (size_t)png.width * png.height; i++) {
		pixels[i] = premultiply(png.pixels[i]);
	}
	png_finish(&png);
}

static int create_atlas(struct assets *assets) {
	const struct config *config = assets->config;
	int error = load_hmis(assets);
	if (error == 0) {
		error = add_hmis(assets);
	}
	for (unsigned i = 0; error == 0 && i < config->layers_len; i++) {
		if (config->layers[i].kind == CONFIG_LAYER_GUEST) {
			assets_add_placeholder(assets->builder, &config->layers[i]);
		} else {
			add_picture(assets, i);
		}
	}
	if (error == 0) {
		error = atlas_builder_finish(assets->builder);
	}
	if (error == 0) {
		error = check_hmis(assets);
	}
	return error == 0 ? atlas_builder_seal(assets->builder) : error;
}

int assets_create_atlas(
	const struct config *config, const struct config_pictures *pictures, FILE *errors) {
	struct assets *assets = calloc(1, sizeof(*assets));
	if (assets == NULL) {
		return -ENOMEM;
	}
	assets->config = config;
	assets->pictures = pictures;
	assets->errors = errors;
	find_shipped(assets->shipped);
	int result = create_atlas(assets);
	atlas_builder_destroy(assets->builder);
	for (unsigned i = 0; i < assets->sources_len; i++) {
		drawing_destroy(assets->sources[i].drawing);
		atlas_file_close(assets->sources[i].built);
	}
	free(assets);
	canvas_forget();
	return result;
}

int assets_build(const char *path, const char *output, double scale, FILE *errors) {
	struct drawing *drawing = drawing_load(path, errors);
	if (drawing == NULL) {
		return -EINVAL;
	}
	struct assets_target target = {
		.output = output,
		.area = {
			.width = (uint32_t)(drawing->width * scale + 0.5),
			.height = (uint32_t)(drawing->height * scale + 0.5),
		},
		.scale = scale,
	};
	struct atlas_builder *builder =
		atlas_builder_create(drawing->themes_len, drawing->locales_len);
	int result = -ENOMEM;
	if (builder != NULL) {
		assets_add_drawing(builder, drawing, &target);
		result = atlas_builder_finish(builder);
		if (result == 0 && !assets_states_differ(builder, drawing, 0)) {
			result = -EINVAL;
		}
		if (result == 0) {
			result = atlas_builder_seal(builder);
		}
	}
	atlas_builder_destroy(builder);
	drawing_destroy(drawing);
	canvas_forget();
	return result;
}
