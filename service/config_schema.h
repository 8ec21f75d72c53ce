/*
 * The configuration file as it is written: one struct per kind of section, with what was not written
 * left NULL. What each key means and its default: fascia.yaml(5).
 *
 * Texts with a form of their own (modes, places, ...) are checked by config_compile(); here they are
 * strings. Thread: the owner's.
 */
#ifndef SERVICE_CONFIG_SCHEMA_H
#define SERVICE_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "service/config_source.h"

struct file_output {
	char *name;
	uint32_t *kind; /* enum config_output_kind */
	char *mode;
	char *size_mm;
	char *background;
	bool *fallback;
	char *hmi;
	uint32_t *flicker_max;
	uint32_t *dwell_ms;
};

struct file_scanout {
	char *name;
	char *mode;
	char *size_mm;
	uint32_t *serial;
};

struct file_budget {
	char *pool;
	char *memory;
	uint32_t *resources;
	uint32_t *backing_entries;
	uint32_t *commands_per_wake;
	uint32_t *flushes_per_refresh;
};

struct file_gpu {
	bool *enabled;
	char *socket;
	uint32_t *profile; /* enum config_profile */
	struct file_budget *budget;
	struct file_scanout *scanouts;
	uint32_t scanouts_count;
};

struct file_sound_device {
	bool *enabled;
	char *socket;
	uint32_t *streams;
	float *gains;
	uint32_t gains_count;
};

struct file_channel {
	bool *enabled;
	char *socket;
};

struct file_guest {
	char *name;
	struct file_gpu *gpu;
	struct file_sound_device *sound;
	struct file_channel *channel;
};

struct file_region {
	char *name;
	uint32_t *check; /* enum safety_check */
	char *at;
	char *size;
	uint32_t *frames;
	uint32_t *skip;
	uint32_t *threshold;
	char *element;
	char *reaction;
};

struct file_layer {
	char *name;
	char *output;
	char *guest;
	uint32_t *scanout;
	char *picture;
	char *at;
	char *size;
	char *clip;
	bool *scale;
	int32_t *z;
	uint32_t *opacity;
	bool *hidden;
	bool *critical;
	uint32_t *stall_ms;
	uint32_t *hold_ms;
	uint32_t *recover_frames;
	uint32_t *echo_ms;
	uint32_t *heartbeat_ms;
	bool *tag;
	uint32_t *frozen_frames;
	uint32_t *lag_ms;
	bool *opaque;
	bool *dark;
	char *quarantine;
	uint32_t *follow_ms;
	struct file_region *regions;
	uint32_t regions_count;
	/* `reactions` and `verified` are read from the tree: their keys and kinds are not fixed */
};

struct file_watchdog {
	uint32_t *kind; /* enum config_watchdog_kind */
	char *path;
};

struct file_safety {
	bool *signals;
	uint32_t *signal_timeout_ms;
	struct file_watchdog *watchdog;
	uint32_t *pet_ms;
	char *buzzer;
	bool *chimes;
	uint32_t *chime_ms;
};

enum file_sound_clock { FILE_SOUND_CLOCK_REAL, FILE_SOUND_CLOCK_STREAMS };

struct file_sound {
	uint32_t *sink; /* enum config_sink */
	uint32_t *clock; /* enum file_sound_clock */
	uint32_t *rate;
	uint32_t *quantum;
};

struct file_root {
	char *name;
	char *runtime;
	struct file_output *outputs;
	uint32_t outputs_count;
	struct file_guest *guests;
	uint32_t guests_count;
	struct file_layer *layers;
	uint32_t layers_count;
	struct file_sound *sound;
	struct file_safety *safety;
};

/* Reads the source. NULL after complaining through it: unknown keys, wrong kinds of values, and what
 * is allowed instead. */
struct file_root *config_schema_load(struct config_source *source);
void config_schema_free(struct file_root *root); /* NULL is legal */

#endif
