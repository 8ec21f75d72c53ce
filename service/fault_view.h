/*
 * The fault log of a running service, as somebody outside reads it: records of the safety page, each
 * once, in their order.
 *
 * Thread: the owner's.
 */
#ifndef SERVICE_FAULT_VIEW_H
#define SERVICE_FAULT_VIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/safety_page.h"

/* Far longer than any answer takes: an older record without one will have none. */
#define FAULT_VIEW_SETTLE_NS (NS_PER_S / 2)

struct fault_view {
	const struct safety_page *page; /* NULL: no log, and nothing to read */
	uint64_t next; /* number of the first record that was not read yet */
	uint64_t lost; /* damaged, or overwritten before they were read */
};

void fault_view_init(struct fault_view *view);
/* Takes over the descriptor, also on error. 0 or -errno. */
int fault_view_open(struct fault_view *view, int fd);
void fault_view_finish(struct fault_view *view);

/*
 * The next record, oldest first; false: none for now. Records found after `settled_ns` whose answer was
 * not shown yet wait, and those behind them; UINT64_MAX: none waits.
 */
bool fault_view_next(struct fault_view *view, uint64_t settled_ns, struct safety_record *record);

/* "layer cluster: live -> placeholder: died (the endpoint's process ended); detected within 16.7 ms,
 * safe after 12.1 ms". */
void fault_view_text(const struct safety_record *record, char *text, size_t bytes);

/* As one line of JSON; keys: fascia(1). */
void fault_view_json(const struct safety_record *record, FILE *file);

#endif
