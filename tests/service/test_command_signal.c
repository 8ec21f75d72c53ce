/*
 * `fascia signal` against a socket of the test's own: what is sent, in which order, until when.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/macros.h"
#include "core/signals.h"
#include "tests/suite.h"

#define HANG_MS 60000
#define ARGUMENTS_MAX 16
#define TIMEOUT_NEVER UINT64_MAX

static char dir[64], path[96];
static int server; /* the socket that the keeper would bind */
static struct signal_receiver receiver;
static pid_t child;
static int child_in, child_out; /* its standard input; its standard output and error */

static void make_dir(void) {
	snprintf(dir, sizeof(dir), "/tmp/fascia-signal-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/signals", dir);
	server = -1;
	child_in = child_out = -1;
	signal_receiver_init(&receiver, TIMEOUT_NEVER);
}

static void open_server(void) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	server = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(server, 0);
	ck_assert_int_eq(bind(server, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void remove_dir(void) {
	fd_close(&server);
	fd_close(&child_in);
	fd_close(&child_out);
	unlink(path);
	char drive[96];
	snprintf(drive, sizeof(drive), "%s/test.drive", dir);
	unlink(drive);
	ck_assert_int_eq(rmdir(dir), 0);
}

/* Starts the command with the words after `signal`, NULL at the end. */
static void start(const char *const *words) {
	const char *arguments[ARGUMENTS_MAX] = { FASCIA_PROGRAM, "--runtime", dir, "signal" };
	for (size_t i = 0; words[i] != NULL; i++) {
		ck_assert_uint_lt(i + 5, ARGUMENTS_MAX);
		arguments[i + 4] = words[i];
	}
	int in[2], out[2];
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		execv(FASCIA_PROGRAM, (char **)(uintptr_t)arguments);
		_exit(127);
	}
	fd_close(&in[0]);
	fd_close(&out[1]);
	child_in = in[1];
	child_out = out[0];
}

static void say(const char *text) {
	ck_assert_int_eq(write(child_in, text, strlen(text)), (ssize_t)strlen(text));
}

/* Waits for its end; what it said is in `said`. Its exit status. */
static int finish(char *said, size_t said_bytes) {
	size_t len = 0;
	ssize_t got;
	while (len < said_bytes - 1 &&
		(got = read(child_out, said + len, said_bytes - 1 - len)) > 0) {
		len += (size_t)got;
	}
	said[len] = '\0';
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status), "%s", said);
	return WEXITSTATUS(status);
}

static int run(const char *const *words, char *said, size_t said_bytes) {
	start(words);
	fd_close(&child_in);
	return finish(said, said_bytes);
}

/* Takes the next message; it is in receiver.values then. A slow test may have missed some before it. */
static enum signal_verdict take(void) {
	struct pollfd wait = { .fd = server, .events = POLLIN };
	ck_assert_int_eq(poll(&wait, 1, HANG_MS), 1);
	uint8_t bytes[sizeof(struct signal_message) + 1];
	ssize_t len = recv(server, bytes, sizeof(bytes), 0);
	ck_assert_int_eq(len, sizeof(struct signal_message));
	enum signal_verdict verdict = signal_receiver_take(&receiver, bytes, (size_t)len, 0);
	ck_assert_msg(verdict == SIGNAL_GOOD || verdict == SIGNAL_LOST, "%d", verdict);
	return verdict;
}

static bool is_waiting(void) {
	struct pollfd wait = { .fd = server, .events = POLLIN };
	return poll(&wait, 1, 0) == 1;
}

START_TEST(sends_what_is_said_until_it_is_stopped) {
	open_server();
	start((const char *const[]) {
		"--cycle", "2", "speed=47.5", "gear=D", "brake=on", "outside=-3", NULL });
	for (int i = 0; i < 5; i++) {
		take();
		ck_assert_int_eq(receiver.values[SIGNAL_SPEED], 475);
		ck_assert_int_eq(receiver.values[SIGNAL_GEAR], 3);
		ck_assert_int_eq(receiver.values[SIGNAL_BRAKE], 1);
		ck_assert_int_eq(receiver.values[SIGNAL_OUTSIDE], -30);
		ck_assert_int_eq(receiver.values[SIGNAL_REVS], SIGNAL_UNKNOWN);
		ck_assert_int_eq(receiver.values[SIGNAL_ABS], 0);
	}
	ck_assert_int_eq(kill(child, SIGINT), 0);
	char said[256];
	while (is_waiting()) {
		take();
	}
	ck_assert_int_eq(finish(said, sizeof(said)), 0);
}
END_TEST

START_TEST(ends_after_its_seconds) {
	open_server();
	char said[256];
	static const char *const words[] = { "--seconds", "0.1", "--cycle", "25", "abs=1", NULL };
	ck_assert_int_eq(run(words, said, sizeof(said)), 0);
	/* at 0, and at 100 ms; those between only if the machine is fast enough */
	unsigned messages = 0;
	for (; is_waiting(); messages++) {
		ck_assert_int_eq(take(), SIGNAL_GOOD);
		ck_assert_uint_eq(receiver.counter, messages + 1);
	}
	ck_assert_uint_ge(messages, 2);
	ck_assert_uint_le(messages, 5);
	ck_assert_int_eq(receiver.values[SIGNAL_ABS], 1);
}
END_TEST

START_TEST(follows_standard_input) {
	open_server();
	start((const char *const[]) { "--cycle", "1", "speed=10", "-", NULL });
	take();
	ck_assert_int_eq(receiver.values[SIGNAL_SPEED], 100);
	say("speed=20 abs=on\n\n  turn-left=on\r\nspeed=2");
	while (receiver.values[SIGNAL_TURN_LEFT] != 1) {
		take();
	}
	ck_assert_int_eq(receiver.values[SIGNAL_SPEED], 200);
	ck_assert_int_eq(receiver.values[SIGNAL_ABS], 1);
	say("5.5\nspeed=fast\nsped=3 abs=off\n");
	while (receiver.values[SIGNAL_ABS] != 0) {
		take();
	}
	ck_assert_int_eq(receiver.values[SIGNAL_SPEED], 255);
	fd_close(&child_in);
	char said[1024];
	ck_assert_int_eq(finish(said, sizeof(said)), 1);
	ck_assert_str_eq(said,
		"fascia signal: standard input:5: speed='fast'; allowed: 0.0 to 400.0 km/h, or - "
		"(unknown)\n"
		"fascia signal: standard input:6: there is no signal 'sped'; `fascia signal "
		"--list` prints them\n");
}
END_TEST

/* What was read last is sent at once, and the last line needs no end. */
START_TEST(ends_with_standard_input) {
	open_server();
	start((const char *const[]) { "--cycle", "10000", "-", "abs=on", NULL });
	take();
	ck_assert_int_eq(receiver.values[SIGNAL_GEAR], SIGNAL_UNKNOWN);
	say("gear=R");
	fd_close(&child_in);
	take();
	ck_assert_int_eq(receiver.values[SIGNAL_GEAR], 1);
	ck_assert_int_eq(receiver.values[SIGNAL_ABS], 1);
	char said[256];
	ck_assert_int_eq(finish(said, sizeof(said)), 0);
	ck_assert_str_eq(said, "");
	ck_assert(!is_waiting());
}
END_TEST

static void write_drive(char drive[96], const char *text) {
	snprintf(drive, 96, "%s/test.drive", dir);
	FILE *file = fopen(drive, "we");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(follows_a_drive_to_its_end) {
	open_server();
	char drive[96], said[256];
	write_drive(drive, "0 speed=10 abs=on\n1 speed=110~ gear=N\n");
	start((const char *const[]) {
		"--drive", drive, "--speed", "50", "--cycle", "5", "abs=off", NULL });
	int32_t speed = 0;
	while (receiver.values[SIGNAL_GEAR] != 2) {
		take();
		ck_assert_int_ge(receiver.values[SIGNAL_SPEED], speed);
		speed = receiver.values[SIGNAL_SPEED];
		/* what was typed counts over the drive */
		ck_assert_int_eq(receiver.values[SIGNAL_ABS], 0);
	}
	ck_assert_int_eq(speed, 1100);
	ck_assert_int_eq(finish(said, sizeof(said)), 0);
	ck_assert_str_eq(said, "");
	ck_assert(!is_waiting());
}
END_TEST

START_TEST(says_where_a_drive_is_wrong) {
	open_server();
	char drive[96], said[512], expected[512];
	write_drive(drive, "0 speed=10\n1 speed=500\n");
	snprintf(expected, sizeof(expected),
		"fascia signal: %s:2: speed='500'; allowed: 0.0 to 400.0 km/h, or - (unknown)\n",
		drive);
	ck_assert_int_eq(
		run((const char *const[]) { "--drive", drive, NULL }, said, sizeof(said)), 1);
	ck_assert_str_eq(said, expected);
	ck_assert(!is_waiting());
}
END_TEST

START_TEST(nobody_is_there) {
	char said[512], expected[512];
	snprintf(expected, sizeof(expected),
		"fascia signal: %s: No such file or directory; is a service running there?\n",
		path);
	ck_assert_int_eq(run((const char *const[]) { "speed=5", NULL }, said, sizeof(said)), 3);
	ck_assert_str_eq(said, expected);
}
END_TEST

START_TEST(it_is_gone_meanwhile) {
	open_server();
	start((const char *const[]) { "--cycle", "1", NULL });
	take();
	fd_close(&server);
	char said[512];
	ck_assert_int_eq(finish(said, sizeof(said)), 3);
	ck_assert_ptr_nonnull(strstr(said, "is a service running there?"));
}
END_TEST

static void fill_queue(void) {
	int other = fd_connect_unix(path, SOCK_DGRAM);
	ck_assert_int_ge(other, 0);
	while (send(other, "", 1, MSG_DONTWAIT) == 1) {
	}
	fd_close(&other);
}

/* A receiver that takes nothing stops no sender; what it missed is said. */
START_TEST(nobody_reads) {
	open_server();
	fill_queue();
	char said[512];
	static const char *const words[] = { "--seconds", "0.001", "--cycle", "1", NULL };
	ck_assert_int_eq(run(words, said, sizeof(said)), 0);
	ck_assert_str_eq(said, "fascia signal: 2 of 2 messages were not taken\n");
}
END_TEST

START_TEST(lists_the_signals) {
	char said[4096];
	ck_assert_int_eq(run((const char *const[]) { "--list", NULL }, said, sizeof(said)), 0);
	ck_assert_ptr_nonnull(strstr(said, "\nrevs             0 to 12000 1/min\n"));
	ck_assert_ptr_nonnull(strstr(said, "\ngear             P, R, N, D\n"));
	ck_assert_ptr_nonnull(strstr(said, "\nmaster-warning   off, on\n"));
}
END_TEST

static const struct {
	const char *words[4];
	const char *said;
} wrongs[] = {
	{ { "speed" }, "'speed' is no NAME=VALUE" },
	{ { "speed=5~" }, "'speed=5~': ~ is for drives" },
	{ { "sped=5" }, "there is no signal 'sped'" },
	{ { "--cycle", "0" }, "--cycle '0'; allowed: 1 to 10000 ms" },
	{ { "--seconds", "0" }, "--seconds '0'; allowed: 0.001 to 86400" },
	{ { "--speed", "fast" }, "--speed 'fast'; allowed: 0.001 to 100" },
	{ { "--fast" }, "usage: fascia signal" },
};

START_TEST(wrong_command_lines) {
	char said[1024];
	ck_assert_int_eq(run(wrongs[_i].words, said, sizeof(said)), 2);
	ck_assert_msg(strstr(said, wrongs[_i].said) != NULL, "%s", said);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("service command_signal");
	TCase *tcase = suite_case(suite, "signal");
	tcase_add_checked_fixture(tcase, make_dir, remove_dir);
	tcase_add_test(tcase, sends_what_is_said_until_it_is_stopped);
	tcase_add_test(tcase, ends_after_its_seconds);
	tcase_add_test(tcase, follows_standard_input);
	tcase_add_test(tcase, ends_with_standard_input);
	tcase_add_test(tcase, follows_a_drive_to_its_end);
	tcase_add_test(tcase, says_where_a_drive_is_wrong);
	tcase_add_test(tcase, nobody_is_there);
	tcase_add_test(tcase, it_is_gone_meanwhile);
	tcase_add_test(tcase, nobody_reads);
	tcase_add_test(tcase, lists_the_signals);
	tcase_add_loop_test(tcase, wrong_command_lines, 0, ARRAY_LEN(wrongs));
	return suite;
}
