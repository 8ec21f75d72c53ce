#include "service/keeper_beat.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "core/macros.h"

#define MAPPED_BYTES 4096 /* what is looked at lies in a page's first bytes */

int beat_init(struct beat *beat, const struct store *store) {
	*beat = (struct beat) { 0 };
	for (uint32_t i = 0; i < store->config->outputs_len; i++) {
		const struct config_output *config = &store->config->outputs[i];
		if (config->clock != TICKER_REAL) {
			continue;
		}
		void *page = mmap(NULL, MAPPED_BYTES, PROT_READ, MAP_SHARED, store->output[i], 0);
		if (page == MAP_FAILED) {
			int error = -errno;
			beat_finish(beat);
			return error;
		}
		uint64_t period_ns = NS_PER_S * 1000 / config->refresh_mhz;
		beat->outputs[i] = (struct beat_output) {
			.page = page,
			.limit_ns = MAX(BEAT_LIMIT_NS, BEAT_LIMIT_TICKS * period_ns),
		};
	}
	return 0;
}

void beat_finish(struct beat *beat) {
	for (uint32_t i = 0; i < CONFIG_OUTPUTS_MAX; i++) {
		const struct output_memory_page *page = beat->outputs[i].page;
		if (page != NULL) {
			munmap((void *)(uintptr_t)page, MAPPED_BYTES);
		}
	}
	*beat = (struct beat) { 0 };
}

bool beat_is_needed(const struct beat *beat) {
	for (uint32_t i = 0; i < CONFIG_OUTPUTS_MAX; i++) {
		if (beat->outputs[i].page != NULL) {
			return true;
		}
	}
	return false;
}

static bool stands_still(struct beat_output *output, uint64_t passed_ns) {
	uint64_t tick = atomic_load(&output->page->tick);
	output->still_ns = tick == output->tick ? output->still_ns + passed_ns : 0;
	output->tick = tick;
	return output->still_ns >= output->limit_ns;
}

bool beat_look(struct beat *beat, uint64_t now_ns) {
	uint64_t passed_ns = beat->looked_ns == 0 ? 0 : now_ns - beat->looked_ns;
	bool is_still = false;
	for (uint32_t i = 0; i < CONFIG_OUTPUTS_MAX; i++) {
		if (beat->outputs[i].page != NULL) {
			is_still = stands_still(
					   &beat->outputs[i], MIN(passed_ns, 2 * BEAT_PERIOD_NS)) ||
				is_still;
		}
	}
	beat->looked_ns = now_ns;
	return is_still;
}

void beat_reset(struct beat *beat) {
	for (uint32_t i = 0; i < CONFIG_OUTPUTS_MAX; i++) {
		beat->outputs[i].still_ns = 0;
	}
	beat->looked_ns = 0;
}

bool beat_is_real_time(pid_t pid) {
	return (sched_getscheduler(pid) & ~SCHED_RESET_ON_FORK) == SCHED_FIFO;
}
