/*
 * Text in fixed-size fields that somebody else may have written. Thread: any; pure functions.
 */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Terminates the field and replaces control characters by '?'. */
void text_make_printable(char *field, size_t size_bytes);

/* The same for names, which are ASCII: all else is replaced too, so that the text is valid anywhere. */
void text_make_ascii(char *field, size_t size_bytes);

/* Whether the field has a terminator in it. */
bool text_is_terminated(const char *field, size_t size_bytes);

#endif
