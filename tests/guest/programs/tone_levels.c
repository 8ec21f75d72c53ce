/*
 * tone-levels: how loud given tones are in a sound, over time. Reads mono samples (32-bit float, the
 * machine's byte order) from standard input; prints a line per hop: seconds, then the amplitude at
 * each frequency, in a window of Hann's shape around that moment.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define TONES_MAX 16

struct tones {
	double rate;
	double hz[TONES_MAX];
	int len;
	size_t window, hop; /* frames */
};

static float *read_samples(size_t *len) {
	size_t capacity = 1 << 16;
	float *samples = malloc(capacity * sizeof(*samples));

	*len = 0;
	while (samples) {
		*len += fread(samples + *len, sizeof(*samples), capacity - *len, stdin);
		if (*len < capacity) {
			return samples;
		}
		capacity *= 2;
		float *larger = realloc(samples, capacity * sizeof(*samples));
		if (!larger) {
			free(samples);
		}
		samples = larger;
	}
	return NULL;
}

static double amplitude(const struct tones *tones, const float *samples, double hz) {
	double real = 0, imaginary = 0, weight = 0;
	double step = 2 * M_PI * hz / tones->rate;

	for (size_t i = 0; i < tones->window; i++) {
		double hann = 0.5 - 0.5 * cos(2 * M_PI * ((double)i + 0.5) / (double)tones->window);
		real += hann * samples[i] * cos(step * (double)i);
		imaginary += hann * samples[i] * sin(step * (double)i);
		weight += hann;
	}
	return 2 * sqrt(real * real + imaginary * imaginary) / weight;
}

static void print_levels(const struct tones *tones, const float *samples, size_t len) {
	for (size_t at = 0; at + tones->window <= len; at += tones->hop) {
		printf("%.4f", ((double)at + (double)tones->window / 2) / tones->rate);
		for (int i = 0; i < tones->len; i++) {
			printf(" %.6f", amplitude(tones, samples + at, tones->hz[i]));
		}
		putchar('\n');
	}
}

int main(int argc, char **argv) {
	struct tones tones = { 0 };

	if (argc >= 5 && argc - 4 <= TONES_MAX) {
		tones.rate = atof(argv[1]);
		tones.window = (size_t)(tones.rate * atof(argv[2]) / 1000);
		tones.hop = (size_t)(tones.rate * atof(argv[3]) / 1000);
		for (int i = 4; i < argc; i++) {
			tones.hz[tones.len++] = atof(argv[i]);
		}
	}
	if (tones.window == 0 || tones.hop == 0) {
		fprintf(stderr, "usage: tone-levels RATE WINDOW_MS HOP_MS HZ... <FLOATS\n");
		return EXIT_FAILURE;
	}
	size_t len;
	float *samples = read_samples(&len);
	if (!samples) {
		fprintf(stderr, "tone-levels: no memory\n");
		return EXIT_FAILURE;
	}
	print_levels(&tones, samples, len);
	free(samples);
	return EXIT_SUCCESS;
}
