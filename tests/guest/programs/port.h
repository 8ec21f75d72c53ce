/*
 * A virtio-serial port of the guest, found by its name. Never waits: what does not fit is dropped, what
 * is not there is not read.
 *
 * Thread: one.
 */
#ifndef TESTS_GUEST_PROGRAMS_PORT_H
#define TESTS_GUEST_PROGRAMS_PORT_H

#include <stdbool.h>
#include <stddef.h>

#define PORT_LINE_BYTES 4096

struct port {
	int fd; /* -1: there is no such port */
	size_t len;
	bool is_too_long; /* the rest of the line is skipped */
	char bytes[PORT_LINE_BYTES];
	char line[PORT_LINE_BYTES];
};

/* Without a port of that name nothing is ever read, and what is written is dropped. */
void port_open(struct port *port, const char *name);
void port_close(struct port *port);

/* The next whole line, without its newline, valid until the next call; NULL: none is there. */
const char *port_read_line(struct port *port);
/* One line with its newline. */
void port_write(struct port *port, const char *text);

#endif
