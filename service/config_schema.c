#include "service/config_schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cyaml/cyaml.h>

#include "core/config.h"

/* ---- the tables ---- */

#define TEXT(key_, struct_, member_)                                                               \
	CYAML_FIELD_STRING_PTR(key_, CYAML_FLAG_OPTIONAL, struct_, member_, 0, CYAML_UNLIMITED)
#define NUMBER(key_, struct_, member_)                                                             \
	CYAML_FIELD_UINT_PTR(key_, CYAML_FLAG_OPTIONAL, struct_, member_)
#define SWITCH(key_, struct_, member_)                                                             \
	CYAML_FIELD_BOOL_PTR(key_, CYAML_FLAG_OPTIONAL, struct_, member_)
#define WORD(key_, struct_, member_, words_)                                                       \
	CYAML_FIELD_ENUM_PTR(key_, CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct_, member_,      \
		words_, CYAML_ARRAY_LEN(words_))
#define SECTION(key_, struct_, member_, fields_)                                                   \
	CYAML_FIELD_MAPPING_PTR(key_, CYAML_FLAG_OPTIONAL, struct_, member_, fields_)
#define LIST(key_, struct_, member_, entry_, max_)                                                 \
	CYAML_FIELD_SEQUENCE(                                                                      \
		key_, CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER, struct_, member_, entry_, 1, max_)

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

static const cyaml_schema_field_t guest_fields[] = {
	TEXT("name", struct file_guest, name),
	SECTION("gpu", struct file_guest, gpu, gpu_fields),
	SECTION("sound", struct file_guest, sound, sound_device_fields),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t guest_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_guest, guest_fields),
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

static const cyaml_schema_field_t root_fields[] = {
	TEXT("name", struct file_root, name),
	TEXT("runtime", struct file_root, runtime),
	LIST("outputs", struct file_root, outputs, &output_schema, CONFIG_OUTPUTS_MAX),
	LIST("guests", struct file_root, guests, &guest_schema, CONFIG_GUESTS_MAX),
	LIST("layers", struct file_root, layers, &layer_schema, CONFIG_LAYERS_MAX),
	SECTION("sound", struct file_root, sound, sound_fields),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t root_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct file_root, root_fields),
};

/* ---- the tree against the tables ----
 *
 * libcyaml stops at the first error and names neither what is allowed nor, outside its log, the line.
 * So the tree is compared with the same tables first; libcyaml then only has to fill the structs.
 */

static void check_value(struct config_source *source, const struct config_node *node,
	const char *key, const cyaml_schema_value_t *schema);

static const char *join_keys(char *text, size_t bytes, const cyaml_schema_field_t *fields) {
	size_t used = 0;
	for (const cyaml_schema_field_t *field = fields; field->key != NULL; field++) {
		used += (size_t)snprintf(
			text + used, bytes - used, "%s%s", field == fields ? "" : ", ", field->key);
	}
	return text;
}

static const char *join_words(char *text, size_t bytes, const cyaml_schema_value_t *schema) {
	size_t used = 0;
	for (uint32_t i = 0; i < schema->enumeration.count; i++) {
		used += (size_t)snprintf(text + used, bytes - used, "%s%s", i == 0 ? "" : ", ",
			schema->enumeration.strings[i].str);
	}
	return text;
}

static const cyaml_schema_field_t *find_field(const cyaml_schema_field_t *fields, const char *key) {
	for (; fields->key != NULL; fields++) {
		if (strcmp(fields->key, key) == 0) {
			return fields;
		}
	}
	return NULL;
}

static bool is_repeated(struct config_source *source, const struct config_node *mapping,
	size_t index, const char *name) {
	for (size_t i = 0; i < index; i++) {
		const struct config_node *key;
		(void)config_node_pair(source, mapping, i, &key);
		if (config_node_kind(key) == CONFIG_NODE_SCALAR &&
			strcmp(config_node_text(key), name) == 0) {
			return true;
		}
	}
	return false;
}

static void check_mapping(struct config_source *source, const struct config_node *node,
	const char *key, const cyaml_schema_field_t *fields) {
	char allowed[256];
	if (config_node_kind(node) != CONFIG_NODE_MAPPING) {
		config_source_error_at(source, node, "%s: expected keys and values; allowed: %s",
			key, join_keys(allowed, sizeof(allowed), fields));
		return;
	}
	for (size_t i = 0; i < config_node_len(node); i++) {
		const struct config_node *name;
		const struct config_node *value = config_node_pair(source, node, i, &name);
		const char *text =
			config_node_kind(name) == CONFIG_NODE_SCALAR ? config_node_text(name) : "?";
		const cyaml_schema_field_t *field = find_field(fields, text);
		if (field == NULL) {
			config_source_error_at(source, name, "%s: unknown key '%s'; allowed: %s",
				key, text, join_keys(allowed, sizeof(allowed), fields));
		} else if (is_repeated(source, node, i, text)) {
			config_source_error_at(
				source, name, "%s: '%s' was given before", key, text);
		} else {
			check_value(source, value, field->key, &field->value);
		}
	}
}

static void check_list(struct config_source *source, const struct config_node *node,
	const char *key, const cyaml_schema_value_t *schema) {
	if (config_node_kind(node) != CONFIG_NODE_LIST) {
		config_source_error_at(source, node, "%s: expected a list of '- ...' lines", key);
		return;
	}
	size_t len = config_node_len(node);
	if (len < schema->sequence.min || len > schema->sequence.max) {
		config_source_error_at(source, node, "%s: %zu given; allowed: %u to %u", key, len,
			schema->sequence.min, schema->sequence.max);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		check_value(source, config_node_item(source, node, i), key, schema->sequence.entry);
	}
}

static bool is_integer(const char *text, long long min, long long max) {
	char *end;
	errno = 0;
	long long number = strtoll(text, &end, 0);
	return errno == 0 && end != text && *end == '\0' && number >= min && number <= max;
}

static bool is_float(const char *text) {
	char *end;
	(void)strtof(text, &end);
	return end != text && *end == '\0';
}

static bool is_word(const char *text, const cyaml_schema_value_t *schema) {
	for (uint32_t i = 0; i < schema->enumeration.count; i++) {
		if (strcmp(text, schema->enumeration.strings[i].str) == 0) {
			return true;
		}
	}
	return false;
}

/* What a scalar of this schema should have been, or NULL when it is right. */
static const char *scalar_expected(
	const char *text, const cyaml_schema_value_t *schema, char *words, size_t words_bytes) {
	switch (schema->type) {
	case CYAML_BOOL:
		/* libcyaml takes every word it does not know for true */
		return strcmp(text, "true") == 0 || strcmp(text, "false") == 0 ? NULL
									       : "true, false";
	case CYAML_INT:
		return is_integer(text, INT32_MIN, INT32_MAX) ? NULL : "a whole number";
	case CYAML_UINT:
		return is_integer(text, 0, UINT32_MAX) ? NULL : "a whole number from 0";
	case CYAML_FLOAT:
		return is_float(text) ? NULL : "a number";
	case CYAML_ENUM:
		return is_word(text, schema) ? NULL : join_words(words, words_bytes, schema);
	default:
		return NULL;
	}
}

static void check_value(struct config_source *source, const struct config_node *node,
	const char *key, const cyaml_schema_value_t *schema) {
	if (schema->type == CYAML_MAPPING) {
		check_mapping(source, node, key, schema->mapping.fields);
	} else if (schema->type == CYAML_SEQUENCE) {
		check_list(source, node, key, schema);
	} else if (config_node_kind(node) != CONFIG_NODE_SCALAR) {
		config_source_error_at(source, node, "%s: expected one value", key);
	} else {
		const char *text = config_node_text(node);
		char words[128];
		const char *expected = scalar_expected(text, schema, words, sizeof(words));
		if (expected != NULL) {
			config_source_error_at(
				source, node, "%s: '%s'; allowed: %s", key, text, expected);
		}
	}
}

/* ---- loading ---- */

static void *allocate(void *context, void *memory, size_t bytes) {
	(void)context;
	if (bytes == 0) {
		free(memory);
		return NULL;
	}
	return realloc(memory, bytes);
}

static const cyaml_config_t cyaml_settings = {
	.mem_fn = allocate,
	.log_level = CYAML_LOG_ERROR,
};

struct file_root *config_schema_load(struct config_source *source) {
	unsigned errors_before = config_source_errors(source);
	check_mapping(source, config_source_root(source), "configuration", root_fields);
	if (config_source_errors(source) != errors_before) {
		return NULL;
	}
	size_t bytes;
	const uint8_t *text = config_source_text(source, &bytes);
	cyaml_data_t *data = NULL;
	cyaml_err_t error =
		cyaml_load_data(text, bytes, &cyaml_settings, &root_schema, &data, NULL);
	if (error == CYAML_OK && data == NULL) {
		data = calloc(1, sizeof(struct file_root)); /* nothing but an empty mapping */
		error = data == NULL ? CYAML_ERR_OOM : CYAML_OK;
	}
	if (error != CYAML_OK) {
		config_source_error(source, "", "%s", cyaml_strerror(error));
		return NULL;
	}
	return data;
}

void config_schema_free(struct file_root *root) {
	(void)cyaml_free(&cyaml_settings, &root_schema, root, 0);
}
