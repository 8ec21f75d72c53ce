/*
 * What the safety layer gets from outside, through all processes: signals to lamps and chimes, and a
 * guest's heartbeat to its layer. Pictures by step; a chime takes the time it takes.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/chimes.h"
#include "core/clock.h"
#include "core/fd.h"
#include "core/signals.h"
#include "service/chimes.h"
#include "tests/flow/expect.h"
#include "tests/flow/guest.h"
#include "tests/suite.h"
#include "tests/support/process.h"

/* ---- signals and chimes ---- */

/* the sound of data/cockpit.yaml; no stream will play */
static const char chiming[] = "outputs:\n"
			      "  - name: main\n"
			      "    mode: 1280x480@step\n"
			      "    fallback: true\n"
			      "guests:\n"
			      "  - name: ivi\n"
			      "    gpu: {enabled: false}\n"
			      "safety:\n"
			      "  signals: true\n"
			      "  signal_timeout_ms: 200\n"
			      "sound:\n"
			      "  sink: memory\n"
			      "  clock: streams\n"
			      "  rate: 48000\n"
			      "  quantum: 256\n";

#define RATE 48000
#define TOLERANCE 1e-6f

struct car {
	struct service service;
	struct expect expect;
	int socket;
	struct signal_message message;
};

static void car_start(struct car *car, const char *yaml) {
	char path[96];
	*car = (struct car) { .message.source = 1 };
	service_start(&car->service, yaml, NULL);
	expect_init(&car->expect, &car->service);
	for (unsigned i = 0; i < SIGNAL_VALUES; i++) {
		bool is_lamp = i >= SIGNAL_TELLTALES && i < SIGNAL_TELLTALES_END;
		car->message.values[i] = is_lamp ? 0 : SIGNAL_UNKNOWN;
	}
	snprintf(path, sizeof(path), "%s/signals", car->service.runtime);
	car->socket = fd_connect_unix(path, SOCK_DGRAM);
	ck_assert_int_ge(car->socket, 0);
}

static void car_stop(struct car *car) {
	fd_close(&car->socket);
	expect_finish(&car->expect);
	service_stop(&car->service);
}

/* Ticks, each with a message as the car's bus would send it. */
static void drive(struct car *car, unsigned ticks) {
	for (; ticks > 0; ticks--) {
		car->message.counter++;
		signal_message_seal(&car->message);
		ck_assert_int_eq(send(car->socket, &car->message, sizeof(car->message), 0),
			sizeof(car->message));
		service_step(&car->service, 1);
	}
}

/* What the sink got from its first sound on is the chime, sample by sample. */
static void expect_chime(struct sink_reader *reader, enum cue_chime chime) {
	static float heard[SINK_MEMORY_FRAMES * SINK_MEMORY_CHANNELS];
	struct chimes chimes;
	int fd = chimes_create_fd(RATE);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(chimes_map(&chimes, fd, RATE), 0);
	const float *samples = chimes_samples(&chimes, chime);
	size_t len = (size_t)chimes.entries[chime].frames * CHIMES_CHANNELS;

	size_t got = 0;
	uint32_t frames;
	while ((frames = sink_reader_read(reader, heard + got, 4096)) > 0) {
		got += (size_t)frames * SINK_MEMORY_CHANNELS;
		ck_assert_uint_lt(got + 4096 * SINK_MEMORY_CHANNELS,
			SINK_MEMORY_FRAMES * SINK_MEMORY_CHANNELS);
	}
	ck_assert_uint_eq(reader->lost, 0);
	/* it begins at silence, and ducks what would sound below it: from the loud part on it is itself */
	size_t start = 0, first = 0;
	while (samples[first] == 0) {
		first++;
	}
	while (start < got && heard[start] == 0) {
		start++;
	}
	start -= first;
	ck_assert_uint_le(start + len, got);
	size_t wrong = 0;
	for (size_t i = RATE / 100 * CHIMES_CHANNELS; i < len; i++) {
		float difference = heard[start + i] - samples[i];
		wrong += difference > TOLERANCE || difference < -TOLERANCE;
	}
	ck_assert_uint_eq(wrong, 0);
	chimes_unmap(&chimes);
	close(fd);
}

START_TEST(a_lamp_that_lights_is_seen_and_heard) {
	struct car car;
	struct sink_reader reader;
	static const char *const missing[] = { NULL };
	car_start(&car, chiming);
	service_sink(&car.service, &reader);
	drive(&car, 3);
	expect_fallback_of(&car.expect, &car.service, missing, car.message.values);
	ck_assert_uint_eq(service_value(&car.service, "compositor", "chimes.asked"), 0);

	car.message.values[SIGNAL_OIL_PRESSURE] = 1;
	drive(&car, 1);
	uint64_t asked_ns = clock_now_ns();
	expect_fallback_of(&car.expect, &car.service, missing, car.message.values);
	ck_assert_uint_eq(service_value(&car.service, "compositor", "chimes.asked"), 1);
	service_wait_is(&car.service, "mixer", "chimes.played", 1);
	printf("taken up after %.1f ms\n", (double)(clock_now_ns() - asked_ns) / NS_PER_MS);
	service_wait_is(&car.service, "mixer", "chimes.heard", 1);

	/* nothing else plays: the sink went on for the chime alone */
	drive(&car, 1);
	ck_assert_uint_eq(service_value(&car.service, "compositor", "chimes.begun"), 1);
	ck_assert_uint_eq(service_value(&car.service, "compositor", "chimes.heard"), 1);
	ck_assert_uint_eq(service_value(&car.service, "compositor", "chimes.lost"), 0);
	expect_chime(&reader, CUE_CHIME_WARNING);
	sink_reader_finish(&reader);
	car_stop(&car);
}
END_TEST

/* The mixer is gone: that it was not heard is known, and the lamp is lit all the same. */
START_TEST(a_chime_without_a_mixer_is_lost) {
	struct car car;
	static const char *const missing[] = { NULL };
	car_start(&car, chiming);
	drive(&car, 3);
	ck_assert(process_stop(service_pid(&car.service, "mixer")));
	car.message.values[SIGNAL_OIL_PRESSURE] = 1;
	drive(&car, 1 + 12); /* 200 ms */
	ck_assert_uint_eq(service_value(&car.service, "compositor", "chimes.lost"), 0);
	drive(&car, 1);
	expect_fallback_of(&car.expect, &car.service, missing, car.message.values);
	ck_assert_uint_eq(service_value(&car.service, "compositor", "chimes.lost"), 1);
	ck_assert_int_eq(kill(service_pid(&car.service, "mixer"), SIGCONT), 0);
	car_stop(&car);
}
END_TEST

/* ---- heartbeats ---- */

static const char beating[] = "outputs:\n"
			      "  - name: main\n"
			      "    mode: 640x480@step\n"
			      "guests:\n"
			      "  - name: cluster\n"
			      "    channel: {enabled: true}\n"
			      "layers:\n"
			      "  - name: cluster\n"
			      "    at: 32,16\n"
			      "    size: 320x120\n"
			      "    critical: true\n"
			      "    hold_ms: 0\n"
			      "    heartbeat_ms: 150\n"
			      "    recover_frames: 2\n"
			      "sound: {sink: none}\n";

#define BEAT_TICKS 9 /* 150 ms */

static const struct rect whole = { 0, 0, 320, 120 };

/* Taken in by the endpoint on return. */
static void beat(int channel, unsigned number) {
	char line[48], answer[16];
	int len = snprintf(line, sizeof(line), "heartbeat %u\n", number);
	ck_assert_int_eq(send(channel, line, (size_t)len, MSG_NOSIGNAL), len);
	ck_assert_int_eq(fd_wait_readable(channel, SERVICE_WAIT_MS), 1);
	ck_assert_int_ge(recv(channel, answer, sizeof(answer), 0), 3);
	ck_assert_mem_eq(answer, "ok\n", 3);
}

static void show(struct guest_display *display, struct service *service, uint32_t seed) {
	guest_display_show(display, seed);
	service_step(service, 1);
	guest_display_sync(display);
}

START_TEST(a_heartbeat_keeps_a_layer) {
	static const char *const missing[] = { "cluster", NULL };
	struct service service;
	struct expect expect;
	struct guest_display display;
	service_start(&service, beating, NULL);
	expect_init(&expect, &service);
	int channel = fd_connect_unix(service.config.guests[0].channel.socket, SOCK_STREAM);
	ck_assert_int_ge(channel, 0);
	guest_display_start(&display, &service, "cluster", 320, 120);
	unsigned seed = 0;
	for (unsigned round = 0; round < 3; round++) {
		/* often enough, for much longer than it would live without */
		for (unsigned i = 0; i < 4 * BEAT_TICKS; i++) {
			if (i % 3 == 0) {
				beat(channel, seed + 1);
			}
			show(&display, &service, ++seed);
		}
		expect_guest(&service, seed, &whole, 32, 16);
		/* its pictures go on, its heartbeat does not */
		for (unsigned i = 0; i < BEAT_TICKS - 3; i++) {
			show(&display, &service, ++seed);
		}
		expect_guest(&service, seed, &whole, 32, 16);
		for (unsigned i = 0; i < 5; i++) {
			show(&display, &service, ++seed);
		}
		expect_fallback(&expect, &service, missing);
	}
	close(channel);
	guest_display_stop(&display);
	expect_finish(&expect);
	service_stop(&service);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("flow safety");
	TCase *tcase = suite_case(suite, "chimes");
	tcase_add_test(tcase, a_lamp_that_lights_is_seen_and_heard);
	tcase_add_test(tcase, a_chime_without_a_mixer_is_lost);
	tcase = suite_case(suite, "heartbeat");
	tcase_add_test(tcase, a_heartbeat_keeps_a_layer);
	return suite;
}
