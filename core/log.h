/*
 * The log of one process: to stderr, and to the log ring of the process' statistics page when there
 * is one (core/stats.h). Real-time processes log to the ring only, so that a log line never waits
 * for a pipe or a disk.
 *
 * Thread: any, except a real-time loop after its start with stderr on. errno survives every call.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/macros.h"

struct stats;

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* A line is cut at this many bytes, terminator included. */
#define LOG_LINE_BYTES 232

/*
 * Names the process in every line. `ring` may be NULL (no ring) and must outlive the log; `to_stderr`
 * says whether lines go to stderr as well. Before the first call lines go to stderr without a name.
 */
void log_init(const char *name, enum log_level level, struct stats *ring, bool to_stderr);
enum log_level log_level_from_env(void); /* FASCIA_LOG=error|warning|info|debug, default info */

void log_printf(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_printf(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_printf(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_printf(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_printf(LOG_DEBUG, __VA_ARGS__)

/*
 * Lines whose rate an outsider (a guest, a VMM, a client) controls pass through a limit: at most
 * `LOG_OUTSIDER_PER_SECOND` a second and process; the rest is counted and the count is logged with
 * the next line that passes.
 */
#define LOG_OUTSIDER_PER_SECOND 10
void log_outsider(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

/* The same with a limit of the outsider's own, so that one cannot swallow another's lines. Zeroed at
 * first; any thread. */
struct log_budget {
	_Atomic uint64_t second; /* in which `passed` passed, */
	_Atomic uint32_t passed;
	_Atomic uint64_t swallowed; /* and what did not since one did */
};
void log_outsider_of(struct log_budget *budget, enum log_level level, const char *format, ...)
	PRINTF_LIKE(3, 4);
/* Whether one more thing, of `per_second`, may be done for the outsider; counts what may not. */
bool log_budget_take(struct log_budget *budget, uint32_t per_second);

#endif
