#include "tests/compositor/lamp.h"

#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/fd.h"
#include "core/frame_tag.h"
#include "core/signals.h"
#include "tests/compositor/pair.h"
#include "tests/support/test_atlas.h"

struct rig lamp_rig;
const struct safety_page *lamp_page;
static struct signal_message message;

const struct lamp_drawing lamp_off = { .tile = "brake/off" };
const struct lamp_drawing lamp_on = { .tile = "brake/on" };

void lamp_request(int32_t value) {
	message.values[SIGNAL_BRAKE] = value;
	message.counter++;
	signal_message_seal(&message);
	ck_assert_int_eq(send(lamp_rig.grants.signals[0], &message, sizeof(message), MSG_DONTWAIT),
		(int)sizeof(message));
}

void lamp_config(struct config *config) {
	pair_config(config);
	config->safety.signals = 1;
	config->safety.signal_timeout_ms = 10000;
	config->safety.allow_inject = 1;
	config->layers[0].opaque = 1;
	config->layers[0].follow_ms = LAMP_FOLLOW_MS;
	config->layers[0].recover_frames = LAMP_RECOVER;
	config->verified_len = 1;
	snprintf(config->verified[0].element, sizeof(config->verified[0].element), "brake");
}

void lamp_start(const struct config *config) {
	rig_init(&lamp_rig, config, NULL);
	int fd = fd_reopen_readonly(lamp_rig.grants.safety_fd);
	lamp_page = safety_page_map_reader(fd);
	ck_assert_ptr_nonnull(lamp_page);
	fd_close(&fd);
	signal_message_init(&message, 77);
	lamp_request(0);
}

void lamp_finish(void) {
	safety_page_unmap(lamp_page);
	rig_finish(&lamp_rig);
}

uint32_t lamp_pixel(const char *tile, int32_t x, int32_t y) {
	return pair_hmi(tile) ^ (x == 1 && y == 3 ? 0xffffff : 0);
}

static void draw_lamp(uint32_t *pixels, const struct lamp_drawing *drawing) {
	for (int32_t y = 0; drawing->tile != NULL && y < LAMP_SIZE; y++) {
		for (int32_t x = 0; x < LAMP_SIZE; x++) {
			int32_t to = (LAMP_Y + drawing->dy + y) * (int32_t)pair_left.width +
				LAMP_X + drawing->dx + x;
			int32_t from = drawing->is_mirrored ? LAMP_SIZE - 1 - x : x;
			pixels[to] = lamp_pixel(drawing->tile, from, y);
		}
	}
	pixels[(LAMP_Y + 2) * (int32_t)pair_left.width + LAMP_X + 2] ^= drawing->has_flipped_bit;
}

/* The cluster's, to be drawn into and published. */
static uint32_t *begin_picture(struct frame *frame) {
	*frame = (struct frame) {
		.width = pair_left.width,
		.height = PAIR_HEIGHT,
		.stride = pair_left.width * 4,
		.format = PIXEL_FORMAT_BGRX,
	};
	size_t bytes = (size_t)frame->stride * frame->height;
	return (uint32_t *)(void *)rig_buffer(&lamp_rig, 0, 0, bytes);
}

void lamp_draw(const struct lamp_drawing *drawing) {
	struct frame frame;
	uint32_t *pixels = begin_picture(&frame);
	for (uint32_t i = 0; i < frame.width * frame.height; i++) {
		pixels[i] = PAIR_CLUSTER;
	}
	draw_lamp(pixels, drawing);
	rig_publish(&lamp_rig, 0, 0, (uint8_t *)pixels, &frame);
}

void lamp_draw_ivi(void) {
	rig_publish_plain(&lamp_rig, 1, 0, pair_right.width, PAIR_HEIGHT, PAIR_IVI);
}

bool lamp_shows(const char *tile) {
	for (int32_t i = 0; i < LAMP_SIZE * LAMP_SIZE; i++) {
		if (rig_pixel(&lamp_rig, LAMP_X + i % LAMP_SIZE, LAMP_Y + i / LAMP_SIZE) !=
			lamp_pixel(tile, i % LAMP_SIZE, i / LAMP_SIZE)) {
			return false;
		}
	}
	return true;
}

struct safety_region_reading lamp_region(const char *name) {
	struct safety_region_reading reading;
	for (uint32_t i = 0; safety_page_read_region(lamp_page, i, &reading); i++) {
		if (strcmp(reading.name, name) == 0) {
			return reading;
		}
	}
	ck_abort_msg("there is no region %s", name);
	return reading;
}

void lamp_expect(const char *tile, bool is_host_drawn, enum safety_verdict verdict) {
	rig_step(&lamp_rig, 1);
	rig_look(&lamp_rig);
	struct safety_region_reading brake = lamp_region("brake");
	ck_assert_msg(lamp_shows(tile), "not %s", tile);
	ck_assert_msg(brake.host_drawn == is_host_drawn, "of the %s",
		brake.host_drawn ? "host" : "guest");
	ck_assert_msg(brake.verdict == verdict, "verdict %u, not %u", (unsigned)brake.verdict,
		(unsigned)verdict);
}

void lamp_settle(void) {
	lamp_draw_ivi();
	lamp_draw(&lamp_off);
	rig_step(&lamp_rig, LAMP_FOLLOW_TICKS); /* until nothing else is right */
	pair_expect(&lamp_rig, "output.main", SCREEN_NORMAL);
	lamp_expect("brake/off", false, SAFETY_PASSED);
}

enum fault_cause lamp_recorded(enum safety_subject subject, const char *name) {
	struct safety_record record;
	for (uint64_t number = atomic_load(&lamp_page->newest); number > 0; number--) {
		if (safety_page_read(lamp_page, number, &record) &&
			record.subject == (uint32_t)subject && strcmp(record.name, name) == 0) {
			ck_assert_uint_ge(record.safe_ns, record.detect_ns);
			return (enum fault_cause)record.cause;
		}
	}
	return FAULT_NONE;
}

const struct rect lamp_watched = { 4, 36, 5, 5 };

void lamp_draw_content(char content) {
	struct frame frame;
	uint32_t *pixels = begin_picture(&frame);
	for (uint32_t i = 0; i < frame.width * frame.height; i++) {
		uint32_t x = i % frame.width, y = i / frame.width;
		pixels[i] = (uint32_t)content * 0x010101;
		if (content == 'x') {
			pixels[i] = x % 2 ? 0xffffff : 0;
		} else if (content == 's') {
			pixels[i] =
				lamp_pixel("airbag/off", ((int32_t)x - lamp_watched.x) % LAMP_SIZE,
					((int32_t)y - lamp_watched.y) % LAMP_SIZE);
		}
	}
	if (content >= '0' && content <= '9') {
		const struct frame_tag tag = { .counter = (uint32_t)content };
		frame_tag_encode(
			&tag, &pixels[lamp_watched.y * (int32_t)frame.width + lamp_watched.x]);
	}
	draw_lamp(pixels, &lamp_off);
	rig_publish(&lamp_rig, 0, 0, (uint8_t *)pixels, &frame);
}
