/*
 * The command line. Each command is a row here and a file command_<name>.c.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "service/command.h"

#ifndef FASCIA_VERSION
#error "the build names the version"
#endif

const char *command_runtime;

static const struct command *const commands[] = {
	&command_run,
	&command_check,
	&command_assets,
	&command_status,
	&command_top,
	&command_screenshot,
	&command_record,
	&command_layer,
	&command_log,
	&command_regions,
	&command_analyze,
	&command_ack,
	&command_inject,
	&command_signal,
	&command_step,
	&command_stop,
};

static void print_usage(FILE *file) {
	fputs("usage: fascia [--runtime DIR] COMMAND ...\n\n", file);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		char head[64];
		snprintf(head, sizeof(head), "%s %s", commands[i]->name, commands[i]->arguments);
		fprintf(file, "  %-36s %s\n", head, commands[i]->summary);
	}
	fputs("\n"
	      "  --runtime DIR  where the service's sockets are (or FASCIA_RUNTIME)\n"
	      "  --version      print the version\n"
	      "\n"
	      "`fascia COMMAND --help` says more, fascia(1) all. The smallest configuration:\n"
	      "  guests:\n"
	      "    - name: cluster\n",
		file);
}

static void print_help(const struct command *command) {
	printf("usage: fascia %s%s%s\n\n%s.\n\n%s"
	       "  --runtime DIR      where the service's sockets are (or FASCIA_RUNTIME)\n",
		command->name, command->arguments[0] != '\0' ? " " : "", command->arguments,
		command->summary, command->help);
}

bool command_option(const struct command *command, int option, int *status) {
	switch (option) {
	case 'R':
		command_runtime = optarg;
		return true;
	case 'h':
		print_help(command);
		*status = COMMAND_OK;
		return false;
	default:
		/* getopt_long() has said what is wrong with the option */
		fprintf(stderr, "usage: fascia %s %s\n", command->name, command->arguments);
		*status = COMMAND_USAGE;
		return false;
	}
}

static void print_error(const struct command *command, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void print_error(const struct command *command, const char *format, va_list args) {
	fprintf(stderr, "fascia %s: ", command->name);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

int command_usage_error(const struct command *command, const char *format, ...) {
	va_list args;
	va_start(args, format);
	print_error(command, format, args);
	va_end(args);
	fprintf(stderr, "usage: fascia %s %s\n", command->name, command->arguments);
	return COMMAND_USAGE;
}

int command_failed(const struct command *command, const char *format, ...) {
	va_list args;
	va_start(args, format);
	print_error(command, format, args);
	va_end(args);
	return COMMAND_FAILED;
}

static const struct command *find_command(const char *name) {
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (strcmp(commands[i]->name, name) == 0) {
			return commands[i];
		}
	}
	return NULL;
}

int main(int argc, char **argv) {
	static const struct option options[] = {
		COMMAND_OPTIONS_COMMON,
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int option;
	while ((option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		switch (option) {
		case 'R':
			command_runtime = optarg;
			break;
		case 'h':
			print_usage(stdout);
			return COMMAND_OK;
		case 'V':
			puts("fascia " FASCIA_VERSION);
			return COMMAND_OK;
		default:
			print_usage(stderr);
			return COMMAND_USAGE;
		}
	}
	if (optind == argc) {
		print_usage(stderr);
		return COMMAND_USAGE;
	}
	const struct command *command = find_command(argv[optind]);
	if (command == NULL) {
		fprintf(stderr, "fascia: there is no command '%s'\n\n", argv[optind]);
		print_usage(stderr);
		return COMMAND_USAGE;
	}
	log_init("fascia", log_level_from_env(), NULL, true);
	argc -= optind;
	argv += optind;
	optind = 0; /* getopt_long() starts anew */
	return command->run(command, argc, argv);
}
