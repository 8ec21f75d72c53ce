#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fd.h"
#include "display/output_memory.h"
#include "service/client.h"
#include "service/command.h"
#include "service/scalar.h"

#define STEPS_MAX 1000000
/* without a tick for so long: a guard */
#define TICK_TIMEOUT_MS 10000

/* Gives the ticks and waits until the compositor has made them. */
static int step(
	const struct command *command, struct output_reader *reader, int event, uint64_t ticks) {
	uint64_t last = atomic_load(&reader->page->tick) + ticks;
	uint32_t seen = atomic_load(&reader->page->wake);
	if (write(event, &ticks, sizeof(ticks)) != sizeof(ticks)) {
		return command_failed(command, "the output's clock takes no more ticks");
	}
	while (atomic_load(&reader->page->tick) < last) {
		if (!output_reader_wait(reader, &seen, TICK_TIMEOUT_MS) &&
			atomic_load(&reader->page->tick) < last) {
			return command_failed(
				command, "the compositor does not tick; see `fascia log`");
		}
	}
	printf("%llu\n", (unsigned long long)atomic_load(&reader->page->tick));
	return COMMAND_OK;
}

static int run_steps(const struct command *command, const char *output, uint64_t ticks) {
	int status, fds[2];
	int socket = client_connect(command, &status);
	if (socket < 0) {
		return status;
	}
	bool got = client_get(command, socket, CONTROL_GET_OUTPUT, output, fds, 2);
	fd_close(&socket);
	if (!got) {
		return COMMAND_FAILED;
	}
	if (fds[1] < 0) {
		fd_close(&fds[0]);
		return command_failed(command,
			"the output runs by itself; only one with mode WIDTHxHEIGHT@step is "
			"stepped");
	}
	struct output_reader reader;
	int error = output_reader_init(&reader, fds[0]);
	if (error == 0) {
		status = step(command, &reader, fds[1], ticks);
		output_reader_finish(&reader);
	} else {
		status = command_failed(command, "the output's memory: %s", strerror(-error));
	}
	fd_close(&fds[1]);
	return status;
}

static int run_step(const struct command *command, int argc, char **argv) {
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		COMMAND_OPTIONS_COMMON,
		{ 0 },
	};
	const char *output = "";
	int option, status;
	while ((option = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		if (option == 'o') {
			output = optarg;
		} else if (!command_option(command, option, &status)) {
			return status;
		}
	}
	int64_t ticks = 1;
	if (argc - optind > 1 ||
		(optind < argc && !scalar_int(argv[optind], 1, STEPS_MAX, &ticks))) {
		return command_usage_error(
			command, "expected at most a number of ticks, 1 to %d", STEPS_MAX);
	}
	return run_steps(command, output, (uint64_t)ticks);
}

const struct command command_step = {
	.name = "step",
	.arguments = "[-o OUTPUT] [N]",
	.summary = "Make an @step output tick once, or N times",
	.help = "Returns when the ticks are done, and prints the output's count of ticks.\n\n"
		"  -o, --output NAME  which output; without it, the first\n",
	.run = run_step,
};
