/*
 * What an operator sees and does of faults: the fault log, checked regions, and faults made on purpose.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/link.h"
#include "tests/flow/guest.h"
#include "tests/flow/service.h"
#include "tests/suite.h"

static const char yaml[] = "outputs: [{name: o, mode: 64x48@step}]\n"
			   "guests: [{name: a}]\n"
			   "layers: [{name: a, critical: true, hold_ms: 0}]\n"
			   "sound: {sink: null}\n";

/* Runs a command that must end with `status`, and say `says`. */
#define COMMAND(service_, status_, says_, ...)                                                     \
	do {                                                                                       \
		static char said[65536];                                                           \
		int ended = service_command(service_, said, sizeof(said), __VA_ARGS__, NULL);      \
		ck_assert_msg(ended == (status_) && strstr(said, says_) != NULL,                   \
			"status %d, said %s", ended, said);                                        \
	} while (0)

START_TEST(no_faults_without_leave) {
	struct service service;
	service_start(&service, yaml, NULL);
	const char *says = "start it with `fascia run --allow-inject FILE`";
	COMMAND(&service, 1, says, "inject", "kill", "gpu-a");
	COMMAND(&service, 1, says, "inject", "stall", "20");
	COMMAND(&service, 1, says, "inject", "--off", "stall");
	ck_assert_uint_eq(service_value(&service, "keeper", "process.gpu-a.crashes"), 0);
	service_stop(&service);
}
END_TEST

START_TEST(faults_of_processes) {
	struct service service;
	service_start_injectable(&service, yaml);
	COMMAND(&service, 1,
		"there is no process 'ivi'; allowed: compositor, mixer, gpu-a, sound-a", "inject",
		"kill", "ivi");
	/* whoever kills that one has no service any more */
	COMMAND(&service, 1, "there is no process 'keeper'", "inject", "kill", "keeper");
	COMMAND(&service, 0, "", "inject", "kill", "gpu-a");
	service_wait_starts(&service, "gpu-a", 2);
	ck_assert_uint_eq(service_value(&service, "keeper", "process.gpu-a.crashes"), 1);
	service_stop(&service);
}
END_TEST

/* A stopped endpoint answers no ticks; once it goes on, its guest's next pictures are shown. */
START_TEST(a_process_is_stopped_and_goes_on) {
	struct service service;
	struct guest_display display;
	service_start_injectable(&service, yaml);
	guest_display_start(&display, &service, "a", 64, 48);
	for (uint32_t i = 1; i <= 5; i++) {
		guest_display_show(&display, i);
		service_step(&service, 1);
	}
	COMMAND(&service, 0, "layer.a.state                                live", "status");
	COMMAND(&service, 0, "", "inject", "stop", "gpu-a");
	service_step(&service, 60);
	COMMAND(&service, 0, "\"layer.a.state\": \"placeholder\"", "status", "--json");
	COMMAND(&service, 0, "", "inject", "continue", "gpu-a");
	for (uint32_t i = 1; i <= 60; i++) {
		guest_display_show(&display, i);
		service_step(&service, 1);
	}
	COMMAND(&service, 0, "\"layer.a.state\": \"live\"", "status", "--json");
	guest_display_stop(&display);
	service_stop(&service);
}
END_TEST

/* A sink on the clock of its streams stands still without one: whoever waits is told. */
START_TEST(a_recording_says_what_it_waits_for) {
	static const char streams_yaml[] = "outputs: [{name: o, mode: 64x48@step}]\n"
					   "guests: [{name: a}]\n"
					   "sound: {sink: memory, clock: streams}\n";
	struct service service;
	char file[128], log[128], line[512];
	bool said = false;
	service_start(&service, streams_yaml, NULL);
	snprintf(file, sizeof(file), "%s/x.wav", service.dir);
	snprintf(log, sizeof(log), "%s/log", service.dir);
	const char *const words[] = { "record", "--seconds", "1", file, NULL };
	int out;
	pid_t pid = service_command_start(&service, &out, "recording", words);
	for (unsigned ms = 0; !said && ms < SERVICE_WAIT_MS; ms += 50) {
		FILE *lines = fopen(log, "re");
		ck_assert_ptr_nonnull(lines);
		while (fgets(line, sizeof(line), lines) != NULL) {
			said = said || strstr(line, "waiting for a stream that plays") != NULL;
		}
		fclose(lines);
		usleep(50000);
	}
	ck_assert(said);
	ck_assert_int_eq(kill(pid, SIGINT), 0);
	ck_assert_int_eq(service_command_wait(&service, pid, &out), 0);
	service_stop(&service);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("flow operator");
	TCase *tcase = suite_case(suite, "inject");
	tcase_add_test(tcase, no_faults_without_leave);
	tcase_add_test(tcase, faults_of_processes);
	tcase_add_test(tcase, a_process_is_stopped_and_goes_on);
	tcase = suite_case(suite, "record");
	tcase_add_test(tcase, a_recording_says_what_it_waits_for);
	return suite;
}
