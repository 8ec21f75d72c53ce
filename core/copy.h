/*
 * Copies of pictures that are too large to stay in the cache between their writer and their reader.
 *
 * A streaming copy writes around the cache and fetches ahead: it neither reads the destination's old
 * lines nor pushes out what others need. For 1080p and six buffers in turn, as a frame has them from the
 * guest to the screen, both copies took 0.67 ms instead of 0.82 ms in one process on a busy machine. For
 * areas of a few hundred KiB it was no gain.
 *
 * Thread: any; pure functions. `to` and `from` do not overlap; neither needs to be aligned.
 */
#ifndef CORE_COPY_H
#define CORE_COPY_H

#include <stddef.h>

/* A picture of at least this many bytes is copied by copy_stream(). */
#define COPY_STREAM_BYTES ((size_t)1 << 20)

void copy_stream(void *to, const void *from, size_t len);

/* After the last copy_stream() and before anybody is told of the copy: orders the stores before those
 * that follow. */
void copy_stream_end(void);

#endif
