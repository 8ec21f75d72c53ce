#include "compositor/verifier.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "compositor/compositor_parts.h"
#include "compositor/inject.h"
#include "core/fd.h"
#include "core/frame_tag.h"
#include "core/macros.h"
#include "core/signals.h"
#include "tests/compositor/pair.h"
#include "tests/suite.h"
#include "tests/support/test_atlas.h"

/* the brake lamp: on the cluster's picture, and of the host */
#define X 26
#define Y 20
#define SIZE 5
#define FOLLOW_MS 50
#define FOLLOW_TICKS 3
#define RECOVER 3

static struct rig rig;
static struct signal_message message;
static const struct safety_page *page;

/* What the guest draws where the lamp is. */
struct drawing {
	const char *tile;   /* NULL: nothing */
	int32_t dx, dy;
	bool is_mirrored, has_flipped_bit;
};

static const struct drawing brake_off = { .tile = "brake/off" };
static const struct drawing brake_on = { .tile = "brake/on" };

static void request_brake(int32_t value) {
	message.values[SIGNAL_BRAKE] = value;
	message.counter++;
	signal_message_seal(&message);
	ck_assert_int_eq(send(rig.grants.signals[0], &message, sizeof(message), MSG_DONTWAIT),
		(int)sizeof(message));
}

static void cluster_config(struct config *config) {
	pair_config(config);
	config->safety.signals = 1;
	config->safety.signal_timeout_ms = 10000;
	config->safety.allow_inject = 1;
	config->layers[0].opaque = 1;
	config->layers[0].follow_ms = FOLLOW_MS;
	config->layers[0].recover_frames = RECOVER;
	config->verified_len = 1;
	snprintf(config->verified[0].element, sizeof(config->verified[0].element), "brake");
}

static void start(const struct config *config) {
	rig_init(&rig, config, NULL);
	int fd = fd_reopen_readonly(rig.grants.safety_fd);
	page = safety_page_map_reader(fd);
	ck_assert_ptr_nonnull(page);
	fd_close(&fd);
	signal_message_init(&message, 77);
	request_brake(0);
}

static void finish(void) {
	safety_page_unmap(page);
	rig_finish(&rig);
}

static uint32_t lamp_pixel(const char *tile, int32_t x, int32_t y) {
	return pair_hmi(tile) ^ (x == 1 && y == 3 ? 0xffffff : 0);
}

static void draw_lamp(uint32_t *pixels, const struct drawing *drawing) {
	for (int32_t y = 0; drawing->tile != NULL && y < SIZE; y++) {
		for (int32_t x = 0; x < SIZE; x++) {
			int32_t to = (Y + drawing->dy + y) * (int32_t)pair_left.width + X +
				drawing->dx + x;
			int32_t from = drawing->is_mirrored ? SIZE - 1 - x : x;
			pixels[to] = lamp_pixel(drawing->tile, from, y);
		}
	}
	pixels[(Y + 2) * (int32_t)pair_left.width + X + 2] ^= drawing->has_flipped_bit;
}

static void draw_cluster(const struct drawing *drawing) {
	const struct frame frame = {
		.width = pair_left.width,
		.height = PAIR_HEIGHT,
		.stride = pair_left.width * 4,
		.format = PIXEL_FORMAT_BGRX,
	};
	uint8_t *buffer = rig_buffer(&rig, 0, 0, (size_t)frame.stride * frame.height);
	uint32_t *pixels = (uint32_t *)(void *)buffer;
	for (uint32_t i = 0; i < frame.width * frame.height; i++) {
		pixels[i] = PAIR_CLUSTER;
	}
	draw_lamp(pixels, drawing);
	rig_publish(&rig, 0, 0, buffer, &frame);
}

static void draw_ivi(void) {
	rig_publish_plain(&rig, 1, 0, pair_right.width, PAIR_HEIGHT, PAIR_IVI);
}

static bool shows(const char *tile) {
	for (int32_t i = 0; i < SIZE * SIZE; i++) {
		if (rig_pixel(&rig, X + i % SIZE, Y + i / SIZE) !=
			lamp_pixel(tile, i % SIZE, i / SIZE)) {
			return false;
		}
	}
	return true;
}

static struct safety_region_reading read_region(const char *name) {
	struct safety_region_reading reading;
	for (uint32_t i = 0; safety_page_read_region(page, i, &reading); i++) {
		if (strcmp(reading.name, name) == 0) {
			return reading;
		}
	}
	ck_abort_msg("there is no region %s", name);
	return reading;
}

/* A tick, after which the lamp must look like this, and be of the guest or not. */
static void expect_step(const char *tile, bool is_host_drawn, enum safety_verdict verdict) {
	rig_step(&rig, 1);
	rig_look(&rig);
	struct safety_region_reading brake = read_region("brake");
	ck_assert_msg(shows(tile), "not %s", tile);
	ck_assert_msg(brake.host_drawn == is_host_drawn, "of the %s",
		brake.host_drawn ? "host" : "guest");
	ck_assert_msg(brake.verdict == verdict, "verdict %u, not %u", (unsigned)brake.verdict,
		(unsigned)verdict);
}

/* Until the guest draws the lamp, and it is off. */
static void settle(void) {
	draw_ivi();
	draw_cluster(&brake_off);
	rig_step(&rig, FOLLOW_TICKS); /* until nothing else is right */
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	expect_step("brake/off", false, SAFETY_PASSED);
}

/* The newest record of this subject; its cause. */
static enum fault_cause recorded(enum safety_subject subject, const char *name) {
	struct safety_record record;
	for (uint64_t number = atomic_load(&page->newest); number > 0; number--) {
		if (safety_page_read(page, number, &record) &&
			record.subject == (uint32_t)subject && strcmp(record.name, name) == 0) {
			ck_assert_uint_ge(record.safe_ns, record.detect_ns);
			return (enum fault_cause)record.cause;
		}
	}
	return FAULT_NONE;
}

/* ---- what a guest may do wrong ---- */

static const struct {
	const char *name;
	int32_t value;
	struct drawing drawing;
	enum fault_cause cause;
	unsigned
		forgiven; /* more frames before the layer is to blame: it may be ahead of its signals */
} wrongs[] = {
	{ "a bit", 0, { .tile = "brake/off", .has_flipped_bit = true }, FAULT_WRONG_PIXELS, 0 },
	{ "nothing at all", 0, { .tile = NULL }, FAULT_WRONG_PIXELS, 0 },
	{ "not requested", 0, { .tile = "brake/on" }, FAULT_WRONG_PIXELS, FOLLOW_TICKS - 2 },
	{ "requested, not shown", 1, { .tile = "brake/off" }, FAULT_WRONG_PIXELS,
		FOLLOW_TICKS - 2 },
	{ "another lamp", 1, { .tile = "airbag/on" }, FAULT_WRONG_PIXELS, 0 },
	{ "of another theme", 1, { .tile = "brake/on@night" }, FAULT_WRONG_PIXELS,
		FOLLOW_TICKS - 2 },
	{ "misplaced", 1, { .tile = "brake/on", .dx = 3, .dy = -2 }, FAULT_MISPLACED, 0 },
	{ "mirrored", 1, { .tile = "brake/on", .is_mirrored = true }, FAULT_MISPLACED, 0 },
};

START_TEST(wrong_pixels_never_leave) {
	const char *right = wrongs[_i].value ? "brake/on" : "brake/off";
	struct config config;
	cluster_config(&config);
	start(&config);
	settle();
	if (wrongs[_i].value) {
		request_brake(1);
		draw_cluster(&brake_on);
		expect_step("brake/on", false, SAFETY_PASSED);
		rig_step(&rig, FOLLOW_TICKS);
	}
	uint64_t frames = rig_value(&rig, "output.main.frames");
	draw_cluster(&wrongs[_i].drawing);
	expect_step(right, false, SAFETY_REPAIRED);
	ck_assert_uint_eq(rig_value(&rig, "output.main.frames"), frames + 1);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	ck_assert_uint_eq(recorded(SAFETY_ELEMENT, "brake"), wrongs[_i].cause);

	for (unsigned i = 0; i < wrongs[_i].forgiven; i++) {
		expect_step(right, true, SAFETY_PASSED);
		pair_expect(&rig, "output.main", SCREEN_NORMAL);
	}
	/* the second frame in a row: the layer is not believed any more */
	expect_step(right, true, SAFETY_PASSED);
	pair_expect(&rig, "output.main", SCREEN_FALLBACK);
	ck_assert_uint_eq(rig_value(&rig, "layer.cluster.cause"), wrongs[_i].cause);
	for (unsigned i = 0; i < 5 * RECOVER; i++) {
		draw_cluster(&wrongs[_i].drawing);
		expect_step(right, true, SAFETY_PASSED);
		pair_expect(&rig, "output.main", SCREEN_FALLBACK);
	}
	finish();
}
END_TEST

START_TEST(one_wrong_frame_is_repaired_and_forgiven) {
	struct config config;
	cluster_config(&config);
	start(&config);
	settle();
	draw_cluster(&brake_on);
	expect_step("brake/off", false, SAFETY_REPAIRED);
	for (unsigned i = 1; i < RECOVER; i++) {
		draw_cluster(&brake_off);
		expect_step("brake/off", true, SAFETY_PASSED);
		pair_expect(&rig, "output.main", SCREEN_NORMAL);
	}
	draw_cluster(&brake_off);
	expect_step("brake/off", false, SAFETY_PASSED);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	ck_assert_uint_eq(read_region("brake").failures, 1);
	finish();
}
END_TEST

/* It is never wrong for long, nor right. */
START_TEST(a_guest_that_alternates_is_not_believed) {
	const struct drawing wrong = { .tile = "brake/off", .has_flipped_bit = true };
	struct config config;
	cluster_config(&config);
	start(&config);
	settle();
	uint64_t before = atomic_load(&page->newest);
	for (unsigned i = 0; i < 2 * ELEMENT_STRIKES - 1; i++) {
		draw_cluster(i % 2 ? &brake_off : &wrong);
		expect_step("brake/off", i > 0, i > 0 ? SAFETY_PASSED : SAFETY_REPAIRED);
	}
	draw_cluster(&brake_off);
	expect_step("brake/off", true, SAFETY_PASSED);
	pair_expect(&rig, "output.main", SCREEN_FALLBACK);
	ck_assert_uint_eq(rig_value(&rig, "layer.cluster.cause"), FAULT_WRONG_PIXELS);
	ck_assert_uint_le(atomic_load(&page->newest) - before, 4);
	finish();
}
END_TEST

/* An indicator that is dead blinks faster than its guest may lag. */
START_TEST(a_dead_indicator_is_found) {
	enum { HALF = 12 };
	struct config config;
	cluster_config(&config);
	config.layers[0].follow_ms = 2 * HALF * 1000 / 60;
	start(&config);
	settle();
	for (unsigned i = 0; i < 4 * HALF; i++) {
		if (i % HALF == 0) {
			request_brake(i / HALF % 2 == 0);
		}
		rig_step(&rig, 1);
	}
	for (unsigned i = 0; i < 8 * HALF; i++) {
		bool is_on = i / HALF % 2 == 0;
		if (i % HALF == 0) {
			request_brake(is_on);
		}
		draw_cluster(&brake_off);
		expect_step(is_on ? "brake/on" : "brake/off", true, SAFETY_PASSED);
	}
	ck_assert_uint_eq(recorded(SAFETY_ELEMENT, "brake"), FAULT_WRONG_PIXELS);
	finish();
}
END_TEST

START_TEST(a_guest_may_follow_later) {
	struct config config;
	cluster_config(&config);
	start(&config);
	settle();
	request_brake(1);
	for (unsigned i = 0; i + 1 < FOLLOW_TICKS; i++) {
		expect_step("brake/off", false, SAFETY_PASSED);
	}
	draw_cluster(&brake_on);
	expect_step("brake/on", false, SAFETY_PASSED);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	/* but not for good */
	request_brake(0);
	for (unsigned i = 0; i < FOLLOW_TICKS; i++) {
		expect_step("brake/on", false, SAFETY_PASSED);
	}
	expect_step("brake/off", false, SAFETY_REPAIRED);
	finish();
}
END_TEST

START_TEST(the_host_does_not_lag) {
	struct config config;
	cluster_config(&config);
	config.verified_len = 0;
	start(&config);
	draw_ivi();
	draw_cluster(&brake_off);
	expect_step("brake/off", true, SAFETY_PASSED);
	for (unsigned i = 0; i < 10; i++) {
		const char *now = i % 2 ? "brake/on" : "brake/off";
		request_brake(i % 2);
		/* whatever a guest thinks of it */
		draw_cluster(i % 3 ? &brake_on : &brake_off);
		expect_step(now, true, SAFETY_PASSED);
	}
	ck_assert_uint_eq(rig_value(&rig, "output.main.failures"), 0);
	finish();
}
END_TEST

START_TEST(a_layer_comes_back_with_the_right_pixels_only) {
	struct config config;
	cluster_config(&config);
	start(&config);
	rig_step(&rig, FOLLOW_TICKS + 1);
	/* from the start: wrong ones are not shown at all */
	draw_ivi();
	for (unsigned i = 0; i < 5; i++) {
		draw_cluster(&brake_on);
		expect_step("brake/off", true, SAFETY_PASSED);
		pair_expect(&rig, "output.main", SCREEN_FALLBACK);
	}
	for (unsigned i = 0; i < 2 * RECOVER; i++) {
		draw_cluster(&brake_off);
		rig_step(&rig, 1);
		rig_look(&rig);
		ck_assert(shows("brake/off"));
	}
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	expect_step("brake/off", false, SAFETY_PASSED);
	finish();
}
END_TEST

START_TEST(a_loss_does_not_flicker) {
	struct config config;
	cluster_config(&config);
	start(&config);
	settle();
	link_set_peer(&rig.guests[0].link.link, LINK_PEER_ABSENT);
	expect_step("brake/off", true, SAFETY_PASSED);
	pair_expect(&rig, "output.main", SCREEN_FALLBACK);
	request_brake(1);
	expect_step("brake/on", true, SAFETY_PASSED);
	finish();
}
END_TEST

/* Nothing new but that it is there. */
static void flush(void) {
	frame_link_count_flush(&rig.guests[0].link, 0);
}

static void stay_behind(void) {
	draw_cluster(&brake_off);
}

static void catch_up(void) {
	draw_cluster(&brake_on);
}

static const struct {
	const char *name;
	enum fault_cause cause;
	void (*end)(void); /* of its silence; NULL: it is gone */
	bool returns;
} silences[] = {
	{ "gone", FAULT_HUNG_UP, NULL, false },
	{ "killed", FAULT_DIED, NULL, false },
	{ "behind, and nothing new", FAULT_STALLED, flush, false },
	{ "still behind", FAULT_STALLED, stay_behind, false },
	{ "right again", FAULT_STALLED, catch_up, true },
};

/* What was lost for one reason is not blamed for being behind later, and does not come back behind. */
START_TEST(a_silent_guest_is_not_blamed) {
	struct config config;
	cluster_config(&config);
	config.layers[0].stall_ms = 200;
	config.layers[0].recover_frames = 1;
	start(&config);
	settle();
	if (silences[_i].cause == FAULT_HUNG_UP) {
		link_set_peer(&rig.guests[0].link.link, LINK_PEER_ABSENT);
	} else if (silences[_i].cause == FAULT_DIED) { /* and had no time to say so */
		guest_mark_died(&rig.compositor->seats[0].guest);
	}
	rig_step(&rig, 30);
	ck_assert_uint_eq(rig_value(&rig, "layer.cluster.cause"), silences[_i].cause);
	pair_expect(&rig, "layer.cluster", LAYER_PLACEHOLDER);
	uint64_t newest = atomic_load(&page->newest);
	request_brake(1);
	for (unsigned i = 0; i < 10 * FOLLOW_TICKS; i++) {
		expect_step("brake/on", true, SAFETY_PASSED);
	}
	ck_assert_uint_eq(rig_value(&rig, "layer.cluster.cause"), silences[_i].cause);
	ck_assert_msg(atomic_load(&page->newest) == newest, "%s", silences[_i].name);
	for (unsigned i = 0; silences[_i].end != NULL && i < 5; i++) {
		silences[_i].end();
		rig_step(&rig, 1);
		rig_look(&rig);
		ck_assert(shows("brake/on"));
		pair_expect(&rig, "layer.cluster",
			silences[_i].returns ? LAYER_LIVE : LAYER_PLACEHOLDER);
	}
	finish();
}
END_TEST

/* ---- what others may do to it ---- */

START_TEST(a_cursor_is_kept_off) {
	struct config config;
	cluster_config(&config);
	config.verified_len = (uint32_t)_i; /* drawn by the host, by the guest */
	start(&config);
	draw_ivi();
	draw_cluster(&brake_off);
	rig_step(&rig, 1);
	static uint32_t image[FRAME_CURSOR_SIZE * FRAME_CURSOR_SIZE];
	for (size_t i = 0; i < ARRAY_LEN(image); i++) {
		image[i] = 0xffff0000;
	}
	const struct frame_cursor cursor = { .x = X - 3, .y = Y - 3, .visible = 1 };
	frame_link_publish_cursor(&rig.guests[0].link, 0, &cursor, image);
	for (unsigned i = 0; i < 3; i++) {
		expect_step("brake/off", _i == 0, SAFETY_PASSED);
		ck_assert_uint_eq(rig_pixel(&rig, X - 1, Y), 0xff0000);
		ck_assert_uint_eq(rig_pixel(&rig, X + SIZE, Y + SIZE), 0xff0000);
		draw_cluster(&brake_off);
	}
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	finish();
}
END_TEST

START_TEST(another_layer_is_kept_off) {
	struct config config;
	cluster_config(&config);
	config.verified_len = (uint32_t)_i;
	config.layers[1].z = 5;
	start(&config);
	draw_ivi();
	draw_cluster(&brake_off);
	rig_step(&rig, 1);
	ck_assert_int_eq(rig_command(&rig, "ivi", CONTROL_LAYER_AT, X - 2, 0), 0);
	expect_step("brake/off", _i == 0, SAFETY_PASSED);
	ck_assert_uint_eq(rig_pixel(&rig, X - 1, Y), PAIR_IVI);
	/* moved, changed and moved back */
	for (int64_t x = X - 2; x < X + 8; x++) {
		rig_command(&rig, "ivi", CONTROL_LAYER_AT, x, 0);
		draw_ivi();
		expect_step("brake/off", _i == 0, SAFETY_PASSED);
	}
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	finish();
}
END_TEST

static const struct {
	const char *name;
	enum control_layer command;
	int64_t a, b;
} hidings[] = {
	{ "moved", CONTROL_LAYER_AT, 1, 0 },
	{ "half out of the output", CONTROL_LAYER_AT, -30, 0 },
	{ "smaller than it", CONTROL_LAYER_SIZE, X + 2, Y + 2 },
	{ "translucent", CONTROL_LAYER_OPACITY, 254, 0 },
	{ "invisible", CONTROL_LAYER_VISIBLE, 0, 0 },
};

START_TEST(a_layer_that_does_not_show_it_whole_is_not_asked) {
	struct config config;
	cluster_config(&config);
	start(&config);
	settle();
	ck_assert_int_eq(
		rig_command(&rig, "cluster", hidings[_i].command, hidings[_i].a, hidings[_i].b), 0);
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert_msg(shows("brake/off"), "%s", hidings[_i].name);
	for (unsigned i = 0; i < 5; i++) {
		rig_step(&rig, 1);
		rig_look(&rig);
		ck_assert_msg(shows("brake/off"), "%s", hidings[_i].name);
	}
	finish();
}
END_TEST

/* ---- faults of our own ---- */

START_TEST(a_composed_picture_is_repaired) {
	static const enum inject_fault faults[] = { INJECT_FLIP_COMPOSED, INJECT_OVERDRAW };
	static const enum fault_cause causes[] = { FAULT_WRONG_PIXELS, FAULT_OVERDRAWN };
	struct config config;
	cluster_config(&config);
	config.verified_len = 0;
	start(&config);
	draw_ivi();
	draw_cluster(&brake_off);
	expect_step("brake/off", true, SAFETY_PASSED);
	ck_assert_int_eq(inject_fault(faults[_i], "brake", 0, 1), 0);
	expect_step("brake/off", true, SAFETY_REPAIRED);
	ck_assert_uint_eq(recorded(SAFETY_ELEMENT, "brake"), causes[_i]);
	for (unsigned i = 0; i < 5; i++) {
		expect_step("brake/off", true, SAFETY_PASSED);
		pair_expect(&rig, "output.main", SCREEN_NORMAL);
	}
	/* twice in a row is once too often */
	ck_assert_int_eq(inject_fault(faults[_i], "brake", 0, 2), 0);
	expect_step("brake/off", true, SAFETY_REPAIRED);
	expect_step("brake/off", true, SAFETY_REPAIRED);
	expect_step("brake/off", true, SAFETY_PASSED);
	pair_expect(&rig, "output.main", SCREEN_FALLBACK);
	finish();
}
END_TEST

START_TEST(what_changes_behind_the_check_lasts_one_frame) {
	struct config config;
	cluster_config(&config);
	start(&config);
	settle();
	ck_assert_int_eq(inject_fault(INJECT_FLIP_SHOWN, "brake", 0, 1), 0);
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert(!shows("brake/off"));
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert(shows("brake/off"));
	ck_assert_uint_eq(recorded(SAFETY_ELEMENT, "brake"), FAULT_SHOWN_WRONG);
	pair_expect(&rig, "output.main", SCREEN_FALLBACK);
	for (unsigned i = 0; i < 5; i++) {
		expect_step("brake/off", true, SAFETY_PASSED);
	}
	finish();
}
END_TEST

static void draw_content(char content);

static void inject(enum inject_fault fault, const char *text, int64_t number, int64_t ticks) {
	struct control_message request = { .type = CONTROL_INJECT, .arg = { number, ticks } };
	struct control_message reply;
	snprintf(request.name, sizeof(request.name), "%s", inject_fault_name(fault));
	snprintf(request.text, sizeof(request.text), "%s", text);
	compositor_command(rig.compositor, &request, &reply);
	ck_assert_int_eq(reply.arg[0], 0);
}

START_TEST(a_damaged_tile_is_painted_from_the_second_copy) {
	struct config config;
	cluster_config(&config);
	config.verified_len = 0;
	start(&config);
	draw_ivi();
	draw_cluster(&brake_off);
	expect_step("brake/off", true, SAFETY_PASSED);
	/* found when it is drawn, before any scrubbing comes by */
	inject(INJECT_FLIP_ATLAS, "hmi/main/brake/on", 0, 0);
	request_brake(1);
	expect_step("brake/on", true, SAFETY_REPAIRED);
	ck_assert_uint_eq(recorded(SAFETY_ELEMENT, "brake"), FAULT_ATLAS);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	finish();
}
END_TEST

static bool is_all_black(void) {
	for (int32_t i = 0; i < PAIR_WIDTH * PAIR_HEIGHT; i++) {
		if (rig_pixel(&rig, i % PAIR_WIDTH, i / PAIR_WIDTH) != 0) {
			return false;
		}
	}
	return true;
}

static const struct {
	const char *name;
	bool is_verified; /* in a guest's layer */
	bool is_requested; /* the lamp changes then, */
	bool is_drawn; /* the picture under it does, */
	enum inject_fault change; /* or a bit of it; INJECT_FAULTS: none */
} hopeless[] = {
	{ "the host's, in a new picture", false, true, true, INJECT_FAULTS },
	{ "the host's, changed by itself", false, true, false, INJECT_FAULTS },
	{ "the host's, drawn again", false, false, true, INJECT_FAULTS },
	{ "the host's, on its way", false, false, false, INJECT_FLIP_COMPOSED },
	{ "the host's, shown already", false, false, false, INJECT_FLIP_SHOWN },
	{ "the guest's, in a new picture", true, false, true, INJECT_FAULTS },
};

static void lose_both_copies(size_t row) {
	const struct drawing wrong = { .tile = "brake/off", .has_flipped_bit = true };
	enum inject_fault change = hopeless[row].change;
	if (change != INJECT_FAULTS) {
		ck_assert_int_eq(inject_fault(change, "brake", 0, 1), 0);
	}
	if (change == INJECT_FLIP_SHOWN) {
		rig_step(&rig, 1); /* after which it is wrong */
	}
	inject(INJECT_FLIP_ATLAS,
		hopeless[row].is_requested ? "hmi/main/brake/on" : "hmi/main/brake/off", 1, 0);
	if (hopeless[row].is_requested) {
		request_brake(1);
	}
	if (hopeless[row].is_drawn) {
		draw_cluster(&wrong);
	}
}

static void acknowledge(void) {
	const struct control_message request = { .type = CONTROL_ACKNOWLEDGE };
	struct control_message reply;
	compositor_command(rig.compositor, &request, &reply);
	ck_assert_int_eq(reply.arg[0], 0);
}

START_TEST(without_a_whole_copy_nothing_is_shown) {
	struct config config;
	cluster_config(&config);
	config.verified_len = hopeless[_i].is_verified;
	start(&config);
	draw_ivi();
	draw_cluster(&brake_off);
	rig_step(&rig, FOLLOW_TICKS + 1);
	expect_step("brake/off", !hopeless[_i].is_verified, SAFETY_PASSED);
	lose_both_copies((size_t)_i);
	uint64_t frames = rig_value(&rig, "output.main.frames");
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert_msg(is_all_black(), "%s", hopeless[_i].name);
	ck_assert_uint_eq(rig_value(&rig, "output.main.frames"), frames + 1);
	ck_assert_uint_eq(read_region("brake").verdict, SAFETY_FAILED);
	ck_assert_uint_eq(recorded(SAFETY_ELEMENT, "brake"), FAULT_ATLAS_LOST);
	for (unsigned i = 0; i < 5; i++) {
		rig_step(&rig, 1);
		rig_look(&rig);
		ck_assert_msg(is_all_black(), "%s", hopeless[_i].name);
		pair_expect(&rig, "output.main", SCREEN_SAFE);
		ck_assert_uint_eq(rig_value(&rig, "output.main.cause"), FAULT_ATLAS_LOST);
	}
	/* somebody wants to try again: not a frame of it */
	acknowledge();
	for (unsigned i = 0; i < 5; i++) {
		rig_step(&rig, 1);
		rig_look(&rig);
		ck_assert_msg(is_all_black(), "%s", hopeless[_i].name);
	}
	pair_expect(&rig, "output.main", SCREEN_SAFE);
	finish();
}
END_TEST

START_TEST(a_stale_read_back_is_noticed) {
	struct config config;
	cluster_config(&config);
	start(&config);
	settle();
	if (_i != 0) { /* the twin, without the mechanism */
		ck_assert_int_eq(mechanism_set(MECHANISM_READBACK, false), 0);
	}
	inject(INJECT_STALE_READBACK, "main", 0, 10);
	/* what is read is the newest picture until there is another one */
	for (unsigned i = 0; i < VERIFIER_STALE_FRAMES; i++) {
		ck_assert_uint_eq(recorded(SAFETY_ELEMENT, "main"), FAULT_NONE);
		draw_content((char)('x' + i % 2));
		rig_step(&rig, 1);
	}
	ck_assert_uint_eq(recorded(SAFETY_ELEMENT, "main"), FAULT_NONE);
	rig_step(&rig, 1);
	ck_assert_uint_eq(
		recorded(SAFETY_ELEMENT, "main"), _i != 0 ? FAULT_NONE : FAULT_READBACK_STALE);
	pair_expect(&rig, "output.main", SCREEN_NORMAL); /* it is written down */
	uint64_t newest = atomic_load(&page->newest);
	rig_step(&rig, 5);
	ck_assert_uint_eq(atomic_load(&page->newest), newest); /* once */
	finish();
}
END_TEST

/* The twins of the above, without the mechanism: the fault must be seen. */
START_TEST(without_the_mechanism_faults_are_shown) {
	struct config config;
	cluster_config(&config);
	start(&config);
	settle();
	ck_assert_int_eq(mechanism_set(MECHANISM_EXACT, false), 0);
	draw_cluster(&brake_on);
	rig_step(&rig, 3);
	rig_look(&rig);
	ck_assert(shows("brake/on"));
	ck_assert_uint_eq(read_region("brake").verdict, SAFETY_IDLE);
	ck_assert_int_eq(mechanism_set(MECHANISM_EXACT, true), 0);
	expect_step("brake/off", false, SAFETY_REPAIRED);
	finish();
}
END_TEST

START_TEST(a_blind_check_sees_nothing) {
	struct config config;
	cluster_config(&config);
	start(&config);
	settle();
	ck_assert_int_eq(inject_fault(INJECT_BLIND, "", 0, 3), 0);
	draw_cluster(&brake_on);
	rig_step(&rig, 2);
	rig_look(&rig);
	ck_assert(shows("brake/on"));
	finish();
}
END_TEST

/* ---- regions ---- */

/* frames of the cluster: a letter each, a picture of that; the same one again: the same picture */
static const struct {
	const char *name;
	enum safety_check check;
	uint32_t frames, threshold;
	const char *pictures;
	const char *states; /* of the layer, after each: l live, p placeholder, r recovering */
	enum fault_cause cause;
} regions[] = {
	{ "live: it moves", SAFETY_LIVE, 2, 0, "abababab", "llllllll", FAULT_NONE },
	{ "live: it freezes", SAFETY_LIVE, 3, 0, "abbbbbb", "lllllpp", FAULT_FROZEN },
	{ "live: it goes on", SAFETY_LIVE, 2, 0, "aaaabababab", "lllprllllll", FAULT_NONE },
	{ "counter: it goes on", SAFETY_COUNTER, 2, 0, "0123456", "lllllll", FAULT_NONE },
	{ "counter: it stops", SAFETY_COUNTER, 2, 0, "0123333", "llllllp", FAULT_FROZEN },
	{ "contrast: there", SAFETY_CONTRAST, 1, 60, "xxxx", "llll", FAULT_NONE },
	{ "contrast: gone", SAFETY_CONTRAST, 1, 60, "xxaaa", "llllp", FAULT_INVISIBLE },
	{ "contrast: gone once", SAFETY_CONTRAST, 1, 60, "xaxax", "lllll", FAULT_NONE },
	{ "black: something", SAFETY_BLACK, 2, 0, "xxxxx", "lllll", FAULT_NONE },
	{ "black: all of one", SAFETY_BLACK, 1, 0, "xxaaa", "llllp", FAULT_UNIFORM },
	{ "presence: there", SAFETY_PRESENCE, 1, 20, "ssss", "llll", FAULT_NONE },
	{ "presence: gone", SAFETY_PRESENCE, 1, 20, "saaaa", "lllpp", FAULT_INVISIBLE },
};

static const struct rect watched = { 4, 36, 5, 5 };

static void draw_content(char content) {
	const struct frame frame = {
		.width = pair_left.width,
		.height = PAIR_HEIGHT,
		.stride = pair_left.width * 4,
		.format = PIXEL_FORMAT_BGRX,
	};
	uint8_t *buffer = rig_buffer(&rig, 0, 0, (size_t)frame.stride * frame.height);
	uint32_t *pixels = (uint32_t *)(void *)buffer;
	for (uint32_t i = 0; i < frame.width * frame.height; i++) {
		uint32_t x = i % frame.width, y = i / frame.width;
		pixels[i] = (uint32_t)content * 0x010101;
		if (content == 'x') {
			pixels[i] = x % 2 ? 0xffffff : 0;
		} else if (content == 's') {
			pixels[i] = lamp_pixel("airbag/off", ((int32_t)x - watched.x) % SIZE,
				((int32_t)y - watched.y) % SIZE);
		}
	}
	if (content >= '0' && content <= '9') {
		const struct frame_tag tag = { .counter = (uint32_t)content };
		frame_tag_encode(&tag, &pixels[watched.y * (int32_t)frame.width + watched.x]);
	}
	draw_lamp(pixels, &brake_off);
	rig_publish(&rig, 0, 0, buffer, &frame);
}

static enum layer_state state_of(char letter) {
	return letter == 'l' ? LAYER_LIVE : letter == 'p' ? LAYER_PLACEHOLDER : LAYER_RECOVERING;
}

START_TEST(a_region_is_watched) {
	struct config config;
	cluster_config(&config);
	config.layers[0].recover_frames = 2;
	config.regions_len = 1;
	config.regions[0] = (struct config_region) {
		.name = "watched",
		.check = regions[_i].check,
		.place = watched,
		.frames = regions[_i].frames,
		.threshold = regions[_i].threshold,
	};
	if (regions[_i].check == SAFETY_PRESENCE) {
		snprintf(config.regions[0].element, sizeof(config.regions[0].element), "airbag");
	}
	config.regions[0].place.width = regions[_i].check == SAFETY_COUNTER ? 12 : 5;
	start(&config);
	draw_ivi();
	for (size_t i = 0; regions[_i].pictures[i] != '\0'; i++) {
		char before = i > 0 ? regions[_i].pictures[i - 1] : '\0';
		if (regions[_i].pictures[i] != before) {
			draw_content(regions[_i].pictures[i]);
		}
		rig_step(&rig, 1);
		uint64_t state = rig_value(&rig, "layer.cluster.state");
		ck_assert_msg(state == state_of(regions[_i].states[i]), "%s: frame %zu: state %u",
			regions[_i].name, i, (unsigned)state);
	}
	ck_assert_uint_eq(rig_value(&rig, "layer.cluster.cause"), regions[_i].cause);
	ck_assert_uint_gt(read_region("watched").checks, 0);
	finish();
}
END_TEST

START_TEST(an_owner_is_alone) {
	struct config config;
	cluster_config(&config);
	config.layers[1].z = 5;
	config.regions_len = 1;
	config.regions[0] = (struct config_region) {
		.name = "own",
		.check = SAFETY_OWNER,
		.place = watched,
		.frames = 1,
	};
	start(&config);
	settle();
	ck_assert_uint_eq(read_region("own").verdict, SAFETY_PASSED);
	rig_command(&rig, "ivi", CONTROL_LAYER_AT, watched.x + 2, 0);
	rig_step(&rig, 1);
	ck_assert_uint_eq(read_region("own").verdict, SAFETY_FAILED);
	rig_step(&rig, 2);
	ck_assert_uint_eq(rig_value(&rig, "layer.cluster.cause"), FAULT_OVERDRAWN);
	finish();
}
END_TEST

/* What another layer shows in front of it is none of its own. */
START_TEST(a_layer_in_front_is_not_its_fault) {
	struct config config;
	cluster_config(&config);
	config.layers[1].z = 5;
	config.regions_len = 2;
	config.regions[0] = (struct config_region) {
		.name = "readable",
		.check = SAFETY_CONTRAST,
		.place = watched,
		.frames = 1,
		.threshold = 60,
	};
	config.regions[1] = config.regions[0];
	snprintf(config.regions[1].name, sizeof(config.regions[1].name), "coloured");
	config.regions[1].check = SAFETY_BLACK;
	start(&config);
	draw_ivi();
	draw_content('x');
	rig_step(&rig, FOLLOW_TICKS);
	ck_assert_int_eq(rig_command(&rig, "ivi", CONTROL_LAYER_AT, 0, 0), 0);
	for (unsigned i = 0; i < 5; i++) {
		draw_content('x');
		rig_step(&rig, 1);
		pair_expect(&rig, "layer.cluster", LAYER_LIVE);
		ck_assert_uint_eq(read_region("readable").verdict, SAFETY_PASSED);
	}
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, watched.x, watched.y), PAIR_IVI);
	/* its own picture is looked at all the same */
	for (unsigned i = 0; i < 5; i++) {
		draw_content('a');
		rig_step(&rig, 1);
	}
	ck_assert_uint_eq(read_region("readable").verdict, SAFETY_FAILED);
	pair_expect(&rig, "layer.cluster", LAYER_PLACEHOLDER);
	finish();
}
END_TEST

START_TEST(a_region_may_only_be_logged) {
	struct config config;
	cluster_config(&config);
	config.regions_len = 1;
	config.regions[0] = (struct config_region) {
		.name = "logged",
		.check = SAFETY_BLACK,
		.place = watched,
		.frames = 1,
		.reaction = FAULT_REACTION_LOG,
	};
	start(&config);
	settle();
	rig_step(&rig, 5);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	ck_assert_uint_eq(read_region("logged").verdict, SAFETY_FAILED);
	ck_assert_uint_eq(recorded(SAFETY_REGION, "logged"), FAULT_UNIFORM);
	finish();
}
END_TEST

/* A picture of the layer that is not critical: stripes, or all of one colour. */
static void draw_stripes(bool has_stripes) {
	const struct frame frame = {
		.width = pair_right.width,
		.height = PAIR_HEIGHT,
		.stride = pair_right.width * 4,
		.format = PIXEL_FORMAT_BGRX,
	};
	uint8_t *buffer = rig_buffer(&rig, 1, 0, (size_t)frame.stride * frame.height);
	uint32_t *pixels = (uint32_t *)(void *)buffer;
	for (uint32_t i = 0; i < frame.width * frame.height; i++) {
		pixels[i] = has_stripes && i % 2 ? 0xffffff : 0x404040;
	}
	rig_publish(&rig, 1, 0, buffer, &frame);
}

static struct config_region stripes(enum fault_reaction reaction) {
	struct config_region region = {
		.name = "stripes",
		.check = SAFETY_CONTRAST,
		.layer = 1,
		.place = { pair_right.x + 4, 4, 8, 8 },
		.frames = 1,
		.threshold = 60,
		.reaction = reaction,
	};
	return region;
}

static const struct {
	const char *name;
	enum fault_reaction own, of_layer;
	enum layer_state layer;
	enum screen_state output;
} answers[] = {
	{ "the layer's", FAULT_REACTION_DEFAULT, FAULT_REACTION_DEFAULT, LAYER_PLACEHOLDER,
		SCREEN_DEGRADED },
	{ "the layer's: fallback", FAULT_REACTION_DEFAULT, FAULT_REACTION_FALLBACK,
		LAYER_PLACEHOLDER, SCREEN_FALLBACK },
	{ "log", FAULT_REACTION_LOG, FAULT_REACTION_FALLBACK, LAYER_LIVE, SCREEN_NORMAL },
	{ "hold", FAULT_REACTION_HOLD, FAULT_REACTION_FALLBACK, LAYER_SUSPECT, SCREEN_DEGRADED },
	{ "placeholder", FAULT_REACTION_PLACEHOLDER, FAULT_REACTION_SAFE, LAYER_PLACEHOLDER,
		SCREEN_DEGRADED },
	{ "fallback", FAULT_REACTION_FALLBACK, FAULT_REACTION_LOG, LAYER_PLACEHOLDER,
		SCREEN_FALLBACK },
	{ "safe", FAULT_REACTION_SAFE, FAULT_REACTION_LOG, LAYER_PLACEHOLDER, SCREEN_SAFE },
};

START_TEST(a_region_has_its_own_reaction) {
	struct config config;
	cluster_config(&config);
	config.layers[1].hold_ms = 1000;
	config.layers[1].reactions[FAULT_INVISIBLE] = answers[_i].of_layer;
	config.regions_len = 1;
	config.regions[0] = stripes(answers[_i].own);
	start(&config);
	draw_stripes(true);
	draw_cluster(&brake_off);
	rig_step(&rig, FOLLOW_TICKS + 1);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	for (unsigned i = 0; i < 5; i++) {
		draw_stripes(false);
		rig_step(&rig, 1);
	}
	ck_assert_uint_eq(recorded(SAFETY_REGION, "stripes"), FAULT_INVISIBLE);
	pair_expect(&rig, "layer.ivi", answers[_i].layer);
	pair_expect(&rig, "output.main", answers[_i].output);
	/* the host's own pictures are right: nothing is worse later */
	for (unsigned i = 0; i < 5; i++) {
		draw_stripes(false);
		rig_step(&rig, 1);
	}
	pair_expect(&rig, "output.main", answers[_i].output);
	finish();
}
END_TEST

START_TEST(a_layer_that_is_gone_may_be_worse_yet) {
	static const enum fault_reaction reactions[] = { FAULT_REACTION_FALLBACK,
		FAULT_REACTION_SAFE };
	static const enum screen_state states[] = { SCREEN_FALLBACK, SCREEN_SAFE };
	struct config config;
	cluster_config(&config);
	config.regions_len = 2;
	config.regions[0] = stripes(FAULT_REACTION_PLACEHOLDER);
	config.regions[1] = stripes(reactions[_i]);
	snprintf(config.regions[1].name, sizeof(config.regions[1].name), "something");
	config.regions[1].check = SAFETY_BLACK;
	config.regions[1].frames = 4;
	start(&config);
	draw_stripes(true);
	draw_cluster(&brake_off);
	rig_step(&rig, FOLLOW_TICKS + 1);
	draw_stripes(false);
	rig_step(&rig, 3);
	pair_expect(&rig, "layer.ivi", LAYER_PLACEHOLDER);
	pair_expect(&rig, "output.main", SCREEN_DEGRADED);
	for (unsigned i = 0; i < 4; i++) {
		draw_stripes(false);
		rig_step(&rig, 1);
	}
	pair_expect(&rig, "layer.ivi", LAYER_PLACEHOLDER);
	pair_expect(&rig, "output.main", states[_i]);
	ck_assert_uint_eq(rig_value(&rig, "layer.ivi.cause"), FAULT_UNIFORM);
	finish();
}
END_TEST

/* More at a tick than can be told of. */
START_TEST(what_is_not_told_is_counted) {
	struct config config;
	cluster_config(&config);
	config.regions_len = VERIFIER_EVENTS + 5;
	for (uint32_t i = 0; i < config.regions_len; i++) {
		config.regions[i] = stripes(FAULT_REACTION_LOG);
		snprintf(config.regions[i].name, sizeof(config.regions[i].name), "stripes%u",
			(unsigned)i);
	}
	start(&config);
	draw_stripes(true);
	draw_cluster(&brake_off);
	rig_step(&rig, FOLLOW_TICKS + 1);
	ck_assert_uint_eq(rig_value(&rig, "output.main.untold"), 0);
	uint64_t before = atomic_load(&page->newest);
	draw_stripes(false);
	rig_step(&rig, 4);
	/* first those that are more than a tick can tell, then those that are more than a guest may cause */
	ck_assert_uint_eq(
		rig_value(&rig, "output.main.untold"), VERIFIER_EVENTS + 5 - RECORD_BURST);
	ck_assert_uint_eq(atomic_load(&page->newest), before + RECORD_BURST);
	finish();
}
END_TEST

START_TEST(a_critical_layer_is_not_all_of_one_colour) {
	struct config config;
	cluster_config(&config);
	config.verified_len = 0;
	config.layers[0].dark = (uint32_t)_i;
	start(&config);
	draw_ivi();
	draw_content('x');
	rig_step(&rig, 1);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	rig_publish_plain(&rig, 0, 0, pair_left.width, PAIR_HEIGHT, PAIR_CLUSTER);
	rig_step(&rig, REGION_UNIFORM_FRAMES - 1);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	rig_step(&rig, 1);
	pair_expect(&rig, "output.main", _i ? SCREEN_NORMAL : SCREEN_FALLBACK);
	ck_assert_uint_eq(rig_value(&rig, "layer.cluster.cause"), _i ? FAULT_NONE : FAULT_UNIFORM);
	finish();
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor verifier");
	TCase *guest = suite_case(suite, "guest");
	tcase_add_loop_test(guest, wrong_pixels_never_leave, 0, ARRAY_LEN(wrongs));
	tcase_add_test(guest, one_wrong_frame_is_repaired_and_forgiven);
	tcase_add_test(guest, a_guest_that_alternates_is_not_believed);
	tcase_add_test(guest, a_dead_indicator_is_found);
	tcase_add_test(guest, a_guest_may_follow_later);
	tcase_add_test(guest, the_host_does_not_lag);
	tcase_add_test(guest, a_layer_comes_back_with_the_right_pixels_only);
	tcase_add_test(guest, a_loss_does_not_flicker);
	tcase_add_loop_test(guest, a_silent_guest_is_not_blamed, 0, ARRAY_LEN(silences));
	TCase *others = suite_case(suite, "others");
	tcase_add_loop_test(others, a_cursor_is_kept_off, 0, 2);
	tcase_add_loop_test(others, another_layer_is_kept_off, 0, 2);
	tcase_add_loop_test(
		others, a_layer_that_does_not_show_it_whole_is_not_asked, 0, ARRAY_LEN(hidings));
	TCase *own = suite_case(suite, "own");
	tcase_add_loop_test(own, a_composed_picture_is_repaired, 0, 2);
	tcase_add_test(own, a_damaged_tile_is_painted_from_the_second_copy);
	tcase_add_loop_test(own, without_a_whole_copy_nothing_is_shown, 0, ARRAY_LEN(hopeless));
	tcase_add_loop_test(own, a_stale_read_back_is_noticed, 0, 2);
	tcase_add_test(own, what_changes_behind_the_check_lasts_one_frame);
	tcase_add_test(own, without_the_mechanism_faults_are_shown);
	tcase_add_test(own, a_blind_check_sees_nothing);
	TCase *region = suite_case(suite, "region");
	tcase_add_loop_test(region, a_region_is_watched, 0, ARRAY_LEN(regions));
	tcase_add_test(region, an_owner_is_alone);
	tcase_add_test(region, a_layer_in_front_is_not_its_fault);
	tcase_add_test(region, a_region_may_only_be_logged);
	tcase_add_loop_test(region, a_region_has_its_own_reaction, 0, ARRAY_LEN(answers));
	tcase_add_loop_test(region, a_layer_that_is_gone_may_be_worse_yet, 0, 2);
	tcase_add_test(region, what_is_not_told_is_counted);
	tcase_add_loop_test(region, a_critical_layer_is_not_all_of_one_colour, 0, 2);
	return suite;
}
