/*
 * YAML files against tables of libcyaml: what may be written is said once, in the tables; what is wrong
 * is said with its line and with what is allowed.
 *
 * Thread: the owner's.
 */
#ifndef SERVICE_SCHEMA_H
#define SERVICE_SCHEMA_H

#include <cyaml/cyaml.h>

#include "service/config_source.h"

/* Rows of a table. What was not written is NULL, or an empty list. */
#define SCHEMA_TEXT(key_, struct_, member_)                                                        \
	CYAML_FIELD_STRING_PTR(key_, CYAML_FLAG_OPTIONAL, struct_, member_, 0, CYAML_UNLIMITED)
#define SCHEMA_NUMBER(key_, struct_, member_)                                                      \
	CYAML_FIELD_UINT_PTR(key_, CYAML_FLAG_OPTIONAL, struct_, member_)
#define SCHEMA_INTEGER(key_, struct_, member_)                                                     \
	CYAML_FIELD_INT_PTR(key_, CYAML_FLAG_OPTIONAL, struct_, member_)
#define SCHEMA_FLOAT(key_, struct_, member_)                                                       \
	CYAML_FIELD_FLOAT_PTR(key_, CYAML_FLAG_OPTIONAL, struct_, member_)
#define SCHEMA_SWITCH(key_, struct_, member_)                                                      \
	CYAML_FIELD_BOOL_PTR(key_, CYAML_FLAG_OPTIONAL, struct_, member_)
#define SCHEMA_WORD(key_, struct_, member_, words_)                                                \
	CYAML_FIELD_ENUM_PTR(key_, CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct_, member_,      \
		words_, CYAML_ARRAY_LEN(words_))
#define SCHEMA_SECTION(key_, struct_, member_, fields_)                                            \
	CYAML_FIELD_MAPPING_PTR(key_, CYAML_FLAG_OPTIONAL, struct_, member_, fields_)
#define SCHEMA_LIST(key_, struct_, member_, entry_, max_)                                          \
	CYAML_FIELD_SEQUENCE(                                                                      \
		key_, CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER, struct_, member_, entry_, 1, max_)

/* Of no fixed kind, or with keys of its own: only config_source_find() looks at it. */
#define SCHEMA_TREE(key_) CYAML_FIELD_IGNORE(key_, CYAML_FLAG_OPTIONAL)

/* Reads the source by a table whose value is a pointer to a mapping; `what` names the whole in
 * complaints. NULL after complaining through the source. The caller's to schema_free(). */
void *schema_load(
	struct config_source *source, const char *what, const cyaml_schema_value_t *schema);
void schema_free(const cyaml_schema_value_t *schema, void *data); /* NULL is legal */

#endif
