#include "service/config_source.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

struct config_source {
	const char *path; /* as the user wrote it */
	uint8_t *text;
	size_t text_bytes;
	yaml_document_t document;
	FILE *errors;
	unsigned errors_len;
};

static const yaml_node_t *yaml_from_node(const struct config_node *node) {
	return (const yaml_node_t *)(const void *)node;
}

static const struct config_node *node_from_index(struct config_source *source, int index) {
	return (const struct config_node *)(const void *)yaml_document_get_node(
		&source->document, index);
}

enum config_node_kind config_node_kind(const struct config_node *node) {
	switch (yaml_from_node(node)->type) {
	case YAML_SEQUENCE_NODE:
		return CONFIG_NODE_LIST;
	case YAML_MAPPING_NODE:
		return CONFIG_NODE_MAPPING;
	default:
		return CONFIG_NODE_SCALAR;
	}
}

const char *config_node_text(const struct config_node *scalar) {
	return (const char *)yaml_from_node(scalar)->data.scalar.value;
}

size_t config_node_len(const struct config_node *node) {
	const yaml_node_t *yaml = yaml_from_node(node);
	if (yaml->type == YAML_SEQUENCE_NODE) {
		return (size_t)(yaml->data.sequence.items.top - yaml->data.sequence.items.start);
	}
	return (size_t)(yaml->data.mapping.pairs.top - yaml->data.mapping.pairs.start);
}

const struct config_node *config_node_item(
	struct config_source *source, const struct config_node *list, size_t index) {
	return node_from_index(source, yaml_from_node(list)->data.sequence.items.start[index]);
}

const struct config_node *config_node_pair(struct config_source *source,
	const struct config_node *mapping, size_t index, const struct config_node **key) {
	const yaml_node_pair_t *pair = &yaml_from_node(mapping)->data.mapping.pairs.start[index];
	*key = node_from_index(source, pair->key);
	return node_from_index(source, pair->value);
}

const struct config_node *config_source_root(const struct config_source *source) {
	/* the library's getter takes the document without const, and does not change it */
	return (const struct config_node *)(const void *)yaml_document_get_root_node(
		(yaml_document_t *)&source->document);
}

const uint8_t *config_source_text(const struct config_source *source, size_t *bytes) {
	*bytes = source->text_bytes;
	return source->text;
}

const char *config_source_path(const struct config_source *source) {
	return source->path;
}

unsigned config_source_errors(const struct config_source *source) {
	return source->errors_len;
}

static const struct config_node *find_key(struct config_source *source,
	const struct config_node *node, const char *name, size_t name_len) {
	if (config_node_kind(node) != CONFIG_NODE_MAPPING) {
		return NULL;
	}
	for (size_t i = 0; i < config_node_len(node); i++) {
		const struct config_node *key;
		const struct config_node *value = config_node_pair(source, node, i, &key);
		if (config_node_kind(key) == CONFIG_NODE_SCALAR &&
			strlen(config_node_text(key)) == name_len &&
			memcmp(config_node_text(key), name, name_len) == 0) {
			return value;
		}
	}
	return NULL;
}

static const struct config_node *find_item(
	struct config_source *source, const struct config_node *node, size_t index) {
	if (config_node_kind(node) != CONFIG_NODE_LIST || index >= config_node_len(node)) {
		return NULL;
	}
	return config_node_item(source, node, index);
}

/* The node at `where`, or the nearest one around it: then *exact is false. */
static const struct config_node *find_node(
	struct config_source *source, const char *where, bool *exact) {
	*exact = false;
	const struct config_node *node = config_source_root(source);
	while (*where != '\0') {
		const struct config_node *next;
		if (*where == '[') {
			char *end;
			next = find_item(source, node, strtoul(where + 1, &end, 10));
			where = end + 1;
		} else {
			size_t len = strcspn(where, ".[");
			next = find_key(source, node, where, len);
			where += len;
		}
		if (next == NULL) {
			return node;
		}
		where += *where == '.';
		node = next;
	}
	*exact = true;
	return node;
}

const struct config_node *config_source_find(struct config_source *source, const char *where) {
	bool exact;
	const struct config_node *node = find_node(source, where, &exact);
	return exact ? node : NULL;
}

static void write_error(struct config_source *source, const struct config_node *node,
	const char *format, va_list args) __attribute__((format(printf, 3, 0)));

static void write_error(struct config_source *source, const struct config_node *node,
	const char *format, va_list args) {
	if (node != NULL) {
		fprintf(source->errors, "%s:%zu: ", source->path,
			yaml_from_node(node)->start_mark.line + 1);
	}
	vfprintf(source->errors, format, args);
	fputc('\n', source->errors);
	source->errors_len++;
}

void config_source_error_at(
	struct config_source *source, const struct config_node *node, const char *format, ...) {
	va_list args;
	va_start(args, format);
	write_error(source, node, format, args);
	va_end(args);
}

void config_source_error(struct config_source *source, const char *where, const char *format, ...) {
	bool exact;
	const struct config_node *node = where != NULL ? find_node(source, where, &exact) : NULL;
	va_list args;
	va_start(args, format);
	write_error(source, node, format, args);
	va_end(args);
}

static bool read_text(struct config_source *source) {
	FILE *file = fopen(source->path, "re");
	if (file == NULL) {
		fprintf(source->errors, "%s: %s\n", source->path, strerror(errno));
		return false;
	}
	bool read = false;
	source->text = malloc(CONFIG_SOURCE_BYTES_MAX + 1);
	if (source->text != NULL) {
		source->text_bytes = fread(source->text, 1, CONFIG_SOURCE_BYTES_MAX + 1, file);
		read = !ferror(file); /* a directory opens, but cannot be read */
	}
	if (!read) {
		fprintf(source->errors, "%s: %s\n", source->path, strerror(errno));
	} else if (source->text_bytes > CONFIG_SOURCE_BYTES_MAX) {
		fprintf(source->errors, "%s: larger than %u bytes: not a configuration\n",
			source->path, CONFIG_SOURCE_BYTES_MAX);
		read = false;
	}
	fclose(file);
	return read;
}

static bool parse_text(struct config_source *source) {
	yaml_parser_t parser;
	if (!yaml_parser_initialize(&parser)) {
		fprintf(source->errors, "%s: %s\n", source->path, strerror(ENOMEM));
		return false;
	}
	yaml_parser_set_input_string(&parser, source->text, source->text_bytes);
	bool parsed = yaml_parser_load(&parser, &source->document);
	if (!parsed) {
		fprintf(source->errors, "%s:%zu: not YAML: %s%s%s\n", source->path,
			parser.problem_mark.line + 1,
			parser.problem != NULL ? parser.problem : "cannot be read",
			parser.context != NULL ? " " : "",
			parser.context != NULL ? parser.context : "");
	}
	yaml_parser_delete(&parser);
	return parsed;
}

struct config_source *config_source_create(const char *path, const char *smallest, FILE *errors) {
	struct config_source *source = calloc(1, sizeof(*source));
	if (source == NULL) {
		fprintf(errors, "%s: %s\n", path, strerror(ENOMEM));
		return NULL;
	}
	source->path = path;
	source->errors = errors;
	if (!read_text(source) || !parse_text(source)) {
		free(source->text);
		free(source);
		return NULL;
	}
	const struct config_node *root = config_source_root(source);
	if (root == NULL || config_node_kind(root) != CONFIG_NODE_MAPPING) {
		fprintf(errors, "%s:1: expected 'key: value' lines; %s\n", path, smallest);
		config_source_destroy(source);
		return NULL;
	}
	return source;
}

void config_source_destroy(struct config_source *source) {
	if (source == NULL) {
		return;
	}
	yaml_document_delete(&source->document);
	free(source->text);
	free(source);
}
