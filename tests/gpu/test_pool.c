#include "gpu/pool.h"

#include <errno.h>
#include <stdlib.h>

#include "core/fd.h"
#include "core/macros.h"
#include "core/pixel_format.h"
#include "tests/suite.h"

#define PAGE UINT64_C(4096)
#define POOL_PAGES 16

static int shared[LINK_FDS];
static struct frame_link link, consumer;
static struct pool pool;

static void setup(void) {
	int side[LINK_FDS];
	ck_assert_int_eq(frame_link_create_fds("test", POOL_PAGES * PAGE, shared), 0);
	ck_assert_int_eq(link_grant_fds(shared, LINK_PRODUCER, side), 0);
	ck_assert_int_eq(frame_link_init(&link, LINK_PRODUCER, side), 0);
	ck_assert_int_eq(link_grant_fds(shared, LINK_CONSUMER, side), 0);
	ck_assert_int_eq(frame_link_init(&consumer, LINK_CONSUMER, side), 0);
	pool_init(&pool, &link);
}

static void teardown(void) {
	frame_link_finish(&consumer);
	frame_link_finish(&link);
	for (int i = 0; i < LINK_FDS; i++) {
		fd_close(&shared[i]);
	}
}

static uint64_t take(uint64_t pages) {
	uint64_t offset = UINT64_MAX;
	ck_assert_int_eq(pool_take(&pool, pages * PAGE, &offset), 0);
	ck_assert_uint_eq(offset % PAGE, 0);
	return offset / PAGE;
}

static void publish(uint64_t page) {
	const struct frame frame = {
		.pool_offset = page * PAGE,
		.stride = 4096,
		.width = 1024,
		.height = 1,
		.format = PIXEL_FORMAT_BGRX,
	};
	frame_link_publish(&link, 3, &frame);
}

START_TEST(first_fit) {
	ck_assert_uint_eq(take(4), 0);
	ck_assert_uint_eq(take(4), 4);
	ck_assert_uint_eq(take(8), 8);
	uint64_t offset;
	ck_assert_int_eq(pool_take(&pool, 1, &offset), -ENOMEM);
	pool_give(&pool, 4 * PAGE);
	ck_assert_int_eq(pool_take(&pool, 5 * PAGE, &offset), -ENOMEM);
	ck_assert_uint_eq(take(1), 4);
	ck_assert_uint_eq(take(3), 5);
	ck_assert_uint_eq(pool.taken_bytes, POOL_PAGES * PAGE);
}
END_TEST

START_TEST(what_is_read_is_not_handed_out) {
	ck_assert_uint_eq(take(1), 0);
	publish(0);
	pool_give(&pool, 0);
	uint64_t offset;
	/* the whole pool would need the busy page; its rest is out of reach of one step */
	ck_assert_int_eq(pool_take(&pool, POOL_PAGES * PAGE, &offset), -ENOMEM);

	struct frame_view view = { 0 };
	uint64_t rejected = 0;
	ck_assert(frame_link_acquire(&consumer, 3, &view, &rejected));
	publish(8);
	ck_assert_int_eq(pool_take(&pool, PAGE, &offset), -ENOMEM); /* held */
	ck_assert(frame_link_acquire(&consumer, 3, &view, &rejected));
	ck_assert_int_eq(pool_take(&pool, PAGE, &offset), 0);
	ck_assert_uint_eq(offset, 0);
}
END_TEST

START_TEST(impossible_sizes) {
	uint64_t offset;
	static const uint64_t sizes[] = { POOL_PAGES * PAGE + 1, UINT64_MAX, UINT64_MAX - 4095 };
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		ck_assert_int_eq(pool_take(&pool, sizes[i], &offset), -ENOMEM);
	}
}
END_TEST

START_TEST(random_areas_never_overlap) {
	static uint8_t owner[POOL_PAGES];
	struct {
		uint64_t page, pages;
	} areas[POOL_PAGES] = { 0 };
	srand(1);
	for (int i = 0; i < 20000; i++) {
		size_t n = (size_t)rand() % ARRAY_LEN(areas);
		if (areas[n].pages > 0) {
			pool_give(&pool, areas[n].page * PAGE);
			for (uint64_t p = 0; p < areas[n].pages; p++) {
				owner[areas[n].page + p] = 0;
			}
			areas[n].pages = 0;
			continue;
		}
		uint64_t pages = 1 + (uint64_t)rand() % 5;
		uint64_t offset;
		if (pool_take(&pool, pages * PAGE - 7, &offset) == 0) {
			areas[n].page = offset / PAGE;
			areas[n].pages = pages;
			for (uint64_t p = 0; p < pages; p++) {
				ck_assert_uint_eq(owner[areas[n].page + p]++, 0);
			}
		}
	}
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("gpu pool");
	TCase *tcase = suite_case(suite, "areas");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, first_fit);
	tcase_add_test(tcase, what_is_read_is_not_handed_out);
	tcase_add_test(tcase, impossible_sizes);
	tcase_add_test(tcase, random_areas_never_overlap);
	return suite;
}
