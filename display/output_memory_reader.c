#include "display/output_memory.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fd.h"
#include "core/pixel_format.h"

#define SIZE_MAX_PIXELS 8192
#define COPY_TRIES 100

static bool page_is_sane(const struct output_memory_page *page, size_t bytes) {
	if (page->magic != OUTPUT_MEMORY_MAGIC || page->width < 1 || page->height < 1 ||
		page->width > SIZE_MAX_PIXELS || page->height > SIZE_MAX_PIXELS ||
		page->stride != page->width * PIXEL_BYTES) {
		return false;
	}
	uint64_t picture_bytes = (uint64_t)page->stride * page->height;
	for (unsigned i = 0; i < OUTPUT_MEMORY_PICTURES; i++) {
		uint64_t offset = page->picture_offset[i];
		if (offset % PIXEL_BYTES != 0 || offset > bytes || bytes - offset < picture_bytes) {
			return false;
		}
	}
	return true;
}

static int map_page(struct output_reader *reader, int fd) {
	struct stat info;
	if (fstat(fd, &info) < 0) {
		return -errno;
	}
	if (info.st_size < (off_t)sizeof(struct output_memory_page)) {
		return -EINVAL;
	}
	void *base = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED) {
		return -errno;
	}
	reader->page = base;
	reader->bytes = (size_t)info.st_size;
	return 0;
}

int output_reader_init(struct output_reader *reader, int fd) {
	*reader = (struct output_reader) { 0 };
	int err = map_page(reader, fd);
	fd_close(&fd);
	if (reader->page == NULL) {
		return err;
	}
	if (!page_is_sane(reader->page, reader->bytes)) {
		output_reader_finish(reader);
		return -EINVAL;
	}
	return 0;
}

void output_reader_finish(struct output_reader *reader) {
	if (reader->page != NULL) {
		munmap((void *)(uintptr_t)reader->page, reader->bytes);
	}
	*reader = (struct output_reader) { 0 };
}

int output_reader_wait(struct output_reader *reader, uint32_t *seen, int timeout_ms) {
	const _Atomic uint32_t *wake = &reader->page->wake;
	uint64_t deadline = clock_now_ns() + (uint64_t)timeout_ms * NS_PER_MS;

	for (;;) {
		uint32_t value = atomic_load_explicit(wake, memory_order_acquire);
		if (value != *seen) {
			*seen = value;
			return 1;
		}
		uint64_t now = clock_now_ns();
		if (now >= deadline) {
			return 0;
		}
		uint64_t left = deadline - now;
		struct timespec timeout = { (time_t)(left / NS_PER_S), (long)(left % NS_PER_S) };
		/* woken, changed, interrupted or timed out: the loop looks again */
		syscall(SYS_futex, wake, FUTEX_WAIT, value, &timeout, NULL, 0);
	}
}

int64_t output_reader_copy(struct output_reader *reader, uint32_t *pixels) {
	const struct output_memory_page *page = reader->page;
	size_t picture_bytes = (size_t)page->stride * page->height;

	for (int i = 0; i < COPY_TRIES; i++) {
		uint64_t shown = atomic_load_explicit(&page->shown, memory_order_acquire);
		if (shown == 0) {
			return 0;
		}
		uint64_t offset = page->picture_offset[(shown - 1) % OUTPUT_MEMORY_PICTURES];
		memcpy(pixels, (const uint8_t *)page + offset, picture_bytes);
		/* the pixels were read before `shown` is read again */
		atomic_thread_fence(memory_order_seq_cst);
		if (atomic_load_explicit(&page->shown, memory_order_relaxed) - shown < 2) {
			return (int64_t)shown;
		}
	}
	return -EAGAIN;
}
