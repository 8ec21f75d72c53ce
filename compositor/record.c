#include "compositor/record.h"

#include <stdio.h>
#include <time.h>

#include "core/clock.h"
#include "core/macros.h"

uint64_t record_write(struct safety_page *page, struct safety_record *record, const char *name,
	const char *from, const char *to) {
	struct timespec now;
	if (page == NULL) {
		return 0;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	record->wall_ns = (int64_t)now.tv_sec * (int64_t)NS_PER_S + now.tv_nsec;
	snprintf(record->name, sizeof(record->name), "%s", name);
	snprintf(record->from, sizeof(record->from), "%s", from);
	snprintf(record->to, sizeof(record->to), "%s", to);
	return safety_page_add(page, record);
}

bool record_budget_take(struct record_budget *budget, uint64_t tick) {
	uint64_t earned = (tick - budget->since_tick) / RECORD_TICKS;
	budget->since_tick += earned * RECORD_TICKS;
	budget->taken -= (uint32_t)MIN(earned, budget->taken);
	if (budget->taken == RECORD_BURST) {
		return false;
	}
	budget->taken++;
	return true;
}
