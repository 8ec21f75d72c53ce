/*
 * What the parts that read an HMI file share. For drawing*.c only.
 */
#ifndef SERVICE_DRAWING_IMPL_H
#define SERVICE_DRAWING_IMPL_H

#include "core/macros.h"
#include "service/drawing.h"
#include "service/drawing_file.h"

struct drawing_reader {
	struct config_source *source;
	const struct file_drawing *file;
	struct drawing *drawing;
	const char *path;
};

/* "elements[2].at" */
struct drawing_where {
	char text[96];
};
struct drawing_where drawing_where(const char *format, ...) PRINTF_LIKE(1, 2);

/* Each reads one key of the thing at `where` ("elements[2]"), complaining when it is missing or wrong. */
bool drawing_read_place(struct drawing_reader *reader, const char *where, const char *key,
	const char *text, int32_t *x, int32_t *y);
bool drawing_read_size(struct drawing_reader *reader, const char *where, const char *key,
	const char *text, uint32_t *width, uint32_t *height);
/* A colour's name, "#RRGGBB", or either with /PERCENT of its opacity. NULL: not given. */
void drawing_read_colour(struct drawing_reader *reader, const char *where, const char *key,
	const char *text, struct drawing_colour *colour);
void drawing_read_font(struct drawing_reader *reader, const char *where, const char *name,
	struct drawing_font *font);
/* A text, or $NAME of one that is different in each locale. True: it is. */
bool drawing_read_text(struct drawing_reader *reader, const char *where, const char *key,
	const char *text, struct drawing_text *read);
/* NULL: not given, or there was a complaint. */
struct symbol *drawing_read_symbol(
	struct drawing_reader *reader, const char *where, const char *file);

/* True: a text of them is different in each locale. */
bool drawing_read_shapes(struct drawing_reader *reader, const char *where,
	const struct file_shape *file, uint32_t len, struct drawing_shapes *shapes);
void drawing_paint_shapes(const struct drawing_shapes *shapes, struct canvas *canvas,
	uint32_t theme, uint32_t locale);

void drawing_read_elements(struct drawing_reader *reader);

#endif
