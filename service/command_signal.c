#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fd.h"
#include "core/signals.h"
#include "service/assignment.h"
#include "service/command.h"
#include "service/drive.h"
#include "service/runtime_dir.h"
#include "service/scalar.h"

#define CYCLE_MS 50
#define CYCLE_MS_MAX 10000
#define SECONDS_MAX (24 * 3600)
#define SPEED_MAX 100
#define LINE_BYTES 1024

static volatile sig_atomic_t interrupted;

static void handle_signal(int signal) {
	interrupted = 1;
}

/* Without SA_RESTART, so that waiting ends. */
static void catch_signals(void) {
	struct sigaction action = { .sa_handler = handle_signal };
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* What was typed: it counts over what a drive says. */
struct typed {
	bool is_set[SIGNAL_VALUES];
	int32_t values[SIGNAL_VALUES];
};

/* Lines from standard input, as they come. */
struct input {
	bool open;
	bool ended; /* it was open */
	char line[LINE_BYTES];
	size_t len;
	unsigned number;
	bool failed; /* some line was wrong */
};

struct sender {
	const struct command *command;
	struct sockaddr_un address;
	int socket;
	struct signal_message message;
	uint64_t sent, refused;

	uint64_t cycle_ms;
	uint64_t length_ms; /* 0: until it is stopped */
	uint64_t speed_milli;
	struct drive drive; /* no events: none */
	struct typed typed;
	struct input input;
};

static bool set_typed(struct sender *sender, const char *text, char error[ASSIGNMENT_ERROR_BYTES]) {
	struct assignment assignment;
	if (!assignment_parse(text, &assignment, error)) {
		return false;
	}
	if (assignment.linear) {
		snprintf(error, ASSIGNMENT_ERROR_BYTES, "'%.64s': ~ is for drives", text);
		return false;
	}
	sender->typed.is_set[assignment.id] = true;
	sender->typed.values[assignment.id] = assignment.value;
	return true;
}

/* ---- standard input ---- */

static void take_line(struct sender *sender) {
	struct input *input = &sender->input;
	input->line[input->len] = '\0';
	input->len = 0;
	input->number++;
	char *rest;
	const char *space = " \t\r";
	for (char *word = strtok_r(input->line, space, &rest); word != NULL;
		word = strtok_r(NULL, space, &rest)) {
		char error[ASSIGNMENT_ERROR_BYTES];
		if (!set_typed(sender, word, error)) {
			command_failed(
				sender->command, "standard input:%u: %s", input->number, error);
			input->failed = true;
		}
	}
}

static void take_byte(struct sender *sender, char byte) {
	struct input *input = &sender->input;
	if (byte == '\n') {
		take_line(sender);
	} else if (input->len < sizeof(input->line) - 1) {
		input->line[input->len++] =
			byte; /* the rest of a longer line makes a wrong value */
	}
}

static void read_input(struct sender *sender) {
	char bytes[LINE_BYTES];
	ssize_t len = read(STDIN_FILENO, bytes, sizeof(bytes));
	if (len == 0 || (len < 0 && errno != EINTR && errno != EAGAIN)) {
		if (sender->input.len > 0) {
			take_line(sender);
		}
		sender->input.open = false;
		sender->input.ended = true;
	}
	for (ssize_t i = 0; i < len; i++) {
		take_byte(sender, bytes[i]);
	}
}

/* ---- sending ---- */

/* False when nobody is there to take it; a receiver that is full for now misses one. */
static bool send_message(struct sender *sender) {
	sender->message.counter++;
	signal_message_seal(&sender->message);
	ssize_t sent = sendto(sender->socket, &sender->message, sizeof(sender->message),
		MSG_NOSIGNAL, (const struct sockaddr *)&sender->address, sizeof(sender->address));
	if (sent < 0 && errno != EAGAIN && errno != ENOBUFS) {
		return false;
	}
	sender->sent++;
	sender->refused += sent < 0 ? 1 : 0;
	return true;
}

static void gather_values(struct sender *sender, uint64_t time_ms) {
	struct signal_message *message = &sender->message;
	uint32_t counter = message->counter;
	signal_message_init(message, message->source);
	message->counter = counter;
	if (sender->drive.events_len > 0) {
		drive_values(&sender->drive, time_ms * sender->speed_milli / 1000, message->values);
	}
	for (uint32_t id = 0; id < SIGNAL_VALUES; id++) {
		if (sender->typed.is_set[id]) {
			message->values[id] = sender->typed.values[id];
		}
	}
}

/* Until then, or until the end of standard input, reads what comes. */
static void wait_until(struct sender *sender, uint64_t when_ns) {
	uint64_t now_ns;
	while (!interrupted && !sender->input.ended && (now_ns = clock_now_ns()) < when_ns) {
		struct timespec left = {
			.tv_sec = (time_t)((when_ns - now_ns) / NS_PER_S),
			.tv_nsec = (long)((when_ns - now_ns) % NS_PER_S),
		};
		struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
		if (ppoll(&input, sender->input.open ? 1 : 0, &left, NULL) > 0) {
			read_input(sender);
		}
	}
}

static bool is_over(const struct sender *sender, uint64_t time_ms) {
	const struct drive *drive = &sender->drive;
	if (sender->input.ended || (sender->length_ms > 0 && time_ms >= sender->length_ms)) {
		return true;
	}
	return sender->length_ms == 0 && drive->events_len > 0 &&
		drive_has_ended(drive, time_ms * sender->speed_milli / 1000);
}

static int complain_of_nobody(const struct sender *sender) {
	bool nobody = errno == ENOENT || errno == ECONNREFUSED;
	command_failed(sender->command, "%s: %s%s", sender->address.sun_path, strerror(errno),
		nobody ? "; is a service running there?" : "");
	return nobody ? COMMAND_NO_SERVICE : COMMAND_FAILED;
}

/* At a steady cycle; cycles that were missed are left out, as their time has passed. */
static int send_all(struct sender *sender) {
	uint64_t start_ns = clock_now_ns(), cycle_ns = sender->cycle_ms * NS_PER_MS;
	for (uint64_t cycle = 0; !interrupted; cycle++) {
		uint64_t time_ms = cycle * sender->cycle_ms;
		gather_values(sender, time_ms);
		if (!send_message(sender)) {
			return complain_of_nobody(sender);
		}
		if (is_over(sender, time_ms)) {
			break;
		}
		wait_until(sender, start_ns + (cycle + 1) * cycle_ns);
		uint64_t passed = (clock_now_ns() - start_ns) / cycle_ns;
		cycle = passed > cycle + 1 ? passed - 1 : cycle;
	}
	return sender->input.failed ? COMMAND_FAILED : COMMAND_OK;
}

static uint32_t random_source(void) {
	uint32_t source = 0;
	while (source == 0) {
		if (getrandom(&source, sizeof(source), 0) != sizeof(source)) {
			source = (uint32_t)clock_now_ns() ^ (uint32_t)getpid();
		}
	}
	return source;
}

static int send_signals(struct sender *sender) {
	char dir[sizeof(sender->address.sun_path) - sizeof("/signals")];
	int error = runtime_dir_choose(command_runtime, NULL, dir, sizeof(dir));
	if (error != 0) {
		return command_failed(
			sender->command, "the runtime directory: %s", strerror(-error));
	}
	sender->address.sun_family = AF_UNIX;
	snprintf(sender->address.sun_path, sizeof(sender->address.sun_path), "%s/signals", dir);
	sender->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sender->socket < 0) {
		return command_failed(sender->command, "a socket: %s", strerror(errno));
	}
	sender->message.source = random_source();
	catch_signals();
	int status = send_all(sender);
	if (sender->refused > 0) {
		fprintf(stderr,
			"fascia signal: %" PRIu64 " of %" PRIu64 " messages were not taken\n",
			sender->refused, sender->sent);
	}
	fd_close(&sender->socket);
	return status;
}

/* ---- the command line ---- */

static void print_list(void) {
	for (uint32_t id = 0; id < SIGNAL_VALUES; id++) {
		if (signal_info(id) != NULL) {
			char form[128];
			assignment_form(id, form, sizeof(form));
			printf("%-16s %s\n", signal_info(id)->name, form);
		}
	}
}

/* The words after the options. */
static bool read_words(struct sender *sender, char **words, int words_len) {
	for (int i = 0; i < words_len; i++) {
		char error[ASSIGNMENT_ERROR_BYTES];
		if (strcmp(words[i], "-") == 0) {
			sender->input.open = true;
		} else if (!set_typed(sender, words[i], error)) {
			command_usage_error(sender->command, "%s", error);
			return false;
		}
	}
	return true;
}

/* A number of an option, in thousandths. */
static bool read_milli(
	const struct sender *sender, const char *name, uint64_t max, uint64_t *milli) {
	if (scalar_milli(optarg, max, milli) && *milli > 0) {
		return true;
	}
	command_usage_error(
		sender->command, "%s '%s'; allowed: 0.001 to %" PRIu64, name, optarg, max);
	return false;
}

static bool read_option(struct sender *sender, int option, const char **drive) {
	int64_t cycle_ms;
	switch (option) {
	case 'c':
		if (!scalar_int(optarg, 1, CYCLE_MS_MAX, &cycle_ms)) {
			command_usage_error(sender->command, "--cycle '%s'; allowed: 1 to %d ms",
				optarg, CYCLE_MS_MAX);
			return false;
		}
		sender->cycle_ms = (uint64_t)cycle_ms;
		return true;
	case 's':
		return read_milli(sender, "--seconds", SECONDS_MAX, &sender->length_ms);
	case 'f':
		return read_milli(sender, "--speed", SPEED_MAX, &sender->speed_milli);
	default:
		*drive = optarg;
		return true;
	}
}

static int start(struct sender *sender, const char *drive, char **words, int words_len) {
	if (!read_words(sender, words, words_len)) {
		return COMMAND_USAGE;
	}
	char error[DRIVE_ERROR_BYTES];
	if (drive != NULL && !drive_read(&sender->drive, drive, error)) {
		return command_failed(sender->command, "%s", error);
	}
	int status = send_signals(sender);
	drive_finish(&sender->drive);
	return status;
}

static int run_signal(const struct command *command, int argc, char **argv) {
	static const struct option options[] = {
		{ "cycle", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 's' },
		{ "drive", required_argument, NULL, 'd' },
		{ "speed", required_argument, NULL, 'f' },
		{ "list", no_argument, NULL, 'l' },
		COMMAND_OPTIONS_COMMON,
		{ 0 },
	};
	struct sender sender = { .command = command, .cycle_ms = CYCLE_MS, .speed_milli = 1000 };
	const char *drive = NULL;
	int option, status;
	while ((option = getopt_long(argc, argv, "c:s:d:h", options, NULL)) != -1) {
		if (option == 'l') {
			print_list();
			return COMMAND_OK;
		}
		if (strchr("csdf", option) != NULL) {
			if (!read_option(&sender, option, &drive)) {
				return COMMAND_USAGE;
			}
		} else if (!command_option(command, option, &status)) {
			return status;
		}
	}
	return start(&sender, drive, argv + optind, argc - optind);
}

const struct command command_signal = {
	.name = "signal",
	.arguments = "[--drive FILE] [NAME=VALUE...] [-]",
	.summary = "Say what the vehicle says: speed, gear, telltales, ...",
	.help = "Sends protected messages at a steady cycle until SIGINT, SIGTERM, or the end of "
		"the drive.\n"
		"What is not said is unknown, and telltales are off. -: reads lines of\n"
		"NAME=VALUE... from standard input meanwhile, and stops when that ends.\n\n"
		"  -c, --cycle MS     the time between two messages (50)\n"
		"  -s, --seconds N    stop after so many\n"
		"  -d, --drive FILE   values over time; what is given beside it stays as it is\n"
		"      --speed F      time in the drive passes so many times as fast\n"
		"      --list         print all signals and their values\n",
	.run = run_signal,
};
