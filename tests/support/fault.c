#include "tests/support/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static unsigned calls_left; /* 0: off */
static bool hit;

void fault_at(unsigned n) {
	calls_left = n;
	hit = false;
}

void fault_off(void) {
	calls_left = 0;
}

bool fault_hit(void) {
	return hit;
}

/* Whether this call is the one to fail; sets errno then. */
static bool fails(int error) {
	if (calls_left == 0 || --calls_left > 0) {
		return false;
	}
	hit = true;
	errno = error;
	return true;
}

/* the linker sends a call of name() to __wrap_name(), and __real_name() is what it was */
#define WRAP(type, name, error_value, error, parameters, arguments)                                \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters {                                                            \
		return fails(error) ? (error_value) : __real_##name arguments;                     \
	}

WRAP(void *, malloc, NULL, ENOMEM, (size_t bytes), (bytes))
WRAP(void *, calloc, NULL, ENOMEM, (size_t count, size_t bytes), (count, bytes))
WRAP(void *, realloc, NULL, ENOMEM, (void *memory, size_t bytes), (memory, bytes))
WRAP(void *, aligned_alloc, NULL, ENOMEM, (size_t align, size_t bytes), (align, bytes))
WRAP(char *, strdup, NULL, ENOMEM, (const char *string), (string))
WRAP(int, memfd_create, -1, EMFILE, (const char *name, unsigned flags), (name, flags))
WRAP(int, eventfd, -1, EMFILE, (unsigned count, int flags), (count, flags))
WRAP(int, epoll_create1, -1, EMFILE, (int flags), (flags))
WRAP(int, timerfd_create, -1, EMFILE, (int clock, int flags), (clock, flags))
WRAP(int, signalfd, -1, EMFILE, (int fd, const sigset_t *mask, int flags), (fd, mask, flags))
WRAP(int, socket, -1, EMFILE, (int domain, int type, int protocol), (domain, type, protocol))
WRAP(int, socketpair, -1, EMFILE, (int domain, int type, int protocol, int pair[2]),
	(domain, type, protocol, pair))
WRAP(void *, mmap, MAP_FAILED, ENOMEM,
	(void *at, size_t bytes, int protection, int flags, int fd, off_t offset),
	(at, bytes, protection, flags, fd, offset))
WRAP(void *, mmap64, MAP_FAILED, ENOMEM,
	(void *at, size_t bytes, int protection, int flags, int fd, off_t offset),
	(at, bytes, protection, flags, fd, offset))

int __real_fcntl(int fd, int command, ...);
int __real_fcntl64(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...);

/* Only duplicates take a descriptor; one word is what every command takes at most. */
static bool fcntl_fails(int command) {
	return (command == F_DUPFD || command == F_DUPFD_CLOEXEC) && fails(EMFILE);
}

int __wrap_fcntl(int fd, int command, ...) {
	va_list args;
	va_start(args, command);
	intptr_t argument = va_arg(args, intptr_t);
	va_end(args);
	return fcntl_fails(command) ? -1 : __real_fcntl(fd, command, argument);
}

int __wrap_fcntl64(int fd, int command, ...) {
	va_list args;
	va_start(args, command);
	intptr_t argument = va_arg(args, intptr_t);
	va_end(args);
	return fcntl_fails(command) ? -1 : __real_fcntl64(fd, command, argument);
}
