/*
 * NAME=VALUE of a signal, as it is typed: on the command line and in drives.
 *
 * Thread: any; pure functions.
 */
#ifndef SERVICE_ASSIGNMENT_H
#define SERVICE_ASSIGNMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ASSIGNMENT_ERROR_BYTES 160

struct assignment {
	uint32_t id;   /* of the signal */
	int32_t value; /* in its range, or SIGNAL_UNKNOWN */
	bool linear;   /* a ~ was behind it */
};

/* `text` is all of it. False: `error` says what is wrong and what is allowed. */
bool assignment_parse(
	const char *text, struct assignment *assignment, char error[ASSIGNMENT_ERROR_BYTES]);

/* What a signal takes: "0.0 to 400.0 km/h", "P, R, N, D". At most `len` bytes with the NUL. */
void assignment_form(uint32_t id, char *text, size_t len);

#endif
