/*
 * cluster-hmi: the instrument cluster that the demo's first guest shows. Draws the shipped HMI from its
 * atlas into dumb buffers, with what it is told over a virtio-serial port, shows them by page flips,
 * follows hot-plug, sends its heartbeat over the guest channel, and clicks like a turn signal.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/guest/programs/cluster_face.h"
#include "tests/guest/programs/kms_screen.h"
#include "tests/guest/programs/port.h"
#include "tests/guest/programs/turn_click.h"
#include "tests/guest/programs/vehicle.h"

#define FOLLOW_SECONDS 1.0
#define REPORT_SECONDS 10.0
#define HEARTBEAT_SECONDS 0.2
#define CHANNEL_PORT "org.fascia.channel" /* fascia-channel(7) */

static const char usage[] =
	"usage: cluster-hmi [--atlas FILE] [--card PATH] [--fps N] [--port NAME]\n"
	"                   [--sound DEVICE | --silent] [--seconds N]\n"
	"       cluster-hmi [--atlas FILE] --picture FILE.ppm [NAME=VALUE...]\n"
	"\n"
	"  --atlas FILE    what `fascia assets build` made; default /fascia/cluster.atlas\n"
	"  --card PATH     the DRM device; default: the first that can set modes\n"
	"  --fps N         frames per second at most; default 30\n"
	"  --port NAME     the virtio-serial port with the vehicle's signals; default "
	"fascia.vehicle\n"
	"  --sound DEVICE  ALSA device for the turn signal's click; default hw:0,0\n"
	"  --silent        no sound\n"
	"  --seconds N     end after so long\n"
	"  --picture FILE  draw one frame into a file, without any device\n";

struct options {
	const char *atlas, *card, *port, *sound, *picture;
	double fps, seconds;
	bool silent;
};

struct report {
	double since, drawing; /* seconds */
	unsigned frames;
};

static volatile sig_atomic_t stopped;

static void handle_signal(int signal) {
	(void)signal;
	stopped = 1;
}

static double now(void) {
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void sleep_until(double when) {
	struct timespec time = { .tv_sec = (time_t)when };

	time.tv_nsec = (long)((when - (double)time.tv_sec) * 1e9);
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

/* ---- one frame into a file ---- */

static int write_picture(
	const char *path, struct cluster_face *face, const int32_t values[SIGNAL_VALUES]) {
	struct face_buffer buffer;
	uint32_t width, height;
	cluster_face_size(face, &width, &height);
	uint8_t *pixels = calloc(height, (size_t)width * 4);
	int error = pixels != NULL ? face_buffer_init(&buffer, pixels, width * 4, width, height)
				   : -ENOMEM;
	if (error == 0) {
		cluster_face_draw(face, &buffer, values, &(struct frame_tag) { 0 });
		error = face_buffer_write(&buffer, path);
		face_buffer_finish(&buffer);
	}
	free(pixels);
	return error;
}

static int draw_picture(const struct options *options, char **words) {
	struct cluster_face *face = cluster_face_create(options->atlas);
	struct vehicle vehicle;
	int32_t values[SIGNAL_VALUES];
	if (face == NULL) {
		return EXIT_FAILURE;
	}
	vehicle_init(&vehicle);
	for (; *words != NULL; words++) {
		if (!vehicle_take_line(&vehicle, *words, 0)) {
			fprintf(stderr, "cluster-hmi: no signal: %s\n", *words);
		}
	}
	vehicle_values(&vehicle, 0, values);
	int error = write_picture(options->picture, face, values);
	if (error < 0) {
		fprintf(stderr, "cluster-hmi: %s: %s\n", options->picture, strerror(-error));
	}
	cluster_face_destroy(face);
	return error < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- the running cluster ---- */

/* What is drawn. */
struct look {
	int32_t values[SIGNAL_VALUES];
	struct frame_tag tag;
};

struct cluster {
	const struct options *options;
	struct turn_click click;
	bool clicks; /* the thread runs */
	struct kms_screen screen;
	struct cluster_face *face;
	struct face_buffer buffers[KMS_SCREEN_BUFFERS]; /* none without a display */
	struct port channel, told;
	struct vehicle vehicle;
	struct look look;
	unsigned long long heartbeats;
	double follow_next, heartbeat_next;
	struct report report;
};

static bool cluster_has_display(const struct cluster *cluster) {
	return cluster->buffers[0].shown != NULL;
}

static void cluster_leave_display(struct cluster *cluster) {
	for (int i = 0; i < KMS_SCREEN_BUFFERS; i++) {
		face_buffer_finish(&cluster->buffers[i]);
	}
}

/* Looks for a display and prepares for its size. */
static int cluster_follow(struct cluster *cluster) {
	int r = kms_screen_follow(&cluster->screen);

	if (r < 0 || (r == 0 && cluster->screen.connector)) {
		return r;
	}
	cluster_leave_display(cluster);
	uint32_t width = cluster->screen.mode.hdisplay, height = cluster->screen.mode.vdisplay;
	if (r == 0 || width < FRAME_TAG_PIXELS || height < 2) {
		return 0;
	}
	for (int i = 0; i < KMS_SCREEN_BUFFERS; i++) {
		const struct kms_buffer *buffer = &cluster->screen.buffers[i];
		r = face_buffer_init(
			&cluster->buffers[i], buffer->pixels, buffer->stride, width, height);
		if (r < 0) {
			cluster_leave_display(cluster);
			return r;
		}
	}
	printf("cluster-hmi: display %ux%u\n", width, height);
	return 0;
}

static void report_frame(struct report *report, double begin, double end) {
	report->drawing += end - begin;
	report->frames++;
	if (end - report->since >= REPORT_SECONDS) {
		printf("cluster-hmi: %.1f frames/s, %.2f ms to draw one\n",
			report->frames / (end - report->since),
			report->drawing / report->frames * 1e3);
		*report = (struct report) { .since = end };
	}
}

static void cluster_keep_picture(struct cluster *cluster, const struct face_buffer *buffer) {
	char *path = cluster->vehicle.picture;
	if (path[0] != '\0') {
		int r = face_buffer_write(buffer, path);
		printf("cluster-hmi: picture %s: %s\n", path, r < 0 ? strerror(-r) : "written");
		path[0] = '\0';
	}
}

static void cluster_look(struct cluster *cluster, double at) {
	cluster->look.tag.counter++;
	cluster->look.tag.time_ms = (uint32_t)(uint64_t)(at * 1e3);
	vehicle_values(&cluster->vehicle, at, cluster->look.values);
}

static int cluster_frame(struct cluster *cluster) {
	struct face_buffer *buffer = &cluster->buffers[cluster->screen.back];
	double begin = now();

	/* one that is frozen goes on showing what it drew before, tag and all */
	if (!cluster->vehicle.is_frozen) {
		cluster_look(cluster, begin);
	}
	cluster_face_draw(cluster->face, buffer, cluster->look.values, &cluster->look.tag);
	report_frame(&cluster->report, begin, now());
	cluster_keep_picture(cluster, buffer);
	return kms_screen_flip(&cluster->screen);
}

/* After the first frame: a machine that is busy painting would be late with the sound. */
static int cluster_click(struct cluster *cluster) {
	const int32_t *values = cluster->look.values;
	if (!cluster->clicks && !cluster->options->silent) {
		int r = turn_click_start(&cluster->click, cluster->options->sound);
		if (r < 0) {
			return r;
		}
		cluster->clicks = true;
	}
	if (cluster->clicks) {
		turn_click_switch(&cluster->click,
			values[SIGNAL_TURN_LEFT] == 1 || values[SIGNAL_TURN_RIGHT] == 1);
	}
	return 0;
}

static void cluster_listen(struct cluster *cluster) {
	const char *line;
	while ((line = port_read_line(&cluster->told)) != NULL) {
		if (!vehicle_take_line(&cluster->vehicle, line, now())) {
			printf("cluster-hmi: not understood: %s\n", line);
		}
	}
}

/* From the loop that draws: if that hangs, there is none. */
static void cluster_beat(struct cluster *cluster, double at) {
	char line[48];
	while (port_read_line(&cluster->channel) != NULL) {
		/* the answers */
	}
	if (at < cluster->heartbeat_next) {
		return;
	}
	cluster->heartbeat_next = at + HEARTBEAT_SECONDS;
	snprintf(line, sizeof(line), "heartbeat %llu\n", ++cluster->heartbeats);
	port_write(&cluster->channel, line);
}

static int cluster_step(struct cluster *cluster, double at) {
	int r = 0;
	cluster_listen(cluster);
	if (at >= cluster->follow_next) {
		r = cluster_follow(cluster);
		cluster->follow_next = at + FOLLOW_SECONDS;
	}
	if (r == 0 && cluster_has_display(cluster)) {
		r = cluster_frame(cluster);
		r = r == 0 ? cluster_click(cluster) : r;
	}
	cluster_beat(cluster, at);
	return r;
}

static void cluster_run(struct cluster *cluster) {
	const struct options *options = cluster->options;
	double start = now(), next = start;

	cluster->report.since = start;
	while (!stopped && (options->seconds <= 0 || next < start + options->seconds)) {
		int r = cluster_step(cluster, next);
		if (r < 0) {
			fprintf(stderr, "cluster-hmi: display: %s\n", strerror(-r));
			cluster->follow_next = 0;
		}
		fflush(stdout);
		/* a late frame does not make the next ones hurry */
		next = fmax(next + (r < 0 ? 0.2 : 1 / options->fps), now());
		sleep_until(next);
	}
}

static int run(const struct options *options) {
	static struct cluster cluster;
	cluster.options = options;
	cluster.face = cluster_face_create(options->atlas);
	int r = cluster.face != NULL ? kms_screen_init(&cluster.screen, options->card) : -ENOENT;

	if (r < 0) {
		fprintf(stderr, "cluster-hmi: no atlas or no display device (%s)\n", strerror(-r));
		cluster_face_destroy(cluster.face);
		return EXIT_FAILURE;
	}
	vehicle_init(&cluster.vehicle);
	port_open(&cluster.told, options->port);
	port_open(&cluster.channel, CHANNEL_PORT);
	port_write(&cluster.channel, "hello cluster-hmi\n");
	cluster_run(&cluster);
	if (cluster.clicks) {
		turn_click_stop(&cluster.click);
	}
	port_close(&cluster.channel);
	port_close(&cluster.told);
	cluster_leave_display(&cluster);
	cluster_face_destroy(cluster.face);
	kms_screen_finish(&cluster.screen);
	return EXIT_SUCCESS;
}

static bool parse_option(int option, struct options *options) {
	switch (option) {
	case 'a':
		options->atlas = optarg;
		return true;
	case 'c':
		options->card = optarg;
		return true;
	case 'f':
		options->fps = atof(optarg);
		return options->fps > 0;
	case 'o':
		options->port = optarg;
		return true;
	case 's':
		options->sound = optarg;
		return true;
	case 'q':
		options->silent = true;
		return true;
	case 't':
		options->seconds = atof(optarg);
		return options->seconds > 0;
	case 'p':
		options->picture = optarg;
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv) {
	static const struct option longs[] = {
		{ "atlas", required_argument, NULL, 'a' },
		{ "card", required_argument, NULL, 'c' },
		{ "fps", required_argument, NULL, 'f' },
		{ "port", required_argument, NULL, 'o' },
		{ "sound", required_argument, NULL, 's' },
		{ "silent", no_argument, NULL, 'q' },
		{ "seconds", required_argument, NULL, 't' },
		{ "picture", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct options options = { .atlas = "/fascia/cluster.atlas",
		.port = "fascia.vehicle",
		.sound = "hw:0,0",
		.fps = 30 };
	int option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
		if (option == 'h') {
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		}
		if (!parse_option(option, &options)) {
			fputs(usage, stderr);
			return EXIT_FAILURE;
		}
	}
	if (options.picture) {
		return draw_picture(&options, argv + optind);
	}
	signal(SIGINT, handle_signal);
	signal(SIGTERM, handle_signal);
	return run(&options);
}
