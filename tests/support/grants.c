#include "tests/support/grants.h"

#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/safety_page.h"
#include "tests/support/test_atlas.h"

#define HANG_GUARD_MS 60000

void test_config_init(struct config *config, uint32_t width, uint32_t height) {
	*config = (struct config) {
		.name = "test",
		.runtime_dir = "/run/fascia-test",
		.outputs_len = 1,
		.outputs = { {
			.name = "main",
			.kind = CONFIG_OUTPUT_MEMORY,
			.width = width,
			.height = height,
			.clock = TICKER_STEP,
			.refresh_mhz = 60000,
			.background = 0x102030,
			.fallback = 1,
		} },
		.mixer = { .sink = CONFIG_SINK_NONE, .rate = 48000, .quantum_frames = 256 },
	};
}

uint32_t test_config_add_guest(struct config *config, const char *name, uint32_t scanouts,
	uint32_t width, uint32_t height) {
	assert(config->guests_len < CONFIG_GUESTS_MAX);
	struct config_guest *guest = &config->guests[config->guests_len];
	*guest = (struct config_guest){
		.gpu = {
			.enabled = 1,
			.budget = {
				.pool_bytes = 16 << 20,
				.memory_bytes = 16 << 20,
				.resources = 64,
				.backing_entries = 1024,
				.commands_per_wake = 64,
				.flushes_per_refresh = 8,
			},
			.scanouts_len = scanouts,
		},
	};
	snprintf(guest->name, sizeof(guest->name), "%s", name);
	snprintf(guest->gpu.socket, sizeof(guest->gpu.socket), "/run/fascia-test/%s", name);
	for (uint32_t i = 0; i < scanouts; i++) {
		guest->gpu.scanouts[i] = (struct frame_mode) {
			.enabled = 1,
			.width = width,
			.height = height,
			.refresh_mhz = 60000,
			.name = "test",
			.serial = i + 1,
		};
	}
	return config->guests_len++;
}

struct config_layer *test_config_add_layer(struct config *config, const char *name, uint32_t guest,
	uint32_t scanout, struct rect place) {
	assert(config->layers_len < CONFIG_LAYERS_MAX);
	struct config_layer *layer = &config->layers[config->layers_len++];
	*layer = (struct config_layer) {
		.kind = guest == CONFIG_NONE ? CONFIG_LAYER_PICTURE : CONFIG_LAYER_GUEST,
		.guest = guest,
		.scanout = scanout,
		.place = place,
		.opacity = 255,
		.visible = 1,
		.recover_frames = 1,
		.dark = 1, /* what tests draw is of one colour */
	};
	snprintf(layer->name, sizeof(layer->name), "%s", name);
	return layer;
}

static void make_outputs(struct test_grants *grants) {
	for (uint32_t i = 0; i < CONFIG_OUTPUTS_MAX; i++) {
		grants->outputs[i] = grants->steps[i] = -1;
	}
	for (uint32_t i = 0; i < grants->config.outputs_len; i++) {
		const struct config_output *output = &grants->config.outputs[i];
		grants->outputs[i] =
			output_memory_create_fd(output->name, output->width, output->height);
		assert(grants->outputs[i] >= 0);
		if (output->clock == TICKER_STEP) {
			grants->steps[i] = fd_eventfd_create(true);
			assert(grants->steps[i] >= 0);
		}
	}
}

static void make_links(struct test_grants *grants) {
	for (uint32_t i = 0; i < CONFIG_GUESTS_MAX; i++) {
		for (unsigned n = 0; n < LINK_FDS; n++) {
			grants->links[i][n] = -1;
		}
	}
	for (uint32_t i = 0; i < grants->config.guests_len; i++) {
		const struct config_guest *guest = &grants->config.guests[i];
		if (guest->gpu.enabled) {
			int err = frame_link_create_fds(
				guest->name, guest->gpu.budget.pool_bytes, grants->links[i]);
			assert(err == 0);
		}
	}
}

static void make_safety(struct test_grants *grants) {
	grants->safety_fd = safety_page_create_fd();
	assert(grants->safety_fd >= 0);
	grants->signals[0] = grants->signals[1] = -1;
	if (grants->config.safety.signals) {
		int err = socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, grants->signals);
		assert(err == 0);
	}
}

void test_grants_init(
	struct test_grants *grants, const struct config *config, const char *without) {
	grants->config = *config;
	grants->config_fd = config_seal(&grants->config);
	if (grants->config_fd < 0) {
		fprintf(stderr, "the test's configuration is wrong: %s\n", config_fault(config));
		abort();
	}
	grants->stats_fd = stats_create_fd("compositor");
	assert(grants->stats_fd >= 0);
	grants->atlas_fd = test_atlas_create_fd(config, without);
	make_outputs(grants);
	make_links(grants);
	make_safety(grants);
}

void test_grants_finish(struct test_grants *grants) {
	fd_close(&grants->config_fd);
	fd_close(&grants->stats_fd);
	fd_close(&grants->atlas_fd);
	fd_close(&grants->safety_fd);
	fd_close(&grants->signals[0]);
	fd_close(&grants->signals[1]);
	for (uint32_t i = 0; i < CONFIG_OUTPUTS_MAX; i++) {
		fd_close(&grants->outputs[i]);
		fd_close(&grants->steps[i]);
	}
	for (uint32_t i = 0; i < CONFIG_GUESTS_MAX; i++) {
		for (unsigned n = 0; n < LINK_FDS; n++) {
			fd_close(&grants->links[i][n]);
		}
	}
}

void test_grants_reader(
	const struct test_grants *grants, uint32_t output, struct output_reader *reader) {
	int err = output_reader_init(reader, fd_reopen_readonly(grants->outputs[output]));
	assert(err == 0);
}

void test_grants_producer(
	const struct test_grants *grants, uint32_t guest, struct frame_link *link) {
	int fds[LINK_FDS];
	int err = link_grant_fds(grants->links[guest], LINK_PRODUCER, fds);
	assert(err == 0);
	err = frame_link_init(link, LINK_PRODUCER, fds);
	assert(err == 0);
}

const struct stats_page *test_grants_stats(const struct test_grants *grants) {
	const struct stats_page *page = stats_map(fd_reopen_readonly(grants->stats_fd));
	assert(page != NULL);
	return page;
}

uint64_t test_stats_value(const struct stats_page *page, const char *name) {
	uint64_t value;
	if (stats_read_value(page, name, &value)) {
		return value;
	}
	fprintf(stderr, "there is no value %s\n", name);
	abort();
}

void test_grants_step(const struct test_grants *grants, uint32_t output, uint64_t steps) {
	ssize_t written = write(grants->steps[output], &steps, sizeof(steps));
	assert(written == (ssize_t)sizeof(steps));
}

/* In the child: CONTROL_FD is the socket, everything else is closed on exec. */
_Noreturn static void become(const char *program, const char *environment, int socket) {
	if (dup2(socket, CONTROL_FD) != CONTROL_FD || fcntl(CONTROL_FD, F_SETFD, 0) < 0) {
		_exit(126);
	}
	if (environment != NULL && putenv((char *)(uintptr_t)environment) != 0) {
		_exit(126);
	}
	execl(program, program, (char *)NULL);
	_exit(127);
}

static void send_grant(
	int socket, enum control_type type, uint32_t index, const int *fds, size_t fds_len) {
	struct control_packet packet = {
		.message = { .type = type, .index = index },
		.fds_len = fds_len,
	};
	if (fds_len > 0) {
		memcpy(packet.fds, fds, fds_len * sizeof(*fds));
	}
	int err = control_send(socket, &packet);
	assert(err == 0);
}

static void send_links(int socket, const struct test_grants *grants) {
	for (uint32_t i = 0; i < grants->config.guests_len; i++) {
		int fds[LINK_FDS];
		if (grants->links[i][LINK_POOL] < 0) {
			continue;
		}
		int err = link_grant_fds(grants->links[i], LINK_CONSUMER, fds);
		assert(err == 0);
		send_grant(socket, CONTROL_FRAME_LINK, i, fds, LINK_FDS);
		for (unsigned n = 0; n < LINK_FDS; n++) {
			fd_close(&fds[n]);
		}
	}
}

static void send_grants(int socket, const struct test_grants *grants) {
	send_grant(socket, CONTROL_CONFIG, 0, &grants->config_fd, 1);
	send_grant(socket, CONTROL_STATS, 0, &grants->stats_fd, 1);
	send_grant(socket, CONTROL_ATLAS, 0, &grants->atlas_fd, 1);
	for (uint32_t i = 0; i < grants->config.outputs_len; i++) {
		const int fds[2] = { grants->outputs[i], grants->steps[i] };
		send_grant(socket, CONTROL_OUTPUT, i, fds, grants->steps[i] >= 0 ? 2 : 1);
	}
	send_links(socket, grants);
	send_grant(socket, CONTROL_SAFETY, 0, &grants->safety_fd, 1);
	if (grants->signals[1] >= 0) {
		send_grant(socket, CONTROL_SIGNALS, 0, &grants->signals[1], 1);
	}
	send_grant(socket, CONTROL_START, 0, NULL, 0);
}

static void wait_ready(int socket) {
	struct pollfd readable = { .fd = socket, .events = POLLIN };
	int ready = poll(&readable, 1, HANG_GUARD_MS);
	assert(ready == 1);
	struct control_packet packet;
	int got = control_receive(socket, &packet);
	if (got != 1 || packet.message.type != CONTROL_READY) {
		fprintf(stderr, "the program under test did not become ready\n");
		abort();
	}
}

void test_child_start(struct test_child *child, const struct test_grants *grants,
	const char *program, const char *environment) {
	int pair[2];
	int err = fd_socketpair(pair);
	assert(err == 0);
	child->pid = fork();
	assert(child->pid >= 0);
	if (child->pid == 0) {
		become(program, environment, pair[1]);
	}
	fd_close(&pair[1]);
	child->control = pair[0];
	send_grants(child->control, grants);
	wait_ready(child->control);
}

void test_child_grant(
	const struct test_child *child, enum control_type type, uint32_t index, int fd) {
	send_grant(child->control, type, index, &fd, 1);
}

int test_child_stop(struct test_child *child) {
	int status = -1;
	kill(child->pid, SIGTERM);
	pid_t waited = waitpid(child->pid, &status, 0);
	assert(waited == child->pid);
	fd_close(&child->control);
	return status;
}
