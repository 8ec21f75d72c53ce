#include "core/text.h"

#include <assert.h>
#include <string.h>

void text_make_printable(char *field, size_t size_bytes) {
	assert(size_bytes > 0);
	field[size_bytes - 1] = '\0';
	for (char *c = field; *c != '\0'; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f) {
			*c = '?';
		}
	}
}

bool text_is_terminated(const char *field, size_t size_bytes) {
	return memchr(field, '\0', size_bytes) != NULL;
}

void text_make_ascii(char *field, size_t size_bytes) {
	text_make_printable(field, size_bytes);
	for (; *field != '\0'; field++) {
		if ((unsigned char)*field > '~') {
			*field = '?';
		}
	}
}
