#include "service/wav.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "core/macros.h"

#define FORMAT_PCM 1
#define FORMAT_FLOAT 3
#define CHUNK_FRAMES 1024
#define CHANNELS_MAX 8

/* RIFF WAVE in its smallest form: the header of 44 bytes, then the samples; little-endian. */
struct header {
	char riff[4];
	uint8_t riff_bytes[4]; /* all that follows this field */
	char wave[4];
	char fmt[4];
	uint8_t fmt_bytes[4];
	uint8_t format[2];
	uint8_t channels[2];
	uint8_t rate[4];
	uint8_t bytes_per_second[4];
	uint8_t frame_bytes[2];
	uint8_t sample_bits[2];
	char data[4];
	uint8_t data_bytes[4];
};

_Static_assert(sizeof(struct header) == 44, "as the format says");

static void put_u16(uint8_t bytes[2], uint32_t value) {
	bytes[0] = (uint8_t)value;
	bytes[1] = (uint8_t)(value >> 8);
}

static void put_u32(uint8_t bytes[4], uint32_t value) {
	put_u16(bytes, value);
	put_u16(bytes + 2, value >> 16);
}

static uint32_t sample_bytes(const struct wav *wav) {
	return wav->format == WAV_S16 ? 2 : 4;
}

static uint32_t frame_bytes(const struct wav *wav) {
	return sample_bytes(wav) * wav->channels;
}

static uint64_t frames_max(const struct wav *wav) {
	return (UINT32_MAX - sizeof(struct header)) / frame_bytes(wav);
}

int wav_sync(struct wav *wav) {
	uint32_t data_bytes = (uint32_t)(wav->frames * frame_bytes(wav));
	struct header header = {
		.riff = { 'R', 'I', 'F', 'F' },
		.wave = { 'W', 'A', 'V', 'E' },
		.fmt = { 'f', 'm', 't', ' ' },
		.data = { 'd', 'a', 't', 'a' },
	};
	put_u32(header.riff_bytes, data_bytes + sizeof(header) - 8);
	put_u32(header.fmt_bytes, 16);
	put_u16(header.format, wav->format == WAV_S16 ? FORMAT_PCM : FORMAT_FLOAT);
	put_u16(header.channels, wav->channels);
	put_u32(header.rate, wav->rate);
	put_u32(header.bytes_per_second, wav->rate * frame_bytes(wav));
	put_u16(header.frame_bytes, frame_bytes(wav));
	put_u16(header.sample_bits, sample_bytes(wav) * 8);
	put_u32(header.data_bytes, data_bytes);
	if (fseek(wav->file, 0, SEEK_SET) != 0 ||
		fwrite(&header, sizeof(header), 1, wav->file) != 1 ||
		fseek(wav->file, 0, SEEK_END) != 0 || fflush(wav->file) != 0) {
		return -errno;
	}
	return 0;
}

int wav_create(struct wav *wav, const char *path, enum wav_format format, uint32_t rate,
	uint16_t channels) {
	if (channels < 1 || channels > CHANNELS_MAX) {
		return -EINVAL;
	}
	*wav = (struct wav) { .format = format, .rate = rate, .channels = channels };
	wav->file = fopen(path, "wbe");
	if (wav->file == NULL) {
		return -errno;
	}
	int error = wav_sync(wav);
	if (error != 0) {
		fclose(wav->file);
	}
	return error;
}

/* Silence for what is not a number; the loudest there is for what is too loud. */
static int16_t s16_from_float(float sample) {
	float scaled = sample * 32768.0f;
	if (!(scaled > -32768.0f)) {
		return isnan(sample) ? 0 : INT16_MIN;
	}
	return scaled < 32767.0f ? (int16_t)lrintf(scaled) : INT16_MAX;
}

static void encode(const struct wav *wav, const float *samples, size_t len, uint8_t *bytes) {
	for (size_t i = 0; i < len; i++) {
		if (wav->format == WAV_S16) {
			put_u16(bytes + 2 * i, (uint16_t)s16_from_float(samples[i]));
		} else {
			uint32_t word;
			memcpy(&word, &samples[i], sizeof(word));
			put_u32(bytes + 4 * i, word);
		}
	}
}

int wav_write(struct wav *wav, const float *samples, uint32_t frames) {
	uint8_t bytes[CHUNK_FRAMES * 4];
	uint32_t chunk = CHUNK_FRAMES / wav->channels;
	uint64_t room = frames_max(wav) - wav->frames;
	wav->full = frames > room;
	frames = (uint32_t)MIN(frames, room);
	while (frames > 0) {
		uint32_t now = MIN(frames, chunk);
		encode(wav, samples, (size_t)now * wav->channels, bytes);
		if (fwrite(bytes, frame_bytes(wav), now, wav->file) != now) {
			return -errno;
		}
		wav->frames += now;
		samples += (size_t)now * wav->channels;
		frames -= now;
	}
	return wav->full ? -EFBIG : 0;
}

int wav_close(struct wav *wav) {
	int error = wav_sync(wav);
	if (fclose(wav->file) != 0 && error == 0) {
		error = -errno;
	}
	wav->file = NULL;
	return error;
}
