#include "service/runtime_dir.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *text_or_null(const char *text) {
	return text != NULL && text[0] != '\0' ? text : NULL;
}

static int format_default(char *text, size_t bytes) {
	const char *xdg = text_or_null(getenv("XDG_RUNTIME_DIR"));
	if (xdg != NULL) {
		return snprintf(text, bytes, "%s/fascia", xdg);
	}
	if (geteuid() == 0) {
		return snprintf(text, bytes, "/run/fascia");
	}
	return snprintf(text, bytes, "/tmp/fascia-%u", (unsigned)geteuid());
}

int runtime_dir_choose(const char *option, const char *configured, char *dir, size_t dir_bytes) {
	const char *chosen = text_or_null(option);
	if (chosen == NULL) {
		chosen = text_or_null(getenv("FASCIA_RUNTIME"));
	}
	if (chosen == NULL) {
		chosen = text_or_null(configured);
	}
	int len;
	if (chosen == NULL) {
		len = format_default(dir, dir_bytes);
	} else if (chosen[0] == '/') {
		len = snprintf(dir, dir_bytes, "%s", chosen);
	} else {
		char here[PATH_MAX];
		if (getcwd(here, sizeof(here)) == NULL) {
			return -errno;
		}
		len = snprintf(dir, dir_bytes, "%s/%s", here, chosen);
	}
	return len < 0 || (size_t)len >= dir_bytes ? -ENAMETOOLONG : 0;
}
