/*
 * Every process killed and stopped, by step: the picture falls back within the configured ticks, what
 * died is started anew on the same pools, pictures come back, and nothing is leaked.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/flow/expect.h"
#include "tests/flow/guest.h"
#include "tests/suite.h"
#include "tests/support/process.h"

#define HOLD_TICKS 3  /* 40 ms at 60 Hz */
#define STUCK_TICKS 30 /* unanswered, until a process counts as stuck (compositor/guest.h) */
#define RECOVER_TICKS 2

/* faults follow each other as fast as the test can make them: no latch, no quarantine */
static const char cockpit[] = "outputs:\n"
			      "  - name: main\n"
			      "    mode: 640x480@step\n"
			      "    flicker_max: 0\n"
			      "guests:\n"
			      "  - name: cluster\n"
			      "  - name: ivi\n"
			      "layers:\n"
			      "  - name: cluster\n"
			      "    at: 32,16\n"
			      "    size: 320x120\n"
			      "    critical: true\n"
			      "    quarantine: never\n"
			      "    hold_ms: 40\n"
			      "    recover_frames: 2\n"
			      "  - name: ivi\n"
			      "    at: 200,200\n"
			      "    size: 256x192\n"
			      "    hold_ms: 40\n"
			      "    recover_frames: 2\n"
			      "sound:\n"
			      "  sink: memory\n"
			      "  clock: streams\n";

static const struct rect cluster_whole = { 0, 0, 320, 120 };
static const struct rect ivi_whole = { 0, 0, 256, 192 };
static const char *const cluster_missing[] = { "cluster", NULL };

struct rig {
	struct service service;
	struct expect expect;
	struct guest_display cluster, ivi;
	uint32_t seed;
};

static void rig_start(struct rig *rig) {
	*rig = (struct rig) { 0 };
	service_start(&rig->service, cockpit, NULL);
	expect_init(&rig->expect, &rig->service);
	guest_display_start(&rig->cluster, &rig->service, "cluster", 320, 120);
	guest_display_start(&rig->ivi, &rig->service, "ivi", 256, 192);
	guest_display_show(&rig->cluster, 1);
	guest_display_show(&rig->ivi, 2);
	service_leave_fallback(&rig->service);
	expect_guest(&rig->service, 1, &cluster_whole, 32, 16);
	expect_guest(&rig->service, 2, &ivi_whole, 200, 200);
}

static void rig_stop(struct rig *rig) {
	guest_display_stop(&rig->cluster);
	guest_display_stop(&rig->ivi);
	expect_finish(&rig->expect);
	service_stop(&rig->service);
}

/* A tick that the other guest lives through. */
static void step(struct rig *rig, unsigned ticks) {
	for (; ticks > 0; ticks--) {
		guest_display_show(&rig->ivi, 100 + ++rig->seed);
		service_step(&rig->service, 1);
		guest_display_sync(&rig->ivi);
		expect_guest(&rig->service, 100 + rig->seed, &ivi_whole, 200, 200);
	}
}

static void expect_same(struct service_holdings before, struct service_holdings after) {
	ck_assert_uint_eq(after.fds, before.fds);
	ck_assert_uint_eq(after.maps, before.maps);
}

/* The cluster's machine is started again and draws. */
static void return_cluster(struct rig *rig) {
	guest_display_start(&rig->cluster, &rig->service, "cluster", 320, 120);
	for (unsigned i = 0; i <= RECOVER_TICKS; i++) {
		guest_display_show(&rig->cluster, 50 + i);
		step(rig, 1);
		guest_display_sync(&rig->cluster);
	}
	service_leave_fallback(&rig->service);
	expect_guest(&rig->service, 50 + RECOVER_TICKS, &cluster_whole, 32, 16);
}

/* Sockets close well before a process has ended, and its end is what the compositor sees. */
static void kill_wholly(pid_t pid) {
	int process = (int)syscall(SYS_pidfd_open, pid, 0);
	ck_assert_int_ge(process, 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	struct pollfd ended = { .fd = process, .events = POLLIN };
	ck_assert_int_eq(poll(&ended, 1, SERVICE_WAIT_MS), 1);
	close(process);
}

START_TEST(killed_gpu_endpoint) {
	struct rig rig;
	rig_start(&rig);
	pid_t keeper = service_pid(&rig.service, "keeper");
	pid_t compositor = service_pid(&rig.service, "compositor");
	struct service_holdings keeper_before = service_holdings(keeper);
	struct service_holdings compositor_before = service_holdings(compositor);

	for (unsigned round = 1; round <= 3; round++) {
		kill_wholly(service_pid(&rig.service, "gpu-cluster"));
		ck_assert_int_eq(vmm_wait_hangup(&rig.cluster.device), 0);
		step(&rig, 1);
		step(&rig, HOLD_TICKS);
		expect_fallback(&rig.expect, &rig.service, cluster_missing);

		guest_display_stop(&rig.cluster);
		service_wait_starts(&rig.service, "gpu-cluster", 1 + round);
		ck_assert_uint_eq(
			service_value(&rig.service, "keeper", "process.gpu-cluster.crashes"),
			round);
		return_cluster(&rig);
	}
	expect_same(keeper_before, service_holdings(keeper));
	expect_same(compositor_before, service_holdings(compositor));
	ck_assert_int_eq(service_pid(&rig.service, "compositor"), compositor);
	rig_stop(&rig);
}
END_TEST

START_TEST(stopped_gpu_endpoint) {
	struct rig rig;
	rig_start(&rig);
	pid_t pid = service_pid(&rig.service, "gpu-cluster");
	for (unsigned round = 1; round <= 3; round++) {
		/* no tick of before is unanswered: those would count too */
		guest_display_sync(&rig.cluster);
		ck_assert(process_stop(pid));
		step(&rig, STUCK_TICKS);
		expect_guest(
			&rig.service, round == 1 ? 1 : 60 + RECOVER_TICKS, &cluster_whole, 32, 16);
		step(&rig, 1 + HOLD_TICKS + 1);
		expect_fallback(&rig.expect, &rig.service, cluster_missing);

		ck_assert_int_eq(kill(pid, SIGCONT), 0);
		for (unsigned i = 0; i <= RECOVER_TICKS; i++) {
			guest_display_show(&rig.cluster, 60 + i);
			guest_display_sync(&rig.cluster);
			step(&rig, 1);
		}
		guest_display_sync(&rig.cluster);
		service_leave_fallback(&rig.service);
		expect_guest(&rig.service, 60 + RECOVER_TICKS, &cluster_whole, 32, 16);
	}
	ck_assert_int_eq(service_pid(&rig.service, "gpu-cluster"), pid);
	rig_stop(&rig);
}
END_TEST

/* One that stays stopped is ended by the keeper, and replaced. The test's clock must go on meanwhile:
 * where no tick passes, silence means nothing. */
START_TEST(gpu_endpoint_stopped_for_good) {
	struct rig rig;
	rig_start(&rig);
	ck_assert(process_stop(service_pid(&rig.service, "gpu-cluster")));
	for (unsigned ms = 0; ms < SERVICE_WAIT_MS &&
		service_value(&rig.service, "keeper", "process.gpu-cluster.starts") == 1;
		ms += 100) {
		step(&rig, 1);
		usleep(100000);
	}
	expect_fallback(&rig.expect, &rig.service, cluster_missing);
	service_wait_starts(&rig.service, "gpu-cluster", 2);
	guest_display_stop(&rig.cluster);
	return_cluster(&rig);
	rig_stop(&rig);
}
END_TEST

/* What the guests had drawn is in the pools: it is back before they draw again. */
START_TEST(killed_compositor) {
	struct rig rig;
	rig_start(&rig);
	pid_t keeper = service_pid(&rig.service, "keeper");
	struct service_holdings before = service_holdings(keeper);
	for (unsigned round = 1; round <= 3; round++) {
		ck_assert_int_eq(kill(service_pid(&rig.service, "compositor"), SIGKILL), 0);
		service_wait_starts(&rig.service, "compositor", 1 + round);
		guest_display_sync(&rig.cluster);
		guest_display_sync(&rig.ivi);
		for (unsigned i = 0; i < 1 + RECOVER_TICKS; i++) {
			service_step(&rig.service, 1);
			guest_display_sync(&rig.cluster);
			guest_display_sync(&rig.ivi);
		}
		service_leave_fallback(&rig.service);
		expect_guest(&rig.service, 1, &cluster_whole, 32, 16);
		expect_guest(&rig.service, 2, &ivi_whole, 200, 200);
	}
	expect_same(before, service_holdings(keeper));
	guest_display_show(&rig.cluster, 9);
	service_step(&rig.service, 1);
	expect_guest(&rig.service, 9, &cluster_whole, 32, 16);
	rig_stop(&rig);
}
END_TEST

/* No guest waits for it, and what they drew last is what it goes on with. */
/* In real time, as only there standing still is a fault. */
START_TEST(hanging_compositor) {
	static const char real_time[] = "outputs:\n"
					"  - name: main\n"
					"    mode: 640x480@60\n"
					"guests:\n"
					"  - name: ivi\n"
					"layers:\n"
					"  - name: ivi\n"
					"    at: 0,0\n"
					"    size: 256x192\n";
	struct service service;
	char text[512];
	service_start_injectable(&service, real_time);
	for (unsigned round = 1; round <= 3; round++) {
		uint64_t ticks = service_value(&service, "compositor", "output.main.ticks");
		service_wait_at_least(&service, "compositor", "output.main.ticks", ticks + 70);
		pid_t before = service_pid(&service, "compositor");
		ck_assert_int_eq(
			service_command(&service, text, sizeof(text), "inject", "hang", NULL), 0);
		service_wait_starts(&service, "compositor", 1 + round);
		ck_assert_int_ne(service_pid(&service, "compositor"), before);
		/* whose first picture is there, and which goes on */
		ticks = service_value(&service, "compositor", "output.main.ticks");
		service_wait_at_least(&service, "compositor", "output.main.ticks", ticks + 2);
	}
	service_stop(&service);
}
END_TEST

START_TEST(stopped_compositor) {
	struct rig rig;
	rig_start(&rig);
	pid_t compositor = service_pid(&rig.service, "compositor");
	for (unsigned round = 1; round <= 3; round++) {
		ck_assert(process_stop(compositor));
		for (unsigned i = 0; i < 20; i++) {
			guest_display_show(&rig.cluster, 10 * round + i);
			guest_display_show(&rig.ivi, 10 * round + i);
		}
		ck_assert_int_eq(kill(compositor, SIGCONT), 0);
		service_step(&rig.service, 1);
		/* what was over the budget of flushes is published at a tick */
		guest_display_sync(&rig.cluster);
		guest_display_sync(&rig.ivi);
		service_step(&rig.service, 1);
		expect_guest(&rig.service, 10 * round + 19, &cluster_whole, 32, 16);
		expect_guest(&rig.service, 10 * round + 19, &ivi_whole, 200, 200);
	}
	ck_assert_int_eq(service_pid(&rig.service, "compositor"), compositor);
	rig_stop(&rig);
}
END_TEST

/* ---- sound ---- */

START_TEST(killed_sound_endpoint) {
	struct rig rig;
	struct guest_player cluster, ivi;
	struct guest_player *const both[] = { &cluster, &ivi };
	rig_start(&rig);
	pid_t keeper = service_pid(&rig.service, "keeper");
	pid_t mixer = service_pid(&rig.service, "mixer");
	guest_player_start(&cluster, &rig.service, "cluster", 0);
	guest_player_start(&ivi, &rig.service, "ivi", 500);
	guest_players_play(both, 2, 20);
	struct service_holdings keeper_before = service_holdings(keeper);
	struct service_holdings mixer_before = service_holdings(mixer);
	for (unsigned round = 1; round <= 3; round++) {
		ck_assert_int_eq(kill(service_pid(&rig.service, "sound-cluster"), SIGKILL), 0);
		guest_player_play(&ivi, 50);
		service_wait_starts(&rig.service, "sound-cluster", 1 + round);
		guest_player_stop(&cluster);
		guest_player_start(&cluster, &rig.service, "cluster", 0);
		guest_players_play(both, 2, 20);
	}
	/* pictures were none of its business */
	step(&rig, 1);
	expect_guest(&rig.service, 1, &cluster_whole, 32, 16);
	expect_same(keeper_before, service_holdings(keeper));
	expect_same(mixer_before, service_holdings(mixer));
	guest_player_stop(&cluster);
	guest_player_stop(&ivi);
	rig_stop(&rig);
}
END_TEST

/* The sink waits for its streams, but not for ever for one that does not answer. */
START_TEST(stopped_sound_endpoint) {
	struct rig rig;
	struct guest_player cluster, ivi;
	struct guest_player *const both[] = { &cluster, &ivi };
	rig_start(&rig);
	pid_t pid = service_pid(&rig.service, "sound-cluster");
	guest_player_start(&cluster, &rig.service, "cluster", 0);
	guest_player_start(&ivi, &rig.service, "ivi", 500);
	guest_players_play(both, 2, 20);
	for (unsigned round = 0; round < 2; round++) {
		ck_assert(process_stop(pid));
		guest_player_play(&ivi, 50);
		step(&rig, 1);
		ck_assert_int_eq(kill(pid, SIGCONT), 0);
		guest_players_play(both, 2, 20);
	}
	ck_assert_int_eq(service_pid(&rig.service, "sound-cluster"), pid);
	guest_player_stop(&cluster);
	guest_player_stop(&ivi);
	rig_stop(&rig);
}
END_TEST

START_TEST(killed_mixer) {
	struct rig rig;
	struct guest_player player;
	rig_start(&rig);
	pid_t keeper = service_pid(&rig.service, "keeper");
	struct service_holdings before = service_holdings(keeper);
	guest_player_start(&player, &rig.service, "ivi", 500);
	guest_player_play(&player, 20);
	for (unsigned round = 1; round <= 3; round++) {
		ck_assert_int_eq(kill(service_pid(&rig.service, "mixer"), SIGKILL), 0);
		service_wait_starts(&rig.service, "mixer", 1 + round);
		/* the guest's clock goes on where it stood */
		guest_player_play(&player, 50);
	}
	expect_same(before, service_holdings(keeper));
	guest_player_stop(&player);
	rig_stop(&rig);
}
END_TEST

START_TEST(stopped_mixer) {
	struct rig rig;
	struct guest_player player;
	rig_start(&rig);
	guest_player_start(&player, &rig.service, "ivi", 500);
	guest_player_play(&player, 20);
	for (unsigned round = 0; round < 3; round++) {
		pid_t mixer = service_pid(&rig.service, "mixer");
		ck_assert(process_stop(mixer));
		/* pictures go on */
		step(&rig, 20);
		guest_display_sync(&rig.cluster);
		ck_assert_int_eq(kill(mixer, SIGCONT), 0);
		guest_player_play(&player, 50);
	}
	guest_player_stop(&player);
	rig_stop(&rig);
}
END_TEST

/* ---- the keeper ---- */

START_TEST(killed_keeper) {
	struct rig rig;
	char output[4096];
	rig_start(&rig);
	ck_assert_int_eq(kill(service_pid(&rig.service, "keeper"), SIGKILL), 0);
	int out = -1;
	ck_assert_int_eq(service_command_wait(&rig.service, rig.service.run, &out), 1);

	/* all others live on: 2 endpoints for each guest, the compositor, the mixer */
	ck_assert_uint_eq(service_processes(&rig.service), 6);
	guest_display_show(&rig.cluster, 30);
	step(&rig, 1);
	expect_guest(&rig.service, 30, &cluster_whole, 32, 16);

	/* a new service is refused, and told what to do */
	ck_assert_int_eq(service_command(&rig.service, output, sizeof(output), "run",
				 rig.service.yaml, NULL),
		1);
	ck_assert_ptr_nonnull(strstr(output, "is in use by a service with 6 processes"));
	ck_assert_ptr_nonnull(strstr(output, "fascia-mixer"));
	ck_assert_ptr_nonnull(strstr(output, " stop`"));

	ck_assert_int_eq(service_command(&rig.service, output, sizeof(output), "stop", NULL), 0);
	ck_assert_uint_eq(service_processes(&rig.service), 0);
	guest_display_stop(&rig.cluster);
	guest_display_stop(&rig.ivi);
	expect_finish(&rig.expect);
	service_finish(&rig.service);
}
END_TEST

/* Pictures go on, and a loss is answered, without it; what died meanwhile comes back with it. */
START_TEST(stopped_keeper) {
	struct rig rig;
	rig_start(&rig);
	pid_t keeper = service_pid(&rig.service, "keeper");
	for (unsigned round = 1; round <= 2; round++) {
		ck_assert(process_stop(keeper));
		step(&rig, 20);
		kill_wholly(service_pid(&rig.service, "gpu-cluster"));
		step(&rig, 1 + HOLD_TICKS);
		expect_fallback(&rig.expect, &rig.service, cluster_missing);

		ck_assert_int_eq(kill(keeper, SIGCONT), 0);
		guest_display_stop(&rig.cluster);
		service_wait_starts(&rig.service, "gpu-cluster", 1 + round);
		return_cluster(&rig);
	}
	rig_stop(&rig);
}
END_TEST

START_TEST(stop_command) {
	struct rig rig;
	char output[4096];
	rig_start(&rig);
	ck_assert_int_eq(service_command(&rig.service, output, sizeof(output), "stop", NULL), 0);
	int out = -1;
	ck_assert_int_eq(service_command_wait(&rig.service, rig.service.run, &out), 0);
	ck_assert_uint_eq(service_processes(&rig.service), 0);
	ck_assert_int_eq(service_command(&rig.service, output, sizeof(output), "status", NULL), 3);
	guest_display_stop(&rig.cluster);
	guest_display_stop(&rig.ivi);
	expect_finish(&rig.expect);
	service_finish(&rig.service);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("flow fault");
	TCase *pictures = suite_case(suite, "pictures");
	tcase_add_test(pictures, killed_gpu_endpoint);
	tcase_add_test(pictures, stopped_gpu_endpoint);
	tcase_add_test(pictures, gpu_endpoint_stopped_for_good);
	tcase_add_test(pictures, killed_compositor);
	tcase_add_test(pictures, hanging_compositor);
	tcase_add_test(pictures, stopped_compositor);
	TCase *sound = suite_case(suite, "sound");
	tcase_add_test(sound, killed_sound_endpoint);
	tcase_add_test(sound, stopped_sound_endpoint);
	tcase_add_test(sound, killed_mixer);
	tcase_add_test(sound, stopped_mixer);
	TCase *keeper = suite_case(suite, "keeper");
	tcase_add_test(keeper, killed_keeper);
	tcase_add_test(keeper, stopped_keeper);
	tcase_add_test(keeper, stop_command);
	return suite;
}
