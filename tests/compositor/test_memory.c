#include "compositor/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "compositor/inject.h"
#include "core/fd.h"
#include "core/macros.h"
#include "tests/compositor/pair.h"
#include "tests/suite.h"
#include "tests/support/test_atlas.h"

static struct rig rig;

static void memory_config(struct config *config) {
	pair_config(config);
	config->safety.allow_inject = 1;
	config->outputs[0].flicker_max = 3;
	config->layers[1].quarantine_losses = 2;
	config->layers[1].quarantine_ms = 60000;
}

static void start(void) {
	struct config config;
	memory_config(&config);
	rig_init(&rig, &config, NULL);
	pair_draw(&rig);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
}

/* The page as only its writer may see it. */
static struct safety_page *open_page(void) {
	struct safety_page *page = mmap(NULL, safety_page_bytes(), PROT_READ | PROT_WRITE,
		MAP_SHARED, rig.grants.safety_fd, 0);
	ck_assert_ptr_ne(page, MAP_FAILED);
	return page;
}

static void acknowledge(const char *name) {
	struct control_message request = { .type = CONTROL_ACKNOWLEDGE }, reply;
	snprintf(request.name, sizeof(request.name), "%s", name);
	compositor_command(rig.compositor, &request, &reply);
	ck_assert_int_eq(reply.arg[0], 0);
	rig_step(&rig, 1);
}

static bool is_black(void) {
	rig_look(&rig);
	for (int32_t i = 0; i < PAIR_WIDTH * PAIR_HEIGHT; i++) {
		if (rig_pixel(&rig, i % PAIR_WIDTH, i / PAIR_WIDTH) != 0) {
			return false;
		}
	}
	return true;
}

static void lose_and_return(uint32_t guest) {
	link_set_peer(&rig.guests[guest].link.link, LINK_PEER_ABSENT);
	rig_step(&rig, 1);
	link_set_peer(&rig.guests[guest].link.link, LINK_PEER_RUNNING);
	pair_draw(&rig);
}

/* ---- what a death does not end ---- */

START_TEST(a_safe_output_stays_safe) {
	start();
	ck_assert_int_eq(inject_fault(INJECT_BLIND, "", 0, 1000), 0);
	rig_step(&rig, 61);
	pair_expect(&rig, "output.main", SCREEN_SAFE);
	uint64_t cause = rig_value(&rig, "output.main.cause");
	for (unsigned i = 0; i < 3; i++) {
		rig_restart(&rig);
		/* already at first light */
		pair_expect(&rig, "output.main", SCREEN_SAFE);
		ck_assert_uint_eq(rig_value(&rig, "output.main.cause"), cause);
		ck_assert(is_black());
	}
	rig_step(&rig, 100);
	pair_draw(&rig);
	pair_expect(&rig, "output.main", SCREEN_SAFE);
	ck_assert(is_black());
	/* by this alone, and then for good */
	acknowledge("main");
	pair_expect(&rig, "output.main", SCREEN_FALLBACK);
	ck_assert(!is_black());
	rig_restart(&rig);
	pair_expect(&rig, "output.main", SCREEN_FALLBACK);
	rig_step(&rig, 1);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	rig_finish(&rig);
}
END_TEST

START_TEST(a_latched_fallback_stays_latched) {
	start();
	for (unsigned i = 0; i < 3; i++) {
		lose_and_return(0);
	}
	rig_step(&rig, 3);
	pair_expect(&rig, "output.main", SCREEN_FALLBACK);
	ck_assert_uint_eq(rig_value(&rig, "output.main.cause"), FAULT_FLICKER);
	rig_restart(&rig);
	rig_restart(&rig); /* died before its first tick */
	pair_expect(&rig, "output.main", SCREEN_FALLBACK);
	pair_draw(&rig);
	rig_step(&rig, 10);
	pair_expect(&rig, "output.main", SCREEN_FALLBACK);
	ck_assert_uint_eq(rig_value(&rig, "output.main.cause"), FAULT_FLICKER);
	acknowledge("main");
	rig_step(&rig, 1);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	rig_finish(&rig);
}
END_TEST

START_TEST(a_quarantine_stays) {
	start();
	lose_and_return(1);
	lose_and_return(1);
	pair_expect(&rig, "layer.ivi", LAYER_QUARANTINED);
	rig_restart(&rig);
	rig_restart(&rig); /* died before its first tick */
	pair_draw(&rig);
	rig_step(&rig, 10);
	pair_expect(&rig, "layer.ivi", LAYER_QUARANTINED);
	ck_assert_uint_eq(rig_value(&rig, "layer.ivi.cause"), FAULT_HUNG_UP);
	pair_expect(&rig, "layer.cluster", LAYER_LIVE);
	rig_look(&rig);
	ck_assert_uint_ne(rig_pixel(&rig, PAIR_WIDTH - 1, 0), PAIR_IVI);
	acknowledge("ivi");
	pair_draw(&rig);
	pair_expect(&rig, "layer.ivi", LAYER_LIVE);
	rig_restart(&rig);
	pair_draw(&rig);
	pair_expect(&rig, "layer.ivi", LAYER_LIVE);
	rig_finish(&rig);
}
END_TEST

START_TEST(layers_stay_where_they_were_put) {
	start();
	ck_assert_int_eq(rig_command(&rig, "ivi", CONTROL_LAYER_AT, 7, 9), 0);
	ck_assert_int_eq(rig_command(&rig, "ivi", CONTROL_LAYER_SIZE, 20, 30), 0);
	ck_assert_int_eq(rig_command(&rig, "ivi", CONTROL_LAYER_Z, -5, 0), 0);
	ck_assert_int_eq(rig_command(&rig, "ivi", CONTROL_LAYER_OPACITY, 77, 0), 0);
	ck_assert_int_eq(rig_command(&rig, "cluster", CONTROL_LAYER_VISIBLE, 0, 0), 0);
	ck_assert_int_eq(rig_command(&rig, "cluster", CONTROL_LAYER_CONNECT, 0, 0), 0);
	/* at once: no tick passes */
	rig_restart(&rig);
	pair_draw(&rig);
	rig_look(&rig);
	/* IVI at an opacity of 77 above the background, and nothing but it */
	const uint32_t ground = rig_pixel(&rig, 0, 0);
	ck_assert_uint_eq(ground, PAIR_BACKGROUND);
	ck_assert_uint_eq(rig_pixel(&rig, 6, 9), ground);
	ck_assert_uint_ne(rig_pixel(&rig, 7, 9), ground);
	ck_assert_uint_ne(rig_pixel(&rig, 7, 9), PAIR_IVI);
	ck_assert_uint_ne(rig_pixel(&rig, 26, 38), ground);
	ck_assert_uint_eq(rig_pixel(&rig, 27, 38), ground);
	ck_assert_uint_eq(rig_pixel(&rig, 26, 39), ground);
	struct frame_mode mode;
	ck_assert(frame_link_mode(&rig.guests[0].link, 0, &mode));
	ck_assert_uint_eq(mode.enabled, 0);
	/* the lower one of two: z counts from the start */
	ck_assert_int_eq(rig_command(&rig, "cluster", CONTROL_LAYER_VISIBLE, 1, 0), 0);
	pair_draw(&rig);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 8, 10), PAIR_CLUSTER);
	rig_finish(&rig);
}
END_TEST

/* ---- memories that are none ---- */

START_TEST(a_damaged_output_memory_latches) {
	start();
	/* a second content, so that there are two */
	link_set_peer(&rig.guests[0].link.link, LINK_PEER_RUNNING);
	ck_assert_int_eq(inject_fault(INJECT_BLIND, "", 0, 1000), 0);
	rig_step(&rig, 61);
	ck_assert_int_eq(inject_fault(INJECT_CLEAR, "", 0, 0), 0);
	acknowledge("main");
	struct safety_page *page = open_page();
	memset(page->outputs[0].slots[0].content, 0xa5, 9);
	memset(page->outputs[0].slots[1].content, 0xa5, 9);
	rig_restart(&rig);
	ck_assert_uint_eq(atomic_load(&page->damaged), 1);
	pair_draw(&rig);
	rig_step(&rig, 10);
	pair_expect(&rig, "output.main", SCREEN_FALLBACK);
	acknowledge("main");
	rig_step(&rig, 1);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	safety_page_unmap(page);
	rig_finish(&rig);
}
END_TEST

/* Whole, but not what a compositor would write: offsets of words behind the name. */
static const struct {
	const char *name;
	size_t word;
	uint32_t value;
} nonsenses[] = {
	{ "far away", 0, INT32_MAX },
	{ "no size", 3, 0 },
	{ "an opacity of more than all", 5, 256 },
	{ "half visible", 6, 2 },
	{ "half connected", 7, 2 },
};

START_TEST(commands_are_checked_again) {
	start();
	struct safety_page *page = open_page();
	uint8_t content[SAFETY_MEMORY_BYTES];
	size_t bytes = page->layers[1].slots[0].bytes;
	ck_assert_int_eq(safety_memory_read(&page->layers[1], content, bytes), SAFETY_MEMORY_WHOLE);
	memcpy(content + CONFIG_NAME_BYTES + nonsenses[_i].word * sizeof(uint32_t),
		&nonsenses[_i].value, sizeof(uint32_t));
	safety_memory_write(&page->layers[1], content, bytes);
	rig_restart(&rig);
	pair_draw(&rig);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	rig_look(&rig);
	ck_assert_msg(rig_pixel(&rig, PAIR_WIDTH - 1, 0) == PAIR_IVI, "%s", nonsenses[_i].name);
	safety_page_unmap(page);
	rig_finish(&rig);
}
END_TEST

START_TEST(another_things_memory_is_not_taken) {
	start();
	ck_assert_int_eq(rig_command(&rig, "cluster", CONTROL_LAYER_VISIBLE, 0, 0), 0);
	struct safety_page *page = open_page();
	page->layers[1] = page->layers[0];
	rig_restart(&rig);
	pair_draw(&rig);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, PAIR_WIDTH - 1, 0), PAIR_IVI);
	ck_assert_uint_eq(rig_pixel(&rig, 0, 0), PAIR_BACKGROUND);
	safety_page_unmap(page);
	rig_finish(&rig);
}
END_TEST

START_TEST(a_damaged_page_does_not_end_the_safe_state) {
	start();
	ck_assert_int_eq(inject_fault(INJECT_BLIND, "", 0, 1000), 0);
	rig_step(&rig, 61);
	struct safety_page *page = open_page();
	atomic_fetch_xor(&page->magic, 4);
	rig_restart(&rig);
	pair_expect(&rig, "output.main", SCREEN_SAFE);
	safety_page_unmap(page);
	rig_finish(&rig);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor memory");
	TCase *kept = suite_case(suite, "kept");
	tcase_add_test(kept, a_safe_output_stays_safe);
	tcase_add_test(kept, a_latched_fallback_stays_latched);
	tcase_add_test(kept, a_quarantine_stays);
	tcase_add_test(kept, layers_stay_where_they_were_put);
	TCase *damaged = suite_case(suite, "damaged");
	tcase_add_test(damaged, a_damaged_output_memory_latches);
	tcase_add_loop_test(damaged, commands_are_checked_again, 0, ARRAY_LEN(nonsenses));
	tcase_add_test(damaged, another_things_memory_is_not_taken);
	tcase_add_test(damaged, a_damaged_page_does_not_end_the_safe_state);
	return suite;
}
