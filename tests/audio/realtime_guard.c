/*
 * Preloaded into fascia-mixer by its test: from the moment a thread calls itself "mixer-rt", whatever
 * a real-time thread must not do ends the process. Library calls (allocation, locks, formatting) abort
 * with a message; system calls other than the sink's and the wake-up's are stopped by the kernel.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Thread_local int is_realtime __attribute__((tls_model("initial-exec")));

/* glibc's own, by the names it exports for this */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);

static void check(const char *call) {
	if (!is_realtime) {
		return;
	}
	is_realtime = 0;
	static const char before[] = "realtime_guard: the mixing thread called ";
	(void)!write(STDERR_FILENO, before, sizeof(before) - 1);
	(void)!write(STDERR_FILENO, call, strlen(call));
	(void)!write(STDERR_FILENO, "\n", 1);
	abort();
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): these are the C library's names */
void *malloc(size_t size) {
	check("malloc");
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
	check("calloc");
	return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
	check("realloc");
	return __libc_realloc(memory, size);
}

void free(void *memory) {
	check("free");
	__libc_free(memory);
}

int pthread_mutex_lock(pthread_mutex_t *mutex) {
	static int (*real)(pthread_mutex_t *);
	check("pthread_mutex_lock");
	if (real == NULL) {
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_mutex_lock");
	}
	return real(mutex);
}

int vsnprintf(char *text, size_t size, const char *format, va_list arguments) {
	static int (*real)(char *, size_t, const char *, va_list);
	check("vsnprintf");
	if (real == NULL) {
		*(void **)&real = dlsym(RTLD_NEXT, "vsnprintf");
	}
	return real(text, size, format, arguments);
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

#ifdef __x86_64__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#define ALLOW(call)                                                                                \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##call, 0, 1),                                    \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* The wake-up (poll, the timer), the quantum to producers and readers, and going away. */
static int filter_system_calls(void) {
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef __NR_poll
		ALLOW(poll),
#endif
		ALLOW(ppoll),
		ALLOW(read),
		ALLOW(write),
		ALLOW(timerfd_settime),
		ALLOW(futex),
		ALLOW(clock_gettime),
		ALLOW(restart_syscall),
		ALLOW(rt_sigprocmask),
		ALLOW(rt_sigreturn),
		ALLOW(prctl),
		ALLOW(madvise),
		ALLOW(munmap),
		ALLOW(exit),
		ALLOW(exit_group),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	const struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = filter,
	};
	if (syscall(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		return -errno;
	}
	return syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}

int prctl(int option, ...) {
	va_list arguments;
	va_start(arguments, option);
	unsigned long values[4];
	for (unsigned i = 0; i < 4; i++) {
		values[i] = va_arg(arguments, unsigned long);
	}
	va_end(arguments);
	long rc = syscall(__NR_prctl, option, values[0], values[1], values[2], values[3]);
	if (option == PR_SET_NAME) {
		int begins = strcmp((const char *)values[0], "mixer-rt") == 0;
		if (begins && filter_system_calls() < 0) {
			/* a kernel without seccomp: the library calls are still checked */
			static const char text[] = "realtime_guard: system calls are not checked\n";
			(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
		}
		is_realtime = begins;
	}
	return (int)rc;
}
