#include "gpu/device.h"

#include "tests/gpu/rig.h"
#include "tests/suite.h"

/* A picture on scanout 0, seen by the consumer. */
static void show_picture(struct rig *rig, struct rig_picture *picture) {
	rig_init(rig, &(struct rig_options) { 0 });
	rig_picture_init(picture, rig, RIG_WIDTH, RIG_HEIGHT, 0);
	rig_picture_fill(picture, 5);
	rig_create_resource(rig, 1, picture);
	ck_assert_ok(vmm_gpu_set_scanout(&rig->gpu, 0, 1, 0, 0, RIG_WIDTH, RIG_HEIGHT));
	ck_assert_ok(vmm_gpu_transfer(&rig->gpu, 1, 0, 0, RIG_WIDTH, RIG_HEIGHT, 0));
	ck_assert_ok(vmm_gpu_flush(&rig->gpu, 1, 0, 0, RIG_WIDTH, RIG_HEIGHT));
	rig_tick(rig);
	ck_assert_uint_eq(rig_pixel(rig, 0, 3, 4), rig_pattern(5, 3, 4));
	ck_assert_int_eq(link_get_peer(&rig->consumer.link), LINK_PEER_RUNNING);
}

/* The guest knows nothing of a pause: its resources are there, its picture comes back by itself. */
START_TEST(pause_keeps_the_picture) {
	struct rig rig;
	struct rig_picture picture;
	show_picture(&rig, &picture);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(vmm_device_stop(&rig.vmm), 0);
		rig_settle(&rig);
		ck_assert_int_eq(link_get_peer(&rig.consumer.link), LINK_PEER_CONNECTED);
		ck_assert_int_eq(vmm_device_start(&rig.vmm), 0);
		rig_settle(&rig);
		ck_assert_int_eq(link_get_peer(&rig.consumer.link), LINK_PEER_RUNNING);
		uint64_t sequence = rig.views[0].frame.sequence;
		rig_tick(&rig);
		rig_tick(&rig);
		ck_assert_uint_gt(rig.views[0].frame.sequence, sequence);
		ck_assert_uint_eq(rig_pixel(&rig, 0, 3, 4), rig_pattern(5, 3, 4));
	}
	ck_assert_uint_eq(link_resets(&rig.consumer.link), 0);
	rig_picture_fill(&picture, 6);
	ck_assert_ok(vmm_gpu_transfer(&rig.gpu, 1, 0, 0, RIG_WIDTH, RIG_HEIGHT, 0));
	ck_assert_ok(vmm_gpu_flush(&rig.gpu, 1, 0, 0, RIG_WIDTH, RIG_HEIGHT));
	rig_tick(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 0, 3, 4), rig_pattern(6, 3, 4));
	rig_picture_finish(&picture);
	rig_finish(&rig);
}
END_TEST

/* A guest that starts anew, seen only by rings that begin at 0: nothing of the old one is left. */
START_TEST(new_driver_finds_nothing) {
	struct rig rig;
	struct rig_picture picture;
	show_picture(&rig, &picture);
	ck_assert_int_eq(vmm_device_stop(&rig.vmm), 0);
	for (unsigned i = 0; i < rig.vmm.queues_len; i++) {
		vmm_queue_clear(&rig.vmm.queues[i]);
		rig.vmm.bases[i] = 0;
	}
	ck_assert_int_eq(vmm_device_start(&rig.vmm), 0);
	rig_settle(&rig);
	ck_assert_uint_eq(link_resets(&rig.consumer.link), 1);
	ck_assert_uint_eq(vmm_gpu_flush(&rig.gpu, 1, 0, 0, RIG_WIDTH, RIG_HEIGHT),
		VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	rig_create_resource(&rig, 1, &picture);
	rig_picture_finish(&picture);
	rig_finish(&rig);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("gpu pause");
	TCase *tcase = suite_case(suite, "pause");
	tcase_add_test(tcase, pause_keeps_the_picture);
	tcase_add_test(tcase, new_driver_finds_nothing);
	return suite;
}
