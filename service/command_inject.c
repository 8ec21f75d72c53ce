/*
 * inject: faults made on purpose, in the compositor or by signals to the service's processes, and
 * mechanisms switched off, to see that each is found by what should find it.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>

#include "core/config.h"
#include "core/fd.h"
#include "core/inject.h"
#include "core/stats.h"
#include "service/client.h"
#include "service/command.h"
#include "service/runtime_lock.h"
#include "service/scalar.h"

#define HOLDERS_MAX 64
#define TICKS_MAX 1000000

static const struct process_fault {
	const char *name;
	int signal;
	const char *text;
} process_faults[] = {
	{ "kill", SIGKILL, "ends a process of the service, as a crash would" },
	{ "stop", SIGSTOP, "stops it, as if it were stuck" },
	{ "continue", SIGCONT, "lets a stopped one go on" },
};

static void print_list(void) {
	puts("faults of the compositor: fascia inject FAULT [THING] [NUMBER] [--ticks N]");
	for (unsigned i = 0; i < INJECT_FAULTS; i++) {
		printf("  %-12s %s\n", inject_fault_name(i), inject_fault_text(i));
	}
	puts("faults of processes: fascia inject FAULT PROCESS");
	for (size_t i = 0; i < ARRAY_LEN(process_faults); i++) {
		printf("  %-12s %s\n", process_faults[i].name, process_faults[i].text);
	}
	puts("mechanisms: fascia inject --off MECHANISM, --on MECHANISM");
	for (unsigned i = 0; i < MECHANISMS; i++) {
		printf("  %s\n", mechanism_name(i));
	}
}

/* ---- whether it may ---- */

struct service_info {
	char runtime_dir[CONFIG_PATH_BYTES];
	bool allow_inject;
};

static bool get_info(const struct command *command, int socket, struct service_info *info) {
	int fd;
	if (!client_get(command, socket, CONTROL_GET_CONFIG, "", &fd, 1)) {
		return false;
	}
	const struct config *config = config_map(fd);
	int error = config == NULL ? errno : 0;
	fd_close(&fd);
	if (config == NULL) {
		command_failed(command, "the service's configuration: %s", strerror(error));
		return false;
	}
	snprintf(info->runtime_dir, sizeof(info->runtime_dir), "%s", config->runtime_dir);
	info->allow_inject = config->safety.allow_inject != 0;
	config_unmap(config);
	if (!info->allow_inject) {
		command_failed(command,
			"this service makes no faults on purpose; start it with `fascia run "
			"--allow-inject FILE`");
	}
	return info->allow_inject;
}

/* ---- processes ---- */

struct search {
	const char *name;
	pid_t pid; /* 0: not found */
	char known[512];
};

static void look_at_page(void *data, struct control_packet *packet) {
	struct search *search = data;
	if (packet->fds_len != 1) {
		return;
	}
	const struct stats_page *page = stats_map(packet->fds[0]);
	packet->fds_len = 0;
	if (page == NULL) {
		return;
	}
	char name[STATS_PROCESS_BYTES];
	stats_read_process(page, name);
	/* without the keeper nothing is watched any more: that is no fault to be made here */
	if (strcmp(name, "keeper") != 0) {
		size_t used = strlen(search->known);
		snprintf(search->known + used, sizeof(search->known) - used, "%s%s",
			used > 0 ? ", " : "", name);
		if (strcmp(name, search->name) == 0) {
			search->pid = (pid_t)atomic_load(&page->pid);
		}
	}
	stats_unmap(page);
}

/* A number in a page may be of a process that is gone, and given again to somebody else's. */
static bool is_of_service(const char *runtime_dir, pid_t pid) {
	pid_t pids[HOLDERS_MAX];
	size_t len = runtime_lock_holders(runtime_dir, pids, HOLDERS_MAX);
	for (size_t i = 0; i < len && i < HOLDERS_MAX; i++) {
		if (pids[i] == pid) {
			return true;
		}
	}
	return false;
}

static int signal_process(const struct command *command, const struct service_info *info,
	const struct search *search, const struct process_fault *fault) {
	int pidfd = search->pid > 0 ? pidfd_open(search->pid, 0) : -1;
	/* asked while we hold it: then the number is still its own */
	if (pidfd < 0 || !is_of_service(info->runtime_dir, search->pid)) {
		fd_close(&pidfd);
		return command_failed(command, "%s is not alive just now; try again", search->name);
	}
	int error = pidfd_send_signal(pidfd, fault->signal, NULL, 0) != 0 ? errno : 0;
	fd_close(&pidfd);
	return error == 0 ? COMMAND_OK
			  : command_failed(command, "%s: %s", search->name, strerror(error));
}

static int inject_process(
	const struct command *command, const struct process_fault *fault, const char *process) {
	const struct control_packet request = { .message = { .type = CONTROL_GET_STATS } };
	struct search search = { .name = process };
	struct service_info info;
	int status;
	int socket = client_connect(command, &status);
	if (socket < 0) {
		return status;
	}
	bool asked = get_info(command, socket, &info) &&
		client_ask(command, socket, &request, look_at_page, &search);
	fd_close(&socket);
	if (!asked) {
		return COMMAND_FAILED;
	}
	if (search.pid == 0) {
		return command_failed(
			command, "there is no process '%s'; allowed: %s", process, search.known);
	}
	return signal_process(command, &info, &search, fault);
}

/* ---- the compositor ---- */

static int inject_compositor(
	const struct command *command, const struct control_packet *requests, size_t len) {
	struct service_info info;
	int status;
	int socket = client_connect(command, &status);
	if (socket < 0) {
		return status;
	}
	bool done = get_info(command, socket, &info);
	fd_close(&socket);
	if (!done) {
		return COMMAND_FAILED;
	}
	int compositor = client_connect_compositor(command, &status);
	if (compositor < 0) {
		return status;
	}
	for (size_t i = 0; done && i < len; i++) {
		done = client_ask(command, compositor, &requests[i], NULL, NULL);
	}
	fd_close(&compositor);
	return done ? COMMAND_OK : COMMAND_FAILED;
}

static int inject_fault(const struct command *command, char **words, int words_len, int64_t ticks) {
	struct control_packet request = {
		.message = { .type = CONTROL_INJECT, .arg = { [1] = ticks } },
	};
	struct control_message *message = &request.message;
	bool has_number = false;
	snprintf(message->name, sizeof(message->name), "%s", words[0]);
	for (int i = 1; i < words_len; i++) {
		if (!has_number && scalar_int(words[i], INT32_MIN, INT32_MAX, &message->arg[0])) {
			has_number = true;
		} else if (message->text[0] == '\0' && words[i][0] != '\0' &&
			strlen(words[i]) < sizeof(message->text)) {
			snprintf(message->text, sizeof(message->text), "%s", words[i]);
		} else {
			return command_usage_error(command,
				"'%s'; allowed after %s: one thing's name and one number", words[i],
				words[0]);
		}
	}
	return inject_compositor(command, &request, 1);
}

static int run_words(const struct command *command, char **words, int words_len, int64_t ticks) {
	for (size_t i = 0; i < ARRAY_LEN(process_faults); i++) {
		if (strcmp(process_faults[i].name, words[0]) != 0) {
			continue;
		}
		if (words_len != 2) {
			return command_usage_error(command,
				"%s: expected one process; `fascia status` lists them", words[0]);
		}
		return inject_process(command, &process_faults[i], words[1]);
	}
	if (inject_fault_from_name(words[0]) == INJECT_FAULTS) {
		return command_usage_error(
			command, "there is no fault '%s'; --list names them", words[0]);
	}
	return inject_fault(command, words, words_len, ticks);
}

/* ---- the command ---- */

#define REQUESTS_MAX 32

struct requests {
	struct control_packet items[REQUESTS_MAX];
	size_t len;
};

static int add_request(const struct command *command, struct requests *requests,
	enum control_type type, const char *name, int64_t arg) {
	if (type == CONTROL_MECHANISM && mechanism_from_name(name) == MECHANISMS) {
		return command_usage_error(
			command, "there is no mechanism '%s'; --list names them", name);
	}
	if (requests->len == REQUESTS_MAX) {
		return command_usage_error(
			command, "too many options; allowed: %d in one call", REQUESTS_MAX);
	}
	struct control_message *message = &requests->items[requests->len++].message;
	message->type = type;
	message->arg[0] = arg;
	snprintf(message->name, sizeof(message->name), "%s", name);
	return COMMAND_OK;
}

static int run_inject(const struct command *command, int argc, char **argv) {
	static const struct option options[] = {
		{ "list", no_argument, NULL, 'l' },
		{ "off", required_argument, NULL, 'o' },
		{ "on", required_argument, NULL, 'O' },
		{ "clear", no_argument, NULL, 'c' },
		{ "ticks", required_argument, NULL, 't' },
		COMMAND_OPTIONS_COMMON,
		{ 0 },
	};
	static struct requests requests;
	int64_t ticks = 0;
	bool list = false;
	int option, status = COMMAND_OK;
	/* no leading '+': options may follow the fault. A number below 0 goes after "--" */
	while (status == COMMAND_OK &&
		(option = getopt_long(argc, argv, "lt:h", options, NULL)) != -1) {
		if (option == 'l') {
			list = true;
		} else if (option == 'o' || option == 'O') {
			status = add_request(
				command, &requests, CONTROL_MECHANISM, optarg, option == 'O');
		} else if (option == 'c') {
			status = add_request(command, &requests, CONTROL_INJECT,
				inject_fault_name(INJECT_CLEAR), 0);
		} else if (option == 't' && !scalar_int(optarg, 1, TICKS_MAX, &ticks)) {
			return command_usage_error(
				command, "--ticks '%s'; allowed: 1 to %d", optarg, TICKS_MAX);
		} else if (option != 't' && !command_option(command, option, &status)) {
			return status;
		}
	}
	if (status != COMMAND_OK) {
		return status;
	}
	if (list) {
		print_list();
		return COMMAND_OK;
	}
	if (requests.len > 0) {
		return optind == argc
			? inject_compositor(command, requests.items, requests.len)
			: command_usage_error(command, "--off, --on and --clear stand alone");
	}
	if (optind == argc) {
		return command_usage_error(command, "expected a fault; --list names them");
	}
	return run_words(command, argv + optind, argc - optind, ticks);
}

const struct command command_inject = {
	.name = "inject",
	.arguments = "FAULT [ARGS] | --off|--on MECHANISM | --clear | --list",
	.summary = "Make a fault on purpose, to see that it is found",
	.help = "Only of a service that was started with `fascia run --allow-inject`: for tests, "
		"never "
		"in a\n"
		"vehicle.\n\n"
		"  FAULT [THING] [NUMBER]  in the compositor, once; a negative NUMBER after --\n"
		"  kill, stop, continue PROCESS  as `fascia status` names it; not the keeper\n"
		"  -t, --ticks N      go on for so many ticks\n"
		"      --off MECHANISM  stop looking for that kind of fault\n"
		"      --on MECHANISM   look for it again\n"
		"      --clear        end all faults, switch all mechanisms on\n"
		"  -l, --list         what there is, and what each does\n",
	.run = run_inject,
};
