/*
 * The far end of the compositor's watchdog: a FIFO whose bytes are pets, and a window watchdog's view of
 * them. Real time: a thread notes when each came.
 *
 * Thread: pets_init, _finish, _drain from one; the rest from any.
 */
#ifndef TESTS_SAFETY_PETS_H
#define TESTS_SAFETY_PETS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PETS_KEPT 65536 /* a power of two */

struct pets {
	int fifo; /* -1: none */
	_Atomic uint64_t len;
	_Atomic uint64_t at_ns[PETS_KEPT];
	_Atomic bool stop;
	bool has_thread;
	pthread_t thread;
};

/* Makes and opens the FIFO. 0 or -errno. */
int pets_init(struct pets *pets, const char *path, bool is_real);
void pets_finish(struct pets *pets);

/* Without a thread: takes what came; the number so far. */
uint64_t pets_drain(struct pets *pets);

uint64_t pets_len(const struct pets *pets);
/* When pet `index` (from 0) came; it must have, and not long ago. */
uint64_t pets_at(const struct pets *pets, uint64_t index);
/* The first time at or after `from_ns` that a window watchdog of [least_ns, most_ns] between two pets
 * bites, up to now; 0: it did not. Pets that were read at once came at one time, and are no early ones. */
uint64_t pets_bite(struct pets *pets, uint64_t from_ns, uint64_t least_ns, uint64_t most_ns);

#endif
