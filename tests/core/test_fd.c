#include "core/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/macros.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

#define SEALS_SIZE (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define NOBODY 65534

START_TEST(closing_twice_is_fine) {
	int fd = fd_eventfd_create(false);
	errno = EPERM;
	fd_close(&fd);
	ck_assert_int_eq(fd, -1);
	fd_close(&fd);
	ck_assert_int_eq(errno, EPERM);
}
END_TEST

START_TEST(memory_files_keep_their_size) {
	int fd = fd_memfd_create("test", fd_round_to_page(1));
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GET_SEALS), SEALS_SIZE);
	ck_assert_int_eq(ftruncate(fd, 1), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(ftruncate(fd, 1 << 20), -1);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	fd_close(&fd);
}
END_TEST

static const size_t bad_sizes[] = { 0, 1, 4095, SIZE_MAX, SIZE_MAX - 4095, (size_t)INT64_MAX + 1 };

START_TEST(memory_files_of_bad_sizes) {
	ck_assert_int_lt(fd_memfd_create("test", bad_sizes[_i]), 0);
}
END_TEST

START_TEST(constant_files_cannot_be_changed) {
	int fd = fd_memfd_create_constant("test", "hello", 5);
	ck_assert_int_ge(fd, 0);
	size_t bytes = 0;
	ck_assert_int_eq(fd_memfd_check(fd, SEALS_SIZE | F_SEAL_WRITE, 5, &bytes), 0);
	ck_assert_uint_eq(bytes, 5);
	ck_assert_int_eq(pwrite(fd, "j", 1, 0), -1);
	ck_assert(mmap(NULL, 5, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	char text[8] = "";
	ck_assert_int_eq(pread(fd, text, sizeof(text), 0), 5);
	ck_assert_str_eq(text, "hello");
	fd_close(&fd);
}
END_TEST

/* What is no sealed memory file of the right size. */
enum impostor { PIPE, FILE_ON_DISK, UNSEALED, SHORT, CLOSED };
static const struct {
	const char *name;
	enum impostor what;
	int error;
} impostors[] = {
	{ "a pipe", PIPE, EINVAL },
	{ "a file", FILE_ON_DISK, EINVAL },
	{ "no seals", UNSEALED, EPERM },
	{ "too short", SHORT, EINVAL },
	{ "nothing", CLOSED, EBADF },
};

static int make_impostor(enum impostor what) {
	int pipe_fds[2];
	switch (what) {
	case PIPE:
		ck_assert_int_eq(pipe(pipe_fds), 0);
		fd_close(&pipe_fds[1]);
		return pipe_fds[0];
	case FILE_ON_DISK:
		return open("/proc/self/exe", O_RDONLY);
	case UNSEALED:
		return memfd_create("test", MFD_ALLOW_SEALING);
	case SHORT:
		return fd_memfd_create("test", fd_round_to_page(1));
	case CLOSED:
		break;
	}
	return -1;
}

START_TEST(impostors_are_told) {
	int fd = make_impostor(impostors[_i].what);
	int rc = fd_memfd_check(fd, SEALS_SIZE, fd_round_to_page(1) + 1, NULL);
	ck_assert_msg(rc == -impostors[_i].error, "%s: %d", impostors[_i].name, rc);
	fd_close(&fd);
}
END_TEST

/* In a process without this one's rights over files: no way from a read-only grant to a write. */
static int try_to_write(int readonly, size_t bytes) {
	if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) != 0) {
		return 2;
	}
	/* gives up the kernel's extra care for processes that changed user */
	prctl(PR_SET_DUMPABLE, 1);
	if (mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, readonly, 0) != MAP_FAILED) {
		return 3;
	}
	void *memory = mmap(NULL, bytes, PROT_READ, MAP_SHARED, readonly, 0);
	if (memory == MAP_FAILED || mprotect(memory, bytes, PROT_READ | PROT_WRITE) == 0) {
		return 4;
	}
	if (write(readonly, "x", 1) >= 0 || ftruncate(readonly, 0) == 0) {
		return 5;
	}
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", readonly);
	return open(path, O_RDWR) >= 0 ? 6 : 0;
}

START_TEST(read_only_grants_stay_read_only) {
	size_t bytes = fd_round_to_page(1);
	int fd = fd_memfd_create("test", bytes);
	int readonly = fd_reopen_readonly(fd);
	ck_assert_int_ge(readonly, 0);
	ck_assert_int_eq(fcntl(readonly, F_GETFD), FD_CLOEXEC);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(fd);
		_exit(try_to_write(readonly, bytes));
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	fd_close(&readonly);
	fd_close(&fd);
	ck_assert_int_lt(fd_reopen_readonly(-1), 0);
}
END_TEST

START_TEST(events_count) {
	int fd = fd_eventfd_create(false);
	ck_assert_uint_eq(fd_event_take(fd), 0);
	ck_assert_int_eq(fd_wait_readable(fd, 0), 0);
	fd_event_signal(fd);
	fd_event_signal(fd);
	ck_assert_int_eq(fd_wait_readable(fd, 0), 1);
	ck_assert_uint_eq(fd_event_take(fd), 2);
	uint64_t full = UINT64_MAX - 1;
	ck_assert_int_eq(write(fd, &full, sizeof(full)), sizeof(full));
	fd_event_signal(fd); /* does not block */
	ck_assert_uint_eq(fd_event_take(fd), full);
	fd_close(&fd);
	ck_assert_int_eq(fd_wait_readable(fd, 0), 0); /* -1 is nothing to wait for */
}
END_TEST

START_TEST(messages_carry_descriptors) {
	int pair[2];
	ck_assert_int_eq(fd_socketpair(pair), 0);
	int sent[2] = { fd_eventfd_create(false), fd_eventfd_create(false) };
	ck_assert_int_eq(fd_send(pair[0], "hello", 5, sent, 2), 5);

	char data[8];
	int received[4];
	size_t len = ARRAY_LEN(received);
	ck_assert_int_eq(fd_receive(pair[1], data, sizeof(data), received, &len), 5);
	ck_assert_uint_eq(len, 2);
	ck_assert_int_eq(fcntl(received[0], F_GETFD), FD_CLOEXEC);
	fd_event_signal(sent[1]);
	ck_assert_uint_eq(fd_event_take(received[1]), 1);

	len = ARRAY_LEN(received);
	ck_assert_int_eq(fd_receive(pair[1], data, sizeof(data), received, &len), -EAGAIN);
	ck_assert_uint_eq(len, 0);
	fd_close(&pair[0]);
	len = ARRAY_LEN(received);
	ck_assert_int_eq(fd_receive(pair[1], data, sizeof(data), received, &len), 0);
	ck_assert_int_eq(fd_send(pair[1], "x", 1, NULL, 0), -EPIPE); /* and no signal */
	for (int i = 0; i < 2; i++) {
		fd_close(&sent[i]);
		fd_close(&received[i]);
	}
	fd_close(&pair[1]);
}
END_TEST

/* Rows: what is sent, what there is room for. The suite counts what is left open. */
static const struct {
	const char *name;
	size_t bytes, fds, room_bytes, room_fds;
	ssize_t result;
} cut_messages[] = {
	{ "as many as fit", 4, 4, 4, 4, 4 },
	{ "as many as there can be", 4, FD_MESSAGE_MAX, 4, FD_MESSAGE_MAX, 4 },
	{ "one too many", 4, 5, 4, 4, -EBADMSG },
	{ "none wanted", 4, 1, 4, 0, -EBADMSG },
	{ "bytes cut", 5, 0, 4, 4, -EBADMSG },
	{ "bytes cut, with descriptors", 5, 3, 4, 4, -EBADMSG },
};

START_TEST(messages_that_do_not_fit) {
	int pair[2];
	ck_assert_int_eq(fd_socketpair(pair), 0);
	int event = fd_eventfd_create(false);
	int sent[FD_MESSAGE_MAX], received[FD_MESSAGE_MAX];
	for (size_t i = 0; i < FD_MESSAGE_MAX; i++) {
		sent[i] = event;
	}
	char data[8] = "";
	ck_assert_int_gt(
		fd_send(pair[0], data, cut_messages[_i].bytes, sent, cut_messages[_i].fds), 0);
	size_t len = cut_messages[_i].room_fds;
	ssize_t got = fd_receive(pair[1], data, cut_messages[_i].room_bytes, received, &len);
	ck_assert_msg(got == cut_messages[_i].result, "%s: %zd", cut_messages[_i].name, got);
	ck_assert_uint_eq(len, got < 0 ? 0 : cut_messages[_i].fds);
	for (size_t i = 0; i < len; i++) {
		fd_close(&received[i]);
	}
	fd_close(&event);
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}
END_TEST

/* More descriptors than any message of ours: the kernel cuts the control part. */
START_TEST(control_part_cut) {
	enum { MANY = FD_MESSAGE_MAX + 8 };
	int pair[2];
	ck_assert_int_eq(fd_socketpair(pair), 0);
	int event = fd_eventfd_create(false);
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int) * MANY)];
	} control;
	memset(&control, 0, sizeof(control));
	char byte = 0;
	struct iovec part = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int) * MANY);
	for (size_t i = 0; i < MANY; i++) {
		memcpy(CMSG_DATA(header) + i * sizeof(int), &event, sizeof(int));
	}
	ck_assert_int_eq(sendmsg(pair[0], &message, 0), 1);

	char data[4];
	int received[FD_MESSAGE_MAX];
	size_t len = FD_MESSAGE_MAX;
	ck_assert_int_eq(fd_receive(pair[1], data, sizeof(data), received, &len), -EBADMSG);
	ck_assert_uint_eq(len, 0);
	fd_close(&event);
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}
END_TEST

START_TEST(full_sockets_do_not_block) {
	int pair[2];
	ck_assert_int_eq(fd_socketpair(pair), 0);
	ssize_t rc;
	do {
		rc = fd_send(pair[0], "hello", 5, NULL, 0);
	} while (rc == 5);
	ck_assert_int_eq(rc, -EAGAIN);
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}
END_TEST

static char directory[] = "/tmp/test-fd-XXXXXX";
static char path[sizeof(((struct sockaddr_un *)0)->sun_path)];

static void make_directory(void) {
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/socket", directory);
}

static void remove_directory(void) {
	unlink(path);
	rmdir(directory);
}

START_TEST(listening_and_connecting) {
	int listener = fd_listen_unix(path, SOCK_STREAM);
	ck_assert_int_ge(listener, 0);
	struct stat stat;
	ck_assert_int_eq(lstat(path, &stat), 0);
	ck_assert_uint_eq(stat.st_mode & 0777, 0600);
	ck_assert_int_eq(fd_accept(listener), -EAGAIN);

	int client = fd_connect_unix(path, SOCK_STREAM);
	ck_assert_int_ge(client, 0);
	int server = fd_accept(listener);
	ck_assert_int_ge(server, 0);
	ck_assert_int_eq(fcntl(server, F_GETFD), FD_CLOEXEC);
	char data[4];
	size_t none = 0;
	ck_assert_int_eq(fd_receive(server, data, sizeof(data), NULL, &none), -EAGAIN);
	ck_assert_int_eq(fd_send(client, "abc", 4, NULL, 0), 4);
	none = 0;
	ck_assert_int_eq(fd_receive(server, data, sizeof(data), NULL, &none), 4);
	ck_assert_str_eq(data, "abc");

	ck_assert_int_eq(fd_listen_unix(path, SOCK_STREAM), -EADDRINUSE);
	fd_close(&listener);
	ck_assert_int_eq(fd_connect_unix(path, SOCK_STREAM), -ECONNREFUSED);
	listener = fd_listen_unix(path, SOCK_STREAM); /* the file was stale */
	ck_assert_int_ge(listener, 0);
	fd_close(&listener);
	fd_close(&client);
	fd_close(&server);
}
END_TEST

START_TEST(places_where_no_socket_can_be) {
	ck_assert_int_eq(fd_connect_unix(path, SOCK_STREAM), -ENOENT);
	ck_assert_int_eq(fd_listen_unix("", SOCK_STREAM), -EINVAL);
	ck_assert_int_eq(fd_listen_unix("/nowhere/at/all", SOCK_STREAM), -ENOENT);
	char too_long[sizeof(path) + 1];
	memset(too_long, 'a', sizeof(too_long));
	too_long[sizeof(path)] = '\0';
	ck_assert_int_eq(fd_listen_unix(too_long, SOCK_STREAM), -ENAMETOOLONG);
	ck_assert_int_eq(fd_connect_unix(too_long, SOCK_STREAM), -ENAMETOOLONG);

	/* a file of somebody's is not ours to remove */
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	fd_close(&fd);
	ck_assert_int_eq(fd_listen_unix(path, SOCK_STREAM), -EADDRINUSE);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(creates_fail_clean) {
	fault_at(1);
	ck_assert_int_eq(fd_memfd_create("test", fd_round_to_page(1)), -EMFILE);
	fault_at(1);
	ck_assert_int_eq(fd_memfd_create_constant("test", "hello", 5), -EMFILE);
	fault_at(1);
	ck_assert_int_eq(fd_eventfd_create(true), -EMFILE);
	fault_at(1);
	int pair[2];
	ck_assert_int_eq(fd_socketpair(pair), -EMFILE);
	fault_at(1);
	ck_assert_int_eq(fd_listen_unix(path, SOCK_STREAM), -EMFILE);
	fault_off();
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core fd");
	TCase *tcase = suite_case(suite, "memory files");
	tcase_add_test(tcase, closing_twice_is_fine);
	tcase_add_test(tcase, memory_files_keep_their_size);
	tcase_add_loop_test(tcase, memory_files_of_bad_sizes, 0, ARRAY_LEN(bad_sizes));
	tcase_add_test(tcase, constant_files_cannot_be_changed);
	tcase_add_loop_test(tcase, impostors_are_told, 0, ARRAY_LEN(impostors));
	tcase_add_test(tcase, read_only_grants_stay_read_only);
	tcase_add_test(tcase, events_count);
	tcase = suite_case(suite, "messages");
	tcase_add_test(tcase, messages_carry_descriptors);
	tcase_add_loop_test(tcase, messages_that_do_not_fit, 0, ARRAY_LEN(cut_messages));
	tcase_add_test(tcase, control_part_cut);
	tcase_add_test(tcase, full_sockets_do_not_block);
	tcase = suite_case(suite, "sockets");
	tcase_add_checked_fixture(tcase, make_directory, remove_directory);
	tcase_add_test(tcase, listening_and_connecting);
	tcase_add_test(tcase, places_where_no_socket_can_be);
	tcase_add_test(tcase, creates_fail_clean);
	return suite;
}
