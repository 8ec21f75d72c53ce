#include "protocol/vhost_channel.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/macros.h"
#include "tests/suite.h"

struct channel_rig {
	struct loop *loop;
	struct vhost_channel channel;
	int front;
};

static void channel_init(struct channel_rig *rig) {
	int pair[2];
	rig->loop = loop_create();
	vhost_channel_init(&rig->channel, rig->loop);
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	rig->front = pair[0];
	ck_assert_int_eq(vhost_channel_open(&rig->channel, pair[1]), 0);
}

static void channel_finish(struct channel_rig *rig) {
	vhost_channel_finish(&rig->channel);
	fd_close(&rig->front);
	loop_destroy(rig->loop);
}

static void settle(struct channel_rig *rig) {
	for (int i = 0; i < 1000 && loop_dispatch(rig->loop, 0) > 0; i++) {
	}
}

/* Reads all that was sent: how many "configuration changed". */
static unsigned changes_received(struct channel_rig *rig) {
	struct vhost_header header;
	unsigned changes = 0;
	while (recv(rig->front, &header, sizeof(header), 0) == sizeof(header)) {
		ck_assert_uint_eq(header.request, VHOST_BACKEND_CONFIG_CHANGE);
		ck_assert_uint_eq(header.flags, VHOST_VERSION);
		ck_assert_uint_eq(header.size, 0);
		changes++;
	}
	return changes;
}

START_TEST(change_is_sent) {
	struct channel_rig rig;
	channel_init(&rig);
	vhost_channel_config_changed(&rig.channel);
	vhost_channel_config_changed(&rig.channel);
	ck_assert_uint_eq(changes_received(&rig), 2);
	channel_finish(&rig);
}
END_TEST

START_TEST(reader_that_sleeps_gets_the_last) {
	struct channel_rig rig;
	channel_init(&rig);
	unsigned sent = 0;
	while (!rig.channel.config_changed) {
		vhost_channel_config_changed(&rig.channel);
		sent++;
	}
	for (int i = 0; i < 10000; i++) {
		vhost_channel_config_changed(&rig.channel);
	}
	settle(&rig);
	unsigned received = 0, more;
	do {
		more = changes_received(&rig);
		received += more;
		settle(&rig);
	} while (more > 0);
	/* what fitted, and the rest as one */
	ck_assert_uint_eq(received, sent);
	ck_assert(!rig.channel.config_changed);
	vhost_channel_config_changed(&rig.channel);
	ck_assert_uint_eq(changes_received(&rig), 1);
	channel_finish(&rig);
}
END_TEST

START_TEST(replies_are_dropped) {
	struct channel_rig rig;
	channel_init(&rig);
	const struct {
		struct vhost_header header;
		uint32_t value[2];
	} reply = { { VHOST_BACKEND_CONFIG_CHANGE, VHOST_VERSION | VHOST_FLAG_REPLY, 8 }, { 0 } };
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(
			fd_send(rig.front, &reply, sizeof(reply), &rig.front, 1), sizeof(reply));
	}
	settle(&rig);
	ck_assert(vhost_channel_is_open(&rig.channel));
	vhost_channel_config_changed(&rig.channel);
	ck_assert_uint_eq(changes_received(&rig), 1);
	channel_finish(&rig);
}
END_TEST

static const struct {
	const char *name;
	struct vhost_header header;
} garbage[] = {
	{ "a request", { 1, VHOST_VERSION, 0 } },
	{ "version 2", { 2, 2 | VHOST_FLAG_REPLY, 0 } },
	{ "too long", { 2, VHOST_VERSION | VHOST_FLAG_REPLY, UINT32_MAX } },
};

START_TEST(garbage_closes_the_channel) {
	struct channel_rig rig;
	channel_init(&rig);
	ck_assert_int_eq(fd_send(rig.front, &garbage[_i].header, VHOST_HEADER_BYTES, NULL, 0),
		VHOST_HEADER_BYTES);
	settle(&rig);
	ck_assert_msg(!vhost_channel_is_open(&rig.channel), "%s", garbage[_i].name);
	channel_finish(&rig);
}
END_TEST

START_TEST(hang_up_closes_the_channel) {
	struct channel_rig rig;
	channel_init(&rig);
	fd_close(&rig.front);
	if (_i == 0) {
		settle(&rig);
	} else {
		vhost_channel_config_changed(&rig.channel); /* found out by sending */
	}
	ck_assert(!vhost_channel_is_open(&rig.channel));
	ck_assert_int_eq(loop_dispatch(rig.loop, 0), 0);
	channel_finish(&rig);
}
END_TEST

START_TEST(second_channel_replaces_the_first) {
	struct channel_rig rig;
	int pair[2];
	uint8_t byte;
	channel_init(&rig);
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	ck_assert_int_eq(vhost_channel_open(&rig.channel, pair[1]), 0);
	ck_assert_int_eq(recv(rig.front, &byte, 1, 0), 0); /* the first is closed */
	fd_close(&rig.front);
	rig.front = pair[0];
	vhost_channel_config_changed(&rig.channel);
	ck_assert_uint_eq(changes_received(&rig), 1);
	/* what is no socket leaves the one that is there */
	ck_assert_int_eq(vhost_channel_open(&rig.channel, fd_eventfd_create(false)), -EBADF);
	ck_assert_int_eq(vhost_channel_open(&rig.channel, -1), -EBADF);
	ck_assert(vhost_channel_is_open(&rig.channel));
	channel_finish(&rig);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("protocol vhost_channel");
	TCase *tcase = suite_case(suite, "channel");
	tcase_add_test(tcase, change_is_sent);
	tcase_add_test(tcase, reader_that_sleeps_gets_the_last);
	tcase_add_test(tcase, replies_are_dropped);
	tcase_add_loop_test(tcase, garbage_closes_the_channel, 0, ARRAY_LEN(garbage));
	tcase_add_loop_test(tcase, hang_up_closes_the_channel, 0, 2);
	tcase_add_test(tcase, second_channel_replaces_the_first);
	return suite;
}
