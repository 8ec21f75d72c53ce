/*
 * cluster-hmi: the instrument cluster that the demo's first guest shows. Draws with cairo into dumb
 * buffers, shows them by page flips, follows hot-plug, and clicks like a turn signal.
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
#include "tests/guest/programs/turn_click.h"

#define FOLLOW_SECONDS 1.0
#define REPORT_SECONDS 10.0

static const char usage[] =
	"usage: cluster-hmi [--card PATH] [--fps N] [--sound DEVICE | --silent] [--seconds N]\n"
	"       cluster-hmi --png FILE [--at SECONDS] [--size WxH]\n"
	"\n"
	"  --card PATH     the DRM device; default: the first that can set modes\n"
	"  --fps N         frames per second at most; default 30\n"
	"  --sound DEVICE  ALSA device for the turn signal's click; default hw:0,0\n"
	"  --silent        no sound\n"
	"  --seconds N     end after so long\n"
	"  --png FILE      draw one frame into a file, without any device\n"
	"  --at SECONDS    of which moment of the drive; default 30\n"
	"  --size WxH      of which size; default 1280x480\n";

struct options {
	const char *card, *sound, *png;
	double fps, at, seconds;
	unsigned width, height;
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

static int draw_png(const struct options *options) {
	struct cluster_face *face = cluster_face_create(options->width, options->height);
	cairo_surface_t *picture = cairo_image_surface_create(
		CAIRO_FORMAT_RGB24, (int)options->width, (int)options->height);
	struct face_buffer buffer = { .pixels = cairo_image_surface_get_data(picture),
		.stride = (uint32_t)cairo_image_surface_get_stride(picture) };

	if (!face || !buffer.pixels) {
		fprintf(stderr, "cluster-hmi: no memory for %ux%u\n", options->width,
			options->height);
		return EXIT_FAILURE;
	}
	/* a second before as well: what a running cluster shows came about by small changes */
	for (double at = options->at > 1 ? options->at - 1 : 0; at < options->at;
		at += 1 / options->fps) {
		struct drive drive = drive_at(at);
		cluster_face_draw(face, &buffer, &drive);
	}
	struct drive drive = drive_at(options->at);
	cluster_face_draw(face, &buffer, &drive);
	cairo_surface_mark_dirty(picture);
	cairo_status_t status = cairo_surface_write_to_png(picture, options->png);
	if (status != CAIRO_STATUS_SUCCESS) {
		fprintf(stderr, "cluster-hmi: %s: %s\n", options->png,
			cairo_status_to_string(status));
	}
	cairo_surface_destroy(picture);
	cluster_face_destroy(face);
	return status == CAIRO_STATUS_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- the running cluster ---- */

struct cluster {
	const struct options *options;
	struct turn_click click;
	bool clicks; /* the thread runs */
	struct kms_screen screen;
	struct cluster_face *face; /* NULL: no display */
	struct face_buffer buffers[KMS_SCREEN_BUFFERS];
	double start, follow_next;
	struct report report;
};

/* Looks for a display and prepares for its size. */
static int cluster_follow(struct cluster *cluster) {
	int r = kms_screen_follow(&cluster->screen);

	if (r < 0 || (r == 0 && cluster->screen.connector)) {
		return r;
	}
	cluster_face_destroy(cluster->face);
	cluster->face = NULL;
	if (r == 0) {
		return 0;
	}
	uint32_t width = cluster->screen.mode.hdisplay, height = cluster->screen.mode.vdisplay;
	cluster->face = cluster_face_create(width, height);
	if (!cluster->face) {
		return -ENOMEM;
	}
	for (int i = 0; i < KMS_SCREEN_BUFFERS; i++) {
		cluster->buffers[i] = (struct face_buffer) {
			.pixels = cluster->screen.buffers[i].pixels,
			.stride = cluster->screen.buffers[i].stride,
		};
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

static int cluster_frame(struct cluster *cluster) {
	double begin = now();
	struct drive drive = drive_at(begin - cluster->start);

	cluster_face_draw(cluster->face, &cluster->buffers[cluster->screen.back], &drive);
	report_frame(&cluster->report, begin, now());
	return kms_screen_flip(&cluster->screen);
}

/* After the first frame: a machine that is busy painting would be late with the sound. */
static int cluster_start_click(struct cluster *cluster) {
	if (cluster->clicks || cluster->options->silent) {
		return 0;
	}
	int r = turn_click_start(&cluster->click, cluster->options->sound);
	cluster->clicks = r == 0;
	return r;
}

static void cluster_run(struct cluster *cluster) {
	const struct options *options = cluster->options;
	double next = cluster->start = cluster->report.since = now();

	while (!stopped && (options->seconds <= 0 || next < cluster->start + options->seconds)) {
		int r = 0;

		if (next >= cluster->follow_next) {
			r = cluster_follow(cluster);
			cluster->follow_next = next + FOLLOW_SECONDS;
		}
		if (r == 0 && cluster->face) {
			r = cluster_frame(cluster);
			r = r == 0 ? cluster_start_click(cluster) : r;
		}
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
	struct cluster cluster = { .options = options };
	int r = kms_screen_init(&cluster.screen, options->card);

	if (r < 0) {
		fprintf(stderr, "cluster-hmi: no display device (%s)\n", strerror(-r));
		return EXIT_FAILURE;
	}
	cluster_run(&cluster);
	if (cluster.clicks) {
		turn_click_stop(&cluster.click);
	}
	cluster_face_destroy(cluster.face);
	kms_screen_finish(&cluster.screen);
	return EXIT_SUCCESS;
}

static bool parse_option(int option, struct options *options) {
	switch (option) {
	case 'c':
		options->card = optarg;
		return true;
	case 'f':
		options->fps = atof(optarg);
		return options->fps > 0;
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
		options->png = optarg;
		return true;
	case 'a':
		options->at = atof(optarg);
		return options->at >= 0;
	case 'z':
		return sscanf(optarg, "%ux%u", &options->width, &options->height) == 2 &&
			options->width - 1 < 8192 && options->height - 1 < 8192;
	default:
		return false;
	}
}

int main(int argc, char **argv) {
	static const struct option longs[] = {
		{ "card", required_argument, NULL, 'c' },
		{ "fps", required_argument, NULL, 'f' },
		{ "sound", required_argument, NULL, 's' },
		{ "silent", no_argument, NULL, 'q' },
		{ "seconds", required_argument, NULL, 't' },
		{ "png", required_argument, NULL, 'p' },
		{ "at", required_argument, NULL, 'a' },
		{ "size", required_argument, NULL, 'z' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct options options = {
		.sound = "hw:0,0", .fps = 30, .at = 30, .width = ART_WIDTH, .height = ART_HEIGHT
	};
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
	if (options.png) {
		return draw_png(&options);
	}
	signal(SIGINT, handle_signal);
	signal(SIGTERM, handle_signal);
	return run(&options);
}
