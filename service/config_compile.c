#include "service/config_compile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/macros.h"
#include "service/config_compile_impl.h"
#include "service/runtime_dir.h"
#include "service/scalar.h"

#define MM_MAX 10000
#define DOTS_PER_INCH 96 /* what desktops assume of a display that does not say */
#define MM_PER_10_INCH 254
#define RATE_DEFAULT 48000
#define QUANTUM_DEFAULT 256
#define BACKGROUND_DEFAULT 0x0b0d10
#define SMALLEST "the smallest configuration is\n  guests:\n    - name: cluster"
#define FLICKER_DEFAULT 5 /* away, back, away, back, away: the third loss in 10 s is the last */
#define DWELL_MS_DEFAULT 500
#define DWELL_MS_MAX 60000

struct config_where config_where(const char *format, ...) {
	struct config_where where;
	va_list args;
	va_start(args, format);
	vsnprintf(where.text, sizeof(where.text), format, args);
	va_end(args);
	return where;
}

uint32_t config_number(struct config_compiler *compiler, struct config_where where,
	const uint32_t *value, uint32_t min, uint32_t max, uint32_t missing) {
	if (value == NULL) {
		return missing;
	}
	if (*value < min || *value > max) {
		config_source_error(compiler->source, where.text, "%s: %u; allowed: %u to %u",
			where.text, *value, min, max);
		return missing;
	}
	return *value;
}

void config_name(struct config_compiler *compiler, struct config_where where, const char *name,
	char copy[CONFIG_NAME_BYTES], const void *earlier, size_t step, size_t len) {
	if (name == NULL) {
		config_source_error(compiler->source, where.text, "%s is missing; allowed: %s",
			where.text, SCALAR_NAME_FORM);
		return;
	}
	if (!scalar_is_name(name)) {
		config_source_error(compiler->source, where.text, "%s: '%s'; allowed: %s",
			where.text, name, SCALAR_NAME_FORM);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		if (strcmp((const char *)earlier + i * step, name) == 0) {
			config_source_error(compiler->source, where.text,
				"%s: '%s' is taken; names of one kind must differ", where.text,
				name);
			return;
		}
	}
	snprintf(copy, CONFIG_NAME_BYTES, "%s", name);
}

uint32_t config_mm_from_pixels(uint32_t pixels) {
	return MAX(pixels * MM_PER_10_INCH / (DOTS_PER_INCH * 10), 1);
}

void config_size_mm(struct config_compiler *compiler, struct config_where where, const char *text,
	uint32_t *width_mm, uint32_t *height_mm) {
	uint32_t width, height;
	if (!scalar_size(text, &width, &height) || width > MM_MAX || height > MM_MAX) {
		config_source_error(compiler->source, where.text, "%s: '%s'; allowed: %s",
			where.text, text, SCALAR_SIZE_FORM " millimetres");
		return;
	}
	*width_mm = width;
	*height_mm = height;
}

char *config_path(struct config_compiler *compiler, const char *given) {
	const char *path = config_source_path(compiler->source);
	const char *slash = strrchr(path, '/');
	char *whole;
	if (given[0] == '/' || slash == NULL) {
		return strdup(given);
	}
	return asprintf(&whole, "%.*s/%s", (int)(slash - path), path, given) < 0 ? NULL : whole;
}

void config_runtime_path(struct config_compiler *compiler, struct config_where where,
	const char *given, const char *missing, char path[CONFIG_PATH_BYTES]) {
	const char *name = given != NULL ? given : missing;
	char whole[2 * CONFIG_PATH_BYTES];
	int len = name[0] == '/'
		? snprintf(whole, sizeof(whole), "%s", name)
		: snprintf(whole, sizeof(whole), "%s/%s", compiler->config->runtime_dir, name);
	if (name[0] == '\0') {
		config_source_error(
			compiler->source, where.text, "%s: empty; allowed: a path", where.text);
	} else if (len >= CONFIG_PATH_BYTES) {
		config_source_error(compiler->source, where.text,
			"%s: the path '%s' has %d bytes; allowed: %d (give a shorter one, or a "
			"shorter runtime)",
			where.text, whole, len, CONFIG_PATH_BYTES - 1);
	} else {
		memcpy(path, whole, (size_t)len + 1);
	}
}

static void compile_hmi(
	struct config_compiler *compiler, unsigned index, const struct file_output *file) {
	struct config_where where = config_where("outputs[%u].hmi", index);
	if (file->hmi == NULL) {
		return;
	}
	if (file->fallback != NULL && !*file->fallback) {
		config_source_error(compiler->source, where.text,
			"%s: needs fallback: true; with fallback: false nothing would show it",
			where.text);
		return;
	}
	const char *dot = strrchr(file->hmi, '.');
	char *path = config_path(compiler, file->hmi);
	compiler->pictures->hmis[index] = path;
	if (dot == NULL || (strcmp(dot, ".yaml") != 0 && strcmp(dot, ".atlas") != 0)) {
		config_source_error(compiler->source, where.text,
			"%s: '%s'; allowed: a file that ends in .yaml, or in .atlas", where.text,
			file->hmi);
	} else if (path == NULL || access(path, R_OK) != 0) {
		config_source_error(compiler->source, where.text,
			"%s: '%s': %s; allowed: a file that can be read", where.text,
			path != NULL ? path : file->hmi, strerror(errno));
	}
}

static void compile_flicker(struct config_compiler *compiler, unsigned index,
	const struct file_output *file, struct config_output *output) {
	output->flicker_max =
		config_number(compiler, config_where("outputs[%u].flicker_max", index),
			file->flicker_max, 0, CONFIG_FLICKER_MAX, FLICKER_DEFAULT);
	output->dwell_ms = config_number(compiler, config_where("outputs[%u].dwell_ms", index),
		file->dwell_ms, 0, DWELL_MS_MAX, DWELL_MS_DEFAULT);
}

static void compile_output(struct config_compiler *compiler, unsigned index,
	const struct file_output *file, struct config_output *output) {
	struct config_where where = config_where("outputs[%u].mode", index);
	struct scalar_mode mode = { 1920, 1080, TICKER_REAL, 60000 };
	if (file->mode != NULL && !scalar_mode(file->mode, &mode)) {
		config_source_error(compiler->source, where.text, "%s: '%s'; allowed: %s",
			where.text, file->mode, SCALAR_MODE_FORM);
	}
	output->kind = file->kind != NULL ? *file->kind : (uint32_t)CONFIG_OUTPUT_MEMORY;
	output->width = mode.width;
	output->height = mode.height;
	output->clock = mode.clock;
	output->refresh_mhz = mode.refresh_mhz;
	output->width_mm = config_mm_from_pixels(mode.width);
	output->height_mm = config_mm_from_pixels(mode.height);
	if (file->size_mm != NULL) {
		config_size_mm(compiler, config_where("outputs[%u].size_mm", index), file->size_mm,
			&output->width_mm, &output->height_mm);
	}
	output->background = BACKGROUND_DEFAULT;
	if (file->background != NULL && !scalar_colour(file->background, &output->background)) {
		where = config_where("outputs[%u].background", index);
		config_source_error(compiler->source, where.text, "%s: '%s'; allowed: %s",
			where.text, file->background, SCALAR_COLOUR_FORM);
	}
	output->fallback = file->fallback == NULL || *file->fallback;
	compile_hmi(compiler, index, file);
	compile_flicker(compiler, index, file, output);
}

void config_compile_outputs(struct config_compiler *compiler) {
	static const struct file_output default_output = { .name = (char *)"main" };
	const struct file_root *file = compiler->file;
	struct config *config = compiler->config;

	config->outputs_len = file->outputs_count;
	for (unsigned i = 0; i < file->outputs_count; i++) {
		struct config_where where = config_where("outputs[%u].name", i);
		config_name(compiler, where, file->outputs[i].name, config->outputs[i].name,
			config->outputs, sizeof(config->outputs[0]), i);
		compile_output(compiler, i, &file->outputs[i], &config->outputs[i]);
	}
	if (config->outputs_len == 0) {
		config->outputs_len = 1;
		snprintf(config->outputs[0].name, sizeof(config->outputs[0].name), "%s",
			default_output.name);
		compile_output(compiler, 0, &default_output, &config->outputs[0]);
	}
}

void config_compile_sound(struct config_compiler *compiler) {
	static const struct file_sound default_sound = { 0 };
	const struct file_sound *file =
		compiler->file->sound != NULL ? compiler->file->sound : &default_sound;
	struct config_mixer *mixer = &compiler->config->mixer;

	mixer->sink = file->sink != NULL ? *file->sink : (uint32_t)CONFIG_SINK_NULL;
	mixer->wait_streams = file->clock != NULL && *file->clock == FILE_SOUND_CLOCK_STREAMS;
	if (mixer->wait_streams && mixer->sink != CONFIG_SINK_MEMORY) {
		config_source_error(compiler->source, "sound.clock",
			"sound.clock: 'streams' needs sink: memory; allowed with other sinks: "
			"real");
	}
	mixer->rate = config_number(
		compiler, config_where("sound.rate"), file->rate, 8000, 192000, RATE_DEFAULT);
	mixer->quantum_frames = config_number(
		compiler, config_where("sound.quantum"), file->quantum, 16, 1024, QUANTUM_DEFAULT);
}

static void compile_root(struct config_compiler *compiler, const char *runtime) {
	const struct file_root *file = compiler->file;
	struct config *config = compiler->config;
	if (file->name != NULL) {
		config_name(compiler, config_where("name"), file->name, config->name, NULL, 0, 0);
	} else {
		snprintf(config->name, sizeof(config->name), "%s", "fascia");
	}
	if (file->runtime != NULL && file->runtime[0] != '/') {
		config_source_error(compiler->source, "runtime",
			"runtime: '%s'; allowed: an absolute path", file->runtime);
	}
	int error = runtime_dir_choose(
		runtime, file->runtime, config->runtime_dir, sizeof(config->runtime_dir));
	if (error != 0) {
		/* the file is to blame only when its own value was the one chosen */
		const char *env = getenv("FASCIA_RUNTIME");
		const char *blame = runtime != NULL     ? "--runtime"
			: env != NULL && env[0] != '\0' ? "FASCIA_RUNTIME"
							: "runtime";
		config_source_error(compiler->source,
			strcmp(blame, "runtime") == 0 ? "runtime" : NULL,
			"%s: the path is too long for the sockets in it; allowed: %zu bytes", blame,
			sizeof(config->runtime_dir) - 1);
	}
}

static bool compile(struct config_compiler *compiler, const char *runtime) {
	compile_root(compiler, runtime);
	config_compile_outputs(compiler);
	config_compile_sound(compiler);
	config_compile_guests(compiler);
	config_compile_safety(compiler);
	config_compile_layers(compiler);
	/* what is derived from layers would only repeat the complaints about them */
	if (config_source_errors(compiler->source) == 0) {
		config_compile_scanouts(compiler);
	}
	if (config_source_errors(compiler->source) > 0) {
		return false;
	}
	/* what every process checks again; a complaint here is one that is missing above */
	const char *fault = config_fault(compiler->config);
	if (fault != NULL) {
		config_source_error(compiler->source, "", "cannot be used: %s", fault);
	}
	return fault == NULL;
}

bool config_compile(const char *path, const char *runtime, struct config *config,
	struct config_pictures *pictures, FILE *errors) {
	*config = (struct config) { 0 };
	*pictures = (struct config_pictures) { 0 };
	struct config_source *source = config_source_create(path, SMALLEST, errors);
	if (source == NULL) {
		return false;
	}
	bool compiled = false;
	struct file_root *file = config_schema_load(source);
	if (file != NULL) {
		struct config_compiler compiler = {
			.source = source,
			.file = file,
			.config = config,
			.pictures = pictures,
		};
		compiled = compile(&compiler, runtime);
	}
	if (!compiled) {
		config_pictures_finish(pictures);
	}
	config_schema_free(file);
	config_source_destroy(source);
	return compiled;
}

void config_pictures_finish(struct config_pictures *pictures) {
	for (size_t i = 0; i < ARRAY_LEN(pictures->paths); i++) {
		free(pictures->paths[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(pictures->hmis); i++) {
		free(pictures->hmis[i]);
	}
	*pictures = (struct config_pictures) { 0 };
}
