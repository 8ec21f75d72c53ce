#include "compositor/clients.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/macros.h"
#include "tests/compositor/pair.h"
#include "tests/suite.h"

#define ROUNDS_MAX 100000 /* far more than anything here takes */

static struct rig rig;
static struct clients clients;
static int keeper; /* its end */

static void make(void) {
	struct config config;
	int pair[2];
	pair_config(&config);
	rig_init(&rig, &config, NULL);
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	keeper = pair[0];
	ck_assert_int_eq(clients_init(&clients, rig.compositor, rig.loop, pair[1]), 0);
}

static void unmake(void) {
	clients_finish(&clients);
	fd_close(&clients.keeper);
	fd_close(&keeper);
	rig_finish(&rig);
}

static void settle(void) {
	for (int i = 0; i < ROUNDS_MAX; i++) {
		if (loop_dispatch(rig.loop, 0) == 0) {
			return;
		}
	}
	ck_abort_msg("the loop never comes to rest");
}

static void grant(uint32_t type, uint32_t index, size_t fds_len, int fd) {
	struct control_packet packet = {
		.message = { .type = type, .index = index },
		.fds_len = fds_len,
	};
	for (size_t i = 0; i < fds_len; i++) {
		packet.fds[i] = fd;
	}
	ck_assert_int_eq(control_send(keeper, &packet), 0);
	settle();
}

/* A client's end of a socket that the compositor was granted. */
static int connect_client(void) {
	int pair[2];
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	grant(CONTROL_CLIENT, 0, 1, pair[1]);
	fd_close(&pair[1]);
	return pair[0];
}

static size_t clients_len(void) {
	size_t len = 0;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		ck_assert((clients.items[i].socket >= 0) == (clients.items[i].source != NULL));
		len += clients.items[i].socket >= 0;
	}
	return len;
}

static int send_command(int client, const char *layer, enum control_layer command, int64_t value) {
	struct control_packet packet = {
		.message = { .type = CONTROL_LAYER, .arg = { command, value } },
	};
	strncpy(packet.message.name, layer, sizeof(packet.message.name) - 1);
	return control_send(client, &packet);
}

/* The END that is there; its errno. */
static int64_t take_end(int client, struct control_packet *reply) {
	ck_assert_int_eq(control_receive(client, reply), 1);
	ck_assert_uint_eq(reply->fds_len, 0);
	ck_assert_uint_eq(reply->message.type, CONTROL_END);
	return reply->message.arg[0];
}

static int64_t command(int client, const char *layer, enum control_layer what, int64_t value) {
	struct control_packet reply;
	ck_assert_int_eq(send_command(client, layer, what, value), 0);
	settle();
	return take_end(client, &reply);
}

static void expect_served(int client) {
	ck_assert_int_eq(command(client, "ivi", CONTROL_LAYER_Z, 1), 0);
}

START_TEST(an_analysis_is_some_lines_and_an_end) {
	make();
	int client = connect_client();
	struct control_packet reply, packet = { .message = { .type = CONTROL_ANALYZE } };
	strcpy(packet.message.name, "ivi");
	ck_assert_int_eq(control_send(client, &packet), 0);
	settle();
	unsigned lines = 0;
	while (control_receive(client, &reply) == 1 && reply.message.type == CONTROL_ANALYZE) {
		ck_assert_str_eq(reply.message.name, "ivi");
		ck_assert_uint_gt(strlen(reply.message.text), 0);
		lines++;
	}
	ck_assert_uint_ge(lines, 3);
	ck_assert_uint_eq(reply.message.type, CONTROL_END);
	ck_assert_int_eq(reply.message.arg[0], 0);
	expect_served(client);
	fd_close(&client);
	unmake();
}
END_TEST

/* The compositor has closed its end. */
static void expect_closed(int client) {
	char byte;
	ck_assert_int_le(recv(client, &byte, 1, MSG_DONTWAIT | MSG_PEEK), 0);
	ck_assert_int_ne(errno, EAGAIN);
}

static const struct {
	const char *name, *layer;
	uint32_t type;
	int64_t arg[2];
	int result;
	const char *says;
} requests[] = {
	{ "fine", "ivi", CONTROL_LAYER, { CONTROL_LAYER_Z, 7 }, 0, "" },
	{ "no such layer", "radio", CONTROL_LAYER, { CONTROL_LAYER_Z, 7 }, ENOENT, "'radio'" },
	{ "value", "ivi", CONTROL_LAYER, { CONTROL_LAYER_OPACITY, 256 }, EINVAL, "layer ivi:" },
	{ "command", "ivi", CONTROL_LAYER, { 99, 0 }, EINVAL, "layer ivi:" },
	{ "an analysis of nothing", "radio", CONTROL_ANALYZE, { 0 }, ENOENT, "'radio'" },
	{ "the keeper's business", "", CONTROL_GET_STATS, { 0 }, ENOTSUP, "not a command" },
	{ "a grant", "", CONTROL_PEER, { 0 }, ENOTSUP, "not a command" },
};

START_TEST(every_request_is_answered) {
	make();
	int client = connect_client();
	struct control_packet reply, packet = {
		.message = {
			.type = requests[_i].type,
			.arg = { requests[_i].arg[0], requests[_i].arg[1] },
		},
		/* nobody asked for one: it must be closed */
		.fds = { STDERR_FILENO },
		.fds_len = 1,
	};
	strncpy(packet.message.name, requests[_i].layer, sizeof(packet.message.name) - 1);
	ck_assert_int_eq(control_send(client, &packet), 0);
	settle();
	ck_assert_msg(take_end(client, &reply) == requests[_i].result, "%s", requests[_i].name);
	ck_assert_str_eq(reply.message.name, requests[_i].layer);
	ck_assert_msg(strstr(reply.message.text, requests[_i].says) != NULL, "%s: %s",
		requests[_i].name, reply.message.text);
	ck_assert_uint_eq(clients_len(), 1);
	expect_served(client);
	fd_close(&client);
	unmake();
}
END_TEST

START_TEST(a_command_shows) {
	make();
	int client = connect_client();
	pair_draw(&rig);
	ck_assert_int_eq(command(client, "ivi", CONTROL_LAYER_VISIBLE, 0), 0);
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, PAIR_WIDTH - 1, 0), PAIR_BACKGROUND);
	ck_assert_int_eq(command(client, "ivi", CONTROL_LAYER_VISIBLE, 1), 0);
	rig_step(&rig, 1);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, PAIR_WIDTH - 1, 0), PAIR_IVI);
	fd_close(&client);
	unmake();
}
END_TEST

START_TEST(one_message_a_wake_up) {
	make();
	int client = connect_client();
	struct control_packet reply;
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(send_command(client, "ivi", CONTROL_LAYER_Z, i), 0);
	}
	ck_assert_int_eq(loop_dispatch(rig.loop, 0), 1);
	ck_assert_int_eq(take_end(client, &reply), 0);
	ck_assert_int_eq(control_receive(client, &reply), -EAGAIN);
	settle();
	ck_assert_int_eq(take_end(client, &reply), 0);
	ck_assert_int_eq(take_end(client, &reply), 0);
	ck_assert_int_eq(control_receive(client, &reply), -EAGAIN);
	fd_close(&client);
	unmake();
}
END_TEST

START_TEST(one_too_many_is_told) {
	make();
	int ends[CLIENTS_MAX];
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		ends[i] = connect_client();
	}
	int late = connect_client();
	struct control_packet reply;
	ck_assert_int_eq(take_end(late, &reply), EBUSY);
	ck_assert_ptr_nonnull(strstr(reply.message.text, "4 clients"));
	expect_closed(late);
	fd_close(&late);
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		expect_served(ends[i]);
	}
	/* the place of one that left */
	fd_close(&ends[2]);
	settle();
	ck_assert_uint_eq(clients_len(), CLIENTS_MAX - 1);
	ends[2] = connect_client();
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		expect_served(ends[i]);
		fd_close(&ends[i]);
	}
	unmake();
}
END_TEST

static const struct {
	const char *name;
	size_t bytes; /* of a message; 0: it hangs up */
	uint32_t type;
} ends_of_clients[] = {
	{ "hangs up", 0, 0 },
	{ "a byte", 1, CONTROL_LAYER },
	{ "cut short", sizeof(struct control_message) - 1, CONTROL_LAYER },
	{ "too long", sizeof(struct control_message) + 1, CONTROL_LAYER },
	{ "no type", sizeof(struct control_message), CONTROL_TYPES },
};

START_TEST(a_bad_client_goes_alone) {
	make();
	int bad = connect_client();
	int good = connect_client();
	ck_assert_uint_eq(clients_len(), 2);
	if (ends_of_clients[_i].bytes == 0) {
		fd_close(&bad);
		settle();
	} else {
		struct {
			struct control_message message;
			char more;
		} sent = { .message = { .type = ends_of_clients[_i].type } };
		ck_assert_int_gt(send(bad, &sent, ends_of_clients[_i].bytes, MSG_NOSIGNAL), 0);
		settle();
		expect_closed(bad);
	}
	ck_assert_msg(clients_len() == 1, "%s", ends_of_clients[_i].name);
	expect_served(good);
	fd_close(&bad);
	fd_close(&good);
	unmake();
}
END_TEST

START_TEST(who_does_not_read_is_not_waited_for) {
	make();
	int deaf = connect_client();
	int good = connect_client();
	int sent = 0;
	while (clients_len() == 2) {
		ck_assert_int_lt(sent++, ROUNDS_MAX);
		ck_assert_int_eq(send_command(deaf, "ivi", CONTROL_LAYER_Z, 1), 0);
		settle();
	}
	ck_assert_int_gt(sent, 1);
	expect_served(good);
	fd_close(&deaf);
	fd_close(&good);
	unmake();
}
END_TEST

static const struct {
	const char *name;
	uint32_t type, index;
	size_t fds_len;
} bad_grants[] = {
	{ "a client without a socket", CONTROL_CLIENT, 0, 0 },
	{ "a client with two", CONTROL_CLIENT, 0, 2 },
	{ "a process of no guest", CONTROL_PEER, 2, 1 },
	{ "a process of no guest at all", CONTROL_PEER, UINT32_MAX, 1 },
	{ "no process", CONTROL_PEER, 0, 0 },
	{ "too late", CONTROL_OUTPUT, 0, 2 },
	{ "started already", CONTROL_START, 0, 0 },
	{ "a client's request", CONTROL_LAYER, 0, 1 },
};

START_TEST(a_bad_grant_is_dropped) {
	make();
	/* what comes with it is closed: the suite counts */
	grant(bad_grants[_i].type, bad_grants[_i].index, bad_grants[_i].fds_len, STDERR_FILENO);
	ck_assert_msg(clients_len() == 0, "%s", bad_grants[_i].name);
	int client = connect_client();
	expect_served(client);
	fd_close(&client);
	unmake();
}
END_TEST

START_TEST(the_death_of_a_granted_process_is_noticed) {
	make();
	pair_draw(&rig);
	pair_expect(&rig, "layer.cluster", LAYER_LIVE);
	/* stands for a pidfd: readable once the process died */
	int process = fd_eventfd_create(false);
	grant(CONTROL_PEER, 0, 1, process);
	rig_step(&rig, 1);
	pair_expect(&rig, "layer.cluster", LAYER_LIVE);
	ck_assert_int_eq(eventfd_write(process, 1), 0);
	settle();
	rig_step(&rig, 1);
	ck_assert_uint_ne(rig_value(&rig, "layer.cluster.state"), LAYER_LIVE);
	pair_expect(&rig, "layer.ivi", LAYER_LIVE);
	fd_close(&process);
	unmake();
}
END_TEST

START_TEST(clients_outlive_the_keeper) {
	make();
	int client = connect_client();
	fd_close(&keeper);
	settle();
	ck_assert_ptr_null(clients.keeper_source);
	expect_served(client);
	clients_finish(&clients);
	ck_assert_uint_eq(clients_len(), 0);
	expect_closed(client);
	fd_close(&client);
	unmake();
}
END_TEST

static int spare[LOOP_SOURCES_MAX];
static struct loop_source *spare_sources[LOOP_SOURCES_MAX];

static void handle_nothing(void *data, uint32_t events) {
}

/* Leaves the loop no room for one more source. How many that took. */
static size_t fill_loop(void) {
	for (size_t i = 0; i < LOOP_SOURCES_MAX; i++) {
		spare[i] = fd_eventfd_create(false);
		spare_sources[i] = loop_add(rig.loop, spare[i], EPOLLIN, handle_nothing, NULL);
		if (spare_sources[i] == NULL) {
			fd_close(&spare[i]);
			return i;
		}
	}
	ck_abort_msg("the loop is never full");
}

START_TEST(a_full_loop_refuses) {
	make();
	size_t len = fill_loop();
	struct control_packet reply;
	int client = connect_client();
	ck_assert_int_eq(take_end(client, &reply), EBUSY);
	expect_closed(client);
	fd_close(&client);
	ck_assert_uint_eq(clients_len(), 0);

	struct clients others;
	ck_assert_int_lt(clients_init(&others, rig.compositor, rig.loop, STDERR_FILENO), 0);
	clients_finish(&others);

	loop_remove(&spare_sources[0]);
	client = connect_client();
	expect_served(client);
	fd_close(&client);
	for (size_t i = 0; i < len; i++) {
		loop_remove(&spare_sources[i]);
		fd_close(&spare[i]);
	}
	unmake();
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor clients");
	TCase *served = suite_case(suite, "served");
	tcase_add_loop_test(served, every_request_is_answered, 0, ARRAY_LEN(requests));
	tcase_add_test(served, an_analysis_is_some_lines_and_an_end);
	tcase_add_test(served, a_command_shows);
	tcase_add_test(served, one_message_a_wake_up);
	tcase_add_test(served, one_too_many_is_told);
	tcase_add_loop_test(served, a_bad_client_goes_alone, 0, ARRAY_LEN(ends_of_clients));
	tcase_add_test(served, who_does_not_read_is_not_waited_for);
	tcase_add_test(served, a_full_loop_refuses);
	TCase *granted = suite_case(suite, "granted");
	tcase_add_loop_test(granted, a_bad_grant_is_dropped, 0, ARRAY_LEN(bad_grants));
	tcase_add_test(granted, the_death_of_a_granted_process_is_noticed);
	tcase_add_test(granted, clients_outlive_the_keeper);
	return suite;
}
