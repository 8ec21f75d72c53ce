/*
 * The HMI file as it is written: one struct per kind of section, with what was not written left NULL.
 * What each key means: fascia.hmi.yaml(5).
 *
 * Texts with a form of their own are checked by drawing_load(); here they are strings. Thread: the
 * owner's.
 */
#ifndef SERVICE_DRAWING_FILE_H
#define SERVICE_DRAWING_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "service/config_source.h"

/* A name and its values: a colour in each theme, a text in each locale. */
struct file_named {
	char *name;
	char **values;
	uint32_t values_count;
};

struct file_font {
	char *name;
	char *family;
	bool *bold;
	float *size;
};

struct file_shape {
	uint32_t *kind; /* enum drawing_shape_kind */
	char *at;
	char *size;
	float *radius;
	float *from;
	float *to;
	float *line;
	float *length;
	uint32_t *count;
	uint32_t *least;
	uint32_t *most;
	uint32_t *step;
	char *colour;
	char *end;
	char *font;
	uint32_t *align; /* enum canvas_align */
	char *text;
	char *symbol;
};

struct file_needle {
	char *at;
	float *inner;
	float *outer;
	float *width;
	float *from;
	float *to;
};

struct file_element {
	char *name;
	uint32_t *kind; /* enum atlas_element_kind */
	char *signal;
	char *at;
	char *size;
	bool *safety;
	uint32_t *chime; /* enum cue_chime */
	char *symbol;
	char *colour;
	char *off;
	char *plate;
	char *font;
	char **choices;
	uint32_t choices_count;
	bool *single;
	uint32_t *digits;
	uint32_t *decimals;
	char *least;
	char *most;
	uint32_t *states;
	struct file_needle *needle;
	struct file_shape *shapes;
	uint32_t shapes_count;
};

struct file_drawing {
	char *size;
	char **themes;
	uint32_t themes_count;
	char **locales;
	uint32_t locales_count;
	struct file_named *colours;
	uint32_t colours_count;
	struct file_named *texts;
	uint32_t texts_count;
	struct file_font *fonts;
	uint32_t fonts_count;
	struct file_shape *ground;
	uint32_t ground_count;
	struct file_element *elements;
	uint32_t elements_count;
};

/* Reads the source. NULL after complaining through it: unknown keys, wrong kinds of values, and what
 * is allowed instead. */
struct file_drawing *drawing_file_load(struct config_source *source);
void drawing_file_free(struct file_drawing *file); /* NULL is legal */

#endif
