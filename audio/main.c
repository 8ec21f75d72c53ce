/* fascia-sound: the VIRTIO sound device of one guest, for one session of its VMM. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/sound_endpoint.h"
#include "core/control.h"

#define STATUS_USAGE 2
#define QUANTUM_MIN 16

static const char usage[] =
	"usage: fascia-sound --socket-path=PATH | --fd=NUMBER [OPTION...]\n"
	"       fascia-sound --print-capabilities\n"
	"\n"
	"The VIRTIO sound device of one virtual machine, served over vhost-user. Ends when the\n"
	"machine hangs up. Alone, it plays into nothing, in real time. Without any option it\n"
	"expects a keeper on descriptor 3.\n"
	"\n"
	"  --socket-path=PATH    listen on a unix socket there\n"
	"  --fd=NUMBER           serve this socket, listening or connected\n"
	"  --print-capabilities  print what this program can do, as JSON, and end\n"
	"  --streams=COUNT       playback streams, 1 to 8 (default: 2)\n"
	"  --rate=HZ             of the mix, 8000 to 192000 (default: 48000)\n"
	"  --quantum=FRAMES      of the mix, 16 to 1024 (default: 128)\n"
	"  --control             take everything from the keeper on descriptor 3\n"
	"  --help                print this and end\n";

enum sound_option {
	SOCKET_PATH = 1,
	FD,
	PRINT_CAPABILITIES,
	STREAMS,
	RATE,
	QUANTUM,
	CONTROL,
	HELP
};

static const struct option long_options[] = {
	{ "socket-path", required_argument, NULL, SOCKET_PATH },
	{ "fd", required_argument, NULL, FD },
	{ "print-capabilities", no_argument, NULL, PRINT_CAPABILITIES },
	{ "streams", required_argument, NULL, STREAMS },
	{ "rate", required_argument, NULL, RATE },
	{ "quantum", required_argument, NULL, QUANTUM },
	{ "control", no_argument, NULL, CONTROL },
	{ "help", no_argument, NULL, HELP },
	{ 0 },
};

static bool parse_number(const char *text, long min, long max, long *number) {
	char *end;
	*number = strtol(text, &end, 10);
	return *text != '\0' && *end == '\0' && *number >= min && *number <= max;
}

static int refuse(const char *what) {
	fprintf(stderr, "fascia-sound: %s\n%s", what, usage);
	return STATUS_USAGE;
}

static int run_granted(void) {
	static struct sound_endpoint endpoint;
	int status = EXIT_FAILURE;
	if (sound_endpoint_init_granted(&endpoint, CONTROL_FD) == 0) {
		status = sound_endpoint_run(&endpoint);
	}
	sound_endpoint_finish(&endpoint);
	return status;
}

static int run_alone(const struct sound_endpoint_options *options) {
	static struct sound_endpoint endpoint;
	int status = EXIT_FAILURE;
	if (sound_endpoint_init_alone(&endpoint, options) == 0) {
		status = sound_endpoint_run(&endpoint);
	}
	sound_endpoint_finish(&endpoint);
	return status;
}

/* NULL, or what is wrong with the value. */
static const char *parse_value(
	enum sound_option option, const char *text, struct sound_endpoint_options *options) {
	long number;
	switch (option) {
	case FD:
		if (!parse_number(text, 0, INT32_MAX, &number)) {
			return "--fd needs a number";
		}
		options->fd = (int)number;
		break;
	case STREAMS:
		if (!parse_number(text, 1, SAMPLE_LINK_STREAMS, &number)) {
			return "--streams needs a number from 1 to 8";
		}
		options->streams = (uint32_t)number;
		break;
	case RATE:
		if (!parse_number(text, SAMPLE_RATE_MIN, SAMPLE_RATE_MAX, &number)) {
			return "--rate needs a number from 8000 to 192000";
		}
		options->rate = (uint32_t)number;
		break;
	case QUANTUM:
		if (!parse_number(text, QUANTUM_MIN, MIXER_QUANTUM_FRAMES_MAX, &number)) {
			return "--quantum needs a number from 16 to 1024";
		}
		options->quantum_frames = (uint32_t)number;
		break;
	default:
		options->socket_path = text;
		break;
	}
	return NULL;
}

int main(int argc, char *argv[]) {
	struct sound_endpoint_options options = {
		.fd = -1,
		.streams = 2,
		.rate = 48000,
		.quantum_frames = 128,
	};
	int option;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		const char *wrong = NULL;
		switch (option) {
		case PRINT_CAPABILITIES:
			puts("{ \"type\": \"sound\" }");
			return EXIT_SUCCESS;
		case CONTROL:
			return run_granted();
		case HELP:
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		case '?':
			return STATUS_USAGE;
		default:
			wrong = parse_value((enum sound_option)option, optarg, &options);
			break;
		}
		if (wrong != NULL) {
			return refuse(wrong);
		}
	}
	if (optind < argc) {
		return refuse("takes no argument without an option");
	}
	if (argc == 1) {
		return run_granted();
	}
	if ((options.socket_path != NULL) == (options.fd >= 0)) {
		return refuse("needs one of --socket-path and --fd");
	}
	return run_alone(&options);
}
