#include "compositor/guest.h"

#include <stdatomic.h>
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
	ck_assert(guest_take(&guest, 0));
	ck_assert(!guest_take(&guest, 0));
	ck_assert(!look(0, 0).blank);
	guest_latch(&guest, 0, 99);
	uint64_t latched_ns;
	ck_assert_uint_eq(frame_link_latched(&producer, 0, &latched_ns), 1);
	ck_assert_uint_eq(latched_ns, 99);
	/* what is still published is not dropped */
	guest_drop_picture(&guest, 0);
	ck_assert(!look(0, 0).blank);

	frame_link_retract(&producer, 0);
	ck_assert(!guest_take(&guest, 0));
	ck_assert(look(0, 0).blank);
	ck_assert_ptr_nonnull(guest.channels[0]->view.pixels);
	ck_assert(frame_link_is_busy(&producer, 0, 64));
	guest_drop_picture(&guest, 0);
	ck_assert_ptr_null(guest.channels[0]->view.pixels);
	ck_assert(!frame_link_is_busy(&producer, 0, 64));
	ck_assert(!guest_take(&guest, 0));
	publish();
	ck_assert(guest_take(&guest, 0));
	ck_assert_uint_eq(look(0, 0).frames, 2);
	end();
}
END_TEST

START_TEST(without_a_link_it_is_absent) {
	struct config config;
	test_config_init(&config, 64, 48);
	test_config_add_guest(&config, "guest", 1, 64, 48);
	ck_assert_int_eq(guest_init(&guest, &config.guests[0], NULL), 0);
	ck_assert_int_eq(guest_use_channel(&guest, 0), 0);
	ck_assert(!guest_take(&guest, 0));
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
	tcase_add_test(pictures, a_mode_is_said_once);
	tcase_add_test(pictures, a_retracted_picture_stays_until_dropped);
	return suite;
}
