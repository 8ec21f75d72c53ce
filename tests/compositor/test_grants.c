#include "compositor/grants.h"

#include <errno.h>
#include <unistd.h>

#include "compositor/compositor.h"
#include "core/fd.h"
#include "core/log.h"
#include "core/macros.h"
#include "tests/suite.h"
#include "tests/support/fault.h"
#include "tests/support/grants.h"

/* `index` is the first argument, too */
static void send(int socket, uint32_t type, uint32_t index, size_t fds_len) {
	struct control_packet packet = {
		.message = { .type = type, .index = index, .arg = { index } },
		.fds_len = fds_len,
	};
	for (size_t i = 0; i < fds_len; i++) {
		packet.fds[i] = STDERR_FILENO;
	}
	ck_assert_int_eq(control_send(socket, &packet), 0);
}

static const struct {
	uint32_t type, index;
	size_t fds_len;
	int result;
} rows[] = {
	{ CONTROL_START, 0, 0, 0 },
	{ CONTROL_CONFIG, 0, 1, -ECONNRESET }, /* taken; then the end comes before START */
	{ CONTROL_CONFIG, 0, 0, -EPROTO },
	{ CONTROL_CONFIG, 0, 2, -EPROTO },
	{ CONTROL_STATS, 0, 0, -EPROTO },
	{ CONTROL_ATLAS, 0, 3, -EPROTO },
	{ CONTROL_OUTPUT, 0, 0, -EPROTO },
	{ CONTROL_OUTPUT, 0, 1, -ECONNRESET },
	{ CONTROL_OUTPUT, 0, 2, -ECONNRESET },
	{ CONTROL_OUTPUT, 0, 3, -EPROTO },
	{ CONTROL_OUTPUT, CONFIG_OUTPUTS_MAX, 1, -EPROTO },
	{ CONTROL_FRAME_LINK, 0, LINK_FDS, -ECONNRESET },
	{ CONTROL_FRAME_LINK, 0, LINK_FDS - 1, -EPROTO },
	{ CONTROL_FRAME_LINK, CONFIG_GUESTS_MAX, LINK_FDS, -EPROTO },
	{ CONTROL_FRAME_LINK, UINT32_MAX, LINK_FDS, -EPROTO },
	{ CONTROL_PEER, 0, 1, -ECONNRESET },
	{ CONTROL_PEER, CONFIG_GUESTS_MAX, 1, -EPROTO },
	{ CONTROL_SAMPLE_LINK, 0, LINK_FDS, -EPROTO },
	{ CONTROL_SAFETY, 0, 1, -ECONNRESET },
	{ CONTROL_SAFETY, 0, 0, -EPROTO },
	{ CONTROL_SIGNALS, 0, 1, -ECONNRESET },
	{ CONTROL_SIGNALS, 0, 2, -EPROTO },
	{ CONTROL_CUES, 0, CUE_FDS, -ECONNRESET },
	{ CONTROL_CUES, 0, CUE_FDS - 1, -EPROTO },
	{ CONTROL_WATCHDOG, CONFIG_WATCHDOG_DEVICE, 1, -ECONNRESET },
	{ CONTROL_WATCHDOG, CONFIG_WATCHDOG_FILE, 1, -ECONNRESET },
	{ CONTROL_WATCHDOG, CONFIG_WATCHDOG_FILE, 0, -EPROTO },
	{ CONTROL_WATCHDOG, CONFIG_WATCHDOG_NONE, 1, -EPROTO },
	{ CONTROL_WATCHDOG, CONFIG_WATCHDOG_FILE + 1, 1, -EPROTO },
	{ CONTROL_BUZZER, 0, 1, -ECONNRESET },
	{ CONTROL_BUZZER, 0, 3, -EPROTO },
	{ CONTROL_CHIMES, 0, 1, -EPROTO },
	{ CONTROL_READY, 0, 0, -EPROTO },
};

START_TEST(takes_what_is_for_a_compositor) {
	int pair[2];
	struct grants grants;
	ck_assert_int_eq(fd_socketpair(pair), 0);
	grants_init(&grants);
	/* twice: the second replaces the first, and nothing leaks */
	send(pair[0], rows[_i].type, rows[_i].index, rows[_i].fds_len);
	send(pair[0], rows[_i].type, rows[_i].index, rows[_i].fds_len);
	fd_close(&pair[0]);
	ck_assert_int_eq(grants_receive(&grants, pair[1]), rows[_i].result);
	grants_finish(&grants);
	fd_close(&pair[1]);
}
END_TEST

START_TEST(noise_is_refused) {
	int pair[2];
	struct grants grants;
	ck_assert_int_eq(fd_socketpair(pair), 0);
	grants_init(&grants);
	ck_assert_int_eq(write(pair[0], "noise", 5), 5);
	ck_assert_int_eq(grants_receive(&grants, pair[1]), -EBADMSG);
	grants_finish(&grants);
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}
END_TEST

static void take_duplicates(const struct test_grants *from, struct grants *to) {
	grants_init(to);
	to->config = dup(from->config_fd);
	to->atlas = dup(from->atlas_fd);
	to->outputs[0] = dup(from->outputs[0]);
	to->steps[0] = dup(from->steps[0]);
	ck_assert_int_eq(link_grant_fds(from->links[0], LINK_CONSUMER, to->links[0]), 0);
}

static void make(struct test_grants *made) {
	struct config config;
	test_config_init(&config, 64, 48);
	uint32_t guest = test_config_add_guest(&config, "guest", 2, 32, 48);
	test_config_add_layer(&config, "one", guest, 0, (struct rect) { 0, 0, 32, 48 });
	test_config_add_layer(&config, "two", guest, 1, (struct rect) { 32, 0, 32, 48 });
	test_grants_init(made, &config, NULL);
}

/* with something taken away, or replaced by what it is not */
static void no_config(struct grants *grants) {
	fd_close(&grants->config);
}

static void wrong_config(struct grants *grants) {
	fd_close(&grants->config);
	grants->config = dup(grants->outputs[0]);
}

static void no_output(struct grants *grants) {
	fd_close(&grants->outputs[0]);
}

static void wrong_output(struct grants *grants) {
	fd_close(&grants->outputs[0]);
	grants->outputs[0] = dup(grants->atlas);
}

static void no_step(struct grants *grants) {
	fd_close(&grants->steps[0]);
}

static void no_atlas(struct grants *grants) {
	fd_close(&grants->atlas);
}

static void wrong_atlas(struct grants *grants) {
	fd_close(&grants->atlas);
	grants->atlas = dup(grants->config);
}

static void no_link(struct grants *grants) {
	for (size_t i = 0; i < LINK_FDS; i++) {
		fd_close(&grants->links[0][i]);
	}
}

static void wrong_link(struct grants *grants) {
	fd_close(&grants->links[0][LINK_PRODUCER_PAGE]);
	grants->links[0][LINK_PRODUCER_PAGE] = dup(grants->outputs[0]);
}

static const struct {
	void (*change)(struct grants *grants);
	bool works; /* without it there is less to see, but something */
} broken[] = {
	{ no_config, false },
	{ wrong_config, false },
	{ no_output, false },
	{ wrong_output, false },
	{ no_step, false },
	{ no_atlas, true },
	{ wrong_atlas, true },
	{ no_link, true },
	{ wrong_link, true },
};

START_TEST(a_broken_grant_is_refused_or_done_without) {
	struct test_grants made;
	struct grants grants;
	struct stats stats;
	make(&made);
	take_duplicates(&made, &grants);
	broken[_i].change(&grants);
	ck_assert_int_eq(stats_init(&stats, -1, "test"), 0);
	struct loop *loop = loop_create();
	struct compositor *compositor = compositor_create(&grants, &stats, loop);
	ck_assert_int_eq(compositor != NULL, broken[_i].works);
	if (compositor != NULL) {
		compositor_light(compositor);
		compositor_start(compositor);
		test_grants_step(&made, 0, 1);
		loop_dispatch(loop, 0);
	}
	compositor_destroy(compositor);
	loop_destroy(loop);
	stats_finish(&stats);
	grants_finish(&grants);
	test_grants_finish(&made);
}
END_TEST

START_TEST(every_allocation_may_fail) {
	struct test_grants made;
	struct stats stats;
	make(&made);
	ck_assert_int_eq(stats_init(&stats, -1, "test"), 0);
	struct loop *loop = loop_create();
	unsigned failures = 0;
	for (unsigned n = 1;; n++) {
		struct grants grants;
		take_duplicates(&made, &grants);
		fault_at(n);
		struct compositor *compositor = compositor_create(&grants, &stats, loop);
		bool hit = fault_hit();
		fault_off();
		failures += compositor == NULL;
		compositor_destroy(compositor);
		grants_finish(&grants);
		if (!hit) {
			break;
		}
	}
	/* the atlas and a link may be missing; the rest is needed */
	ck_assert_uint_ge(failures, 5);
	loop_destroy(loop);
	stats_finish(&stats);
	test_grants_finish(&made);
}
END_TEST

Suite *suite_under_test(void) {
	log_init("test", LOG_ERROR, NULL, false);
	Suite *suite = suite_create("compositor grants");
	TCase *socket = suite_case(suite, "socket");
	tcase_add_loop_test(socket, takes_what_is_for_a_compositor, 0, ARRAY_LEN(rows));
	tcase_add_test(socket, noise_is_refused);
	TCase *create = suite_case(suite, "create");
	tcase_add_loop_test(
		create, a_broken_grant_is_refused_or_done_without, 0, ARRAY_LEN(broken));
	tcase_add_test(create, every_allocation_may_fail);
	return suite;
}
