#include "gpu/host_image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"

#define WIDTH 37
#define HEIGHT 29
#define STRIDE 192 /* 37 pixels, rounded up to a cache line */
#define BUFFER_PAGES ((STRIDE * HEIGHT + 4095) / 4096)

static _Atomic uint64_t stale_bytes;
static int shared[LINK_FDS];
static struct frame_link link, consumer;
static struct image_store store;
static struct frame_view view;

static void make(uint32_t pool_pages, uint64_t memory_budget) {
	int side[LINK_FDS];
	stale_bytes = 0;
	memset(&view, 0, sizeof(view));
	ck_assert_int_eq(frame_link_create_fds("test", pool_pages * 4096, shared), 0);
	ck_assert_int_eq(link_grant_fds(shared, LINK_PRODUCER, side), 0);
	ck_assert_int_eq(frame_link_init(&link, LINK_PRODUCER, side), 0);
	ck_assert_int_eq(link_grant_fds(shared, LINK_CONSUMER, side), 0);
	ck_assert_int_eq(frame_link_init(&consumer, LINK_CONSUMER, side), 0);
	image_store_init(&store, &link, memory_budget, &stale_bytes);
}

static void unmake(void) {
	ck_assert_ptr_null(store.images);
	ck_assert_uint_eq(store.memory_bytes, 0);
	ck_assert_uint_eq(store.pool.taken_bytes, 0);
	frame_link_finish(&consumer);
	frame_link_finish(&link);
	for (int i = 0; i < LINK_FDS; i++) {
		fd_close(&shared[i]);
	}
}

/* The picture as it must be. */
static uint32_t model[HEIGHT][WIDTH];

static struct rect random_rect(void) {
	struct rect rect = {
		.x = rand() % WIDTH,
		.y = rand() % HEIGHT,
	};
	rect.width = 1 + (uint32_t)rand() % (WIDTH - (uint32_t)rect.x);
	rect.height = 1 + (uint32_t)rand() % (HEIGHT - (uint32_t)rect.y);
	return rect;
}

static int write_rect(struct host_image *image, const struct rect *rect, uint32_t value) {
	struct pixels pixels;
	int rc = host_image_write(image, rect, &pixels);
	if (rc < 0) {
		return rc;
	}
	uint64_t offset = (uint64_t)(pixels.base - (uint8_t *)link.link.pool);
	if (offset < link.link.pool_bytes) {
		ck_assert(!frame_link_is_busy(&link, offset, (uint64_t)STRIDE * HEIGHT));
	}
	for (uint32_t y = 0; y < rect->height; y++) {
		for (uint32_t x = 0; x < rect->width; x++) {
			uint32_t at_x = (uint32_t)rect->x + x;
			uint32_t at_y = (uint32_t)rect->y + y;
			model[at_y][at_x] = value;
			memcpy(pixels.base + at_y * pixels.stride + at_x * 4, &value, 4);
		}
	}
	return 0;
}

static void check_pixels(const uint8_t *base) {
	bool same = true;
	for (uint32_t y = 0; y < HEIGHT; y++) {
		same = same && memcmp(base + y * STRIDE, model[y], sizeof(model[y])) == 0;
	}
	ck_assert(same);
}

static void publish(uint64_t offset, unsigned channel) {
	const struct frame frame = {
		.pool_offset = offset,
		.stride = STRIDE,
		.width = WIDTH,
		.height = HEIGHT,
		.format = PIXEL_FORMAT_BGRX,
	};
	frame_link_publish(&link, channel, &frame);
}

/* What is published must stay as it was for as long as somebody may read it. */
static uint32_t held[HEIGHT][WIDTH];
static bool holds;

static void check_held(void) {
	bool same = true;
	for (uint32_t y = 0; holds && y < HEIGHT; y++) {
		same = same && memcmp(view.pixels + y * STRIDE, held[y], sizeof(held[y])) == 0;
	}
	ck_assert(same);
}

static void consume(void) {
	uint64_t rejected = 0;
	if (frame_link_acquire(&consumer, 0, &view, &rejected)) {
		for (uint32_t y = 0; y < HEIGHT; y++) {
			memcpy(held[y], view.pixels + y * STRIDE, sizeof(held[y]));
		}
		holds = true;
	}
	ck_assert_uint_eq(rejected, 0);
}

static const struct {
	const char *name;
	uint32_t pool_pages;
	uint64_t memory_budget;
	int writes, presents, consumes; /* odds out of ten */
} mixes[] = {
	{ "every frame is shown", 16, 1 << 20, 10, 10, 10 },
	{ "two writes a frame", 16, 1 << 20, 10, 5, 5 },
	{ "a slow consumer", 16, 1 << 20, 10, 8, 1 },
	{ "many writes a frame", 16, 1 << 20, 10, 1, 1 },
	{ "a pool of two buffers", 2 * BUFFER_PAGES, 1 << 20, 10, 6, 3 },
	{ "a pool of one buffer", BUFFER_PAGES, 1 << 20, 10, 6, 3 },
	{ "no private memory to borrow", BUFFER_PAGES, STRIDE *HEIGHT, 10, 6, 3 },
};

/* Random writes against a model: what is presented is the model, what is held never changes. */
START_TEST(random_writes) {
	make(mixes[_i].pool_pages, mixes[_i].memory_budget);
	memset(model, 0, sizeof(model));
	holds = false;
	srand(3);
	struct host_image *image = host_image_create(&store, WIDTH, HEIGHT);
	ck_assert_ptr_nonnull(image);
	ck_assert_int_eq(host_image_show(image), 0);
	for (int i = 0; i < 4000; i++) {
		struct rect rect = random_rect();
		if (rand() % 10 < mixes[_i].writes) {
			int rc = write_rect(image, &rect, (uint32_t)rand());
			ck_assert(rc == 0 || rc == -ENOMEM);
		}
		uint64_t offset;
		if (rand() % 10 < mixes[_i].presents) {
			int rc = host_image_present(image, &offset);
			ck_assert(rc == 0 || rc == -EBUSY);
			if (rc == 0) {
				check_pixels((uint8_t *)link.link.pool + offset);
				publish(offset, 0);
			}
		}
		check_held();
		if (rand() % 10 < mixes[_i].consumes) {
			consume();
		}
	}
	struct pixels pixels;
	ck_assert(host_image_read(image, &pixels));
	check_pixels(pixels.base);
	host_image_destroy(&image);
	check_held();
	unmake();
}
END_TEST

START_TEST(whole_frames_copy_nothing) {
	make(16, 1 << 20);
	struct host_image *image = host_image_create(&store, WIDTH, HEIGHT);
	ck_assert_int_eq(host_image_show(image), 0);
	const struct rect whole = { 0, 0, WIDTH, HEIGHT };
	for (uint32_t i = 0; i < 100; i++) {
		uint64_t offset;
		ck_assert_int_eq(write_rect(image, &whole, i), 0);
		ck_assert_int_eq(host_image_present(image, &offset), 0);
		check_pixels((uint8_t *)link.link.pool + offset);
		publish(offset, 0);
		consume();
	}
	ck_assert_uint_eq(stale_bytes, 0);
	host_image_destroy(&image);
	unmake();
}
END_TEST

START_TEST(small_writes_copy_little) {
	make(16, 1 << 20);
	struct host_image *image = host_image_create(&store, WIDTH, HEIGHT);
	ck_assert_int_eq(host_image_show(image), 0);
	const struct rect whole = { 0, 0, WIDTH, HEIGHT };
	const struct rect small = { 5, 6, 7, 8 };
	uint64_t offset;
	for (uint32_t i = 0; i < 100; i++) {
		if (i == 4) { /* every buffer has been filled once */
			stale_bytes = 0;
		}
		ck_assert_int_eq(write_rect(image, i < 4 ? &whole : &small, i), 0);
		ck_assert_int_eq(host_image_present(image, &offset), 0);
		publish(offset, 0);
		consume();
	}
	/* once each buffer's last whole frame is behind, a small write refreshes nothing else */
	ck_assert_uint_le(stale_bytes, 2 * WIDTH * HEIGHT * 4);
	host_image_destroy(&image);
	unmake();
}
END_TEST

START_TEST(private_until_shown) {
	make(16, 1 << 20);
	memset(model, 0, sizeof(model));
	struct host_image *image = host_image_create(&store, WIDTH, HEIGHT);
	ck_assert_uint_eq(store.memory_bytes, STRIDE * HEIGHT);
	struct pixels pixels;
	ck_assert(!host_image_read(image, &pixels));
	struct rect rect = { 1, 2, 3, 4 };
	ck_assert_int_eq(write_rect(image, &rect, 0x01020304), 0);
	ck_assert_uint_eq(store.pool.taken_bytes, 0);
	ck_assert(host_image_read(image, &pixels));
	check_pixels(pixels.base);

	ck_assert_int_eq(host_image_show(image), 0);
	ck_assert_uint_eq(store.memory_bytes, 0);
	uint64_t offset;
	ck_assert_int_eq(host_image_present(image, &offset), 0);
	check_pixels((uint8_t *)link.link.pool + offset);
	host_image_destroy(&image);
	unmake();
}
END_TEST

/* A pool's old bytes never show: a picture that was not written is black. */
START_TEST(never_written_is_black) {
	make(BUFFER_PAGES, 1 << 20);
	memset(link.link.pool, 0xee, link.link.pool_bytes);
	memset(model, 0, sizeof(model));
	struct host_image *image = host_image_create(&store, WIDTH, HEIGHT);
	ck_assert_int_eq(host_image_show(image), 0);
	uint64_t offset;
	ck_assert_int_eq(host_image_present(image, &offset), 0);
	check_pixels((uint8_t *)link.link.pool + offset);
	host_image_destroy(&image);
	unmake();
}
END_TEST

START_TEST(hidden_images_make_room) {
	make(2 * BUFFER_PAGES, 1 << 20);
	memset(model, 0, sizeof(model));
	struct host_image *first = host_image_create(&store, WIDTH, HEIGHT);
	struct host_image *second = host_image_create(&store, WIDTH, HEIGHT);
	struct host_image *third = host_image_create(&store, WIDTH, HEIGHT);
	ck_assert_int_eq(host_image_show(first), 0);
	struct rect rect = { 3, 3, 9, 9 };
	ck_assert_int_eq(write_rect(first, &rect, 77), 0);
	ck_assert_int_eq(host_image_show(second), 0);
	ck_assert_int_eq(host_image_show(third), -ENOMEM);
	host_image_hide(first);
	ck_assert_int_eq(host_image_show(third), 0);

	struct pixels pixels; /* what moved out is still there */
	ck_assert(host_image_read(first, &pixels));
	check_pixels(pixels.base);
	host_image_destroy(&first);
	host_image_destroy(&second);
	host_image_destroy(&third);
	unmake();
}
END_TEST

START_TEST(memory_budget) {
	make(16, 2 * STRIDE * HEIGHT);
	struct host_image *images[3];
	images[0] = host_image_create(&store, WIDTH, HEIGHT);
	images[1] = host_image_create(&store, WIDTH, HEIGHT);
	images[2] = host_image_create(&store, WIDTH, HEIGHT);
	ck_assert_ptr_nonnull(images[0]);
	ck_assert_ptr_nonnull(images[1]);
	ck_assert_ptr_null(images[2]);
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_int_eq(host_image_show(images[0]), 0);
	images[2] = host_image_create(&store, WIDTH, HEIGHT);
	ck_assert_ptr_nonnull(images[2]);
	for (size_t i = 0; i < ARRAY_LEN(images); i++) {
		host_image_destroy(&images[i]);
	}
	unmake();
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("gpu host_image");
	TCase *tcase = suite_case(suite, "buffers");
	tcase_add_loop_test(tcase, random_writes, 0, (int)ARRAY_LEN(mixes));
	tcase_add_test(tcase, whole_frames_copy_nothing);
	tcase_add_test(tcase, small_writes_copy_little);
	tcase_add_test(tcase, private_until_shown);
	tcase_add_test(tcase, never_written_is_black);
	tcase_add_test(tcase, hidden_images_make_room);
	tcase_add_test(tcase, memory_budget);
	return suite;
}
