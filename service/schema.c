#include "service/schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
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
	char allowed[512]; /* the longest list is a layer's, of half that */
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
		return is_integer(text, INT32_MIN, INT32_MAX)
			? NULL
			: "a whole number, -2147483648 to 2147483647";
	case CYAML_UINT:
		return is_integer(text, 0, UINT32_MAX) ? NULL : "a whole number, 0 to 4294967295";
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
	if (schema->type == CYAML_IGNORE) {
		return;
	}
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

void *schema_load(
	struct config_source *source, const char *what, const cyaml_schema_value_t *schema) {
	unsigned errors_before = config_source_errors(source);
	check_mapping(source, config_source_root(source), what, schema->mapping.fields);
	if (config_source_errors(source) != errors_before) {
		return NULL;
	}
	size_t bytes;
	const uint8_t *text = config_source_text(source, &bytes);
	cyaml_data_t *data = NULL;
	cyaml_err_t error = cyaml_load_data(text, bytes, &cyaml_settings, schema, &data, NULL);
	if (error == CYAML_OK && data == NULL) {
		data = calloc(1, schema->data_size); /* nothing but an empty mapping */
		error = data == NULL ? CYAML_ERR_OOM : CYAML_OK;
	}
	if (error != CYAML_OK) {
		config_source_error(source, "", "%s", cyaml_strerror(error));
		return NULL;
	}
	return data;
}

void schema_free(const cyaml_schema_value_t *schema, void *data) {
	(void)cyaml_free(&cyaml_settings, schema, data, 0);
}
