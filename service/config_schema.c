#include "service/config_schema.h"

#include "core/config.h"
#include "service/schema.h"

#define TEXT SCHEMA_TEXT
#define NUMBER SCHEMA_NUMBER
#define SWITCH SCHEMA_SWITCH
#define WORD SCHEMA_WORD
#define SECTION SCHEMA_SECTION
#define LIST SCHEMA_LIST
#define TREE SCHEMA_TREE

static const cyaml_strval_t output_kinds[] = {
	{ "memory", CONFIG_OUTPUT_MEMORY },
};

static const cyaml_schema_field_t output_fields[] = {
	TEXT("name", struct file_output, name),
	WORD("kind", struct file_output, kind, output_kinds),
	TEXT("mode", struct file_output, mode),
	TEXT("size_mm", struct file_output, size_mm),
	TEXT("background", struct file_output, background),
	SWITCH("fallback", struct file_output, fallback),
	TEXT("hmi", struct file_output, hmi),
	NUMBER("flicker_max", struct file_output, flicker_max),
	NUMBER("dwell_ms", struct file_output, dwell_ms),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t output_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_output, output_fields),
};

static const cyaml_schema_field_t scanout_fields[] = {
	TEXT("name", struct file_scanout, name),
	TEXT("mode", struct file_scanout, mode),
	TEXT("size_mm", struct file_scanout, size_mm),
	NUMBER("serial", struct file_scanout, serial),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t scanout_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_scanout, scanout_fields),
};

static const cyaml_schema_field_t budget_fields[] = {
	TEXT("pool", struct file_budget, pool),
	TEXT("memory", struct file_budget, memory),
	NUMBER("resources", struct file_budget, resources),
	NUMBER("backing_entries", struct file_budget, backing_entries),
	NUMBER("commands_per_wake", struct file_budget, commands_per_wake),
	NUMBER("flushes_per_refresh", struct file_budget, flushes_per_refresh),
	CYAML_FIELD_END,
};

static const cyaml_strval_t profiles[] = {
	{ "2d", CONFIG_PROFILE_2D },
	{ "blob", CONFIG_PROFILE_BLOB },
};

static const cyaml_schema_field_t gpu_fields[] = {
	SWITCH("enabled", struct file_gpu, enabled),
	TEXT("socket", struct file_gpu, socket),
	WORD("profile", struct file_gpu, profile, profiles),
	SECTION("budget", struct file_gpu, budget, budget_fields),
	LIST("scanouts", struct file_gpu, scanouts, &scanout_schema, FRAME_LINK_CHANNELS),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t gain_schema = {
	CYAML_VALUE_FLOAT(CYAML_FLAG_DEFAULT, float),
};

static const cyaml_schema_field_t sound_device_fields[] = {
	SWITCH("enabled", struct file_sound_device, enabled),
	TEXT("socket", struct file_sound_device, socket),
	NUMBER("streams", struct file_sound_device, streams),
	LIST("gains", struct file_sound_device, gains, &gain_schema, 8),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t channel_fields[] = {
	SWITCH("enabled", struct file_channel, enabled),
	TEXT("socket", struct file_channel, socket),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t guest_fields[] = {
	TEXT("name", struct file_guest, name),
	SECTION("gpu", struct file_guest, gpu, gpu_fields),
	SECTION("sound", struct file_guest, sound, sound_device_fields),
	SECTION("channel", struct file_guest, channel, channel_fields),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t guest_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_guest, guest_fields),
};

static const cyaml_strval_t checks[] = {
	{ "live", SAFETY_LIVE },
	{ "counter", SAFETY_COUNTER },
	{ "presence", SAFETY_PRESENCE },
	{ "contrast", SAFETY_CONTRAST },
	{ "black", SAFETY_BLACK },
	{ "owner", SAFETY_OWNER },
};

static const cyaml_schema_field_t region_fields[] = {
	TEXT("name", struct file_region, name),
	WORD("check", struct file_region, check, checks),
	TEXT("at", struct file_region, at),
	TEXT("size", struct file_region, size),
	NUMBER("frames", struct file_region, frames),
	NUMBER("skip", struct file_region, skip),
	NUMBER("threshold", struct file_region, threshold),
	TEXT("element", struct file_region, element),
	TEXT("reaction", struct file_region, reaction),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t region_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_region, region_fields),
};

static const cyaml_schema_field_t layer_fields[] = {
	TEXT("name", struct file_layer, name),
	TEXT("output", struct file_layer, output),
	TEXT("guest", struct file_layer, guest),
	NUMBER("scanout", struct file_layer, scanout),
	TEXT("picture", struct file_layer, picture),
	TEXT("at", struct file_layer, at),
	TEXT("size", struct file_layer, size),
	TEXT("clip", struct file_layer, clip),
	SWITCH("scale", struct file_layer, scale),
	CYAML_FIELD_INT_PTR("z", CYAML_FLAG_OPTIONAL, struct file_layer, z),
	NUMBER("opacity", struct file_layer, opacity),
	SWITCH("hidden", struct file_layer, hidden),
	SWITCH("critical", struct file_layer, critical),
	NUMBER("stall_ms", struct file_layer, stall_ms),
	NUMBER("hold_ms", struct file_layer, hold_ms),
	NUMBER("recover_frames", struct file_layer, recover_frames),
	NUMBER("echo_ms", struct file_layer, echo_ms),
	NUMBER("heartbeat_ms", struct file_layer, heartbeat_ms),
	SWITCH("tag", struct file_layer, tag),
	NUMBER("frozen_frames", struct file_layer, frozen_frames),
	NUMBER("lag_ms", struct file_layer, lag_ms),
	SWITCH("opaque", struct file_layer, opaque),
	SWITCH("dark", struct file_layer, dark),
	TEXT("quarantine", struct file_layer, quarantine),
	NUMBER("follow_ms", struct file_layer, follow_ms),
	TREE("reactions"),
	TREE("verified"),
	LIST("regions", struct file_layer, regions, &region_schema, CONFIG_REGIONS_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t layer_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_layer, layer_fields),
};

static const cyaml_strval_t sinks[] = {
	{ "none", CONFIG_SINK_NONE },
	{ "null", CONFIG_SINK_NULL },
	{ "memory", CONFIG_SINK_MEMORY },
};

static const cyaml_strval_t sound_clocks[] = {
	{ "real", FILE_SOUND_CLOCK_REAL },
	{ "streams", FILE_SOUND_CLOCK_STREAMS },
};

static const cyaml_schema_field_t sound_fields[] = {
	WORD("sink", struct file_sound, sink, sinks),
	WORD("clock", struct file_sound, clock, sound_clocks),
	NUMBER("rate", struct file_sound, rate),
	NUMBER("quantum", struct file_sound, quantum),
	CYAML_FIELD_END,
};

static const cyaml_strval_t watchdogs[] = {
	{ "none", CONFIG_WATCHDOG_NONE },
	{ "device", CONFIG_WATCHDOG_DEVICE },
	{ "systemd", CONFIG_WATCHDOG_SYSTEMD },
	{ "file", CONFIG_WATCHDOG_FILE },
};

static const cyaml_schema_field_t watchdog_fields[] = {
	WORD("kind", struct file_watchdog, kind, watchdogs),
	TEXT("path", struct file_watchdog, path),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t safety_fields[] = {
	SWITCH("signals", struct file_safety, signals),
	NUMBER("signal_timeout_ms", struct file_safety, signal_timeout_ms),
	SECTION("watchdog", struct file_safety, watchdog, watchdog_fields),
	NUMBER("pet_ms", struct file_safety, pet_ms),
	TEXT("buzzer", struct file_safety, buzzer),
	SWITCH("chimes", struct file_safety, chimes),
	NUMBER("chime_ms", struct file_safety, chime_ms),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t root_fields[] = {
	TEXT("name", struct file_root, name),
	TEXT("runtime", struct file_root, runtime),
	LIST("outputs", struct file_root, outputs, &output_schema, CONFIG_OUTPUTS_MAX),
	LIST("guests", struct file_root, guests, &guest_schema, CONFIG_GUESTS_MAX),
	LIST("layers", struct file_root, layers, &layer_schema, CONFIG_LAYERS_MAX),
	SECTION("sound", struct file_root, sound, sound_fields),
	SECTION("safety", struct file_root, safety, safety_fields),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t root_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct file_root, root_fields),
};

struct file_root *config_schema_load(struct config_source *source) {
	return schema_load(source, "configuration", &root_schema);
}

void config_schema_free(struct file_root *root) {
	schema_free(&root_schema, root);
}
