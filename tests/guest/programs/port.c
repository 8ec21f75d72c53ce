#include "tests/guest/programs/port.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PORTS "/sys/class/virtio-ports"

static bool has_name(const char *port, const char *name) {
	char path[300], text[64] = "";
	snprintf(path, sizeof(path), PORTS "/%s/name", port);
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		return false;
	}
	bool has_text = fgets(text, sizeof(text), file) != NULL;
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	return has_text && strcmp(text, name) == 0;
}

void port_open(struct port *port, const char *name) {
	DIR *ports = opendir(PORTS);
	struct dirent *entry;
	port->fd = -1;
	port->len = 0;
	port->is_too_long = false;
	while (ports != NULL && port->fd < 0 && (entry = readdir(ports)) != NULL) {
		char path[300];
		if (has_name(entry->d_name, name)) {
			snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
			port->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		}
	}
	if (ports != NULL) {
		closedir(ports);
	}
}

void port_close(struct port *port) {
	if (port->fd >= 0) {
		close(port->fd);
	}
	port->fd = -1;
}

/* Takes the first line out of what was read. */
static bool take_line(struct port *port) {
	char *end = memchr(port->bytes, '\n', port->len);
	if (end == NULL) {
		return false;
	}
	size_t len = (size_t)(end - port->bytes);
	memcpy(port->line, port->bytes, len);
	port->line[len] = '\0';
	port->len -= len + 1;
	memmove(port->bytes, end + 1, port->len);
	return true;
}

const char *port_read_line(struct port *port) {
	while (port->fd >= 0) {
		if (take_line(port)) {
			if (!port->is_too_long) {
				return port->line;
			}
			port->is_too_long = false;
			continue;
		}
		if (port->len == sizeof(port->bytes)) {
			port->is_too_long = true;
			port->len = 0;
		}
		/* 0: nobody is at the other end */
		ssize_t len =
			read(port->fd, port->bytes + port->len, sizeof(port->bytes) - port->len);
		if (len <= 0) {
			return NULL;
		}
		port->len += (size_t)len;
	}
	return NULL;
}

void port_write(struct port *port, const char *text) {
	if (port->fd >= 0) {
		(void)!write(port->fd, text, strlen(text));
	}
}
