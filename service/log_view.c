#include "service/log_view.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"

struct entry {
	struct stats_line line;
	char process[STATS_PROCESS_BYTES];
};

void log_view_init(struct log_view *view) {
	*view = (struct log_view) { 0 };
}

void log_view_finish(struct log_view *view) {
	for (unsigned i = 0; i < view->pages_len; i++) {
		stats_unmap(view->pages[i].page);
	}
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
	uint64_t left = ((const struct entry *)a)->line.time_ns;
	uint64_t right = ((const struct entry *)b)->line.time_ns;
	return (left > right) - (left < right);
}

/* A point on CLOCK_MONOTONIC as the time of day. */
static void format_time(uint64_t time_ns, char text[32]) {
	struct timespec wall;
	clock_gettime(CLOCK_REALTIME, &wall);
	uint64_t now_ns = clock_now_ns();
	uint64_t age_ns = now_ns > time_ns ? now_ns - time_ns : 0;
	uint64_t wall_ns = (uint64_t)wall.tv_sec * NS_PER_S + (uint64_t)wall.tv_nsec - age_ns;
	time_t seconds = (time_t)(wall_ns / NS_PER_S);
	struct tm local;
	localtime_r(&seconds, &local);
	size_t len = strftime(text, 32, "%H:%M:%S", &local);
	snprintf(text + len, 32 - len, ".%03u", (unsigned)(wall_ns % NS_PER_S / NS_PER_MS));
}

static void print_entry(const struct entry *entry, FILE *file) {
	static const char *const levels[] = { " error:", " warning:", "", " debug:" };
	char time[32];
	format_time(entry->line.time_ns, time);
	fprintf(file, "%s %s:%s %s\n", time, entry->process, levels[entry->line.level & 3],
		entry->line.text);
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
		if (stats_read_line(page, *next, &entries[len].line)) {
			stats_read_process(page, entries[len++].process);
		}
	}
	return len;
}

unsigned log_view_print(struct log_view *view, FILE *file) {
	struct entry *entries =
		malloc((size_t)view->pages_len * STATS_LOG_LINES * sizeof(*entries));
	if (entries == NULL) {
		return 0;
	}
	size_t len = 0;
	for (unsigned i = 0; i < view->pages_len; i++) {
		len = collect(view, i, entries, len);
	}
	qsort(entries, len, sizeof(*entries), compare_time);
	for (size_t i = 0; i < len; i++) {
		print_entry(&entries[i], file);
	}
	free(entries);
	fflush(file);
	return (unsigned)len;
}
