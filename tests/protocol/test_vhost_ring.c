#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/macros.h"
#include "protocol/vhost_message.h"
#include "protocol/vhost_session.h"
#include "tests/protocol/rig.h"
#include "tests/suite.h"

#define BIT(n) (UINT64_C(1) << (n))

static const struct rig_options defaults;

static int call_state(struct rig *rig, uint32_t request, uint32_t index, uint32_t number) {
	uint32_t state[2] = { index, number };
	return vmm_call(&rig->device, request, state, sizeof(state), NULL, 0);
}

static int call_fd(struct rig *rig, uint32_t request, uint64_t word, int fd) {
	return vmm_call(&rig->device, request, &word, sizeof(word), &fd, fd >= 0 ? 1 : 0);
}

static uint32_t get_base(struct rig *rig, uint32_t index) {
	uint32_t state[2] = { index, 0 };
	ck_assert_int_eq(
		vmm_ask(&rig->device, VHOST_GET_VRING_BASE, state, 8, state, sizeof(state)), 0);
	ck_assert_uint_eq(state[0], index);
	return state[1];
}

/* Features, memory, and ring 0 with size, base and addresses; not started, not enabled. */
static void prepare_ring(struct rig *rig) {
	struct vmm_queue *queue = &rig->device.queues[0];
	const uint64_t features = rig->device.features;
	struct {
		uint32_t index, flags;
		uint64_t descriptors, used, avail, log;
	} addresses = {
		.descriptors = vmm_ram_user_address(&rig->ram, queue->descriptors_address),
		.used = vmm_ram_user_address(&rig->ram, queue->used_address),
		.avail = vmm_ram_user_address(&rig->ram, queue->avail_address),
	};
	queue->event_idx = true;
	ck_assert_int_eq(vmm_call(&rig->device, VHOST_SET_FEATURES, &features, 8, NULL, 0), 0);
	ck_assert_int_eq(vmm_memory_share(&rig->device), 0);
	ck_assert_int_eq(call_state(rig, VHOST_SET_VRING_NUM, 0, queue->size), 0);
	ck_assert_int_eq(call_state(rig, VHOST_SET_VRING_BASE, 0, 0), 0);
	ck_assert_int_eq(vmm_call(&rig->device, VHOST_SET_VRING_ADDR, &addresses, sizeof(addresses),
				 NULL, 0),
		0);
}

static void add_one(struct rig *rig, unsigned index) {
	const struct vmm_buffer buffer = { vmm_ram_alloc(&rig->ram, 64, 8), 64, true };
	ck_assert_int_ge(vmm_queue_add(&rig->device.queues[index], &buffer, 1, false), 0);
}

/* --- start ------------------------------------------------------------------------------------------- */

/* No kick is ever written: SET_VRING_KICK starts the ring, and what is there is served. */
START_TEST(set_kick_starts_the_ring) {
	struct rig rig;
	rig_init(&rig, &defaults);
	prepare_ring(&rig);
	add_one(&rig, 0);
	ck_assert_int_eq(call_state(&rig, VHOST_SET_VRING_ENABLE, 0, 1), 0);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.echo.chains, 0);
	ck_assert_int_eq(call_fd(&rig, VHOST_SET_VRING_KICK, 0, rig.device.queues[0].kick_fd), 0);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.echo.chains, 1);
	rig_finish(&rig);
}
END_TEST

START_TEST(kick_before_enable_is_honoured) {
	struct rig rig;
	rig_init(&rig, &defaults);
	prepare_ring(&rig);
	ck_assert_int_eq(call_fd(&rig, VHOST_SET_VRING_KICK, 0, rig.device.queues[0].kick_fd), 0);
	add_one(&rig, 0);
	vmm_queue_kick_always(&rig.device.queues[0]);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.echo.chains, 0);
	ck_assert_int_eq(call_state(&rig, VHOST_SET_VRING_ENABLE, 0, 1), 0);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.echo.chains, 1);
	rig_finish(&rig);
}
END_TEST

START_TEST(ring_without_kick_descriptor_is_polled) {
	struct rig rig;
	struct vmm_used used;
	rig_init(&rig, &defaults);
	prepare_ring(&rig);
	ck_assert_int_eq(call_state(&rig, VHOST_SET_VRING_ENABLE, 0, 1), 0);
	ck_assert_int_eq(call_fd(&rig, VHOST_SET_VRING_KICK, 0x100, -1), 0);
	for (int i = 0; i < 3; i++) {
		add_one(&rig, 0);
		ck_assert_int_eq(vmm_wait_used(&rig.device, 0, &used), 0);
	}
	/* with a descriptor again the polling ends */
	ck_assert_int_eq(call_fd(&rig, VHOST_SET_VRING_KICK, 0, rig.device.queues[0].kick_fd), 0);
	rig_expect_echo(&rig);
	rig_finish(&rig);
}
END_TEST

START_TEST(ring_without_call_descriptor_is_served) {
	struct rig rig;
	struct vmm_used used;
	rig_init_started(&rig, &defaults);
	ck_assert_int_eq(call_fd(&rig, VHOST_SET_VRING_CALL, 0x100, -1), 0);
	fd_event_take(rig.device.queues[0].call_fd);
	add_one(&rig, 0);
	vmm_queue_kick(&rig.device.queues[0]);
	rig_settle(&rig);
	ck_assert_uint_eq(fd_event_take(rig.device.queues[0].call_fd), 0);
	ck_assert(vmm_queue_take(&rig.device.queues[0], &used));
	/* who gives a descriptor late is told that there was something */
	ck_assert_int_eq(call_fd(&rig, VHOST_SET_VRING_CALL, 0, rig.device.queues[0].call_fd), 0);
	ck_assert_uint_eq(fd_event_take(rig.device.queues[0].call_fd), 1);
	rig_finish(&rig);
}
END_TEST

START_TEST(addresses_in_no_region_do_not_start) {
	struct rig rig;
	rig_init(&rig, &defaults);
	prepare_ring(&rig);
	const struct {
		uint32_t index, flags;
		uint64_t descriptors, used, avail, log;
	} nowhere = { 0, 0, 0x1000, 0x2000, 0x3000, 0 };
	ck_assert_int_eq(
		vmm_call(&rig.device, VHOST_SET_VRING_ADDR, &nowhere, sizeof(nowhere), NULL, 0), 0);
	ck_assert_int_eq(call_fd(&rig, VHOST_SET_VRING_KICK, 0, rig.device.queues[0].kick_fd), 0);
	ck_assert_int_eq(call_state(&rig, VHOST_SET_VRING_ENABLE, 0, 1), 0);
	add_one(&rig, 0);
	vmm_queue_kick_always(&rig.device.queues[0]);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.echo.chains, 0);
	ck_assert_uint_eq(get_base(&rig, 0), 0);
	rig_finish(&rig);
}
END_TEST

/* --- stop -------------------------------------------------------------------------------------------- */

START_TEST(base_of_a_ring_that_never_ran) {
	struct rig rig;
	rig_init(&rig, &defaults);
	ck_assert_uint_eq(get_base(&rig, 0), 0);
	ck_assert_int_eq(call_state(&rig, VHOST_SET_VRING_BASE, 1, 77), 0);
	ck_assert_uint_eq(get_base(&rig, 1), 77);
	ck_assert_uint_eq(rig.echo.resets, 0);
	rig_finish(&rig);
}
END_TEST

START_TEST(get_base_stops_the_ring) {
	struct rig rig;
	rig_init_started(&rig, &defaults);
	for (int i = 0; i < 5; i++) {
		rig_expect_echo(&rig);
	}
	ck_assert_uint_eq(get_base(&rig, 0), 5);
	add_one(&rig, 0);
	vmm_queue_kick_always(&rig.device.queues[0]);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.echo.chains, 5);
	ck_assert_uint_eq(get_base(&rig, 0), 5);
	ck_assert_uint_eq(rig.echo.resets, 0); /* the other ring runs */
	ck_assert_uint_eq(get_base(&rig, 1), 0);
	ck_assert_uint_eq(rig.echo.resets, 1);
	rig_finish(&rig);
}
END_TEST

/* What is in flight is completed before the ring's stop is answered. */
START_TEST(stop_completes_what_is_in_flight) {
	struct rig rig;
	struct vmm_used used;
	rig_init_started(&rig, &defaults);
	for (int i = 0; i < 6; i++) {
		add_one(&rig, 1);
	}
	vmm_queue_kick(&rig.device.queues[1]);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.echo.held_len, 6);
	if (_i == 0) {
		ck_assert_uint_eq(get_base(&rig, 1), 6);
	} else {
		ck_assert_int_eq(call_state(&rig, VHOST_SET_VRING_ENABLE, 1, 0), 0);
	}
	for (int i = 0; i < 6; i++) {
		ck_assert(vmm_queue_take(&rig.device.queues[1], &used));
		ck_assert_uint_eq(used.bytes, 64);
	}
	rig_finish(&rig);
}
END_TEST

START_TEST(disabled_ring_is_left_alone) {
	struct rig rig;
	rig_init_started(&rig, &defaults);
	rig_expect_echo(&rig);
	ck_assert_int_eq(call_state(&rig, VHOST_SET_VRING_ENABLE, 0, 0), 0);
	add_one(&rig, 0);
	vmm_queue_kick_always(&rig.device.queues[0]);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.echo.chains, 1);
	ck_assert_int_eq(call_state(&rig, VHOST_SET_VRING_ENABLE, 0, 1), 0);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.echo.chains, 2);
	rig_finish(&rig);
}
END_TEST

/* --- trouble ----------------------------------------------------------------------------------------- */

START_TEST(broken_ring_breaks_nothing_else) {
	struct rig rig;
	rig_init_started(&rig, &defaults);
	struct vmm_queue *queue = &rig.device.queues[1];
	vmm_queue_add_head(queue, queue->size);
	vmm_queue_kick_always(queue);
	rig_settle(&rig);
	ck_assert_uint_eq(fd_event_take(queue->error_fd), 1);
	rig_expect_echo(&rig);
	vmm_queue_kick_always(queue);
	rig_settle(&rig);
	ck_assert_uint_eq(fd_event_take(queue->error_fd), 0); /* once */

	/* the driver resets: as new */
	ck_assert_int_eq(vmm_device_reset(&rig.device), 0);
	ck_assert_int_eq(vmm_device_start(&rig.device), 0);
	add_one(&rig, 1);
	vmm_queue_kick(queue);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.echo.held_len, 1);
	rig_finish(&rig);
}
END_TEST

START_TEST(storm_of_kicks_on_an_empty_ring) {
	struct rig rig;
	rig_init_started(&rig, &defaults);
	for (int i = 0; i < 10000; i++) {
		vmm_queue_kick_always(&rig.device.queues[0]);
		loop_dispatch(rig.loop, 0);
	}
	rig_expect_echo(&rig);
	rig_finish(&rig);
}
END_TEST

/* A kick descriptor that is always readable and can never be read. */
START_TEST(kick_descriptor_without_end) {
	struct rig rig;
	rig_init_started(&rig, &defaults);
	int event = fd_eventfd_create(false);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event wish = { .events = EPOLLOUT };
	ck_assert_int_eq(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &wish), 0);
	ck_assert_int_eq(call_fd(&rig, VHOST_SET_VRING_KICK, 0, epoll), 0);
	rig_settle(&rig);
	ck_assert_int_eq(loop_dispatch(rig.loop, 0), 0); /* let go of, not spun on */
	rig_expect_alive(&rig);
	close(epoll);
	close(event);
	rig_finish(&rig);
}
END_TEST

START_TEST(pipes_instead_of_eventfds) {
	struct rig rig;
	struct vmm_used used;
	int kick[2], call[2];
	uint64_t word = 1;
	rig_init_started(&rig, &defaults);
	ck_assert_int_eq(pipe2(kick, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(pipe2(call, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(call_fd(&rig, VHOST_SET_VRING_CALL, 0, call[1]), 0);
	ck_assert_int_eq(call_fd(&rig, VHOST_SET_VRING_KICK, 0, kick[0]), 0);
	while (read(call[0], &word, sizeof(word)) > 0) {
	}
	add_one(&rig, 0);
	ck_assert_int_eq(write(kick[1], &word, sizeof(word)), sizeof(word));
	rig_settle(&rig);
	ck_assert(vmm_queue_take(&rig.device.queues[0], &used));
	ck_assert_int_eq(read(call[0], &word, sizeof(word)), sizeof(word));

	/* nobody reads any more, nobody writes any more: no signal ends us, nothing spins */
	close(call[0]);
	close(call[1]);
	add_one(&rig, 0);
	ck_assert_int_eq(write(kick[1], &word, sizeof(word)), sizeof(word));
	close(kick[1]);
	rig_settle(&rig);
	ck_assert(vmm_queue_take(&rig.device.queues[0], &used));
	ck_assert_int_eq(loop_dispatch(rig.loop, 0), 0);
	close(kick[0]);
	rig_finish(&rig);
}
END_TEST

START_TEST(memory_changes_while_running) {
	struct rig rig;
	const struct rig_options options = { .ram.regions_len = 2, .ram.hole_bytes = 1 << 20 };
	rig_init_started(&rig, &options);
	rig_expect_echo(&rig);
	/* the rings are in region 0; region 1 comes and goes */
	ck_assert_int_eq(vmm_memory_remove(&rig.device, &rig.ram.regions[1]), 0);
	ck_assert_uint_eq(rig.echo.memory_changes, 1);
	rig_expect_echo(&rig);
	ck_assert_int_eq(vmm_memory_add(&rig.device, &rig.ram.regions[1], rig.ram.fd), 0);
	ck_assert_uint_eq(rig.echo.memory_changes, 1);
	rig_expect_echo(&rig);

	/* under the rings: silent while it is away, served when it is back */
	ck_assert_int_eq(vmm_memory_remove(&rig.device, &rig.ram.regions[0]), 0);
	add_one(&rig, 0);
	vmm_queue_kick_always(&rig.device.queues[0]);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.echo.chains, 3);
	ck_assert_int_eq(vmm_memory_add(&rig.device, &rig.ram.regions[0], rig.ram.fd), 0);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.echo.chains, 4);
	rig_finish(&rig);
}
END_TEST

/* A VMM that cuts its memory short while we have it ends this process, by design: the endpoint's. */
START_TEST(memory_cut_short_ends_the_process) {
	struct rig rig;
	const struct rig_options options = { .ram.unsealed = true };
	signal(SIGBUS, SIG_DFL); /* a sanitizer would make a report of it */
	rig_init_started(&rig, &options);
	rig_settle(&rig);
	ck_assert_int_eq(ftruncate(rig.ram.fd, 0), 0);
	vmm_queue_kick_always(&rig.device.queues[0]);
	rig_settle(&rig);
	ck_abort_msg("nothing happened");
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("protocol vhost_ring");
	TCase *start = suite_case(suite, "start");
	tcase_add_test(start, set_kick_starts_the_ring);
	tcase_add_test(start, kick_before_enable_is_honoured);
	tcase_add_test(start, ring_without_kick_descriptor_is_polled);
	tcase_add_test(start, ring_without_call_descriptor_is_served);
	tcase_add_test(start, addresses_in_no_region_do_not_start);
	TCase *stop = suite_case(suite, "stop");
	tcase_add_test(stop, base_of_a_ring_that_never_ran);
	tcase_add_test(stop, get_base_stops_the_ring);
	tcase_add_loop_test(stop, stop_completes_what_is_in_flight, 0, 2);
	tcase_add_test(stop, disabled_ring_is_left_alone);
	TCase *trouble = suite_case(suite, "trouble");
	tcase_add_test(trouble, broken_ring_breaks_nothing_else);
	tcase_add_test(trouble, storm_of_kicks_on_an_empty_ring);
	tcase_add_test(trouble, kick_descriptor_without_end);
	tcase_add_test(trouble, pipes_instead_of_eventfds);
	tcase_add_test(trouble, memory_changes_while_running);
	tcase_add_test_raise_signal(
		suite_case(suite, "fault"), memory_cut_short_ends_the_process, SIGBUS);
	return suite;
}
