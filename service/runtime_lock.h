/*
 * The lock of a runtime directory: RUNTIME_DIR/lock, held by every process of a service (launch.h).
 *
 * Thread: any.
 */
#ifndef SERVICE_RUNTIME_LOCK_H
#define SERVICE_RUNTIME_LOCK_H

#include <stddef.h>
#include <sys/types.h>

/* Makes the directory (mode 0700) if it is not there, and takes the lock. A descriptor that holds it,
 * or -errno: -EWOULDBLOCK when somebody has it. */
int runtime_lock_take(const char *dir);

/* The processes that hold the lock of `dir`: how many, at most `pids_len` stored. */
size_t runtime_lock_holders(const char *dir, pid_t *pids, size_t pids_len);

#endif
