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

#define TUNE_FRAMES (CHORDS * CHORD_BEATS * BEAT_FRAMES)

/* A, F, C, A. Rounded to whole periods in the tune's 8 seconds, so that it repeats without a seam. */
static const double chords[CHORDS][NOTES] = {
	{ 220.000, 277.125, 329.625 },
	{ 174.625, 220.000, 261.625 },
	{ 261.625, 329.625, 392.000 },
	{ 220.000, 277.125, 329.625 },
};

static const double melody[CHORDS * CHORD_BEATS] = {
	659.25, 554.375, 659.25, 880.0, 698.5, 659.25, 523.25, 440.0, //
	784.00, 659.250, 523.25, 587.375, 659.25, 554.375, 440.0, 440.0, //
};

static uint8_t tune[TUNE_FRAMES][4]; /* as in the file */

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

static void compose(void) {
	for (uint32_t i = 0; i < TUNE_FRAMES; i++) {
		int16_t frame[2];

		frame_at(i, frame);
		put_le32(
			tune[i], (uint32_t)(uint16_t)frame[0] | (uint32_t)(uint16_t)frame[1] << 16);
	}
}

static bool write_frames(FILE *file, uint32_t frames) {
	while (frames > 0) {
		uint32_t len = frames < TUNE_FRAMES ? frames : TUNE_FRAMES;

		if (fwrite(tune, sizeof(tune[0]), len, file) != len) {
			return false;
		}
		frames -= len;
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
	compose();
	bool ok = write_header(file, seconds * RATE) && write_frames(file, seconds * RATE);
	ok = fclose(file) == 0 && ok;
	if (!ok) {
		fprintf(stderr, "music: cannot write %s\n", argv[1]);
	}
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
