#include "display/output_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/config.h"
#include "core/fd.h"
#include "core/macros.h"
#include "display/output.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

#define WIDTH 64
#define HEIGHT 48
#define PIXELS (WIDTH * HEIGHT)
#define RACE_PICTURES 20000

static void fill(struct output_picture *picture, uint32_t value) {
	for (uint32_t y = 0; y < HEIGHT; y++) {
		for (uint32_t x = 0; x < WIDTH; x++) {
			picture->pixels[y * (picture->stride / 4) + x] = value;
		}
	}
}

static void show(struct output *output, uint32_t value) {
	struct output_picture picture;
	output_begin(output, &picture);
	fill(&picture, value);
	ck_assert_int_eq(output_show(output, clock_now_ns()), 0);
}

static struct output *make(int *fd, struct output_reader *reader) {
	*fd = output_memory_create_fd("test", WIDTH, HEIGHT);
	ck_assert_int_ge(*fd, 0);
	struct output *output = output_create(CONFIG_OUTPUT_MEMORY, *fd, WIDTH, HEIGHT);
	ck_assert_ptr_nonnull(output);
	int readonly = fd_reopen_readonly(*fd);
	ck_assert_int_ge(readonly, 0);
	ck_assert_int_eq(output_reader_init(reader, readonly), 0);
	return output;
}

static void unmake(int fd, struct output *output, struct output_reader *reader) {
	output_reader_finish(reader);
	output_destroy(output);
	fd_close(&fd);
}

START_TEST(shows_the_newest) {
	int fd;
	struct output_reader reader;
	struct output *output = make(&fd, &reader);
	uint32_t pixels[PIXELS];

	ck_assert_int_eq(output_reader_copy(&reader, pixels), 0);
	for (uint32_t i = 1; i <= 10; i++) {
		uint64_t before = clock_now_ns();
		show(output, i * 1000);
		ck_assert_int_eq(output_reader_copy(&reader, pixels), i);
		for (size_t p = 0; p < PIXELS; p++) {
			ck_assert_uint_eq(pixels[p], i * 1000);
		}
		ck_assert_uint_ge(atomic_load(&reader.page->shown_ns), before);
	}
	ck_assert_uint_eq(atomic_load(&reader.page->tick), 0);
	output_tick(output, 5, 7);
	ck_assert_uint_eq(atomic_load(&reader.page->tick), 1);
	const struct output_memory_tick *tick = &reader.page->ticks[1];
	ck_assert_uint_eq(atomic_load(&tick->number), 1);
	ck_assert_uint_eq(atomic_load(&tick->due_ns), 5);
	ck_assert_uint_eq(atomic_load(&tick->done_ns), 7);
	unmake(fd, output, &reader);
}
END_TEST

START_TEST(a_back_picture_is_private_and_tells_its_age) {
	int fd;
	struct output_reader reader;
	struct output *output = make(&fd, &reader);
	uint32_t pixels[PIXELS];
	struct output_picture picture;

	for (uint32_t i = 1; i <= 8; i++) {
		output_begin(output, &picture);
		/* the first three hold nothing that this process drew */
		ck_assert_uint_eq(picture.age, i <= 3 ? 0 : 3);
		if (picture.age > 0) {
			ck_assert_uint_eq(picture.pixels[PIXELS - 1], i - picture.age);
		}
		fill(&picture, i);
		int64_t number = output_reader_copy(&reader, pixels);
		ck_assert_int_eq(number, i - 1);
		if (number > 0) {
			ck_assert_uint_eq(pixels[0], i - 1);
		}
		ck_assert_int_eq(output_show(output, 1), 0);
	}
	/* begun twice: the same picture, but who knows what was drawn */
	output_begin(output, &picture);
	uint32_t *first = picture.pixels;
	output_begin(output, &picture);
	ck_assert_ptr_eq(picture.pixels, first);
	ck_assert_uint_eq(picture.age, 0);
	unmake(fd, output, &reader);
}
END_TEST

START_TEST(a_successor_goes_on) {
	int fd;
	struct output_reader reader;
	struct output *output = make(&fd, &reader);
	uint32_t pixels[PIXELS];
	for (uint32_t i = 1; i <= 5; i++) {
		show(output, i);
	}
	struct output_picture picture;
	output_begin(output, &picture); /* dies in the middle of a picture */
	fill(&picture, 0xdead);
	output_destroy(output);

	output = output_create(CONFIG_OUTPUT_MEMORY, fd, WIDTH, HEIGHT);
	ck_assert_ptr_nonnull(output);
	ck_assert_uint_eq(atomic_load(&reader.page->generation), 2);
	ck_assert_int_eq(output_reader_copy(&reader, pixels), 5);
	ck_assert_uint_eq(pixels[PIXELS / 2], 5);
	output_begin(output, &picture);
	ck_assert_uint_eq(picture.age, 0);
	fill(&picture, 6);
	ck_assert_int_eq(output_show(output, 1), 0);
	ck_assert_int_eq(output_reader_copy(&reader, pixels), 6);
	unmake(fd, output, &reader);
}
END_TEST

START_TEST(what_is_shown_reads_back) {
	int fd;
	struct output_reader reader;
	struct output *output = make(&fd, &reader);
	struct output_status status;
	uint64_t id = 0;
	uint32_t stride = 0;

	ck_assert_ptr_null(output_shown(output, &id, &stride));
	for (uint32_t i = 1; i <= 7; i++) {
		show(output, i * 100);
		output_status(output, &status);
		ck_assert_uint_eq(status.committed, i);
		ck_assert_uint_eq(status.completed, i);
		ck_assert(status.connected);
		ck_assert_uint_eq(status.width, WIDTH);
		ck_assert_uint_eq(status.height, HEIGHT);
		/* while the next one is drawn, too */
		struct output_picture picture;
		output_begin(output, &picture);
		fill(&picture, 9);
		const uint32_t *shown = output_shown(output, &id, &stride);
		ck_assert_ptr_nonnull(shown);
		ck_assert_uint_eq(id, i);
		ck_assert_uint_eq(stride, WIDTH * 4);
		ck_assert_uint_eq(shown[0], i * 100);
		ck_assert_uint_eq(shown[PIXELS - 1], i * 100);
	}
	unmake(fd, output, &reader);
}
END_TEST

START_TEST(a_reset_forgets_the_pictures) {
	int fd;
	struct output_reader reader;
	struct output *output = make(&fd, &reader);
	struct output_picture picture;

	for (uint32_t i = 1; i <= 5; i++) {
		show(output, i);
	}
	ck_assert_int_eq(output_reset(output), 0);
	for (unsigned i = 0; i < 3; i++) {
		output_begin(output, &picture);
		ck_assert_uint_eq(picture.age, 0);
		ck_assert_int_eq(output_show(output, 1), 0);
	}
	output_begin(output, &picture);
	ck_assert_uint_eq(picture.age, 3);
	unmake(fd, output, &reader);
}
END_TEST

START_TEST(waiting_ends_with_a_picture_or_a_tick) {
	int fd;
	struct output_reader reader;
	struct output *output = make(&fd, &reader);
	uint32_t seen = 0;

	ck_assert_int_eq(output_reader_wait(&reader, &seen, 0), 0);
	ck_assert_int_eq(output_reader_wait(&reader, &seen, 5), 0);
	show(output, 1);
	ck_assert_int_eq(output_reader_wait(&reader, &seen, 60000), 1);
	ck_assert_int_eq(output_reader_wait(&reader, &seen, 0), 0);
	output_tick(output, 5, 7);
	ck_assert_int_eq(output_reader_wait(&reader, &seen, 60000), 1);
	ck_assert_int_eq(output_reader_wait(&reader, &seen, 0), 0);
	unmake(fd, output, &reader);
}
END_TEST

struct race {
	struct output *output;
	_Atomic bool over;
};

static void *write_pictures(void *data) {
	struct race *race = data;
	for (uint32_t i = 1; i <= RACE_PICTURES; i++) {
		show(race->output, i);
		output_tick(race->output, 5, 7);
	}
	atomic_store(&race->over, true);
	return NULL;
}

START_TEST(a_copy_is_whole_while_the_writer_runs) {
	int fd;
	struct output_reader reader;
	struct race race = { .output = make(&fd, &reader) };
	pthread_t writer;
	uint32_t pixels[PIXELS];
	int64_t last = 0;
	uint32_t seen = 0;

	ck_assert_int_eq(pthread_create(&writer, NULL, write_pictures, &race), 0);
	while (last < RACE_PICTURES) {
		if (!atomic_load(&race.over)) {
			ck_assert_int_eq(output_reader_wait(&reader, &seen, 60000), 1);
		}
		int64_t number = output_reader_copy(&reader, pixels);
		if (number == -EAGAIN || number == 0) {
			continue;
		}
		ck_assert_int_ge(number, last);
		last = number;
		for (size_t i = 0; i < PIXELS; i++) {
			ck_assert_uint_eq(pixels[i], (uint32_t)number);
		}
	}
	ck_assert_int_eq(pthread_join(writer, NULL), 0);
	unmake(fd, race.output, &reader);
}
END_TEST

START_TEST(a_reader_refuses_what_is_no_output) {
	size_t bytes = output_memory_bytes(WIDTH, HEIGHT);
	struct output_memory_page pages[] = {
		{ .magic = 0 },
		{ .magic = OUTPUT_MEMORY_MAGIC, .width = 0, .height = HEIGHT, .stride = 0 },
		{ .magic = OUTPUT_MEMORY_MAGIC, .width = WIDTH, .height = HEIGHT, .stride = 4 },
		{ .magic = OUTPUT_MEMORY_MAGIC,
			.width = WIDTH,
			.height = HEIGHT,
			.stride = WIDTH * 4,
			.picture_offset = { 4096, 4096, UINT64_MAX - 3 } },
		{ .magic = OUTPUT_MEMORY_MAGIC,
			.width = WIDTH,
			.height = HEIGHT,
			.stride = WIDTH * 4,
			.picture_offset = { 4096, 4096, bytes - 4 } },
		{ .magic = OUTPUT_MEMORY_MAGIC, .width = 8193, .height = 1, .stride = 8193 * 4 },
	};
	struct output_reader reader;
	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		int fd = fd_memfd_create("test", bytes);
		ck_assert_int_eq(pwrite(fd, &pages[i], sizeof(pages[i]), 0), sizeof(pages[i]));
		ck_assert_int_eq(output_reader_init(&reader, fd), -EINVAL);
	}
	int tiny = memfd_create("tiny", MFD_CLOEXEC);
	ck_assert_int_eq(output_reader_init(&reader, tiny), -EINVAL);
	ck_assert_int_eq(output_reader_init(&reader, -1), -EBADF);
}
END_TEST

START_TEST(a_writer_refuses_what_is_no_output) {
	int fd = output_memory_create_fd("test", WIDTH, HEIGHT);
	ck_assert_ptr_null(output_create(CONFIG_OUTPUT_MEMORY, fd, WIDTH, HEIGHT + 1));
	ck_assert_ptr_null(output_create(CONFIG_OUTPUT_MEMORY, fd, HEIGHT, WIDTH));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(output_create(99, fd, WIDTH, HEIGHT));
	ck_assert_int_eq(errno, ENOTSUP);
	fd_close(&fd);
	ck_assert_ptr_null(output_create(CONFIG_OUTPUT_MEMORY, -1, WIDTH, HEIGHT));

	ck_assert_int_eq(output_memory_create_fd("test", 0, 1), -EINVAL);
	ck_assert_int_eq(output_memory_create_fd("test", 1, 8193), -EINVAL);

	/* could be truncated under the compositor */
	fd = memfd_create("loose", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ck_assert_int_eq(ftruncate(fd, (off_t)output_memory_bytes(WIDTH, HEIGHT)), 0);
	ck_assert_ptr_null(output_create(CONFIG_OUTPUT_MEMORY, fd, WIDTH, HEIGHT));
	fd_close(&fd);
}
END_TEST

/* What makes an output or a reader out of nothing; false with errno. What it made is undone. */
static bool create_fd(int shared) {
	int fd = output_memory_create_fd("test", WIDTH, HEIGHT);
	errno = fd < 0 ? -fd : errno;
	bool is_made = fd >= 0;
	fd_close(&fd);
	return is_made;
}

static bool create_output(int shared) {
	struct output *output = output_create(CONFIG_OUTPUT_MEMORY, shared, WIDTH, HEIGHT);
	output_destroy(output);
	return output != NULL;
}

static bool init_reader(int duplicate) {
	struct output_reader reader;
	int err = output_reader_init(&reader, duplicate);
	errno = -err;
	if (err == 0) {
		output_reader_finish(&reader);
	}
	return err == 0;
}

static const struct {
	const char *name;
	bool (*create)(int fd);
	bool takes_fd;
	unsigned calls; /* that can fail */
	int error; /* of the first */
} creates[] = {
	{ "memory", create_fd, false, 1, EMFILE },
	{ "output", create_output, false, 2, ENOMEM },
	{ "reader", init_reader, true, 1, ENOMEM },
};

START_TEST(every_create_may_fail) {
	int fd = output_memory_create_fd("test", WIDTH, HEIGHT);
	ck_assert_int_ge(fd, 0);
	unsigned n = 1;
	for (;; n++) {
		/* given away, also on error: the suite counts */
		int given = creates[_i].takes_fd ? fd_reopen_readonly(fd) : fd;
		fault_at(n);
		bool is_made = creates[_i].create(given);
		int error = errno;
		bool hit = fault_hit();
		fault_off();
		ck_assert_msg(is_made == !hit, "%s: call %u", creates[_i].name, n);
		if (is_made) {
			break;
		}
		ck_assert_int_eq(error, n == 1 ? creates[_i].error : ENOMEM);
	}
	ck_assert_uint_eq(n - 1, creates[_i].calls);
	/* what failed left the memory as it was */
	struct output_reader reader;
	struct output *output = output_create(CONFIG_OUTPUT_MEMORY, fd, WIDTH, HEIGHT);
	ck_assert_ptr_nonnull(output);
	ck_assert_int_eq(output_reader_init(&reader, fd_reopen_readonly(fd)), 0);
	show(output, 7);
	uint32_t pixels[PIXELS];
	ck_assert_int_eq(output_reader_copy(&reader, pixels), 1);
	ck_assert_uint_eq(pixels[0], 7);
	unmake(fd, output, &reader);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("display output_memory");
	TCase *pictures = suite_case(suite, "pictures");
	tcase_add_test(pictures, shows_the_newest);
	tcase_add_test(pictures, a_back_picture_is_private_and_tells_its_age);
	tcase_add_test(pictures, a_successor_goes_on);
	tcase_add_test(pictures, what_is_shown_reads_back);
	tcase_add_test(pictures, a_reset_forgets_the_pictures);
	tcase_add_test(pictures, waiting_ends_with_a_picture_or_a_tick);
	tcase_add_test(pictures, a_copy_is_whole_while_the_writer_runs);
	TCase *faults = suite_case(suite, "faults");
	tcase_add_loop_test(faults, every_create_may_fail, 0, ARRAY_LEN(creates));
	TCase *hostile = suite_case(suite, "hostile");
	tcase_add_test(hostile, a_reader_refuses_what_is_no_output);
	tcase_add_test(hostile, a_writer_refuses_what_is_no_output);
	return suite;
}
