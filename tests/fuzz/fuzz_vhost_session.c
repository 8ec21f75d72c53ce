/*
 * A vhost-user session with a device behind it: the input is what a front-end does, step by step.
 *
 * Messages with any content and any descriptors, torn or not; regions and rings that make sense, so that
 * what comes after them is reached; guest memory that changes; kicks; hang-up. Whatever happens, the
 * session ends or goes on, and leaves nothing behind.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/log.h"
#include "core/macros.h"
#include "protocol/vhost_message.h"
#include "tests/fuzz/fuzz.h"
#include "tests/protocol/echo_device.h"

#define RAM_PAGES 16u
#define PAGE 4096u
#define USER_BASE UINT64_C(0x100000)
#define STEPS_MAX 200

enum step {
	SEND, /* request, flags, bytes, fds, payload: as they come */
	SEND_PART, /* any bytes */
	ADD_REGION,
	SET_RING,
	KICK,
	WRITE_RAM,
	RUN,
	DRAIN, /* reads what the back-end said */
	RELEASE,
	CONFIG_CHANGE,
	STEPS_LEN,
};

struct input {
	const uint8_t *data;
	size_t left;
};

struct fuzz_rig {
	struct loop *loop;
	struct stats stats;
	struct echo_device echo;
	int socket; /* the front-end's end */
	int channel; /* the front-end's end of the back-end channel; -1: none */
	int kick_fd;
};

static int ram_fd = -1;
static uint8_t *ram;

static void ram_init(void) {
	if (ram == NULL) {
		log_init("fuzz", LOG_ERROR, NULL, false);
		ram_fd = fd_memfd_create("fuzz-ram", RAM_PAGES * PAGE);
		void *base =
			mmap(NULL, RAM_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ram_fd, 0);
		if (ram_fd < 0 || base == MAP_FAILED) {
			abort();
		}
		ram = base;
	}
	memset(ram, 0, RAM_PAGES * PAGE);
}

static uint8_t take(struct input *input) {
	if (input->left == 0) {
		return 0;
	}
	input->left--;
	return *input->data++;
}

static size_t take_bytes(struct input *input, void *to, size_t bytes) {
	size_t len = MIN(bytes, input->left);
	memset(to, 0, bytes);
	if (len > 0) {
		memcpy(to, input->data, len);
	}
	input->data += len;
	input->left -= len;
	return len;
}

static int make_fd(struct fuzz_rig *rig, uint8_t kind) {
	int pair[2];
	switch (kind % 6) {
	case 0:
		return fcntl(ram_fd, F_DUPFD_CLOEXEC, 0);
	case 1:
		return fd_eventfd_create(false);
	case 2:
		return fcntl(rig->kick_fd, F_DUPFD_CLOEXEC, 0);
	case 3:
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
			abort();
		}
		fd_close(&rig->channel);
		rig->channel = pair[0];
		return pair[1];
	case 4:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	default:
		if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0) {
			abort();
		}
		close(pair[1]);
		return pair[0];
	}
}

static void send_message(struct fuzz_rig *rig, uint32_t request, uint32_t flags,
	const void *payload, uint32_t bytes, const int *fds, size_t fds_len) {
	uint8_t data[VHOST_HEADER_BYTES + 512];
	const struct vhost_header header = { request, flags, bytes };
	memcpy(data, &header, sizeof(header));
	memcpy(data + sizeof(header), payload, bytes);
	(void)fd_send(rig->socket, data, sizeof(header) + bytes, fds, fds_len);
}

static void step_send(struct fuzz_rig *rig, struct input *input) {
	uint8_t payload[512];
	int fds[4] = { -1, -1, -1, -1 };
	uint32_t request = take(input) % 48;
	uint32_t flags = VHOST_VERSION ^ take(input);
	uint32_t bytes = (uint32_t)take(input) * 2;
	size_t fds_len = take(input) % 4;
	for (size_t i = 0; i < fds_len; i++) {
		fds[i] = make_fd(rig, take(input));
	}
	take_bytes(input, payload, bytes);
	send_message(rig, request, flags, payload, bytes, fds, fds_len);
	for (size_t i = 0; i < fds_len; i++) {
		fd_close(&fds[i]);
	}
}

static void step_send_part(struct fuzz_rig *rig, struct input *input) {
	uint8_t bytes[64];
	size_t len = take_bytes(input, bytes, take(input) % sizeof(bytes));
	if (len > 0) {
		(void)fd_send(rig->socket, bytes, len, NULL, 0);
	}
}

static void step_add_region(struct fuzz_rig *rig, struct input *input) {
	uint64_t words[5] = { 0 };
	words[1] = (uint64_t)(take(input) % 32) * PAGE;
	words[2] = (uint64_t)(take(input) % 20) * PAGE;
	words[3] = USER_BASE + words[1];
	words[4] = (uint64_t)(take(input) % 16) * PAGE;
	uint32_t request = take(input) % 2 == 0 ? VHOST_ADD_MEM_REG : VHOST_REM_MEM_REG;
	send_message(rig, request, VHOST_VERSION, words, sizeof(words), &ram_fd, 1);
}

/* Size, base, addresses, kick, enable: a ring in page `at`. */
static void step_set_ring(struct fuzz_rig *rig, struct input *input) {
	uint32_t index = take(input) % 3;
	uint64_t at = USER_BASE + (uint64_t)(take(input) % RAM_PAGES) * PAGE;
	uint32_t state[2] = { index, 1u << (take(input) % 8) };
	const struct {
		uint32_t index, flags;
		uint64_t descriptors, used, avail, log;
	} addresses = { index, 0, at, at + 0x800, at + 0xc00, 0 };
	uint64_t word = index;
	send_message(rig, VHOST_SET_VRING_NUM, VHOST_VERSION, state, 8, NULL, 0);
	state[1] = take(input);
	send_message(rig, VHOST_SET_VRING_BASE, VHOST_VERSION, state, 8, NULL, 0);
	send_message(rig, VHOST_SET_VRING_ADDR, VHOST_VERSION, &addresses, 40, NULL, 0);
	send_message(rig, VHOST_SET_VRING_KICK, VHOST_VERSION, &word, 8, &rig->kick_fd, 1);
	state[1] = 1;
	send_message(rig, VHOST_SET_VRING_ENABLE, VHOST_VERSION, state, 8, NULL, 0);
}

static void step_write_ram(struct fuzz_rig *rig, struct input *input) {
	uint8_t bytes[64];
	size_t at = ((size_t)take(input) << 8 | take(input)) % (RAM_PAGES * PAGE - sizeof(bytes));
	size_t len = take_bytes(input, bytes, take(input) % sizeof(bytes));
	memcpy(ram + at, bytes, len);
}

static void step_run(struct fuzz_rig *rig, struct input *input) {
	unsigned rounds = take(input) % 8;
	for (unsigned i = 0; i <= rounds; i++) {
		loop_dispatch(rig->loop, 0);
	}
}

static void drain(int fd) {
	uint8_t bytes[4096];
	while (fd >= 0 && recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0) {
	}
}

static void step(struct fuzz_rig *rig, struct input *input) {
	switch ((enum step)(take(input) % STEPS_LEN)) {
	case SEND:
		step_send(rig, input);
		break;
	case SEND_PART:
		step_send_part(rig, input);
		break;
	case ADD_REGION:
		step_add_region(rig, input);
		break;
	case SET_RING:
		step_set_ring(rig, input);
		break;
	case KICK:
		fd_event_signal(rig->kick_fd);
		break;
	case WRITE_RAM:
		step_write_ram(rig, input);
		break;
	case RUN:
		step_run(rig, input);
		break;
	case DRAIN:
		drain(rig->socket);
		drain(rig->channel);
		break;
	case RELEASE:
		if (rig->echo.session != NULL) {
			echo_release(&rig->echo);
		}
		break;
	case CONFIG_CHANGE:
		if (rig->echo.session != NULL) {
			(void)vhost_session_config_changed(rig->echo.session);
		}
		break;
	case STEPS_LEN:
		break;
	}
}

/* All that one negotiates before anything else, unless the input wants to do so itself. */
static void negotiate(struct fuzz_rig *rig, uint8_t how) {
	const uint64_t protocol = how % 4 == 0 ? 0 : UINT64_C(0x1a629); /* all we offer */
	const uint64_t features = (how & 4) != 0 ? UINT64_C(1) << 32 | 3u << 28 : UINT64_C(1) << 32;
	if (how % 4 == 3) {
		return;
	}
	send_message(rig, VHOST_SET_PROTOCOL_FEATURES, VHOST_VERSION, &protocol, 8, NULL, 0);
	send_message(rig, VHOST_SET_FEATURES, VHOST_VERSION, &features, 8, NULL, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct input input = { data, size };
	struct fuzz_rig *rig = calloc(1, sizeof(*rig));
	int pair[2];
	ram_init();
	if (rig == NULL || stats_init(&rig->stats, -1, "fuzz") < 0 ||
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
		abort();
	}
	rig->loop = loop_create();
	rig->channel = -1;
	rig->kick_fd = fd_eventfd_create(false);
	rig->socket = pair[0];
	uint8_t how = take(&input);
	const struct vhost_device_impl *impl = (how & 8) != 0 ? &echo_pausable_impl : &echo_impl;
	if (rig->loop == NULL ||
		echo_create(&rig->echo, impl, rig->loop, pair[1], &rig->stats) < 0) {
		abort();
	}

	negotiate(rig, how);
	for (int i = 0; i < STEPS_MAX && input.left > 0; i++) {
		step(rig, &input);
	}
	for (int i = 0; i < 50 && loop_dispatch(rig->loop, 0) > 0; i++) {
		drain(rig->socket);
	}
	echo_finish(&rig->echo);
	fd_close(&rig->socket);
	fd_close(&rig->channel);
	fd_close(&rig->kick_fd);
	loop_destroy(rig->loop);
	stats_finish(&rig->stats);
	free(rig);
	return 0;
}
