/*
 * The keeper alone: every program it starts is a stand-in that checks what it is granted and can be
 * told to end well (SIGUSR1), badly (SIGUSR2), or not at all (SIGHUP).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/control.h"
#include "core/fd.h"
#include "tests/flow/service.h"
#include "tests/suite.h"
#include "tests/support/process.h"

static const char yaml[] = "outputs: [{name: o, mode: 64x48@step}]\n"
			   "guests: [{name: a}, {name: b, sound: {enabled: false}}]\n"
			   "layers: [{name: a}, {name: b}]\n"
			   "sound: {sink: memory}\n";

static const char *const programs[] = { "fascia-compositor", "fascia-mixer", "fascia-gpu",
	"fascia-sound" };

static char libexec[] = "/tmp/fascia-fakes-XXXXXX";

static void program_path(const char *name, char path[128]) {
	snprintf(path, 128, "%s/%s", libexec, name);
}

static void make_fakes(void) {
	ck_assert_ptr_nonnull(mkdtemp(libexec));
	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		char path[128];
		program_path(programs[i], path);
		ck_assert_int_eq(symlink(FAKE_CHILD, path), 0);
	}
}

static void remove_fakes(void) {
	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		char path[128];
		program_path(programs[i], path);
		unlink(path);
	}
	rmdir(libexec);
}

/* ---- what each is granted ---- */

static const struct grant_row {
	const char *process;
	const char *name;
	uint64_t count;
} grant_rows[] = {
	{ "compositor", "got.atlas", 1 },
	{ "compositor", "got.output", 1 },
	{ "compositor", "got.frame_link", 2 },
	{ "compositor", "got.peer", 2 },
	{ "compositor", "got.start", 1 },
	{ "mixer", "got.sink", 1 },
	{ "mixer", "got.sample_link", 1 },
	{ "mixer", "got.peer", 1 },
	{ "mixer", "got.start", 1 },
	{ "gpu-a", "got.listener", 1 },
	{ "gpu-a", "got.frame_link", 1 },
	{ "gpu-a", "got.peer", 1 },
	{ "gpu-a", "got.start", 1 },
	{ "gpu-b", "got.frame_link", 1 },
	{ "sound-a", "got.listener", 1 },
	{ "sound-a", "got.sample_link", 1 },
	{ "sound-a", "got.peer", 1 },
	{ "sound-a", "got.start", 1 },
};

START_TEST(everyone_gets_what_it_needs) {
	struct service service;
	service_start(&service, yaml, libexec);
	for (size_t i = 0; i < ARRAY_LEN(grant_rows); i++) {
		const struct grant_row *row = &grant_rows[i];
		service_wait_is(&service, row->process, row->name, row->count);
	}
	/* b has no sound: keeper, compositor, mixer, two gpus, one sound */
	ck_assert_uint_eq(service.pages_len, 6);
	ck_assert_uint_le(service_private_bytes(service_pid(&service, "keeper")), 4u << 20);
	service_stop(&service);
}
END_TEST

/* With all there is for safety: the buzzer must be there before, everything else is made. */
static const char safe_yaml[] =
	"outputs: [{name: o, mode: 64x48@step, fallback: false}]\n"
	"guests: [{name: a, channel: {}}, {name: b, sound: {enabled: false}}]\n"
	"layers: [{name: a}, {name: b}]\n"
	"sound: {sink: memory}\n"
	"safety: {signals: true, buzzer: /dev/null, watchdog: {kind: file, path: dog}}\n";

static const struct grant_row safety_rows[] = {
	{ "compositor", "got.safety", 1 },
	{ "compositor", "got.signals", 1 },
	{ "compositor", "got.cues", 1 },
	{ "compositor", "got.buzzer", 1 },
	{ "compositor", "got.watchdog", 1 },
	{ "compositor", "got.start", 1 },
	{ "mixer", "got.cues", 1 },
	{ "mixer", "got.chimes", 1 },
	{ "gpu-a", "got.channel", 1 },
	{ "gpu-b", "got.start", 1 },
};

START_TEST(everyone_gets_what_safety_needs) {
	struct service service;
	char path[128];
	struct stat stat;
	service_start(&service, safe_yaml, libexec);
	for (size_t i = 0; i < ARRAY_LEN(safety_rows); i++) {
		const struct grant_row *row = &safety_rows[i];
		service_wait_is(&service, row->process, row->name, row->count);
	}
	snprintf(path, sizeof(path), "%s/signals", service.runtime);
	ck_assert_int_eq(lstat(path, &stat), 0);
	ck_assert_uint_eq(stat.st_mode, S_IFSOCK | S_IRUSR | S_IWUSR);
	/* a successor gets the same again */
	ck_assert_int_eq(kill(service_pid(&service, "compositor"), SIGKILL), 0);
	service_wait_starts(&service, "compositor", 2);
	for (size_t i = 0; i < ARRAY_LEN(safety_rows); i++) {
		const struct grant_row *row = &safety_rows[i];
		service_wait_is(&service, row->process, row->name, row->count);
	}
	service_stop(&service); /* and no socket is left */
}
END_TEST

/* Without the key, nobody is told of it. */
START_TEST(no_safety_no_grants) {
	struct service service;
	uint64_t value;
	service_start(&service, yaml, libexec);
	service_wait_is(
		&service, "compositor", "got.safety", 1); /* the fault log is always there */
	service_wait_is(&service, "compositor", "got.start", 1);
	service_wait_is(&service, "mixer", "got.start", 1);
	static const char *const names[] = { "got.signals", "got.cues", "got.watchdog",
		"got.buzzer", "got.chimes", "got.channel" };
	for (unsigned page = 0; page < service.pages_len; page++) {
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			ck_assert_msg(!stats_read_value(service.pages[page], names[i], &value),
				"%s", names[i]);
		}
	}
	service_stop(&service);
}
END_TEST

START_TEST(a_missing_watchdog_is_no_start) {
	char log[8192];
	int status = service_start_bad("guests: [{name: a}]\n"
				       "safety: {watchdog: {kind: device, path: /nowhere/dog}}\n",
		libexec, log, sizeof(log));
	ck_assert_int_eq(status, 1);
	ck_assert_msg(strstr(log, "watchdog: /nowhere/dog: No such file or directory") != NULL,
		"%s", log);
}
END_TEST

/* ---- deaths ---- */

static const struct death_row {
	const char *process;
	int signal;
	uint64_t crashes;
	const char *peer; /* who must hear of the new process */
} death_rows[] = {
	{ "gpu-a", SIGUSR1, 0, "compositor" },
	{ "gpu-a", SIGUSR2, 1, "compositor" },
	{ "gpu-a", SIGKILL, 1, "compositor" },
	{ "sound-a", SIGUSR1, 0, "mixer" },
	{ "sound-a", SIGSEGV, 1, "mixer" },
	{ "mixer", SIGUSR1, 1, "sound-a" },
	{ "mixer", SIGKILL, 1, "sound-a" },
	{ "compositor", SIGUSR1, 1, "gpu-b" },
	{ "compositor", SIGKILL, 1, "gpu-b" },
};

START_TEST(what_dies_is_replaced) {
	const struct death_row *row = &death_rows[_i];
	struct service service;
	char crashes[64];
	service_start(&service, yaml, libexec);
	snprintf(crashes, sizeof(crashes), "process.%s.crashes", row->process);
	/* its consumer, or each of its producers */
	service_wait_at_least(&service, row->peer, "got.peer", 1);
	if (strcmp(row->peer, "compositor") == 0) {
		service_wait_is(&service, row->peer, "got.peer", 2);
	}
	uint64_t peers = service_value(&service, row->peer, "got.peer");
	pid_t before = service_pid(&service, row->process);
	/* a page outlives its process */
	service_wait_is(&service, row->process, "got.start", 1);

	ck_assert_int_eq(kill(before, row->signal), 0);
	service_wait_starts(&service, row->process, 2);
	ck_assert_int_ne(service_pid(&service, row->process), before);
	service_wait_at_least(&service, row->peer, "got.peer", peers + 1);
	ck_assert_uint_eq(service_value(&service, "keeper", crashes), row->crashes);
	service_stop(&service);
}
END_TEST

START_TEST(many_deaths_leave_nothing) {
	struct service service;
	service_start(&service, yaml, libexec);
	pid_t keeper = service_pid(&service, "keeper");
	struct service_holdings before = service_holdings(keeper);
	for (unsigned round = 1; round <= 20; round++) {
		ck_assert_int_eq(kill(service_pid(&service, "gpu-a"), SIGUSR1), 0);
		service_wait_starts(&service, "gpu-a", 1 + round);
	}
	struct service_holdings after = service_holdings(keeper);
	ck_assert_uint_eq(after.fds, before.fds);
	ck_assert_uint_eq(after.maps, before.maps);
	service_stop(&service);
}
END_TEST

START_TEST(who_does_not_end_is_killed) {
	struct service service;
	service_start(&service, yaml, libexec);
	pid_t stubborn = service_pid(&service, "mixer");
	ck_assert_int_eq(kill(stubborn, SIGHUP), 0);
	service_wait_is(&service, "mixer", "stubborn", 1);
	ck_assert(process_stop(service_pid(&service, "gpu-a")));
	service_stop(&service);
	ck_assert_int_eq(kill(stubborn, 0), -1);
	ck_assert_int_eq(errno, ESRCH);
}
END_TEST

/* ---- services that do not come up ---- */

static void replace_program(const char *name, const char *target) {
	char path[128];
	program_path(name, path);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink(target, path), 0);
}

START_TEST(a_program_that_fails) {
	char log[16384];
	replace_program("fascia-mixer", "/bin/false");
	ck_assert_int_eq(service_start_bad(yaml, libexec, log, sizeof(log)), 1);
	ck_assert_msg(
		strstr(log, "fascia run: mixer does not start (tried 3 times)") != NULL, "%s", log);
}
END_TEST

START_TEST(a_socket_that_is_taken) {
	char log[16384], path[] = "/tmp/fascia-taken-XXXXXX", text[512];
	ck_assert_ptr_nonnull(mkdtemp(path));
	char socket_path[64];
	snprintf(socket_path, sizeof(socket_path), "%s/s", path);
	int listener = fd_listen_unix(socket_path, SOCK_STREAM);
	ck_assert_int_ge(listener, 0);
	snprintf(text, sizeof(text), "guests:\n  - name: a\n    gpu: {socket: %s}\n", socket_path);
	ck_assert_int_eq(service_start_bad(text, libexec, log, sizeof(log)), 1);
	ck_assert_msg(strstr(log, "somebody else listens there") != NULL, "%s", log);
	fd_close(&listener);
	unlink(socket_path);
	rmdir(path);
}
END_TEST

START_TEST(a_bad_configuration) {
	char log[4096];
	ck_assert_int_eq(service_start_bad("outputs: 3\n", libexec, log, sizeof(log)), 1);
	ck_assert_ptr_nonnull(strstr(log, "fascia.yaml:1: outputs: expected a list"));
}
END_TEST

/* ---- clients ---- */

static int connect_client(const struct service *service) {
	char path[128];
	snprintf(path, sizeof(path), "%s/keeper", service->runtime);
	int socket = fd_connect_unix(path, SOCK_SEQPACKET);
	ck_assert_int_ge(socket, 0);
	return socket;
}

/* 1: a packet, 0: hung up. */
static int receive(int socket, struct control_packet *packet) {
	/* a reset comes before what was said at the end */
	int rc = control_receive_wait(socket, packet, SERVICE_WAIT_MS);
	if (rc == -ECONNRESET) {
		rc = control_receive_wait(socket, packet, SERVICE_WAIT_MS);
	}
	return rc == -ECONNRESET ? 0 : rc;
}

/* Memory that a client is given cannot be written, nor made writable. */
START_TEST(clients_can_only_read) {
	static const struct {
		enum control_type type;
		unsigned replies;
	} rows[] = {
		{ CONTROL_GET_STATS, 6 },
		{ CONTROL_GET_OUTPUT, 1 },
		{ CONTROL_GET_SINK, 1 },
		{ CONTROL_GET_CONFIG, 1 },
	};
	struct service service;
	service_start(&service, yaml, libexec);
	int client = connect_client(&service);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct control_packet request = { .message = { .type = rows[i].type } };
		struct control_packet packet;
		unsigned replies = 0;
		ck_assert_int_eq(control_send(client, &request), 0);
		while (receive(client, &packet) == 1 && packet.message.type != CONTROL_END) {
			ck_assert_uint_ge(packet.fds_len, 1);
			void *memory = mmap(
				NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, packet.fds[0], 0);
			ck_assert_ptr_eq(memory, MAP_FAILED);
			memory = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, packet.fds[0], 0);
			ck_assert_ptr_ne(memory, MAP_FAILED);
			munmap(memory, 4096);
			control_close_fds(&packet);
			replies++;
		}
		ck_assert_uint_eq(packet.message.type, CONTROL_END);
		ck_assert_int_eq(packet.message.arg[0], 0);
		ck_assert_uint_eq(replies, rows[i].replies);
	}
	fd_close(&client);
	service_stop(&service);
}
END_TEST

static const struct refused_row {
	const char *what;
	uint32_t type;
	const char *name;
	int error; /* of END; 0: hung up on */
} refused_rows[] = {
	{ "no such output", CONTROL_GET_OUTPUT, "left", ENOENT },
	{ "no such process", CONTROL_GET_CLIENT, "mixer", ENOENT },
	{ "a message of others", CONTROL_LAYER, "a", 0 },
	{ "a child's message", CONTROL_READY, "", 0 },
	{ "a grant", CONTROL_START, "", 0 },
	{ "no message", CONTROL_NONE, "", 0 },
	{ "a number past all", 4000, "", 0 },
};

START_TEST(refused_requests) {
	struct service service;
	service_start(&service, yaml, libexec);
	for (size_t i = 0; i < ARRAY_LEN(refused_rows); i++) {
		const struct refused_row *row = &refused_rows[i];
		struct control_message message = { .type = row->type };
		struct control_packet packet;
		snprintf(message.name, sizeof(message.name), "%s", row->name);
		int client = connect_client(&service);
		ck_assert_int_eq(
			fd_send(client, &message, sizeof(message), NULL, 0), sizeof(message));
		int rc = receive(client, &packet);
		ck_assert_msg(rc == (row->error != 0), "%s: %d", row->what, rc);
		if (row->error != 0) {
			ck_assert_int_eq(packet.message.arg[0], row->error);
			ck_assert_uint_gt(strlen(packet.message.text), 0);
		}
		fd_close(&client);
	}
	/* of any other size, and with descriptors nobody asked for */
	int client = connect_client(&service);
	struct control_packet packet;
	ck_assert_int_eq(fd_send(client, "x", 1, NULL, 0), 1);
	ck_assert_int_eq(receive(client, &packet), 0);
	fd_close(&client);
	client = connect_client(&service);
	const struct control_packet gift = {
		.message = { .type = CONTROL_GET_STATS },
		.fds = { STDIN_FILENO },
		.fds_len = 1,
	};
	ck_assert_int_eq(control_send(client, &gift), 0);
	ck_assert_int_eq(receive(client, &packet), 0);
	fd_close(&client);
	/* others are still served */
	char output[8192];
	ck_assert_int_eq(service_command(&service, output, sizeof(output), "status", NULL), 0);
	service_stop(&service);
}
END_TEST

START_TEST(too_many_clients) {
	struct service service;
	int clients[40];
	unsigned refused = 0;
	service_start(&service, yaml, libexec);
	pid_t keeper = service_pid(&service, "keeper");
	unsigned fds = service_holdings(keeper).fds;
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		clients[i] = connect_client(&service);
		const struct control_packet request = { .message = { .type = CONTROL_GET_CONFIG } };
		struct control_packet packet;
		(void)control_send(clients[i], &request);
		ck_assert_int_eq(receive(clients[i], &packet), 1);
		refused += packet.message.type == CONTROL_END && packet.message.arg[0] == EBUSY;
		control_close_fds(&packet);
	}
	/* the harness' own connection takes one of 16 places */
	ck_assert_uint_eq(refused, 40 - 15);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		fd_close(&clients[i]);
	}
	/* it hears of them in its own time */
	while (service_holdings(keeper).fds != fds) {
		usleep(1000);
	}
	char output[8192];
	ck_assert_int_eq(service_command(&service, output, sizeof(output), "status", NULL), 0);
	service_stop(&service);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("flow keeper");
	TCase *tcase = suite_case(suite, "keeper");
	tcase_add_checked_fixture(tcase, make_fakes, remove_fakes);
	tcase_add_test(tcase, everyone_gets_what_it_needs);
	tcase_add_test(tcase, everyone_gets_what_safety_needs);
	tcase_add_test(tcase, no_safety_no_grants);
	tcase_add_test(tcase, a_missing_watchdog_is_no_start);
	tcase_add_loop_test(tcase, what_dies_is_replaced, 0, (int)ARRAY_LEN(death_rows));
	tcase_add_test(tcase, many_deaths_leave_nothing);
	tcase_add_test(tcase, who_does_not_end_is_killed);
	tcase_add_test(tcase, a_program_that_fails);
	tcase_add_test(tcase, a_socket_that_is_taken);
	tcase_add_test(tcase, a_bad_configuration);
	TCase *clients = suite_case(suite, "clients");
	tcase_add_checked_fixture(clients, make_fakes, remove_fakes);
	tcase_add_test(clients, clients_can_only_read);
	tcase_add_test(clients, refused_requests);
	tcase_add_test(clients, too_many_clients);
	return suite;
}
