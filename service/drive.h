/*
 * A drive: signals over time, as text for demonstrations and tests.
 *
 *     # a comment
 *     0    gear=D speed=0 fuel=48
 *     2.5  speed=50~ turn-left=on
 *     40   speed=0~
 *     loop
 *
 * Each line is a time in seconds, with up to three decimals, and what has its value from then on; a
 * value with ~ behind it is reached linearly, from the last one the signal had. Times do not go back.
 * `loop`, as the last line, starts over at the time of the line before it.
 *
 * Thread: the owner's.
 */
#ifndef SERVICE_DRIVE_H
#define SERVICE_DRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/signals.h"
#include "service/assignment.h"

#define DRIVE_EVENTS_MAX 65536 /* assignments; a drive is not that long */
#define DRIVE_SECONDS_MAX (24 * 3600)
#define DRIVE_BYTES_MAX (4 * 1024 * 1024)

struct drive_event {
	uint32_t time_ms;
	struct assignment assignment;
};

struct drive {
	struct drive_event *events; /* owned; in the order of their times */
	size_t events_len;
	uint32_t length_ms; /* the last line's time */
	bool loops;
};

#define DRIVE_ERROR_BYTES 512

/* Reads a text of `len` bytes; `path` is for messages. False: `error` says "path:line: what". */
bool drive_parse(struct drive *drive, const char *path, const char *text, size_t len,
	char error[DRIVE_ERROR_BYTES]);
/* The same of a file. */
bool drive_read(struct drive *drive, const char *path, char error[DRIVE_ERROR_BYTES]);
void drive_finish(struct drive *drive);

/* Whether nothing changes after this time since the start: never, of one that loops. */
bool drive_has_ended(const struct drive *drive, uint64_t time_ms);

/* Changes what the drive says of `values` at this time since the start, and leaves the others. */
void drive_values(const struct drive *drive, uint64_t time_ms, int32_t values[SIGNAL_VALUES]);

#endif
