#include "tests/guest/programs/cluster_face.h"

#include <stdlib.h>
#include <string.h>

#include "core/macros.h"
#include "tests/suite.h"

#define FRAMES_PER_SECOND 30
/* cairo smooths an edge a little differently when another clip surrounds it */
#define EDGE_TOLERANCE 32

/* What is drawn by small changes over a stretch of the drive is what is drawn at once at its end. */
static const struct {
	const char *name;
	uint32_t width, height;
	double from, to; /* seconds */
} stretches[] = {
	{ "lamps are checked and go out", 1280, 480, 1.0, 6.5 },
	{ "accelerates through the gears", 1280, 480, 2.0, 9.0 },
	{ "brakes to a stop", 1280, 480, 52.0, 59.0 },
	{ "the drive begins again", 1280, 480, 59.0, 62.0 },
	{ "smaller, with borders", 800, 480, 20.0, 27.0 },
	{ "larger", 1920, 720, 30.0, 33.0 },
	{ "tiny", 64, 24, 2.0, 12.0 },
};

static struct face_buffer buffer_create(uint32_t width, uint32_t height) {
	struct face_buffer buffer = { .stride = width * 4, .pixels = calloc(height, width * 4) };
	ck_assert_ptr_nonnull(buffer.pixels);
	return buffer;
}

static void draw(struct cluster_face *face, struct face_buffer *buffer, double seconds) {
	struct drive drive = drive_at(seconds);
	cluster_face_draw(face, buffer, &drive);
}

START_TEST(small_changes_add_up) {
	uint32_t width = stretches[_i].width, height = stretches[_i].height;
	struct cluster_face *face = cluster_face_create(width, height);
	struct face_buffer grown = buffer_create(width, height);
	struct face_buffer fresh = buffer_create(width, height);

	ck_assert_ptr_nonnull(face);
	for (double at = stretches[_i].from; at < stretches[_i].to; at += 1.0 / FRAMES_PER_SECOND) {
		draw(face, &grown, at);
	}
	draw(face, &grown, stretches[_i].to);
	draw(face, &fresh, stretches[_i].to);
	for (uint32_t y = 0; y < height; y++) {
		for (uint32_t x = 0; x < 4 * width; x++) {
			size_t at = (size_t)y * grown.stride + x;
			int difference = abs(grown.pixels[at] - fresh.pixels[at]);
			ck_assert_msg(x % 4 == 3 || difference <= EDGE_TOLERANCE,
				"%s: pixel %u,%u differs", stretches[_i].name, x / 4, y);
		}
	}
	free(grown.pixels);
	free(fresh.pixels);
	cluster_face_destroy(face);
}
END_TEST

START_TEST(moments_differ) {
	struct cluster_face *face = cluster_face_create(ART_WIDTH, ART_HEIGHT);
	struct face_buffer before = buffer_create(ART_WIDTH, ART_HEIGHT);
	struct face_buffer after = buffer_create(ART_WIDTH, ART_HEIGHT);

	ck_assert_ptr_nonnull(face);
	draw(face, &before, 20.0);
	draw(face, &after, 20.1);
	ck_assert_int_ne(memcmp(before.pixels, after.pixels, ART_HEIGHT * before.stride), 0);
	free(before.pixels);
	free(after.pixels);
	cluster_face_destroy(face);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("guest cluster_face");
	TCase *drawing = suite_case(suite, "drawing");

	tcase_add_loop_test(drawing, small_changes_add_up, 0, ARRAY_LEN(stretches));
	tcase_add_test(drawing, moments_differ);
	return suite;
}
