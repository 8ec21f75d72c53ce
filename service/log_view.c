#include "service/log_view.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "service/json_line.h"

struct entry {
	uint64_t time_ns;
	bool is_fault;
	union {
		struct {
			struct stats_line line;
			char process[STATS_PROCESS_BYTES];
		};
		struct safety_record fault;
	};
};

static const char *const levels[] = { "error", "warning", "info", "debug" };

void log_view_init(struct log_view *view) {
	*view = (struct log_view) { 0 };
	fault_view_init(&view->faults);
}

void log_view_finish(struct log_view *view) {
	for (unsigned i = 0; i < view->pages_len; i++) {
		stats_unmap(view->pages[i].page);
	}
	fault_view_finish(&view->faults);
	log_view_init(view);
}

int log_view_add(struct log_view *view, int fd) {
	if (view->pages_len == LOG_VIEW_PAGES_MAX) {
		close(fd);
		return -ENOSPC;
	}
	const struct stats_page *page = stats_map(fd);
	if (page == NULL) {
		return -errno;
	}
	view->pages[view->pages_len].page = page;
	view->pages[view->pages_len++].next = 1;
	return 0;
}

static int compare_time(const void *a, const void *b) {
	uint64_t left = ((const struct entry *)a)->time_ns;
	uint64_t right = ((const struct entry *)b)->time_ns;
	return (left > right) - (left < right);
}

/* A point on CLOCK_MONOTONIC as one on CLOCK_REALTIME. */
static uint64_t wall_from_monotonic(uint64_t time_ns) {
	struct timespec wall;
	clock_gettime(CLOCK_REALTIME, &wall);
	uint64_t now_ns = clock_now_ns();
	uint64_t age_ns = now_ns > time_ns ? now_ns - time_ns : 0;
	return (uint64_t)wall.tv_sec * NS_PER_S + (uint64_t)wall.tv_nsec - age_ns;
}

/* The same as the time of day. */
static void format_time(uint64_t time_ns, char text[32]) {
	uint64_t wall_ns = wall_from_monotonic(time_ns);
	time_t seconds = (time_t)(wall_ns / NS_PER_S);
	struct tm local;
	localtime_r(&seconds, &local);
	size_t len = strftime(text, 32, "%H:%M:%S", &local);
	snprintf(text + len, 32 - len, ".%03u", (unsigned)(wall_ns % NS_PER_S / NS_PER_MS));
}

static void print_text(const struct entry *entry, FILE *file) {
	char time[32], text[320];
	format_time(entry->time_ns, time);
	if (entry->is_fault) {
		fault_view_text(&entry->fault, text, sizeof(text));
		fprintf(file, "%s fault: %s\n", time, text);
		return;
	}
	bool plain = (entry->line.level & 3) == LOG_INFO;
	fprintf(file, "%s %s:%s%s%s %s\n", time, entry->process, plain ? "" : " ",
		plain ? "" : levels[entry->line.level & 3], plain ? "" : ":", entry->line.text);
}

static void print_json(const struct entry *entry, FILE *file) {
	if (entry->is_fault) {
		fault_view_json(&entry->fault, file);
		return;
	}
	struct json_line line;
	json_line_begin(&line, file);
	json_line_time(&line, "time", (int64_t)wall_from_monotonic(entry->time_ns));
	json_line_uint(&line, "monotonic_ns", entry->time_ns);
	json_line_text(&line, "process", entry->process, sizeof(entry->process));
	json_line_uint(&line, "pid", entry->line.pid);
	json_line_text(&line, "level", levels[entry->line.level & 3], SIZE_MAX);
	json_line_text(&line, "text", entry->line.text, sizeof(entry->line.text));
	json_line_end(&line);
}

/* Appends what is new in one page; returns the new length. */
static size_t collect(struct log_view *view, unsigned index, struct entry *entries, size_t len) {
	const struct stats_page *page = view->pages[index].page;
	uint64_t *next = &view->pages[index].next;
	uint64_t newest = atomic_load(&page->lines);
	if (newest >= *next + STATS_LOG_LINES) {
		view->lost += newest - STATS_LOG_LINES + 1 - *next;
		*next = newest - STATS_LOG_LINES + 1;
	}
	/* counted, because the page is another process', and its last number may be the largest of all */
	for (unsigned i = 0; i < STATS_LOG_LINES && *next <= newest; i++, (*next)++) {
		/* one that is being written is rather lost than waited for */
		struct entry *entry = &entries[len];
		if (stats_read_line(page, *next, &entry->line)) {
			stats_read_process(page, entry->process);
			entry->time_ns = entry->line.time_ns;
			entry->is_fault = false;
			len++;
		}
	}
	return len;
}

static size_t collect_faults(struct log_view *view, struct entry *entries, size_t len) {
	uint64_t now_ns = clock_now_ns();
	uint64_t settled_ns = !view->settling   ? UINT64_MAX
		: now_ns > FAULT_VIEW_SETTLE_NS ? now_ns - FAULT_VIEW_SETTLE_NS
						: 0;
	for (unsigned i = 0; i < SAFETY_RECORDS; i++, len++) {
		struct entry *entry = &entries[len];
		if (!fault_view_next(&view->faults, settled_ns, &entry->fault)) {
			break;
		}
		entry->is_fault = true;
		entry->time_ns = entry->fault.detect_ns;
	}
	return len;
}

unsigned log_view_print(struct log_view *view, FILE *file) {
	size_t most = (size_t)view->pages_len * STATS_LOG_LINES + SAFETY_RECORDS;
	struct entry *entries = malloc(most * sizeof(*entries));
	if (entries == NULL) {
		return 0;
	}
	size_t len = 0;
	for (unsigned i = 0; i < view->pages_len; i++) {
		len = collect(view, i, entries, len);
	}
	len = collect_faults(view, entries, len);
	qsort(entries, len, sizeof(*entries), compare_time);
	for (size_t i = 0; i < len; i++) {
		if (view->json) {
			print_json(&entries[i], file);
		} else {
			print_text(&entries[i], file);
		}
	}
	free(entries);
	fflush(file);
	return (unsigned)len;
}
