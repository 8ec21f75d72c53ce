#include "gpu/qemu_display.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/log.h"
#include "core/macros.h"
#include "tests/gpu/rig.h"
#include "tests/suite.h"

static struct rig rig;
static int qemu; /* our end of the display socket: QEMU's */

static void setup(void) {
	log_init("test", LOG_ERROR, NULL, true);
	rig_init(&rig, &(struct rig_options) { .idle = true });
	qemu = -1;
}

static void teardown(void) {
	fd_close(&qemu);
	rig_finish(&rig);
}

/* As QEMU does it at each DRIVER_OK: a new socket, then features, memory and rings. */
static void start(void) {
	int pair[2];
	fd_close(&qemu);
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	qemu = pair[0];
	ck_assert_int_eq(vmm_device_gpu_socket(&rig.vmm, pair[1]), 0);
	close(pair[1]);
	ck_assert_int_eq(vmm_device_start(&rig.vmm), 0);
	rig_settle(&rig);
}

static struct vhost_user_gpu_message receive(void) {
	uint8_t data[VHOST_USER_GPU_MESSAGE_BYTES_MAX];
	struct vhost_user_gpu_message message = { 0 };
	rig_settle(&rig);
	ssize_t len = recv(qemu, data, sizeof(data), MSG_DONTWAIT);
	ck_assert_int_ge(len, VHOST_USER_GPU_HEADER_BYTES);
	ck_assert_int_eq(vhost_user_gpu_decode(data, (size_t)len, &message), len);
	return message;
}

static void answer(const void *data, size_t bytes) {
	ck_assert_int_eq(send(qemu, data, bytes, MSG_NOSIGNAL), (ssize_t)bytes);
	rig_settle(&rig);
}

static size_t make_answer(uint8_t data[VHOST_USER_GPU_MESSAGE_BYTES_MAX]) {
	const struct vhost_user_gpu_message message = {
		.type = VHOST_USER_GPU_GET_PROTOCOL_FEATURES,
		.flags = VHOST_USER_GPU_FLAG_REPLY,
		.size_bytes = 8,
		.value = 3,
	};
	return vhost_user_gpu_encode(data, &message);
}

static void post_command(void) {
	struct vmm_gpu_command command = vmm_gpu_encode(&rig.gpu, VIRTIO_GPU_CMD_GET_DISPLAY_INFO);
	ck_assert_int_ge(vmm_gpu_post(&rig.gpu, 0, &command), 0);
	vmm_queue_kick(&rig.vmm.queues[0]);
	rig_settle(&rig);
}

static bool is_answered(void) {
	struct vmm_used used;
	rig_settle(&rig);
	return vmm_queue_take(&rig.vmm.queues[0], &used);
}

START_TEST(handshake_holds_the_control_queue) {
	uint8_t data[VHOST_USER_GPU_MESSAGE_BYTES_MAX];
	start();
	post_command();
	ck_assert(!is_answered());
	struct vhost_user_gpu_message asked = receive();
	ck_assert_uint_eq(asked.type, VHOST_USER_GPU_GET_PROTOCOL_FEATURES);
	ck_assert_uint_eq(asked.flags, 0);
	ck_assert_uint_eq(asked.size_bytes, 0);

	size_t bytes = make_answer(data);
	for (size_t i = 0; i < bytes; i++) { /* byte by byte */
		ck_assert(!is_answered());
		answer(data + i, 1);
	}
	ck_assert(is_answered());
	struct vhost_user_gpu_message set = receive();
	ck_assert_uint_eq(set.type, VHOST_USER_GPU_SET_PROTOCOL_FEATURES);
	ck_assert_uint_eq(set.size_bytes, 8);
	ck_assert_uint_eq(set.value, 0);
}
END_TEST

static const struct {
	const char *name;
	uint32_t words[5];
	size_t bytes;
} nonsense[] = {
	{ "another message", { 3, 4, 8, 0, 0 }, 20 },
	{ "no answer's flag", { 1, 0, 8, 0, 0 }, 20 },
	{ "no payload", { 1, 4, 0, 0, 0 }, 12 },
	{ "a long payload", { 1, 4, 408, 0, 0 }, 20 },
	{ "a payload of all ones", { 1, 4, UINT32_MAX, 0, 0 }, 20 },
	{ "nothing: it hangs up", { 0 }, 0 },
};

START_TEST(nonsense_costs_the_socket_only) {
	start();
	post_command();
	if (nonsense[_i].bytes > 0) {
		answer(nonsense[_i].words, nonsense[_i].bytes);
	} else {
		fd_close(&qemu);
	}
	ck_assert_msg(is_answered(), "%s", nonsense[_i].name);
	ck_assert_uint_eq(rig.ends, 0);
}
END_TEST

/* The device's own timer: a QEMU that is silent holds the guest up for a second at most. */
START_TEST(silence) {
	start();
	post_command();
	struct vmm_used used;
	ck_assert_int_eq(vmm_wait_used(&rig.vmm, 0, &used), 0);
	ck_assert_uint_eq(rig.ends, 0);
}
END_TEST

START_TEST(not_a_socket) {
	int null = fd_eventfd_create(false);
	ck_assert_int_eq(vmm_device_gpu_socket(&rig.vmm, null), 0);
	fd_close(&null);
	ck_assert_int_eq(vmm_device_start(&rig.vmm), 0);
	post_command();
	ck_assert(is_answered());
}
END_TEST

/* Each start of the driver brings a new socket; the old one's end is no error. */
START_TEST(new_socket_at_each_start) {
	uint8_t data[VHOST_USER_GPU_MESSAGE_BYTES_MAX];
	size_t bytes = make_answer(data);
	for (int i = 0; i < 5; i++) {
		start();
		ck_assert_uint_eq(receive().type, VHOST_USER_GPU_GET_PROTOCOL_FEATURES);
		answer(data, bytes);
		post_command();
		ck_assert(is_answered());
		ck_assert_int_eq(vmm_device_stop(&rig.vmm), 0);
	}
	ck_assert_uint_eq(rig.ends, 0);
}
END_TEST

/* QEMU refuses configuration changes in this dialect: none is sent. */
START_TEST(no_display_events) {
	uint8_t data[VHOST_USER_GPU_MESSAGE_BYTES_MAX];
	size_t bytes = make_answer(data);
	start();
	receive();
	answer(data, bytes);
	post_command();
	ck_assert(is_answered());
	struct frame_mode mode = rig.config.scanouts[0];
	mode.width++;
	frame_link_set_mode(&rig.consumer, 0, &mode);
	rig_tick_blind(&rig);
	ck_assert_uint_eq(rig_stat(&rig, "display.events"), 0);
	ck_assert_uint_eq(rig.vmm.config_changes, 0);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("gpu qemu_display");
	TCase *tcase = suite_case(suite, "handshake");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, handshake_holds_the_control_queue);
	tcase_add_loop_test(tcase, nonsense_costs_the_socket_only, 0, (int)ARRAY_LEN(nonsense));
	tcase_add_test(tcase, silence);
	tcase_add_test(tcase, not_a_socket);
	tcase_add_test(tcase, new_socket_at_each_start);
	tcase_add_test(tcase, no_display_events);
	return suite;
}
