#include "audio/mixer/safety_voice.h"

#include <assert.h>
#include <stdatomic.h>

#include "audio/mixer/kernels.h"
#include "core/crc32.h"
#include "core/macros.h"

/* With each tick: some microseconds, and the whole bank within seconds. */
#define SCRUB_BYTES UINT64_C(4096)

static_assert(
	CHIMES_PEAK_PERCENT <= DUCK_DEPTH_PERCENT, "what the programme gives up holds the chime");
static_assert(CHIMES_CHANNELS == MIX_CHANNELS, "chimes are mixed as they are");

static void count(_Atomic uint64_t *value) {
	atomic_fetch_add_explicit(value, 1, memory_order_relaxed);
}

static void set_bank(struct safety_voice *voice, enum safety_voice_bank bank) {
	atomic_store_explicit(voice->bank, bank, memory_order_relaxed);
}

static bool has_bank(const struct safety_voice *voice) {
	return atomic_load_explicit(voice->bank, memory_order_relaxed) == SAFETY_VOICE_BANK;
}

void safety_voice_init(struct safety_voice *voice, uint32_t rate, struct cue_player *cues,
	const struct chimes *chimes, struct stats *stats) {
	*voice = (struct safety_voice) {
		.cues = cues,
		.chimes = chimes,
		.attack_step = 1000.0f / (float)(rate * DUCK_ATTACK_MS),
		.release_step = 1000.0f / ((float)rate * DUCK_RELEASE_MS),
		.scrubbed = CUE_CHIME_NONE + 1,
		.played = stats_value(stats, "", "chimes.played"),
		.heard = stats_value(stats, "", "chimes.heard"),
		.refused = stats_value(stats, "", "chimes.refused"),
		.covered = stats_value(stats, "", "chimes.covered"),
		.bank = stats_value(stats, SAFETY_VOICE_BANK_NAMES, "chimes.bank"),
	};
	set_bank(voice, chimes->base != NULL ? SAFETY_VOICE_BANK : SAFETY_VOICE_NO_BANK);
	if (cues != NULL) {
		voice->seen = MAX(atomic_load(&cues->own->begun), atomic_load(&cues->own->refused));
	}
}

/* ---- requests ---- */

static bool sounds(const struct chime_player *player) {
	return player->at < player->frames;
}

static void refuse(struct safety_voice *voice, uint64_t number) {
	cue_set_refused(voice->cues, number);
	count(voice->refused);
}

static void play(struct safety_voice *voice, enum cue_chime chime) {
	voice->before = voice->now;
	voice->cross = sounds(&voice->before) ? 0.0f : 1.0f;
	voice->now = (struct chime_player) {
		.chime = chime,
		.frames = voice->chimes->entries[chime].frames,
	};
	count(voice->played);
}

static void take(struct safety_voice *voice, enum cue_chime chime) {
	if (!has_bank(voice)) {
		refuse(voice, voice->seen);
		return;
	}
	if (sounds(&voice->now) && voice->now.chime > chime) {
		count(voice->covered);
	} else {
		play(voice, chime);
	}
	voice->number = voice->seen;
	voice->begun_due = true;
}

static void take_all(struct safety_voice *voice) {
	enum cue_chime most = CUE_CHIME_NONE;
	for (int i = 0; i < CUE_PENDING_MAX; i++) {
		enum cue_chime chime = cue_take(voice->cues, &voice->seen);
		if (chime == CUE_CHIME_NONE) {
			break;
		}
		if (most != CUE_CHIME_NONE) {
			count(voice->covered);
		}
		most = chime > most ? chime : most;
	}
	if (most != CUE_CHIME_NONE) {
		take(voice, most);
	}
}

/* ---- the bank ---- */

/* A chime that is found damaged while it sounds is cut: what is left of it is anything but a chime. */
static void scrub(struct safety_voice *voice) {
	const struct chimes_entry *entry = &voice->chimes->entries[voice->scrubbed];
	uint64_t bytes = entry->frames * (uint64_t)CHIMES_CHANNELS * sizeof(float);
	const uint8_t *from = (const uint8_t *)chimes_samples(voice->chimes, voice->scrubbed) +
		voice->scrubbed_bytes;
	uint64_t len = MIN(SCRUB_BYTES, bytes - voice->scrubbed_bytes);
	voice->scrubbed_crc32 = crc32_update(voice->scrubbed_crc32, from, len);
	voice->scrubbed_bytes += len;
	if (voice->scrubbed_bytes < bytes) {
		return;
	}
	if (voice->scrubbed_crc32 != entry->crc32) {
		set_bank(voice, SAFETY_VOICE_BANK_DAMAGED);
		voice->now = voice->before = (struct chime_player) { 0 };
		if (voice->begun_due) {
			refuse(voice, voice->number);
			voice->begun_due = false;
		}
	}
	voice->scrubbed =
		voice->scrubbed + 1 < CUE_CHIMES ? voice->scrubbed + 1 : CUE_CHIME_NONE + 1;
	voice->scrubbed_bytes = 0;
	voice->scrubbed_crc32 = 0;
}

bool safety_voice_look(struct safety_voice *voice) {
	if (voice->cues == NULL) {
		return false;
	}
	if (has_bank(voice)) {
		scrub(voice);
	}
	take_all(voice);
	return sounds(&voice->now);
}

/* ---- the mix ---- */

/* A bit may have changed since the bank was checked last; not a number becomes the peak, too. */
static float within_peak(float sample) {
	sample = sample <= CHIMES_PEAK ? sample : CHIMES_PEAK;
	return sample >= -CHIMES_PEAK ? sample : -CHIMES_PEAK;
}

/* Adds the next frame of a chime, if there is one. */
static void add_frame(
	const struct safety_voice *voice, struct chime_player *player, float gain, float *frame) {
	if (!sounds(player)) {
		return;
	}
	const float *samples = chimes_samples(voice->chimes, player->chime);
	for (unsigned i = 0; i < MIX_CHANNELS; i++) {
		frame[i] += gain * within_peak(samples[(size_t)MIX_CHANNELS * player->at + i]);
	}
	player->at++;
}

static void mix_frame(struct safety_voice *voice, float *frame) {
	bool sounding = sounds(&voice->now);
	voice->duck = sounding ? MIN(voice->duck + voice->attack_step, 1.0f)
			       : MAX(voice->duck - voice->release_step, 0.0f);
	voice->cross = MIN(voice->cross + voice->attack_step, 1.0f);
	for (unsigned i = 0; i < MIX_CHANNELS; i++) {
		frame[i] *= 1.0f - DUCK_DEPTH * voice->duck;
	}
	add_frame(voice, &voice->before, voice->duck * (1.0f - voice->cross), frame);
	add_frame(voice, &voice->now, voice->duck * voice->cross, frame);
}

void safety_voice_mix(struct safety_voice *voice, float *mix, uint32_t frames) {
	if (!sounds(&voice->now) && voice->duck == 0.0f) {
		return;
	}
	for (uint32_t i = 0; i < frames; i++) {
		bool sounded = sounds(&voice->now);
		mix_frame(voice, mix + (size_t)MIX_CHANNELS * i);
		if (sounded && !sounds(&voice->now)) {
			voice->ended = voice->given + i + 1;
			voice->ended_number = voice->number;
		}
	}
	/* nothing of the above is beyond full scale by more than a rounding */
	kernel_clip(mix, frames);
}

void safety_voice_publish(
	struct safety_voice *voice, uint32_t frames, uint32_t latency_frames, uint64_t now_ns) {
	voice->given += frames;
	if (voice->begun_due && voice->now.at > 0) {
		cue_set_begun(voice->cues, voice->number, now_ns);
		voice->begun_due = false;
	}
	uint64_t heard = voice->given - MIN(voice->given, latency_frames);
	if (voice->ended_number != 0 && heard >= voice->ended) {
		cue_set_heard(voice->cues, voice->ended_number, now_ns);
		count(voice->heard);
		voice->ended_number = 0;
	}
}
