/*
 * The sink whose ring others read. A frame counts as heard when it is in the ring: what a reader does
 * with it, and when, is the reader's.
 */
#include "audio/mixer/sink_memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "audio/mixer/sink_impl.h"
#include "core/fd.h"
#include "core/macros.h"

#define PAGE_BYTES 4096
#define FRAME_FLOATS SINK_MEMORY_CHANNELS

static_assert(sizeof(struct sink_memory_page) <= PAGE_BYTES, "the head fits its page");

struct sink_memory {
	struct sink base;
	struct sink_memory_page *page;
	float *ring;
};

static const struct sink_impl impl;

static struct sink_memory *memory_from_sink(const struct sink *sink) {
	assert(sink->impl == &impl);
	return (struct sink_memory *)sink;
}

size_t sink_memory_bytes(void) {
	return PAGE_BYTES + sizeof(float) * FRAME_FLOATS * SINK_MEMORY_FRAMES;
}

static struct sink_memory_page *map_page(int fd, int protection) {
	struct sink_memory_page *page =
		mmap(NULL, sink_memory_bytes(), protection, MAP_SHARED, fd, 0);
	return page == MAP_FAILED ? NULL : page;
}

int sink_memory_create_fd(const char *name, uint32_t rate) {
	int fd = fd_memfd_create(name, sink_memory_bytes());
	if (fd < 0) {
		return fd;
	}
	struct sink_memory_page *page = map_page(fd, PROT_READ | PROT_WRITE);
	if (page == NULL) {
		int error = -errno;
		close(fd);
		return error;
	}
	page->magic = SINK_MEMORY_MAGIC;
	page->rate = rate;
	munmap(page, sink_memory_bytes());
	return fd;
}

static void wake_readers(struct sink_memory_page *page) {
	atomic_fetch_add(&page->wake, 1);
	syscall(SYS_futex, &page->wake, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void memory_write(struct sink *sink, const float *samples, uint32_t frames) {
	struct sink_memory *memory = memory_from_sink(sink);
	uint64_t written = atomic_load_explicit(&memory->page->written, memory_order_relaxed);
	uint32_t at = (uint32_t)(written % SINK_MEMORY_FRAMES);
	uint32_t first = MIN(frames, SINK_MEMORY_FRAMES - at);
	memcpy(memory->ring + (size_t)FRAME_FLOATS * at, samples,
		sizeof(float) * FRAME_FLOATS * first);
	memcpy(memory->ring, samples + (size_t)FRAME_FLOATS * first,
		sizeof(float) * FRAME_FLOATS * (frames - first));
	atomic_store_explicit(&memory->page->written, written + frames, memory_order_release);
	wake_readers(memory->page);
}

static uint32_t memory_latency_frames(const struct sink *sink) {
	return 0;
}

static void memory_destroy(struct sink *sink) {
	struct sink_memory *memory = memory_from_sink(sink);
	sink_finish(&memory->base);
	munmap(memory->page, sink_memory_bytes());
	free(memory);
}

static const struct sink_impl impl = {
	.name = "memory",
	.write = memory_write,
	.latency_frames = memory_latency_frames,
	.destroy = memory_destroy,
};

static int memory_init(struct sink_memory *memory, const struct sink_options *options) {
	int error = fd_memfd_check(options->memory_fd, F_SEAL_SHRINK, sink_memory_bytes(), NULL);
	if (error < 0) {
		return error;
	}
	memory->page = map_page(options->memory_fd, PROT_READ | PROT_WRITE);
	if (memory->page == NULL) {
		return -errno;
	}
	memory->ring = (float *)(void *)((uint8_t *)memory->page + PAGE_BYTES);
	error = memory->page->magic == SINK_MEMORY_MAGIC && memory->page->rate == options->rate
		? sink_init(&memory->base, &impl, options)
		: -EINVAL;
	if (error < 0) {
		munmap(memory->page, sink_memory_bytes());
		return error;
	}
	atomic_fetch_add(&memory->page->generation, 1);
	return 0;
}

struct sink *sink_memory_create(const struct sink_options *options) {
	struct sink_memory *memory = calloc(1, sizeof(*memory));
	if (memory == NULL) {
		return NULL;
	}
	int error = memory_init(memory, options);
	if (error < 0) {
		free(memory);
		errno = -error;
		return NULL;
	}
	return &memory->base;
}
