#include "tests/safety/guest_sound.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/macros.h"
#include "tests/safety/lipsync.h"
#include "tests/support/realtime.h"

#define PERIOD_FRAMES 480 /* 10 ms */
#define PERIOD_BYTES (PERIOD_FRAMES * 4)
#define QUEUED_PERIODS 3
#define LOOK_NS (NS_PER_MS / 2)
#define SILENT_NS NS_PER_S /* no completion for so long: the device is gone */
#define PRIORITY 30
#define S16 5 /* virtio 1.3, 5.14.6.6.1 */
#define RATE_48000 7

static bool has_own_clock(const struct guest_sound *sound) {
	return sound->clock_ns != 0 && atomic_load(&sound->shared->fault) == GUEST_OWN_CLOCK;
}

/* `frames` of the stream are heard by now, as far as the guest knows. */
static void set_clock(struct guest_sound *sound, int64_t frames) {
	if (!has_own_clock(sound)) {
		sound->clock_ns = clock_now_ns();
		sound->clock_frames = frames;
	}
}

/* When frame `frame` of the stream will be heard. */
static uint64_t heard_ns(const struct guest_sound *sound, uint64_t frame) {
	int64_t ahead = (int64_t)frame - sound->clock_frames;
	int64_t ns = (int64_t)sound->clock_ns + ahead * (int64_t)NS_PER_S / GUEST_SOUND_RATE;
	return (uint64_t)ns;
}

static int send_period(struct guest_sound *sound) {
	int16_t pcm[PERIOD_FRAMES * 2] = { 0 };
	struct cluster_guest_shared *shared = sound->shared;
	uint32_t asked = atomic_load(&shared->clicks_asked);
	bool has_click = asked != atomic_load(&shared->clicks_sent) && sound->clock_ns != 0;
	for (unsigned i = 0; has_click && i < LIPSYNC_CLICK_FRAMES; i++) {
		/* opposite in both channels, as no chime is */
		pcm[2 * i] = INT16_MAX / 2;
		pcm[2 * i + 1] = -(INT16_MAX / 2);
	}
	int error = vmm_snd_send(&sound->snd, 0, pcm, sizeof(pcm), sound->sent);
	if (error == 0 && has_click) {
		atomic_store(&shared->click_ns, heard_ns(sound, sound->sent * PERIOD_FRAMES));
		atomic_store(&shared->clicks_sent, asked);
	}
	sound->sent++;
	return error;
}

static int begin(struct guest_sound *sound) {
	const struct vmm_snd_params params = {
		.buffer_bytes = PERIOD_BYTES * QUEUED_PERIODS,
		.period_bytes = PERIOD_BYTES,
		.channels = 2,
		.format = S16,
		.rate = RATE_48000,
	};
	sound->sent = sound->done = sound->clock_ns = 0;
	if (vmm_snd_set_params(&sound->snd, 0, &params) != VMM_SND_OK ||
		vmm_snd_command(&sound->snd, VMM_SND_PREPARE, 0) != VMM_SND_OK) {
		return -EREMOTEIO;
	}
	for (unsigned i = 0; i < QUEUED_PERIODS; i++) {
		int error = send_period(sound);
		if (error != 0) {
			return error;
		}
	}
	return vmm_snd_command(&sound->snd, VMM_SND_START, 0) == VMM_SND_OK ? 0 : -EREMOTEIO;
}

/* Until the device is gone, or has been silent for too long. */
static void play(struct guest_sound *sound) {
	struct vmm_snd_done done;
	uint64_t last_ns = clock_now_ns();
	while (clock_now_ns() - last_ns < SILENT_NS) {
		while (vmm_snd_take(&sound->snd, &done)) {
			last_ns = clock_now_ns();
			sound->done++;
			set_clock(sound,
				(int64_t)(sound->done * PERIOD_FRAMES) - done.latency_bytes / 4);
		}
		if (sound->sent == sound->done && sound->clock_ns != 0) {
			set_clock(sound, (int64_t)(sound->sent * PERIOD_FRAMES)); /* ran dry */
		}
		while (sound->sent - sound->done < QUEUED_PERIODS) {
			if (send_period(sound) != 0) {
				return;
			}
		}
		nanosleep(&(struct timespec) { .tv_nsec = LOOK_NS }, NULL);
	}
}

static void *run(void *data) {
	struct guest_sound *sound = data;
	const struct vmm_ram_options ram = { .bytes = 4 << 20 };
	const struct vmm_device_options options = { .queue_size = 64 };
	for (;;) {
		if (vmm_ram_init(&sound->ram, &ram) == 0) {
			if (vmm_snd_connect(&sound->snd, &sound->ram, sound->socket, options,
				    PERIOD_BYTES) == 0 &&
				vmm_device_start(&sound->snd.device) == 0 && begin(sound) == 0) {
				play(sound);
			}
			vmm_snd_close(&sound->snd);
			vmm_ram_finish(&sound->ram);
		}
		nanosleep(&(struct timespec) { .tv_nsec = 20 * NS_PER_MS }, NULL);
	}
	return NULL;
}

int guest_sound_start(
	struct guest_sound *sound, struct cluster_guest_shared *shared, const char *socket) {
	*sound = (struct guest_sound) { .shared = shared, .socket = socket };
	return realtime_thread_create(&sound->thread, PRIORITY, run, sound, NULL);
}
