#include <stdio.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/stats.h"
#include "service/client.h"
#include "service/command.h"
#include "service/log_view.h"

#define FOLLOW_PERIOD_US 100000

static void add_page(void *data, struct control_packet *packet) {
	if (packet->fds_len == 1) {
		(void)log_view_add(data, packet->fds[0]);
		packet->fds_len = 0;
	}
}

/* Whether the service still answers. */
static bool is_connected(int socket) {
	struct control_packet packet;
	int rc = control_receive(socket, &packet);
	if (rc == 1) {
		control_close_fds(&packet);
	}
	return rc != 0;
}

static int print_log(const struct command *command, bool follow) {
	int status;
	int socket = client_connect(command, &status);
	if (socket < 0) {
		return status;
	}
	const struct control_packet request = { .message = { .type = CONTROL_GET_STATS } };
	struct log_view view;
	log_view_init(&view);
	bool asked = client_ask(command, socket, &request, add_page, &view);
	if (asked) {
		log_view_print(&view, stdout);
	}
	while (asked && follow && !ferror(stdout) && is_connected(socket)) {
		usleep(FOLLOW_PERIOD_US);
		log_view_print(&view, stdout);
	}
	log_view_finish(&view);
	fd_close(&socket);
	return asked ? COMMAND_OK : COMMAND_FAILED;
}

static int run_log(const struct command *command, int argc, char **argv) {
	static const struct option options[] = {
		{ "follow", no_argument, NULL, 'f' },
		COMMAND_OPTIONS_COMMON,
		{ 0 },
	};
	bool follow = false;
	int option, status;
	while ((option = getopt_long(argc, argv, "fh", options, NULL)) != -1) {
		if (option == 'f') {
			follow = true;
		} else if (!command_option(command, option, &status)) {
			return status;
		}
	}
	return optind == argc ? print_log(command, follow)
			      : command_usage_error(command, "takes no arguments but options");
}

const struct command command_log = {
	.name = "log",
	.arguments = "[-f]",
	.summary = "Print the newest log lines of every process",
	.help = "  -f, --follow       go on printing until the service ends\n",
	.run = run_log,
};
