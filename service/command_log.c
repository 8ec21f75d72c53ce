#include <stdio.h>
#include <string.h>
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

struct wish {
	bool follow;
	bool json;
	bool faults; /* only these */
};

/* What there is to see: false after saying why not. */
static bool open_view(
	const struct command *command, int socket, const struct wish *wish, struct log_view *view) {
	const struct control_packet request = { .message = { .type = CONTROL_GET_STATS } };
	if (!wish->faults && !client_ask(command, socket, &request, add_page, view)) {
		return false;
	}
	int fd;
	if (!client_get(command, socket, CONTROL_GET_SAFETY, "", &fd, 1)) {
		return false;
	}
	int error = fault_view_open(&view->faults, fd);
	if (error != 0 && wish->faults) {
		command_failed(
			command, "the fault log: %s; is the compositor running?", strerror(-error));
		return false;
	}
	return true;
}

static int print_log(const struct command *command, const struct wish *wish) {
	int status;
	int socket = client_connect(command, &status);
	if (socket < 0) {
		return status;
	}
	struct log_view view;
	log_view_init(&view);
	view.json = wish->json;
	view.settling = wish->follow;
	bool asked = open_view(command, socket, wish, &view);
	if (asked) {
		log_view_print(&view, stdout);
	}
	while (asked && wish->follow && !ferror(stdout) && is_connected(socket)) {
		usleep(FOLLOW_PERIOD_US);
		log_view_print(&view, stdout);
	}
	/* nothing more comes: what waits for its answer has had it */
	view.settling = false;
	if (asked && wish->follow) {
		log_view_print(&view, stdout);
	}
	log_view_finish(&view);
	fd_close(&socket);
	return asked ? COMMAND_OK : COMMAND_FAILED;
}

static int run_log(const struct command *command, int argc, char **argv) {
	static const struct option options[] = {
		{ "follow", no_argument, NULL, 'f' },
		{ "faults", no_argument, NULL, 'F' },
		{ "json", no_argument, NULL, 'j' },
		COMMAND_OPTIONS_COMMON,
		{ 0 },
	};
	struct wish wish = { 0 };
	int option, status;
	while ((option = getopt_long(argc, argv, "fFjh", options, NULL)) != -1) {
		if (option == 'f') {
			wish.follow = true;
		} else if (option == 'F') {
			wish.faults = true;
		} else if (option == 'j') {
			wish.json = true;
		} else if (!command_option(command, option, &status)) {
			return status;
		}
	}
	return optind == argc ? print_log(command, &wish)
			      : command_usage_error(command, "takes no arguments but options");
}

const struct command command_log = {
	.name = "log",
	.arguments = "[-f] [--faults] [--json]",
	.summary = "Print the newest log lines and faults",
	.help = "Lines of every process and the compositor's fault log, by their time. A fault "
		"says "
		"what it\n"
		"is of, from which state to which it brought that, its cause, how old it may have "
		"been when\n"
		"it was found, and how long it took until the picture that answers it was "
		"shown.\n\n"
		"  -f, --follow       go on printing until the service ends\n"
		"  -F, --faults       only the fault log\n"
		"  -j, --json         one JSON object a line\n",
	.run = run_log,
};
