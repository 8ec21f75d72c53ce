#include "service/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"

/* says over its control descriptor what it was given; /proc is read without another program, since a shell
 * that forks blocks every signal meanwhile */
#define SCRIPT                                                                                     \
	"#!/bin/sh\n"                                                                              \
	"exec 1>&3\n"                                                                              \
	"for fd in 0 1 2 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$fd ] && printf \"$fd\"; done\n"       \
	"read -r word <&4; printf \" $word\"\n"                                                    \
	"while read -r key value; do\n"                                                            \
	"case $key in SigBlk: | SigIgn:) printf \" $value\" ;; esac\n"                             \
	"done </proc/$$/status\n"                                                                  \
	"set -- $(cat /proc/$$/stat); [ $6 = $$ ] && printf ' session'\n"                          \
	"exit 7\n"
#define NO_SIGNALS "0000000000000000"

static char dir[] = "/tmp/fascia-launch-XXXXXX";
static char program[64];
static int lock;

static void make(const char *script, mode_t mode) {
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(program, sizeof(program), "%s/child", dir);
	int fd = open(program, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, script, strlen(script)), (ssize_t)strlen(script));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	fd_close(&fd);
	ck_assert_int_eq(setenv("FASCIA_LIBEXEC", dir, 1), 0);
	lock = fd_memfd_create_constant("lock", "locked\n", 7);
	ck_assert_int_ge(lock, 0);
	ck_assert_int_eq(lseek(lock, 0, SEEK_SET), 0);
}

static void unmake(void) {
	fd_close(&lock);
	ck_assert_int_eq(unlink(program), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}

/* Everything that comes until the child has ended. */
static void read_all(int fd, char *text, size_t bytes) {
	size_t len = 0;
	ssize_t got;
	while ((got = read(fd, text + len, bytes - 1 - len)) > 0) {
		len += (size_t)got;
	}
	ck_assert_int_eq(got, 0);
	text[len] = '\0';
}

START_TEST(a_child_has_what_it_needs_and_no_more) {
	const bool session = _i == 1;
	make(SCRIPT, 0700);
	int ends[2], status = 0;
	char text[256], expected[256];
	pid_t pid = 0;
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	/* what the frame of this suite has open is not launch_start()'s business */
	ck_assert_int_eq(close_range(3, ~0u, CLOSE_RANGE_CLOEXEC), 0);
	sigset_t blocked;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
	(void)signal(SIGUSR2, SIG_IGN);

	const struct launch launch = {
		.program = "child", .control = ends[1], .lock = lock, .session = session
	};
	int pidfd = launch_start(&launch, &pid);
	ck_assert_int_ge(pidfd, 0);
	fd_close(&ends[1]);
	read_all(ends[0], text, sizeof(text));
	snprintf(expected, sizeof(expected), "01234 locked " NO_SIGNALS " " NO_SIGNALS "%s",
		session ? " session" : "");
	ck_assert_str_eq(text, expected);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	fd_close(&pidfd);
	fd_close(&ends[0]);
	unmake();
}
END_TEST

static const struct {
	const char *name, *program, *script;
	mode_t mode;
	bool has_control;
	int result;
} rows[] = {
	{ "no such program", "nobody", SCRIPT, 0700, true, -ENOENT },
	{ "not to be executed", "child", SCRIPT, 0600, true, -ENOENT },
	{ "no program", "child", "", 0700, true, -ENOEXEC },
	{ "its interpreter is missing", "child", "#!/nonexistent\n", 0700, true, -ENOENT },
	{ "no control socket", "child", SCRIPT, 0700, false, -EBADF },
};

START_TEST(says_why_it_cannot_start) {
	make(rows[_i].script, rows[_i].mode);
	pid_t pid = 0;
	const struct launch launch = {
		.program = rows[_i].program,
		.folder = "nowhere",
		.control = rows[_i].has_control ? STDERR_FILENO : -1,
		.lock = lock,
	};
	int result = launch_start(&launch, &pid);
	ck_assert_msg(result == rows[_i].result, "%s: %d", rows[_i].name, result);
	/* and no process is left */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	unmake();
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("service launch");
	TCase *start = suite_case(suite, "start");
	tcase_add_loop_test(start, a_child_has_what_it_needs_and_no_more, 0, 2);
	tcase_add_loop_test(start, says_why_it_cannot_start, 0, ARRAY_LEN(rows));
	return suite;
}
