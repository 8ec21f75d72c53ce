#include "service/json_line.h"

#include <inttypes.h>
#include <time.h>

#include "core/clock.h"

static void put_key(struct json_line *line, const char *key) {
	fprintf(line->file, "%s\"%s\":", line->begun ? "," : "", key);
	line->begun = true;
}

void json_line_begin(struct json_line *line, FILE *file) {
	*line = (struct json_line) { .file = file };
	fputc('{', file);
}

void json_line_end(struct json_line *line) {
	fputs("}\n", line->file);
}

void json_line_text(struct json_line *line, const char *key, const char *text, size_t max) {
	put_key(line, key);
	fputc('"', line->file);
	for (size_t i = 0; i < max && text[i] != '\0'; i++) {
		unsigned char byte = (unsigned char)text[i];
		if (byte == '"' || byte == '\\') {
			fprintf(line->file, "\\%c", byte);
		} else if (byte < 0x20 || byte > 0x7e) {
			fprintf(line->file, "\\u%04x", byte);
		} else {
			fputc(byte, line->file);
		}
	}
	fputc('"', line->file);
}

void json_line_uint(struct json_line *line, const char *key, uint64_t value) {
	put_key(line, key);
	fprintf(line->file, "%" PRIu64, value);
}

void json_line_int(struct json_line *line, const char *key, int64_t value) {
	put_key(line, key);
	fprintf(line->file, "%" PRId64, value);
}

void json_line_real(struct json_line *line, const char *key, double value) {
	put_key(line, key);
	fprintf(line->file, "%.3f", value);
}

void json_line_bool(struct json_line *line, const char *key, bool value) {
	put_key(line, key);
	fputs(value ? "true" : "false", line->file);
}

void json_line_null(struct json_line *line, const char *key) {
	put_key(line, key);
	fputs("null", line->file);
}

void json_line_time(struct json_line *line, const char *key, int64_t wall_ns) {
	const int64_t second = (int64_t)NS_PER_S;
	int64_t part = wall_ns % second;
	time_t seconds = (time_t)(wall_ns / second - (part < 0));
	int64_t rest_ns = part < 0 ? part + second : part;
	struct tm utc;
	char text[64];
	if (gmtime_r(&seconds, &utc) == NULL) {
		json_line_null(line, key);
		return;
	}
	size_t len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + len, sizeof(text) - len, ".%03dZ", (int)(rest_ns / (int64_t)NS_PER_MS));
	json_line_text(line, key, text, sizeof(text));
}
