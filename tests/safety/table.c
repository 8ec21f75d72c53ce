/*
 * Prints the rows of the failure table, one JSON object a line: document.py makes docs/safety.md of them.
 */
#include <stdio.h>
#include <string.h>

#include "core/macros.h"
#include "service/json_line.h"
#include "tests/safety/row.h"

#define NAMES_BYTES 256

static void append(char names[NAMES_BYTES], const char *name) {
	size_t len = strlen(names);
	snprintf(names + len, NAMES_BYTES - len, "%s%s", len > 0 ? " " : "", name);
}

static void print_row(const struct row *row, FILE *file) {
	struct json_line line;
	char causes[NAMES_BYTES] = "", controls[NAMES_BYTES] = "";
	for (size_t i = 0; i < ROW_CAUSES_MAX && row->causes[i] != FAULT_NONE; i++) {
		append(causes, fault_name(row->causes[i]));
	}
	for (size_t i = 0; i < row->controls_len; i++) {
		append(controls, mechanism_name(row->controls[i]));
	}
	json_line_begin(&line, file);
	json_line_text(&line, "row", row->name, SIZE_MAX);
	json_line_text(&line, "fault", row->fault, SIZE_MAX);
	json_line_text(&line, "promise", row->promise, SIZE_MAX);
	json_line_text(&line, "mechanism", row->mechanism, SIZE_MAX);
	json_line_text(&line, "simulated", row->simulated != NULL ? row->simulated : "", SIZE_MAX);
	json_line_text(&line, "tests", row->tests != NULL ? row->tests : "", SIZE_MAX);
	json_line_text(&line, "control", row->control != NULL ? row->control : "", SIZE_MAX);
	json_line_text(&line, "causes", causes, SIZE_MAX);
	json_line_text(&line, "controls", controls, SIZE_MAX);
	json_line_uint(&line, "detect_ms", row->detect_ms);
	json_line_uint(&line, "safe_ms", row->safe_ms);
	json_line_uint(&line, "react_ms", row->react_ms);
	json_line_uint(&line, "wrong_max", row->wrong_max);
	json_line_bool(&line, "is_real_only", row->is_real_only);
	json_line_bool(&line, "has_time", row->is_safe != NULL || row->safe_ms + row->react_ms > 0);
	json_line_end(&line);
}

int main(void) {
	for (uint32_t i = 0; i < rows_len; i++) {
		print_row(&rows[i], stdout);
	}
	return 0;
}
