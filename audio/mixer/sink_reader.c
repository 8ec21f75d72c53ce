/*
 * The reader's side of the memory sink; trusts the mixer to write its own ring, and nothing else: a
 * counter that jumps only costs samples.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "audio/mixer/sink_memory.h"
#include "core/clock.h"
#include "core/fd.h"
#include "core/macros.h"

#define PAGE_BYTES 4096
/* The writer may be anywhere in the quantum after `written` while its reader copies. */
#define WRITER_LEAD_FRAMES 1024
#define READABLE_FRAMES (SINK_MEMORY_FRAMES - WRITER_LEAD_FRAMES)

int sink_reader_init(struct sink_reader *reader, int fd) {
	*reader = (struct sink_reader) { 0 };
	int error = fd_memfd_check(fd, F_SEAL_SHRINK, sink_memory_bytes(), NULL);
	const struct sink_memory_page *page = MAP_FAILED;
	if (error == 0) {
		page = mmap(NULL, sink_memory_bytes(), PROT_READ, MAP_SHARED, fd, 0);
		error = page == MAP_FAILED ? -errno : 0;
	}
	fd_close(&fd);
	if (error < 0) {
		return error;
	}
	if (page->magic != SINK_MEMORY_MAGIC) {
		munmap((void *)page, sink_memory_bytes());
		return -EINVAL;
	}
	reader->page = page;
	reader->position = atomic_load_explicit(&page->written, memory_order_acquire);
	return 0;
}

void sink_reader_finish(struct sink_reader *reader) {
	if (reader->page != NULL) {
		munmap((void *)reader->page, sink_memory_bytes());
		reader->page = NULL;
	}
}

static uint64_t written_frames(const struct sink_reader *reader) {
	return atomic_load_explicit(&reader->page->written, memory_order_acquire);
}

/* Skips what is overwritten, or about to be, when `written` frames are in the ring. */
static uint64_t skip_lost(struct sink_reader *reader, uint64_t written) {
	uint64_t lost = 0;
	if (written - reader->position > READABLE_FRAMES) {
		lost = written - READABLE_FRAMES - reader->position;
		reader->position += lost;
		reader->lost += lost;
	}
	return lost;
}

static void copy_out(const struct sink_reader *reader, float *samples, uint32_t frames) {
	const float *ring =
		(const float *)(const void *)((const uint8_t *)reader->page + PAGE_BYTES);
	uint32_t at = (uint32_t)(reader->position % SINK_MEMORY_FRAMES);
	uint32_t first = MIN(frames, SINK_MEMORY_FRAMES - at);
	size_t frame_bytes = sizeof(float) * SINK_MEMORY_CHANNELS;
	memcpy(samples, ring + (size_t)SINK_MEMORY_CHANNELS * at, frame_bytes * first);
	memcpy(samples + (size_t)SINK_MEMORY_CHANNELS * first, ring,
		frame_bytes * (frames - first));
}

uint32_t sink_reader_read(struct sink_reader *reader, float *samples, uint32_t frames) {
	uint64_t written = written_frames(reader);
	if (written < reader->position) {
		/* another mixer's ring: it began anew */
		reader->position = written;
	}
	skip_lost(reader, written);
	uint32_t len = (uint32_t)MIN((uint64_t)frames, written - reader->position);
	copy_out(reader, samples, len);

	/* was the beginning overwritten while it was copied? */
	atomic_thread_fence(memory_order_acquire);
	uint64_t lost = skip_lost(reader, written_frames(reader));
	if (lost >= len) {
		return 0;
	}
	memmove(samples, samples + SINK_MEMORY_CHANNELS * lost,
		sizeof(float) * SINK_MEMORY_CHANNELS * (len - lost));
	reader->position += len - lost;
	return (uint32_t)(len - lost);
}

int sink_reader_wait(struct sink_reader *reader, int timeout_ms) {
	uint64_t deadline_ns = clock_now_ns() + (uint64_t)timeout_ms * NS_PER_MS;
	for (;;) {
		uint32_t wake = atomic_load(&reader->page->wake);
		if (written_frames(reader) != reader->position) {
			return 1;
		}
		uint64_t now_ns = clock_now_ns();
		if (now_ns >= deadline_ns) {
			return 0;
		}
		uint64_t left_ns = deadline_ns - now_ns;
		struct timespec left = {
			.tv_sec = (time_t)(left_ns / NS_PER_S),
			.tv_nsec = (long)(left_ns % NS_PER_S),
		};
		if (syscall(SYS_futex, &reader->page->wake, FUTEX_WAIT, wake, &left, NULL, 0) < 0 &&
			errno == EINTR) {
			return 0;
		}
	}
}
