#include "service/assignment.h"

#include <stdio.h>
#include <string.h>

#include "core/macros.h"
#include "core/signals.h"

#define WORD_BYTES 32 /* longer ones are no names and no values */

void assignment_form(uint32_t id, char *text, size_t len) {
	const struct signal_info *info = signal_info(id);
	char least[WORD_BYTES], most[WORD_BYTES];
	signal_format(id, info->least, least, sizeof(least));
	signal_format(id, info->most, most, sizeof(most));
	if (info->choices == NULL) {
		snprintf(text, len, "%s to %s%s%s", least, most, info->unit[0] != '\0' ? " " : "",
			info->unit);
		return;
	}
	int used = snprintf(text, len, "%s", least);
	for (int32_t i = info->least + 1; i <= info->most && (size_t)used < len; i++) {
		signal_format(id, i, most, sizeof(most));
		used += snprintf(text + used, len - (size_t)used, ", %s", most);
	}
}

static bool take_word(char word[WORD_BYTES], const char *text, size_t len) {
	if (len >= WORD_BYTES) {
		return false;
	}
	memcpy(word, text, len);
	word[len] = '\0';
	return true;
}

bool assignment_parse(
	const char *text, struct assignment *assignment, char error[ASSIGNMENT_ERROR_BYTES]) {
	const char *equals = strchr(text, '=');
	if (equals == NULL) {
		snprintf(error, ASSIGNMENT_ERROR_BYTES, "'%.32s' is no NAME=VALUE", text);
		return false;
	}
	char word[WORD_BYTES];
	uint32_t id = SIGNAL_NONE;
	if (take_word(word, text, (size_t)(equals - text))) {
		id = signal_from_name(word);
	}
	if (id == SIGNAL_NONE) {
		snprintf(error, ASSIGNMENT_ERROR_BYTES,
			"there is no signal '%.*s'; `fascia signal --list` prints them",
			(int)MIN(equals - text, (ptrdiff_t)WORD_BYTES), text);
		return false;
	}
	const char *value = equals + 1;
	size_t len = strlen(value);
	bool linear = len > 0 && value[len - 1] == '~';
	len -= linear ? 1 : 0;
	int32_t number;
	if (!take_word(word, value, len) || !signal_parse(id, word, &number)) {
		char form[ASSIGNMENT_ERROR_BYTES / 2];
		assignment_form(id, form, sizeof(form));
		snprintf(error, ASSIGNMENT_ERROR_BYTES, "%s='%.16s'; allowed: %s, or - (unknown)",
			signal_info(id)->name, value, form);
		return false;
	}
	*assignment = (struct assignment) { .id = id, .value = number, .linear = linear };
	return true;
}
