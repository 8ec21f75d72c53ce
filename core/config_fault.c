#include <string.h>

#include "core/clock.h"
#include "core/config.h"
#include "core/text.h"

#define POOL_PAGE_BYTES 4096

/* One line per rule: the first broken one is what config_fault() says. */
#define RULE(holds, what)                                                                          \
	do {                                                                                       \
		if (!(holds)) {                                                                    \
			return what;                                                               \
		}                                                                                  \
	} while (0)

static bool in_range(uint64_t value, uint64_t least, uint64_t most) {
	return value >= least && value <= most;
}

/* Names become parts of file names, of tiles' names and of counters' names. */
static bool is_name(const char *text) {
	const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	return text[0] != '\0' && text[strspn(text, allowed)] == '\0';
}

#define IS_TEXT(field) text_is_terminated(field, sizeof(field))
#define IS_NAME(field) (IS_TEXT(field) && is_name(field))
#define IS_PATH(field) (IS_TEXT(field) && (field)[0] == '/')

static bool place_is_sane(const struct rect *rect) {
	return rect->x >= -CONFIG_PLACE_MAX && rect->x <= CONFIG_PLACE_MAX &&
		rect->y >= -CONFIG_PLACE_MAX && rect->y <= CONFIG_PLACE_MAX &&
		in_range(rect->width, 1, CONFIG_SIZE_MAX) &&
		in_range(rect->height, 1, CONFIG_SIZE_MAX);
}

static const char *output_fault(const struct config_output *output) {
	RULE(IS_NAME(output->name), "output name");
	RULE(output->kind == CONFIG_OUTPUT_MEMORY, "output kind");
	RULE(in_range(output->width, 1, CONFIG_SIZE_MAX), "output width");
	RULE(in_range(output->height, 1, CONFIG_SIZE_MAX), "output height");
	RULE(output->clock <= TICKER_STEP, "output clock");
	RULE(in_range(output->refresh_mhz, 1000, 400000), "output refresh");
	RULE(output->background <= 0xffffff, "output background");
	RULE(output->fallback <= 1, "output fallback");
	return NULL;
}

static const char *mode_fault(const struct frame_mode *mode) {
	RULE(mode->enabled <= 1, "scanout enabled");
	RULE(in_range(mode->width, 1, CONFIG_MODE_MAX), "scanout width");
	RULE(in_range(mode->height, 1, CONFIG_MODE_MAX), "scanout height");
	RULE(in_range(mode->refresh_mhz, 1000, 400000), "scanout refresh");
	RULE(IS_TEXT(mode->name), "scanout name");
	return NULL;
}

static const char *budget_fault(const struct config_budget *budget) {
	RULE(in_range(budget->pool_bytes, POOL_PAGE_BYTES, CONFIG_BYTES_MAX) &&
			budget->pool_bytes % POOL_PAGE_BYTES == 0,
		"pool bytes");
	RULE(budget->memory_bytes <= CONFIG_BYTES_MAX, "memory bytes");
	RULE(budget->resources > 0, "resources");
	RULE(budget->backing_entries > 0, "backing entries");
	RULE(budget->commands_per_wake > 0, "commands per wake-up");
	RULE(budget->flushes_per_refresh > 0, "flushes per refresh");
	return NULL;
}

static const char *gpu_fault(const struct config_gpu *gpu) {
	RULE(gpu->enabled <= 1, "gpu enabled");
	RULE(IS_TEXT(gpu->socket), "gpu socket");
	if (gpu->enabled == 0) {
		return NULL;
	}
	RULE(IS_PATH(gpu->socket), "gpu socket");
	RULE(gpu->profile <= CONFIG_PROFILE_BLOB, "gpu profile");
	RULE(in_range(gpu->scanouts_len, 1, FRAME_LINK_CHANNELS), "number of scanouts");
	const char *fault = budget_fault(&gpu->budget);
	for (uint32_t i = 0; fault == NULL && i < gpu->scanouts_len; i++) {
		fault = mode_fault(&gpu->scanouts[i]);
	}
	return fault;
}

static const char *sound_fault(const struct config_sound_device *sound) {
	RULE(sound->enabled <= 1, "sound enabled");
	RULE(IS_TEXT(sound->socket), "sound socket");
	if (sound->enabled == 0) {
		return NULL;
	}
	RULE(IS_PATH(sound->socket), "sound socket");
	RULE(in_range(sound->streams, 1, SAMPLE_LINK_STREAMS), "number of streams");
	for (uint32_t i = 0; i < sound->streams; i++) {
		/* also false for what is not a number */
		RULE(sound->gain[i] >= 0.0f && sound->gain[i] <= 1.0f, "gain");
	}
	return NULL;
}

static const char *guest_fault(const struct config_guest *guest) {
	RULE(IS_NAME(guest->name), "guest name");
	const char *fault = gpu_fault(&guest->gpu);
	return fault != NULL ? fault : sound_fault(&guest->sound);
}

static const char *source_fault(const struct config *config, const struct config_layer *layer) {
	if (layer->kind == CONFIG_LAYER_PICTURE) {
		RULE(layer->guest == CONFIG_NONE, "guest of a picture");
		RULE(layer->scanout == CONFIG_NONE, "scanout of a picture");
		return NULL;
	}
	RULE(layer->kind == CONFIG_LAYER_GUEST, "layer kind");
	RULE(layer->guest < config->guests_len, "layer guest");
	const struct config_gpu *gpu = &config->guests[layer->guest].gpu;
	RULE(gpu->enabled == 1 && layer->scanout < gpu->scanouts_len, "layer scanout");
	return NULL;
}

static const char *layer_fault(const struct config *config, const struct config_layer *layer) {
	RULE(IS_NAME(layer->name), "layer name");
	RULE(layer->output < config->outputs_len, "layer output");
	RULE(place_is_sane(&layer->place), "layer place");
	RULE(rect_is_empty(&layer->clip) || place_is_sane(&layer->clip), "layer clip");
	RULE(layer->scale <= 1, "layer scale");
	RULE(layer->opacity <= 255, "layer opacity");
	RULE(layer->visible <= 1, "layer visible");
	RULE(layer->critical <= 1, "layer critical");
	RULE(layer->stall_ms <= CONFIG_TIME_MAX_MS, "layer stall time");
	RULE(layer->hold_ms <= CONFIG_TIME_MAX_MS, "layer hold time");
	RULE(in_range(layer->recover_frames, 1, CONFIG_RECOVER_FRAMES_MAX), "layer recover frames");
	return source_fault(config, layer);
}

static const char *mixer_fault(const struct config_mixer *mixer) {
	RULE(mixer->sink <= CONFIG_SINK_MEMORY, "sink");
	RULE(mixer->wait_streams <= 1, "sink waits for streams");
	if (mixer->sink == CONFIG_SINK_NONE) {
		return NULL;
	}
	RULE(in_range(mixer->rate, SAMPLE_RATE_MIN, SAMPLE_RATE_MAX), "mix rate");
	RULE(in_range(mixer->quantum_frames, 16, 1024), "mix quantum");
	return NULL;
}

/* A name is a tile's name, a statistics entry and a file name part: it must tell things apart. */
static const char *names_fault(const struct config *config) {
	for (uint32_t i = 0; i < config->layers_len; i++) {
		for (uint32_t j = 0; j < i; j++) {
			RULE(strcmp(config->layers[i].name, config->layers[j].name) != 0,
				"layer name is used twice");
		}
	}
	for (uint32_t i = 0; i < config->guests_len; i++) {
		for (uint32_t j = 0; j < i; j++) {
			RULE(strcmp(config->guests[i].name, config->guests[j].name) != 0,
				"guest name is used twice");
		}
	}
	for (uint32_t i = 0; i < config->outputs_len; i++) {
		for (uint32_t j = 0; j < i; j++) {
			RULE(strcmp(config->outputs[i].name, config->outputs[j].name) != 0,
				"output name is used twice");
		}
	}
	return NULL;
}

const char *config_fault(const struct config *config) {
	RULE(IS_TEXT(config->name), "name");
	RULE(IS_PATH(config->runtime_dir), "runtime directory");
	RULE(config->outputs_len <= CONFIG_OUTPUTS_MAX, "number of outputs");
	RULE(config->guests_len <= CONFIG_GUESTS_MAX, "number of guests");
	RULE(config->layers_len <= CONFIG_LAYERS_MAX, "number of layers");
	const char *fault = NULL;
	for (uint32_t i = 0; fault == NULL && i < config->outputs_len; i++) {
		fault = output_fault(&config->outputs[i]);
	}
	for (uint32_t i = 0; fault == NULL && i < config->guests_len; i++) {
		fault = guest_fault(&config->guests[i]);
	}
	for (uint32_t i = 0; fault == NULL && i < config->layers_len; i++) {
		fault = layer_fault(config, &config->layers[i]);
	}
	if (fault == NULL) {
		fault = mixer_fault(&config->mixer);
	}
	return fault != NULL ? fault : names_fault(config);
}
