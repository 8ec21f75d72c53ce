/*
 * The log of a whole service: the rings of all statistics pages and the fault log, as one list in the
 * order of their time.
 *
 * Thread: the owner's.
 */
#ifndef SERVICE_LOG_VIEW_H
#define SERVICE_LOG_VIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/stats.h"
#include "service/fault_view.h"

#define LOG_VIEW_PAGES_MAX 32

struct log_view {
	struct {
		const struct stats_page *page;
		uint64_t next; /* number of the first line that was not printed yet */
	} pages[LOG_VIEW_PAGES_MAX];
	unsigned pages_len;
	struct fault_view faults;
	bool json;     /* as lines of JSON */
	bool settling; /* faults wait for their answer, so that each is printed whole */
	uint64_t lost; /* lines that were overwritten before they were read */
};

void log_view_init(struct log_view *view);
void log_view_finish(struct log_view *view);

/* Adds a page (takes over the descriptor, also on error). 0 or -errno. */
int log_view_add(struct log_view *view, int fd);

/* Prints what is new. Returns how many lines. */
unsigned log_view_print(struct log_view *view, FILE *file);

#endif
