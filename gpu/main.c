/* fascia-gpu: the VIRTIO-GPU device of one guest, for one session of its VMM. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/control.h"
#include "core/log.h"
#include "core/macros.h"
#include "gpu/channel.h"
#include "gpu/device.h"
#include "gpu/endpoint.h"

#define STATUS_USAGE 2
#define CHANNEL_RELISTEN_NS NS_PER_S

static const char usage[] =
	"usage: fascia-gpu --socket-path=PATH | --fd=NUMBER [OPTION...]\n"
	"       fascia-gpu --print-capabilities\n"
	"\n"
	"The VIRTIO-GPU device of one virtual machine, served over vhost-user. Ends when the\n"
	"machine hangs up. Without any option it expects a keeper on descriptor 3.\n"
	"\n"
	"  --socket-path=PATH        listen on a unix socket there\n"
	"  --fd=NUMBER               serve this socket, listening or connected\n"
	"  --print-capabilities      print what this program can do, as JSON, and end\n"
	"  --mode=WIDTHxHEIGHT[@HZ]  a display; up to 16 of them (default: one, 1280x800@60)\n"
	"  --profile=2d|blob         what the device offers (default: 2d)\n"
	"  --control                 take everything from the keeper on descriptor 3\n"
	"  --help                    print this and end\n";

struct run {
	struct endpoint endpoint;
	struct gpu_device *device;
	struct channel channel;
	bool has_channel;
};

static uint64_t now_ns(void *data) {
	return clock_now_ns();
}

static void handle_end(void *data, int error) {
	struct run *run = data;
	if (error < 0) {
		log_warning("the VMM broke the protocol: %s", strerror(-error));
	} else {
		log_info("the VMM hung up");
	}
	loop_quit(run->endpoint.loop, EXIT_SUCCESS);
}

static void handle_connection(void *data, int socket) {
	struct run *run = data;
	int rc = gpu_device_connect(run->device, socket);
	if (rc < 0) {
		log_error("cannot serve a VMM: %s", strerror(-rc));
		loop_quit(run->endpoint.loop, EXIT_FAILURE);
	}
}

/* Without it the guest's display works all the same. */
static void begin_channel(struct run *run) {
	struct endpoint *endpoint = &run->endpoint;
	if (endpoint->channel_listener < 0) {
		return;
	}
	const struct channel_setup setup = {
		.loop = endpoint->loop,
		.listener = endpoint->channel_listener,
		.link = &endpoint->link,
		.stats = &endpoint->stats,
		.relisten_ns = CHANNEL_RELISTEN_NS,
		.now_ns = now_ns,
	};
	endpoint->channel_listener = -1;
	run->has_channel = true;
	int rc = channel_init(&run->channel, &setup);
	if (rc < 0) {
		log_error("no guest channel: %s", strerror(-rc));
	}
}

static int begin(struct run *run) {
	struct endpoint *endpoint = &run->endpoint;
	const struct gpu_device_setup setup = {
		.loop = endpoint->loop,
		.link = &endpoint->link,
		.config = &endpoint->gpu,
		.stats = &endpoint->stats,
		.now_ns = now_ns,
		.handle_end = handle_end,
		.data = run,
	};
	run->device = gpu_device_create(&setup);
	if (run->device == NULL) {
		return -errno;
	}
	int rc = loop_quit_on_signals(endpoint->loop);
	if (rc < 0) {
		return rc;
	}
	rc = vhost_listener_start(&endpoint->listener, endpoint->loop, handle_connection, run);
	if (rc < 0) {
		return rc;
	}
	begin_channel(run);
	endpoint_ready(endpoint);
	return 0;
}

static int run_endpoint(struct run *run) {
	int rc = begin(run);
	int status = EXIT_FAILURE;
	if (rc < 0) {
		log_error("cannot start: %s", strerror(-rc));
	} else {
		status = loop_run(run->endpoint.loop);
	}
	if (run->has_channel) {
		channel_finish(&run->channel);
	}
	gpu_device_destroy(&run->device);
	return status;
}

/* ---- options ---- */

static bool parse_mode(const char *text, struct endpoint_options *options) {
	if (options->modes_len == ARRAY_LEN(options->modes)) {
		return false;
	}
	unsigned width;
	unsigned height;
	unsigned hz = 60;
	int end = 0;
	bool is_mode = sscanf(text, "%5ux%5u%n", &width, &height, &end) == 2 && text[end] == '\0';
	if (!is_mode) {
		is_mode = sscanf(text, "%5ux%5u@%3u%n", &width, &height, &hz, &end) == 3 &&
			text[end] == '\0';
	}
	if (!is_mode || width < 1 || width > CONFIG_MODE_MAX || height < 1 ||
		height > CONFIG_MODE_MAX || hz < 1 || hz > 400) {
		return false;
	}
	uint32_t index = options->modes_len++;
	options->modes[index] = (struct frame_mode) {
		.enabled = 1,
		.width = width,
		.height = height,
		.refresh_mhz = hz * 1000,
		.name = "fascia",
		.serial = index + 1,
	};
	return true;
}

static bool parse_profile(const char *text, struct endpoint_options *options) {
	if (strcmp(text, "2d") == 0) {
		options->profile = CONFIG_PROFILE_2D;
	} else if (strcmp(text, "blob") == 0) {
		options->profile = CONFIG_PROFILE_BLOB;
	} else {
		return false;
	}
	return true;
}

static bool parse_fd(const char *text, struct endpoint_options *options) {
	char *end;
	long fd = strtol(text, &end, 10);
	if (*text == '\0' || *end != '\0' || fd < 0 || fd > INT32_MAX) {
		return false;
	}
	options->fd = (int)fd;
	return true;
}

enum option_code { SOCKET_PATH = 1, FD, PRINT_CAPABILITIES, MODE, PROFILE, CONTROL, HELP };

static const struct option long_options[] = {
	{ "socket-path", required_argument, NULL, SOCKET_PATH },
	{ "fd", required_argument, NULL, FD },
	{ "print-capabilities", no_argument, NULL, PRINT_CAPABILITIES },
	{ "mode", required_argument, NULL, MODE },
	{ "profile", required_argument, NULL, PROFILE },
	{ "control", no_argument, NULL, CONTROL },
	{ "help", no_argument, NULL, HELP },
	{ 0 },
};

static int refuse(const char *what) {
	fprintf(stderr, "fascia-gpu: %s\n%s", what, usage);
	return STATUS_USAGE;
}

static int run_granted(void) {
	static struct run run;
	int status = EXIT_FAILURE;
	if (endpoint_init_granted(&run.endpoint, CONTROL_FD) == 0) {
		status = run_endpoint(&run);
	}
	endpoint_finish(&run.endpoint);
	return status;
}

static int run_alone(struct endpoint_options *options) {
	static struct run run;
	if (options->modes_len == 0) {
		parse_mode("1280x800", options);
	}
	int status = EXIT_FAILURE;
	if (endpoint_init_alone(&run.endpoint, options) == 0) {
		status = run_endpoint(&run);
	}
	endpoint_finish(&run.endpoint);
	return status;
}

int main(int argc, char *argv[]) {
	static struct endpoint_options options = { .fd = -1 };
	int option;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (option) {
		case SOCKET_PATH:
			options.socket_path = optarg;
			break;
		case FD:
			if (!parse_fd(optarg, &options)) {
				return refuse("--fd needs a number");
			}
			break;
		case PRINT_CAPABILITIES:
			puts("{ \"type\": \"gpu\" }");
			return EXIT_SUCCESS;
		case MODE:
			if (!parse_mode(optarg, &options)) {
				return refuse(
					"--mode needs WIDTHxHEIGHT[@HZ], 1 to 8191 pixels, at most "
					"16 times");
			}
			break;
		case PROFILE:
			if (!parse_profile(optarg, &options)) {
				return refuse("--profile needs 2d or blob");
			}
			break;
		case CONTROL:
			return run_granted();
		case HELP:
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			return STATUS_USAGE;
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
