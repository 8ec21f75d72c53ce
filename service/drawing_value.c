/*
 * Values of an HMI file that many kinds of things have: places, colours, fonts, texts, symbols.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "service/drawing_impl.h"
#include "service/scalar.h"

#define COLOUR_FORM "the name of a colour, \"#RRGGBB\", or either with /PERCENT"
#define FONT_SIZE_MAX 1000

static void missing(struct drawing_reader *reader, const char *where, const char *key) {
	config_source_error(reader->source, where, "%s%s%s is missing", where,
		where[0] != '\0' ? "." : "", key);
}

bool drawing_read_place(struct drawing_reader *reader, const char *where, const char *key,
	const char *text, int32_t *x, int32_t *y) {
	if (text == NULL) {
		missing(reader, where, key);
		return false;
	}
	if (!scalar_place(text, x, y)) {
		struct drawing_where at = drawing_where("%s.%s", where, key);
		config_source_error(reader->source, at.text, "%s: '%s'; allowed: %s", at.text, text,
			SCALAR_PLACE_FORM);
		return false;
	}
	return true;
}

bool drawing_read_size(struct drawing_reader *reader, const char *where, const char *key,
	const char *text, uint32_t *width, uint32_t *height) {
	if (text == NULL) {
		missing(reader, where, key);
		return false;
	}
	if (!scalar_size(text, width, height)) {
		struct drawing_where at =
			drawing_where("%s%s%s", where, where[0] != '\0' ? "." : "", key);
		config_source_error(reader->source, at.text, "%s: '%s'; allowed: %s", at.text, text,
			SCALAR_SIZE_FORM);
		return false;
	}
	return true;
}

static const struct file_named *find_name(
	const struct file_named *names, uint32_t len, const char *name, size_t name_len) {
	for (uint32_t i = 0; i < len; i++) {
		if (strlen(names[i].name) == name_len &&
			strncmp(names[i].name, name, name_len) == 0) {
			return &names[i];
		}
	}
	return NULL;
}

static bool is_colour(struct drawing_reader *reader, const char *text, size_t len, uint32_t theme,
	uint32_t *rgb) {
	char hex[8];
	if (len == 7 && text[0] == '#') {
		snprintf(hex, sizeof(hex), "%.7s", text);
		return scalar_colour(hex, rgb);
	}
	const struct file_drawing *file = reader->file;
	const struct file_named *named = find_name(file->colours, file->colours_count, text, len);
	return named != NULL &&
		scalar_colour(named->values[MIN(theme, named->values_count - 1)], rgb);
}

void drawing_read_colour(struct drawing_reader *reader, const char *where, const char *key,
	const char *text, struct drawing_colour *colour) {
	*colour = (struct drawing_colour) { 0 };
	if (text == NULL) {
		return;
	}
	size_t len = strcspn(text, "/");
	int64_t percent = 100;
	bool good = text[len] == '\0' || scalar_int(text + len + 1, 0, 100, &percent);
	uint32_t alpha = ((uint32_t)percent * 255 + 50) / 100;
	for (uint32_t theme = 0; good && theme < reader->drawing->themes_len; theme++) {
		uint32_t rgb;
		good = is_colour(reader, text, len, theme, &rgb);
		colour->argb[theme] = good ? alpha << 24 | rgb : 0;
	}
	colour->is_given = true;
	if (!good) {
		struct drawing_where at = drawing_where("%s.%s", where, key);
		config_source_error(reader->source, at.text, "%s: '%s'; allowed: %s", at.text, text,
			COLOUR_FORM);
	}
}

void drawing_read_font(struct drawing_reader *reader, const char *where, const char *name,
	struct drawing_font *font) {
	*font = (struct drawing_font) { .family = "B612", .size = 20 };
	if (name == NULL) {
		missing(reader, where, "font");
		return;
	}
	for (uint32_t i = 0; i < reader->file->fonts_count; i++) {
		const struct file_font *file = &reader->file->fonts[i];
		if (file->name == NULL || strcmp(file->name, name) != 0) {
			continue;
		}
		font->family = file->family != NULL ? file->family : font->family;
		font->bold = file->bold != NULL && *file->bold;
		font->size = file->size != NULL ? *file->size : font->size;
		if (!(font->size >= 1 && font->size <= FONT_SIZE_MAX)) {
			struct drawing_where at = drawing_where("fonts[%u].size", i);
			config_source_error(reader->source, at.text, "%s: %g; allowed: 1 to %d",
				at.text, font->size, FONT_SIZE_MAX);
		}
		return;
	}
	struct drawing_where at = drawing_where("%s.font", where);
	config_source_error(reader->source, at.text, "%s: '%s' is none of `fonts`", at.text, name);
}

bool drawing_read_text(struct drawing_reader *reader, const char *where, const char *key,
	const char *text, struct drawing_text *read) {
	const struct file_drawing *file = reader->file;
	const struct file_named *named = NULL;
	if (text != NULL && text[0] == '$') {
		named = find_name(file->texts, file->texts_count, text + 1, strlen(text + 1));
		if (named == NULL) {
			struct drawing_where at = drawing_where("%s.%s", where, key);
			config_source_error(reader->source, at.text, "%s: '%s' is none of `texts`",
				at.text, text);
		}
	}
	for (uint32_t i = 0; i < ATLAS_LOCALES_MAX; i++) {
		read->values[i] =
			named != NULL ? named->values[MIN(i, named->values_count - 1)] : text;
	}
	return named != NULL && named->values_count > 1;
}

struct symbol *drawing_read_symbol(
	struct drawing_reader *reader, const char *where, const char *file) {
	if (file == NULL) {
		return NULL;
	}
	const char *slash = strrchr(reader->path, '/');
	int folder = file[0] == '/' || slash == NULL ? 0 : (int)(slash + 1 - reader->path);
	char *path = NULL;
	struct symbol *symbol = NULL;
	errno = ENOMEM;
	if (asprintf(&path, "%.*s%s", folder, reader->path, file) >= 0) {
		symbol = symbol_create(path);
	}
	if (symbol == NULL) {
		struct drawing_where at = drawing_where("%s.symbol", where);
		config_source_error(reader->source, at.text, "%s: %s: %s", at.text,
			path != NULL ? path : file,
			errno == EINVAL ? "not an SVG picture" : strerror(errno));
	}
	free(path);
	return symbol;
}
