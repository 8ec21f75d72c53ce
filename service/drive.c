#include "service/drive.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/macros.h"
#include "service/scalar.h"

#define LINE_BYTES 1024

struct parser {
	struct drive *drive;
	size_t events_room;
	const char *path;
	unsigned line;
	bool has_value[SIGNAL_VALUES]; /* one to go on from linearly */
	char *error; /* DRIVE_ERROR_BYTES */
};

PRINTF_LIKE(2, 3) static bool complain(struct parser *parser, const char *format, ...) {
	int used = snprintf(
		parser->error, DRIVE_ERROR_BYTES, "%.255s:%u: ", parser->path, parser->line);
	va_list args;
	va_start(args, format);
	vsnprintf(parser->error + used, DRIVE_ERROR_BYTES - (size_t)used, format, args);
	va_end(args);
	return false;
}

static bool add_event(struct parser *parser, const struct drive_event *event) {
	struct drive *drive = parser->drive;
	if (drive->events_len == DRIVE_EVENTS_MAX) {
		return complain(parser, "more than %d values", DRIVE_EVENTS_MAX);
	}
	if (drive->events_len == parser->events_room) {
		size_t room = MAX(parser->events_room * 2, (size_t)64);
		struct drive_event *events = realloc(drive->events, room * sizeof(*events));
		if (events == NULL) {
			return complain(parser, "%s", strerror(ENOMEM));
		}
		drive->events = events;
		parser->events_room = room;
	}
	drive->events[drive->events_len++] = *event;
	return true;
}

static bool read_assignment(struct parser *parser, const char *word, uint32_t time_ms) {
	struct drive_event event = { .time_ms = time_ms };
	const struct assignment *assignment = &event.assignment;
	char error[ASSIGNMENT_ERROR_BYTES];
	if (!assignment_parse(word, &event.assignment, error)) {
		return complain(parser, "%s", error);
	}
	const struct signal_info *info = signal_info(assignment->id);
	if (assignment->linear && (info->choices != NULL || assignment->value == SIGNAL_UNKNOWN)) {
		return complain(parser, "'%s': only a number can be reached linearly (~)", word);
	}
	if (assignment->linear && !parser->has_value[assignment->id]) {
		return complain(parser, "'%s': ~ goes on from a value, and %s has none before",
			word, info->name);
	}
	parser->has_value[assignment->id] = assignment->value != SIGNAL_UNKNOWN;
	return add_event(parser, &event);
}

/* "TIME NAME=VALUE..." or "loop"; changes `line`. */
static bool read_words(struct parser *parser, char *line) {
	struct drive *drive = parser->drive;
	char *rest;
	const char *word = strtok_r(line, " \t", &rest);
	if (word == NULL) {
		return true;
	}
	if (drive->loops) {
		return complain(parser, "nothing may follow 'loop'");
	}
	if (strcmp(word, "loop") == 0) {
		drive->loops = true;
		if (strtok_r(NULL, " \t", &rest) != NULL) {
			return complain(parser, "'loop' stands alone");
		}
		return drive->length_ms > 0 || complain(parser, "a loop needs time to pass first");
	}
	uint64_t time_ms;
	if (!scalar_milli(word, DRIVE_SECONDS_MAX, &time_ms)) {
		return complain(parser,
			"'%.32s' is no time; a line is TIME NAME=VALUE..., TIME in seconds up to "
			"%d, or 'loop'",
			word, DRIVE_SECONDS_MAX);
	}
	if (time_ms < drive->length_ms) {
		return complain(parser, "%.32s s is before the line above", word);
	}
	drive->length_ms = (uint32_t)time_ms;
	while ((word = strtok_r(NULL, " \t", &rest)) != NULL) {
		if (!read_assignment(parser, word, (uint32_t)time_ms)) {
			return false;
		}
	}
	return true;
}

static bool read_line(struct parser *parser, const char *text, size_t len) {
	char line[LINE_BYTES];
	if (len >= sizeof(line)) {
		return complain(parser, "longer than %zu bytes", sizeof(line) - 1);
	}
	for (size_t i = 0; i < len; i++) {
		if (iscntrl((unsigned char)text[i]) && text[i] != '\t' && text[i] != '\r') {
			return complain(parser, "is no text");
		}
		line[i] = text[i] == '\r' ? ' ' : text[i];
	}
	line[len] = '\0';
	line[strcspn(line, "#")] = '\0';
	return read_words(parser, line);
}

static bool read_lines(struct parser *parser, const char *text, size_t len) {
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t line_len = end != NULL ? (size_t)(end - text) : len;
		size_t taken = line_len + (end != NULL ? 1 : 0);
		parser->line++;
		if (!read_line(parser, text, line_len)) {
			return false;
		}
		text += taken;
		len -= taken;
	}
	return parser->drive->events_len > 0 || complain(parser, "it sets nothing");
}

bool drive_parse(struct drive *drive, const char *path, const char *text, size_t len,
	char error[DRIVE_ERROR_BYTES]) {
	*drive = (struct drive) { 0 };
	struct parser parser = { .drive = drive, .path = path, .error = error };
	if (!read_lines(&parser, text, len)) {
		drive_finish(drive);
		return false;
	}
	return true;
}

/* All of a file, `*len` bytes to be freed. NULL with errno. */
static char *read_file(FILE *file, size_t *len) {
	char *text = malloc(DRIVE_BYTES_MAX + 1);
	if (text == NULL) {
		return NULL;
	}
	*len = fread(text, 1, DRIVE_BYTES_MAX + 1, file);
	if (ferror(file) || *len > DRIVE_BYTES_MAX) {
		int error = ferror(file) ? errno : EFBIG;
		free(text);
		errno = error;
		return NULL;
	}
	return text;
}

bool drive_read(struct drive *drive, const char *path, char error[DRIVE_ERROR_BYTES]) {
	*drive = (struct drive) { 0 };
	size_t len;
	char *text = NULL;
	FILE *file = fopen(path, "re");
	if (file != NULL) {
		text = read_file(file, &len);
	}
	if (text == NULL) {
		snprintf(error, DRIVE_ERROR_BYTES, "%.255s: %s", path, strerror(errno));
	}
	bool done = text != NULL && drive_parse(drive, path, text, len, error);
	free(text);
	if (file != NULL) {
		fclose(file);
	}
	return done;
}

void drive_finish(struct drive *drive) {
	free(drive->events);
	*drive = (struct drive) { 0 };
}

bool drive_has_ended(const struct drive *drive, uint64_t time_ms) {
	return !drive->loops && time_ms >= drive->length_ms;
}

/* On the way from one value to the next. */
static int32_t interpolate(
	const struct drive_event *from, const struct drive_event *to, uint32_t time_ms) {
	int64_t distance = (int64_t)to->assignment.value - from->assignment.value;
	int64_t span = (int64_t)to->time_ms - from->time_ms;
	int64_t passed = (int64_t)time_ms - from->time_ms;
	return (int32_t)(from->assignment.value + distance * passed / span);
}

void drive_values(const struct drive *drive, uint64_t time_ms, int32_t values[SIGNAL_VALUES]) {
	const struct drive_event *last[SIGNAL_VALUES] = { 0 };
	bool decided[SIGNAL_VALUES] = { 0 }; /* by an event that is still to come */
	if (drive->loops) {
		time_ms %= drive->length_ms;
	}
	uint32_t now_ms = (uint32_t)MIN(time_ms, drive->length_ms);
	for (size_t i = 0; i < drive->events_len; i++) {
		const struct drive_event *event = &drive->events[i];
		uint32_t id = event->assignment.id;
		if (event->time_ms <= now_ms) {
			last[id] = event;
			values[id] = event->assignment.value;
		} else if (!decided[id]) {
			decided[id] = true;
			if (event->assignment.linear && last[id] != NULL) {
				values[id] = interpolate(last[id], event, now_ms);
			}
		}
	}
}
