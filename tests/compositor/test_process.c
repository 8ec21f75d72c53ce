/*
 * The real fascia-compositor, started as the keeper starts it.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compositor/clients.h"
#include "compositor/layer_state.h"
#include "compositor/screen.h"
#include "core/clock.h"
#include "core/fd.h"
#include "core/macros.h"
#include "core/signals.h"
#include "tests/suite.h"
#include "tests/support/grants.h"
#include "tests/support/test_atlas.h"

#define WIDTH 400
#define HEIGHT 240
#define STEPS 300
#define HANG_GUARD_MS 60000
#define PRIVATE_KB_MAX (16 * 1024)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

static struct test_grants grants;
static struct test_child child;
static struct output_reader reader;
static struct frame_link producers[CONFIG_GUESTS_MAX];
static const struct stats_page *page;
static uint32_t picture[WIDTH * HEIGHT];

static void start(const struct config *config, const char *environment) {
	test_grants_init(&grants, config, NULL);
	test_grants_reader(&grants, 0, &reader);
	page = test_grants_stats(&grants);
	for (uint32_t i = 0; i < config->guests_len; i++) {
		test_grants_producer(&grants, i, &producers[i]);
		link_set_peer(&producers[i].link, LINK_PEER_RUNNING);
	}
	test_child_start(&child, &grants, FASCIA_COMPOSITOR, environment);
}

static void finish(void) {
	int status = test_child_stop(&child);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
	for (uint32_t i = 0; i < grants.config.guests_len; i++) {
		frame_link_finish(&producers[i]);
	}
	output_reader_finish(&reader);
	stats_unmap(page);
	test_grants_finish(&grants);
}

static void step(void) {
	for (uint32_t i = 0; i < grants.config.guests_len; i++) {
		link_echo(&producers[i].link);
	}
	uint64_t tick = atomic_load(&reader.page->tick);
	uint32_t seen = atomic_load(&reader.page->wake);
	test_grants_step(&grants, 0, 1);
	while (atomic_load(&reader.page->tick) == tick) {
		ck_assert_int_eq(output_reader_wait(&reader, &seen, HANG_GUARD_MS), 1);
	}
}

static void publish(uint32_t guest, uint32_t width, uint32_t height, enum pixel_format format,
	uint32_t colour, const struct rect *damage) {
	struct frame_link *link = &producers[guest];
	size_t bytes = (size_t)width * height * 4;
	uint64_t offset = 0;
	while (frame_link_is_busy(link, offset, bytes)) {
		offset += bytes;
	}
	ck_assert_uint_le(offset + bytes, link->link.pool_bytes);
	uint32_t *pixels = (uint32_t *)(void *)((uint8_t *)link->link.pool + offset);
	for (size_t i = 0; i < (size_t)width * height; i++) {
		pixels[i] = colour;
	}
	struct frame frame = { .pool_offset = offset,
		.stride = width * 4,
		.width = width,
		.height = height,
		.format = format };
	struct rect whole = { 0, 0, width, height };
	rects_add(&frame.damage, damage != NULL ? damage : &whole);
	frame_link_count_flush(link, 0);
	frame_link_publish(link, 0, &frame);
}

static uint32_t pixel_after_step(int32_t x, int32_t y) {
	step();
	ck_assert_int_gt(output_reader_copy(&reader, picture), 0);
	return picture[y * WIDTH + x] & 0xffffff;
}

static void make_config(struct config *config) {
	test_config_init(config, WIDTH, HEIGHT);
	uint32_t cluster = test_config_add_guest(config, "cluster", 1, 200, HEIGHT);
	uint32_t ivi = test_config_add_guest(config, "ivi", 1, 100, 100);
	struct config_layer *layer = test_config_add_layer(
		config, "cluster", cluster, 0, (struct rect) { 0, 0, 200, HEIGHT });
	layer->critical = 1;
	layer = test_config_add_layer(config, "ivi", ivi, 0, (struct rect) { 150, 10, 240, 220 });
	layer->scale = 1;
	layer->opacity = 200;
	layer->hold_ms = 49;
	layer->recover_frames = 3;
	test_config_add_layer(
		config, "still", CONFIG_NONE, CONFIG_NONE, (struct rect) { 300, 200, 50, 20 });
}

static int client_open(void) {
	int pair[2];
	ck_assert_int_eq(fd_socketpair(pair), 0);
	test_child_grant(&child, CONTROL_CLIENT, 0, pair[1]);
	fd_close(&pair[1]);
	return pair[0];
}

/* The END to a request, or a type of 0 when the connection ended. */
static struct control_message ask(int client, const struct control_message *request) {
	struct control_packet packet = { .message = *request };
	if (request->type != CONTROL_NONE) {
		ck_assert_int_eq(control_send(client, &packet), 0);
	}
	struct pollfd readable = { .fd = client, .events = POLLIN };
	ck_assert_int_eq(poll(&readable, 1, HANG_GUARD_MS), 1);
	if (control_receive(client, &packet) <= 0) {
		return (struct control_message) { 0 };
	}
	return packet.message;
}

static struct control_message layer_request(
	const char *name, int64_t command, int64_t a, int64_t b) {
	struct control_message request = { .type = CONTROL_LAYER, .arg = { command, a, b } };
	snprintf(request.name, sizeof(request.name), "%s", name);
	return request;
}

/* Field `number` (from 1) of /proc/PID/stat. */
static uint64_t process_field(int number) {
	char path[64], text[1024];
	snprintf(path, sizeof(path), "/proc/%d/stat", child.pid);
	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	size_t len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	const char *at = strrchr(text, ')'); /* field 2, the name, may hold spaces */
	for (int i = 2; i < number; i++) {
		at = strchr(at + 1, ' ');
		ck_assert_ptr_nonnull(at);
	}
	return strtoull(at, NULL, 10);
}

/* A line of /proc/PID/status in kB. */
static uint64_t status_kb(const char *name) {
	char path[64], line[256];
	uint64_t value = 0;
	snprintf(path, sizeof(path), "/proc/%d/status", child.pid);
	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, name, strlen(name)) == 0) {
			value = strtoull(line + strlen(name) + 1, NULL, 10);
		}
	}
	fclose(file);
	return value;
}

static void one_of_everything(unsigned i, int client) {
	static uint32_t image[FRAME_CURSOR_SIZE * FRAME_CURSOR_SIZE];
	struct rect damage = { (int32_t)(i % 100), 5, 64, 64 };
	publish(0, 200, HEIGHT, i % 7 == 0 ? PIXEL_FORMAT_RGBX : PIXEL_FORMAT_BGRX, i,
		i % 3 == 0 ? NULL : &damage);
	publish(1, 100, 80 + i % 20, PIXEL_FORMAT_ARGB, i * 99, NULL);
	struct frame_cursor cursor = { .visible = i % 5 != 0, .x = (int32_t)i, .y = 30 };
	image[i % ARRAY_LEN(image)] = 0xff00ff00;
	frame_link_publish_cursor(&producers[1], 0, &cursor, i % 2 == 0 ? image : NULL);
	if (i % 50 == 20) {
		frame_link_retract(&producers[1], 0);
		link_set_peer(&producers[1].link, LINK_PEER_ABSENT);
		frame_link_retract(&producers[0], 0);
	}
	link_set_peer(&producers[1].link,
		i % 50 < 30 && i % 50 >= 20 ? LINK_PEER_ABSENT : LINK_PEER_RUNNING);
	if (i % 10 == 0) {
		struct control_message request =
			layer_request("ivi", CONTROL_LAYER_SIZE, 50 + i % 200, 60 + i % 100);
		ck_assert_int_eq(ask(client, &request).arg[0], 0);
	}
}

/* Live values, damaged messages, and silence until the time-out. */
static void send_signals(unsigned i) {
	static struct signal_message message;
	if (i == 0) {
		signal_message_init(&message, 1);
	}
	if (i % 40 >= 30) {
		return;
	}
	message.counter++;
	message.values[SIGNAL_SPEED] = (int32_t)(i * 7 % 2000);
	message.values[SIGNAL_REVS] = (int32_t)(i * 50 % 8000);
	message.values[SIGNAL_BRAKE] = i / 3 % 2;
	message.values[SIGNAL_THEME] = i / 20 % 2;
	signal_message_seal(&message);
	message.crc32 ^= i % 5 == 0;
	ck_assert_int_eq(
		send(grants.signals[0], &message, sizeof(message), MSG_DONTWAIT), sizeof(message));
}

START_TEST(after_its_start_it_allocates_and_faults_nothing) {
	struct config config;
	make_config(&config);
	config.safety.signals = 1;
	config.safety.signal_timeout_ms = 50;
	start(&config, IS_SANITIZED ? NULL : "LD_PRELOAD=" NO_ALLOC);
	int client = client_open();
	uint64_t minor = process_field(10), major = process_field(12);
	for (unsigned i = 0; i < STEPS; i++) {
		one_of_everything(i, client);
		send_signals(i);
		step();
	}
	ck_assert_uint_ge(test_stats_value(page, "output.main.ticks"), STEPS);
	ck_assert_uint_ge(test_stats_value(page, "signals.good"), STEPS / 2);
	ck_assert_uint_ge(test_stats_value(page, "signals.malformed"), STEPS / 8);
	ck_assert_uint_ge(test_stats_value(page, "output.main.fallbacks"), 2);
	ck_assert_uint_ge(test_stats_value(page, "layer.ivi.losses"), 2);
	if (!IS_SANITIZED && status_kb("VmLck") > 0) {
		ck_assert_uint_eq(process_field(10), minor);
		ck_assert_uint_eq(process_field(12), major);
	}
	if (!IS_SANITIZED) {
		ck_assert_uint_le(status_kb("RssAnon") + status_kb("RssFile"), PRIVATE_KB_MAX);
	}
	fd_close(&client);
	finish();
}
END_TEST

START_TEST(in_a_tick_it_waits_for_nobody) {
	struct config config;
	if (IS_SANITIZED) {
		return; /* they make calls of their own */
	}
	make_config(&config);
	start(&config, "LD_PRELOAD=" NO_WAIT);
	int client = client_open();
	for (unsigned i = 0; i < STEPS; i++) {
		one_of_everything(i, client);
		step();
	}
	ck_assert_uint_ge(test_stats_value(page, "output.main.fallbacks"), 2);
	fd_close(&client);
	finish();
}
END_TEST

/* How early depends on the machine: it is printed. What is tested is that it does not wait for what comes
 * with the locking: it is first light before READY, and the picture is the fallback's. */
START_TEST(first_light_is_the_fallback) {
	struct config config;
	test_config_init(&config, 1920, 720);
	for (unsigned i = 0; i < 5; i++) {
		char name[16];
		uint32_t guest;
		snprintf(name, sizeof(name), "still%u", i);
		test_config_add_layer(&config, name, CONFIG_NONE, CONFIG_NONE,
			(struct rect) { 0, 0, 1280, 1024 });
		snprintf(name, sizeof(name), "guest%u", i);
		guest = test_config_add_guest(&config, name, 1, 1920, 720);
		test_config_add_layer(&config, name, guest, 0, (struct rect) { 0, 0, 1920, 720 })
			->critical = 1;
	}
	start(&config, NULL);
	uint64_t light_ns = test_stats_value(page, "compositor.first_light_ns");
	uint64_t ready_ns = clock_now_ns() - atomic_load(&page->start_ns);
	printf("first light after %.1f ms, ready after %.1f ms\n", (double)light_ns / 1e6,
		(double)ready_ns / 1e6);
	ck_assert_uint_gt(light_ns, 0);
	ck_assert_uint_lt(light_ns, ready_ns);
	ck_assert_uint_eq(atomic_load(&reader.page->shown), 1);
	ck_assert_uint_eq(test_stats_value(page, "output.main.state"), SCREEN_FALLBACK);
	finish();
}
END_TEST

static pid_t fork_sleeper(void) {
	pid_t pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	return pid;
}

START_TEST(a_dead_producer_brings_the_fallback) {
	struct config config;
	make_config(&config);
	start(&config, NULL);
	publish(0, 200, HEIGHT, PIXEL_FORMAT_BGRX, 0x123456, NULL);
	publish(1, 100, 100, PIXEL_FORMAT_BGRX, 0x654321, NULL);
	pid_t pid = fork_sleeper();
	int process = (int)syscall(SYS_pidfd_open, pid, 0);
	test_child_grant(&child, CONTROL_PEER, 0, process);
	fd_close(&process);
	ck_assert_uint_eq(pixel_after_step(5, 100), 0x123456);
	ck_assert_uint_eq(test_stats_value(page, "output.main.state"), SCREEN_NORMAL);

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	step();
	ck_assert_uint_eq(pixel_after_step(5, 100), test_atlas_colour("hmi/main/ground/one"));
	ck_assert_uint_eq(test_stats_value(page, "output.main.state"), SCREEN_FALLBACK);
	ck_assert_uint_eq(test_stats_value(page, "layer.ivi.state"), LAYER_LIVE);

	/* a pidfd of a new one, and its first picture */
	process = (int)syscall(SYS_pidfd_open, getpid(), 0);
	test_child_grant(&child, CONTROL_PEER, 0, process);
	fd_close(&process);
	step();
	publish(0, 200, HEIGHT, PIXEL_FORMAT_BGRX, 0x123457, NULL);
	ck_assert_uint_eq(pixel_after_step(5, 100), 0x123457);
	ck_assert_uint_eq(test_stats_value(page, "output.main.state"), SCREEN_NORMAL);
	finish();
}
END_TEST

START_TEST(clients_are_served_and_bounded) {
	struct config config;
	make_config(&config);
	start(&config, NULL);
	int clients[CLIENTS_MAX + 1];
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		clients[i] = client_open();
	}
	/* one too many is told so, unasked */
	struct control_message nothing = { 0 };
	ck_assert_int_eq(ask(clients[CLIENTS_MAX], &nothing).arg[0], EBUSY);
	ck_assert_uint_eq(ask(clients[CLIENTS_MAX], &nothing).type, 0);

	struct control_message request = layer_request("ivi", CONTROL_LAYER_AT, 5, 6);
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct control_message reply = ask(clients[i], &request);
		ck_assert_uint_eq(reply.type, CONTROL_END);
		ck_assert_int_eq(reply.arg[0], 0);
	}
	request = layer_request("nobody", CONTROL_LAYER_AT, 5, 6);
	ck_assert_int_eq(ask(clients[0], &request).arg[0], ENOENT);
	request = layer_request("ivi", 99, 5, 6);
	ck_assert_int_eq(ask(clients[0], &request).arg[0], EINVAL);
	request.type = CONTROL_GET_STATS;
	ck_assert_int_eq(ask(clients[0], &request).arg[0], ENOTSUP);
	/* what is no message ends its sender's connection, and nobody else's */
	ck_assert_int_eq(write(clients[0], "hello", 5), 5);
	ck_assert_uint_eq(ask(clients[0], &nothing).type, 0);
	request = layer_request("ivi", CONTROL_LAYER_Z, 7, 0);
	ck_assert_int_eq(ask(clients[1], &request).arg[0], 0);
	/* its place is free again */
	fd_close(&clients[0]);
	clients[0] = client_open();
	ck_assert_int_eq(ask(clients[0], &request).arg[0], 0);
	/* one who leaves without reading is no trouble */
	struct control_packet packet = { .message = request };
	ck_assert_int_eq(control_send(clients[0], &packet), 0);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		fd_close(&clients[i]);
	}
	step();
	finish();
}
END_TEST

START_TEST(it_goes_on_without_its_keeper) {
	struct config config;
	make_config(&config);
	start(&config, NULL);
	fd_close(&child.control);
	publish(0, 200, HEIGHT, PIXEL_FORMAT_BGRX, 0x123456, NULL);
	publish(1, 100, 100, PIXEL_FORMAT_BGRX, 0x654321, NULL);
	ck_assert_uint_eq(pixel_after_step(5, 100), 0x123456);
	finish();
}
END_TEST

START_TEST(it_dies_and_its_successor_goes_on) {
	struct config config;
	make_config(&config);
	start(&config, NULL);
	publish(0, 200, HEIGHT, PIXEL_FORMAT_BGRX, 0x123456, NULL);
	publish(1, 100, 100, PIXEL_FORMAT_BGRX, 0x654321, NULL);
	ck_assert_uint_eq(pixel_after_step(5, 100), 0x123456);
	kill(child.pid, SIGKILL);
	waitpid(child.pid, NULL, 0);
	fd_close(&child.control);
	/* readers still have the last picture */
	ck_assert_int_gt(output_reader_copy(&reader, picture), 0);
	ck_assert_uint_eq(picture[100 * WIDTH + 5] & 0xffffff, 0x123456);

	test_child_start(&child, &grants, FASCIA_COMPOSITOR, NULL);
	ck_assert_uint_eq(pixel_after_step(5, 100), 0x123456);
	finish();
}
END_TEST

START_TEST(a_real_clock_ticks) {
	struct config config;
	make_config(&config);
	config.outputs[0].clock = TICKER_REAL;
	config.outputs[0].refresh_mhz = 200000;
	start(&config, NULL);
	publish(0, 200, HEIGHT, PIXEL_FORMAT_BGRX, 0x123456, NULL);
	publish(1, 100, 100, PIXEL_FORMAT_BGRX, 0x654321, NULL);
	uint32_t seen = 0;
	while (test_stats_value(page, "output.main.ticks") < 20) {
		ck_assert_int_eq(output_reader_wait(&reader, &seen, HANG_GUARD_MS), 1);
		link_echo(&producers[0].link);
		link_echo(&producers[1].link);
	}
	/* a test that was left waiting itself did not echo in time: well again, it is believed again */
	do {
		ck_assert_int_eq(output_reader_wait(&reader, &seen, HANG_GUARD_MS), 1);
		link_echo(&producers[0].link);
		link_echo(&producers[1].link);
		ck_assert_int_gt(output_reader_copy(&reader, picture), 0);
	} while ((picture[100 * WIDTH + 5] & 0xffffff) != 0x123456);
	ck_assert_uint_eq(frame_link_latched(&producers[0], 0, NULL), 1);
	finish();
}
END_TEST

START_TEST(an_immediate_clock_follows_publications) {
	struct config config;
	make_config(&config);
	config.outputs[0].clock = TICKER_IMMEDIATE;
	start(&config, NULL);
	for (uint32_t i = 1; i <= 50; i++) {
		publish(0, 200, HEIGHT, PIXEL_FORMAT_BGRX, i, NULL);
		while (frame_link_latched(&producers[0], 0, NULL) < i) {
			uint32_t seen = atomic_load(&reader.page->wake);
			if (frame_link_latched(&producers[0], 0, NULL) < i) {
				output_reader_wait(&reader, &seen, 100);
			}
			link_echo(&producers[0].link);
			link_echo(&producers[1].link);
		}
		ck_assert_int_gt(output_reader_copy(&reader, picture), 0);
		ck_assert_uint_eq(picture[100 * WIDTH + 5] & 0xffffff, i);
	}
	finish();
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor process");
	TCase *memory = suite_case(suite, "memory");
	tcase_add_test(memory, after_its_start_it_allocates_and_faults_nothing);
	tcase_add_test(memory, in_a_tick_it_waits_for_nobody);
	TCase *life = suite_case(suite, "life");
	tcase_add_test(life, first_light_is_the_fallback);
	tcase_add_test(life, a_dead_producer_brings_the_fallback);
	tcase_add_test(life, clients_are_served_and_bounded);
	tcase_add_test(life, it_goes_on_without_its_keeper);
	tcase_add_test(life, it_dies_and_its_successor_goes_on);
	TCase *clocks = suite_case(suite, "clocks");
	tcase_add_test(clocks, a_real_clock_ticks);
	tcase_add_test(clocks, an_immediate_clock_follows_publications);
	return suite;
}
