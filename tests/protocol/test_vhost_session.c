#include "protocol/vhost_session.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/macros.h"
#include "protocol/vhost_message.h"
#include "tests/protocol/rig.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

#define BIT(n) (UINT64_C(1) << (n))

static const struct rig_options defaults;
static const struct rig_options pausable = { .impl = &echo_pausable_impl };

/* --- life --------------------------------------------------------------------------------------------- */

/* Front-ends that accept more or less of what is offered. */
static const struct rig_options front_ends[] = {
	{ .device = { 0 } },
	{ .device.features_refused = BIT(VIRTIO_F_RING_EVENT_IDX) },
	{ .device.features_refused = BIT(VIRTIO_F_RING_INDIRECT_DESC) },
	{ .device.features_refused = BIT(VIRTIO_F_RING_EVENT_IDX) |
			BIT(VIRTIO_F_RING_INDIRECT_DESC) | BIT(ECHO_FEATURE) },
	/* no protocol features at all: rings start enabled */
	{ .device.features_refused = BIT(VHOST_USER_F_PROTOCOL_FEATURES),
		.device.protocol_features_refused = UINT64_MAX },
	{ .device.protocol_features_refused = BIT(VHOST_F_REPLY_ACK) },
	{ .device.protocol_features_refused = BIT(VHOST_F_CONFIGURE_MEM_SLOTS) },
	{ .device.protocol_features_refused = BIT(VHOST_F_BACKEND_REQ) },
	{ .ram.regions_len = 4, .ram.hole_bytes = 1 << 20 },
	{ .ram.unsealed = true },
	{ .device.queue_size = 1 },
	{ .device.queue_size = 1024 },
};

START_TEST(echoes_requests) {
	struct rig rig;
	struct rig_options options = front_ends[_i];
	if (options.device.queue_size == 1) {
		/* a chain of two needs an indirect table in a ring of one */
		options.device.features_refused = 0;
	}
	rig_init_started(&rig, &options);
	for (int i = 0; i < 100; i++) {
		rig_expect_echo(&rig);
	}
	ck_assert_uint_eq(rig.echo.chains, 100);
	rig_finish(&rig);
	ck_assert_uint_eq(rig.echo.ends, 1);
	ck_assert_int_eq(rig.echo.end_error, 0);
	ck_assert_uint_eq(rig.echo.resets, 1);
}
END_TEST

START_TEST(create_fails_cleanly) {
	struct loop *loop = loop_create();
	struct stats stats;
	struct echo_device echo;
	ck_assert_int_eq(stats_init(&stats, -1, "test"), 0);
	unsigned failures = 0;
	for (;;) {
		int pair[2];
		fault_off();
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		fault_at(failures + 1);
		int error = echo_create(&echo, &echo_impl, loop, pair[1], &stats);
		bool was_hit = fault_hit();
		fault_off();
		close(pair[0]);
		if (!was_hit) {
			ck_assert_int_eq(error, 0);
			echo_finish(&echo);
			break;
		}
		ck_assert_int_lt(error, 0);
		failures++;
	}
	ck_assert_uint_ge(failures, 3); /* session, rings, eventfd */
	stats_finish(&stats);
	loop_destroy(loop);
}
END_TEST

START_TEST(destroy_stops_and_resets) {
	struct rig rig;
	struct vmm_used used;
	rig_init_started(&rig, &defaults);
	const struct vmm_buffer buffer = { vmm_ram_alloc(&rig.ram, 64, 8), 64, true };
	ck_assert_int_ge(vmm_queue_add(&rig.device.queues[1], &buffer, 1, false), 0);
	vmm_queue_kick(&rig.device.queues[1]);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.echo.held_len, 1);
	echo_finish(&rig.echo);
	ck_assert_uint_eq(rig.echo.held_len, 0);
	ck_assert_uint_eq(rig.echo.resets, 1);
	ck_assert_uint_eq(rig.echo.ends, 0);
	ck_assert(vmm_queue_take(&rig.device.queues[1], &used));
	rig_finish(&rig);
}
END_TEST

START_TEST(hang_up_at_any_time_frees_everything) {
	/* a step of the front-end's start is left out after the other; the fixture counts descriptors */
	struct rig rig;
	if (_i == 0) {
		rig_init_bare(&rig, &defaults);
	} else if (_i == 1) {
		rig_init(&rig, &defaults);
	} else {
		rig_init_started(&rig, &defaults);
	}
	if (_i == 3) {
		const struct vmm_buffer buffer = { vmm_ram_alloc(&rig.ram, 64, 8), 64, true };
		ck_assert_int_ge(vmm_queue_add(&rig.device.queues[1], &buffer, 1, false), 0);
		vmm_queue_kick(&rig.device.queues[1]);
		rig_settle(&rig);
	}
	if (_i == 4) {
		ck_assert_int_eq(vmm_send_bytes(&rig.device, "\1\0\0", 3, NULL, 0), 0);
		rig_settle(&rig);
	}
	vmm_device_close(&rig.device);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.echo.ends, 1);
	ck_assert_int_eq(rig.echo.end_error, _i == 4 ? -EPROTO : 0);
	ck_assert_uint_eq(rig.echo.resets, _i >= 2 ? 1 : 0);
	rig_finish(&rig);
}
END_TEST

/* --- stops: pause, reset ------------------------------------------------------------------------------ */

START_TEST(stop_resets_a_device_that_cannot_pause) {
	struct rig rig;
	rig_init_started(&rig, &defaults);
	rig_expect_echo(&rig);
	ck_assert_int_eq(vmm_device_stop(&rig.device), 0);
	ck_assert_uint_eq(rig.device.bases[0], 1);
	ck_assert_uint_eq(rig.echo.resets, 1);
	ck_assert_int_eq(vmm_device_start(&rig.device), 0);
	rig_expect_echo(&rig);
	ck_assert_uint_eq(rig.echo.resets, 1);
	rig_finish(&rig);
}
END_TEST

START_TEST(pause_keeps_the_state) {
	struct rig rig;
	rig_init_started(&rig, &pausable);
	for (unsigned i = 1; i <= 3; i++) {
		rig_expect_echo(&rig);
		ck_assert_int_eq(vmm_device_stop(&rig.device), 0);
		ck_assert_uint_eq(rig.echo.suspends, i);
		ck_assert_int_eq(vmm_device_start(&rig.device), 0);
		ck_assert_uint_eq(rig.echo.resumes, i);
	}
	rig_expect_echo(&rig);
	ck_assert_uint_eq(rig.echo.resets, 0);
	rig_finish(&rig);
	ck_assert_uint_eq(rig.echo.resets, 1);
}
END_TEST

/* What a front-end does that does not send RESET_DEVICE: rings begin at 0 again. */
START_TEST(new_driver_resets_the_state) {
	struct rig rig;
	rig_init_started(&rig, &pausable);
	rig_expect_echo(&rig);
	ck_assert_int_eq(vmm_device_stop(&rig.device), 0);
	ck_assert_uint_eq(rig.echo.resets, 0);
	for (unsigned i = 0; i < 2; i++) {
		vmm_queue_clear(&rig.device.queues[i]);
		rig.device.bases[i] = 0;
	}
	ck_assert_int_eq(vmm_device_start(&rig.device), 0);
	ck_assert_uint_eq(rig.echo.suspends, 1);
	ck_assert_uint_eq(rig.echo.resumes, 0);
	ck_assert_uint_eq(rig.echo.resets, 1);
	rig_expect_echo(&rig);
	ck_assert_uint_eq(rig.echo.resets, 1);
	rig_finish(&rig);
}
END_TEST

START_TEST(reset_device_resets_at_once) {
	struct rig rig;
	rig_init_started(&rig, _i == 0 ? &defaults : &pausable);
	rig_expect_echo(&rig);
	ck_assert_int_eq(vmm_call(&rig.device, VHOST_RESET_DEVICE, NULL, 0, NULL, 0), 0);
	ck_assert_uint_eq(rig.echo.resets, 1);
	ck_assert_int_eq(vmm_call(&rig.device, VHOST_RESET_DEVICE, NULL, 0, NULL, 0), 0);
	ck_assert_uint_eq(rig.echo.resets, 1);
	ck_assert_int_eq(vmm_device_reset(&rig.device), 0);
	ck_assert_uint_eq(rig.echo.resets, 1);
	ck_assert_int_eq(vmm_device_start(&rig.device), 0);
	rig_expect_echo(&rig);
	rig_finish(&rig);
}
END_TEST

START_TEST(status_0_of_a_running_device_resets) {
	struct rig rig;
	const uint64_t status = 0;
	rig_init_started(&rig, &pausable);
	rig_expect_echo(&rig);
	ck_assert_int_eq(vmm_call(&rig.device, VHOST_SET_STATUS, &status, 8, NULL, 0), 0);
	ck_assert_uint_eq(rig.echo.resets, 1);
	rig_finish(&rig);
}
END_TEST

/* A guest that resets a thousand times. */
START_TEST(many_drivers_one_after_another) {
	struct rig rig;
	rig_init_started(&rig, &pausable);
	for (unsigned i = 0; i < 1000; i++) {
		rig_expect_echo(&rig);
		ck_assert_int_eq(vmm_device_reset(&rig.device), 0);
		ck_assert_int_eq(vmm_device_start(&rig.device), 0);
	}
	ck_assert_uint_eq(rig.echo.resets, 1000);
	ck_assert_uint_eq(rig.echo.chains, 1000);
	rig_finish(&rig);
}
END_TEST

/* --- fairness ----------------------------------------------------------------------------------------- */

START_TEST(work_per_wake_up_is_bounded) {
	struct rig rig;
	rig_init_started(&rig, &defaults);
	rig_settle(&rig);
	const struct vmm_buffer buffer = { vmm_ram_alloc(&rig.ram, 64, 8), 64, true };
	struct vmm_queue *queue = &rig.device.queues[0];
	while (vmm_queue_add(queue, &buffer, 1, false) >= 0) {
	}
	vmm_queue_kick(queue);
	uint64_t chains = 0;
	unsigned rounds = 0;
	while (rig.echo.chains < queue->size) {
		ck_assert_int_gt(loop_dispatch(rig.loop, 0), 0);
		ck_assert_uint_le(rig.echo.chains - chains, ECHO_CHAINS_PER_CALL);
		chains = rig.echo.chains;
		rounds++;
	}
	ck_assert_uint_eq(rounds, queue->size / ECHO_CHAINS_PER_CALL);
	rig_finish(&rig);
}
END_TEST

START_TEST(schedule_calls_the_queue) {
	struct rig rig;
	rig_init_started(&rig, &defaults);
	rig_settle(&rig);
	unsigned calls = rig.echo.queue_calls;
	vhost_session_schedule(rig.echo.session, 1);
	vhost_session_schedule(rig.echo.session, 1);
	ck_assert_uint_eq(rig.echo.queue_calls, calls); /* from the loop, not now */
	rig_settle(&rig);
	ck_assert_uint_eq(rig.echo.queue_calls, calls + 1);
	rig_finish(&rig);
}
END_TEST

/* Messages without pause: a ring is served between them. */
START_TEST(talkative_front_end_does_not_starve_rings) {
	struct rig rig;
	rig_init_started(&rig, &defaults);
	rig_settle(&rig);
	const struct vmm_buffer buffer = { vmm_ram_alloc(&rig.ram, 64, 8), 64, true };
	for (int i = 0; i < 64; i++) {
		ck_assert_int_eq(
			vmm_send(&rig.device, VHOST_SET_OWNER, VHOST_VERSION, NULL, 0, NULL, 0), 0);
	}
	ck_assert_int_ge(vmm_queue_add(&rig.device.queues[0], &buffer, 1, false), 0);
	vmm_queue_kick(&rig.device.queues[0]);
	uint64_t messages = *stats_value(&rig.stats, "", "vhost.messages");
	loop_dispatch(rig.loop, 0);
	ck_assert_uint_eq(rig.echo.chains, 1);
	ck_assert_uint_lt(*stats_value(&rig.stats, "", "vhost.messages") - messages, 64);
	rig_finish(&rig);
}
END_TEST

/* A front-end that asks and asks and reads nothing: we stop reading, and block nobody. */
START_TEST(front_end_that_does_not_read) {
	struct rig rig;
	rig_init_started(&rig, &defaults);
	const struct vhost_header question = { VHOST_GET_FEATURES, VHOST_VERSION, 0 };
	unsigned asked = 0;
	ssize_t sent;
	do {
		sent = fd_send(rig.device.socket, &question, sizeof(question), NULL, 0);
		asked += sent == sizeof(question) ? 1 : 0;
		loop_dispatch(rig.loop, 0);
	} while (sent == sizeof(question));
	ck_assert_int_eq(sent, -EAGAIN);

	const struct vmm_buffer buffer = { vmm_ram_alloc(&rig.ram, 64, 8), 64, true };
	struct vmm_used used;
	ck_assert_int_ge(vmm_queue_add(&rig.device.queues[0], &buffer, 1, false), 0);
	vmm_queue_kick(&rig.device.queues[0]);
	rig_settle(&rig);
	ck_assert(vmm_queue_take(&rig.device.queues[0], &used));

	struct vmm_message reply;
	for (unsigned i = 0; i < asked; i++) {
		ck_assert_int_eq(vmm_receive(&rig.device, &reply), 0);
		ck_assert_uint_eq(reply.request, VHOST_GET_FEATURES);
	}
	rig_expect_alive(&rig);
	rig_finish(&rig);
}
END_TEST

/* --- the configuration's change ----------------------------------------------------------------------- */

START_TEST(config_change_waits_for_the_start) {
	struct rig rig;
	rig_init(&rig, &defaults);
	ck_assert_int_eq(vhost_session_config_changed(rig.echo.session), 0);
	ck_assert_int_eq(vhost_session_config_changed(rig.echo.session), 0);
	rig_expect_alive(&rig);
	ck_assert_uint_eq(rig.device.config_changes, 0); /* a suspended device is silent */
	ck_assert_int_eq(vmm_device_start(&rig.device), 0);
	ck_assert_int_eq(vmm_wait_config_change(&rig.device, 0), 0);
	ck_assert_uint_eq(rig.device.config_changes, 1);
	ck_assert_int_eq(vhost_session_config_changed(rig.echo.session), 0);
	ck_assert_int_eq(vmm_wait_config_change(&rig.device, 1), 0);
	rig_finish(&rig);
}
END_TEST

START_TEST(config_change_needs_a_channel) {
	struct rig rig;
	const struct rig_options options = {
		.device.protocol_features_refused = BIT(VHOST_F_BACKEND_REQ),
	};
	rig_init_started(&rig, &options);
	ck_assert_int_eq(vhost_session_config_changed(rig.echo.session), -ENOTSUP);
	rig_finish(&rig);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("protocol vhost_session");
	TCase *life = suite_case(suite, "life");
	tcase_add_loop_test(life, echoes_requests, 0, ARRAY_LEN(front_ends));
	tcase_add_test(life, create_fails_cleanly);
	tcase_add_test(life, destroy_stops_and_resets);
	tcase_add_loop_test(life, hang_up_at_any_time_frees_everything, 0, 5);
	TCase *stop = suite_case(suite, "stop");
	tcase_add_test(stop, stop_resets_a_device_that_cannot_pause);
	tcase_add_test(stop, pause_keeps_the_state);
	tcase_add_test(stop, new_driver_resets_the_state);
	tcase_add_loop_test(stop, reset_device_resets_at_once, 0, 2);
	tcase_add_test(stop, status_0_of_a_running_device_resets);
	tcase_add_test(stop, many_drivers_one_after_another);
	TCase *fair = suite_case(suite, "fairness");
	tcase_add_test(fair, work_per_wake_up_is_bounded);
	tcase_add_test(fair, schedule_calls_the_queue);
	tcase_add_test(fair, talkative_front_end_does_not_starve_rings);
	tcase_add_test(fair, front_end_that_does_not_read);
	TCase *config = suite_case(suite, "configuration");
	tcase_add_test(config, config_change_waits_for_the_start);
	tcase_add_test(config, config_change_needs_a_channel);
	return suite;
}
