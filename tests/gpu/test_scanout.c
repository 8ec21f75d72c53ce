#include "gpu/scanout.h"

#include "core/macros.h"
#include "tests/gpu/rig.h"
#include "tests/suite.h"

START_TEST(first_frame) {
	struct rig rig;
	struct rig_picture picture;
	rig_init(&rig, &(struct rig_options) { 0 });
	rig_picture_init(&picture, &rig, RIG_WIDTH, RIG_HEIGHT, 4096);
	rig_picture_fill(&picture, 7);
	rig_create_resource(&rig, 1, &picture);
	ck_assert_ok(vmm_gpu_transfer(&rig.gpu, 1, 0, 0, RIG_WIDTH, RIG_HEIGHT, 0));
	ck_assert_ok(vmm_gpu_set_scanout(&rig.gpu, 0, 1, 0, 0, RIG_WIDTH, RIG_HEIGHT));
	ck_assert(!rig_acquire(&rig, 0));
	ck_assert_ok(vmm_gpu_flush(&rig.gpu, 1, 0, 0, RIG_WIDTH, RIG_HEIGHT));

	ck_assert(rig_acquire(&rig, 0));
	const struct frame *frame = &rig.views[0].frame;
	ck_assert_uint_eq(frame->width, RIG_WIDTH);
	ck_assert_uint_eq(frame->height, RIG_HEIGHT);
	ck_assert_uint_eq(frame->format, PIXEL_FORMAT_BGRX);
	ck_assert_uint_eq(frame->flush_ns, rig.now_ns);
	for (uint32_t y = 0; y < RIG_HEIGHT; y++) {
		for (uint32_t x = 0; x < RIG_WIDTH; x++) {
			ck_assert_uint_eq(rig_pixel(&rig, 0, x, y), rig_pattern(7, x, y));
		}
	}
	rig_picture_finish(&picture);
	rig_finish(&rig);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("gpu scanout");
	TCase *tcase = suite_case(suite, "frames");
	tcase_add_test(tcase, first_frame);
	return suite;
}
