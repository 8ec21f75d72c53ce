#include "protocol/vhost_message.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/macros.h"
#include "tests/suite.h"

struct wire_rig {
	int front, back; /* a stream pair */
	struct vhost_receiver receiver;
};

static void wire_init(struct wire_rig *rig) {
	int pair[2];
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	rig->front = pair[0];
	rig->back = pair[1];
	vhost_receiver_init(&rig->receiver);
}

static void wire_finish(struct wire_rig *rig) {
	vhost_receiver_finish(&rig->receiver);
	fd_close(&rig->front);
	fd_close(&rig->back);
}

static int read_request(struct wire_rig *rig) {
	return vhost_receiver_read(&rig->receiver, rig->back, false);
}

struct wire_message {
	struct vhost_header header;
	uint8_t payload[8];
};

static const struct wire_message number_message = {
	.header = { VHOST_SET_FEATURES, VHOST_VERSION, 8 },
	.payload = { 1, 2, 3, 4, 5, 6, 7, 8 },
};

#define MESSAGE_BYTES (VHOST_HEADER_BYTES + 8)

static void send_part(struct wire_rig *rig, size_t begin, size_t end, const int *fds, size_t len) {
	const uint8_t *bytes = (const uint8_t *)&number_message;
	ck_assert_int_eq(
		fd_send(rig->front, bytes + begin, end - begin, fds, len), (ssize_t)(end - begin));
}

static void expect_number_message(struct wire_rig *rig) {
	ck_assert_int_eq(read_request(rig), 1);
	ck_assert_uint_eq(rig->receiver.message.header.request, VHOST_SET_FEATURES);
	ck_assert_uint_eq(rig->receiver.message.header.size, 8);
	ck_assert_mem_eq(rig->receiver.message.payload, number_message.payload, 8);
}

START_TEST(message_comes_whole) {
	struct wire_rig rig;
	wire_init(&rig);
	ck_assert_int_eq(read_request(&rig), 0);
	send_part(&rig, 0, MESSAGE_BYTES, NULL, 0);
	send_part(&rig, 0, MESSAGE_BYTES, NULL, 0);
	expect_number_message(&rig);
	expect_number_message(&rig);
	ck_assert_int_eq(read_request(&rig), 0);
	wire_finish(&rig);
}
END_TEST

START_TEST(message_comes_byte_by_byte) {
	struct wire_rig rig;
	wire_init(&rig);
	int fd = dup(rig.front);
	for (size_t i = 0; i < MESSAGE_BYTES; i++) {
		ck_assert_int_eq(read_request(&rig), 0);
		send_part(&rig, i, i + 1, &fd, i == 0 ? 1 : 0);
	}
	expect_number_message(&rig);
	ck_assert_uint_eq(rig.receiver.message.fds_len, 1);
	close(fd);
	wire_finish(&rig);
}
END_TEST

/* The peer stops within the message: at each byte of it. */
START_TEST(message_is_cut_by_a_hangup) {
	struct wire_rig rig;
	wire_init(&rig);
	size_t bytes = (size_t)_i;
	if (bytes > 0) {
		send_part(&rig, 0, bytes, &rig.front, 1);
	}
	fd_close(&rig.front);
	/* what was sent holds a duplicate of the socket: the end comes when that is closed too */
	int status = read_request(&rig);
	if (status == 0) {
		vhost_message_close_fds(&rig.receiver.message);
		status = read_request(&rig);
	}
	ck_assert_int_eq(status, bytes == 0 ? -ECONNRESET : -EPROTO);
	wire_finish(&rig);
}
END_TEST

static const struct {
	const char *name;
	struct vhost_header header;
	bool is_reply;
	int result;
} headers[] = {
	{ "request", { VHOST_SET_FEATURES, VHOST_VERSION, 0 }, false, 1 },
	{ "request that needs a reply", { 1, VHOST_VERSION | VHOST_FLAG_NEED_REPLY, 0 }, false, 1 },
	{ "unknown flags", { 1, VHOST_VERSION | 0xfffffff0, 0 }, false, 1 },
	{ "unknown request", { UINT32_MAX, VHOST_VERSION, 0 }, false, 1 },
	{ "reply", { 1, VHOST_VERSION | VHOST_FLAG_REPLY, 0 }, true, 1 },
	{ "version 0", { 1, 0, 0 }, false, -EBADMSG },
	{ "version 2", { 1, 2, 0 }, false, -EBADMSG },
	{ "version 3", { 1, 3, 0 }, false, -EBADMSG },
	{ "a reply as request", { 1, VHOST_VERSION | VHOST_FLAG_REPLY, 0 }, false, -EBADMSG },
	{ "a request as reply", { 1, VHOST_VERSION, 0 }, true, -EBADMSG },
	{ "too long", { 1, VHOST_VERSION, VHOST_PAYLOAD_BYTES_MAX + 1 }, false, -EBADMSG },
	{ "longest number", { 1, VHOST_VERSION, UINT32_MAX }, false, -EBADMSG },
	{ "as long as may be", { 1, VHOST_VERSION, VHOST_PAYLOAD_BYTES_MAX }, false, 0 },
};

START_TEST(header_is_taken_or_refused) {
	struct wire_rig rig;
	wire_init(&rig);
	ck_assert_int_eq(fd_send(rig.front, &headers[_i].header, VHOST_HEADER_BYTES, NULL, 0), 12);
	int result = vhost_receiver_read(&rig.receiver, rig.back, headers[_i].is_reply);
	ck_assert_msg(result == headers[_i].result, "%s: %d", headers[_i].name, result);
	wire_finish(&rig);
}
END_TEST

START_TEST(longest_message_comes) {
	struct wire_rig rig;
	uint8_t data[VHOST_HEADER_BYTES + VHOST_PAYLOAD_BYTES_MAX];
	const struct vhost_header header = { 1, VHOST_VERSION, VHOST_PAYLOAD_BYTES_MAX };
	wire_init(&rig);
	memset(data, 0x3c, sizeof(data));
	memcpy(data, &header, sizeof(header));
	ck_assert_int_eq(fd_send(rig.front, data, sizeof(data), NULL, 0), sizeof(data));
	ck_assert_int_eq(read_request(&rig), 1);
	ck_assert_mem_eq(
		rig.receiver.message.payload, data + VHOST_HEADER_BYTES, VHOST_PAYLOAD_BYTES_MAX);
	wire_finish(&rig);
}
END_TEST

/* --- descriptors: the fixture counts that every one of them is closed ------------------------------ */

START_TEST(descriptors_are_counted) {
	struct wire_rig rig;
	int fds[FD_MESSAGE_MAX];
	wire_init(&rig);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = rig.front;
	}
	size_t len = (size_t)_i;
	send_part(&rig, 0, MESSAGE_BYTES, fds, len);
	if (len > VHOST_FDS_MAX) {
		ck_assert_int_eq(read_request(&rig), -EBADMSG);
	} else {
		expect_number_message(&rig);
		ck_assert_uint_eq(rig.receiver.message.fds_len, len);
		int taken = vhost_message_take_fd(&rig.receiver.message, 0);
		ck_assert(len == 0 ? taken == -1 : taken >= 0);
		fd_close(&taken);
		ck_assert_int_eq(vhost_message_take_fd(&rig.receiver.message, len), -1);
	}
	wire_finish(&rig);
}
END_TEST

/* More than any message of ours can carry: the kernel cuts the list. */
START_TEST(very_many_descriptors_are_closed) {
	struct wire_rig rig;
	wire_init(&rig);
	int fds[253];
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = rig.front;
	}
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(fds))];
	} control;
	struct iovec part = { .iov_base = (void *)(uintptr_t)&number_message,
		.iov_len = MESSAGE_BYTES };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	memset(&control, 0, sizeof(control));
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(header), fds, sizeof(fds));
	ck_assert_int_eq(sendmsg(rig.front, &message, 0), MESSAGE_BYTES);
	ck_assert_int_eq(read_request(&rig), -EBADMSG);
	wire_finish(&rig);
}
END_TEST

START_TEST(descriptors_come_with_the_first_byte_only) {
	struct wire_rig rig;
	wire_init(&rig);
	size_t cut = (size_t)_i;
	send_part(&rig, 0, cut, NULL, 0);
	ck_assert_int_eq(read_request(&rig), 0);
	send_part(&rig, cut, MESSAGE_BYTES, &rig.front, 1);
	ck_assert_int_eq(read_request(&rig), -EBADMSG);
	wire_finish(&rig);
}
END_TEST

START_TEST(untaken_descriptors_go_with_the_message) {
	struct wire_rig rig;
	wire_init(&rig);
	const int fds[] = { rig.front, rig.front };
	send_part(&rig, 0, MESSAGE_BYTES, fds, 2);
	send_part(&rig, 0, MESSAGE_BYTES, NULL, 0);
	expect_number_message(&rig);
	ck_assert_uint_eq(rig.receiver.message.fds_len, 2);
	int first = rig.receiver.message.fds[0];
	expect_number_message(&rig);
	ck_assert_uint_eq(rig.receiver.message.fds_len, 0);
	ck_assert_int_eq(fcntl(first, F_GETFD), -1);
	wire_finish(&rig);
}
END_TEST

/* --- sending ------------------------------------------------------------------------------------------ */

START_TEST(sender_waits_for_room) {
	struct wire_rig rig;
	struct vhost_sender sender = { 0 };
	uint8_t payload[VHOST_PAYLOAD_BYTES_MAX];
	wire_init(&rig);
	memset(payload, 0x77, sizeof(payload));
	unsigned queued = 0;
	for (; !vhost_sender_is_busy(&sender); queued++) {
		vhost_sender_queue(&sender, 9, VHOST_FLAG_REPLY, payload, sizeof(payload));
		ck_assert_int_eq(vhost_sender_flush(&sender, rig.back), 0);
	}
	for (unsigned got = 0; got < queued;) {
		int status = vhost_receiver_read(&rig.receiver, rig.front, true);
		ck_assert_int_ge(status, 0);
		got += status == 1 ? 1 : 0;
		ck_assert_int_eq(vhost_sender_flush(&sender, rig.back), 0);
	}
	ck_assert(!vhost_sender_is_busy(&sender));
	ck_assert_mem_eq(rig.receiver.message.payload, payload, sizeof(payload));
	fd_close(&rig.front);
	vhost_sender_queue(&sender, 9, 0, NULL, 0);
	ck_assert_int_eq(vhost_sender_flush(&sender, rig.back), -EPIPE);
	wire_finish(&rig);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("protocol vhost_message");
	TCase *receive = suite_case(suite, "receive");
	tcase_add_test(receive, message_comes_whole);
	tcase_add_test(receive, message_comes_byte_by_byte);
	tcase_add_loop_test(receive, message_is_cut_by_a_hangup, 0, MESSAGE_BYTES);
	tcase_add_loop_test(receive, header_is_taken_or_refused, 0, ARRAY_LEN(headers));
	tcase_add_test(receive, longest_message_comes);
	TCase *fds = suite_case(suite, "descriptors");
	tcase_add_loop_test(fds, descriptors_are_counted, 0, FD_MESSAGE_MAX + 1);
	tcase_add_test(fds, very_many_descriptors_are_closed);
	tcase_add_loop_test(fds, descriptors_come_with_the_first_byte_only, 1, MESSAGE_BYTES);
	tcase_add_test(fds, untaken_descriptors_go_with_the_message);
	tcase_add_test(suite_case(suite, "send"), sender_waits_for_room);
	return suite;
}
