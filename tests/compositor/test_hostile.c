#include <stdatomic.h>

#include "core/macros.h"
#include "tests/compositor/pair.h"
#include "tests/suite.h"

/* what a producer can do to a compositor with the pages that it may write */

static struct rig rig;

/* frames that no honest producer publishes, written behind the library's back */
static void set_offset(struct frame *frame) {
	frame->pool_offset = UINT64_MAX - 3;
}

static void set_stride(struct frame *frame) {
	frame->stride = UINT32_MAX - 3;
}

static void set_small_stride(struct frame *frame) {
	frame->stride = 4;
}

static void set_size(struct frame *frame) {
	frame->width = frame->height = UINT32_MAX;
}

static void set_nothing(struct frame *frame) {
	frame->width = 0;
}

static void set_format(struct frame *frame) {
	frame->format = 77;
}

static void set_end(struct frame *frame) {
	frame->pool_offset = (16 << 20) - 64;
}

static void set_damage(struct frame *frame) {
	frame->damage.len = UINT32_MAX;
	frame->damage.items[0] = (struct rect) { INT32_MIN, INT32_MAX, UINT32_MAX, UINT32_MAX };
}

static const struct {
	void (*set)(struct frame *frame);
	bool rejected;
} hostile[] = {
	{ set_offset, true },
	{ set_stride, true },
	{ set_small_stride, true },
	{ set_size, true },
	{ set_nothing, true },
	{ set_format, true },
	{ set_end, true },
	{ set_damage, false },
};

START_TEST(hostile_frames_are_refused) {
	struct config config;
	pair_config(&config);
	rig_init(&rig, &config, NULL);
	pair_draw(&rig);
	rig_publish_plain(&rig, 0, 0, pair_left.width, PAIR_HEIGHT, 0x777777);
	struct frame_producer_page *page = rig.guests[0].link.link.producer_page;
	struct frame_producer_channel *channel = &page->channels[0];
	uint64_t ticket = atomic_load(&channel->frame_box.published);
	struct frame *published = &channel->frames[mailbox_slot(ticket)];
	struct frame honest = *published;
	hostile[_i].set(published);
	rig_step(&rig, 2);
	rig_look(&rig);
	ck_assert_uint_eq(rig_value(&rig, "layer.cluster.rejected"), hostile[_i].rejected);
	ck_assert_uint_eq(rig_pixel(&rig, 5, 5), hostile[_i].rejected ? PAIR_CLUSTER : 0x777777);
	ck_assert_uint_eq(rig_pixel(&rig, PAIR_WIDTH - 1, 5), PAIR_IVI);
	pair_expect(&rig, "output.main", hostile[_i].rejected ? SCREEN_DEGRADED : SCREEN_NORMAL);
	ck_assert_uint_eq(rig_value(&rig, "layer.cluster.cause"),
		hostile[_i].rejected ? FAULT_BAD_FRAME : FAULT_NONE);
	/* and the next good one is taken */
	*published = honest;
	rig_publish_plain(&rig, 0, 0, pair_left.width, PAIR_HEIGHT, 0x888888);
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 5, 5), 0x888888);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	rig_finish(&rig);
}
END_TEST

START_TEST(a_producer_page_full_of_noise) {
	struct config config;
	pair_config(&config);
	config.layers[0].critical = 0;
	rig_init(&rig, &config, NULL);
	pair_draw(&rig);
	uint64_t random = 12345;
	uint32_t *words = rig.guests[0].link.link.producer_page;
	size_t len = rig.guests[0].link.link.producer_page_bytes / sizeof(*words);
	for (unsigned round = 0; round < 50; round++) {
		for (size_t i = 0; i < len; i++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			words[i] = (uint32_t)(random >> 32);
		}
		rig_publish_plain(&rig, 1, 0, pair_right.width, PAIR_HEIGHT, round);
		rig_step(&rig, 1);
		rig_look(&rig);
		ck_assert_uint_eq(rig_pixel(&rig, PAIR_WIDTH - 1, 5), round);
	}
	rig_finish(&rig);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor hostile");
	TCase *pages = suite_case(suite, "pages");
	tcase_add_loop_test(pages, hostile_frames_are_refused, 0, ARRAY_LEN(hostile));
	tcase_add_test(pages, a_producer_page_full_of_noise);
	return suite;
}
