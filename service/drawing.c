#include "service/drawing.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/signals.h"
#include "service/drawing_impl.h"
#include "service/scalar.h"

#define SMALLEST                                                                                   \
	"the smallest HMI is\n"                                                                    \
	"  size: 1280x480\n"                                                                       \
	"  ground:\n"                                                                              \
	"    - {kind: box, at: '0,0', size: 1280x480, colour: \"#101418\"}"

struct drawing_where drawing_where(const char *format, ...) {
	struct drawing_where where;
	va_list args;
	va_start(args, format);
	vsnprintf(where.text, sizeof(where.text), format, args);
	va_end(args);
	return where;
}

/* Names of one list: there, of the form, and different from each other; as many values as wanted. */
static void check_names(struct drawing_reader *reader, const char *list,
	const struct file_named *names, uint32_t len, uint32_t values_len, const char *each) {
	for (uint32_t i = 0; i < len; i++) {
		struct drawing_where where = drawing_where("%s[%u]", list, i);
		if (names[i].name == NULL || !scalar_is_name(names[i].name)) {
			config_source_error(reader->source, where.text,
				"%s.name: '%s'; allowed: %s", where.text,
				names[i].name != NULL ? names[i].name : "", SCALAR_NAME_FORM);
			continue;
		}
		for (uint32_t before = 0; before < i; before++) {
			if (names[before].name != NULL &&
				strcmp(names[before].name, names[i].name) == 0) {
				config_source_error(reader->source, where.text, "%s: '%s' is taken",
					where.text, names[i].name);
			}
		}
		if (names[i].values_count != 1 && names[i].values_count != values_len) {
			config_source_error(reader->source, where.text,
				"%s.values: %u given; allowed: one, or one per %s: %u", where.text,
				names[i].values_count, each, values_len);
		}
	}
}

/* Themes and locales are what the signal of the same name chooses among, in its order. */
static uint32_t read_choices(struct drawing_reader *reader, const char *key, enum signal_id signal,
	char **names, uint32_t len, uint32_t max) {
	const char *choice = signal_info(signal)->choices;
	for (uint32_t i = 0; i < len; i++) {
		size_t choice_len = strcspn(choice, "|");
		if (choice_len == 0 || strlen(names[i]) != choice_len ||
			strncmp(names[i], choice, choice_len) != 0) {
			config_source_error(reader->source, key,
				"%s: '%s' is not number %u of signal '%s': %s", key, names[i], i,
				signal_info(signal)->name, signal_info(signal)->choices);
			return 1;
		}
		choice += choice_len + (choice[choice_len] == '|');
	}
	return len == 0 ? 1 : MIN(len, max);
}

static void read_top(struct drawing_reader *reader) {
	const struct file_drawing *file = reader->file;
	struct drawing *drawing = reader->drawing;
	drawing_read_size(reader, "", "size", file->size, &drawing->width, &drawing->height);
	drawing->themes_len = read_choices(
		reader, "themes", SIGNAL_THEME, file->themes, file->themes_count, ATLAS_THEMES_MAX);
	drawing->locales_len = read_choices(reader, "locales", SIGNAL_LOCALE, file->locales,
		file->locales_count, ATLAS_LOCALES_MAX);
	check_names(reader, "colours", file->colours, file->colours_count, drawing->themes_len,
		"theme");
	check_names(
		reader, "texts", file->texts, file->texts_count, drawing->locales_len, "locale");
	if (config_source_errors(reader->source) != 0) {
		return; /* what follows relies on them */
	}
	(void)drawing_read_shapes(
		reader, "ground", file->ground, file->ground_count, &drawing->ground);
	drawing_read_elements(reader);
}

struct drawing *drawing_load(const char *path, FILE *errors) {
	struct drawing *drawing = calloc(1, sizeof(*drawing));
	if (drawing == NULL) {
		fprintf(errors, "%s: out of memory\n", path);
		return NULL;
	}
	drawing->source = config_source_create(path, SMALLEST, errors);
	drawing->file = drawing->source != NULL ? drawing_file_load(drawing->source) : NULL;
	if (drawing->file != NULL) {
		struct drawing_reader reader = {
			.source = drawing->source,
			.file = drawing->file,
			.drawing = drawing,
			.path = path,
		};
		read_top(&reader);
	}
	if (drawing->file == NULL || config_source_errors(drawing->source) != 0) {
		drawing_destroy(drawing);
		return NULL;
	}
	return drawing;
}

static void finish_shapes(struct drawing_shapes *shapes) {
	for (uint32_t i = 0; i < shapes->len; i++) {
		symbol_destroy(shapes->items[i].symbol);
	}
	free(shapes->items);
}

void drawing_destroy(struct drawing *drawing) {
	if (drawing == NULL) {
		return;
	}
	finish_shapes(&drawing->ground);
	for (uint32_t i = 0; i < drawing->elements_len; i++) {
		symbol_destroy(drawing->elements[i].symbol);
		finish_shapes(&drawing->elements[i].shapes);
	}
	if (drawing->file != NULL) {
		drawing_file_free(drawing->file);
	}
	config_source_destroy(drawing->source);
	free(drawing);
}
