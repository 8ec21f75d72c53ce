#include "audio/cpu_share.h"

uint64_t cpu_share_rest_ns(struct cpu_share *share, uint64_t now_ns, uint64_t cpu_ns) {
	if (now_ns - share->begin_ns >= CPU_SHARE_WINDOW_NS) {
		*share = (struct cpu_share) { .begin_ns = now_ns, .begin_cpu_ns = cpu_ns };
	}
	if (cpu_ns - share->begin_cpu_ns < CPU_SHARE_RUN_NS) {
		return 0;
	}
	return share->begin_ns + CPU_SHARE_WINDOW_NS - now_ns;
}
