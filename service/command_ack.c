#include <stdio.h>

#include "core/fd.h"
#include "service/client.h"
#include "service/command.h"
#include "service/scalar.h"

static int acknowledge(const struct command *command, const char *name) {
	struct control_packet request = { .message = { .type = CONTROL_ACKNOWLEDGE } };
	int status;
	int compositor = client_connect_compositor(command, &status);
	if (compositor < 0) {
		return status;
	}
	snprintf(request.message.name, sizeof(request.message.name), "%s", name);
	bool done = client_ask(command, compositor, &request, NULL, NULL);
	fd_close(&compositor);
	return done ? COMMAND_OK : COMMAND_FAILED;
}

static int run_ack(const struct command *command, int argc, char **argv) {
	static const struct option options[] = { COMMAND_OPTIONS_COMMON, { 0 } };
	int option, status;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (!command_option(command, option, &status)) {
			return status;
		}
	}
	if (argc - optind > 1) {
		return command_usage_error(command, "expected one layer or output, or nothing");
	}
	const char *name = optind < argc ? argv[optind] : "";
	if (name[0] != '\0' && !scalar_is_name(name)) {
		return command_usage_error(command,
			"'%s' is no name of a layer or output; `fascia status` lists them", name);
	}
	return acknowledge(command, name);
}

const struct command command_ack = {
	.name = "ack",
	.arguments = "[LAYER|OUTPUT]",
	.summary = "Acknowledge faults: end quarantine, latch and safe state",
	.help = "Somebody has looked at it. A layer in quarantine gets its chances back; an output "
		"whose\n"
		"fallback was latched, or that is in its safe state, begins anew. Without a name: "
		"all.\n"
		"What is wrong still is found again at once.\n\n",
	.run = run_ack,
};
