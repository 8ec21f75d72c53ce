#include "display/output_memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/macros.h"
#include "core/pixel_format.h"
#include "display/output_impl.h"

#define PAGE_BYTES                                                                                 \
	4096 /* pictures begin at a page; where pages are larger the file is rounded up */
#define SIZE_MAX_PIXELS 8192

struct output_memory {
	struct output output;
	struct output_memory_page *page; /* mapped */
	size_t bytes;
	uint64_t shown_here; /* pictures this process has shown: older ones have unknown damage */
	bool begun;
};

static size_t round_up(size_t bytes, size_t unit) {
	return (bytes + unit - 1) / unit * unit;
}

static size_t picture_bytes(uint32_t width, uint32_t height) {
	return round_up((size_t)width * PIXEL_BYTES * height, PAGE_BYTES);
}

static void layout(struct output_memory_page *page, uint32_t width, uint32_t height) {
	*page = (struct output_memory_page) {
		.magic = OUTPUT_MEMORY_MAGIC,
		.width = width,
		.height = height,
		.stride = width * PIXEL_BYTES,
	};
	for (unsigned i = 0; i < OUTPUT_MEMORY_PICTURES; i++) {
		page->picture_offset[i] =
			round_up(sizeof(*page), PAGE_BYTES) + i * picture_bytes(width, height);
	}
}

size_t output_memory_bytes(uint32_t width, uint32_t height) {
	size_t bytes = round_up(sizeof(struct output_memory_page), PAGE_BYTES) +
		OUTPUT_MEMORY_PICTURES * picture_bytes(width, height);
	return round_up(bytes, (size_t)sysconf(_SC_PAGESIZE));
}

int output_memory_create_fd(const char *name, uint32_t width, uint32_t height) {
	if (width < 1 || height < 1 || width > SIZE_MAX_PIXELS || height > SIZE_MAX_PIXELS) {
		return -EINVAL;
	}
	int fd = fd_memfd_create(name, output_memory_bytes(width, height));
	if (fd < 0) {
		return fd;
	}
	/* readers may map it before the compositor does */
	struct output_memory_page page;
	layout(&page, width, height);
	if (pwrite(fd, &page, sizeof(page), 0) != (ssize_t)sizeof(page)) {
		fd_close(&fd);
		return -EIO;
	}
	return fd;
}

static struct output_memory *memory_from_output(struct output *output) {
	assert(output->impl == &output_memory_impl);
	return container_of(output, struct output_memory, output);
}

/* The compositor alone writes here, so its predecessor's counts are believed; the layout is not. */
static void take_over(struct output_memory_page *page, uint32_t width, uint32_t height) {
	struct output_memory_page fresh;
	layout(&fresh, width, height);
	page->magic = fresh.magic;
	page->stride = fresh.stride;
	for (unsigned i = 0; i < OUTPUT_MEMORY_PICTURES; i++) {
		page->picture_offset[i] = fresh.picture_offset[i];
	}
	atomic_fetch_add(&page->generation, 1);
}

static struct output *memory_create(int fd, uint32_t width, uint32_t height) {
	size_t bytes;
	int err = fd_memfd_check(fd, F_SEAL_SHRINK, output_memory_bytes(width, height), &bytes);
	if (err < 0) {
		errno = -err;
		return NULL;
	}
	struct output_memory *memory = calloc(1, sizeof(*memory));
	if (memory == NULL) {
		return NULL;
	}
	memory->page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (memory->page == MAP_FAILED) {
		goto free_memory;
	}
	memory->bytes = bytes;
	if (memory->page->width != width || memory->page->height != height) {
		errno = EINVAL;
		goto unmap;
	}
	output_init(&memory->output, &output_memory_impl, width, height);
	take_over(memory->page, width, height);
	return &memory->output;

unmap:
	munmap(memory->page, bytes);
free_memory:
	free(memory);
	return NULL;
}

static void memory_destroy(struct output *output) {
	struct output_memory *memory = memory_from_output(output);
	munmap(memory->page, memory->bytes);
	free(memory);
}

static void memory_begin(struct output *output, struct output_picture *picture) {
	struct output_memory *memory = memory_from_output(output);
	struct output_memory_page *page = memory->page;

	/* `shown` was stored before any pixel below is: a reader that saw old pixels of this slot
	 * and then sees them overwritten also sees the newer `shown` */
	atomic_thread_fence(memory_order_seq_cst);
	uint64_t shown = atomic_load_explicit(&page->shown, memory_order_relaxed);
	uint64_t offset = page->picture_offset[shown % OUTPUT_MEMORY_PICTURES];
	*picture = (struct output_picture) {
		.pixels = (uint32_t *)(void *)((uint8_t *)page + offset),
		.stride = page->stride,
		.age = memory->shown_here >= OUTPUT_MEMORY_PICTURES && !memory->begun
			? OUTPUT_MEMORY_PICTURES
			: 0,
	};
	memory->begun = true;
}

static void wake_readers(struct output_memory_page *page) {
	atomic_fetch_add_explicit(&page->wake, 1, memory_order_release);
	syscall(SYS_futex, &page->wake, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static int memory_show(struct output *output, uint64_t now_ns) {
	struct output_memory *memory = memory_from_output(output);
	struct output_memory_page *page = memory->page;

	assert(memory->begun);
	memory->begun = false;
	memory->shown_here++;
	uint64_t shown = atomic_load_explicit(&page->shown, memory_order_relaxed);
	atomic_store_explicit(&page->shown_ns, now_ns, memory_order_relaxed);
	atomic_store_explicit(&page->shown, shown + 1, memory_order_release);
	wake_readers(page);
	return 0;
}

/* What is committed is there at once. */
static void memory_status(struct output *output, struct output_status *status) {
	const struct output_memory_page *page = memory_from_output(output)->page;
	uint64_t shown = atomic_load_explicit(&page->shown, memory_order_relaxed);
	*status = (struct output_status) {
		.committed = shown,
		.completed = shown,
		.connected = true,
		.width = output->width,
		.height = output->height,
	};
}

static const uint32_t *memory_shown(struct output *output, uint64_t *id, uint32_t *stride) {
	const struct output_memory_page *page = memory_from_output(output)->page;
	uint64_t shown = atomic_load_explicit(&page->shown, memory_order_relaxed);
	if (shown == 0) {
		return NULL;
	}
	uint64_t offset = page->picture_offset[(shown - 1) % OUTPUT_MEMORY_PICTURES];
	*id = shown;
	*stride = page->stride;
	return (const uint32_t *)(const void *)((const uint8_t *)page + offset);
}

static int memory_reset(struct output *output) {
	memory_from_output(output)->shown_here = 0;
	return 0;
}

static void memory_tick(struct output *output, uint64_t due_ns, uint64_t done_ns) {
	struct output_memory_page *page = memory_from_output(output)->page;
	uint64_t number = atomic_load_explicit(&page->tick, memory_order_relaxed) + 1;
	struct output_memory_tick *tick = &page->ticks[number % OUTPUT_MEMORY_TICKS];

	atomic_store(&tick->number, 0);
	atomic_store(&tick->due_ns, due_ns);
	atomic_store(&tick->done_ns, done_ns);
	atomic_store(&tick->number, number);
	atomic_store_explicit(&page->tick, number, memory_order_release);
	wake_readers(page);
}

const struct output_impl output_memory_impl = {
	.name = "memory",
	.create = memory_create,
	.destroy = memory_destroy,
	.begin = memory_begin,
	.show = memory_show,
	.status = memory_status,
	.shown = memory_shown,
	.reset = memory_reset,
	.tick = memory_tick,
};
