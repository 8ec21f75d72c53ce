#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compositor/guest.h"
#include "core/clock.h"
#include "core/macros.h"
#include "tests/compositor/pair.h"
#include "tests/suite.h"
#include "tests/support/test_atlas.h"

/* what a compositor does when a guest's pictures end */

static struct rig rig;

/* what can befall the critical guest, and what is said of it */
static void hang_up(void) {
	link_set_peer(&rig.guests[0].link.link, LINK_PEER_ABSENT);
}

static void hang_up_properly(void) {
	frame_link_retract(&rig.guests[0].link, 0);
	link_set_peer(&rig.guests[0].link.link, LINK_PEER_ABSENT);
}

static void reset(void) {
	link_count_reset(&rig.guests[0].link.link);
	frame_link_retract(&rig.guests[0].link, 0);
	link_set_peer(&rig.guests[0].link.link, LINK_PEER_CONNECTED);
}

static void blank(void) {
	frame_link_retract(&rig.guests[0].link, 0);
}

static void stop(void) {
	rig.guests[0].is_stopped = true;
}

static void nothing(void) {
}

static void die(void) {
	/* a process of ours stands for the producer's */
	pid_t pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	int process = (int)syscall(SYS_pidfd_open, pid, 0);
	ck_assert_int_ge(process, 0);
	ck_assert_int_eq(compositor_set_process(rig.compositor, 0, process), 0);
	rig_step(&rig, 1);
	pair_expect(&rig, "layer.cluster", LAYER_LIVE);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static const struct {
	const char *name;
	void (*happen)(void);
	enum fault_cause cause;
	uint32_t stall_ms;
	unsigned ticks; /* until it is noticed, at most */
} losses[] = {
	{ "died", die, FAULT_DIED, 0, 2 },
	{ "hung up", hang_up, FAULT_HUNG_UP, 0, 1 },
	{ "hung up, picture taken back", hang_up_properly, FAULT_HUNG_UP, 0, 1 },
	{ "reset", reset, FAULT_RESET, 0, 1 },
	{ "blank", blank, FAULT_BLANKED, 0, 1 },
	{ "stopped", stop, FAULT_STUCK, 0, GUEST_ECHO_TICKS + 1 },
	{ "stalled", nothing, FAULT_STALLED, 99, 6 },
};

static void come_back(void) {
	rig.guests[0].is_stopped = false;
	link_set_peer(&rig.guests[0].link.link, LINK_PEER_RUNNING);
	/* whoever died was replaced: a process that lives as long as this one */
	int process = (int)syscall(SYS_pidfd_open, getpid(), 0);
	ck_assert_int_eq(compositor_set_process(rig.compositor, 0, process), 0);
}

START_TEST(a_loss_brings_the_fallback_and_pictures_end_it) {
	struct config config;
	pair_config(&config);
	config.layers[0].stall_ms = losses[_i].stall_ms;
	config.layers[0].recover_frames = 3;
	rig_init(&rig, &config, NULL);
	pair_draw(&rig);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);

	uint64_t before_ns = clock_now_ns();
	losses[_i].happen();
	rig_step(&rig, losses[_i].ticks);
	pair_expect(&rig, "layer.cluster", LAYER_PLACEHOLDER);
	pair_expect_fallback(&rig);
	ck_assert_uint_eq(rig_value(&rig, "layer.cluster.cause"), losses[_i].cause);
	ck_assert_uint_ge(rig_value(&rig, "layer.cluster.lost_ns"), before_ns);
	ck_assert_uint_ge(rig_value(&rig, "output.main.fallback_ns"), before_ns);
	ck_assert_uint_eq(rig_value(&rig, "output.main.fallbacks"), 2);
	ck_assert_uint_eq(rig_value(&rig, "layer.cluster.losses"), 1);

	come_back();
	for (unsigned i = 0; i < 3; i++) {
		pair_expect(&rig, "output.main", SCREEN_FALLBACK);
		rig_publish_plain(&rig, 0, 0, pair_left.width, PAIR_HEIGHT, PAIR_CLUSTER + i);
		rig_step(&rig, 1);
	}
	pair_expect(&rig, "layer.cluster", LAYER_LIVE);
	ck_assert_uint_eq(rig_value(&rig, "layer.cluster.cause"), FAULT_NONE);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 0, 0), PAIR_CLUSTER + 2);
	ck_assert_uint_eq(rig_pixel(&rig, PAIR_WIDTH - 1, 0), PAIR_IVI);
	rig_finish(&rig);
}
END_TEST

START_TEST(a_lost_picture_is_held) {
	struct config config;
	pair_config(&config);
	config.layers[0].hold_ms = 49; /* three ticks */
	for (enum fault_cause cause = FAULT_NONE; cause < FAULT_CAUSES; cause++) {
		config.layers[0].reactions[cause] = FAULT_REACTION_HOLD;
	}
	rig_init(&rig, &config, NULL);
	pair_draw(&rig);
	losses[_i].happen();
	rig_step(&rig, losses[_i].ticks);
	for (unsigned i = 0; i < 3; i++) {
		pair_expect(&rig, "layer.cluster", LAYER_SUSPECT);
		pair_expect(&rig, "output.main", SCREEN_DEGRADED);
		/* in a new picture too: its pixels are still promised */
		rig_publish_plain(&rig, 1, 0, pair_right.width, PAIR_HEIGHT, PAIR_IVI + i);
		rig_step(&rig, 1);
		if (i < 2) {
			rig_look(&rig);
			ck_assert_uint_eq(rig_pixel(&rig, 3, 3), PAIR_CLUSTER);
		}
	}
	pair_expect(&rig, "layer.cluster", LAYER_PLACEHOLDER);
	pair_expect_fallback(&rig);
	rig_finish(&rig);
}
END_TEST

START_TEST(a_held_picture_may_not_be_overwritten) {
	struct config config;
	pair_config(&config);
	config.layers[0].hold_ms = 100;
	config.layers[0].reactions[FAULT_BLANKED] = FAULT_REACTION_HOLD;
	rig_init(&rig, &config, NULL);
	pair_draw(&rig);
	struct frame_link *link = &rig.guests[0].link;
	frame_link_retract(link, 0);
	rig_step(&rig, 2);
	pair_expect(&rig, "layer.cluster", LAYER_SUSPECT);
	ck_assert(frame_link_is_busy(link, 0, link->link.pool_bytes));
	rig_step(&rig, 6);
	pair_expect(&rig, "layer.cluster", LAYER_PLACEHOLDER);
	ck_assert(!frame_link_is_busy(link, 0, link->link.pool_bytes));
	rig_finish(&rig);
}
END_TEST

START_TEST(a_layer_that_is_not_critical_gets_its_placeholder) {
	struct config config;
	pair_config(&config);
	rig_init(&rig, &config, NULL);
	pair_draw(&rig);
	link_set_peer(&rig.guests[1].link.link, LINK_PEER_ABSENT);
	rig_step(&rig, 1);
	pair_expect(&rig, "output.main", SCREEN_DEGRADED);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 0, 0), PAIR_CLUSTER);
	ck_assert_uint_eq(rig_pixel(&rig, PAIR_WIDTH / 2, 0), test_atlas_colour("placeholder/ivi"));
	rig_finish(&rig);
}
END_TEST

START_TEST(without_a_fallback_there_are_placeholders) {
	struct config config;
	pair_config(&config);
	config.outputs[0].fallback = 0;
	rig_init(&rig, &config, NULL);
	pair_expect(&rig, "output.main", SCREEN_DEGRADED);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 0, 0), test_atlas_colour("placeholder/cluster"));
	pair_draw(&rig);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	rig_finish(&rig);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor loss");
	TCase *loss = suite_case(suite, "loss");
	tcase_add_loop_test(
		loss, a_loss_brings_the_fallback_and_pictures_end_it, 0, ARRAY_LEN(losses));
	tcase_add_loop_test(loss, a_lost_picture_is_held, 0, ARRAY_LEN(losses) - 1);
	tcase_add_test(loss, a_held_picture_may_not_be_overwritten);
	tcase_add_test(loss, a_layer_that_is_not_critical_gets_its_placeholder);
	tcase_add_test(loss, without_a_fallback_there_are_placeholders);
	return suite;
}
