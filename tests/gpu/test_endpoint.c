/* The program as others start it: by QEMU's conventions, and by a keeper. */
#include "gpu/endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/control.h"
#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"
#include "tests/vmm/vmm_gpu.h"

#define ANSWER_BYTES 512

struct program {
	pid_t pid;
	int output; /* stdout and stderr */
};

/* Starts the program; `control` becomes its descriptor CONTROL_FD if it is >= 0. */
static struct program start(const char *const *arguments, int control) {
	struct program program;
	int pipe_fds[2];
	ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
	program.pid = fork();
	ck_assert_int_ge(program.pid, 0);
	if (program.pid == 0) {
		dup2(pipe_fds[1], STDOUT_FILENO);
		dup2(pipe_fds[1], STDERR_FILENO);
		if (control == CONTROL_FD) {
			fcntl(control, F_SETFD, 0);
		} else if (control >= 0) {
			dup2(control, CONTROL_FD);
		}
		const char *path = getenv("FASCIA_GPU");
		execv(path, (char *const *)arguments);
		_exit(127);
	}
	close(pipe_fds[1]);
	program.output = pipe_fds[0];
	return program;
}

/* Its exit status, and what it said. */
static int finish(struct program *program, char answer[ANSWER_BYTES]) {
	size_t len = 0;
	ssize_t got;
	char rest[ANSWER_BYTES];
	while ((got = read(program->output, len < ANSWER_BYTES - 1 ? answer + len : rest,
			len < ANSWER_BYTES - 1 ? ANSWER_BYTES - 1 - len : sizeof(rest))) > 0) {
		len = MIN(len + (size_t)got, (size_t)ANSWER_BYTES - 1);
	}
	answer[len] = '\0';
	fd_close(&program->output);
	int status;
	ck_assert_int_eq(waitpid(program->pid, &status, 0), program->pid);
	ck_assert_msg(WIFEXITED(status), "ended by signal %d: %s", WTERMSIG(status), answer);
	return WEXITSTATUS(status);
}

static const struct {
	const char *arguments[4];
	int status;
	const char *says;
} commands[] = {
	{ { "fascia-gpu", "--print-capabilities" }, 0, "\"type\": \"gpu\"" },
	{ { "fascia-gpu", "--help" }, 0, "--socket-path" },
	{ { "fascia-gpu", "--nonsense" }, 2, "unrecognized option" },
	{ { "fascia-gpu", "--profile=2d" }, 2, "needs one of --socket-path and --fd" },
	{ { "fascia-gpu", "--fd=5", "--socket-path=x" }, 2, "needs one of" },
	{ { "fascia-gpu", "--fd=x" }, 2, "--fd needs a number" },
	{ { "fascia-gpu", "--mode=0x5" }, 2, "--mode needs" },
	{ { "fascia-gpu", "--mode=640x480@" }, 2, "--mode needs" },
	{ { "fascia-gpu", "--mode=8192x1" }, 2, "--mode needs" },
	{ { "fascia-gpu", "--profile=virgl" }, 2, "--profile needs" },
	{ { "fascia-gpu", "--fd=987" }, 1, "give a unix stream socket" },
	{ { "fascia-gpu", "--socket-path=/no/such/folder/socket" }, 1, "cannot listen on" },
	{ { "fascia-gpu", "--control", "x" }, 1, "what the keeper granted" },
};

START_TEST(command_line) {
	char answer[ANSWER_BYTES];
	struct program program = start(commands[_i].arguments, -1);
	ck_assert_int_eq(finish(&program, answer), commands[_i].status);
	ck_assert_msg(strstr(answer, commands[_i].says) != NULL, "%s", answer);
}
END_TEST

/* What a guest sees: a picture goes out, its fence comes back. */
static void use_device(struct vmm_device *device, uint32_t width) {
	struct vmm_gpu gpu;
	vmm_gpu_init(&gpu, device);
	ck_assert_int_eq(vmm_device_start(device), 0);
	struct vmm_gpu_command command = vmm_gpu_encode(&gpu, VIRTIO_GPU_CMD_GET_DISPLAY_INFO);
	ck_assert_uint_eq(vmm_gpu_command(&gpu, &command), VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	ck_assert_uint_eq(gpu.reply[32] | gpu.reply[33] << 8, width);
	const struct virtio_gpu_entry entry = {
		.address = vmm_ram_alloc(device->ram, 64 * 64 * 4, 4096),
		.len = 64 * 64 * 4,
	};
	ck_assert_uint_eq(
		vmm_gpu_create_2d(&gpu, 1, VMM_GPU_BGRX, 64, 64), VIRTIO_GPU_RESP_OK_NODATA);
	ck_assert_uint_eq(vmm_gpu_attach(&gpu, 1, &entry, 1), VIRTIO_GPU_RESP_OK_NODATA);
	ck_assert_uint_eq(vmm_gpu_set_scanout(&gpu, 0, 1, 0, 0, 64, 64), VIRTIO_GPU_RESP_OK_NODATA);
	ck_assert_uint_eq(vmm_gpu_transfer(&gpu, 1, 0, 0, 64, 64, 0), VIRTIO_GPU_RESP_OK_NODATA);
	gpu.flags = VIRTIO_GPU_FLAG_FENCE;
	ck_assert_uint_eq(vmm_gpu_flush(&gpu, 1, 0, 0, 64, 64), VIRTIO_GPU_RESP_OK_NODATA);
}

static const struct vmm_ram_options small_ram = { .bytes = 4u << 20 };
static const struct vmm_device_options no_options = { 0 };

START_TEST(alone_on_a_descriptor) {
	int pair[2];
	char answer[ANSWER_BYTES];
	char option[32];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fcntl(pair[0], F_SETFD, FD_CLOEXEC);
	snprintf(option, sizeof(option), "--fd=%d", pair[1]);
	const char *arguments[] = { "fascia-gpu", option, "--mode=641x480@75", NULL };
	struct program program = start(arguments, -1);
	close(pair[1]);

	struct vmm_ram ram;
	struct vmm_device device;
	ck_assert_int_eq(vmm_ram_init(&ram, &small_ram), 0);
	ck_assert_int_eq(vmm_device_attach(&device, &ram, pair[0], &no_options), 0);
	use_device(&device, 641);
	vmm_device_close(&device);
	vmm_ram_finish(&ram);
	ck_assert_int_eq(finish(&program, answer), 0);
	ck_assert_msg(strstr(answer, "the VMM hung up") != NULL, "%s", answer);
}
END_TEST

START_TEST(alone_on_a_path) {
	char path[] = "socket-XXXXXX";
	char option[64];
	char answer[ANSWER_BYTES];
	close(mkstemp(path));
	unlink(path);
	snprintf(option, sizeof(option), "--socket-path=%s", path);
	const char *arguments[] = { "fascia-gpu", option, NULL };
	struct program program = start(arguments, -1);
	int socket;
	while ((socket = fd_connect_unix(path, SOCK_STREAM)) < 0) {
		poll(NULL, 0, 1);
	}

	struct vmm_ram ram;
	struct vmm_device device;
	ck_assert_int_eq(vmm_ram_init(&ram, &small_ram), 0);
	ck_assert_int_eq(vmm_device_attach(&device, &ram, socket, &no_options), 0);
	use_device(&device, 1280);
	ck_assert_int_eq(kill(program.pid, SIGTERM), 0);
	ck_assert_int_eq(finish(&program, answer), 0);
	vmm_device_close(&device);
	vmm_ram_finish(&ram);
	unlink(path);
}
END_TEST

/* ---- the keeper's side ---- */

struct keeper {
	int control;
	int child_control;
	int link[LINK_FDS];
	struct frame_link consumer;
	int listener;
	char path[32];
};

static void send_grant(struct keeper *keeper, uint32_t type, const int *fds, size_t fds_len) {
	struct control_packet packet = { .message.type = type, .fds_len = fds_len };
	for (size_t i = 0; i < fds_len; i++) {
		packet.fds[i] = fds[i];
	}
	ck_assert_int_eq(control_send(keeper->control, &packet), 0);
}

static int make_config(void) {
	static struct config config;
	config = (struct config) {
		.name = "test",
		.runtime_dir = "/run/test",
		.outputs_len = 1,
		.outputs[0] = {
			.name = "screen", .width = 640, .height = 480, .refresh_mhz = 60000,
		},
		.guests_len = 1,
		.guests[0] = {
			.name = "cluster",
			.gpu = {
				.enabled = 1,
				.socket = "/run/test/gpu",
				.budget = {
					.pool_bytes = 1u << 20,
					.memory_bytes = 1u << 20,
					.resources = 16,
					.backing_entries = 1024,
					.commands_per_wake = 16,
					.flushes_per_refresh = 4,
				},
				.scanouts_len = 1,
				.scanouts[0] = {
					.enabled = 1, .width = 640, .height = 480,
					.refresh_mhz = 60000, .name = "cluster",
				},
			},
		},
		.mixer = { .rate = 48000, .quantum_frames = 128 },
	};
	int fd = config_seal(&config);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void keeper_init(struct keeper *keeper) {
	int pair[2];
	int side[LINK_FDS];
	ck_assert_int_eq(fd_socketpair(pair), 0);
	keeper->control = pair[0];
	keeper->child_control = pair[1];
	ck_assert_int_eq(frame_link_create_fds("test", 1u << 20, keeper->link), 0);
	ck_assert_int_eq(link_grant_fds(keeper->link, LINK_CONSUMER, side), 0);
	ck_assert_int_eq(frame_link_init(&keeper->consumer, LINK_CONSUMER, side), 0);
	snprintf(keeper->path, sizeof(keeper->path), "keeper-%d", getpid());
	keeper->listener = fd_listen_unix(keeper->path, SOCK_STREAM);
	ck_assert_int_ge(keeper->listener, 0);
}

static void keeper_finish(struct keeper *keeper) {
	unlink(keeper->path);
	frame_link_finish(&keeper->consumer);
	for (int i = 0; i < LINK_FDS; i++) {
		fd_close(&keeper->link[i]);
	}
	fd_close(&keeper->listener);
	fd_close(&keeper->control);
	fd_close(&keeper->child_control);
}

static void grant_all(struct keeper *keeper) {
	int side[LINK_FDS];
	int config = make_config();
	int stats = stats_create_fd("gpu-cluster");
	send_grant(keeper, CONTROL_CONFIG, &config, 1);
	send_grant(keeper, CONTROL_STATS, &stats, 1);
	send_grant(keeper, CONTROL_LISTENER, &keeper->listener, 1);
	ck_assert_int_eq(link_grant_fds(keeper->link, LINK_PRODUCER, side), 0);
	send_grant(keeper, CONTROL_FRAME_LINK, side, LINK_FDS);
	send_grant(keeper, CONTROL_PEER, &stats, 1); /* any descriptor: it has no use for it */
	send_grant(keeper, CONTROL_START, NULL, 0);
	fd_close(&config);
	fd_close(&stats);
	for (int i = 0; i < LINK_FDS; i++) {
		fd_close(&side[i]);
	}
}

static void wait_ready(struct keeper *keeper) {
	struct control_packet packet;
	int rc;
	while ((rc = control_receive(keeper->control, &packet)) == -EAGAIN) {
		struct pollfd wait = { .fd = keeper->control, .events = POLLIN };
		poll(&wait, 1, -1);
	}
	ck_assert_int_eq(rc, 1);
	ck_assert_uint_eq(packet.message.type, CONTROL_READY);
}

static void wait_echo(struct keeper *keeper, uint64_t tick) {
	link_tick(&keeper->consumer.link, tick);
	while (link_echoed(&keeper->consumer.link) != tick) {
		poll(NULL, 0, 1);
	}
}

/* Two sessions of a guest, each with a process of its own, on one listener and one link. */
START_TEST(under_a_keeper) {
	const char *arguments[] = { "fascia-gpu", NULL };
	struct keeper keeper;
	keeper_init(&keeper);
	for (uint64_t session = 1; session <= 2; session++) {
		char answer[ANSWER_BYTES];
		struct program program = start(arguments, keeper.child_control);
		grant_all(&keeper);
		wait_ready(&keeper);
		wait_echo(&keeper, session); /* answered while nobody is connected */
		ck_assert_uint_eq(link_get_peer(&keeper.consumer.link), LINK_PEER_ABSENT);

		struct vmm_ram ram;
		struct vmm_device device;
		ck_assert_int_eq(vmm_ram_init(&ram, &small_ram), 0);
		ck_assert_int_eq(vmm_device_connect(&device, &ram, keeper.path, &no_options), 0);
		use_device(&device, 640);
		ck_assert_uint_eq(link_get_peer(&keeper.consumer.link), LINK_PEER_RUNNING);
		vmm_device_close(&device);
		vmm_ram_finish(&ram);
		ck_assert_int_eq(finish(&program, answer), 0);
		ck_assert_uint_eq(link_get_peer(&keeper.consumer.link), LINK_PEER_ABSENT);
		/* its lines are in the ring of its page */
		ck_assert_str_eq(answer, "");
	}
	struct frame_view view = { 0 };
	uint64_t rejected = 0;
	ck_assert(frame_link_acquire(&keeper.consumer, 0, &view, &rejected));
	ck_assert_uint_eq(view.frame.sequence, 2);
	keeper_finish(&keeper);
}
END_TEST

/* The keeper dies: the guest's display goes on. */
START_TEST(without_its_keeper) {
	const char *arguments[] = { "fascia-gpu", NULL };
	char answer[ANSWER_BYTES];
	struct keeper keeper;
	keeper_init(&keeper);
	struct program program = start(arguments, keeper.child_control);
	fd_close(&keeper.child_control);
	grant_all(&keeper);
	wait_ready(&keeper);
	fd_close(&keeper.control);
	wait_echo(&keeper, 1);
	ck_assert_int_eq(kill(program.pid, SIGTERM), 0);
	ck_assert_int_eq(finish(&program, answer), 0);
	keeper_finish(&keeper);
}
END_TEST

/* Grants that are not all there, or wrong. */
START_TEST(unusable_grants) {
	const char *arguments[] = { "fascia-gpu", NULL };
	char answer[ANSWER_BYTES];
	struct keeper keeper;
	keeper_init(&keeper);
	struct program program = start(arguments, keeper.child_control);
	if (_i == 0) {
		send_grant(&keeper, CONTROL_START, NULL, 0);
	} else {
		send_grant(&keeper, CONTROL_CONFIG, &keeper.link[LINK_POOL], 1);
	}
	ck_assert_int_eq(finish(&program, answer), 1);
	ck_assert_msg(strstr(answer, "what the keeper granted") != NULL, "%s", answer);
	keeper_finish(&keeper);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("gpu endpoint");
	TCase *alone = suite_case(suite, "alone");
	tcase_add_loop_test(alone, command_line, 0, (int)ARRAY_LEN(commands));
	tcase_add_test(alone, alone_on_a_descriptor);
	tcase_add_test(alone, alone_on_a_path);

	TCase *keeper = suite_case(suite, "keeper");
	tcase_add_test(keeper, under_a_keeper);
	tcase_add_test(keeper, without_its_keeper);
	tcase_add_loop_test(keeper, unusable_grants, 0, 2);
	return suite;
}
