#include "protocol/vhost_listener.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/fd.h"
#include "tests/suite.h"

static char dir[] = "/tmp/fascia-listener-XXXXXX";
static char path[64];
static struct loop *loop;
static struct vhost_listener listener;
static int connection; /* what the handler was given last */
static unsigned connections;

static void handle_connection(void *data, int socket) {
	ck_assert_ptr_eq(data, &connections);
	connection = socket;
	connections++;
}

static void setup(void) {
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/socket", dir);
	loop = loop_create();
	ck_assert_ptr_nonnull(loop);
	listener = VHOST_LISTENER_NONE;
	connection = -1;
	connections = 0;
}

static void teardown(void) {
	vhost_listener_finish(&listener);
	loop_destroy(loop);
	fd_close(&connection);
	unlink(path);
	rmdir(dir);
}

static void start(void) {
	ck_assert_int_eq(vhost_listener_start(&listener, loop, handle_connection, &connections), 0);
}

/* Both ends are of the same connection. */
static void expect_joined(int vmm) {
	char byte = 0;
	ck_assert_int_eq(send(vmm, "x", 1, 0), 1);
	ck_assert_int_eq(recv(connection, &byte, 1, 0), 1);
	ck_assert_int_eq(byte, 'x');
}

static void serve_first_of_two(void) {
	start();
	ck_assert_int_eq(loop_dispatch(loop, 0), 0);
	int first = fd_connect_unix(path, SOCK_STREAM);
	int second = fd_connect_unix(path, SOCK_STREAM);
	ck_assert_int_ge(first, 0);
	ck_assert_int_ge(second, 0);
	ck_assert_int_eq(loop_dispatch(loop, 0), 1);
	ck_assert_int_eq(loop_dispatch(loop, 0), 0);
	ck_assert_uint_eq(connections, 1);
	expect_joined(first);
	ck_assert_int_eq(listener.socket, -1);
	fd_close(&first);
	fd_close(&second);
}

START_TEST(listens_at_a_path) {
	ck_assert_int_eq(vhost_listener_open(&listener, path, -1), 0);
	serve_first_of_two();
}
END_TEST

START_TEST(takes_a_listening_socket) {
	ck_assert_int_eq(
		vhost_listener_open(&listener, NULL, fd_listen_unix(path, SOCK_STREAM)), 0);
	serve_first_of_two();
}
END_TEST

START_TEST(takes_a_connected_socket) {
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(vhost_listener_open(&listener, NULL, pair[0]), 0);
	start();
	ck_assert_uint_eq(connections, 1);
	expect_joined(pair[1]);
	fd_close(&pair[1]);
}
END_TEST

START_TEST(a_client_that_is_gone_again_is_no_connection) {
	ck_assert_int_eq(vhost_listener_open(&listener, path, -1), 0);
	start();
	int vmm = fd_connect_unix(path, SOCK_STREAM);
	int taken = fd_accept(listener.socket); /* by a predecessor */
	ck_assert_int_ge(taken, 0);
	loop_dispatch(loop, 0);
	ck_assert_uint_eq(connections, 0);
	ck_assert_int_ge(listener.socket, 0);
	fd_close(&taken);
	fd_close(&vmm);
}
END_TEST

START_TEST(what_is_no_socket_is_refused) {
	ck_assert_int_eq(vhost_listener_open(&listener, NULL, fd_eventfd_create(false)), -ENOTSOCK);
}
END_TEST

START_TEST(a_path_that_is_used_is_refused) {
	int other = fd_listen_unix(path, SOCK_STREAM);
	ck_assert_int_eq(vhost_listener_open(&listener, path, -1), -EADDRINUSE);
	fd_close(&other);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("protocol vhost_listener");
	TCase *tcase = suite_case(suite, "listener");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, listens_at_a_path);
	tcase_add_test(tcase, takes_a_listening_socket);
	tcase_add_test(tcase, takes_a_connected_socket);
	tcase_add_test(tcase, a_client_that_is_gone_again_is_no_connection);
	tcase_add_test(tcase, what_is_no_socket_is_refused);
	tcase_add_test(tcase, a_path_that_is_used_is_refused);
	return suite;
}
