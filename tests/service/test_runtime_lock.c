#include "service/runtime_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/macros.h"
#include "service/launch.h"
#include "tests/suite.h"

static char top[] = "/tmp/fascia-lock-XXXXXX";
static char dir[64], lock[80];

static void make(void) {
	ck_assert_ptr_nonnull(mkdtemp(top));
	snprintf(dir, sizeof(dir), "%s/run", top);
	snprintf(lock, sizeof(lock), "%s/lock", dir);
}

static void unmake(void) {
	unlink(lock);
	rmdir(dir);
	ck_assert_int_eq(rmdir(top), 0);
}

/* Takes the lock, under a number that does not count as a holder's. */
static int take(void) {
	int fd = runtime_lock_take(dir);
	ck_assert_int_ge(fd, 0);
	int high = fcntl(fd, F_DUPFD_CLOEXEC, 100);
	ck_assert_int_ge(high, 0);
	fd_close(&fd);
	return high;
}

struct holder {
	pid_t pid;
	int life; /* it ends when this is closed */
};

/* A process that has `fd` under the number `as`, as launch.h gives it to a program. */
static struct holder hold(int fd, int as) {
	int ends[2], ready[2];
	char byte = 0;
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int life = fcntl(ends[0], F_DUPFD, 110);
		int told = fcntl(ready[1], F_DUPFD, 110);
		int kept = fcntl(fd, F_DUPFD, 110);
		close_range(3, 109, 0);
		if (dup2(kept, as) != as || close(kept) != 0 || write(told, &byte, 1) != 1) {
			_exit(1);
		}
		_exit(read(life, &byte, 1) == 0 ? 0 : 1);
	}
	fd_close(&ends[0]);
	fd_close(&ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	fd_close(&ready[0]);
	return (struct holder) { .pid = pid, .life = ends[1] };
}

static void release(struct holder *holder) {
	int status = 0;
	fd_close(&holder->life);
	ck_assert_int_eq(waitpid(holder->pid, &status, 0), holder->pid);
	ck_assert_int_eq(status, 0);
}

START_TEST(makes_a_private_directory) {
	make();
	struct stat info;
	int fd = runtime_lock_take(dir);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(stat(dir, &info), 0);
	ck_assert_uint_eq(info.st_mode & 07777, 0700);
	ck_assert_int_eq(stat(lock, &info), 0);
	ck_assert_uint_eq(info.st_mode & 07777, 0600);
	fd_close(&fd);
	unmake();
}
END_TEST

START_TEST(one_at_a_time) {
	make();
	int fd = runtime_lock_take(dir);
	ck_assert_int_ge(fd, 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(runtime_lock_take(dir), -EWOULDBLOCK);
	}
	fd_close(&fd);
	fd = runtime_lock_take(dir); /* what is left of the last one does not matter */
	ck_assert_int_ge(fd, 0);
	fd_close(&fd);
	unmake();
}
END_TEST

START_TEST(held_until_the_last_holder_is_gone) {
	make();
	int fd = take();
	struct holder one = hold(fd, LAUNCH_LOCK_FD);
	struct holder two = hold(fd, LAUNCH_LOCK_FD);
	fd_close(&fd);
	ck_assert_int_eq(runtime_lock_take(dir), -EWOULDBLOCK);
	release(&one);
	ck_assert_int_eq(runtime_lock_take(dir), -EWOULDBLOCK);
	release(&two);
	fd = runtime_lock_take(dir);
	ck_assert_int_ge(fd, 0);
	fd_close(&fd);
	unmake();
}
END_TEST

static const struct {
	const char *name, *under; /* of the test's directory; "file" is a file */
	int result;
} bad_dirs[] = {
	{ "the one above is missing", "missing/run", -ENOENT },
	{ "a file", "file", -ENOTDIR },
	{ "under a file", "file/run", -ENOTDIR },
	{ "the lock is a directory", "full", -EISDIR },
};

START_TEST(says_why_it_cannot) {
	make();
	char file[80], full[80], inner[80], path[128];
	snprintf(file, sizeof(file), "%s/file", top);
	snprintf(full, sizeof(full), "%s/full", top);
	snprintf(inner, sizeof(inner), "%s/full/lock", top);
	int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	fd_close(&fd);
	ck_assert_int_eq(mkdir(full, 0700), 0);
	ck_assert_int_eq(mkdir(inner, 0700), 0);

	snprintf(path, sizeof(path), "%s/%s", top, bad_dirs[_i].under);
	int result = runtime_lock_take(path);
	ck_assert_msg(result == bad_dirs[_i].result, "%s: %d", bad_dirs[_i].name, result);

	rmdir(inner);
	rmdir(full);
	unlink(file);
	unmake();
}
END_TEST

START_TEST(holders_are_found) {
	make();
	pid_t pids[3] = { 0 };
	ck_assert_uint_eq(runtime_lock_holders(dir, pids, 3), 0); /* no directory yet */
	int fd = take();
	ck_assert_uint_eq(runtime_lock_holders(dir, pids, 3), 0);

	struct holder one = hold(fd, LAUNCH_LOCK_FD);
	ck_assert_uint_eq(runtime_lock_holders(dir, pids, 3), 1);
	ck_assert_int_eq(pids[0], one.pid);
	ck_assert_int_eq(pids[1], 0);

	/* open, but not where a process of the service has it */
	struct holder other = hold(fd, LAUNCH_LOCK_FD + 1);
	ck_assert_uint_eq(runtime_lock_holders(dir, pids, 3), 1);
	/* where they have it, but of something else */
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct holder foreign = hold(null, LAUNCH_LOCK_FD);
	ck_assert_uint_eq(runtime_lock_holders(dir, pids, 3), 1);

	/* all are counted, also those there is no room for */
	struct holder two = hold(fd, LAUNCH_LOCK_FD);
	pids[1] = -7;
	ck_assert_uint_eq(runtime_lock_holders(dir, pids, 1), 2);
	ck_assert_int_eq(pids[1], -7);
	ck_assert_uint_eq(runtime_lock_holders(dir, NULL, 0), 2);
	ck_assert_uint_eq(runtime_lock_holders(dir, pids, 3), 2);
	ck_assert((pids[0] == one.pid && pids[1] == two.pid) ||
		(pids[0] == two.pid && pids[1] == one.pid));

	release(&one);
	ck_assert_uint_eq(runtime_lock_holders(dir, pids, 3), 1);
	ck_assert_int_eq(pids[0], two.pid);
	release(&two);
	release(&foreign);
	release(&other);
	fd_close(&null);
	fd_close(&fd);
	unmake();
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("service runtime_lock");
	TCase *taking = suite_case(suite, "take");
	tcase_add_test(taking, makes_a_private_directory);
	tcase_add_test(taking, one_at_a_time);
	tcase_add_test(taking, held_until_the_last_holder_is_gone);
	tcase_add_loop_test(taking, says_why_it_cannot, 0, ARRAY_LEN(bad_dirs));
	TCase *holders = suite_case(suite, "holders");
	tcase_add_test(holders, holders_are_found);
	return suite;
}
