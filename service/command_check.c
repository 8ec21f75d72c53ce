#include <stdio.h>
#include <string.h>

#include "core/fd.h"
#include "service/assets.h"
#include "service/command.h"
#include "service/config_compile.h"
#include "service/config_elements.h"

static void print_guest(const struct config_guest *guest) {
	if (guest->gpu.enabled) {
		printf("guest %s: gpu at %s, %u scanout%s, pool %llu MiB\n", guest->name,
			guest->gpu.socket, guest->gpu.scanouts_len,
			guest->gpu.scanouts_len == 1 ? "" : "s",
			(unsigned long long)(guest->gpu.budget.pool_bytes >> 20));
	}
	if (guest->sound.enabled) {
		printf("guest %s: sound at %s, %u stream%s\n", guest->name, guest->sound.socket,
			guest->sound.streams, guest->sound.streams == 1 ? "" : "s");
	}
}

static void print_config(const struct config *config) {
	static const char *const clocks[] = { "Hz", "Hz nominal, @0", "Hz nominal, @step" };
	for (unsigned i = 0; i < config->outputs_len; i++) {
		const struct config_output *output = &config->outputs[i];
		printf("output %s: %ux%u, %g %s%s\n", output->name, output->width, output->height,
			output->refresh_mhz / 1000.0, clocks[output->clock],
			output->fallback ? ", with the fallback HMI" : "");
	}
	for (unsigned i = 0; i < config->guests_len; i++) {
		print_guest(&config->guests[i]);
	}
	for (unsigned i = 0; i < config->layers_len; i++) {
		const struct config_layer *layer = &config->layers[i];
		printf("layer %s: %ux%u at %d,%d of %s%s%s\n", layer->name, layer->place.width,
			layer->place.height, layer->place.x, layer->place.y,
			config->outputs[layer->output].name, layer->visible ? "" : ", hidden",
			layer->critical ? ", critical" : "");
	}
}

/* What the file says about elements can only be told with the HMI drawn. */
static int check_elements(const struct command *command, const char *path,
	const struct config *config, const struct config_pictures *pictures) {
	if (!config_names_elements(config)) {
		return COMMAND_OK;
	}
	int atlas = assets_create_atlas(config, pictures, stderr);
	int error = atlas < 0 ? atlas : config_check_atlas(path, config, atlas, stderr);
	fd_close(&atlas);
	return error == 0 ? COMMAND_OK : command_failed(command, "the HMI: %s", strerror(-error));
}

static int run_check(const struct command *command, int argc, char **argv) {
	static const struct option options[] = { COMMAND_OPTIONS_COMMON, { 0 } };
	int option, status;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (!command_option(command, option, &status)) {
			return status;
		}
	}
	if (optind + 1 != argc) {
		return command_usage_error(command, "expected one configuration file");
	}
	struct config config;
	struct config_pictures pictures;
	if (!config_compile(argv[optind], command_runtime, &config, &pictures, stderr)) {
		return COMMAND_FAILED;
	}
	status = check_elements(command, argv[optind], &config, &pictures);
	if (status == COMMAND_OK) {
		print_config(&config);
		printf("runtime directory: %s\n", config.runtime_dir);
	}
	config_pictures_finish(&pictures);
	return status;
}

const struct command command_check = {
	.name = "check",
	.arguments = "FILE",
	.summary = "Say whether a configuration is good, and what it comes to",
	.help = "Complaints name the file, the line and what is allowed; then the exit status is "
		"1.\n\n",
	.run = run_check,
};
