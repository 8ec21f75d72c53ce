#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cue.h"
#include "core/fd.h"
#include "core/signals.h"
#include "service/assets.h"
#include "service/assets_report.h"
#include "service/atlas_file.h"
#include "service/command.h"
#include "service/scalar.h"

#define SCALE_MIN 0.25
#define SCALE_MAX 8.0

static const char *const kinds[ATLAS_KINDS] = {
	[ATLAS_GROUND] = "ground",
	[ATLAS_LAMP] = "lamp",
	[ATLAS_CHOICE] = "choice",
	[ATLAS_READOUT] = "readout",
	[ATLAS_GAUGE] = "gauge",
	[ATLAS_NOTICE] = "notice",
	[ATLAS_FRAME] = "frame",
};
static const char *const chimes[CUE_CHIMES] = { "-", "information", "caution", "warning" };

struct build {
	const char *path, *output_file, *report, *output;
	double scale;
};

/* ---- show ---- */

static void show_element(const struct atlas *atlas, const struct atlas_element *element) {
	const struct signal_info *signal = signal_info(element->signal);
	char place[48];
	snprintf(place, sizeof(place), "%d,%d %ux%u", element->place.x, element->place.y,
		element->place.width, element->place.height);
	printf("%-16s %-8s %-16s %-18s %4u states%s%s%s\n", element->name, kinds[element->kind],
		signal != NULL ? signal->name : "-", place, element->states_len,
		element->safety ? ", safety" : "", element->chime != 0 ? ", chime " : "",
		element->chime != 0 ? chimes[element->chime] : "");
	for (uint32_t state = 0; element->safety && state < element->states_len; state++) {
		printf("  state %u:", state);
		for (uint32_t picture = 0; picture < atlas->themes_len * atlas->locales_len;
			picture++) {
			const struct atlas_tile *tile = atlas_element_tile(atlas, element,
				picture / atlas->locales_len, picture % atlas->locales_len, state);
			printf(" %08x", tile->shown_crc32);
		}
		printf("\n");
	}
}

static int show(const struct command *command, const char *path) {
	struct atlas_file *file = atlas_file_open(path, stderr);
	if (file == NULL) {
		return COMMAND_FAILED;
	}
	const struct atlas *atlas = atlas_file_atlas(file);
	printf("%s: %zu bytes, %u elements, %u tiles, %u themes, %u locales\n", path,
		atlas->size_bytes, atlas->elements_len, atlas->tiles_len, atlas->themes_len,
		atlas->locales_len);
	for (uint32_t i = 0; i < atlas->elements_len; i++) {
		show_element(atlas, &atlas->elements[i]);
	}
	atlas_file_close(file);
	return COMMAND_OK;
}

/* ---- build ---- */

static int build(const struct command *command, const struct build *build) {
	int fd = assets_build(build->path, build->output, build->scale, stderr);
	if (fd < 0) {
		return command_failed(command, "%s: nothing was built", build->path);
	}
	struct atlas atlas;
	int status = COMMAND_OK;
	int error = atlas_map(&atlas, fd);
	if (error != 0) {
		status =
			command_failed(command, "%s: what was drawn is no good atlas", build->path);
	} else {
		if (build->report != NULL) {
			error = assets_report(&atlas, build->output, build->report);
		}
		if (error != 0) {
			status = command_failed(command, "%s: %s", build->report, strerror(-error));
		}
		atlas_unmap(&atlas);
	}
	error = status == COMMAND_OK ? atlas_file_write(fd, build->output_file) : 0;
	if (error != 0) {
		status = command_failed(command, "%s: %s", build->output_file, strerror(-error));
	}
	fd_close(&fd);
	return status;
}

static int run_build(const struct command *command, struct build *to_build) {
	if (to_build->output_file == NULL) {
		return command_usage_error(command, "build needs -o FILE.atlas");
	}
	if (!scalar_is_name(to_build->output)) {
		return command_usage_error(command, "--output: %s", SCALAR_NAME_FORM);
	}
	return build(command, to_build);
}

static bool parse_scale(const char *text, double *scale) {
	char *end;
	*scale = strtod(text, &end);
	return end != text && *end == '\0' && *scale >= SCALE_MIN && *scale <= SCALE_MAX;
}

static int run_assets(const struct command *command, int argc, char **argv) {
	static const struct option options[] = { { "report", required_argument, NULL, 'r' },
		{ "output", required_argument, NULL, 'O' },
		{ "scale", required_argument, NULL, 's' }, COMMAND_OPTIONS_COMMON, { 0 } };
	struct build to_build = { .output = "main", .scale = 1 };
	int option, status;
	while ((option = getopt_long(argc, argv, "ho:", options, NULL)) != -1) {
		switch (option) {
		case 'o':
			to_build.output_file = optarg;
			break;
		case 'r':
			to_build.report = optarg;
			break;
		case 'O':
			to_build.output = optarg;
			break;
		case 's':
			if (!parse_scale(optarg, &to_build.scale)) {
				return command_usage_error(
					command, "--scale: '%s'; allowed: 0.25 to 8", optarg);
			}
			break;
		default:
			if (!command_option(command, option, &status)) {
				return status;
			}
			break;
		}
	}
	if (optind + 2 != argc) {
		return command_usage_error(command, "expected build or show, and a file");
	}
	to_build.path = argv[optind + 1];
	if (strcmp(argv[optind], "build") == 0) {
		return run_build(command, &to_build);
	}
	if (strcmp(argv[optind], "show") == 0) {
		return show(command, to_build.path);
	}
	return command_usage_error(command, "'%s'; allowed: build, show", argv[optind]);
}

const struct command command_assets = {
	.name = "assets",
	.arguments = "build|show FILE",
	.summary = "Draw an HMI file into an atlas, or say what is in one",
	.help = "  build HMI.yaml      draws it; what is wrong in it is said with its line\n"
		"    -o FILE.atlas     where to\n"
		"    --report DIR      writes DIR/index.html with pictures of everything\n"
		"    --output NAME     of the output it is for; default: main\n"
		"    --scale F         pixels a unit, 0.25 to 8; default: 1\n"
		"  show FILE.atlas     prints elements, places, and checksums of safety "
		"elements\n\n",
	.run = run_assets,
};
