#include "core/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/macros.h"
#include "core/stats.h"
#include "core/text.h"

#define NAME_BYTES 32

static const char *const level_names[] = { "error", "warning", "info", "debug" };

static struct {
	char name[NAME_BYTES];
	enum log_level level;
	struct stats *ring; /* may be NULL */
	bool to_stderr;
} log_state = { .level = LOG_INFO, .to_stderr = true };

/* of the outsiders without one of their own */
static struct log_budget shared_budget;

void log_init(const char *name, enum log_level level, struct stats *ring, bool to_stderr) {
	snprintf(log_state.name, sizeof(log_state.name), "%s", name);
	log_state.level = level;
	log_state.ring = ring;
	log_state.to_stderr = to_stderr;
}

enum log_level log_level_from_env(void) {
	const char *wanted = getenv("FASCIA_LOG");
	for (size_t i = 0; wanted != NULL && i < ARRAY_LEN(level_names); i++) {
		if (strcmp(wanted, level_names[i]) == 0) {
			return (enum log_level)i;
		}
	}
	return LOG_INFO;
}

static void write_stderr(enum log_level level, const char *text) {
	char line[LOG_LINE_BYTES + NAME_BYTES + 16];
	int len = snprintf(line, sizeof(line), "%s%s%s: %s\n", log_state.name,
		log_state.name[0] != '\0' ? ": " : "", level_names[level], text);
	/* one call, so that lines of several processes do not mix; a lost line has no second way out */
	ssize_t written = write(STDERR_FILENO, line, (size_t)len);
	(void)written;
}

PRINTF_LIKE(2, 0)
static void log_line(enum log_level level, const char *format, va_list args) {
	int saved_errno = errno;
	char text[LOG_LINE_BYTES];
	vsnprintf(text, sizeof(text), format, args);
	/* names come from guests and VMMs: no line may forge a second one or drive a terminal */
	text_make_printable(text, sizeof(text));
	if (log_state.ring != NULL) {
		stats_log(log_state.ring, level, text);
	}
	if (log_state.to_stderr) {
		write_stderr(level, text);
	}
	errno = saved_errno;
}

void log_printf(enum log_level level, const char *format, ...) {
	if (level > log_state.level) {
		return;
	}
	va_list args;
	va_start(args, format);
	log_line(level, format, args);
	va_end(args);
}

bool log_budget_take(struct log_budget *budget, uint32_t per_second) {
	uint64_t second = clock_now_ns() / NS_PER_S;
	uint64_t before = atomic_exchange(&budget->second, second);
	if (before != second) {
		atomic_store(&budget->passed, 0);
	}
	if (atomic_fetch_add(&budget->passed, 1) < per_second) {
		return true;
	}
	atomic_fetch_sub(&budget->passed, 1);
	atomic_fetch_add(&budget->swallowed, 1);
	return false;
}

PRINTF_LIKE(3, 0)
static void log_limited(
	struct log_budget *budget, enum log_level level, const char *format, va_list args) {
	if (level > log_state.level || !log_budget_take(budget, LOG_OUTSIDER_PER_SECOND)) {
		return;
	}
	uint64_t swallowed = atomic_exchange(&budget->swallowed, 0);
	if (swallowed > 0) {
		log_printf(level, "%llu lines like the next were not logged",
			(unsigned long long)swallowed);
	}
	log_line(level, format, args);
}

void log_outsider(enum log_level level, const char *format, ...) {
	va_list args;
	va_start(args, format);
	log_limited(&shared_budget, level, format, args);
	va_end(args);
}

void log_outsider_of(struct log_budget *budget, enum log_level level, const char *format, ...) {
	va_list args;
	va_start(args, format);
	log_limited(budget, level, format, args);
	va_end(args);
}
