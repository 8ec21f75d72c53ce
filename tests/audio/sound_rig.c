#include "tests/audio/sound_rig.h"

#include <check.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "audio/mixer/sink_impl.h"
#include "core/fd.h"
#include "core/macros.h"

uint64_t sound_rig_after_quantum_ns;
static struct link *clock_link;

/* The time of the last quantum, and what the test adds to it. */
static uint64_t rig_now_ns(void) {
	struct sample_clock clock;
	return sample_link_clock(clock_link, &clock) ? clock.quantum_ns + sound_rig_after_quantum_ns
						     : 0;
}

/* ---- a sink that holds samples before they are heard ---- */

struct sink_holding {
	struct sink base;
	uint32_t latency_frames;
	struct sound_rig *rig;
};

static void tape(struct sound_rig *rig, const float *samples, uint32_t frames) {
	frames = MIN(frames, SOUND_RIG_TAPE_FRAMES - rig->tape_frames);
	memcpy(rig->tape + (size_t)2 * rig->tape_frames, samples, sizeof(float) * 2 * frames);
	rig->tape_frames += frames;
}

static void holding_write(struct sink *sink, const float *samples, uint32_t frames) {
	tape(container_of(sink, struct sink_holding, base)->rig, samples, frames);
}

static uint32_t holding_latency_frames(const struct sink *sink) {
	return container_of(sink, struct sink_holding, base)->latency_frames;
}

static void holding_destroy(struct sink *sink) {
	sink_finish(sink);
	free(container_of(sink, struct sink_holding, base));
}

static const struct sink_impl holding_impl = {
	.name = "holding",
	.write = holding_write,
	.latency_frames = holding_latency_frames,
	.destroy = holding_destroy,
};

static struct sink *holding_create(struct sound_rig *rig, const struct sink_options *options) {
	struct sink_holding *holding = calloc(1, sizeof(*holding));
	ck_assert_int_eq(sink_init(&holding->base, &holding_impl, options), 0);
	holding->latency_frames = rig->options.latency_frames;
	holding->rig = rig;
	return &holding->base;
}

/* ---- the rig ---- */

static void pump(void *data) {
	struct sound_rig *rig = data;
	loop_dispatch(rig->loop, 0);
}

void sound_rig_settle(struct sound_rig *rig) {
	for (int i = 0; i < 100000 && loop_dispatch(rig->loop, 0) > 0; i++) {
	}
}

static void handle_end(void *data, int error) {
	struct sound_rig *rig = data;
	rig->ended++;
}

static void guest_init(struct sound_rig *rig, unsigned index) {
	struct sound_rig_guest *guest = &rig->guests[index];
	int pair[2];
	link_pair_init(&guest->link);
	const float gain[SAMPLE_LINK_STREAMS] = { 1, 1, 1, 1, 1, 1, 1, 1 };
	mixer_add(&rig->mixer, index, &guest->link.consumer, gain);

	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	guest->device = sound_device_create(
		&(struct sound_device_options) {
			.loop = rig->loop,
			.link = &guest->link.producer,
			.stats = &rig->stats,
			.streams = rig->options.streams,
			.rate = rig->options.rate,
			.quantum_frames = rig->options.quantum_frames,
			.now_ns = rig_now_ns,
			.handle_end = handle_end,
			.data = rig,
		},
		pair[1]);
	ck_assert_ptr_nonnull(guest->device);
	clock_link = &guest->link.producer;

	ck_assert_int_eq(vmm_ram_init(&guest->ram, &(struct vmm_ram_options) { 0 }), 0);
	struct vmm_device_options options = {
		.queue_size = rig->options.queue_size, .pump = pump, .pump_data = rig
	};
	ck_assert_int_eq(
		vmm_snd_attach(&guest->snd, &guest->ram, pair[0], options, rig->options.slot_bytes),
		0);
	ck_assert_int_eq(vmm_device_start(&guest->snd.device), 0);
}

static void sink_setup(struct sound_rig *rig) {
	rig->step_fd = fd_eventfd_create(true);
	rig->memory_fd = sink_memory_create_fd("test", rig->options.rate);
	ck_assert_int_eq(sink_reader_init(&rig->reader, fd_reopen_readonly(rig->memory_fd)), 0);
	struct sink_options options = {
		.rate = rig->options.rate,
		.quantum_frames = rig->options.quantum_frames,
		.waits = rig->options.waits,
		.step_fd = rig->step_fd,
		.memory_fd = rig->memory_fd,
	};
	rig->sink = rig->options.latency_frames > 0 ? holding_create(rig, &options)
						    : sink_memory_create(&options);
	ck_assert_ptr_nonnull(rig->sink);
	cycle_init(&rig->cycle, &rig->mixer, NULL, rig->sink, &rig->stats);
	sink_start(rig->sink);
}

struct sound_rig *sound_rig_create(struct sound_rig_options options) {
	struct sound_rig *rig = calloc(1, sizeof(*rig));
	ck_assert_ptr_nonnull(rig);
	rig->options = options;
	rig->options.guests = MAX(options.guests, 1);
	rig->options.streams = options.streams == 0 ? 2 : options.streams;
	rig->options.rate = options.rate == 0 ? 48000 : options.rate;
	rig->options.quantum_frames = options.quantum_frames == 0 ? 128 : options.quantum_frames;
	rig->options.slot_bytes = options.slot_bytes == 0 ? 8192 : options.slot_bytes;
	sound_rig_after_quantum_ns = 0;
	rig->loop = loop_create();
	ck_assert_int_eq(stats_init(&rig->stats, -1, "test"), 0);
	mixer_init(&rig->mixer, rig->options.rate, rig->options.quantum_frames);
	for (unsigned i = 0; i < rig->options.guests; i++) {
		guest_init(rig, i);
	}
	sink_setup(rig);
	sound_rig_settle(rig);
	return rig;
}

void sound_rig_kill(struct sound_rig *rig, unsigned guest) {
	/* what a dead process leaves: its page as it was, and a socket that hangs up */
	uint32_t states[SAMPLE_LINK_STREAMS];
	struct sample_producer_page *page = rig->guests[guest].link.producer.producer_page;
	for (unsigned i = 0; i < SAMPLE_LINK_STREAMS; i++) {
		states[i] = atomic_load(&page->streams[i].state);
	}
	uint64_t dropped[SAMPLE_LINK_STREAMS];
	for (unsigned i = 0; i < SAMPLE_LINK_STREAMS; i++) {
		dropped[i] = atomic_load(&page->streams[i].dropped);
	}
	uint32_t peer = atomic_load(&page->header.peer);
	sound_device_destroy(rig->guests[guest].device);
	rig->guests[guest].device = NULL;
	for (unsigned i = 0; i < SAMPLE_LINK_STREAMS; i++) {
		atomic_store(&page->streams[i].state, states[i]);
		atomic_store(&page->streams[i].dropped, dropped[i]);
	}
	atomic_store(&page->header.peer, peer);
	mixer_set_dead(&rig->mixer, guest, true);
}

static void guest_finish(struct sound_rig *rig, struct sound_rig_guest *guest) {
	vmm_snd_close(&guest->snd);
	sound_rig_settle(rig);
	sound_device_destroy(guest->device);
	vmm_ram_finish(&guest->ram);
	link_pair_finish(&guest->link);
}

void sound_rig_destroy(struct sound_rig *rig) {
	for (unsigned i = 0; i < rig->options.guests; i++) {
		guest_finish(rig, &rig->guests[i]);
	}
	sink_reader_finish(&rig->reader);
	sink_destroy(rig->sink);
	fd_close(&rig->step_fd);
	fd_close(&rig->memory_fd);
	stats_finish(&rig->stats);
	loop_destroy(rig->loop);
	free(rig);
}

static void record(struct sound_rig *rig) {
	float samples[256 * 2];
	uint32_t got;
	while ((got = sink_reader_read(&rig->reader, samples, 256)) > 0) {
		tape(rig, samples, got);
	}
}

uint32_t sound_rig_quantum(struct sound_rig *rig) {
	uint32_t before = rig->tape_frames;
	sound_rig_settle(rig);
	fd_event_signal(rig->step_fd);
	ck_assert(cycle_run(&rig->cycle));
	sound_rig_settle(rig);
	record(rig);
	return rig->tape_frames - before;
}

void sound_rig_quanta(struct sound_rig *rig, unsigned quanta) {
	for (unsigned i = 0; i < quanta; i++) {
		sound_rig_quantum(rig);
	}
}

void sound_rig_prepare(struct sound_rig *rig, unsigned guest, unsigned stream, uint8_t format,
	uint8_t rate, uint8_t channels, uint32_t period_bytes, uint32_t periods) {
	struct vmm_snd_params params = {
		.buffer_bytes = period_bytes * periods,
		.period_bytes = period_bytes,
		.channels = channels,
		.format = format,
		.rate = rate,
	};
	ck_assert_uint_eq(vmm_snd_set_params(&rig->guests[guest].snd, stream, &params), VMM_SND_OK);
	sound_rig_command(rig, guest, VMM_SND_PREPARE, stream);
}

void sound_rig_command(
	struct sound_rig *rig, unsigned guest, enum vmm_snd_code code, unsigned stream) {
	ck_assert_uint_eq(vmm_snd_command(&rig->guests[guest].snd, code, stream), VMM_SND_OK);
}

uint64_t sound_rig_stat(const struct sound_rig *rig, const char *name) {
	uint64_t value = 0;
	ck_assert_msg(stats_read_value(rig->stats.page, name, &value), "no value %s", name);
	return value;
}
