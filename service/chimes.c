#include "service/chimes.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/chimes.h"
#include "core/crc32.h"
#include "core/fd.h"
#include "core/macros.h"

#define ALIGN 64
#define FRAME_BYTES (CHIMES_CHANNELS * sizeof(float))
#define TWO_PI 6.28318530717958647692
#define ATTACK_S 0.004  /* as short as a mallet's, and no click */
#define RELEASE_S 0.050 /* the end of a chime fades to silence */
#define LEVEL 0.68      /* of the loudest sample: below CHIMES_PEAK by more than rounding */
#define STROKES_MAX 3

/* A gong is a few partials that are no multiples of each other, the high ones dying first. */
static const struct partial {
	double ratio, level, life; /* of the fundamental */
} partials[] = {
	{ 1.0, 1.0, 1.0 },
	{ 2.0, 0.42, 0.6 },
	{ 2.756, 0.22, 0.35 },
	{ 4.07, 0.09, 0.2 },
};

struct stroke {
	double at_s, hz, decay_s; /* the fundamental falls to 1/e in decay_s */
};

static const struct gong {
	double length_s;
	unsigned strokes_len;
	struct stroke strokes[STROKES_MAX];
} gongs[CUE_CHIMES] = {
	[CUE_CHIME_INFORMATION] = { 0.9, 1, { { 0, 659.26, 0.22 } } },
	[CUE_CHIME_CAUTION] = { 1.4, 2, { { 0, 783.99, 0.24 }, { 0.38, 587.33, 0.30 } } },
	[CUE_CHIME_WARNING] = { 1.2, 3,
		{ { 0, 1046.5, 0.12 }, { 0.24, 1046.5, 0.12 }, { 0.48, 1318.5, 0.20 } } },
};

/* Adds to `sound`, one value per frame. A phasor that turns and shrinks: no sine per frame. */
static void add_partial(const struct stroke *stroke, const struct partial *partial, uint32_t rate,
	double *sound, uint32_t frames) {
	double angle = TWO_PI * stroke->hz * partial->ratio / rate;
	double shrink = exp(-1 / (stroke->decay_s * partial->life * rate));
	double turn_x = shrink * cos(angle), turn_y = shrink * sin(angle);
	double x = partial->level, y = 0;
	for (uint32_t i = 0; i < frames; i++) {
		sound[i] += y * MIN(i / (ATTACK_S * rate), 1.0);
		double turned_x = x * turn_x - y * turn_y;
		y = x * turn_y + y * turn_x;
		x = turned_x;
	}
}

static uint32_t frames_of(enum cue_chime chime, uint32_t rate) {
	return (uint32_t)(gongs[chime].length_s * rate);
}

static void sound_of_gong(const struct gong *gong, uint32_t rate, double *sound, uint32_t frames) {
	for (unsigned i = 0; i < gong->strokes_len; i++) {
		const struct stroke *stroke = &gong->strokes[i];
		uint32_t at = (uint32_t)(stroke->at_s * rate);
		for (size_t j = 0; j < ARRAY_LEN(partials); j++) {
			/* what is above half the rate would come back as a tone of its own */
			if (stroke->hz * partials[j].ratio < rate / 2.0) {
				add_partial(stroke, &partials[j], rate, sound + at, frames - at);
			}
		}
	}
	for (uint32_t i = 0; i < frames; i++) {
		/* the last frame is silent, not one step before it */
		sound[i] *= MIN((frames - 1 - i) / (RELEASE_S * rate), 1.0);
	}
}

static int render(enum cue_chime chime, uint32_t rate, float *samples) {
	uint32_t frames = frames_of(chime, rate);
	double *sound = calloc(frames, sizeof(*sound));
	if (sound == NULL) {
		return -ENOMEM;
	}
	sound_of_gong(&gongs[chime], rate, sound, frames);
	double loudest = 0;
	for (uint32_t i = 0; i < frames; i++) {
		loudest = MAX(loudest, fabs(sound[i]));
	}
	for (uint32_t i = 0; i < frames; i++) {
		for (unsigned j = 0; j < CHIMES_CHANNELS; j++) {
			samples[(size_t)CHIMES_CHANNELS * i + j] =
				(float)(sound[i] * LEVEL / loudest);
		}
	}
	free(sound);
	return 0;
}

static uint64_t place(struct chimes_header *header, uint32_t rate) {
	uint64_t at = sizeof(*header);
	for (unsigned i = CUE_CHIME_NONE + 1; i < CUE_CHIMES; i++) {
		at = (at + ALIGN - 1) / ALIGN * ALIGN;
		header->chimes[i].offset = at;
		header->chimes[i].frames = frames_of((enum cue_chime)i, rate);
		at += header->chimes[i].frames * FRAME_BYTES;
	}
	return fd_round_to_page(at);
}

/* Renders into `bank` what the header says, and its checksums into the header. */
static int fill(struct chimes_header *header, uint8_t *bank) {
	for (unsigned i = CUE_CHIME_NONE + 1; i < CUE_CHIMES; i++) {
		struct chimes_entry *entry = &header->chimes[i];
		float *samples = (float *)(void *)(bank + entry->offset);
		int rc = render((enum cue_chime)i, header->rate, samples);
		if (rc < 0) {
			return rc;
		}
		entry->crc32 = crc32_update(0, samples, entry->frames * FRAME_BYTES);
	}
	header->crc32 = chimes_crc32(header);
	memcpy(bank, header, sizeof(*header));
	return 0;
}

int chimes_create_fd(uint32_t rate) {
	assert(rate >= 8000 && rate <= 192000);
	struct chimes_header header = {
		.magic = CHIMES_MAGIC,
		.version = CHIMES_VERSION,
		.rate = rate,
	};
	header.size_bytes = place(&header, rate);
	uint8_t *bank = calloc(1, header.size_bytes);
	if (bank == NULL) {
		return -ENOMEM;
	}
	int fd = fill(&header, bank);
	if (fd == 0) {
		fd = fd_memfd_create_constant("chimes", bank, header.size_bytes);
	}
	free(bank);
	return fd;
}
