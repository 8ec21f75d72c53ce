/*
 * ./dev bench compose: what the compositor's work costs at each frame, and how soon it shows something.
 *
 * Composition and checks are the compositor's own code on pictures as large as the promises say, beside
 * memcpy of the same; their time is CPU time. First light is a service's, all of it real.
 */
#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <yyjson.h>

#include "core/clock.h"
#include "tests/bench/compose_figures.h"

#define RUNS 400
#define STARTS 20

struct figure *figures_add(struct figures *figures, const char *name, double bound_ms) {
	assert(figures->len < FIGURES_MAX);
	struct figure *figure = &figures->items[figures->len++];
	figure->name = name;
	figure->bound_ms = bound_ms;
	return figure;
}

static uint64_t used_ns(void) {
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

void figures_measure(struct figures *figures, struct figure *figure, unsigned runs,
	bool (*work)(void *), void *data) {
	for (unsigned i = 0; i < runs; i++) {
		uint64_t start_ns = used_ns();
		figures->is_broken |= !work(data);
		samples_add(&figure->samples, used_ns() - start_ns);
	}
}

static double percentile_ms(struct figure *figure, double percent) {
	return (double)samples_percentile(&figure->samples, percent) / NS_PER_MS;
}

static bool is_kept(struct figure *figure) {
	return figure->bound_ms == 0 ||
		(figure->samples.len > 0 && percentile_ms(figure, 50) <= figure->bound_ms);
}

static bool print(struct figures *figures) {
	bool kept = !figures->is_broken;
	printf("%-46s %6s %9s %9s %9s %9s  %s\n", "ms; CPU time but for first light", "runs",
		"least", "median", "p99", "most", "bound of the median");
	for (unsigned i = 0; i < figures->len; i++) {
		struct figure *figure = &figures->items[i];
		printf("%-46s %6zu %9.3f %9.3f %9.3f %9.3f", figure->name, figure->samples.len,
			percentile_ms(figure, 0), percentile_ms(figure, 50),
			percentile_ms(figure, 99), percentile_ms(figure, 100));
		if (figure->bound_ms != 0) {
			printf("  %g: %s", figure->bound_ms, is_kept(figure) ? "kept" : "NOT KEPT");
		}
		printf("\n");
		kept &= is_kept(figure);
	}
	if (figures->is_broken) {
		printf("something did not do what it was measured for\n");
	}
	return kept;
}

static void write_figure(yyjson_mut_doc *doc, yyjson_mut_val *list, struct figure *figure) {
	yyjson_mut_val *row = yyjson_mut_arr_add_obj(doc, list);
	yyjson_mut_obj_add_str(doc, row, "what", figure->name);
	yyjson_mut_obj_add_uint(doc, row, "runs", figure->samples.len);
	yyjson_mut_obj_add_real(doc, row, "least_ms", percentile_ms(figure, 0));
	yyjson_mut_obj_add_real(doc, row, "median_ms", percentile_ms(figure, 50));
	yyjson_mut_obj_add_real(doc, row, "p99_ms", percentile_ms(figure, 99));
	yyjson_mut_obj_add_real(doc, row, "most_ms", percentile_ms(figure, 100));
	if (figure->bound_ms != 0) {
		yyjson_mut_obj_add_real(doc, row, "bound_ms", figure->bound_ms);
		yyjson_mut_obj_add_bool(doc, row, "kept", is_kept(figure));
	}
}

static bool write_json(struct figures *figures, const char *path) {
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "figures");
	for (unsigned i = 0; i < figures->len; i++) {
		write_figure(doc, list, &figures->items[i]);
	}
	yyjson_write_err error;
	bool written = yyjson_mut_write_file(path, doc, YYJSON_WRITE_PRETTY, NULL, &error);
	yyjson_mut_doc_free(doc);
	if (!written) {
		fprintf(stderr, "bench: %s: %s\n", path, error.msg);
	}
	return written;
}

static int run(unsigned runs, unsigned starts, const char *json) {
	static struct figures figures;
	int error = compose_checks(&figures, runs);
	if (error == 0) {
		error = compose_painting(&figures, runs);
	}
	if (error == 0 && starts > 0) {
		error = compose_light(&figures, starts, "data/bench-light.yaml");
	}
	if (error != 0) {
		fprintf(stderr, "bench: %s\n", strerror(-error));
	}
	bool kept = print(&figures);
	bool written = json == NULL || write_json(&figures, json);
	return error == 0 && kept && written ? 0 : 1;
}

static void print_help(FILE *file) {
	fprintf(file,
		"usage: ./dev bench compose [--runs N] [--starts N] [--json FILE]\n\n"
		"What composing and checking a frame costs, and first light. Fails when a median "
		"is "
		"beyond its bound.\n\n"
		"  --runs N       of each piece of work (default %u)\n"
		"  --starts N     of a service, each with a death of its compositor; 0: none "
		"(default %u)\n"
		"  --json FILE    the figures as JSON too\n",
		RUNS, STARTS);
}

int main(int argc, char **argv) {
	static const struct option options[] = {
		{ "runs", required_argument, NULL, 'r' },
		{ "starts", required_argument, NULL, 's' },
		{ "json", required_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	unsigned runs = RUNS, starts = STARTS;
	const char *json = NULL;
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'r':
			runs = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 's':
			starts = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'j':
			json = optarg;
			break;
		case 'h':
			print_help(stdout);
			return 0;
		default:
			print_help(stderr);
			return 2;
		}
	}
	if (runs < 1 || runs > SAMPLES_MAX || starts > SAMPLES_MAX / 2) {
		fprintf(stderr, "bench: --runs is 1 to %u, --starts 0 to %u\n", SAMPLES_MAX,
			SAMPLES_MAX / 2);
		return 2;
	}
	return run(runs, starts, json);
}
