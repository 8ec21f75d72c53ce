#include "display/output_inject.h"

#include <errno.h>
#include <stdatomic.h>

#include "core/config.h"
#include "core/fd.h"
#include "core/macros.h"
#include "display/output_memory.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

#define WIDTH 64
#define HEIGHT 16
#define PIXELS (WIDTH * HEIGHT)

struct rig {
	int fd;
	struct output *output;
	struct output_reader reader; /* what somebody in front of the display sees */
	_Atomic uint64_t hit_ns;
};

static struct output *create(int fd, _Atomic uint64_t *hit_ns) {
	struct output *inner = output_create(CONFIG_OUTPUT_MEMORY, fd, WIDTH, HEIGHT);
	ck_assert_ptr_nonnull(inner);
	return output_inject_create(inner, hit_ns);
}

static void set_up(struct rig *rig) {
	rig->fd = output_memory_create_fd("test", WIDTH, HEIGHT);
	ck_assert_int_ge(rig->fd, 0);
	atomic_init(&rig->hit_ns, 0);
	rig->output = create(rig->fd, &rig->hit_ns);
	ck_assert_ptr_nonnull(rig->output);
	ck_assert_int_eq(output_reader_init(&rig->reader, fd_reopen_readonly(rig->fd)), 0);
}

static void tear_down(struct rig *rig) {
	output_reader_finish(&rig->reader);
	output_destroy(rig->output);
	fd_close(&rig->fd);
}

/* A picture of one colour, and the tick it belongs to. */
static int show(struct rig *rig, uint32_t colour) {
	struct output_picture picture;
	output_begin(rig->output, &picture);
	for (uint32_t i = 0; i < PIXELS; i++) {
		picture.pixels[i] = colour;
	}
	int err = output_show(rig->output, 1);
	output_tick(rig->output, 1, 1);
	return err;
}

static int show_at(struct rig *rig, uint64_t now_ns) {
	struct output_picture picture;
	output_begin(rig->output, &picture);
	return output_show(rig->output, now_ns);
}

static uint32_t seen(struct rig *rig) {
	uint32_t pixels[PIXELS];
	ck_assert_int_ge(output_reader_copy(&rig->reader, pixels), 1);
	ck_assert_uint_eq(pixels[0], pixels[PIXELS - 1]);
	return pixels[0];
}

static void expect_read_back(struct rig *rig, uint64_t id, uint32_t colour) {
	uint64_t found = 0;
	uint32_t stride = 0;
	const uint32_t *shown = output_shown(rig->output, &found, &stride);
	ck_assert_ptr_nonnull(shown);
	ck_assert_uint_eq(found, id);
	ck_assert_uint_eq(stride, WIDTH * 4);
	ck_assert_uint_eq(shown[0], colour);
	ck_assert_uint_eq(shown[PIXELS - 1], colour);
}

static void expect_status(struct rig *rig, uint64_t committed, uint64_t completed) {
	struct output_status status;
	output_status(rig->output, &status);
	ck_assert_uint_eq(status.committed, committed);
	ck_assert_uint_eq(status.completed, completed);
}

START_TEST(passes_everything_through) {
	struct rig rig;
	struct output_status status;
	set_up(&rig);
	for (uint32_t i = 1; i <= 6; i++) {
		ck_assert_int_eq(show(&rig, i * 10), 0);
		ck_assert_uint_eq(seen(&rig), i * 10);
		expect_status(&rig, i, i);
		expect_read_back(&rig, i, i * 10);
	}
	output_status(rig.output, &status);
	ck_assert(status.connected);
	ck_assert_uint_eq(status.width, WIDTH);
	ck_assert_uint_eq(status.height, HEIGHT);
	ck_assert_int_eq(output_reset(rig.output), 0);
	ck_assert_uint_eq(rig.reader.page->tick, 6);

	/* a successor goes on with the numbers */
	output_destroy(rig.output);
	rig.output = create(rig.fd, &rig.hit_ns);
	expect_status(&rig, 6, 6);
	expect_read_back(&rig, 6, 60);
	tear_down(&rig);
}
END_TEST

/* What happens to five pictures of colours 1 to 5, the fault beginning after the first; digits: */
static const struct {
	const char *name;
	enum output_fault fault;
	uint32_t ticks;
	const char *refused;   /* 1: output_show() says no */
	const char *seen;      /* colour in front of the display */
	const char *committed, *completed;
	const char *connected; /* at the end of each tick */
} rows[] = {
	{ "one refused", OUTPUT_REFUSES, 0, "01000", "11345", "11234", "11234", "11111" },
	{ "two refused", OUTPUT_REFUSES, 2, "01100", "11145", "11123", "11123", "11111" },
	{ "one lost", OUTPUT_LOSES_FLIPS, 0, "00000", "11345", "12345", "11345", "11111" },
	{ "three lost", OUTPUT_LOSES_FLIPS, 3, "00000", "11115", "12345", "11115", "11111" },
	{ "unplugged", OUTPUT_UNPLUGGED, 3, "00000", "11111", "12345", "12345", "10011" },
	{ "other mode", OUTPUT_OTHER_MODE, 0, "00000", "11111", "12345", "12345", "11111" },
	{ "slept", OUTPUT_SLEPT, 0, "00111", "11111", "12222", "11111", "11111" },
	{ "stale", OUTPUT_STALE, 3, "00000", "12345", "12345", "12345", "11111" },
};

START_TEST(misbehaves) {
	struct rig rig;
	set_up(&rig);
	for (uint32_t i = 0; i < 5; i++) {
		struct output_status status;
		if (i == 1) {
			output_inject_fault(rig.output, rows[_i].fault, rows[_i].ticks, false);
		}
		int err = show(&rig, i + 1);
		output_status(rig.output, &status);
		ck_assert_int_eq(err < 0, rows[_i].refused[i] - '0');
		ck_assert_uint_eq(seen(&rig), (uint32_t)(rows[_i].seen[i] - '0'));
		expect_status(&rig, (uint64_t)(rows[_i].committed[i] - '0'),
			(uint64_t)(rows[_i].completed[i] - '0'));
		ck_assert_int_eq(status.connected, rows[_i].connected[i] - '0');
	}
	tear_down(&rig);
}
END_TEST

static const struct {
	const char *name;
	enum output_fault fault;
	bool reset_helps, is_helped;
} resets[] = {
	{ "refuses, stubborn", OUTPUT_REFUSES, false, false },
	{ "refuses", OUTPUT_REFUSES, true, true },
	{ "loses flips, stubborn", OUTPUT_LOSES_FLIPS, false, false },
	{ "loses flips", OUTPUT_LOSES_FLIPS, true, true },
	{ "other mode", OUTPUT_OTHER_MODE, false, true },
	{ "slept", OUTPUT_SLEPT, false, true },
};

START_TEST(a_reset_ends_what_it_can) {
	struct rig rig;
	struct output_status status;
	set_up(&rig);
	ck_assert_int_eq(show(&rig, 1), 0);
	output_inject_fault(rig.output, resets[_i].fault,
		resets[_i].fault <= OUTPUT_LOSES_FLIPS ? 1000 : 0, resets[_i].reset_helps);
	show(&rig, 2);
	ck_assert_uint_eq(seen(&rig), 1);
	ck_assert_int_eq(output_reset(rig.output), 0);
	show(&rig, 3);
	ck_assert_uint_eq(seen(&rig), resets[_i].is_helped ? 3 : 1);
	output_inject_clear(rig.output);
	show(&rig, 4);
	ck_assert_uint_eq(seen(&rig), 4);
	output_status(rig.output, &status);
	ck_assert_uint_eq(status.width, WIDTH);
	tear_down(&rig);
}
END_TEST

static const struct {
	const char *name;
	enum output_fault fault;
	uint64_t hit_ns; /* the second of three pictures, at 20, 30 and 40; 0: it hits none */
} hits[] = {
	{ "refuses", OUTPUT_REFUSES, 20 },
	{ "loses flips", OUTPUT_LOSES_FLIPS, 20 },
	{ "slept", OUTPUT_SLEPT, 20 },
	{ "unplugged", OUTPUT_UNPLUGGED, 0 },
	{ "other mode", OUTPUT_OTHER_MODE, 0 },
	{ "stale", OUTPUT_STALE, 0 },
};

START_TEST(it_tells_when_a_fault_first_hit_a_picture) {
	struct rig rig = { 0 };
	set_up(&rig);
	show_at(&rig, 10);
	output_inject_fault(rig.output, hits[_i].fault, 1000, false);
	output_tick(rig.output, 15, 15);
	ck_assert_uint_eq(atomic_load(&rig.hit_ns), 0);
	show_at(&rig, 20);
	ck_assert_uint_eq(atomic_load(&rig.hit_ns), hits[_i].hit_ns);
	show_at(&rig, 30);
	ck_assert_uint_eq(atomic_load(&rig.hit_ns), hits[_i].hit_ns);
	/* a new one begins anew; what hits no picture leaves it */
	output_inject_fault(rig.output, OUTPUT_UNPLUGGED, 1, false);
	ck_assert_uint_eq(atomic_load(&rig.hit_ns), hits[_i].hit_ns);
	output_inject_fault(rig.output, OUTPUT_REFUSES, 0, false);
	ck_assert_uint_eq(atomic_load(&rig.hit_ns), 0);
	show_at(&rig, 40);
	ck_assert_uint_eq(atomic_load(&rig.hit_ns), 40);
	tear_down(&rig);
}
END_TEST

START_TEST(an_unplugged_display_is_reset_when_it_is_back) {
	struct rig rig;
	set_up(&rig);
	ck_assert_int_eq(show(&rig, 1), 0);
	output_inject_fault(rig.output, OUTPUT_UNPLUGGED, 2, false);
	ck_assert_int_eq(output_reset(rig.output), -ENOTCONN);
	ck_assert_int_eq(show(&rig, 2), 0);
	expect_read_back(&rig, 2, 2); /* composing and checking go on */
	ck_assert_int_eq(show(&rig, 3), 0);
	expect_read_back(&rig, 3, 3);
	/* while the next is drawn, nobody knows what a display would show */
	struct output_picture picture;
	uint64_t id;
	uint32_t stride;
	output_begin(rig.output, &picture);
	ck_assert_ptr_null(output_shown(rig.output, &id, &stride));
	/* plugged in again, and dark */
	ck_assert_int_eq(show(&rig, 4), 0);
	ck_assert_uint_eq(seen(&rig), 1);
	ck_assert_int_eq(output_reset(rig.output), 0);
	ck_assert_int_eq(show(&rig, 5), 0);
	ck_assert_uint_eq(seen(&rig), 5);
	expect_read_back(&rig, 5, 5);
	tear_down(&rig);
}
END_TEST

START_TEST(a_stale_read_back_has_its_old_number) {
	struct rig rig;
	set_up(&rig);
	output_inject_fault(
		rig.output, OUTPUT_STALE, 9, false); /* nothing was shown: nothing is old */
	ck_assert_int_eq(show(&rig, 1), 0);
	expect_read_back(&rig, 1, 1);
	ck_assert_int_eq(show(&rig, 2), 0);
	output_inject_fault(rig.output, OUTPUT_STALE, 3, false);
	for (uint32_t i = 3; i < 6; i++) {
		expect_read_back(&rig, 2, 2);
		ck_assert_int_eq(show(&rig, i), 0);
		expect_status(&rig, i, i);
	}
	expect_read_back(&rig, 5, 5);
	tear_down(&rig);
}
END_TEST

START_TEST(its_create_may_fail) {
	int fd = output_memory_create_fd("test", WIDTH, HEIGHT);
	unsigned n = 1;
	for (;; n++) {
		struct output *inner = output_create(CONFIG_OUTPUT_MEMORY, fd, WIDTH, HEIGHT);
		fault_at(n);
		struct output *output = output_inject_create(inner, NULL);
		int error = errno;
		bool hit = fault_hit();
		fault_off();
		ck_assert_int_eq(output == NULL, hit);
		output_destroy(output);
		if (!hit) {
			break;
		}
		ck_assert_int_eq(error, ENOMEM);
	}
	ck_assert_uint_eq(n, 3);
	fd_close(&fd);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("display output_inject");
	TCase *faults = suite_case(suite, "faults");
	tcase_add_test(faults, passes_everything_through);
	tcase_add_loop_test(faults, misbehaves, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(faults, it_tells_when_a_fault_first_hit_a_picture, 0, ARRAY_LEN(hits));
	tcase_add_loop_test(faults, a_reset_ends_what_it_can, 0, ARRAY_LEN(resets));
	tcase_add_test(faults, an_unplugged_display_is_reset_when_it_is_back);
	tcase_add_test(faults, a_stale_read_back_has_its_old_number);
	tcase_add_test(faults, its_create_may_fail);
	return suite;
}
