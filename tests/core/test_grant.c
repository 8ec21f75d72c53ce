#include "core/grant.h"

#include <errno.h>

#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"

struct program {
	int listener;
	struct stats stats;
	const struct config *config;
	unsigned outputs;
};

static int pair[2]; /* the keeper's end, the program's */
static struct program program;

static int take_listener(void *owner, struct control_packet *packet) {
	return grant_take_fd(packet, &((struct program *)owner)->listener);
}

static int take_stats(void *owner, struct control_packet *packet) {
	return grant_take_stats(packet, &((struct program *)owner)->stats, "program");
}

static int take_config(void *owner, struct control_packet *packet) {
	return grant_take_config(packet, &((struct program *)owner)->config);
}

/* Keeps none of its descriptors. */
static int take_output(void *owner, struct control_packet *packet) {
	((struct program *)owner)->outputs += packet->message.index;
	return 0;
}

static const struct grant grants[] = {
	{ CONTROL_LISTENER, take_listener },
	{ CONTROL_STATS, take_stats },
	{ CONTROL_CONFIG, take_config },
	{ CONTROL_OUTPUT, take_output },
};

static void open_pair(void) {
	ck_assert_int_eq(fd_socketpair(pair), 0);
	program = (struct program) { .listener = -1 };
}

static void close_pair(void) {
	fd_close(&pair[0]);
	fd_close(&pair[1]);
	fd_close(&program.listener);
	if (program.stats.page != NULL) {
		stats_finish(&program.stats);
	}
}

/* Sends `fd` (-1: none) `copies` times in one grant. */
static void grant(enum control_type type, uint32_t index, int fd, size_t copies) {
	struct control_packet packet = {
		.message = { .type = type, .index = index },
		.fds_len = fd < 0 ? 0 : copies,
	};
	for (size_t i = 0; i < packet.fds_len; i++) {
		packet.fds[i] = fd;
	}
	ck_assert_int_eq(control_send(pair[0], &packet), 0);
}

static int receive(void) {
	return grant_receive(pair[1], grants, ARRAY_LEN(grants), &program);
}

/* What no row takes, and what a taker leaves, is closed: the suite counts descriptors. */
START_TEST(everything_up_to_start) {
	int event = fd_eventfd_create(false);
	int page = stats_create_fd("program");
	grant(CONTROL_STATS, 0, page, 1);
	grant(CONTROL_LISTENER, 0, event, 1);
	grant(CONTROL_PEER, 0, event, 1);
	grant(CONTROL_OUTPUT, 2, event, 2);
	grant(CONTROL_START, 0, event, 1);
	grant(CONTROL_OUTPUT, 40, -1, 0);
	ck_assert_int_eq(receive(), 0);
	fd_event_signal(program.listener);
	ck_assert_uint_eq(fd_event_take(event), 1);
	ck_assert_ptr_nonnull(program.stats.page);
	ck_assert_uint_eq(program.outputs, 2);
	fd_close(&event);
	fd_close(&page);
}
END_TEST

static const struct {
	const char *name;
	enum control_type type;
	size_t fds_len;
	unsigned times;
	int error;
} refused[] = {
	{ "a listener without a descriptor", CONTROL_LISTENER, 0, 1, -EBADMSG },
	{ "a listener with two", CONTROL_LISTENER, 2, 1, -EBADMSG },
	{ "a listener twice", CONTROL_LISTENER, 1, 2, -EBADMSG },
	{ "statistics without a descriptor", CONTROL_STATS, 0, 1, -EBADMSG },
	{ "statistics with two", CONTROL_STATS, 2, 1, -EBADMSG },
	{ "statistics that are no memory", CONTROL_STATS, 1, 1, -EINVAL },
	{ "a configuration without a descriptor", CONTROL_CONFIG, 0, 1, -EBADMSG },
	{ "a configuration with two", CONTROL_CONFIG, 2, 1, -EBADMSG },
	{ "a configuration that is no memory", CONTROL_CONFIG, 1, 1, -EINVAL },
};

START_TEST(grants_that_cannot_be_used) {
	int event = fd_eventfd_create(false);
	for (unsigned i = 0; i < refused[_i].times; i++) {
		grant(refused[_i].type, 0, refused[_i].fds_len == 0 ? -1 : event,
			refused[_i].fds_len);
	}
	grant(CONTROL_START, 0, -1, 0);
	int error = receive();
	ck_assert_msg(error == refused[_i].error, "%s: %d", refused[_i].name, error);
	fd_close(&event);
}
END_TEST

START_TEST(keepers_that_hang_up) {
	grant(CONTROL_OUTPUT, 1, -1, 0);
	fd_close(&pair[0]);
	ck_assert_int_eq(receive(), -EPIPE);
	ck_assert_uint_eq(program.outputs, 1);
}
END_TEST

START_TEST(ready_is_told) {
	struct control_packet packet;
	ck_assert_int_eq(control_receive_wait(pair[0], &packet, 0), -ETIMEDOUT);
	ck_assert_int_eq(grant_ready(pair[1]), 0);
	ck_assert_int_eq(control_receive_wait(pair[0], &packet, -1), 1);
	ck_assert_uint_eq(packet.message.type, CONTROL_READY);
	fd_close(&pair[1]);
	ck_assert_int_eq(control_receive_wait(pair[0], &packet, -1), 0);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core grant");
	TCase *tcase = suite_case(suite, "grants");
	tcase_add_checked_fixture(tcase, open_pair, close_pair);
	tcase_add_test(tcase, everything_up_to_start);
	tcase_add_loop_test(tcase, grants_that_cannot_be_used, 0, ARRAY_LEN(refused));
	tcase_add_test(tcase, keepers_that_hang_up);
	tcase_add_test(tcase, ready_is_told);
	return suite;
}
