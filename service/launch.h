/*
 * Starting one of our programs, the same way for each: its standard input, output and error are the
 * starter's, CONTROL_FD is its end of a control socket, LAUNCH_LOCK_FD holds the runtime directory's
 * lock; nothing else is open, no signal is blocked or ignored.
 *
 * Thread: any.
 */
#ifndef SERVICE_LAUNCH_H
#define SERVICE_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * An open file description with the lock of the runtime directory. Every process of a service carries
 * it, so that the lock is held until the last one is gone, also when the keeper is.
 */
#define LAUNCH_LOCK_FD 4

struct launch {
	const char *program; /* "fascia-mixer" */
	const char *folder;  /* where it is in a build directory: "audio" */
	int control;         /* borrowed */
	int lock;            /* borrowed */
	bool session;        /* in a session of its own: not in reach of the terminal's signals */
};

/*
 * Looks in FASCIA_LIBEXEC, beside the own program, in its build directory and where it would be
 * installed. Returns a pidfd and *pid, or -errno: -ENOENT when there is no such program.
 */
int launch_start(const struct launch *launch, pid_t *pid);

#endif
