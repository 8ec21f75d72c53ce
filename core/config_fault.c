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
	RULE(output->flicker_max <= CONFIG_FLICKER_MAX, "output flicker maximum");
	RULE(output->dwell_ms <= CONFIG_TIME_MAX_MS, "output dwell time");
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

static const char *channel_fault(const struct config_guest *guest) {
	const struct config_channel *channel = &guest->channel;
	RULE(channel->enabled <= 1, "channel enabled");
	RULE(IS_TEXT(channel->socket), "channel socket");
	RULE(channel->enabled == 0 || IS_PATH(channel->socket), "channel socket");
	RULE(channel->enabled == 0 || guest->gpu.enabled == 1, "channel without gpu");
	return NULL;
}

static const char *guest_fault(const struct config_guest *guest) {
	RULE(IS_NAME(guest->name), "guest name");
	const char *fault = gpu_fault(&guest->gpu);
	if (fault == NULL) {
		fault = sound_fault(&guest->sound);
	}
	return fault != NULL ? fault : channel_fault(guest);
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

static const char *demands_fault(const struct config_layer *layer) {
	RULE(layer->echo_ms <= CONFIG_TIME_MAX_MS, "layer echo time");
	RULE(layer->heartbeat_ms <= CONFIG_TIME_MAX_MS, "layer heartbeat time");
	RULE(layer->frozen_frames <= CONFIG_CHECK_FRAMES_MAX, "layer frozen frames");
	RULE(layer->tag <= 1, "layer tag");
	RULE(layer->lag_ms <= CONFIG_TIME_MAX_MS, "layer lag");
	RULE(layer->opaque <= 1, "layer opaque");
	RULE(layer->dark <= 1, "layer dark");
	RULE(layer->quarantine_losses <= CONFIG_QUARANTINE_LOSSES_MAX, "layer quarantine losses");
	RULE(layer->quarantine_ms <= CONFIG_TIME_MAX_MS, "layer quarantine time");
	RULE(layer->quarantine_losses == 0 || layer->quarantine_ms > 0, "layer quarantine time");
	RULE(layer->follow_ms <= CONFIG_FOLLOW_MAX_MS, "layer follow time");
	for (unsigned i = 0; i < FAULT_CAUSES; i++) {
		RULE(layer->reactions[i] < FAULT_REACTIONS, "layer reaction");
	}
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
	const char *fault = demands_fault(layer);
	return fault != NULL ? fault : source_fault(config, layer);
}

/* Names of elements and regions: those of the HMI are made by the same rule as ours. */
#define IS_NAME_OR_NONE(field) (IS_TEXT(field) && ((field)[0] == '\0' || is_name(field)))

static const char *verified_fault(
	const struct config *config, const struct config_verified *verified) {
	RULE(IS_NAME_OR_NONE(verified->element), "verified element");
	RULE(verified->layer < config->layers_len, "layer of a verified element");
	const struct config_layer *layer = &config->layers[verified->layer];
	RULE(layer->kind == CONFIG_LAYER_GUEST && layer->scale == 0 && layer->opaque == 1 &&
			layer->opacity == 255,
		"layer of a verified element");
	return NULL;
}

static bool contains(const struct rect *outer, const struct rect *inner) {
	int64_t right = (int64_t)inner->x + inner->width,
		bottom = (int64_t)inner->y + inner->height;
	return inner->x >= outer->x && inner->y >= outer->y &&
		right <= (int64_t)outer->x + outer->width &&
		bottom <= (int64_t)outer->y + outer->height;
}

static const char *region_fault(const struct config *config, const struct config_region *region) {
	RULE(IS_NAME(region->name), "region name");
	RULE(region->check < SAFETY_CHECKS && region->check != SAFETY_EXACT &&
			region->check != SAFETY_OFF,
		"region check");
	RULE(region->layer < config->layers_len, "region layer");
	RULE(config->layers[region->layer].kind == CONFIG_LAYER_GUEST, "region layer");
	RULE(place_is_sane(&region->place), "region place");
	RULE(contains(&config->layers[region->layer].place, &region->place), "region place");
	RULE(in_range(region->frames, 1, CONFIG_CHECK_FRAMES_MAX), "region frames");
	RULE(region->skip <= 3, "region skip");
	RULE(region->threshold <= 255, "region threshold");
	RULE(IS_NAME_OR_NONE(region->element), "region element");
	RULE((region->check == SAFETY_PRESENCE) == (region->element[0] != '\0'), "region element");
	RULE(region->reaction < FAULT_REACTIONS, "region reaction");
	return NULL;
}

static const char *safety_fault(const struct config_safety *safety) {
	RULE(safety->signals <= 1, "signals");
	RULE(safety->signals == 0 || in_range(safety->signal_timeout_ms, 20, 10000),
		"signal time-out");
	RULE(safety->watchdog <= CONFIG_WATCHDOG_FILE, "watchdog");
	RULE(IS_TEXT(safety->watchdog_path), "watchdog path");
	if (safety->watchdog == CONFIG_WATCHDOG_DEVICE ||
		safety->watchdog == CONFIG_WATCHDOG_FILE) {
		RULE(IS_PATH(safety->watchdog_path), "watchdog path");
	}
	RULE(safety->watchdog == CONFIG_WATCHDOG_NONE || in_range(safety->pet_ms, 10, 1000),
		"watchdog period");
	RULE(IS_TEXT(safety->buzzer_path), "buzzer path");
	RULE(safety->buzzer_path[0] == '\0' || safety->buzzer_path[0] == '/', "buzzer path");
	RULE(safety->chimes <= 1, "chimes");
	RULE(safety->chimes == 0 || safety->signals == 1, "chimes without signals");
	RULE(safety->chimes == 0 || in_range(safety->chime_ms, 20, 10000), "chime time");
	RULE(safety->allow_inject <= 1, "allow inject");
	return NULL;
}

/* What is of one layer or the other, and the whole's. */
static const char *demanded_fault(const struct config *config) {
	RULE(config->verified_len <= CONFIG_VERIFIED_MAX, "number of verified elements");
	RULE(config->regions_len <= CONFIG_REGIONS_MAX, "number of regions");
	const char *fault = NULL;
	for (uint32_t i = 0; fault == NULL && i < config->verified_len; i++) {
		fault = verified_fault(config, &config->verified[i]);
	}
	for (uint32_t i = 0; fault == NULL && i < config->regions_len; i++) {
		fault = region_fault(config, &config->regions[i]);
	}
	return fault != NULL ? fault : safety_fault(&config->safety);
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
	for (uint32_t i = 0; i < config->regions_len; i++) {
		for (uint32_t j = 0; j < i; j++) {
			RULE(strcmp(config->regions[i].name, config->regions[j].name) != 0,
				"region name is used twice");
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
		fault = demanded_fault(config);
	}
	if (fault == NULL) {
		fault = mixer_fault(&config->mixer);
	}
	return fault != NULL ? fault : names_fault(config);
}
