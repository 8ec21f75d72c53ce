#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/fd.h"
#include "display/output_memory.h"
#include "service/client.h"
#include "service/command.h"
#include "service/png.h"

static int write_picture(
	const struct command *command, struct output_reader *reader, const char *path) {
	uint32_t width = reader->page->width, height = reader->page->height;
	uint32_t *pixels = malloc((size_t)width * height * sizeof(*pixels));
	if (pixels == NULL) {
		return command_failed(command, "no memory for %ux%u pixels", width, height);
	}
	int status = COMMAND_OK;
	int64_t number = output_reader_copy(reader, pixels);
	if (number == 0) {
		status = command_failed(command, "the output has not shown anything yet");
	} else if (number < 0) {
		status = command_failed(command, "the picture changes faster than it can be read");
	} else {
		int error = png_write_opaque(path, pixels, width, height, width * 4);
		if (error != 0) {
			status = command_failed(command, "%s: %s", path, strerror(-error));
		}
	}
	free(pixels);
	return status;
}

static int take_screenshot(const struct command *command, const char *output, const char *path) {
	int status, memory;
	int socket = client_connect(command, &status);
	if (socket < 0) {
		return status;
	}
	bool got = client_get(command, socket, CONTROL_GET_OUTPUT, output, &memory, 1);
	fd_close(&socket);
	if (!got) {
		return COMMAND_FAILED;
	}
	struct output_reader reader;
	int error = output_reader_init(&reader, memory);
	if (error != 0) {
		return command_failed(command, "the output's memory: %s", strerror(-error));
	}
	status = write_picture(command, &reader, path);
	output_reader_finish(&reader);
	return status;
}

static int run_screenshot(const struct command *command, int argc, char **argv) {
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
	if (optind + 1 != argc) {
		return command_usage_error(command, "expected one file name");
	}
	return take_screenshot(command, output, argv[optind]);
}

const struct command command_screenshot = {
	.name = "screenshot",
	.arguments = "[-o OUTPUT] FILE.png",
	.summary = "Write what an output shows to a PNG file",
	.help = "  -o, --output NAME  which output; without it, the first\n",
	.run = run_screenshot,
};
