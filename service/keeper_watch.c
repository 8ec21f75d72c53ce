#include "service/keeper_watch.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>

/* the header of every page that is looked at lies in its first bytes */
#define MAPPED_BYTES 4096

/* NULL with errno. */
static const void *map_header(int fd) {
	void *page = mmap(NULL, MAPPED_BYTES, PROT_READ, MAP_SHARED, fd, 0);
	return page != MAP_FAILED ? page : NULL;
}

static int map_link(struct watch *watch, const int fds[LINK_FDS]) {
	watch->producer = map_header(fds[LINK_PRODUCER_PAGE]);
	watch->consumer = map_header(fds[LINK_CONSUMER_PAGE]);
	return watch->producer != NULL && watch->consumer != NULL ? 0 : -errno;
}

static int map_output(struct watch *watch, const struct store *store) {
	for (uint32_t i = 0; i < store->config->outputs_len; i++) {
		if (store->config->outputs[i].clock == TICKER_REAL) {
			watch->output = map_header(store->output[i]);
			return watch->output != NULL ? 0 : -errno;
		}
	}
	return 0;
}

static int map_quanta(struct watch *watch, const struct store *store) {
	for (uint32_t i = 0; i < store->config->guests_len; i++) {
		const int *link = store->guests[i].sample_link;
		if (link[LINK_CONSUMER_PAGE] >= 0 && !store->config->mixer.wait_streams) {
			watch->consumer = map_header(link[LINK_CONSUMER_PAGE]);
			return watch->consumer != NULL ? 0 : -errno;
		}
	}
	return 0;
}

int watch_init(struct watch *watch, const struct child *child, const struct store *store) {
	*watch = (struct watch) { 0 };
	int error = 0;
	switch (child->role) {
	case CHILD_COMPOSITOR:
		error = map_output(watch, store);
		break;
	case CHILD_MIXER:
		error = map_quanta(watch, store);
		break;
	case CHILD_GPU:
		error = map_link(watch, store->guests[child->guest].frame_link);
		break;
	case CHILD_SOUND:
		error = map_link(watch, store->guests[child->guest].sample_link);
		break;
	}
	if (error != 0) {
		watch_finish(watch);
	}
	return error;
}

static void unmap(const void *page) {
	if (page != NULL) {
		munmap((void *)(uintptr_t)page, MAPPED_BYTES);
	}
}

void watch_finish(struct watch *watch) {
	unmap(watch->producer);
	unmap(watch->consumer);
	unmap(watch->output);
	*watch = (struct watch) { 0 };
}

void watch_reset(struct watch *watch) {
	watch->silent = 0;
}

/* What was to be answered so far, and what was; false: silence means nothing now. */
static bool read_counters(const struct watch *watch, uint64_t *due, uint64_t *answered) {
	if (watch->producer != NULL) {
		*due = atomic_load(&watch->consumer->tick);
		*answered = atomic_load(&watch->producer->tick);
		return atomic_load(&watch->producer->peer) != LINK_PEER_ABSENT;
	}
	if (watch->output != NULL || watch->consumer != NULL) {
		*due = watch->due + 1; /* in real time something is always due */
		*answered = watch->output != NULL ? atomic_load(&watch->output->tick)
						  : atomic_load(&watch->consumer->tick);
		return true;
	}
	return false;
}

bool watch_look(struct watch *watch) {
	uint64_t due = 0, answered = 0;
	bool counts = read_counters(watch, &due, &answered);
	if (!counts || answered != watch->answered) {
		watch->silent = 0;
	} else if (due != watch->due) {
		watch->silent++;
	}
	watch->due = due;
	watch->answered = answered;
	return watch->silent >= WATCH_LOOKS;
}
