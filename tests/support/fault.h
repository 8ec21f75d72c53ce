/*
 * Makes the n-th request for memory or for a descriptor fail, for "every create is run with its n-th
 * allocation failing".
 *
 * A test executable that has `fault_dep` among its dependencies has these calls of its own objects and
 * libraries of this tree wrapped: malloc, calloc, realloc, aligned_alloc, strdup, mmap, memfd_create,
 * eventfd, epoll_create1, timerfd_create, signalfd, fcntl (duplicates only), socket, socketpair. Calls
 * made inside shared libraries are not. A failed call sets errno to ENOMEM or EMFILE.
 *
 *     for (unsigned n = 1; fault_at(n), (thing = thing_create()) == NULL; n++) {
 *             ck_assert(fault_hit());
 *     }
 *     fault_off();
 *
 * Thread: one at a time.
 */
#ifndef TESTS_SUPPORT_FAULT_H
#define TESTS_SUPPORT_FAULT_H

#include <stdbool.h>

/* The n-th wrapped call from now on fails (1: the next one). */
void fault_at(unsigned n);
void fault_off(void);

/* Whether the call to fail was reached since fault_at(). */
bool fault_hit(void);

#endif
