/*
 * Faults injected into a whole compositor, by commands as an operator sends them: what its output comes
 * to, and within how many ticks.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "compositor/screen.h"
#include "core/fd.h"
#include "core/inject.h"
#include "core/macros.h"
#include "core/safety_page.h"
#include "tests/compositor/rig.h"
#include "tests/suite.h"

#define WIDTH 300
#define HEIGHT 200

static struct rig rig;
static uint32_t colour;

static void set_up(bool is_allowed) {
	struct config config;
	test_config_init(&config, WIDTH, HEIGHT);
	uint32_t guest = test_config_add_guest(&config, "ivi", 1, 100, 100);
	struct config_layer *layer = test_config_add_layer(
		&config, "ivi", guest, 0, (struct rect) { 150, 50, 100, 100 });
	layer->recover_frames = 1;
	test_config_add_layer(
		&config, "still", CONFIG_NONE, CONFIG_NONE, (struct rect) { 0, 150, 100, 40 });
	config.safety.allow_inject = is_allowed;
	colour = 0x101010;
	rig_init(&rig, &config, NULL);
}

/* Ticks with a new picture each. */
static void step(unsigned ticks) {
	for (; ticks > 0; ticks--) {
		rig_publish_plain(&rig, 0, 0, 100, 100, ++colour);
		rig_step(&rig, 1);
	}
}

static bool is_shown(void) {
	rig_look(&rig);
	return rig_pixel(&rig, 200, 100) == colour;
}

static enum screen_state state(void) {
	return (enum screen_state)rig_value(&rig, "output.main.state");
}

static int ask(enum control_type type, const char *name, const char *text, int64_t a, int64_t b) {
	struct control_message request = { .type = type, .arg = { a, b } };
	struct control_message reply;
	snprintf(request.name, sizeof(request.name), "%s", name);
	snprintf(request.text, sizeof(request.text), "%s", text);
	uint64_t before_ns = clock_now_ns();
	compositor_command(rig.compositor, &request, &reply);
	ck_assert_uint_eq(reply.type, CONTROL_END);
	ck_assert_int_ge(reply.arg[1], before_ns);
	ck_assert_int_le(reply.arg[1], clock_now_ns());
	ck_assert_int_eq(reply.arg[0] != 0, reply.text[0] != '\0');
	return (int)reply.arg[0];
}

static int inject(enum inject_fault fault, const char *text, int64_t number, int64_t ticks) {
	return ask(CONTROL_INJECT, inject_fault_name(fault), text, number, ticks);
}

static const struct {
	const char *name;
	enum inject_fault fault;
	int64_t number, ticks;
	enum mechanism mechanism;
	unsigned dark; /* ticks after which nothing is believed any more; 0: it recovers */
	unsigned well; /* ticks after which a new picture is seen, if so */
} rows[] = {
	{ "refused for good", INJECT_COMMIT_ERROR, 0, 1000, MECHANISM_COMMIT, 4, 0 },
	{ "refused until a reset", INJECT_COMMIT_ERROR, 1, 1000, MECHANISM_COMMIT, 0, 3 },
	{ "flips lost for good", INJECT_LOSE_FLIP, 0, 1000, MECHANISM_FLIP, 8, 0 },
	{ "flips lost until a reset", INJECT_LOSE_FLIP, 1, 1000, MECHANISM_FLIP, 0, 7 },
	{ "unplugged for ten ticks", INJECT_UNPLUG, 0, 10, MECHANISM_CONNECTION, 0, 11 },
	{ "other mode", INJECT_MODE, 0, 0, MECHANISM_MODE, 0, 1 },
	{ "after a sleep", INJECT_RESUME, 0, 0, MECHANISM_COMMIT, 0, 4 },
};

START_TEST(faults_of_the_output) {
	set_up(true);
	step(60);
	ck_assert(is_shown());
	enum screen_state before = state();
	ck_assert_uint_eq(before, SCREEN_NORMAL);
	ck_assert_int_eq(inject(rows[_i].fault, "", rows[_i].number, rows[_i].ticks), 0);
	if (rows[_i].dark > 0) {
		step(rows[_i].dark - 1);
		ck_assert_uint_ne(state(), SCREEN_SAFE);
		step(1);
		ck_assert_uint_eq(state(), SCREEN_SAFE);
		/* and stays so, until somebody takes responsibility */
		ck_assert_int_eq(inject(INJECT_CLEAR, "", 0, 0), 0);
		step(10);
		ck_assert_uint_eq(state(), SCREEN_SAFE);
		rig_look(&rig);
		ck_assert_uint_eq(rig_pixel(&rig, 200, 100), 0);
		ck_assert_int_eq(ask(CONTROL_ACKNOWLEDGE, "main", "", 0, 0), 0);
		step(1);
	} else {
		step(rows[_i].well);
		ck_assert_uint_ne(state(), SCREEN_SAFE);
	}
	step(60); /* what the fallback's dwelling takes */
	ck_assert_uint_eq(state(), SCREEN_NORMAL);
	ck_assert(is_shown());
	rig_finish(&rig);
}
END_TEST

START_TEST(without_its_mechanism_it_is_not_noticed) {
	set_up(true);
	step(60);
	ck_assert_int_eq(ask(CONTROL_MECHANISM, mechanism_name(rows[_i].mechanism), "", 0, 0), 0);
	ck_assert_int_eq(ask(CONTROL_MECHANISM, mechanism_name(MECHANISM_FLIP), "", 0, 0), 0);
	ck_assert_int_eq(inject(rows[_i].fault, "", rows[_i].number, 1000), 0);
	step(30);
	ck_assert_uint_eq(state(), SCREEN_NORMAL);
	ck_assert(!is_shown());
	rig_finish(&rig);
}
END_TEST

START_TEST(a_damaged_atlas) {
	set_up(true);
	step(60);
	ck_assert_int_eq(inject(INJECT_FLIP_ATLAS, "picture/still", 0, 0), 0);
	step(600);
	ck_assert_uint_eq(state(), SCREEN_NORMAL);
	ck_assert_uint_eq(rig_value(&rig, "compositor.atlas_repairs"), 1);
	ck_assert_int_eq(inject(INJECT_FLIP_ATLAS, "picture/still", 1, 0), 0);
	step(600);
	ck_assert_uint_eq(state(), SCREEN_SAFE);
	rig_finish(&rig);
}
END_TEST

START_TEST(a_successor_writes_down_that_it_is_one) {
	struct safety_record record;
	set_up(false);
	int fd = fcntl(rig.grants.safety_fd, F_DUPFD_CLOEXEC, 0);
	const struct safety_page *safety = safety_page_map_reader(fd);
	fd_close(&fd);
	ck_assert_ptr_nonnull(safety);
	step(5);
	uint64_t newest = atomic_load(&safety->newest);
	rig_restart(&rig);
	bool is_found = false;
	for (uint64_t number = newest + 1; number <= atomic_load(&safety->newest); number++) {
		if (safety_page_read(safety, number, &record) &&
			record.subject == SAFETY_COMPOSITOR) {
			is_found = true;
			ck_assert_uint_eq(record.cause, FAULT_DIED);
			ck_assert_uint_gt(record.onset_ns, 0);
			ck_assert_uint_ge(record.safe_ns, record.detect_ns);
		}
	}
	ck_assert(is_found);
	safety_page_unmap(safety);
	rig_finish(&rig);
}
END_TEST

START_TEST(blind_checks_are_found_within_a_second) {
	set_up(true);
	step(70);
	ck_assert_int_eq(inject(INJECT_BLIND, "", 0, 1000), 0);
	step(61);
	ck_assert_uint_eq(state(), SCREEN_SAFE);
	rig_finish(&rig);
	/* not without its mechanism */
	set_up(true);
	step(70);
	ck_assert_int_eq(ask(CONTROL_MECHANISM, mechanism_name(MECHANISM_SELF_TEST), "", 0, 0), 0);
	ck_assert_int_eq(inject(INJECT_BLIND, "", 0, 1000), 0);
	step(130);
	ck_assert_uint_eq(state(), SCREEN_NORMAL);
	rig_finish(&rig);
}
END_TEST

START_TEST(the_self_test_runs) {
	set_up(false);
	step(180);
	ck_assert_uint_eq(rig_value(&rig, "compositor.self_tests"), 3);
	ck_assert_uint_eq(state(), SCREEN_NORMAL);
	rig_finish(&rig);
}
END_TEST

static const struct {
	const char *name;
	const char *fault, *text;
	int64_t number, ticks;
	int error;
} refused[] = {
	{ "no such fault", "nonsense", "", 0, 0, ENOENT },
	{ "no such output", "commit", "nowhere", 0, 0, ENOENT },
	{ "no such element", "composed", "nothing", 0, 0, ENOENT },
	{ "no such tile", "atlas", "nothing", 0, 0, ENOENT },
	{ "too long", "commit", "", 0, 1000001, EINVAL },
	{ "negative", "commit", "", 0, -1, EINVAL },
	{ "stalls for ever", "stall", "", 10001, 0, EINVAL },
	{ "stalls not at all", "stall", "", 0, 0, EINVAL },
	{ "clock too fast", "clock", "", 1001, 0, EINVAL },
};

START_TEST(impossible_faults_are_refused) {
	set_up(true);
	ck_assert_int_eq(ask(CONTROL_INJECT, refused[_i].fault, refused[_i].text,
				 refused[_i].number, refused[_i].ticks),
		refused[_i].error);
	ck_assert_int_eq(ask(CONTROL_MECHANISM, "nonsense", "", 0, 0), ENOENT);
	step(2);
	rig_finish(&rig);
}
END_TEST

START_TEST(nothing_is_injected_where_it_is_not_allowed) {
	set_up(false);
	for (unsigned i = 0; i < INJECT_FAULTS; i++) {
		ck_assert_int_eq(inject((enum inject_fault)i, "", 1, 1), EPERM);
	}
	for (unsigned i = 0; i < MECHANISMS; i++) {
		ck_assert_int_eq(
			ask(CONTROL_MECHANISM, mechanism_name((enum mechanism)i), "", 0, 0), EPERM);
	}
	step(20);
	ck_assert(is_shown());
	rig_finish(&rig);
}
END_TEST

START_TEST(a_stalled_tick_is_a_tick) {
	set_up(true);
	step(2);
	ck_assert_int_eq(inject(INJECT_STALL, "", 20, 1), 0);
	uint64_t before_ns = clock_now_ns();
	step(1);
	ck_assert_uint_ge(clock_now_ns() - before_ns, 20 * NS_PER_MS);
	ck_assert(is_shown());
	rig_finish(&rig);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor compositor_faults");
	TCase *outputs = suite_case(suite, "outputs");
	tcase_add_loop_test(outputs, faults_of_the_output, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(outputs, without_its_mechanism_it_is_not_noticed, 0, ARRAY_LEN(rows));
	TCase *itself = suite_case(suite, "itself");
	tcase_add_test(itself, a_damaged_atlas);
	tcase_add_test(itself, a_successor_writes_down_that_it_is_one);
	tcase_add_test(itself, blind_checks_are_found_within_a_second);
	tcase_add_test(itself, the_self_test_runs);
	tcase_add_test(itself, a_stalled_tick_is_a_tick);
	TCase *commands = suite_case(suite, "commands");
	tcase_add_loop_test(commands, impossible_faults_are_refused, 0, ARRAY_LEN(refused));
	tcase_add_test(commands, nothing_is_injected_where_it_is_not_allowed);
	return suite;
}
