#include "core/control.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"

static int pair[2];

static void open_pair(void) {
	ck_assert_int_eq(fd_socketpair(pair), 0);
}

static void close_pair(void) {
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}

START_TEST(packets_cross) {
	struct control_packet sent = {
		.message = { .type = CONTROL_PEER,
			.index = 3,
			.arg = { -1, INT64_MAX, 0, 7 },
			.name = "cluster",
			.text = "text" },
		.fds = { fd_eventfd_create(false), fd_eventfd_create(false) },
		.fds_len = 2,
	};
	ck_assert_int_eq(control_send(pair[0], &sent), 0);
	struct control_packet received;
	ck_assert_int_eq(control_receive(pair[1], &received), 1);
	ck_assert_mem_eq(&received.message, &sent.message, sizeof(sent.message));
	ck_assert_uint_eq(received.fds_len, 2);
	ck_assert_int_eq(fcntl(received.fds[1], F_GETFD), FD_CLOEXEC);
	fd_event_signal(received.fds[1]);
	ck_assert_uint_eq(fd_event_take(sent.fds[1]), 1);
	control_close_fds(&received);
	ck_assert_uint_eq(received.fds_len, 0);
	control_close_fds(&sent);

	ck_assert_int_eq(control_receive(pair[1], &received), -EAGAIN);
	fd_close(&pair[0]);
	ck_assert_int_eq(control_receive(pair[1], &received), 0);
	ck_assert_int_eq(control_send(pair[1], &sent), -EPIPE);
}
END_TEST

/* Row n: a message cut after n bytes, with a descriptor. */
START_TEST(messages_of_another_size) {
	struct control_message message = { .type = CONTROL_START };
	uint8_t bytes[sizeof(message) + 1] = { 0 };
	memcpy(bytes, &message, sizeof(message));
	int event = fd_eventfd_create(false);
	struct control_packet received;
	ck_assert_int_eq(fd_send(pair[0], bytes, (size_t)_i, &event, 1), _i);
	int rc = control_receive(pair[1], &received);
	ck_assert_int_eq(rc, (size_t)_i == sizeof(message) ? 1 : -EBADMSG);
	ck_assert_uint_eq(received.fds_len, rc == 1 ? 1 : 0);
	control_close_fds(&received);
	fd_close(&event);
}
END_TEST

static const uint32_t bad_types[] = { CONTROL_NONE, CONTROL_TYPES, UINT32_MAX };

START_TEST(types_that_are_none) {
	struct control_packet sent = {
		.message = { .type = bad_types[_i] },
		.fds = { fd_eventfd_create(false) },
		.fds_len = 1,
	};
	ck_assert_int_eq(control_send(pair[0], &sent), 0);
	struct control_packet received;
	ck_assert_int_eq(control_receive(pair[1], &received), -EBADMSG);
	control_close_fds(&sent);
}
END_TEST

START_TEST(strings_are_terminated) {
	struct control_packet sent = { .message = { .type = CONTROL_END } };
	memset(sent.message.name, 'n', sizeof(sent.message.name));
	memset(sent.message.text, '\033', sizeof(sent.message.text));
	ck_assert_int_eq(control_send(pair[0], &sent), 0);
	struct control_packet received;
	ck_assert_int_eq(control_receive(pair[1], &received), 1);
	ck_assert_uint_eq(strlen(received.message.name), sizeof(sent.message.name) - 1);
	ck_assert_uint_eq(strlen(received.message.text), sizeof(sent.message.text) - 1);
	ck_assert_int_eq(received.message.text[0], '?');
}
END_TEST

START_TEST(too_many_descriptors) {
	struct control_message message = { .type = CONTROL_START };
	int event = fd_eventfd_create(false);
	int many[CONTROL_FDS_MAX + 1];
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		many[i] = event;
	}
	ck_assert_int_gt(fd_send(pair[0], &message, sizeof(message), many, ARRAY_LEN(many)), 0);
	struct control_packet received;
	ck_assert_int_eq(control_receive(pair[1], &received), -EBADMSG);
	ck_assert_uint_eq(received.fds_len, 0);
	fd_close(&event);
}
END_TEST

START_TEST(peers_that_do_not_read) {
	struct control_packet sent = { .message = { .type = CONTROL_START } };
	int rc;
	do {
		rc = control_send(pair[0], &sent);
	} while (rc == 0);
	ck_assert_int_eq(rc, -EAGAIN);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core control");
	TCase *tcase = suite_case(suite, "packets");
	tcase_add_checked_fixture(tcase, open_pair, close_pair);
	tcase_add_test(tcase, packets_cross);
	tcase_add_loop_test(tcase, messages_of_another_size, 1, sizeof(struct control_message) + 2);
	tcase_add_loop_test(tcase, types_that_are_none, 0, ARRAY_LEN(bad_types));
	tcase_add_test(tcase, strings_are_terminated);
	tcase_add_test(tcase, too_many_descriptors);
	tcase_add_test(tcase, peers_that_do_not_read);
	return suite;
}
