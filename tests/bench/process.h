/*
 * Processes under measurement. Thread: one.
 */
#ifndef TESTS_BENCH_PROCESS_H
#define TESTS_BENCH_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

/* CPU time of all threads that live now, from the scheduler (nanoseconds, not ticks); 0: no such
 * process. */
uint64_t process_cpu_ns(pid_t pid);

/* Private memory of the process in bytes (what it would give back if it ended; shared pools and pages
 * of other processes do not count): Private_Clean + Private_Dirty of mappings without a memfd. */
uint64_t process_private_bytes(pid_t pid);

/* Starts `argv` with stdin from /dev/null; `extra_fd` (or -1) stays open in it under its number.
 * The pid, or -errno. */
pid_t process_spawn(const char *const argv[], int extra_fd);

/* Ends one process that process_spawn() started: SIGTERM, two seconds, SIGKILL. Returns its status. */
int process_end(pid_t pid);

#endif
