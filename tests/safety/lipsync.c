#include "tests/safety/lipsync.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/macros.h"
#include "tests/support/realtime.h"

#define WAIT_MS 100
#define CHUNK_FRAMES 512
#define LOUD 0.05f /* difference of the channels; a chime has none, and ducks what has */
#define PRIORITY 41

static bool has_click(const float *samples, uint32_t frames) {
	for (uint32_t i = 0; i < frames; i++) {
		if (samples[2 * i] - samples[2 * i + 1] > LOUD) {
			return true;
		}
	}
	return false;
}

/* A click may be read in two parts; heard is its beginning, also when the next one was asked for in between. */
static void *listen_to_sink(void *data) {
	struct lipsync *lipsync = data;
	bool was_click = false;
	static float samples[CHUNK_FRAMES * SINK_MEMORY_CHANNELS];
	while (!atomic_load(&lipsync->stop)) {
		if (sink_reader_wait(&lipsync->reader, WAIT_MS) != 1) {
			continue;
		}
		uint64_t none = 0, now_ns = clock_now_ns();
		uint32_t frames = sink_reader_read(&lipsync->reader, samples, CHUNK_FRAMES);
		bool is_click = has_click(samples, frames);
		if (is_click && !was_click) {
			atomic_compare_exchange_strong(&lipsync->heard_ns, &none, now_ns);
		}
		was_click = frames > 0 ? is_click : was_click;
	}
	return NULL;
}

int lipsync_init(struct lipsync *lipsync, int sink) {
	*lipsync = (struct lipsync) { 0 };
	int error = sink_reader_init(&lipsync->reader, sink);
	if (error != 0) {
		return error;
	}
	error = realtime_thread_create(&lipsync->thread, PRIORITY, listen_to_sink, lipsync, NULL);
	lipsync->has_thread = error == 0;
	return error;
}

void lipsync_finish(struct lipsync *lipsync) {
	if (lipsync->has_thread) {
		atomic_store(&lipsync->stop, true);
		pthread_join(lipsync->thread, NULL);
		lipsync->has_thread = false;
	}
	sink_reader_finish(&lipsync->reader);
}

/* The guest answers with when it takes the click to be heard, and the picture of that moment. */
static void ask(
	struct lipsync *lipsync, struct cluster_guest *guest, const struct observer *observer) {
	struct cluster_guest_shared *shared = guest->shared;
	atomic_store(&shared->click_ns, 0);
	atomic_store(&shared->flash_ns, 0);
	atomic_store(&lipsync->heard_ns, 0);
	lipsync->first_sight = observer_len(observer);
	atomic_fetch_add(&shared->clicks_asked, 1);
}

void lipsync_begin(
	struct lipsync *lipsync, struct cluster_guest *guest, const struct observer *observer) {
	lipsync->marks = 0;
	lipsync->worst_ns = lipsync->worst_at_ns = 0;
	ask(lipsync, guest, observer);
}

/* The first picture on the screen that is the flash or a newer one: the newest wins. */
static uint64_t find_flash(const struct lipsync *lipsync, const struct observer *observer,
	uint32_t flash, uint64_t flash_ns) {
	struct sight sight;
	for (uint64_t i = lipsync->first_sight; i < observer_len(observer); i++) {
		if (observer_get(observer, i, &sight) && sight.other == SIGHT_GUEST &&
			sight.shown_ns > flash_ns && (int32_t)(sight.other_counter - flash) >= 0) {
			return sight.shown_ns;
		}
	}
	return 0;
}

bool lipsync_take(
	struct lipsync *lipsync, struct cluster_guest *guest, const struct observer *observer) {
	const struct cluster_guest_shared *shared = guest->shared;
	uint64_t click_ns = atomic_load(&shared->click_ns);
	uint64_t flash_ns = atomic_load(&shared->flash_ns);
	uint64_t heard_ns = atomic_load(&lipsync->heard_ns);
	if (click_ns == 0 || flash_ns == 0 || heard_ns == 0) {
		return false;
	}
	uint64_t shown_ns = find_flash(lipsync, observer, atomic_load(&shared->flash), flash_ns);
	if (shown_ns == 0) {
		return false;
	}
	int64_t error_ns = (int64_t)(shown_ns - flash_ns) - ((int64_t)heard_ns - (int64_t)click_ns);
	uint64_t size_ns = (uint64_t)llabs(error_ns);
	if (lipsync->marks++ == 0 || size_ns > lipsync->worst_ns) {
		lipsync->worst_ns = size_ns;
		lipsync->worst_at_ns = flash_ns;
	}
	ask(lipsync, guest, observer);
	return true;
}
