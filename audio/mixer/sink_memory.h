/*
 * The memory sink as its readers see it: a ring of mixed samples in a memfd that only the mixer
 * writes. A recorder or a PipeWire process maps it read-only.
 *
 *   struct sink_memory_page, padded to a page | ring of SINK_MEMORY_FRAMES frames, 2 x 32-bit float
 *
 * A reader follows `written`; it must keep within SINK_MEMORY_FRAMES of it and checks that after
 * copying. Thread: readers any; writer the mixer's.
 */
#ifndef AUDIO_MIXER_SINK_MEMORY_H
#define AUDIO_MIXER_SINK_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SINK_MEMORY_MAGIC 0x4b4e4953u /* "SINK" */
#define SINK_MEMORY_FRAMES (UINT32_C(1) << 20) /* 21 s at 48 kHz */
#define SINK_MEMORY_CHANNELS 2

struct sink_memory_page {
	uint32_t magic;
	uint32_t rate;             /* Hz */
	_Atomic uint64_t written;  /* frames so far */
	_Atomic uint32_t wake;     /* futex word, changes with every quantum */
	_Atomic uint32_t generation;
};

size_t sink_memory_bytes(void);
int sink_memory_create_fd(const char *name, uint32_t rate); /* keeper; fd or -errno */

struct sink_reader {
	const struct sink_memory_page *page;
	uint64_t position; /* frames read; init starts at `written` */
	uint64_t lost;     /* frames overwritten before they were read */
};

int sink_reader_init(struct sink_reader *reader, int fd); /* takes over fd; 0 or -errno */
void sink_reader_finish(struct sink_reader *reader);
/* Copies up to `frames` frames; returns how many (0: nothing new). Skips and counts what was lost. */
uint32_t sink_reader_read(struct sink_reader *reader, float *samples, uint32_t frames);
/* Waits until something is readable or `timeout_ms` passed: 1/0. */
int sink_reader_wait(struct sink_reader *reader, int timeout_ms);

#endif
