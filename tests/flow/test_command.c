/*
 * The command line: what it says without a service, and what it says of one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <yyjson.h>

#include "tests/flow/guest.h"
#include "tests/flow/service.h"
#include "tests/suite.h"

/* ---- without a service ---- */

static const struct row {
	const char *words[5];
	int status;
	const char *says; /* part of it */
} rows[] = {
	{ { NULL }, 2, "usage: fascia" },
	{ { "--help" }, 0, "usage: fascia" },
	{ { "--version" }, 0, "fascia 0." },
	{ { "--nonsense" }, 2, "usage: fascia" },
	{ { "dance" }, 2, "there is no command 'dance'" },
	{ { "run", "--help" }, 0, "usage: fascia run [--allow-inject] FILE" },
	{ { "check", "--help" }, 0, "usage: fascia check FILE" },
	{ { "status", "--help" }, 0, "--json" },
	{ { "top", "--help" }, 0, "usage: fascia top" },
	{ { "screenshot", "--help" }, 0, "--output" },
	{ { "record", "--help" }, 0, "--seconds" },
	{ { "layer", "--help" }, 0, "opacity N" },
	{ { "log", "--help" }, 0, "--faults" },
	{ { "regions", "--help" }, 0, "--watch" },
	{ { "analyze", "--help" }, 0, "usage: fascia analyze LAYER" },
	{ { "ack", "--help" }, 0, "usage: fascia ack [LAYER|OUTPUT]" },
	{ { "inject", "--help" }, 0, "--clear" },
	{ { "inject", "--list" }, 0, "flips a bit" },
	{ { "step", "--help" }, 0, "--output" },
	{ { "stop", "--help" }, 0, "usage: fascia stop" },
	{ { "run" }, 2, "expected one configuration file" },
	{ { "run", "a", "b" }, 2, "expected one configuration file" },
	{ { "run", "/nowhere.yaml" }, 1, "/nowhere.yaml: No such file or directory" },
	{ { "check" }, 2, "expected one configuration file" },
	{ { "check", "/nowhere.yaml" }, 1, "/nowhere.yaml: No such file or directory" },
	{ { "status", "extra" }, 2, "takes no arguments" },
	{ { "status", "--yaml" }, 2, "usage: fascia status" },
	{ { "screenshot" }, 2, "expected one file name" },
	{ { "record", "--seconds", "0", "x.wav" }, 2, "--seconds '0'; allowed: 1 to 86400" },
	{ { "layer" }, 2, "expected a layer and what to do with it" },
	{ { "layer", "a" }, 2, "expected a layer and what to do with it" },
	{ { "layer", "../a", "hide" }, 2, "is no name of a layer" },
	{ { "layer", "a", "z", "2147483648" }, 2,
		"allowed: a whole number, -2147483648 to 2147483647" },
	{ { "step", "0" }, 2, "1 to 1000000" },
	{ { "regions", "extra" }, 2, "takes no arguments" },
	{ { "analyze" }, 2, "expected one layer" },
	{ { "analyze", "../a" }, 2, "is no name of a layer" },
	{ { "ack", "a", "b" }, 2, "expected one layer or output, or nothing" },
	{ { "ack", "../a" }, 2, "is no name of a layer or output" },
	{ { "inject" }, 2, "expected a fault; --list names them" },
	{ { "inject", "earthquake" }, 2, "there is no fault 'earthquake'; --list names them" },
	{ { "inject", "--off", "luck" }, 2, "there is no mechanism 'luck'; --list names them" },
	{ { "inject", "--ticks", "0" }, 2, "--ticks '0'; allowed: 1 to 1000000" },
	{ { "inject", "--clear", "stall" }, 2, "--off, --on and --clear stand alone" },
	{ { "inject", "composed", "a", "b" }, 2, "one thing's name and one number" },
	{ { "inject", "kill" }, 2, "kill: expected one process" },
	{ { "inject", "kill", "compositor" }, 3, "no service runs in" },
	{ { "inject", "stall", "20" }, 3, "no service runs in" },
	{ { "inject", "--off", "stall", "--clear" }, 3, "no service runs in" },
	{ { "regions" }, 3, "no service runs in" },
	{ { "analyze", "a" }, 3, "no service runs in" },
	{ { "ack" }, 3, "no service runs in" },
	{ { "status" }, 3, "no service runs in" },
	{ { "top" }, 3, "no service runs in" },
	{ { "log" }, 3, "no service runs in" },
	{ { "screenshot", "x.png" }, 3, "start one with `fascia run FILE`" },
	{ { "record", "x.wav" }, 3, "no service runs in" },
	{ { "layer", "a", "hide" }, 3, "no service runs in" },
	{ { "step" }, 3, "no service runs in" },
	{ { "stop" }, 3, "no service runs in" },
};

START_TEST(alone) {
	const struct row *row = &rows[_i];
	struct service nowhere = { 0 };
	char output[8192];
	snprintf(nowhere.runtime, sizeof(nowhere.runtime), "/tmp/fascia-nowhere-%d", getpid());
	int status = service_command(&nowhere, output, sizeof(output), row->words[0], row->words[1],
		row->words[2], row->words[3], NULL);
	ck_assert_msg(status == row->status, "%s: status %d: %s",
		row->words[0] != NULL ? row->words[0] : "nothing", status, output);
	ck_assert_msg(strstr(output, row->says) != NULL, "said %s", output);
}
END_TEST

/* ---- of a service ---- */

static const char yaml[] = "outputs: [{name: o, mode: 64x48@step}]\n"
			   "guests: [{name: a}]\n"
			   "sound: {sink: null}\n";

static yyjson_val *find_process(yyjson_val *root, const char *name) {
	yyjson_val *processes = yyjson_obj_get(root, "processes");
	size_t i, len;
	yyjson_val *process;
	yyjson_arr_foreach(processes, i, len, process) {
		if (yyjson_equals_str(yyjson_obj_get(process, "name"), name)) {
			return process;
		}
	}
	ck_abort_msg("no process '%s'", name);
	return NULL;
}

START_TEST(status_as_json) {
	struct service service;
	struct guest_display display;
	static char output[65536];
	service_start(&service, yaml, NULL);
	guest_display_start(&display, &service, "a", 64, 48);
	guest_display_show(&display, 1);
	service_step(&service, 1);

	ck_assert_int_eq(
		service_command(&service, output, sizeof(output), "status", "--json", NULL), 0);
	yyjson_doc *document = yyjson_read(output, strlen(output), 0);
	ck_assert_ptr_nonnull(document);
	yyjson_val *root = yyjson_doc_get_root(document);
	ck_assert_uint_eq(yyjson_arr_size(yyjson_obj_get(root, "processes")), 5);
	yyjson_val *compositor = find_process(root, "compositor");
	ck_assert_int_eq(yyjson_get_int(yyjson_obj_get(compositor, "pid")),
		service_pid(&service, "compositor"));
	ck_assert_int_eq(yyjson_get_int(yyjson_obj_get(compositor, "starts")), 1);
	yyjson_val *values = yyjson_obj_get(compositor, "values");
	ck_assert_str_eq(yyjson_get_str(yyjson_obj_get(values, "layer.a.state")), "live");
	ck_assert_int_eq(yyjson_get_int(yyjson_obj_get(values, "output.o.ticks")), 1);
	yyjson_val *keeper = yyjson_obj_get(find_process(root, "keeper"), "values");
	ck_assert_str_eq(yyjson_get_str(yyjson_obj_get(keeper, "process.gpu-a.state")), "running");
	yyjson_doc_free(document);

	ck_assert_int_eq(service_command(&service, output, sizeof(output), "status", NULL), 0);
	ck_assert_ptr_nonnull(strstr(output, "layer.a.state"));
	guest_display_stop(&display);
	service_stop(&service);
}
END_TEST

START_TEST(log_of_all) {
	struct service service;
	char output[16384];
	service_start(&service, yaml, NULL);
	ck_assert_int_eq(service_command(&service, output, sizeof(output), "log", NULL), 0);
	/* in the order of their time: first light, before anybody else is started */
	const char *light = strstr(output, "compositor: output o: init -> fallback");
	const char *ready = strstr(output, "keeper: compositor is ready");
	const char *gpu = strstr(output, "keeper: gpu-a is ready");
	ck_assert_msg(light != NULL && ready != NULL && gpu != NULL, "%s", output);
	ck_assert(light < ready && ready < gpu);

	/* it follows until the service ends */
	const char *const words[] = { "log", "-f", NULL };
	int out;
	pid_t pid = service_command_start(&service, &out, NULL, words);
	/* once it has printed something, it has the rings */
	ck_assert_int_eq(read(out, output, 1), 1);
	ck_assert_int_eq(service_command(&service, output, sizeof(output), "stop", NULL), 0);
	ck_assert_int_eq(service_command_wait(&service, pid, &out), 0);
	out = -1;
	ck_assert_int_eq(service_command_wait(&service, service.run, &out), 0);
	service_finish(&service);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("flow command");
	TCase *without = suite_case(suite, "alone");
	tcase_add_loop_test(without, alone, 0, (int)ARRAY_LEN(rows));
	TCase *with = suite_case(suite, "service");
	tcase_add_test(with, status_as_json);
	tcase_add_test(with, log_of_all);
	return suite;
}
