/*
 * A memory output as its readers see it: three pictures in a memfd that only the compositor writes.
 * A viewer (`fascia screenshot`) maps it read-only; it gets it from the keeper.
 *
 *   struct output_memory_page, padded to a page | picture 0 | picture 1 | picture 2
 *
 * A reader reads `shown`, copies that picture, and reads `shown` again: the copy is whole if the
 * compositor has shown fewer than two newer pictures meanwhile (picture n + 2 goes where n - 1 was).
 * To wait for a picture, futex-wait on `wake` (it changes with each picture; the compositor wakes all
 * waiters and never waits for any).
 *
 * Pictures are BGRX, rows of width * 4 bytes. Thread: readers any; writer the compositor's.
 */
#ifndef DISPLAY_OUTPUT_MEMORY_H
#define DISPLAY_OUTPUT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTPUT_MEMORY_MAGIC 0x5054554fu /* "OUTP" */
#define OUTPUT_MEMORY_PICTURES 3
#define OUTPUT_MEMORY_TICKS 256 /* newest ticks kept */

/* When a tick was due and when its work was done, CLOCK_MONOTONIC. `number` (from 1) is stored last and
 * is 0 while the rest is written. */
struct output_memory_tick {
	_Atomic uint64_t number;
	_Atomic uint64_t due_ns, done_ns;
};

struct output_memory_page {
	uint32_t magic;
	uint32_t width, height; /* pixels */
	uint32_t stride; /* bytes */
	uint64_t picture_offset[OUTPUT_MEMORY_PICTURES];
	_Atomic uint64_t
		shown; /* pictures so far; the newest is in slot (shown - 1) % 3; 0: none */
	_Atomic uint64_t shown_ns; /* CLOCK_MONOTONIC when that one was complete */
	_Atomic uint64_t tick; /* ticks so far, with or without a new picture */
	_Atomic uint32_t wake; /* futex word: low half of `shown` + `tick` changes */
	_Atomic uint32_t generation; /* compositors so far */
	struct output_memory_tick
		ticks[OUTPUT_MEMORY_TICKS]; /* tick n at n % OUTPUT_MEMORY_TICKS */
};

size_t output_memory_bytes(uint32_t width, uint32_t height);
/* Keeper: a zeroed output memory. fd or -errno. */
int output_memory_create_fd(const char *name, uint32_t width, uint32_t height);

/* Reader's view. */
struct output_reader {
	const struct output_memory_page *page;
	size_t bytes;
};

/* Maps read-only and checks (takes over `fd`). 0 or -errno. */
int output_reader_init(struct output_reader *reader, int fd);
void output_reader_finish(struct output_reader *reader);

/* Waits until `wake` differs from `*seen` (then *seen is the new value) or `timeout_ms` passed: 1/0. */
int output_reader_wait(struct output_reader *reader, uint32_t *seen, int timeout_ms);

/* Copies the newest whole picture to `pixels` (height rows of width * 4 bytes). Its number, or 0 when
 * nothing was shown yet. Retries while the compositor overtakes it, so it is bounded by its patience:
 * -EAGAIN after 100 tries. */
int64_t output_reader_copy(struct output_reader *reader, uint32_t *pixels);

#endif
