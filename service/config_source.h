/*
 * A YAML file (a configuration, an HMI) as text and as a tree whose nodes know their lines, so that every complaint
 * about it, also about its meaning, can say FILE:LINE.
 *
 * Thread: the owner's. Nodes and texts are valid while the source lives.
 */
#ifndef SERVICE_CONFIG_SOURCE_H
#define SERVICE_CONFIG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/macros.h"

#define CONFIG_SOURCE_BYTES_MAX (1u << 20) /* far more than any sane configuration */

struct config_source;
struct config_node; /* a value in the file */

/* Reads and parses the file (`path` and `errors` are borrowed). NULL after writing to `errors` what is
 * wrong. `smallest` says to whom writes something else what a file must have at least. */
struct config_source *config_source_create(const char *path, const char *smallest, FILE *errors);
void config_source_destroy(struct config_source *source);

const uint8_t *config_source_text(const struct config_source *source, size_t *bytes);
const char *config_source_path(const struct config_source *source);

/* Writes "FILE:LINE: message" and counts it. */
void config_source_error_at(struct config_source *source, const struct config_node *node,
	const char *format, ...) PRINTF_LIKE(3, 4);

/*
 * The same for the thing at `where`: keys and [numbers] from the top, "layers[2].at". When it is not
 * in the file, the line is that of the nearest thing around it. NULL: it is not about the file, and
 * none is named.
 */
void config_source_error(struct config_source *source, const char *where, const char *format, ...)
	PRINTF_LIKE(3, 4);
unsigned config_source_errors(const struct config_source *source);

/* The tree. */

enum config_node_kind { CONFIG_NODE_SCALAR, CONFIG_NODE_LIST, CONFIG_NODE_MAPPING };

const struct config_node *config_source_root(const struct config_source *source);
/* The thing at `where`, NULL when it is not in the file. */
const struct config_node *config_source_find(struct config_source *source, const char *where);
enum config_node_kind config_node_kind(const struct config_node *node);
const char *config_node_text(const struct config_node *scalar);
/* Items of a list, pairs of a mapping. */
size_t config_node_len(const struct config_node *node);
const struct config_node *config_node_item(
	struct config_source *source, const struct config_node *list, size_t index);
/* The value of pair `index`; *key is its key. */
const struct config_node *config_node_pair(struct config_source *source,
	const struct config_node *mapping, size_t index, const struct config_node **key);

#endif
