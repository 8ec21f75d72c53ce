/*
 * Small texts with a form: modes, sizes, places, colours, amounts of memory. The same forms in the
 * configuration and on the command line.
 *
 * Every function takes the whole text and returns false when it is not of the form or out of range;
 * then nothing was stored. Thread: any; pure functions.
 */
#ifndef SERVICE_SCALAR_H
#define SERVICE_SCALAR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/rect.h"

#define SCALAR_PIXELS_MAX 8192
#define SCALAR_PLACE_MAX 32768 /* as core/config.h */
#define SCALAR_MODE_FORM "WIDTHxHEIGHT@RATE: 1..8192 pixels; RATE 1..400 Hz, 0 or step"
#define SCALAR_SIZE_FORM "WIDTHxHEIGHT, each 1..8192"
#define SCALAR_PLACE_FORM "X,Y in pixels, -32768 to 32768"
#define SCALAR_RECT_FORM "X,Y WIDTHxHEIGHT in pixels"
#define SCALAR_COLOUR_FORM "\"#RRGGBB\" (in quotes: YAML takes a bare # for a comment)"
#define SCALAR_BYTES_FORM "a number of bytes, or with K, M or G (of 1024)"

struct scalar_mode {
	uint32_t width, height;
	enum ticker_kind clock;
	uint32_t refresh_mhz; /* of @0 and @step: 60000, the nominal rate */
};

/* "1920x1080@60", "1920x1080@59.94", "1920x1080@0", "1920x1080@step"; without @: 60 Hz. */
bool scalar_mode(const char *text, struct scalar_mode *mode);

/* "1280x480". */
bool scalar_size(const char *text, uint32_t *width, uint32_t *height);

/* "320,-16". */
bool scalar_place(const char *text, int32_t *x, int32_t *y);

/* "320,0 1280x480". */
bool scalar_rect(const char *text, struct rect *rect);

/* "#101418" or "101418": 0x00RRGGBB. */
bool scalar_colour(const char *text, uint32_t *rgb);

/* "67108864", "64M", "64 MiB", "1G". */
bool scalar_bytes(const char *text, uint64_t *bytes);

/* "3 in 60s", "2 in 1500ms"; "never": 0 times. At least 1, up to 1000 times, in 1 ms to 1 hour. */
#define SCALAR_RATE_FORM "never, or a number of times and a time, as \"3 in 60s\" or \"2 in 500ms\""
bool scalar_rate(const char *text, uint32_t *times, uint32_t *ms);

/* "2", "0.5", "1.234": in thousandths; 0 to `max` whole ones. */
bool scalar_milli(const char *text, uint64_t max, uint64_t *milli);

/* A decimal number in min..max. */
bool scalar_int(const char *text, int64_t min, int64_t max, int64_t *value);

/* What may name an output, a guest or a layer: 1..24 letters, digits, - and _; a letter first. */
#define SCALAR_NAME_FORM "1 to 24 letters, digits, - and _, a letter first"
bool scalar_is_name(const char *text);

#endif
