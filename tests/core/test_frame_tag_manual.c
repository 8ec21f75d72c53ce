/* What fascia-frame-tag(7) gives to guests paints what the host reads. */
#include "core/frame_tag.h"

#include <stdlib.h>

#include "core/macros.h"
#include "tests/suite.h"
#include <frame_tag_manual.h>

static const struct frame_tag tags[] = {
	{ 0 },
	{ 1, 2, 3 },
	{ UINT32_MAX, UINT32_MAX, UINT32_MAX },
	{ 0x12345678, 0x9abcdef0, 0x0f1e2d3c },
	{ 0x80000000, 1, 0x00000010 },
};

START_TEST(it_paints_the_same_pixels) {
	uint32_t ours[FRAME_TAG_PIXELS], theirs[FRAME_TAG_PIXELS];
	const struct frame_tag *tag = &tags[_i];
	frame_tag_encode(tag, ours);
	frame_tag_paint(theirs, tag->counter, tag->time_ms, tag->heartbeat);
	ck_assert_mem_eq(ours, theirs, sizeof(ours));
	struct frame_tag read;
	ck_assert(frame_tag_decode(&read, theirs));
	ck_assert_uint_eq(read.counter, tag->counter);
	ck_assert_uint_eq(read.time_ms, tag->time_ms);
	ck_assert_uint_eq(read.heartbeat, tag->heartbeat);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core frame_tag_manual");
	TCase *tcase = suite_case(suite, "manual");
	tcase_add_loop_test(tcase, it_paints_the_same_pixels, 0, ARRAY_LEN(tags));
	return suite;
}
