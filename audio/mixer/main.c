/* fascia-mixer: mixes the sound of all guests into the sink. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/mixer/service.h"

static const char usage[] =
	"usage: fascia-mixer [--control]\n"
	"\n"
	"Mixes the sound of all guests. Started by fascia-keeper, which grants it everything on\n"
	"descriptor 3; it is of no use alone.\n";

int main(int argc, char *argv[]) {
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--control") != 0)) {
		fputs(usage, stderr);
		return 2;
	}
	static struct mixer_service service;
	int status = EXIT_FAILURE;
	if (mixer_service_init(&service, CONTROL_FD) == 0) {
		status = loop_run(service.loop);
	}
	mixer_service_finish(&service);
	return status;
}
