#include "compositor/compositor.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compositor/guest.h"
#include "compositor/layer_state.h"
#include "compositor/screen.h"
#include "core/clock.h"
#include "core/macros.h"
#include "core/pixel_format.h"
#include "tests/compositor/rig.h"
#include "tests/suite.h"
#include "tests/support/test_atlas.h"

#define WIDTH 96
#define HEIGHT 64
#define BACKGROUND 0x102030
#define CLUSTER 0xc0ffee
#define IVI 0x1f1f1f

static struct rig rig;

static const struct rect left = { 0, 0, WIDTH / 2, HEIGHT };
static const struct rect right = { WIDTH / 2, 0, WIDTH / 2, HEIGHT };

/* two guests side by side, the left one critical */
static void two_guests(struct config *config) {
	test_config_init(config, WIDTH, HEIGHT);
	uint32_t cluster = test_config_add_guest(config, "cluster", 1, left.width, HEIGHT);
	uint32_t ivi = test_config_add_guest(config, "ivi", 1, right.width, HEIGHT);
	test_config_add_layer(config, "cluster", cluster, 0, left)->critical = 1;
	test_config_add_layer(config, "ivi", ivi, 0, right);
}

static void both_draw(void) {
	rig_publish_plain(&rig, 0, 0, left.width, HEIGHT, CLUSTER);
	rig_publish_plain(&rig, 1, 0, right.width, HEIGHT, IVI);
	rig_step(&rig, 1);
}

static void expect(const char *name, uint64_t state) {
	ck_assert_msg(rig_value(&rig, "%s.state", name) == state, "%s: state %d, not %d", name,
		(int)rig_value(&rig, "%s.state", name), (int)state);
}

static uint32_t hmi(const char *tile) {
	char name[88];
	snprintf(name, sizeof(name), "hmi/main/%s", tile);
	return test_atlas_colour(name);
}

static void expect_fallback(void) {
	expect("output.main", SCREEN_FALLBACK);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 0, 0), hmi("background"));
	ck_assert_uint_eq(rig_pixel(&rig, WIDTH - 1, HEIGHT - 1), hmi("background"));
	ck_assert_uint_eq(rig_pixel(&rig, 2, 4), hmi("speed/-"));
	ck_assert_uint_eq(rig_pixel(&rig, 2 + 3 * 8 - 1, 15), hmi("speed/-"));
	ck_assert_uint_eq(rig_pixel(&rig, 2 + 4 * 8, 4), hmi("gear/-"));
	for (int i = 0; i < HMI_TELLTALES; i++) {
		char tile[32];
		snprintf(tile, sizeof(tile), "telltale/%d/on", i);
		ck_assert_uint_eq(rig_pixel(&rig, 2 + 6 * i, 20), hmi(tile));
	}
	ck_assert_uint_eq(rig_pixel(&rig, 2, 28), hmi("missing/cluster"));
}

START_TEST(first_light_is_the_fallback) {
	struct config config;
	two_guests(&config);
	rig_init(&rig, &config, NULL);
	expect_fallback();
	ck_assert_uint_eq(rig_value(&rig, "output.main.frames"), 1);
	ck_assert_uint_eq(rig_value(&rig, "output.main.ticks"), 0);
	ck_assert_uint_gt(rig_value(&rig, "output.main.fallback_ns"), 0);
	/* nothing comes: nothing changes, and no picture is shown again */
	rig_step(&rig, 5);
	expect_fallback();
	ck_assert_uint_eq(rig_value(&rig, "output.main.frames"), 1);
	expect("layer.cluster", LAYER_STARTING);
	rig_finish(&rig);
}
END_TEST

START_TEST(guests_pictures_take_over) {
	struct config config;
	two_guests(&config);
	rig_init(&rig, &config, NULL);
	rig_publish_plain(&rig, 1, 0, right.width, HEIGHT, IVI);
	rig_step(&rig, 1);
	expect_fallback(); /* the critical one is still missing */
	both_draw();
	expect("output.main", SCREEN_NORMAL);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 0, 0), CLUSTER);
	ck_assert_uint_eq(rig_pixel(&rig, WIDTH / 2 - 1, HEIGHT - 1), CLUSTER);
	ck_assert_uint_eq(rig_pixel(&rig, WIDTH / 2, 0), IVI);
	/* and hear of it */
	uint64_t latched_ns = 0;
	ck_assert_uint_eq(frame_link_latched(&rig.guests[0].link, 0, &latched_ns), 1);
	ck_assert_uint_eq(frame_link_latched(&rig.guests[1].link, 0, NULL), 2);
	ck_assert_uint_gt(latched_ns, 0);
	rig_finish(&rig);
}
END_TEST

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
	expect("layer.cluster", LAYER_LIVE);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static const struct {
	const char *name;
	void (*happen)(void);
	uint32_t stall_ms;
	unsigned ticks; /* until it is noticed, at most */
} losses[] = {
	{ "died", die, 0, 2 },
	{ "hung up", hang_up, 0, 1 },
	{ "hung up, picture taken back", hang_up_properly, 0, 1 },
	{ "reset", reset, 0, 1 },
	{ "blank", blank, 0, 1 },
	{ "stopped", stop, 0, GUEST_ECHO_TICKS + 1 },
	{ "stalled", nothing, 99, 6 },
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
	two_guests(&config);
	config.layers[0].stall_ms = losses[_i].stall_ms;
	config.layers[0].recover_frames = 3;
	rig_init(&rig, &config, NULL);
	both_draw();
	expect("output.main", SCREEN_NORMAL);

	uint64_t before_ns = clock_now_ns();
	losses[_i].happen();
	rig_step(&rig, losses[_i].ticks);
	expect("layer.cluster", LAYER_PLACEHOLDER);
	expect_fallback();
	ck_assert_uint_ge(rig_value(&rig, "layer.cluster.lost_ns"), before_ns);
	ck_assert_uint_ge(rig_value(&rig, "output.main.fallback_ns"), before_ns);
	ck_assert_uint_eq(rig_value(&rig, "output.main.fallbacks"), 2);
	ck_assert_uint_eq(rig_value(&rig, "layer.cluster.losses"), 1);

	come_back();
	for (unsigned i = 0; i < 3; i++) {
		expect("output.main", SCREEN_FALLBACK);
		rig_publish_plain(&rig, 0, 0, left.width, HEIGHT, CLUSTER + i);
		rig_step(&rig, 1);
	}
	expect("layer.cluster", LAYER_LIVE);
	expect("output.main", SCREEN_NORMAL);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 0, 0), CLUSTER + 2);
	ck_assert_uint_eq(rig_pixel(&rig, WIDTH - 1, 0), IVI);
	rig_finish(&rig);
}
END_TEST

START_TEST(a_lost_picture_is_held) {
	struct config config;
	two_guests(&config);
	config.layers[0].hold_ms = 49; /* three ticks */
	rig_init(&rig, &config, NULL);
	both_draw();
	losses[_i].happen();
	rig_step(&rig, losses[_i].ticks);
	for (unsigned i = 0; i < 3; i++) {
		expect("layer.cluster", LAYER_SUSPECT);
		expect("output.main", SCREEN_DEGRADED);
		/* in a new picture too: its pixels are still promised */
		rig_publish_plain(&rig, 1, 0, right.width, HEIGHT, IVI + i);
		rig_step(&rig, 1);
		if (i < 2) {
			rig_look(&rig);
			ck_assert_uint_eq(rig_pixel(&rig, 3, 3), CLUSTER);
		}
	}
	expect("layer.cluster", LAYER_PLACEHOLDER);
	expect_fallback();
	rig_finish(&rig);
}
END_TEST

START_TEST(a_held_picture_may_not_be_overwritten) {
	struct config config;
	two_guests(&config);
	config.layers[0].hold_ms = 100;
	rig_init(&rig, &config, NULL);
	both_draw();
	struct frame_link *link = &rig.guests[0].link;
	frame_link_retract(link, 0);
	rig_step(&rig, 2);
	expect("layer.cluster", LAYER_SUSPECT);
	ck_assert(frame_link_is_busy(link, 0, link->link.pool_bytes));
	rig_step(&rig, 6);
	expect("layer.cluster", LAYER_PLACEHOLDER);
	ck_assert(!frame_link_is_busy(link, 0, link->link.pool_bytes));
	rig_finish(&rig);
}
END_TEST

START_TEST(a_layer_that_is_not_critical_gets_its_placeholder) {
	struct config config;
	two_guests(&config);
	rig_init(&rig, &config, NULL);
	both_draw();
	link_set_peer(&rig.guests[1].link.link, LINK_PEER_ABSENT);
	rig_step(&rig, 1);
	expect("output.main", SCREEN_DEGRADED);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 0, 0), CLUSTER);
	ck_assert_uint_eq(rig_pixel(&rig, WIDTH / 2, 0), test_atlas_colour("placeholder/ivi"));
	rig_finish(&rig);
}
END_TEST

START_TEST(without_a_fallback_there_are_placeholders) {
	struct config config;
	two_guests(&config);
	config.outputs[0].fallback = 0;
	rig_init(&rig, &config, NULL);
	expect("output.main", SCREEN_DEGRADED);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 0, 0), test_atlas_colour("placeholder/cluster"));
	both_draw();
	expect("output.main", SCREEN_NORMAL);
	rig_finish(&rig);
}
END_TEST

static const char *const missing_tiles[] = { "", "hmi/", "speed", "telltale/3", "placeholder",
	"background", "missing" };

START_TEST(missing_tiles_are_plain_areas) {
	struct config config;
	two_guests(&config);
	rig_init(&rig, &config, missing_tiles[_i]);
	rig_look(&rig);
	expect("output.main", SCREEN_FALLBACK);
	both_draw();
	expect("output.main", SCREEN_NORMAL);
	link_set_peer(&rig.guests[1].link.link, LINK_PEER_ABSENT);
	rig_step(&rig, 1);
	rig_look(&rig);
	/* nothing of the guest is left, tile or not */
	ck_assert_uint_ne(rig_pixel(&rig, WIDTH / 2, 0), IVI);
	ck_assert_uint_ne(rig_pixel(&rig, WIDTH / 2, 0), BACKGROUND);
	link_set_peer(&rig.guests[0].link.link, LINK_PEER_ABSENT);
	rig_step(&rig, 1);
	expect("output.main", SCREEN_FALLBACK);
	rig_look(&rig);
	ck_assert_uint_ne(rig_pixel(&rig, 0, 0), CLUSTER);
	if (strstr("telltale/3", missing_tiles[_i]) != NULL) {
		ck_assert_uint_eq(rig_pixel(&rig, 2 + 6 * 3, 20), rig_pixel(&rig, 2 + 6 * 3, 24));
	}
	rig_finish(&rig);
}
END_TEST

START_TEST(a_successor_finds_the_last_pictures) {
	struct config config;
	two_guests(&config);
	rig_init(&rig, &config, NULL);
	both_draw();
	rig_step(&rig, 3);
	rig_restart(&rig);
	expect_fallback(); /* first light, before any link is looked at */
	rig_step(&rig, 1);
	expect("output.main", SCREEN_NORMAL);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 0, 0), CLUSTER);
	ck_assert_uint_eq(rig_pixel(&rig, WIDTH - 1, 0), IVI);
	ck_assert_uint_eq(atomic_load(&rig.reader.page->generation), 2);
	rig_finish(&rig);
}
END_TEST

static struct frame_mode mode_of(uint32_t guest) {
	struct frame_mode mode;
	ck_assert(frame_link_mode(&rig.guests[guest].link, 0, &mode));
	return mode;
}

START_TEST(commands_change_layers_and_modes) {
	struct config config;
	two_guests(&config);
	config.layers[1].scale = 1;
	rig_init(&rig, &config, NULL);
	both_draw();
	ck_assert_uint_eq(mode_of(0).width, left.width);
	ck_assert_uint_eq(mode_of(0).enabled, 1);
	ck_assert_uint_eq(mode_of(0).serial, 1);

	/* an unscaled layer's size is its guest's mode, a scaled one's is not */
	ck_assert_int_eq(rig_command(&rig, "cluster", CONTROL_LAYER_SIZE, 30, 20), 0);
	ck_assert_uint_eq(mode_of(0).width, 30);
	ck_assert_uint_eq(mode_of(0).height, 20);
	ck_assert_int_eq(rig_command(&rig, "ivi", CONTROL_LAYER_SIZE, 20, 20), 0);
	ck_assert_uint_eq(mode_of(1).width, right.width);
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 29, 19), CLUSTER); /* cropped until the guest follows */
	ck_assert_uint_eq(rig_pixel(&rig, 30, 19), BACKGROUND);
	ck_assert_uint_eq(rig_pixel(&rig, WIDTH / 2 + 19, 19), IVI); /* all of it, smaller */
	ck_assert_uint_eq(rig_pixel(&rig, WIDTH / 2 + 20, 19), BACKGROUND);

	ck_assert_int_eq(rig_command(&rig, "ivi", CONTROL_LAYER_AT, 20, -5), 0);
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 20, 0), IVI);
	ck_assert_int_eq(rig_command(&rig, "ivi", CONTROL_LAYER_Z, -1, 0), 0);
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 20, 0), CLUSTER);
	ck_assert_uint_eq(rig_pixel(&rig, 30, 0), IVI);
	ck_assert_int_eq(rig_command(&rig, "cluster", CONTROL_LAYER_VISIBLE, 0, 0), 0);
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 0, 0), BACKGROUND);
	ck_assert_int_eq(rig_command(&rig, "ivi", CONTROL_LAYER_OPACITY, 0, 0), 0);
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 30, 0), BACKGROUND);

	ck_assert_int_eq(rig_command(&rig, "ivi", CONTROL_LAYER_CONNECT, 0, 0), 0);
	ck_assert_uint_eq(mode_of(1).enabled, 0);
	ck_assert_int_eq(rig_command(&rig, "ivi", CONTROL_LAYER_CONNECT, 1, 0), 0);
	ck_assert_uint_eq(mode_of(1).enabled, 1);
	rig_finish(&rig);
}
END_TEST

static const struct {
	const char *layer;
	int64_t command, a, b;
	int error;
} refused[] = {
	{ "nobody", CONTROL_LAYER_AT, 0, 0, ENOENT },
	{ "", CONTROL_LAYER_AT, 0, 0, ENOENT },
	{ "ivi", CONTROL_LAYER_AT, INT64_MAX, 0, EINVAL },
	{ "ivi", CONTROL_LAYER_AT, 0, INT64_MIN, EINVAL },
	{ "ivi", CONTROL_LAYER_SIZE, 0, 10, EINVAL },
	{ "ivi", CONTROL_LAYER_SIZE, 10, 8193, EINVAL },
	{ "ivi", CONTROL_LAYER_SIZE, -1, -1, EINVAL },
	{ "ivi", CONTROL_LAYER_Z, INT64_C(1) << 31, 0, EINVAL },
	{ "ivi", CONTROL_LAYER_OPACITY, 256, 0, EINVAL },
	{ "ivi", CONTROL_LAYER_OPACITY, -1, 0, EINVAL },
	{ "ivi", CONTROL_LAYER_VISIBLE, 2, 0, EINVAL },
	{ "ivi", CONTROL_LAYER_CONNECT, 2, 0, EINVAL },
	{ "still", CONTROL_LAYER_CONNECT, 0, 0, EINVAL },
	{ "ivi", 6, 0, 0, EINVAL },
	{ "ivi", -1, 0, 0, EINVAL },
};

START_TEST(a_wrong_command_changes_nothing) {
	struct config config;
	two_guests(&config);
	test_config_add_layer(
		&config, "still", CONFIG_NONE, CONFIG_NONE, (struct rect) { 80, 50, 10, 10 });
	rig_init(&rig, &config, NULL);
	both_draw();
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 80, 50), test_atlas_colour("picture/still"));
	uint64_t frames = rig_value(&rig, "output.main.frames");
	ck_assert_int_eq(
		rig_command(&rig, refused[_i].layer, (enum control_layer)refused[_i].command,
			refused[_i].a, refused[_i].b),
		refused[_i].error);
	rig_step(&rig, 1);
	ck_assert_uint_eq(rig_value(&rig, "output.main.frames"), frames);
	rig_finish(&rig);
}
END_TEST

START_TEST(a_cursor_stays_inside_its_layer) {
	struct config config;
	static uint32_t image[FRAME_CURSOR_SIZE * FRAME_CURSOR_SIZE];
	two_guests(&config);
	rig_init(&rig, &config, NULL);
	both_draw();
	for (size_t i = 0; i < ARRAY_LEN(image); i++) {
		image[i] = 0xffff0000;
	}
	struct frame_cursor cursor = { .visible = 1, .x = 44, .y = 10, .hot_x = 4, .hot_y = 2 };
	frame_link_publish_cursor(&rig.guests[0].link, 0, &cursor, image);
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 39, 8), CLUSTER);
	ck_assert_uint_eq(rig_pixel(&rig, 40, 7), CLUSTER);
	ck_assert_uint_eq(rig_pixel(&rig, 40, 8), 0xff0000);
	ck_assert_uint_eq(rig_pixel(&rig, 47, 63), 0xff0000);
	for (int32_t y = 0; y < HEIGHT; y++) {
		ck_assert_uint_eq(rig_pixel(&rig, 48, y), IVI); /* the other guest's */
	}
	/* a layer above covers it; moving costs two small rectangles, not a picture */
	cursor.x = 10;
	frame_link_publish_cursor(&rig.guests[0].link, 0, &cursor, NULL);
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 6, 8), 0xff0000);
	ck_assert_uint_eq(rig_pixel(&rig, 5, 8), CLUSTER);
	cursor.visible = 0;
	frame_link_publish_cursor(&rig.guests[0].link, 0, &cursor, NULL);
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 6, 8), CLUSTER);
	rig_finish(&rig);
}
END_TEST

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
	two_guests(&config);
	rig_init(&rig, &config, NULL);
	both_draw();
	rig_publish_plain(&rig, 0, 0, left.width, HEIGHT, 0x777777);
	struct frame_producer_page *page = rig.guests[0].link.link.producer_page;
	struct frame_producer_channel *channel = &page->channels[0];
	uint64_t ticket = atomic_load(&channel->frame_box.published);
	struct frame *published = &channel->frames[mailbox_slot(ticket)];
	struct frame honest = *published;
	hostile[_i].set(published);
	rig_step(&rig, 2);
	rig_look(&rig);
	ck_assert_uint_eq(rig_value(&rig, "layer.cluster.rejected"), hostile[_i].rejected);
	ck_assert_uint_eq(rig_pixel(&rig, 5, 5), hostile[_i].rejected ? CLUSTER : 0x777777);
	ck_assert_uint_eq(rig_pixel(&rig, WIDTH - 1, 5), IVI);
	expect("output.main", SCREEN_NORMAL);
	/* and the next good one is taken */
	*published = honest;
	rig_publish_plain(&rig, 0, 0, left.width, HEIGHT, 0x888888);
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, 5, 5), 0x888888);
	rig_finish(&rig);
}
END_TEST

START_TEST(a_producer_page_full_of_noise) {
	struct config config;
	two_guests(&config);
	config.layers[0].critical = 0;
	rig_init(&rig, &config, NULL);
	both_draw();
	uint64_t random = 12345;
	uint32_t *words = rig.guests[0].link.link.producer_page;
	size_t len = rig.guests[0].link.link.producer_page_bytes / sizeof(*words);
	for (unsigned round = 0; round < 50; round++) {
		for (size_t i = 0; i < len; i++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			words[i] = (uint32_t)(random >> 32);
		}
		rig_publish_plain(&rig, 1, 0, right.width, HEIGHT, round);
		rig_step(&rig, 1);
		rig_look(&rig);
		ck_assert_uint_eq(rig_pixel(&rig, WIDTH - 1, 5), round);
	}
	rig_finish(&rig);
}
END_TEST

/* a tick of the other output; what is on it then */
static uint32_t second_after_step(struct output_reader *reader, int32_t x, int32_t y) {
	static uint32_t picture[WIDTH * HEIGHT];
	uint64_t before = atomic_load(&reader->page->tick);
	test_grants_step(&rig.grants, 1, 1);
	while (atomic_load(&reader->page->tick) == before) {
		ck_assert_int_ge(loop_dispatch(rig.loop, 60000), 1);
	}
	ck_assert_int_gt(output_reader_copy(reader, picture), 0);
	return picture[y * WIDTH + x] & 0xffffff;
}

START_TEST(a_scanout_on_two_outputs) {
	struct config config;
	struct output_reader second;
	two_guests(&config);
	config.outputs[1] = config.outputs[0];
	strcpy(config.outputs[1].name, "other");
	config.outputs_len = 2;
	struct config_layer *mirror = test_config_add_layer(
		&config, "mirror", 0, 0, (struct rect) { 0, 0, WIDTH, HEIGHT });
	mirror->output = 1;
	mirror->scale = 1;
	mirror->hold_ms = 49;
	rig_init(&rig, &config, NULL);
	test_grants_reader(&rig.grants, 1, &second);
	both_draw();
	ck_assert_uint_eq(second_after_step(&second, WIDTH - 1, HEIGHT - 1), CLUSTER);
	expect("output.other", SCREEN_NORMAL);

	/* pictures that came at the first output's ticks are whole on the second one */
	uint8_t *buffer = rig_buffer(&rig, 0, 0, (size_t)left.width * HEIGHT * 4);
	memset(buffer, 0x55, (size_t)left.width * HEIGHT * 4);
	struct frame frame = { .width = left.width,
		.height = HEIGHT,
		.stride = left.width * 4,
		.format = PIXEL_FORMAT_BGRX };
	rects_add(&frame.damage, &(struct rect) { 0, 0, left.width, 20 });
	rig_publish(&rig, 0, 0, buffer, &frame);
	rig_step(&rig, 1);
	rects_clear(&frame.damage);
	rects_add(&frame.damage, &(struct rect) { 0, 40, left.width, HEIGHT - 40 });
	rig_publish(&rig, 0, 0, buffer, &frame);
	rig_step(&rig, 1);
	ck_assert_uint_eq(second_after_step(&second, 9, 5), 0x555555);
	ck_assert_uint_eq(second_after_step(&second, 9, HEIGHT - 1), 0x555555);

	/* one output holds the picture that the other has given up; only then is it let go */
	struct frame_link *link = &rig.guests[0].link;
	frame_link_retract(link, 0);
	rig_step(&rig, 1);
	expect("output.main", SCREEN_FALLBACK);
	ck_assert_uint_eq(second_after_step(&second, 9, 5), 0x555555);
	expect("layer.mirror", LAYER_SUSPECT);
	ck_assert(frame_link_is_busy(link, 0, link->link.pool_bytes));
	for (unsigned i = 0; i < 3; i++) {
		second_after_step(&second, 0, 0);
	}
	expect("layer.mirror", LAYER_PLACEHOLDER);
	rig_step(&rig, 1);
	ck_assert(!frame_link_is_busy(link, 0, link->link.pool_bytes));
	output_reader_finish(&second);
	rig_finish(&rig);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor compositor");
	TCase *life = suite_case(suite, "life");
	tcase_add_test(life, first_light_is_the_fallback);
	tcase_add_test(life, guests_pictures_take_over);
	tcase_add_test(life, a_successor_finds_the_last_pictures);
	tcase_add_loop_test(life, missing_tiles_are_plain_areas, 0, ARRAY_LEN(missing_tiles));
	TCase *loss = suite_case(suite, "loss");
	tcase_add_loop_test(
		loss, a_loss_brings_the_fallback_and_pictures_end_it, 0, ARRAY_LEN(losses));
	tcase_add_loop_test(loss, a_lost_picture_is_held, 0, ARRAY_LEN(losses) - 1);
	tcase_add_test(loss, a_held_picture_may_not_be_overwritten);
	tcase_add_test(loss, a_layer_that_is_not_critical_gets_its_placeholder);
	tcase_add_test(loss, without_a_fallback_there_are_placeholders);
	TCase *commands = suite_case(suite, "commands");
	tcase_add_test(commands, commands_change_layers_and_modes);
	tcase_add_loop_test(commands, a_wrong_command_changes_nothing, 0, ARRAY_LEN(refused));
	TCase *pictures = suite_case(suite, "pictures");
	tcase_add_test(pictures, a_cursor_stays_inside_its_layer);
	tcase_add_test(pictures, a_scanout_on_two_outputs);
	TCase *wrong = suite_case(suite, "hostile");
	tcase_add_loop_test(wrong, hostile_frames_are_refused, 0, ARRAY_LEN(hostile));
	tcase_add_test(wrong, a_producer_page_full_of_noise);
	return suite;
}
