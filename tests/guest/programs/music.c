/*
 * music: writes the tune that the demo's second guest plays, a WAV of 48 kHz, 16 bit, stereo. Made of
 * nothing but sines, so it is nobody's copyright and a test knows which frequencies to look for: four
 * chords of three notes, a melody above them on the right, and the tonic 220 Hz softly throughout.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE 48000
#define BEAT_FRAMES (RATE / 2)
#define CHORD_BEATS 4
#define CHORDS 4
#define NOTES 3
#define DEFAULT_SECONDS 32
#define MAX_SECONDS 3600
#define HEADER_BYTES 44

/* A, F, C, A */
static const double chords[CHORDS][NOTES] = {
	{ 220.00, 277.18, 329.63 },
	{ 174.61, 220.00, 261.63 },
	{ 261.63, 329.63, 392.00 },
	{ 220.00, 277.18, 329.63 },
};

static const double melody[CHORDS * CHORD_BEATS] = {
	659.26,
	554.37,
	659.26,
	880.00,
	698.46,
	659.26,
	523.25,
	440.00,
	783.99,
	659.26,
	523.25,
	587.33,
	659.26,
	554.37,
	440.00,
	440.00,
};

/* A struck string: quick to rise, slow to fall. */
static double pluck(double seconds, double decay) {
	return fmin(1, seconds * 200) * exp(-seconds * decay);
}

static double sine(double hz, double seconds) {
	return sin(2 * M_PI * hz * seconds);
}

static void frame_at(uint32_t position, int16_t frame[2]) {
	uint32_t beat = position / BEAT_FRAMES % (CHORDS * CHORD_BEATS);
	uint32_t in_chord = position % (BEAT_FRAMES * CHORD_BEATS);
	double seconds = (double)position / RATE, chord = 0, voice;

	for (int i = 0; i < NOTES; i++) {
		chord += sine(chords[beat / CHORD_BEATS][i], seconds) / NOTES;
	}
	chord *= pluck((double)in_chord / RATE, 0.8);
	voice = sine(melody[beat], seconds) * pluck((double)(position % BEAT_FRAMES) / RATE, 4);
	double drone = 0.08 * sine(220, seconds);
	frame[0] = (int16_t)lrint(32767 * (0.30 * chord + 0.06 * voice + drone));
	frame[1] = (int16_t)lrint(32767 * (0.22 * chord + 0.14 * voice + drone));
}

static void put_le32(uint8_t *bytes, uint32_t value) {
	for (int i = 0; i < 4; i++) {
		bytes[i] = (uint8_t)(value >> 8 * i);
	}
}

static bool write_header(FILE *file, uint32_t frames) {
	uint8_t header[HEADER_BYTES] = "RIFF....WAVEfmt ";
	static const uint8_t pcm_stereo[] = { 1, 0, 2, 0 };
	static const uint8_t block_bits[] = { 4, 0, 16, 0 };

	put_le32(header + 4, HEADER_BYTES - 8 + 4 * frames);
	put_le32(header + 16, 16);
	memcpy(header + 20, pcm_stereo, 4);
	put_le32(header + 24, RATE);
	put_le32(header + 28, RATE * 4);
	memcpy(header + 32, block_bits, 4);
	memcpy(header + 36, "data", 4);
	put_le32(header + 40, 4 * frames);
	return fwrite(header, sizeof(header), 1, file) == 1;
}

static bool write_frames(FILE *file, uint32_t frames) {
	for (uint32_t i = 0; i < frames; i++) {
		int16_t frame[2];
		uint8_t bytes[4];

		frame_at(i, frame);
		put_le32(bytes, (uint32_t)(uint16_t)frame[0] | (uint32_t)(uint16_t)frame[1] << 16);
		if (fwrite(bytes, sizeof(bytes), 1, file) != 1) {
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv) {
	unsigned seconds = argc > 2 ? (unsigned)atoi(argv[2]) : DEFAULT_SECONDS;
	FILE *file = argc > 1 ? fopen(argv[1], "wb") : NULL;

	if (!file || seconds == 0 || seconds > MAX_SECONDS) {
		fprintf(stderr, "usage: music FILE.wav [SECONDS]   (1 to %d)\n", MAX_SECONDS);
		return EXIT_FAILURE;
	}
	bool ok = write_header(file, seconds * RATE) && write_frames(file, seconds * RATE);
	ok = fclose(file) == 0 && ok;
	if (!ok) {
		fprintf(stderr, "music: cannot write %s\n", argv[1]);
	}
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
