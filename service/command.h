/*
 * The commands of `fascia`: each is one row and one file command_<name>.c.
 *
 * A command parses its own options with command_option() in a getopt_long() loop; --runtime and --help
 * are everybody's. It says on stderr what was wrong and what to do.
 *
 * Thread: the main one.
 */
#ifndef SERVICE_COMMAND_H
#define SERVICE_COMMAND_H

#include <stdbool.h>

#include <getopt.h>

#include "core/macros.h"

/* Exit codes, as in fascia(1). */
enum {
	COMMAND_OK,
	COMMAND_FAILED, /* it was tried, and said why it did not work */
	COMMAND_USAGE, /* the command line was wrong */
	COMMAND_NO_SERVICE, /* no service runs in the runtime directory */
	COMMAND_INCOMPLETE, /* record: the recording has gaps */
};

struct command {
	const char *name;
	const char *arguments; /* "[-o OUTPUT] FILE.png" */
	const char *summary; /* one line */
	const char *help; /* the rest of --help: its options, one a line */
	int (*run)(const struct command *command, int argc, char **argv);
};

extern const struct command command_run;
extern const struct command command_check;
extern const struct command command_assets;
extern const struct command command_status;
extern const struct command command_top;
extern const struct command command_screenshot;
extern const struct command command_record;
extern const struct command command_layer;
extern const struct command command_log;
extern const struct command command_signal;
extern const struct command command_step;
extern const struct command command_stop;
extern const struct command command_regions;
extern const struct command command_analyze;
extern const struct command command_ack;
extern const struct command command_inject;

/* Value of --runtime, before or after the command's name; NULL: not given. */
extern const char *command_runtime;

#define COMMAND_OPTIONS_COMMON                                                                     \
	{ "runtime", required_argument, NULL, 'R' }, { "help", no_argument, NULL, 'h' }

/*
 * Handles the result of getopt_long() that is not the command's own: true when it may go on, false
 * when the command must return *status.
 */
bool command_option(const struct command *command, int option, int *status);

/* "fascia NAME: message", with a pointer to --help. Returns COMMAND_USAGE. */
int command_usage_error(const struct command *command, const char *format, ...) PRINTF_LIKE(2, 3);

/* "fascia NAME: message". Returns COMMAND_FAILED. */
int command_failed(const struct command *command, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
