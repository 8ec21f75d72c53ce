/*
 * WAV files, written as the samples come: a valid file at any time after wav_sync(), also when the
 * program is killed later.
 *
 * Samples are interleaved 32-bit float frames, -1..1. Thread: the owner's.
 */
#ifndef SERVICE_WAV_H
#define SERVICE_WAV_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum wav_format { WAV_S16, WAV_FLOAT };

struct wav {
	FILE *file;
	enum wav_format format;
	uint32_t rate;
	uint16_t channels;
	uint64_t frames; /* written so far */
	bool full;       /* 4 GiB are reached, which is all that the format can say */
};

/* 0 or -errno. */
int wav_create(struct wav *wav, const char *path, enum wav_format format, uint32_t rate,
	uint16_t channels);

/* Appends frames. S16: rounded, and clipped at full scale. 0, -errno, or -EFBIG when the file is full:
 * then what fitted was written. */
int wav_write(struct wav *wav, const float *samples, uint32_t frames);

/* Brings the header up to date. 0 or -errno. */
int wav_sync(struct wav *wav);

/* Brings the header up to date and closes the file. 0 or -errno. */
int wav_close(struct wav *wav);

#endif
