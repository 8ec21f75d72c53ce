#include "tests/protocol/rig.h"

#include <check.h>
#include <sys/socket.h>

#include "core/fd.h"

static void rig_pump(void *data) {
	struct rig *rig = data;
	loop_dispatch(rig->loop, 0);
}

void rig_settle(struct rig *rig) {
	/* far more rounds than any backlog of a test; a ring that is polled never runs dry */
	for (int i = 0; i < 10000 && loop_dispatch(rig->loop, 0) > 0; i++) {
	}
}

static int rig_begin(struct rig *rig, const struct vmm_ram_options *ram) {
	int pair[2];
	memset(rig, 0, sizeof(*rig));
	rig->loop = loop_create();
	ck_assert_ptr_nonnull(rig->loop);
	ck_assert_int_eq(stats_init(&rig->stats, -1, "test"), 0);
	ck_assert_int_eq(vmm_ram_init(&rig->ram, ram), 0);
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	ck_assert_int_eq(echo_create(&rig->echo, rig->loop, pair[1], &rig->stats), 0);
	return pair[0];
}

void rig_init(
	struct rig *rig, const struct vmm_ram_options *ram, struct vmm_device_options options) {
	int socket = rig_begin(rig, ram);
	options.pump = rig_pump;
	options.pump_data = rig;
	ck_assert_int_eq(vmm_device_attach(&rig->device, &rig->ram, socket, &options), 0);
}

void rig_init_bare(struct rig *rig, const struct vmm_ram_options *ram) {
	int socket = rig_begin(rig, ram);
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
