/*
 * Sound end to end in one thread: guests (tests/vmm), the real device of each, sample links, and the
 * real mixer on a memory sink whose clock is the test's: a quantum passes when the test says so.
 *
 *      vmm_snd ══socket pair══> sound_device ──sample link──> mixer ──> memory sink ──> reader
 */
#ifndef TESTS_AUDIO_SOUND_RIG_H
#define TESTS_AUDIO_SOUND_RIG_H

#include "audio/mixer/cycle.h"
#include "audio/mixer/sink_memory.h"
#include "audio/sound_device.h"
#include "tests/audio/link_pair.h"
#include "tests/vmm/vmm_snd.h"

#define SOUND_RIG_GUESTS_MAX 2
#define SOUND_RIG_TAPE_FRAMES (48000 * 8)

struct sound_rig_options {
	unsigned guests;         /* 0: 1 */
	unsigned streams;        /* 0: 2 */
	uint32_t rate;           /* 0: 48000 */
	uint32_t quantum_frames; /* 0: 128 */
	bool waits;
	uint32_t
		latency_frames; /* > 0: a sink that holds so many; its samples are on the tape as well */
	uint32_t slot_bytes; /* 0: 8192 */
	uint16_t queue_size; /* 0: 256 */
};

struct sound_rig_guest {
	struct link_pair link;
	struct vmm_ram ram;
	struct sound_device *device; /* NULL: its session ended, or it was killed */
	struct vmm_snd snd;
};

struct sound_rig {
	struct sound_rig_options options;
	struct loop *loop;
	struct stats stats;
	struct sound_rig_guest guests[SOUND_RIG_GUESTS_MAX];
	struct mixer mixer;
	struct sink *sink;
	struct cycle cycle;
	int step_fd, memory_fd;
	struct sink_reader reader;
	float tape[SOUND_RIG_TAPE_FRAMES * 2]; /* everything that was mixed */
	uint32_t tape_frames;
	unsigned ended; /* sessions */
};

/* Connected and started. Aborts the test on failure. */
struct sound_rig *sound_rig_create(struct sound_rig_options options);
void sound_rig_destroy(struct sound_rig *rig);

/* Runs the loop until nothing is left to do. */
void sound_rig_settle(struct sound_rig *rig);
/* One tick of the sink, and everything that follows from it. Returns the frames that were mixed. */
uint32_t sound_rig_quantum(struct sound_rig *rig);
void sound_rig_quanta(struct sound_rig *rig, unsigned quanta);

/* The process of a guest's device dies: nothing is said to anybody. */
void sound_rig_kill(struct sound_rig *rig, unsigned guest);

/* SET_PARAMS and PREPARE; all must be OK. */
void sound_rig_prepare(struct sound_rig *rig, unsigned guest, unsigned stream, uint8_t format,
	uint8_t rate, uint8_t channels, uint32_t period_bytes, uint32_t periods);
/* Sends a command that must be OK. */
void sound_rig_command(
	struct sound_rig *rig, unsigned guest, enum vmm_snd_code code, unsigned stream);

/* A value of the statistics page by its full name; aborts when there is none. */
uint64_t sound_rig_stat(const struct sound_rig *rig, const char *name);

/* What the test's clock says beside the last quantum's time. */
extern uint64_t sound_rig_after_quantum_ns;

#endif
