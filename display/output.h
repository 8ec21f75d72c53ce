/*
 * An output: where composed pictures go. One composes into the back picture that output_begin() gives
 * (ordinary cached memory that nobody else reads yet) and makes it the newest with output_show().
 *
 *   output_begin(output, &picture);   what changed in the last `picture.age` pictures is drawn again
 *   ... compose into picture.pixels ...
 *   output_show(output, now_ns);      committed: readers see it once it is completed
 *   output_tick(output, due, done);   once per refresh, with or without a new picture
 *
 * Pictures that were committed are numbered on, over all processes that had the output. One is committed
 * before it is shown; the numbers in struct output_status say how far it came, and output_shown() reads
 * back what is really there.
 *
 * No call after output_create() allocates, blocks or waits for a reader. An implementation whose
 * scan-out memory is slow to read gives a private shadow as back picture and copies at show.
 *
 * Thread: the compositor's.
 */
#ifndef DISPLAY_OUTPUT_H
#define DISPLAY_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#define OUTPUT_AGE_MAX 3 /* no output has more back pictures than this */

struct output_impl;

struct output {
	const struct output_impl *impl;
	uint32_t width, height; /* pixels; fixed */
};

struct output_picture {
	uint32_t *pixels; /* BGRX, `height` rows; the X byte is whatever was drawn */
	uint32_t stride; /* bytes, multiple of 4 */
	unsigned
		age; /* holds what was shown `age` pictures ago (1: the one on screen); 0: unknown */
};

/* What the output is doing now. */
struct output_status {
	uint64_t committed; /* the newest picture it accepted; 0: none yet */
	uint64_t
		completed; /* the newest one that is really shown; behind `committed`: on its way */
	bool connected; /* a display is there */
	uint32_t width, height; /* its mode, in pixels */
	uint32_t refresh_mhz; /* 0: whatever the clock makes of it */
};

/*
 * Makes the output of a configured kind (enum config_output_kind) on `fd`, which is borrowed. NULL with
 * errno: ENOTSUP no such kind, EINVAL `fd` is not an output of that size, or what the system said.
 */
struct output *output_create(uint32_t kind, int fd, uint32_t width, uint32_t height);
void output_destroy(struct output *output); /* NULL is fine; what was shown stays */

/* The same picture until it is shown. */
void output_begin(struct output *output, struct output_picture *picture);

/* Asserts that a picture was begun. Its pixels stay readable, and what they are, until the next
 * output_begin(). `now_ns`: CLOCK_MONOTONIC. 0, or -errno: the output refuses it; what
 * was shown stays, and the picture stays begun (to be shown as it is, or begun again). */
int output_show(struct output *output, uint64_t now_ns);

void output_status(struct output *output, struct output_status *status);

/* What is shown now, read back: its pixels (`stride` bytes a row, valid until the next output_show()) and
 * the number of the picture that they are; it has to be the completed one. NULL: this output cannot read
 * back, or shows nothing yet. */
const uint32_t *output_shown(struct output *output, uint64_t *id, uint32_t *stride);

/* Sets the configured mode again, whatever state the display was left in; pictures begun from now on
 * have an unknown age. 0 or -errno. */
int output_reset(struct output *output);

/* `due_ns`: the tick's nominal time; `done_ns`: when its work was done. Both for who measures. */
void output_tick(struct output *output, uint64_t due_ns, uint64_t done_ns);

#endif
