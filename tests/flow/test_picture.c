#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/png.h"
#include "tests/flow/expect.h"
#include "tests/flow/guest.h"
#include "tests/suite.h"

/* the cluster is critical and in front, the other guest beside and partly behind it */
static const char cockpit[] = "outputs:\n"
			      "  - name: main\n"
			      "    mode: 640x480@step\n"
			      "    background: '#204060'\n"
			      "guests:\n"
			      "  - name: cluster\n"
			      "  - name: ivi\n"
			      "layers:\n"
			      "  - name: cluster\n"
			      "    at: 32,16\n"
			      "    size: 320x120\n"
			      "    z: 2\n"
			      "    critical: true\n"
			      "    hold_ms: 40\n"
			      "    recover_frames: 2\n"
			      "  - name: ivi\n"
			      "    at: 200,100\n"
			      "    size: 256x192\n"
			      "    z: 1\n"
			      "    hold_ms: 40\n"
			      "    recover_frames: 2\n"
			      "sound: {sink: none}\n";

static const struct rect cluster_whole = { 0, 0, 320, 120 };
static const struct rect ivi_whole = { 0, 0, 256, 192 };
/* what the cluster does not cover of it, in its own pixels */
static const struct rect ivi_below = { 0, 36, 256, 156 };

static const char *const cluster_missing[] = { "cluster", NULL };

START_TEST(first_light) {
	struct service service;
	struct expect expect;
	service_start(&service, cockpit, NULL);
	expect_init(&expect, &service);

	/* no tick has passed, no guest exists */
	ck_assert_uint_eq(service.output.page->tick, 0);
	expect_fallback(&expect, &service, cluster_missing);
	const struct rect outside = { 0, 300, 640, 180 };
	expect_background(&service, &outside);

	expect_finish(&expect);
	service_stop(&service);
}
END_TEST

START_TEST(a_frame_arrives) {
	struct service service;
	struct guest_display cluster;
	service_start(&service, cockpit, NULL);
	guest_display_start(&cluster, &service, "cluster", 320, 120);

	guest_display_show(&cluster, 1);
	service_leave_fallback(&service);
	expect_guest(&service, 1, &cluster_whole, 32, 16);
	ck_assert_uint_eq(service_value(&service, "compositor", "layer.cluster.state"), 2);

	/* only what was flushed is new; the rest stands */
	const struct rect part = { 40, 20, 64, 32 };
	guest_display_show_part(&cluster, 2, &part);
	service_step(&service, 1);
	expect_guest(&service, 2, &part, 32 + 40, 16 + 20);
	const struct rect above = { 0, 0, 320, 20 };
	expect_guest(&service, 1, &above, 32, 16);

	/* more flushes than a refresh has room for: the rest is put off, the last one counts */
	for (uint32_t seed = 3; seed < 9; seed++) {
		guest_display_show(&cluster, seed);
	}
	service_step(&service, 1);
	guest_display_sync(&cluster);
	service_step(&service, 1);
	expect_guest(&service, 8, &cluster_whole, 32, 16);

	guest_display_stop(&cluster);
	service_stop(&service);
}
END_TEST

START_TEST(two_guests) {
	struct service service;
	struct expect expect;
	struct guest_display cluster, ivi;
	service_start(&service, cockpit, NULL);
	expect_init(&expect, &service);

	/* one guest alone: the fallback stays, the other guest is seen beside it */
	guest_display_start(&ivi, &service, "ivi", 256, 192);
	guest_display_show(&ivi, 7);
	service_step(&service, 1);
	expect_guest(&service, 7, &ivi_below, 200, 136);
	expect_fallback(&expect, &service, cluster_missing);

	guest_display_start(&cluster, &service, "cluster", 320, 120);
	guest_display_show(&cluster, 3);
	service_leave_fallback(&service);
	expect_guest(&service, 3, &cluster_whole, 32, 16);
	expect_guest(&service, 7, &ivi_below, 200, 136);
	const struct rect below = { 0, 292, 640, 188 };
	expect_background(&service, &below);

	guest_display_stop(&cluster);
	guest_display_stop(&ivi);
	expect_finish(&expect);
	service_stop(&service);
}
END_TEST

/* A guest that goes away, and one that comes back. */
START_TEST(hang_up_and_return) {
	struct service service;
	struct expect expect;
	struct guest_display cluster;
	service_start(&service, cockpit, NULL);
	expect_init(&expect, &service);
	guest_display_start(&cluster, &service, "cluster", 320, 120);
	guest_display_show(&cluster, 1);
	service_leave_fallback(&service);
	expect_guest(&service, 1, &cluster_whole, 32, 16);

	guest_display_stop(&cluster);
	service_wait_starts(&service, "gpu-cluster", 2);
	/* nothing more can come from it: it is not held */
	service_step(&service, 1);
	expect_fallback(&expect, &service, cluster_missing);
	ck_assert_uint_eq(service_value(&service, "keeper", "process.gpu-cluster.crashes"), 0);

	guest_display_start(&cluster, &service, "cluster", 320, 120);
	for (uint32_t seed = 10; seed < 14; seed++) {
		guest_display_show(&cluster, seed);
		service_step(&service, 1);
	}
	service_leave_fallback(&service);
	expect_guest(&service, 13, &cluster_whole, 32, 16);

	guest_display_stop(&cluster);
	expect_finish(&expect);
	service_stop(&service);
}
END_TEST

/* ---- layer commands ---- */

static void command_layer(
	struct service *service, const char *layer, const char *action, const char *value) {
	char output[512];
	int status = service_command(
		service, output, sizeof(output), "layer", layer, action, value, NULL);
	ck_assert_msg(status == 0, "layer %s %s: %s", layer, action, output);
}

START_TEST(layer_commands) {
	struct service service;
	struct guest_display cluster, ivi;
	service_start(&service, cockpit, NULL);
	guest_display_start(&cluster, &service, "cluster", 320, 120);
	guest_display_start(&ivi, &service, "ivi", 256, 192);
	guest_display_show(&cluster, 1);
	guest_display_show(&ivi, 2);
	service_leave_fallback(&service);

	command_layer(&service, "ivi", "at", "300,250");
	service_step(&service, 1);
	expect_guest(&service, 2, &ivi_whole, 300, 250);
	const struct rect left = { 200, 140, 90, 100 };
	expect_background(&service, &left);

	command_layer(&service, "ivi", "hide", NULL);
	service_step(&service, 1);
	const struct rect hidden = { 300, 250, 256, 192 };
	expect_background(&service, &hidden);

	command_layer(&service, "ivi", "show", NULL);
	command_layer(&service, "ivi", "at", "200,100");
	command_layer(&service, "ivi", "z", "5");
	service_step(&service, 1);
	expect_guest(&service, 2, &ivi_whole, 200, 100);

	/* opaque again after it was transparent */
	command_layer(&service, "ivi", "opacity", "0");
	service_step(&service, 1);
	expect_guest(&service, 1, &cluster_whole, 32, 16);
	command_layer(&service, "ivi", "opacity", "255");
	service_step(&service, 1);
	expect_guest(&service, 2, &ivi_whole, 200, 100);

	guest_display_stop(&cluster);
	guest_display_stop(&ivi);
	service_stop(&service);
}
END_TEST

/* The guest of an unscaled layer is asked for the layer's size; unplugged, its display is gone. */
START_TEST(size_and_connection_reach_the_guest) {
	struct service service;
	struct guest_display ivi;
	service_start(&service, cockpit, NULL);
	guest_display_start(&ivi, &service, "ivi", 256, 192);

	command_layer(&service, "ivi", "size", "200x100");
	service_step(&service, 1); /* the endpoint hears of it at the next tick */
	ck_assert_int_eq(vmm_wait_config_change(&ivi.device, 0), 0);
	guest_display_sync(&ivi);
	uint32_t word[6];
	memcpy(word, ivi.gpu.reply + 24, sizeof(word));
	ck_assert_uint_eq(word[2], 200);
	ck_assert_uint_eq(word[3], 100);
	ck_assert_uint_eq(word[4], 1);

	unsigned seen = ivi.device.config_changes;
	command_layer(&service, "ivi", "disconnect", NULL);
	service_step(&service, 1);
	ck_assert_int_eq(vmm_wait_config_change(&ivi.device, seen), 0);
	guest_display_sync(&ivi);
	memcpy(word, ivi.gpu.reply + 24, sizeof(word));
	ck_assert_uint_eq(word[4], 0);

	guest_display_stop(&ivi);
	service_stop(&service);
}
END_TEST

struct bad_command {
	const char *name;
	const char *words[4];
	int status;
	const char *message; /* part of what it says */
};

static const struct bad_command bad_commands[] = {
	{ "no such layer", { "layer", "radio", "hide" }, 1, "radio" },
	{ "no such action", { "layer", "ivi", "explode" }, 2, "allowed: at, size" },
	{ "no value", { "layer", "ivi", "at" }, 2, "allowed: X,Y in pixels, -32768 to 32768" },
	{ "bad value", { "layer", "ivi", "opacity", "256" }, 2, "allowed: 0 to 255" },
	{ "no such output", { "screenshot", "-o", "left", "/dev/null/x.png" }, 1,
		"no output 'left'" },
	{ "no place for it", { "screenshot", "/nowhere/x.png" }, 1, "No such file or directory" },
	{ "no sink", { "record", "/tmp/x.wav" }, 1, "no memory sink" },
	{ "no wav", { "record", "/tmp/x.mp3" }, 2, "ending in .wav" },
	{ "no such command", { "dance" }, 2, "no command 'dance'" },
	{ "no number", { "step", "many" }, 2, "number of ticks" },
};

START_TEST(bad_commands_are_explained) {
	struct service service;
	service_start(&service, cockpit, NULL);
	for (size_t i = 0; i < ARRAY_LEN(bad_commands); i++) {
		const struct bad_command *row = &bad_commands[i];
		char output[4096];
		int status = service_command(&service, output, sizeof(output), row->words[0],
			row->words[1], row->words[2], row->words[3], NULL);
		ck_assert_msg(
			status == row->status, "%s: status %d: %s", row->name, status, output);
		ck_assert_msg(
			strstr(output, row->message) != NULL, "%s: said %s", row->name, output);
	}
	service_stop(&service);
}
END_TEST

START_TEST(screenshot_shows_the_output) {
	struct service service;
	struct guest_display cluster;
	service_start(&service, cockpit, NULL);
	guest_display_start(&cluster, &service, "cluster", 320, 120);
	guest_display_show(&cluster, 5);
	char output[256], path[128];
	ck_assert_int_eq(service_command(&service, output, sizeof(output), "step", NULL), 0);
	ck_assert_str_eq(output, "1\n");
	service_leave_fallback(&service);

	snprintf(path, sizeof(path), "%s/x.png", service.dir);
	ck_assert_int_eq(
		service_command(&service, output, sizeof(output), "screenshot", path, NULL), 0);
	struct png png;
	ck_assert_int_eq(png_read(&png, path), 0);
	ck_assert_uint_eq(png.width, 640);
	ck_assert_uint_eq(png.height, 480);
	const uint32_t *shown = service_picture(&service);
	for (size_t i = 0; i < (size_t)640 * 480; i++) {
		ck_assert_uint_eq(png.pixels[i], shown[i] | 0xff000000);
	}
	png_finish(&png);
	expect_guest(&service, 5, &cluster_whole, 32, 16);

	guest_display_stop(&cluster);
	service_stop(&service);
}
END_TEST

/* ---- what it costs ---- */

static const char full_size[] = "outputs: [{name: main, mode: 1920x1080@step}]\n"
				"guests: [{name: cluster}, {name: ivi}]\n"
				"layers:\n"
				"  - {name: cluster, at: '320,0', size: 1280x480, critical: true}\n"
				"  - {name: ivi, at: '448,480', size: 1024x600}\n"
				"sound: {sink: memory, clock: streams}\n";

static const struct {
	const char *process;
	unsigned mib;
} memory_rows[] = {
	{ "keeper", 4 },
	{ "compositor", 64 }, /* with its second copy of the atlas */
	{ "mixer", 16 },
	{ "gpu-cluster", 16 },
	{ "gpu-ivi", 16 },
	{ "sound-cluster", 16 },
	{ "sound-ivi", 16 },
};

START_TEST(private_memory) {
	struct service service;
	struct guest_display cluster, ivi;
	struct guest_player player;
	service_start(&service, full_size, NULL);
	guest_display_start(&cluster, &service, "cluster", 1280, 480);
	guest_display_start(&ivi, &service, "ivi", 1024, 600);
	guest_player_start(&player, &service, "ivi", 0);
	for (uint32_t seed = 0; seed < 4; seed++) {
		guest_display_show(&cluster, seed);
		guest_display_show(&ivi, seed);
		guest_player_play(&player, 10);
		service_step(&service, 1);
	}
	for (size_t i = 0; i < ARRAY_LEN(memory_rows); i++) {
		uint64_t bytes =
			service_private_bytes(service_pid(&service, memory_rows[i].process));
		ck_assert_msg(bytes <= (uint64_t)memory_rows[i].mib << 20,
			"%s: %llu KiB of private memory", memory_rows[i].process,
			(unsigned long long)(bytes >> 10));
	}
	guest_player_stop(&player);
	guest_display_stop(&cluster);
	guest_display_stop(&ivi);
	service_stop(&service);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("flow picture");
	TCase *tcase = suite_case(suite, "picture");
	tcase_add_test(tcase, first_light);
	tcase_add_test(tcase, a_frame_arrives);
	tcase_add_test(tcase, two_guests);
	tcase_add_test(tcase, hang_up_and_return);
	tcase_add_test(tcase, private_memory);
	TCase *commands = suite_case(suite, "commands");
	tcase_add_test(commands, layer_commands);
	tcase_add_test(commands, size_and_connection_reach_the_guest);
	tcase_add_test(commands, bad_commands_are_explained);
	tcase_add_test(commands, screenshot_shows_the_output);
	return suite;
}
