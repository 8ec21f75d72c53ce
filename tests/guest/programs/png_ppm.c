/*
 * png-ppm: turns a PNG into a binary PPM on standard output, which a test script can read without a
 * library: "P6\nWIDTH HEIGHT\n255\n", then rows of R, G, B.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/png.h"

static void write_row(const uint32_t *pixels, uint32_t width) {
	for (uint32_t x = 0; x < width; x++) {
		putchar_unlocked((int)(pixels[x] >> 16 & 0xff));
		putchar_unlocked((int)(pixels[x] >> 8 & 0xff));
		putchar_unlocked((int)(pixels[x] & 0xff));
	}
}

int main(int argc, char **argv) {
	struct png png;

	if (argc != 2) {
		fprintf(stderr, "usage: png-ppm FILE.png >FILE.ppm\n");
		return EXIT_FAILURE;
	}
	int r = png_read(&png, argv[1]);
	if (r < 0) {
		fprintf(stderr, "png-ppm: %s: %s\n", argv[1], strerror(-r));
		return EXIT_FAILURE;
	}
	printf("P6\n%u %u\n255\n", png.width, png.height);
	for (uint32_t y = 0; y < png.height; y++) {
		write_row(png.pixels + (size_t)y * png.width, png.width);
	}
	png_finish(&png);
	return ferror(stdout) || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
