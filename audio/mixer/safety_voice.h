/*
 * The safety voice: the chimes that the compositor asks for (core/cue.h), on top of the programme.
 *
 *      programme, within -1..1 ──> x (1 - 0.75 d) ──┐
 *      chime, within CHIMES_PEAK ──> x d ───────────┴──> sum, within -1..1 ──> sink
 *
 *      d: 0 ── first frame: rises in DUCK_ATTACK_MS ──> 1 ── after the last: falls in DUCK_RELEASE_MS ──> 0
 *
 * The chime comes up by as much as the programme goes down, so that both never clip, whatever either
 * does, and its first frame is in the very quantum that follows the request. Without a chime the
 * programme keeps every bit.
 *
 * One chime sounds at a time. A request that is at least as severe as the one that sounds takes its
 * place, with a cross-fade of DUCK_ATTACK_MS. A lesser one is not played: the one that sounds stands for
 * it, and is its answer too. Of several requests in one quantum the most severe is played and answers
 * all.
 *
 * A request is answered as begun when the sink took the first frame, as heard when the sink's progress
 * passed the last one, as refused when there is no whole bank. The bank is checked before start and,
 * a little with each quantum, over and over again.
 *
 * Thread: the cycle's. After init no call allocates, locks, logs, or makes a system call.
 */
#ifndef AUDIO_MIXER_SAFETY_VOICE_H
#define AUDIO_MIXER_SAFETY_VOICE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/chimes.h"
#include "core/cue.h"
#include "core/stats.h"

#define DUCK_ATTACK_MS 4
#define DUCK_RELEASE_MS 300
#define DUCK_DEPTH_PERCENT 75 /* of the programme, while a chime sounds: -12 dB remain */
#define DUCK_DEPTH (DUCK_DEPTH_PERCENT / 100.0f)

enum safety_voice_bank { SAFETY_VOICE_NO_BANK, SAFETY_VOICE_BANK, SAFETY_VOICE_BANK_DAMAGED };
#define SAFETY_VOICE_BANK_NAMES "none|good|damaged"

struct chime_player {
	enum cue_chime chime; /* NONE: silent */
	uint32_t at, frames;  /* played so far, and in all */
};

struct safety_voice {
	struct cue_player *cues;     /* borrowed; NULL: nobody asks */
	const struct chimes *chimes; /* borrowed; without a bank in it all is refused */
	uint64_t seen;               /* the newest request taken */

	struct chime_player now, before; /* `before` fades out while `now` fades in */
	uint64_t number;             /* the newest request that `now` answers */
	bool begun_due;              /* `number` was not answered as begun yet */
	float duck, cross;           /* 0..1: of the programme, and from `before` to `now` */
	float attack_step, release_step; /* per frame */

	uint64_t given;              /* frames to the sink so far */
	uint64_t ended;              /* given up to and with the last frame of a chime... */
	uint64_t ended_number;       /* ...that answers this one; 0: none to be heard */

	enum cue_chime scrubbed;     /* the bank's own check: chime, bytes, and checksum so far */
	uint64_t scrubbed_bytes;
	uint32_t scrubbed_crc32;

	_Atomic uint64_t *played, *heard, *refused, *covered, *bank;
};

/* Requests that a predecessor answered are not played again. */
void safety_voice_init(struct safety_voice *voice, uint32_t rate, struct cue_player *cues,
	const struct chimes *chimes, struct stats *stats);

/* Takes new requests and checks a piece of the bank; to be called at each tick of the sink. True: there
 * is a chime to be heard. */
bool safety_voice_look(struct safety_voice *voice);

/* Turns the programme down and adds the chime. */
void safety_voice_mix(struct safety_voice *voice, float *mix, uint32_t frames);

/* The sink took what was mixed, `latency_frames` of all it ever took are not heard yet. Answers. */
void safety_voice_publish(
	struct safety_voice *voice, uint32_t frames, uint32_t latency_frames, uint64_t now_ns);

#endif
