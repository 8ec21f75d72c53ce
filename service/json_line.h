/*
 * One JSON object on one line, for output that goes on: a program that reads it takes line by line.
 *
 * Thread: the owner's.
 */
#ifndef SERVICE_JSON_LINE_H
#define SERVICE_JSON_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json_line {
	FILE *file;
	bool begun; /* something is in it */
};

void json_line_begin(struct json_line *line, FILE *file);
void json_line_end(struct json_line *line);

/* Keys are written as they are. A text ends at its NUL, or after `max` bytes; bytes that are not
 * printable ASCII are escaped. */
void json_line_text(struct json_line *line, const char *key, const char *text, size_t max);
void json_line_uint(struct json_line *line, const char *key, uint64_t value);
void json_line_int(struct json_line *line, const char *key, int64_t value);
void json_line_real(struct json_line *line, const char *key, double value); /* finite; 3 decimals */
void json_line_bool(struct json_line *line, const char *key, bool value);
void json_line_null(struct json_line *line, const char *key);
/* CLOCK_REALTIME in ns as "2026-11-23T03:41:47.123Z". */
void json_line_time(struct json_line *line, const char *key, int64_t wall_ns);

#endif
