/*
 * What the parts of the configuration compiler share. For config_*.c only.
 */
#ifndef SERVICE_CONFIG_COMPILE_IMPL_H
#define SERVICE_CONFIG_COMPILE_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "core/config.h"
#include "service/config_compile.h"
#include "service/config_schema.h"
#include "service/config_source.h"

/* "guests[2].gpu.socket" */
struct config_where {
	char text[128];
};

struct config_compiler {
	struct config_source *source;
	const struct file_root *file;
	struct config *config;
	struct config_pictures *pictures;
};

struct config_where config_where(const char *format, ...) PRINTF_LIKE(1, 2);

/* *value, or `missing` when `value` is NULL; complains when it is not in min..max. */
uint32_t config_number(struct config_compiler *compiler, struct config_where where,
	const uint32_t *value, uint32_t min, uint32_t max, uint32_t missing);

/* Copies a name after checking its form and that none of the `len` earlier ones, `step` bytes apart,
 * is the same. A missing one is a complaint. */
void config_name(struct config_compiler *compiler, struct config_where where, const char *name,
	char copy[CONFIG_NAME_BYTES], const void *earlier, size_t step, size_t len);

/* Millimetres from "WxH", or at 96 per inch for `missing` pixels. */
void config_size_mm(struct config_compiler *compiler, struct config_where where, const char *text,
	uint32_t *width_mm, uint32_t *height_mm);
uint32_t config_mm_from_pixels(uint32_t pixels);

/* A file the configuration names, as a path to open: relative ones are meant from the configuration's
 * own folder, so that it and its files can be moved together. NULL: no memory. */
char *config_path(struct config_compiler *compiler, const char *given);

/* A socket, device or file of the running service. Relative paths are in the runtime directory, and so
 * is `missing`, which stands in for NULL. */
void config_runtime_path(struct config_compiler *compiler, struct config_where where,
	const char *given, const char *missing, char path[CONFIG_PATH_BYTES]);

/* The parts, in this order; each needs what the ones before it made. */
void config_compile_outputs(struct config_compiler *compiler);
void config_compile_sound(struct config_compiler *compiler);
void config_compile_guests(struct config_compiler *compiler);
void config_compile_safety(struct config_compiler *compiler);
void config_compile_layers(struct config_compiler *compiler);
/* What is demanded of a layer beyond its place; its output and source are compiled. */
void config_compile_demands(
	struct config_compiler *compiler, unsigned index, const struct file_layer *file);
/* When all layers are known: nothing may be in front of a region. */
void config_check_regions(struct config_compiler *compiler);
void config_compile_scanouts(struct config_compiler *compiler);

#endif
