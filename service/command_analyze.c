#include <stdio.h>

#include "core/fd.h"
#include "service/client.h"
#include "service/command.h"
#include "service/scalar.h"

static void print_reply(void *data, struct control_packet *packet) {
	(void)data;
	if (packet->message.type == CONTROL_ANALYZE) {
		puts(packet->message.text);
	}
}

static int analyze(const struct command *command, const char *layer) {
	struct control_packet request = { .message = { .type = CONTROL_ANALYZE } };
	int status;
	int compositor = client_connect_compositor(command, &status);
	if (compositor < 0) {
		return status;
	}
	snprintf(request.message.name, sizeof(request.message.name), "%s", layer);
	bool done = client_ask(command, compositor, &request, print_reply, NULL);
	fd_close(&compositor);
	return done ? COMMAND_OK : COMMAND_FAILED;
}

static int run_analyze(const struct command *command, int argc, char **argv) {
	static const struct option options[] = { COMMAND_OPTIONS_COMMON, { 0 } };
	int option, status;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (!command_option(command, option, &status)) {
			return status;
		}
	}
	if (optind + 1 != argc) {
		return command_usage_error(command, "expected one layer");
	}
	if (!scalar_is_name(argv[optind])) {
		return command_usage_error(command,
			"'%s' is no name of a layer; `fascia status` lists them", argv[optind]);
	}
	return analyze(command, argv[optind]);
}

const struct command command_analyze = {
	.name = "analyze",
	.arguments = "LAYER",
	.summary = "Say why a layer is, or is not, to be seen",
	.help = "Prints what the compositor knows of it, a fact a line: its state and what brought "
		"it "
		"there,\n"
		"whether it is hidden, off its output, clipped, covered by others, transparent, "
		"stale, or in\n"
		"quarantine, and what would change that.\n\n",
	.run = run_analyze,
};
