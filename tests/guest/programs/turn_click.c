#include "tests/guest/programs/turn_click.h"

#include <alsa/asoundlib.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define CLICK_FRAMES (TURN_CLICK_RATE * 15 / 1000)
/* Long, for emulated machines: the kernel gives up a write that waits 1.1 times as long as this. */
#define LATENCY_US 400000
#define CHUNK_FRAMES 480
/* Of writes in a row, 0.44 s each: longer than the host's sink waits for anybody. */
#define REFUSALS_MAX 40

/* "Tick" and "tock": two periods, the second one softer. */
static int16_t samples[2 * TURN_CLICK_PERIOD_FRAMES][2];
static const int16_t silence[CHUNK_FRAMES][2];

static void paint_click(unsigned first, double volume) {
	for (unsigned i = 0; i < CLICK_FRAMES; i++) {
		double seconds = (double)i / TURN_CLICK_RATE;
		double wave = sin(2 * M_PI * TURN_CLICK_HZ * seconds) * exp(-seconds * 180);
		int16_t sample = (int16_t)lrint(32767 * volume * wave);
		samples[first + i][0] = sample;
		samples[first + i][1] = sample;
	}
}

/*
 * A late refill must not stop the stream: the host's sink waits for a stream that runs, but goes on
 * without one that stopped, and then the rhythm would have a gap.
 */
static int never_stop(snd_pcm_t *pcm) {
	snd_pcm_sw_params_t *params = NULL;
	snd_pcm_uframes_t boundary;
	int r = snd_pcm_sw_params_malloc(&params);

	if (r == 0) {
		r = snd_pcm_sw_params_current(pcm, params);
	}
	if (r == 0) {
		r = snd_pcm_sw_params_get_boundary(params, &boundary);
	}
	if (r == 0) {
		r = snd_pcm_sw_params_set_stop_threshold(pcm, params, boundary);
	}
	if (r == 0) {
		r = snd_pcm_sw_params(pcm, params);
	}
	snd_pcm_sw_params_free(params);
	return r;
}

static snd_pcm_t *open_device(const char *name) {
	snd_pcm_t *pcm;
	int r = snd_pcm_open(&pcm, name, SND_PCM_STREAM_PLAYBACK, 0);

	if (r < 0) {
		fprintf(stderr, "cluster-hmi: sound %s: %s\n", name, snd_strerror(r));
		return NULL;
	}
	r = snd_pcm_set_params(pcm, SND_PCM_FORMAT_S16_LE, SND_PCM_ACCESS_RW_INTERLEAVED, 2,
		TURN_CLICK_RATE, 0, LATENCY_US);
	if (r == 0) {
		r = never_stop(pcm);
	}
	if (r < 0) {
		fprintf(stderr, "cluster-hmi: sound %s: %s\n", name, snd_strerror(r));
		snd_pcm_close(pcm);
		return NULL;
	}
	return pcm;
}

static void play(struct turn_click *click, snd_pcm_t *pcm) {
	size_t position = 0;
	unsigned refusals = 0;

	while (!atomic_load(&click->stop) && refusals < REFUSALS_MAX) {
		size_t left = 2 * TURN_CLICK_PERIOD_FRAMES - position;
		bool is_on = atomic_load(&click->is_on);
		snd_pcm_sframes_t r = snd_pcm_writei(pcm, is_on ? samples[position] : silence[0],
			left < CHUNK_FRAMES ? left : CHUNK_FRAMES);
		refusals = r == -EIO ? refusals + 1 : 0;
		if (r == -EIO) {
			/* the host's sink waits for somebody else: nothing is lost */
		} else if (r < 0) {
			fprintf(stderr, "cluster-hmi: sound: %s\n", snd_strerror((int)r));
			if (snd_pcm_recover(pcm, (int)r, 1) < 0) {
				return;
			}
		} else {
			position += (size_t)r;
			position = is_on ? position % (2 * TURN_CLICK_PERIOD_FRAMES) : 0;
		}
	}
	if (refusals == REFUSALS_MAX) {
		fprintf(stderr, "cluster-hmi: sound: it stands still, and is opened anew\n");
	}
}

static void *run(void *data) {
	struct turn_click *click = data;

	while (!atomic_load(&click->stop)) {
		snd_pcm_t *pcm = open_device(click->device);
		if (pcm) {
			play(click, pcm);
			snd_pcm_drop(pcm);
			snd_pcm_close(pcm);
		}
		nanosleep(&(struct timespec) { .tv_sec = 1 }, NULL);
	}
	return NULL;
}

int turn_click_start(struct turn_click *click, const char *device) {
	paint_click(0, 0.5);
	paint_click(TURN_CLICK_PERIOD_FRAMES, 0.35);
	click->device = device;
	atomic_init(&click->stop, false);
	atomic_init(&click->is_on, false);
	return -pthread_create(&click->thread, NULL, run, click);
}

void turn_click_switch(struct turn_click *click, bool is_on) {
	atomic_store(&click->is_on, is_on);
}

void turn_click_stop(struct turn_click *click) {
	atomic_store(&click->stop, true);
	pthread_join(click->thread, NULL);
}
