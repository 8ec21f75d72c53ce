/*
 * Preloaded into a real-time program under test: from the first time that it sleeps in its loop, every
 * system call that could wait for somebody ends it. What it may call is the list below; reading and
 * writing only where that does not block.
 *
 * Thread: any. For x86-64 and arm64 Linux.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_bool is_armed;

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)
/* the call, whatever its arguments */
#define ALLOW_CALL(number) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), ALLOW
/* only if all bits of `bits` are set in the low half of argument `index` */
#define ALLOW_CALL_WITH(number, index, bits)                                                       \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 4), LOAD(args[index]),                    \
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (bits)),                                       \
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (bits), 0, 1), ALLOW, LOAD(nr)

static const struct sock_filter filter[] = {
	LOAD(nr),
	/* its sleep */
#ifdef SYS_epoll_wait
	ALLOW_CALL(SYS_epoll_wait),
#endif
	ALLOW_CALL(SYS_epoll_pwait),
	/* checked below */
	ALLOW_CALL(SYS_read),
	ALLOW_CALL(SYS_write),
	ALLOW_CALL(SYS_sendmsg),
	ALLOW_CALL(SYS_recvmsg),
	ALLOW_CALL(SYS_sendto),
	ALLOW_CALL(SYS_recvfrom),
	/* never wait for anybody */
	ALLOW_CALL(SYS_timerfd_settime),
	ALLOW_CALL(SYS_clock_gettime),
	ALLOW_CALL(SYS_epoll_ctl),
	ALLOW_CALL(SYS_fcntl),
	ALLOW_CALL(SYS_mprotect),
	ALLOW_CALL(SYS_rt_sigreturn),
	ALLOW_CALL_WITH(SYS_futex, 1, FUTEX_WAKE),
	/* its end */
	ALLOW_CALL(SYS_close),
	ALLOW_CALL(SYS_munmap),
	ALLOW_CALL(SYS_exit_group),
	REFUSE,
};

static void end(const char *what, long number) {
	char text[80];
	int len = snprintf(text, sizeof(text), "%s %ld could wait\n", what, number);
	(void)!syscall(SYS_write, STDERR_FILENO, text, (size_t)len);
	syscall(SYS_exit_group, 97);
}

static void handle_call(int signal, siginfo_t *info, void *context) {
	end("system call", info->si_syscall);
}

static void arm(void) {
	const struct sigaction action = { .sa_sigaction = handle_call, .sa_flags = SA_SIGINFO };
	sigaction(SIGSYS, &action, NULL);
	const struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = (struct sock_filter *)filter,
	};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
		abort();
	}
	atomic_store(&is_armed, true);
}

int epoll_wait(int fd, struct epoll_event *events, int events_len, int timeout) {
	if (!atomic_load(&is_armed)) {
		arm();
	}
	return (int)syscall(SYS_epoll_pwait, fd, events, events_len, timeout, NULL, 8);
}

static void check(int fd, int flags) {
	if (atomic_load(&is_armed) && (flags & MSG_DONTWAIT) == 0 &&
		(fcntl(fd, F_GETFL) & O_NONBLOCK) == 0) {
		end("descriptor", fd);
	}
}

ssize_t read(int fd, void *data, size_t len) {
	check(fd, 0);
	return syscall(SYS_read, fd, data, len);
}

ssize_t write(int fd, const void *data, size_t len) {
	check(fd, 0);
	return syscall(SYS_write, fd, data, len);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
	check(fd, flags);
	return syscall(SYS_sendmsg, fd, message, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
	check(fd, flags);
	return syscall(SYS_recvmsg, fd, message, flags);
}

ssize_t send(int fd, const void *data, size_t len, int flags) {
	check(fd, flags);
	return syscall(SYS_sendto, fd, data, len, flags, NULL, 0);
}

ssize_t recv(int fd, void *data, size_t len, int flags) {
	check(fd, flags);
	return syscall(SYS_recvfrom, fd, data, len, flags, NULL, NULL);
}
