/*
 * Guests: their sockets, devices and budgets; scanouts once the layers are known.
 */
#include <string.h>

#include "core/macros.h"
#include "core/sample_link.h"
#include "service/config_compile_impl.h"
#include "service/scalar.h"

#define SCANOUT_NAME_MAX 13 /* characters that an EDID has room for */

#define SCANOUT_WIDTH_DEFAULT 1280
#define SCANOUT_HEIGHT_DEFAULT 800
#define STREAMS_DEFAULT 2
#define MEMORY_BYTES_DEFAULT (UINT64_C(64) << 20)
#define MEMORY_BYTES_MAX (UINT64_C(4) << 30)
#define POOL_BYTES_MAX (UINT64_C(4) << 30)
#define RESOURCES_DEFAULT 512
#define RESOURCES_MAX 65536
/* what QEMU and the Linux driver agree on: one entry per page of a 64 MiB resource */
#define BACKING_ENTRIES_DEFAULT 16384
#define BACKING_ENTRIES_MAX 1048576
#define COMMANDS_PER_WAKE_DEFAULT 64
#define FLUSHES_PER_REFRESH_DEFAULT 4
#define MIB (UINT64_C(1) << 20)

uint64_t config_pool_bytes(const struct config_gpu *gpu) {
	uint64_t bytes = 0;
	for (unsigned i = 0; i < gpu->scanouts_len; i++) {
		bytes += (uint64_t)gpu->scanouts[i].width * gpu->scanouts[i].height * 4 *
			CONFIG_POOL_BUFFERS;
	}
	bytes = MAX(bytes, CONFIG_POOL_BYTES_MIN);
	return (bytes + MIB - 1) / MIB * MIB;
}

static void compile_socket(struct config_compiler *compiler, struct config_where where,
	const char *given, const char *kind, const char *guest, char path[CONFIG_PATH_BYTES]) {
	char missing[2 * CONFIG_NAME_BYTES];
	snprintf(missing, sizeof(missing), "%s-%s", kind, guest);
	config_runtime_path(compiler, where, given, missing, path);
}

static uint64_t compile_bytes(struct config_compiler *compiler, struct config_where where,
	const char *text, uint64_t min, uint64_t max, uint64_t missing) {
	uint64_t bytes;
	if (text == NULL) {
		return missing;
	}
	if (!scalar_bytes(text, &bytes) || bytes < min || bytes > max) {
		config_source_error(compiler->source, where.text,
			"%s: '%s'; allowed: %s, %llu to %llu MiB", where.text, text,
			SCALAR_BYTES_FORM, (unsigned long long)(min / MIB),
			(unsigned long long)(max / MIB));
		return missing;
	}
	return bytes;
}

/* The pool's default waits for the scanouts: 0 until then. */
static void compile_budget(struct config_compiler *compiler, unsigned guest,
	const struct file_budget *file, struct config_budget *budget) {
	static const struct file_budget nothing = { 0 };
	file = file != NULL ? file : &nothing;
#define WHERE(key) config_where("guests[%u].gpu.budget." key, guest)
	budget->pool_bytes =
		compile_bytes(compiler, WHERE("pool"), file->pool, MIB, POOL_BYTES_MAX, 0);
	budget->pool_bytes = (budget->pool_bytes + MIB - 1) / MIB * MIB;
	budget->memory_bytes = compile_bytes(
		compiler, WHERE("memory"), file->memory, 0, MEMORY_BYTES_MAX, MEMORY_BYTES_DEFAULT);
	budget->resources = config_number(
		compiler, WHERE("resources"), file->resources, 1, RESOURCES_MAX, RESOURCES_DEFAULT);
	budget->backing_entries = config_number(compiler, WHERE("backing_entries"),
		file->backing_entries, 1, BACKING_ENTRIES_MAX, BACKING_ENTRIES_DEFAULT);
	budget->commands_per_wake = config_number(compiler, WHERE("commands_per_wake"),
		file->commands_per_wake, 1, 4096, COMMANDS_PER_WAKE_DEFAULT);
	budget->flushes_per_refresh = config_number(compiler, WHERE("flushes_per_refresh"),
		file->flushes_per_refresh, 1, 1024, FLUSHES_PER_REFRESH_DEFAULT);
#undef WHERE
}

static void compile_gpu(struct config_compiler *compiler, unsigned index,
	const struct file_gpu *file, struct config_guest *guest) {
	static const struct file_gpu nothing = { 0 };
	file = file != NULL ? file : &nothing;
	struct config_gpu *gpu = &guest->gpu;

	gpu->enabled = file->enabled == NULL || *file->enabled;
	compile_socket(compiler, config_where("guests[%u].gpu.socket", index), file->socket, "gpu",
		guest->name, gpu->socket);
	gpu->profile = file->profile != NULL ? *file->profile : (uint32_t)CONFIG_PROFILE_2D;
	compile_budget(compiler, index, file->budget, &gpu->budget);
}

static void compile_gains(struct config_compiler *compiler, unsigned index,
	const struct file_sound_device *file, struct config_sound_device *sound) {
	for (unsigned i = 0; i < ARRAY_LEN(sound->gain); i++) {
		sound->gain[i] = 1.0f;
	}
	for (unsigned i = 0; i < file->gains_count; i++) {
		struct config_where where = config_where("guests[%u].sound.gains[%u]", index, i);
		if (i >= sound->streams) {
			config_source_error(compiler->source, where.text,
				"%s: there are only %u streams", where.text, sound->streams);
		} else if (!(file->gains[i] >= 0.0f && file->gains[i] <= 1.0f)) {
			config_source_error(compiler->source, where.text, "%s: %g; allowed: 0 to 1",
				where.text, (double)file->gains[i]);
		} else {
			sound->gain[i] = file->gains[i];
		}
	}
}

static void compile_sound_device(struct config_compiler *compiler, unsigned index,
	const struct file_sound_device *file, struct config_guest *guest) {
	static const struct file_sound_device nothing = { 0 };
	file = file != NULL ? file : &nothing;
	struct config_sound_device *sound = &guest->sound;

	sound->enabled = (file->enabled == NULL || *file->enabled) &&
		compiler->config->mixer.sink != CONFIG_SINK_NONE;
	compile_socket(compiler, config_where("guests[%u].sound.socket", index), file->socket,
		"sound", guest->name, sound->socket);
	sound->streams = config_number(compiler, config_where("guests[%u].sound.streams", index),
		file->streams, 1, SAMPLE_LINK_STREAMS, STREAMS_DEFAULT);
	compile_gains(compiler, index, file, sound);
}

/* The line to the guest is there when its section is. */
static void compile_channel(struct config_compiler *compiler, unsigned index,
	const struct file_channel *file, struct config_guest *guest) {
	struct config_where where = config_where("guests[%u].channel", index);
	if (file == NULL || (file->enabled != NULL && !*file->enabled)) {
		return;
	}
	guest->channel.enabled = 1;
	compile_socket(compiler, config_where("guests[%u].channel.socket", index), file->socket,
		"channel", guest->name, guest->channel.socket);
	if (!guest->gpu.enabled) {
		config_source_error(compiler->source, where.text,
			"%s: fascia-gpu serves it, and this guest has gpu: {enabled: false}",
			where.text);
	}
}

/* Every socket is somebody's alone; the keeper's own two are among them. */
static void check_socket(
	struct config_compiler *compiler, unsigned index, const char *kind, const char *path) {
	const struct config *config = compiler->config;
	char own[CONFIG_PATH_BYTES];
	snprintf(own, sizeof(own), "%s/keeper", config->runtime_dir);
	unsigned users = strcmp(path, own) == 0;
	snprintf(own, sizeof(own), "%s/signals", config->runtime_dir);
	users += strcmp(path, own) == 0;
	for (unsigned i = 0; i < config->guests_len; i++) {
		users += strcmp(path, config->guests[i].gpu.socket) == 0;
		users += strcmp(path, config->guests[i].sound.socket) == 0;
		users += strcmp(path, config->guests[i].channel.socket) == 0;
	}
	if (path[0] != '\0' && users > 1) {
		struct config_where where = config_where("guests[%u].%s.socket", index, kind);
		config_source_error(
			compiler->source, where.text, "%s: '%s' is taken", where.text, path);
	}
}

void config_compile_guests(struct config_compiler *compiler) {
	const struct file_root *file = compiler->file;
	struct config *config = compiler->config;

	config->guests_len = file->guests_count;
	for (unsigned i = 0; i < file->guests_count; i++) {
		struct config_guest *guest = &config->guests[i];
		config_name(compiler, config_where("guests[%u].name", i), file->guests[i].name,
			guest->name, config->guests, sizeof(config->guests[0]), i);
		compile_gpu(compiler, i, file->guests[i].gpu, guest);
		compile_sound_device(compiler, i, file->guests[i].sound, guest);
		compile_channel(compiler, i, file->guests[i].channel, guest);
	}
	if (config_source_errors(compiler->source) > 0) {
		return;
	}
	for (unsigned i = 0; i < config->guests_len; i++) {
		check_socket(compiler, i, "gpu", config->guests[i].gpu.socket);
		check_socket(compiler, i, "sound", config->guests[i].sound.socket);
		check_socket(compiler, i, "channel", config->guests[i].channel.socket);
	}
}

static const struct config_layer *find_layer(
	const struct config *config, unsigned guest, unsigned scanout) {
	for (unsigned i = 0; i < config->layers_len; i++) {
		const struct config_layer *layer = &config->layers[i];
		if (layer->kind == CONFIG_LAYER_GUEST && layer->guest == guest &&
			layer->scanout == scanout) {
			return layer;
		}
	}
	return NULL;
}

/* What a scanout is when only its layer (or nothing) says so. */
static struct frame_mode derive_mode(
	const struct config *config, unsigned guest, const struct config_layer *layer) {
	struct frame_mode mode = {
		.enabled = layer != NULL,
		.width = SCANOUT_WIDTH_DEFAULT,
		.height = SCANOUT_HEIGHT_DEFAULT,
		.refresh_mhz = 60000,
	};
	if (layer != NULL) {
		const struct config_output *output = &config->outputs[layer->output];
		mode.width = layer->place.width;
		mode.height = layer->place.height;
		mode.refresh_mhz = output->refresh_mhz;
		mode.width_mm = MAX(mode.width * output->width_mm / output->width, 1);
		mode.height_mm = MAX(mode.height * output->height_mm / output->height, 1);
	} else {
		mode.width_mm = config_mm_from_pixels(mode.width);
		mode.height_mm = config_mm_from_pixels(mode.height);
	}
	/* cutting a guest's name short is fine */
	size_t name_len = strnlen(config->guests[guest].name, SCANOUT_NAME_MAX);
	memcpy(mode.name, config->guests[guest].name, name_len);
	return mode;
}

static void compile_scanout_mode(struct config_compiler *compiler, struct config_where where,
	const char *text, struct frame_mode *mode) {
	struct scalar_mode read;
	if (!scalar_mode(text, &read) || read.clock != TICKER_REAL) {
		config_source_error(compiler->source, where.text,
			"%s: '%s'; allowed: WIDTHxHEIGHT or WIDTHxHEIGHT@RATE, 1..8192 pixels, "
			"1..400 Hz",
			where.text, text);
		return;
	}
	mode->enabled = 1;
	mode->width_mm = config_mm_from_pixels(read.width);
	mode->height_mm = config_mm_from_pixels(read.height);
	mode->width = read.width;
	mode->height = read.height;
	mode->refresh_mhz = strchr(text, '@') != NULL ? read.refresh_mhz : mode->refresh_mhz;
}

static void compile_scanout(struct config_compiler *compiler, unsigned guest, unsigned index,
	const struct file_scanout *file, struct frame_mode *mode) {
	struct config_where where = config_where("guests[%u].gpu.scanouts[%u]", guest, index);
	const struct config_layer *layer = find_layer(compiler->config, guest, index);
	*mode = derive_mode(compiler->config, guest, layer);
	mode->enabled = 1;
	if (file->mode != NULL) {
		where = config_where("guests[%u].gpu.scanouts[%u].mode", guest, index);
		compile_scanout_mode(compiler, where, file->mode, mode);
	}
	if (layer != NULL && !layer->scale &&
		(layer->place.width != mode->width || layer->place.height != mode->height)) {
		config_source_error(compiler->source, where.text,
			"%s: %ux%u, but layer '%s' shows it 1:1 at %ux%u; make them equal or give "
			"the "
			"layer scale: true",
			where.text, mode->width, mode->height, layer->name, layer->place.width,
			layer->place.height);
	}
	if (file->size_mm != NULL) {
		config_size_mm(compiler,
			config_where("guests[%u].gpu.scanouts[%u].size_mm", guest, index),
			file->size_mm, &mode->width_mm, &mode->height_mm);
	}
	if (file->name != NULL) {
		where = config_where("guests[%u].gpu.scanouts[%u].name", guest, index);
		if (strlen(file->name) > SCANOUT_NAME_MAX) {
			config_source_error(compiler->source, where.text,
				"%s: '%s'; allowed: 13 characters, an EDID has no more", where.text,
				file->name);
		} else {
			memset(mode->name, 0, sizeof(mode->name));
			memcpy(mode->name, file->name, strlen(file->name));
		}
	}
	mode->serial = file->serial != NULL ? *file->serial : 0;
}

/* Whoever gave it its size, an EDID must be able to say it. */
static void check_mode(struct config_compiler *compiler, unsigned guest, unsigned index) {
	const struct frame_mode *mode = &compiler->config->guests[guest].gpu.scanouts[index];
	if (mode->width > CONFIG_MODE_MAX || mode->height > CONFIG_MODE_MAX) {
		struct config_where where =
			config_where("guests[%u].gpu.scanouts[%u].mode", guest, index);
		config_source_error(compiler->source, where.text,
			"%s: %ux%u; allowed: %d pixels each way, an EDID cannot say more",
			where.text, mode->width, mode->height, CONFIG_MODE_MAX);
	}
}

static void compile_guest_scanouts(struct config_compiler *compiler, unsigned index) {
	const struct file_gpu *file = compiler->file->guests[index].gpu;
	struct config *config = compiler->config;
	struct config_gpu *gpu = &config->guests[index].gpu;

	uint32_t given = file != NULL ? file->scanouts_count : 0;
	gpu->scanouts_len = given;
	for (unsigned i = 0; i < config->layers_len; i++) {
		const struct config_layer *layer = &config->layers[i];
		if (layer->kind == CONFIG_LAYER_GUEST && layer->guest == index) {
			gpu->scanouts_len = MAX(gpu->scanouts_len, layer->scanout + 1);
		}
	}
	gpu->scanouts_len = MAX(gpu->scanouts_len, 1);
	for (unsigned i = 0; i < gpu->scanouts_len; i++) {
		if (i < given) {
			compile_scanout(compiler, index, i, &file->scanouts[i], &gpu->scanouts[i]);
		} else {
			gpu->scanouts[i] = derive_mode(config, index, find_layer(config, index, i));
		}
		if (gpu->scanouts[i].serial == 0) {
			gpu->scanouts[i].serial = index * FRAME_LINK_CHANNELS + i + 1;
		}
		check_mode(compiler, index, i);
	}
}

/* A guest without a layer still gets one display, so that its driver finds what it expects. */
static void check_pool(struct config_compiler *compiler, unsigned index) {
	struct config_gpu *gpu = &compiler->config->guests[index].gpu;
	if (gpu->budget.pool_bytes == 0) {
		gpu->budget.pool_bytes = config_pool_bytes(gpu);
		return;
	}
	uint64_t least = 0;
	for (unsigned i = 0; i < gpu->scanouts_len; i++) {
		least += (uint64_t)gpu->scanouts[i].width * gpu->scanouts[i].height * 4 * 2;
	}
	if (gpu->budget.pool_bytes < least) {
		struct config_where where = config_where("guests[%u].gpu.budget.pool", index);
		config_source_error(compiler->source, where.text,
			"%s: %llu bytes; allowed: at least two pictures of each scanout, %llu "
			"bytes",
			where.text, (unsigned long long)gpu->budget.pool_bytes,
			(unsigned long long)least);
	}
}

void config_compile_scanouts(struct config_compiler *compiler) {
	for (unsigned i = 0; i < compiler->config->guests_len; i++) {
		struct config_gpu *gpu = &compiler->config->guests[i].gpu;
		compile_guest_scanouts(compiler, i);
		if (gpu->scanouts_len == 1) {
			gpu->scanouts[0].enabled = 1;
		}
		check_pool(compiler, i);
	}
}
