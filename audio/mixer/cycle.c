#include "audio/mixer/cycle.h"

#include <stdatomic.h>

#include "core/clock.h"
#include "core/macros.h"

void cycle_init(struct cycle *cycle, struct mixer *mixer, struct safety_voice *voice,
	struct sink *sink, struct stats *stats) {
	uint64_t half_frames_per_s = 2 * (uint64_t)mixer->rate;
	*cycle = (struct cycle) {
		.mixer = mixer,
		.voice = voice,
		.sink = sink,
		.credit_max = half_frames_per_s * WAIT_CREDIT_MS / 1000,
		/* a tick of a waiting sink is half a quantum */
		.patience_ticks = (uint32_t)(half_frames_per_s * WAIT_PATIENCE_MS / 1000 /
			mixer->quantum_frames),
		.quanta = stats_value(stats, "", "mix.quanta"),
		.frames = stats_value(stats, "frames", "mix.frames"),
		.missed = stats_value(stats, "", "mix.missed"),
		.waits = stats_value(stats, "", "mix.waits"),
		.late_max_ns = stats_value(stats, "ns", "mix.late_max"),
		.busy_max_ns = stats_value(stats, "ns", "mix.busy_max"),
	};
}

static void raise_to(_Atomic uint64_t *max, uint64_t value) {
	if (value > atomic_load_explicit(max, memory_order_relaxed)) {
		atomic_store_explicit(max, value, memory_order_relaxed);
	}
}

static void mix(struct cycle *cycle, uint32_t frames, uint64_t due_ns) {
	float *mix = mixer_mix(cycle->mixer, frames);
	if (cycle->voice != NULL) {
		safety_voice_mix(cycle->voice, mix, frames);
	}
	sink_write(cycle->sink, mix, frames);
	uint32_t latency_frames = sink_latency_frames(cycle->sink);
	if (cycle->voice != NULL) {
		safety_voice_publish(cycle->voice, frames, latency_frames, clock_now_ns());
	}
	mixer_publish(cycle->mixer, latency_frames, due_ns);
	atomic_fetch_add_explicit(cycle->quanta, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(cycle->frames, frames, memory_order_relaxed);
}

/* How many frames this tick is good for. */
static uint32_t wait_for_streams(struct cycle *cycle, const struct sink_tick *tick, bool chimes) {
	uint64_t quantum = 2 * (uint64_t)cycle->mixer->quantum_frames;
	bool idle;
	uint32_t frames = mixer_ready(cycle->mixer, cycle->patience_ticks, &idle);
	cycle->credit = MIN(cycle->credit + tick->half_frames, cycle->credit_max);
	if (chimes) {
		frames = cycle->mixer->quantum_frames;
	} else if (idle) {
		/* time in which nothing played is not to be made up for */
		cycle->credit = MIN(cycle->credit, quantum);
		return 0;
	}
	if (frames == 0) {
		atomic_fetch_add_explicit(cycle->waits, 1, memory_order_relaxed);
		return 0;
	}
	if (cycle->credit < 2 * (uint64_t)frames) {
		return 0;
	}
	cycle->credit -= 2 * (uint64_t)frames;
	return frames;
}

bool cycle_run(struct cycle *cycle) {
	struct sink_tick tick;
	if (!sink_take(cycle->sink, &tick)) {
		return false;
	}
	uint64_t begin_ns = clock_now_ns();
	atomic_fetch_add_explicit(cycle->missed, tick.missed, memory_order_relaxed);
	raise_to(cycle->late_max_ns, begin_ns - MIN(begin_ns, tick.due_ns));

	bool chimes = cycle->voice != NULL && safety_voice_look(cycle->voice);
	uint32_t frames = sink_waits(cycle->sink) ? wait_for_streams(cycle, &tick, chimes)
						  : cycle->mixer->quantum_frames;
	if (frames > 0) {
		mix(cycle, frames, tick.due_ns);
	}
	raise_to(cycle->busy_max_ns, clock_now_ns() - begin_ns);
	return true;
}
