/*
 * Preloaded into a real-time program under test: from its mlockall() on, which is where it says that it
 * has all the memory it will ever need, any allocation ends it with SIGABRT.
 *
 * Thread: any. For glibc, whose own allocator has these second names.
 */
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t len, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t align, size_t size);

static atomic_bool is_armed;

static void check(const char *what, size_t what_len) {
	static const char rest[] = " after the start\n";
	if (atomic_load(&is_armed)) {
		ssize_t written = write(STDERR_FILENO, what, what_len);
		written += write(STDERR_FILENO, rest, sizeof(rest) - 1);
		(void)written;
		abort();
	}
}

#define CHECK(what) check(what, sizeof(what) - 1)

int mlockall(int flags) {
	int rc = (int)syscall(SYS_mlockall, flags);
	atomic_store(&is_armed, true);
	return rc;
}

void *malloc(size_t size) {
	CHECK("malloc");
	return __libc_malloc(size);
}

void *calloc(size_t nmemb, size_t size) {
	CHECK("calloc");
	return __libc_calloc(nmemb, size);
}

void *realloc(void *ptr, size_t size) {
	CHECK("realloc");
	return __libc_realloc(ptr, size);
}

void *memalign(size_t alignment, size_t size) {
	CHECK("memalign");
	return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
	CHECK("aligned_alloc");
	return __libc_memalign(alignment, size);
}

int posix_memalign(void **memptr, size_t alignment, size_t size) {
	CHECK("posix_memalign");
	*memptr = __libc_memalign(alignment, size);
	return *memptr == NULL;
}
