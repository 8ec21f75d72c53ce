#include "compositor/journal.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/control.h"
#include "core/macros.h"
#include "tests/compositor/pair.h"
#include "tests/suite.h"

/* what is left of a fault in the safety page */

static struct rig rig;
static const struct safety_page *page;

static void begin(const struct config *config) {
	rig_init(&rig, config, NULL);
	page = safety_page_map_reader(rig.grants.safety_fd);
	ck_assert_ptr_nonnull(page);
}

static void end(void) {
	safety_page_unmap(page);
	rig_finish(&rig);
}

/* The newest record about it. */
static struct safety_record find(enum safety_subject subject, const char *name) {
	struct safety_record record;
	for (uint64_t number = atomic_load(&page->newest); number > 0; number--) {
		if (safety_page_read(page, number, &record) && record.subject == subject &&
			strcmp(record.name, name) == 0) {
			return record;
		}
	}
	ck_abort_msg("no record of %s", name);
	return record;
}

static void acknowledge(const char *name, int result) {
	struct control_message request = { .type = CONTROL_ACKNOWLEDGE }, reply;
	snprintf(request.name, sizeof(request.name), "%s", name);
	compositor_command(rig.compositor, &request, &reply);
	ck_assert_int_eq(reply.arg[0], result);
}

START_TEST(a_loss_is_recorded_with_its_times) {
	struct config config;
	pair_config(&config);
	begin(&config);
	pair_draw(&rig);
	uint64_t well_ns = clock_now_ns();
	rig_step(&rig, 1);
	uint64_t onset_ns = clock_now_ns();
	link_set_peer(&rig.guests[0].link.link, LINK_PEER_ABSENT);
	rig_step(&rig, 1);

	struct safety_record layer = find(SAFETY_LAYER, "cluster");
	ck_assert_uint_eq(layer.cause, FAULT_HUNG_UP);
	ck_assert_uint_eq(layer.reaction, FAULT_REACTION_PLACEHOLDER);
	ck_assert_str_eq(layer.from, "live");
	ck_assert_str_eq(layer.to, "placeholder");
	ck_assert_uint_eq(layer.tick, 3);
	ck_assert_uint_ge(layer.onset_ns, well_ns);
	ck_assert_uint_le(layer.onset_ns, onset_ns);
	ck_assert_uint_ge(layer.detect_ns, onset_ns);
	ck_assert_uint_ge(layer.safe_ns, layer.detect_ns);
	ck_assert_uint_le(layer.safe_ns, clock_now_ns());
	ck_assert_int_gt(layer.wall_ns, 0);

	struct safety_record output = find(SAFETY_OUTPUT, "main");
	ck_assert_uint_eq(output.cause, FAULT_HUNG_UP);
	ck_assert_str_eq(output.from, "normal");
	ck_assert_str_eq(output.to, "fallback");
	ck_assert_uint_eq(output.onset_ns, layer.onset_ns);
	ck_assert_uint_eq(output.safe_ns, layer.safe_ns);
	end();
}
END_TEST

static uint64_t count_records(uint64_t after) {
	return atomic_load(&page->newest) - after;
}

/* Layers and the output beside them: a burst, and one for each second. */
START_TEST(a_guest_cannot_push_out_the_others) {
	struct config config;
	pair_config(&config);
	config.layers[1].recover_frames = 1;
	begin(&config);
	pair_draw(&rig);
	uint64_t before = atomic_load(&page->newest);
	for (unsigned i = 0; i < SAFETY_RECORDS; i++) {
		link_set_peer(&rig.guests[1].link.link,
			i % 2 == 0 ? LINK_PEER_ABSENT : LINK_PEER_RUNNING);
		rig_publish_plain(&rig, 1, 0, 8, 8, i);
		rig_step(&rig, 1);
	}
	/* by its layer's losses and what is routine, and by the output */
	uint64_t most = 3 * (RECORD_BURST + SAFETY_RECORDS / RECORD_TICKS + 1);
	ck_assert_uint_ge(count_records(before), RECORD_BURST);
	ck_assert_uint_le(count_records(before), most);
	ck_assert_uint_ge(
		rig_value(&rig, "output.main.untold") + count_records(before), SAFETY_RECORDS);

	/* who is in front of it is told at once */
	link_set_peer(&rig.guests[0].link.link, LINK_PEER_ABSENT);
	rig_step(&rig, 1);
	ck_assert_uint_eq(find(SAFETY_LAYER, "cluster").cause, FAULT_HUNG_UP);
	/* and all may be told again to one who has seen it */
	acknowledge("", 0);
	before = atomic_load(&page->newest);
	link_set_peer(&rig.guests[1].link.link, LINK_PEER_ABSENT);
	rig_step(&rig, 1);
	ck_assert_uint_gt(find(SAFETY_LAYER, "ivi").detect_ns, 0);
	ck_assert_uint_ge(count_records(before), 1);
	end();
}
END_TEST

START_TEST(a_quarantine_ends_by_acknowledgement) {
	struct config config;
	pair_config(&config);
	config.layers[1].recover_frames = 1;
	config.layers[1].quarantine_losses = 2;
	config.layers[1].quarantine_ms = 60000;
	begin(&config);
	for (unsigned i = 0; i < 2; i++) {
		link_set_peer(&rig.guests[1].link.link, LINK_PEER_RUNNING);
		rig_publish_plain(&rig, 1, 0, 8, 8, i);
		rig_step(&rig, 2);
		link_set_peer(&rig.guests[1].link.link, LINK_PEER_ABSENT);
		rig_step(&rig, 1);
	}
	pair_expect(&rig, "layer.ivi", LAYER_QUARANTINED);
	struct safety_record record = find(SAFETY_LAYER, "ivi");
	ck_assert_str_eq(record.to, "quarantined");
	link_set_peer(&rig.guests[1].link.link, LINK_PEER_RUNNING);
	rig_publish_plain(&rig, 1, 0, 8, 8, 7);
	rig_step(&rig, 5);
	pair_expect(&rig, "layer.ivi", LAYER_QUARANTINED);
	acknowledge("cluster", 0);
	rig_step(&rig, 1);
	pair_expect(&rig, "layer.ivi", LAYER_QUARANTINED);
	acknowledge("nobody", ENOENT);
	acknowledge("ivi", 0);
	rig_step(&rig, 3);
	pair_expect(&rig, "layer.ivi", LAYER_LIVE);
	end();
}
END_TEST

START_TEST(safe_is_black_until_acknowledged) {
	struct config config;
	pair_config(&config);
	config.layers[0].reactions[FAULT_HUNG_UP] = FAULT_REACTION_SAFE;
	begin(&config);
	pair_draw(&rig);
	link_set_peer(&rig.guests[0].link.link, LINK_PEER_ABSENT);
	rig_step(&rig, 1);
	pair_expect(&rig, "output.main", SCREEN_SAFE);
	ck_assert_uint_eq(rig_value(&rig, "output.main.cause"), FAULT_HUNG_UP);
	struct safety_record record = find(SAFETY_OUTPUT, "main");
	ck_assert_uint_eq(record.reaction, FAULT_REACTION_SAFE);
	for (unsigned i = 0; i < 3; i++) {
		rig_look(&rig);
		for (int32_t y = 0; y < PAIR_HEIGHT; y++) {
			for (int32_t x = 0; x < PAIR_WIDTH; x++) {
				ck_assert_uint_eq(rig_pixel(&rig, x, y), 0);
			}
		}
		link_set_peer(&rig.guests[0].link.link, LINK_PEER_RUNNING);
		pair_draw(&rig);
	}
	acknowledge("", 0);
	rig_step(&rig, 1);
	pair_expect(&rig, "output.main", SCREEN_FALLBACK);
	rig_step(&rig, 1);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 0, 0), PAIR_CLUSTER);
	end();
}
END_TEST

/* row 38: what a guest left is not shown again, whoever says that it runs */
START_TEST(nothing_old_after_a_reset) {
	struct config config;
	pair_config(&config);
	config.layers[0].critical = 0;
	begin(&config);
	pair_draw(&rig);
	struct frame_link *link = &rig.guests[0].link;
	link_count_reset(&link->link);
	rig_step(&rig, 1);
	for (unsigned i = 0; i < 100; i++) {
		rig_look(&rig);
		ck_assert_uint_ne(rig_pixel(&rig, 0, 0), PAIR_CLUSTER);
		link_set_peer(&link->link, i % 2 == 0 ? LINK_PEER_CONNECTED : LINK_PEER_RUNNING);
		rig_step(&rig, 1);
	}
	rig_publish_plain(&rig, 0, 0, pair_left.width, PAIR_HEIGHT, 0x123456);
	rig_step(&rig, 2);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 0, 0), 0x123456);
	end();
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor journal");
	TCase *records = suite_case(suite, "records");
	tcase_add_test(records, a_loss_is_recorded_with_its_times);
	tcase_add_test(records, a_guest_cannot_push_out_the_others);
	TCase *reactions = suite_case(suite, "reactions");
	tcase_add_test(reactions, a_quarantine_ends_by_acknowledgement);
	tcase_add_test(reactions, safe_is_black_until_acknowledged);
	tcase_add_test(reactions, nothing_old_after_a_reset);
	return suite;
}
