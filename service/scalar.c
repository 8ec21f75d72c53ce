#include "service/scalar.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* with its kind before it ("sound-NAME") it still names a process: 31 bytes */
#define NAME_LEN_MAX 24
#define REFRESH_MHZ_MIN 1000
#define REFRESH_MHZ_MAX 400000
#define REFRESH_MHZ_NOMINAL 60000

/* Reads an integer at *text and moves past it. No white space, no '+'. */
static bool take_int(const char **text, int64_t min, int64_t max, int64_t *value) {
	const char *digits = **text == '-' ? *text + 1 : *text;
	if (!isdigit((unsigned char)*digits)) {
		return false;
	}
	char *end;
	errno = 0;
	long long number = strtoll(*text, &end, 10);
	if (errno != 0 || number < min || number > max) {
		return false;
	}
	*text = end;
	*value = number;
	return true;
}

static bool take_char(const char **text, char expected) {
	if (**text != expected) {
		return false;
	}
	(*text)++;
	return true;
}

static bool take_size(const char **text, uint32_t *width, uint32_t *height) {
	int64_t w, h;
	if (!take_int(text, 1, SCALAR_PIXELS_MAX, &w) || !take_char(text, 'x') ||
		!take_int(text, 1, SCALAR_PIXELS_MAX, &h)) {
		return false;
	}
	*width = (uint32_t)w;
	*height = (uint32_t)h;
	return true;
}

static bool take_place(const char **text, int32_t *x, int32_t *y) {
	int64_t px, py;
	if (!take_int(text, -SCALAR_PLACE_MAX, SCALAR_PLACE_MAX, &px) || !take_char(text, ',') ||
		!take_int(text, -SCALAR_PLACE_MAX, SCALAR_PLACE_MAX, &py)) {
		return false;
	}
	*x = (int32_t)px;
	*y = (int32_t)py;
	return true;
}

/* A number with up to three decimals, in thousandths; up to `max` whole ones. */
static bool take_milli(const char **text, int64_t max, int64_t *milli) {
	int64_t value;
	if (**text == '-' || !take_int(text, 0, max, &value)) {
		return false;
	}
	value *= 1000;
	if (take_char(text, '.')) {
		const char *digits = *text;
		for (int64_t unit = 100; unit > 0 && isdigit((unsigned char)**text); unit /= 10) {
			value += unit * (**text - '0');
			(*text)++;
		}
		if (*text == digits) {
			return false;
		}
	}
	*milli = value;
	return value <= max * 1000;
}

static bool take_refresh(const char **text, uint32_t *refresh_mhz) {
	int64_t value;
	if (!take_milli(text, REFRESH_MHZ_MAX / 1000, &value) ||
		(value != 0 && value < REFRESH_MHZ_MIN)) {
		return false;
	}
	*refresh_mhz = (uint32_t)value;
	return true;
}

bool scalar_mode(const char *text, struct scalar_mode *mode) {
	struct scalar_mode read = { .clock = TICKER_REAL, .refresh_mhz = REFRESH_MHZ_NOMINAL };
	if (!take_size(&text, &read.width, &read.height)) {
		return false;
	}
	if (strcmp(text, "@step") == 0) {
		read.clock = TICKER_STEP;
	} else if (*text != '\0') {
		if (!take_char(&text, '@') || !take_refresh(&text, &read.refresh_mhz) ||
			*text != '\0') {
			return false;
		}
		if (read.refresh_mhz == 0) {
			read.clock = TICKER_IMMEDIATE;
			read.refresh_mhz = REFRESH_MHZ_NOMINAL;
		}
	}
	*mode = read;
	return true;
}

bool scalar_rate(const char *text, uint32_t *times, uint32_t *ms) {
	const int64_t ms_max = 3600000;
	int64_t count, time;
	if (strcmp(text, "never") == 0) {
		*times = *ms = 0;
		return true;
	}
	if (!take_int(&text, 1, 1000, &count) || strncmp(text, " in ", 4) != 0) {
		return false;
	}
	text += 4;
	if (!take_int(&text, 1, ms_max, &time)) {
		return false;
	}
	if (strcmp(text, "s") == 0) {
		time *= 1000;
	} else if (strcmp(text, "ms") != 0) {
		return false;
	}
	if (time > ms_max) {
		return false;
	}
	*times = (uint32_t)count;
	*ms = (uint32_t)time;
	return true;
}

bool scalar_size(const char *text, uint32_t *width, uint32_t *height) {
	uint32_t w, h;
	if (!take_size(&text, &w, &h) || *text != '\0') {
		return false;
	}
	*width = w;
	*height = h;
	return true;
}

bool scalar_place(const char *text, int32_t *x, int32_t *y) {
	int32_t px, py;
	if (!take_place(&text, &px, &py) || *text != '\0') {
		return false;
	}
	*x = px;
	*y = py;
	return true;
}

bool scalar_rect(const char *text, struct rect *rect) {
	struct rect read;
	if (!take_place(&text, &read.x, &read.y) || !take_char(&text, ' ') ||
		!take_size(&text, &read.width, &read.height) || *text != '\0') {
		return false;
	}
	*rect = read;
	return true;
}

bool scalar_colour(const char *text, uint32_t *rgb) {
	(void)take_char(&text, '#');
	if (strlen(text) != 6 || strspn(text, "0123456789abcdefABCDEF") != 6) {
		return false;
	}
	*rgb = (uint32_t)strtoul(text, NULL, 16);
	return true;
}

bool scalar_bytes(const char *text, uint64_t *bytes) {
	static const struct {
		const char *suffix;
		unsigned shift;
	} units[] = {
		{ "", 0 },
		{ "K", 10 },
		{ "KiB", 10 },
		{ "M", 20 },
		{ "MiB", 20 },
		{ "G", 30 },
		{ "GiB", 30 },
	};
	int64_t value;
	if (!take_int(&text, 0, INT64_C(1) << 40, &value)) {
		return false;
	}
	(void)take_char(&text, ' ');
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text, units[i].suffix) != 0) {
			continue;
		}
		if (value > INT64_MAX >> units[i].shift) {
			return false;
		}
		*bytes = (uint64_t)value << units[i].shift;
		return true;
	}
	return false;
}

bool scalar_milli(const char *text, uint64_t max, uint64_t *milli) {
	int64_t value;
	if (!take_milli(&text, (int64_t)max, &value) || *text != '\0') {
		return false;
	}
	*milli = (uint64_t)value;
	return true;
}

bool scalar_int(const char *text, int64_t min, int64_t max, int64_t *value) {
	int64_t read;
	if (!take_int(&text, min, max, &read) || *text != '\0') {
		return false;
	}
	*value = read;
	return true;
}

bool scalar_is_name(const char *text) {
	size_t len = strlen(text);
	if (len < 1 || len > NAME_LEN_MAX || !isalpha((unsigned char)text[0])) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (!(c < 0x80 && isalnum(c)) && c != '-' && c != '_') {
			return false;
		}
	}
	return true;
}
