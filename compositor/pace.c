#include "compositor/pace.h"

#include "core/macros.h"

#define STEP_NS 100000 /* changes below this are not worth a system call */

void pace_init(struct pace *pace) {
	*pace = (struct pace) {
		.worst_ns = PACE_START_NS,
		.lead_ns = PACE_START_NS + PACE_MARGIN_NS,
	};
}

bool pace_add(struct pace *pace, uint64_t spent_ns) {
	pace->worst_ns = MAX(spent_ns, pace->worst_ns - pace->worst_ns / 64);
	uint64_t lead_ns = pace->worst_ns + PACE_MARGIN_NS;
	uint64_t difference =
		lead_ns > pace->lead_ns ? lead_ns - pace->lead_ns : pace->lead_ns - lead_ns;
	if (difference < STEP_NS) {
		return false;
	}
	pace->lead_ns = lead_ns;
	return true;
}
