#include "tests/guest/programs/port.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/macros.h"
#include "tests/suite.h"

#define LINES 4

/* What comes in these pieces is read as these lines. */
static const struct {
	const char *name;
	const char *pieces[LINES], *lines[LINES];
} rows[] = {
	{ "nothing", { NULL }, { NULL } },
	{ "a line", { "speed=5\n" }, { "speed=5" } },
	{ "an empty line", { "\n" }, { "" } },
	{ "two at once", { "a\nbc\n" }, { "a", "bc" } },
	{ "one in pieces", { "spe", "ed=", "5\n" }, { "speed=5" } },
	{ "a line and a half", { "a\nb", "c\n" }, { "a", "bc" } },
	{ "no end", { "speed=5" }, { NULL } },
};

static void open_pair(struct port *port, int *other) {
	int fds[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	*port = (struct port) { .fd = fds[0] };
	*other = fds[1];
}

static void send_text(int fd, const char *text, size_t len) {
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
}

START_TEST(lines_are_put_together) {
	static struct port port;
	int other, len = 0;
	open_pair(&port, &other);
	for (int i = 0; i < LINES && rows[_i].pieces[i] != NULL; i++) {
		const char *line;
		send_text(other, rows[_i].pieces[i], strlen(rows[_i].pieces[i]));
		while ((line = port_read_line(&port)) != NULL) {
			ck_assert_msg(len < LINES && rows[_i].lines[len] != NULL, "%s: also '%s'",
				rows[_i].name, line);
			ck_assert_str_eq(line, rows[_i].lines[len++]);
		}
	}
	ck_assert_msg(
		len == LINES || rows[_i].lines[len] == NULL, "%s: %d lines", rows[_i].name, len);
	port_close(&port);
	close(other);
}
END_TEST

START_TEST(a_line_too_long_is_skipped) {
	static struct port port;
	static char junk[PORT_LINE_BYTES];
	int other;
	open_pair(&port, &other);
	memset(junk, 'x', sizeof(junk));
	for (int i = 0; i < 3; i++) {
		send_text(other, junk, sizeof(junk));
		ck_assert_ptr_null(port_read_line(&port));
	}
	send_text(other, "end\nnext\n", 9);
	ck_assert_str_eq(port_read_line(&port), "next");
	ck_assert_ptr_null(port_read_line(&port));
	port_close(&port);
	close(other);
}
END_TEST

START_TEST(no_port_is_silent) {
	static struct port port;
	port_open(&port, "org.fascia.no-such-port");
	ck_assert_int_eq(port.fd, -1);
	ck_assert_ptr_null(port_read_line(&port));
	port_write(&port, "heartbeat 1\n");
	port_close(&port);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("guest port");
	TCase *tests = suite_case(suite, "lines");
	tcase_add_loop_test(tests, lines_are_put_together, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tests, a_line_too_long_is_skipped);
	tcase_add_test(tests, no_port_is_silent);
	return suite;
}
