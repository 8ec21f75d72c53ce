/*
 * Processes that tests stop.
 *
 * Thread: any.
 */
#ifndef TESTS_SUPPORT_PROCESS_H
#define TESTS_SUPPORT_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* SIGSTOP, and waits until every thread of the process stands still: each takes part when it is scheduled, and
 * under load one may run on for a while after kill() returned. False: it does not, or is not there. */
bool process_stop(pid_t pid);

#endif
