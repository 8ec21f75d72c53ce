#include "gpu/fence.h"

#include <stdlib.h>

#include "tests/suite.h"

START_TEST(first_in_first_out) {
	struct fence_queue queue;
	ck_assert_int_eq(fence_queue_init(&queue), 0);
	ck_assert_ptr_null(fence_queue_first(&queue));
	uint32_t added = 0;
	uint32_t dropped = 0;
	srand(5);
	for (int i = 0; i < 20000; i++) {
		bool adds = rand() % 100 < (i < 10000 ? 70 : 30); /* full, then empty */
		if (adds && queue.len < VIRTQUEUE_SIZE_MAX) {
			fence_queue_add(&queue, &(struct fence) { .used_bytes = added++ });
		} else if (queue.len > 0) {
			ck_assert_uint_eq(fence_queue_first(&queue)->used_bytes, dropped++);
			fence_queue_drop_first(&queue);
		}
		ck_assert_uint_eq(queue.len, added - dropped);
	}
	ck_assert_uint_gt(added, 2 * VIRTQUEUE_SIZE_MAX);
	fence_queue_finish(&queue);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("gpu fence");
	tcase_add_test(suite_case(suite, "queue"), first_in_first_out);
	return suite;
}
