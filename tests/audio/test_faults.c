/* Every create of the sound part, with its n-th request for memory or a descriptor failing. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "audio/converter.h"
#include "audio/mixer/sink.h"
#include "audio/mixer/sink_memory.h"
#include "audio/null_consumer.h"
#include "audio/playback.h"
#include "audio/sound_device.h"
#include "core/clock.h"
#include "core/fd.h"
#include "tests/audio/link_pair.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

static struct stats stats;
static struct link_pair pair;

static void setup(void) {
	ck_assert_int_eq(stats_init(&stats, -1, "test"), 0);
	link_pair_init(&pair);
}

static void teardown(void) {
	fault_off();
	link_pair_finish(&pair);
	stats_finish(&stats);
}

static void handle_end(void *data, int error) {
}

START_TEST(a_sound_device) {
	struct loop *loop = loop_create();
	struct sound_device_options options = {
		.loop = loop,
		.link = &pair.producer,
		.stats = &stats,
		.streams = 3,
		.rate = 48000,
		.quantum_frames = 128,
		.now_ns = clock_now_ns,
		.handle_end = handle_end,
	};
	struct sound_device *device = NULL;
	unsigned n = 0;
	while (device == NULL) {
		int sockets[2];
		ck_assert_uint_lt(n, 1000);
		ck_assert_int_eq(
			socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets),
			0);
		errno = 0;
		fault_at(++n);
		device = sound_device_create(&options, sockets[1]);
		ck_assert(device != NULL || (fault_hit() && errno != 0));
		fault_off();
		/* taken over on error too: our end sees the hang-up */
		char byte;
		ck_assert(device != NULL || recv(sockets[0], &byte, 1, MSG_DONTWAIT) == 0);
		close(sockets[0]);
	}
	/* the device, two arrays per stream, and the session's at least */
	ck_assert_uint_gt(n, 8);
	sound_device_destroy(device);
	loop_destroy(loop);
}
END_TEST

START_TEST(sinks) {
	int memory = sink_memory_create_fd("test", 48000);
	struct sink_options options = {
		.rate = 48000, .quantum_frames = 128, .step_fd = -1, .memory_fd = memory
	};
	struct sink *(*const creates[])(const struct sink_options *) = {
		sink_null_create,
		sink_memory_create,
	};
	for (unsigned i = 0; i < 2; i++) {
		struct sink *sink = NULL;
		unsigned n = 0;
		while (sink == NULL) {
			errno = 0;
			fault_at(++n);
			sink = creates[i](&options);
			ck_assert(sink != NULL || (fault_hit() && errno != 0));
		}
		fault_off();
		ck_assert_uint_gt(n, 2);
		sink_destroy(sink);
	}
	close(memory);
}
END_TEST

START_TEST(a_null_consumer) {
	struct loop *loop = loop_create();
	static struct null_consumer consumer;
	int made[LINK_FDS];
	ck_assert_int_eq(sample_link_create_fds("test", made), 0);
	int error = -1;
	unsigned n = 0;
	while (error != 0) {
		int fds[LINK_FDS];
		ck_assert_int_eq(link_grant_fds(made, LINK_CONSUMER, fds), 0);
		fault_at(++n);
		error = null_consumer_init(&consumer, loop, fds, 48000, 128, &stats);
		ck_assert(error == 0 || fault_hit());
		fault_off();
	}
	ck_assert_uint_gt(n, 3);
	null_consumer_finish(&consumer);
	for (unsigned i = 0; i < LINK_FDS; i++) {
		fd_close(&made[i]);
	}
	loop_destroy(loop);
}
END_TEST

START_TEST(a_memory_file_and_its_reader) {
	int fd = -1;
	unsigned n = 0;
	while (fd < 0) {
		fault_at(++n);
		fd = sink_memory_create_fd("test", 48000);
		ck_assert(fd >= 0 || fault_hit());
	}
	struct sink_reader reader;
	fault_off();
	int copy = fd_reopen_readonly(fd);
	fault_at(1);
	ck_assert_int_lt(sink_reader_init(&reader, copy), 0);
	fault_off();
	close(fd);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("audio faults");
	TCase *tcase = suite_case(suite, "faults");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_sound_device);
	tcase_add_test(tcase, sinks);
	tcase_add_test(tcase, a_null_consumer);
	tcase_add_test(tcase, a_memory_file_and_its_reader);
	return suite;
}
