#include "compositor/canvas.h"

#include <errno.h>
#include <string.h>

#include "core/config.h"
#include "core/fd.h"
#include "core/macros.h"
#include "display/output_inject.h"
#include "display/output_memory.h"
#include "tests/compositor/reference.h"
#include "tests/suite.h"

#define WIDTH 96
#define HEIGHT 64
#define BACKGROUND 0x204060
#define STEPS 400

struct rig {
	int fd;
	struct output *output;
	struct output_reader reader; /* what somebody in front of the display sees */
	struct painter *painter;
	struct canvas canvas;
	uint32_t seen[HEIGHT][WIDTH];
	uint64_t random;
};

static struct rig rig;

static void set_up(void) {
	rig = (struct rig) { .random = 0x9e3779b97f4a7c15 };
	rig.fd = output_memory_create_fd("test", WIDTH, HEIGHT);
	ck_assert_int_ge(rig.fd, 0);
	struct output *inner = output_create(CONFIG_OUTPUT_MEMORY, rig.fd, WIDTH, HEIGHT);
	ck_assert_ptr_nonnull(inner);
	rig.output = output_inject_create(inner, NULL);
	ck_assert_ptr_nonnull(rig.output);
	ck_assert_int_eq(output_reader_init(&rig.reader, fd_reopen_readonly(rig.fd)), 0);
	rig.painter = painter_create();
	ck_assert_ptr_nonnull(rig.painter);
	canvas_init(&rig.canvas, rig.output, rig.painter, BACKGROUND);
}

static void tear_down(void) {
	output_reader_finish(&rig.reader);
	output_destroy(rig.output);
	painter_destroy(rig.painter);
	fd_close(&rig.fd);
}

static uint32_t below(uint32_t limit) {
	return reference_random(&rig.random) % limit;
}

static struct sprite plain(uint32_t colour, struct rect place) {
	return (struct sprite) {
		.colour = colour,
		.opacity = 255,
		.opaque = true,
		.place = place,
		.visible = place,
	};
}

/* The scene begun: one area of a colour, or none (0). */
static void begin(uint32_t colour, struct rect place) {
	struct scene *scene = canvas_begin(&rig.canvas);
	struct rect bounds = canvas_bounds(&rig.canvas);
	const struct sprite sprite = plain(colour, place);
	const struct scene_item item = { .id = 1, .order = 1, .content = &rig };
	if (colour != 0) {
		scene_add(scene, &item, &sprite, &bounds);
	}
}

/* Whether it was shown. */
static bool present(void) {
	uint64_t shown_ns;
	ck_assert_int_eq(canvas_present(&rig.canvas, &shown_ns), 0);
	output_tick(rig.output, 1, 1);
	return shown_ns != 0;
}

static uint32_t seen(int32_t x, int32_t y) {
	ck_assert_int_gt(output_reader_copy(&rig.reader, rig.seen[0]), 0);
	return rig.seen[y][x] & 0xffffff;
}

static uint32_t viewed(int32_t x, int32_t y) {
	struct check_view view = canvas_view(&rig.canvas);
	ck_assert_uint_eq(view.bounds.width, WIDTH);
	ck_assert_uint_eq(view.bounds.height, HEIGHT);
	return view.pixels[(size_t)y * view.stride_bytes / 4 + (size_t)x] & 0xffffff;
}

static const struct rect all = { 0, 0, WIDTH, HEIGHT };
static const struct rect corner = { 4, 4, 8, 8 };

START_TEST(nothing_is_shown_before_it_can_be_looked_at) {
	ck_assert_uint_eq(canvas_view(&rig.canvas).bounds.width, 0);
	begin(0x111111, all);
	ck_assert(canvas_compose(&rig.canvas));
	ck_assert_uint_eq(viewed(5, 5), 0x111111);
	ck_assert_int_lt(output_reader_copy(&rig.reader, rig.seen[0]), 1);
	ck_assert(present());
	ck_assert_uint_eq(seen(5, 5), 0x111111);

	begin(0x222222, all);
	ck_assert(canvas_compose(&rig.canvas));
	ck_assert_uint_eq(viewed(5, 5), 0x222222);
	ck_assert_uint_eq(seen(5, 5), 0x111111);
	ck_assert(present());
	ck_assert_uint_eq(seen(5, 5), 0x222222);
}
END_TEST

START_TEST(without_a_change_the_view_is_what_is_shown) {
	begin(0x111111, all);
	canvas_compose(&rig.canvas);
	present();
	begin(0x111111, all);
	ck_assert(!canvas_compose(&rig.canvas));
	ck_assert_uint_eq(viewed(5, 5), 0x111111);
	uint64_t id;
	uint32_t stride;
	ck_assert_ptr_eq(canvas_view(&rig.canvas).pixels, output_shown(rig.output, &id, &stride));
	ck_assert(!present());
}
END_TEST

START_TEST(a_repair_lasts_one_picture) {
	for (unsigned round = 0; round < 4; round++) {
		begin(0x111111 + round % 2, all);
		canvas_compose(&rig.canvas);
		const struct sprite patch = plain(0xff0000, corner);
		canvas_repair(&rig.canvas, &patch);
		ck_assert_uint_eq(viewed(4, 4), 0xff0000);
		ck_assert_uint_eq(viewed(12, 4), 0x111111 + round % 2);
		ck_assert(present());
		ck_assert_uint_eq(seen(11, 11), 0xff0000);
		ck_assert_uint_eq(seen(3, 4), 0x111111 + round % 2);
		for (unsigned after = 0; after < 4; after++) {
			begin(0x111111 + round % 2, all);
			ck_assert(canvas_compose(&rig.canvas) == (after == 0));
			ck_assert(present() == (after == 0));
			ck_assert_uint_eq(seen(4, 4), 0x111111 + round % 2);
		}
	}
}
END_TEST

START_TEST(a_repair_of_what_is_shown_begins_a_picture) {
	begin(0x111111, all);
	canvas_compose(&rig.canvas);
	present();
	begin(0x111111, all);
	ck_assert(!canvas_compose(&rig.canvas));
	const struct sprite patch = plain(0xff0000, corner);
	canvas_repair(&rig.canvas, &patch);
	ck_assert_uint_eq(seen(4, 4), 0x111111);
	ck_assert_uint_eq(viewed(4, 4), 0xff0000);
	ck_assert_uint_eq(viewed(40, 40), 0x111111);
	ck_assert(present());
	ck_assert_uint_eq(seen(4, 4), 0xff0000);
	ck_assert_uint_eq(seen(40, 40), 0x111111);
}
END_TEST

START_TEST(a_repair_beyond_the_output_is_clipped) {
	begin(0x111111, all);
	canvas_compose(&rig.canvas);
	static const struct rect far[] = {
		{ -50, -50, 54, 54 },
		{ WIDTH - 4, HEIGHT - 4, 400, 400 },
		{ INT32_MAX, INT32_MIN, UINT32_MAX, UINT32_MAX },
		{ 0, 0, 0, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(far); i++) {
		const struct sprite patch = plain(0xff0000, far[i]);
		canvas_repair(&rig.canvas, &patch);
	}
	ck_assert(present());
	ck_assert_uint_eq(seen(3, 3), 0xff0000);
	ck_assert_uint_eq(seen(4, 4), 0x111111);
	ck_assert_uint_eq(seen(WIDTH - 1, HEIGHT - 1), 0xff0000);
}
END_TEST

START_TEST(what_was_refused_is_drawn_again_as_a_whole) {
	uint64_t shown_ns;
	begin(0x111111, all);
	canvas_compose(&rig.canvas);
	present();
	output_inject_fault(rig.output, OUTPUT_REFUSES, 0, false);
	begin(0x222222, all);
	canvas_compose(&rig.canvas);
	ck_assert_int_eq(canvas_present(&rig.canvas, &shown_ns), -EINVAL);
	ck_assert_uint_eq(shown_ns, 0);
	output_tick(rig.output, 1, 1);
	ck_assert_uint_eq(seen(5, 5), 0x111111);
	for (unsigned i = 0; i < 4; i++) {
		begin(0x222222, all);
		ck_assert(canvas_compose(&rig.canvas) == (i == 0));
		ck_assert(present() == (i == 0));
		ck_assert_uint_eq(seen(5, 5), 0x222222);
	}
}
END_TEST

START_TEST(what_is_forgotten_is_shown_again) {
	for (unsigned i = 0; i < 5; i++) {
		begin(0x111111, all);
		canvas_compose(&rig.canvas);
		ck_assert(present() == (i == 0 || i == 3));
		if (i == 2) {
			canvas_forget_shown(&rig.canvas);
		}
	}
}
END_TEST

#define AREAS 6

/* areas of a random walk, and what is put over them in this picture alone */
struct walk {
	struct sprite areas[AREAS];
	struct sprite patches[2];
	uint32_t patches_len;
};

static struct rect random_rect(void) {
	return (struct rect) { (int32_t)below(WIDTH) - 10, (int32_t)below(HEIGHT) - 10,
		1 + below(40), 1 + below(30) };
}

static void walk_on(struct walk *walk) {
	if (below(3) > 0) {
		walk->areas[below(AREAS)] = plain(below(1 << 24), random_rect());
	}
	walk->patches_len = below(4) == 0 ? 1 + below(2) : 0;
	for (uint32_t i = 0; i < walk->patches_len; i++) {
		walk->patches[i] = plain(below(1 << 24), random_rect());
	}
}

static void begin_walk(const struct walk *walk) {
	struct scene *scene = canvas_begin(&rig.canvas);
	struct rect bounds = canvas_bounds(&rig.canvas);
	for (uint32_t i = 0; i < AREAS; i++) {
		const struct scene_item item = { .id = i, .order = i, .content = walk };
		scene_add(scene, &item, &walk->areas[i], &bounds);
	}
}

static void expect_walk(const struct walk *walk, unsigned step) {
	struct sprite sprites[1 + AREAS + ARRAY_LEN(walk->patches)] = { plain(BACKGROUND, all) };
	memcpy(&sprites[1], walk->areas, sizeof(walk->areas));
	memcpy(&sprites[1 + AREAS], walk->patches, sizeof(walk->patches));
	size_t len = 1 + AREAS + walk->patches_len;
	ck_assert_int_gt(output_reader_copy(&rig.reader, rig.seen[0]), 0);
	for (int32_t i = 0; i < WIDTH * HEIGHT; i++) {
		int32_t x = i % WIDTH, y = i / WIDTH;
		uint32_t expected = reference_pixel(sprites, len, x, y);
		uint32_t found = rig.seen[y][x] & 0xffffff;
		if (found !=
			expected) { /* an assertion each would tell the test's parent of each */
			ck_abort_msg("step %u, pixel %d,%d: %06x, not %06x", step, x, y, found,
				expected);
		}
	}
}

START_TEST(a_walk_shows_what_its_scenes_and_repairs_say) {
	static struct walk walk;
	rig.random += (uint64_t)_i;
	for (unsigned i = 0; i < AREAS; i++) {
		walk.areas[i] = plain(below(1 << 24), random_rect());
	}
	for (unsigned step = 0; step < STEPS; step++) {
		uint64_t shown_ns;
		walk_on(&walk);
		begin_walk(&walk);
		canvas_compose(&rig.canvas);
		for (uint32_t i = 0; i < walk.patches_len; i++) {
			canvas_repair(&rig.canvas, &walk.patches[i]);
		}
		bool is_refused = below(16) == 0;
		if (is_refused) {
			output_inject_fault(rig.output, OUTPUT_REFUSES, 1, false);
		}
		int err = canvas_present(&rig.canvas, &shown_ns);
		output_tick(rig.output, 1, 1);
		if (err == 0) {
			expect_walk(&walk, step);
		}
	}
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor canvas");
	TCase *canvas = suite_case(suite, "canvas");
	tcase_add_checked_fixture(canvas, set_up, tear_down);
	tcase_add_test(canvas, nothing_is_shown_before_it_can_be_looked_at);
	tcase_add_test(canvas, without_a_change_the_view_is_what_is_shown);
	tcase_add_test(canvas, a_repair_lasts_one_picture);
	tcase_add_test(canvas, a_repair_of_what_is_shown_begins_a_picture);
	tcase_add_test(canvas, a_repair_beyond_the_output_is_clipped);
	tcase_add_test(canvas, what_was_refused_is_drawn_again_as_a_whole);
	tcase_add_test(canvas, what_is_forgotten_is_shown_again);
	tcase_add_loop_test(canvas, a_walk_shows_what_its_scenes_and_repairs_say, 0, 8);
	return suite;
}
