#include "tests/protocol/rig.h"

#include <check.h>
#include <string.h>
#include <sys/socket.h>

#include "core/fd.h"
#include "protocol/vhost_message.h"

#define RAM_BYTES (4u << 20)
#define QUEUE_SIZE 16

static void rig_pump(void *data) {
	struct rig *rig = data;
	loop_dispatch(rig->loop, 0);
}

void rig_settle(struct rig *rig) {
	/* far more rounds than any backlog of a test; a ring that is polled never runs dry */
	for (int i = 0; i < 10000 && loop_dispatch(rig->loop, 0) > 0; i++) {
	}
}

/* The front-end's socket. */
static int rig_begin(struct rig *rig, const struct rig_options *options) {
	int pair[2];
	struct vmm_ram_options ram = options->ram;
	ram.bytes = ram.bytes == 0 ? RAM_BYTES : ram.bytes;
	memset(rig, 0, sizeof(*rig));
	rig->loop = loop_create();
	ck_assert_ptr_nonnull(rig->loop);
	ck_assert_int_eq(stats_init(&rig->stats, -1, "test"), 0);
	ck_assert_int_eq(vmm_ram_init(&rig->ram, &ram), 0);
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	ck_assert_int_eq(echo_create(&rig->echo, options->impl == NULL ? &echo_impl : options->impl,
				 rig->loop, pair[1], &rig->stats),
		0);
	return pair[0];
}

void rig_init(struct rig *rig, const struct rig_options *options) {
	int socket = rig_begin(rig, options);
	struct vmm_device_options device = options->device;
	device.pump = rig_pump;
	device.pump_data = rig;
	device.queue_size = device.queue_size == 0 ? QUEUE_SIZE : device.queue_size;
	ck_assert_int_eq(vmm_device_attach(&rig->device, &rig->ram, socket, &device), 0);
}

void rig_init_started(struct rig *rig, const struct rig_options *options) {
	rig_init(rig, options);
	ck_assert_int_eq(vmm_device_start(&rig->device), 0);
}

void rig_init_bare(struct rig *rig, const struct rig_options *options) {
	int socket = rig_begin(rig, options);
	rig->device = (struct vmm_device) {
		.ram = &rig->ram,
		.socket = socket,
		.channel = -1,
		.options = { .pump = rig_pump, .pump_data = rig },
	};
}

void rig_finish(struct rig *rig) {
	vmm_device_close(&rig->device);
	rig_settle(rig);
	echo_finish(&rig->echo);
	vmm_ram_finish(&rig->ram);
	stats_finish(&rig->stats);
	loop_destroy(rig->loop);
}

void rig_expect_echo(struct rig *rig) {
	static const char request[] = "are you there?";
	char response[sizeof(request)] = { 0 };
	uint32_t used;
	ck_assert_int_eq(vmm_request(&rig->device, 0, request, sizeof(request), response,
				 sizeof(response), &used),
		0);
	ck_assert_uint_eq(used, sizeof(request));
	ck_assert_mem_eq(request, response, sizeof(request));
}

void rig_expect_end(struct rig *rig, int error) {
	ck_assert_int_eq(vmm_wait_hangup(&rig->device), 0);
	ck_assert_uint_eq(rig->echo.ends, 1);
	ck_assert_int_eq(rig->echo.end_error, error);
	ck_assert_ptr_null(rig->echo.session);
}

void rig_expect_alive(struct rig *rig) {
	uint64_t number = 0;
	ck_assert_int_eq(
		vmm_ask(&rig->device, VHOST_GET_QUEUE_NUM, NULL, 0, &number, sizeof(number)), 0);
	ck_assert_uint_eq(number, echo_impl.queues_len);
}
