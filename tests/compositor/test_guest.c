#include "compositor/guest.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/pixel_format.h"
#include "tests/suite.h"
#include "tests/support/grants.h"

static struct test_grants grants;
static struct frame_link producer;
static struct guest guest;

static void begin(void) {
	struct config config;
	test_config_init(&config, 64, 48);
	uint32_t index = test_config_add_guest(&config, "guest", 2, 64, 48);
	test_config_add_layer(&config, "layer", index, 0, (struct rect) { 0, 0, 64, 48 });
	test_grants_init(&grants, &config, NULL);
	test_grants_producer(&grants, 0, &producer);
	link_set_peer(&producer.link, LINK_PEER_RUNNING);
	int fds[LINK_FDS];
	ck_assert_int_eq(link_grant_fds(grants.links[0], LINK_CONSUMER, fds), 0);
	ck_assert_int_eq(guest_init(&guest, &grants.config.guests[0], fds), 0);
	ck_assert_int_eq(guest_use_channel(&guest, 0), 0);
}

static void end(void) {
	guest_finish(&guest);
	frame_link_finish(&producer);
	test_grants_finish(&grants);
}

static struct layer_signs look(uint64_t echo_ns, uint64_t now_ns) {
	struct layer_signs signs;
	const struct guest_patience patience = { GUEST_ECHO_TICKS, echo_ns };
	guest_look(&guest, 0, &patience, now_ns, &signs);
	return signs;
}

static void tick(unsigned ticks, uint64_t now_ns) {
	for (unsigned i = 0; i < ticks; i++) {
		guest_tick(&guest, now_ns);
	}
}

static void publish(void) {
	struct frame frame = {
		.width = 64, .height = 48, .stride = 256, .format = PIXEL_FORMAT_BGRX
	};
	frame_link_publish(&producer, 0, &frame);
}

START_TEST(an_answer_in_time_is_none_too_late) {
	begin();
	tick(GUEST_ECHO_TICKS, 10);
	ck_assert(!look(0, 10).stuck);
	tick(1, 10);
	ck_assert(look(0, 10).stuck);
	link_echo(&producer.link);
	ck_assert(!look(0, 10).stuck);
	tick(GUEST_ECHO_TICKS + 1, 20);
	ck_assert(look(0, 20).stuck);
	end();
}
END_TEST

START_TEST(fast_ticks_alone_make_nobody_late) {
	begin();
	link_echo(&producer.link);
	tick(1000, 100);
	ck_assert(!look(50, 149).stuck);
	ck_assert(look(50, 150).stuck);
	/* counted from the first tick that has no answer */
	link_echo(&producer.link);
	tick(1, 200);
	tick(1000, 240);
	ck_assert(look(50, 250).stuck);
	end();
}
END_TEST

START_TEST(a_lying_echo_is_no_answer) {
	begin();
	struct link_page_header *page = producer.link.producer_page;
	atomic_store(&page->tick, UINT64_MAX);
	tick(1, 0);
	/* it counts as an answer to what was sent, and to nothing that will be */
	ck_assert(!look(0, 0).stuck);
	atomic_store(&page->tick, 0);
	tick(GUEST_ECHO_TICKS, 0);
	ck_assert(look(0, 0).stuck);
	end();
}
END_TEST

START_TEST(a_new_process_answers_for_itself) {
	begin();
	tick(100, 0);
	ck_assert(look(0, 0).stuck);
	/* told by the keeper */
	guest_set_process(&guest, (int)syscall(SYS_pidfd_open, getpid(), 0));
	ck_assert(!look(0, 0).stuck);
	tick(100, 0);
	ck_assert(look(0, 0).stuck);
	/* or seen from its taking over the link */
	frame_link_finish(&producer);
	test_grants_producer(&grants, 0, &producer);
	tick(1, 0);
	ck_assert(!look(0, 0).stuck);
	/* nobody there is nobody late */
	link_set_peer(&producer.link, LINK_PEER_ABSENT);
	tick(100, 0);
	ck_assert(!look(0, 0).stuck);
	link_set_peer(&producer.link, LINK_PEER_RUNNING);
	ck_assert(!look(0, 0).stuck);
	end();
}
END_TEST

START_TEST(a_death_is_remembered_until_a_new_process) {
	begin();
	guest_set_process(&guest, (int)syscall(SYS_pidfd_open, getpid(), 0));
	ck_assert(!look(0, 0).died);
	guest_mark_died(&guest);
	ck_assert(look(0, 0).died);
	ck_assert_int_eq(guest.process, -1);
	guest_set_process(&guest, (int)syscall(SYS_pidfd_open, getpid(), 0));
	ck_assert(!look(0, 0).died);
	end();
}
END_TEST

START_TEST(ticks_go_on_after_a_restart) {
	begin();
	tick(70, 0);
	link_echo(&producer.link);
	guest_finish(&guest);
	int fds[LINK_FDS];
	ck_assert_int_eq(link_grant_fds(grants.links[0], LINK_CONSUMER, fds), 0);
	ck_assert_int_eq(guest_init(&guest, &grants.config.guests[0], fds), 0);
	ck_assert_int_eq(guest_use_channel(&guest, 0), 0);
	ck_assert_uint_eq(guest.tick, 70);
	ck_assert(!look(0, 0).stuck);
	tick(1, 0);
	ck_assert_uint_eq(link_echo(&producer.link), 71);
	end();
}
END_TEST

START_TEST(a_mode_is_said_once) {
	begin();
	struct frame_mode mode = grants.config.guests[0].gpu.scanouts[0], read;
	struct frame_consumer_page *page = guest.link.link.consumer_page;
	ck_assert(!frame_link_mode(&producer, 0, &read));
	guest_set_mode(&guest, 0, &mode);
	ck_assert(frame_link_mode(&producer, 0, &read));
	ck_assert_uint_eq(read.width, 64);
	uint32_t lock = atomic_load(&page->channels[0].mode_lock);
	guest_set_mode(&guest, 0, &mode);
	ck_assert_uint_eq(atomic_load(&page->channels[0].mode_lock), lock);
	mode.width = 65;
	guest_set_mode(&guest, 0, &mode);
	ck_assert_uint_ne(atomic_load(&page->channels[0].mode_lock), lock);
	end();
}
END_TEST

START_TEST(a_retracted_picture_stays_until_dropped) {
	begin();
	ck_assert(look(0, 0).blank);
	publish();
	ck_assert(guest_take(&guest, 0, 0));
	ck_assert(!guest_take(&guest, 0, 0));
	ck_assert(!look(0, 0).blank);
	guest_latch(&guest, 0, 99);
	uint64_t latched_ns;
	ck_assert_uint_eq(frame_link_latched(&producer, 0, &latched_ns), 1);
	ck_assert_uint_eq(latched_ns, 99);
	/* what is still published is not dropped */
	guest_drop_picture(&guest, 0);
	ck_assert(!look(0, 0).blank);

	frame_link_retract(&producer, 0);
	ck_assert(!guest_take(&guest, 0, 0));
	ck_assert(look(0, 0).blank);
	ck_assert_ptr_nonnull(guest.channels[0]->view.pixels);
	ck_assert(frame_link_is_busy(&producer, 0, 64));
	guest_drop_picture(&guest, 0);
	ck_assert_ptr_null(guest.channels[0]->view.pixels);
	ck_assert(!frame_link_is_busy(&producer, 0, 64));
	ck_assert(!guest_take(&guest, 0, 0));
	publish();
	ck_assert(guest_take(&guest, 0, 0));
	ck_assert_uint_eq(look(0, 0).frames, 2);
	end();
}
END_TEST

static void publish_tagged(uint32_t buffer, uint32_t top, uint32_t bottom) {
	struct frame frame = {
		.width = 64,
		.height = 48,
		.stride = 256,
		.format = PIXEL_FORMAT_BGRX,
		.pool_offset = (uint64_t)buffer * 256 * 48,
	};
	uint8_t *pixels = (uint8_t *)producer.link.pool + frame.pool_offset;
	const struct frame_tag first = { top, top, 0 }, last = { bottom, bottom, 0 };
	uint32_t words[FRAME_TAG_PIXELS];
	frame_tag_encode(&first, words);
	memcpy(pixels, words, sizeof(words));
	frame_tag_encode(&last, words);
	memcpy(pixels + (size_t)47 * 256, words, sizeof(words));
	frame_link_publish(&producer, 0, &frame);
}

START_TEST(a_bad_picture_leaves_the_one_before) {
	begin();
	const struct guest_channel *channel = guest.channels[0];
	guest.channels[0]->rules.tag = true;
	publish_tagged(0, 5, 5);
	ck_assert(guest_take(&guest, 0, 0));
	const uint8_t *first = channel->view.pixels;

	publish_tagged(1, 6, 7);
	ck_assert(!guest_take(&guest, 0, 0));
	ck_assert_int_eq(look(0, 0).refused, FAULT_TORN);
	ck_assert_uint_eq(look(0, 0).refusals, 1);
	ck_assert(!guest_take(&guest, 0, 0)); /* looked at once */
	ck_assert_uint_eq(look(0, 0).refusals, 1);
	ck_assert_ptr_eq(channel->view.pixels, first);
	ck_assert(frame_link_is_busy(&producer, 0, 256 * 48));
	publish_tagged(2, 4, 4);
	ck_assert(!guest_take(&guest, 0, 0));
	ck_assert_int_eq(look(0, 0).refused, FAULT_LAGGED);
	ck_assert_uint_eq(channel->rejected, 2);

	publish_tagged(1, 8, 8);
	ck_assert(guest_take(&guest, 0, 0));
	ck_assert_int_eq(look(0, 0).refused, FAULT_NONE);
	ck_assert_uint_eq(look(0, 0).frames, 2);
	ck_assert(!frame_link_is_busy(&producer, 0, 256 * 48));
	/* another source counts anew */
	link_count_reset(&producer.link);
	publish_tagged(2, 1, 1);
	ck_assert(guest_take(&guest, 0, 0));
	end();
}
END_TEST

START_TEST(an_unchanged_counter_is_seen) {
	begin();
	guest.channels[0]->rules = (struct candidate_rules) { .tag = true, .frozen_frames = 2 };
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert(!look(0, 0).frozen);
		publish_tagged(i % 2, 9, 9);
		ck_assert(guest_take(&guest, 0, 0));
	}
	ck_assert(look(0, 0).frozen);
	publish_tagged(1, 10, 10);
	ck_assert(guest_take(&guest, 0, 0));
	ck_assert(!look(0, 0).frozen);
	end();
}
END_TEST

START_TEST(heartbeats_are_passed_on) {
	begin();
	ck_assert_uint_eq(look(0, 0).hearts, 0);
	frame_link_set_heartbeat(&producer, 3, 77);
	guest_take(&guest, 0, 0);
	ck_assert_uint_eq(look(0, 0).hearts, 3);
	ck_assert_uint_eq(look(0, 0).heart_number, 77);
	end();
}
END_TEST

START_TEST(without_a_link_it_is_absent) {
	struct config config;
	test_config_init(&config, 64, 48);
	test_config_add_guest(&config, "guest", 1, 64, 48);
	ck_assert_int_eq(guest_init(&guest, &config.guests[0], NULL), 0);
	ck_assert_int_eq(guest_use_channel(&guest, 0), 0);
	ck_assert(!guest_take(&guest, 0, 0));
	guest_tick(&guest, 1);
	guest_latch(&guest, 0, 1);
	guest_drop_picture(&guest, 0);
	guest_set_mode(&guest, 0, &config.guests[0].gpu.scanouts[0]);
	struct layer_signs signs = look(0, 0);
	ck_assert_int_eq(signs.peer, LINK_PEER_ABSENT);
	ck_assert(signs.blank && !signs.stuck && !signs.died);
	guest_finish(&guest);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor guest");
	TCase *process = suite_case(suite, "process");
	tcase_add_test(process, an_answer_in_time_is_none_too_late);
	tcase_add_test(process, fast_ticks_alone_make_nobody_late);
	tcase_add_test(process, a_lying_echo_is_no_answer);
	tcase_add_test(process, a_new_process_answers_for_itself);
	tcase_add_test(process, a_death_is_remembered_until_a_new_process);
	tcase_add_test(process, ticks_go_on_after_a_restart);
	tcase_add_test(process, without_a_link_it_is_absent);
	TCase *pictures = suite_case(suite, "pictures");
	tcase_add_test(pictures, a_bad_picture_leaves_the_one_before);
	tcase_add_test(pictures, an_unchanged_counter_is_seen);
	tcase_add_test(pictures, heartbeats_are_passed_on);
	tcase_add_test(pictures, a_mode_is_said_once);
	tcase_add_test(pictures, a_retracted_picture_stays_until_dropped);
	return suite;
}
