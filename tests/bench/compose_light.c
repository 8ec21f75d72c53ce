/* First light: from the start of the compositor's process until the fallback is composed. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "tests/bench/bench_service.h"
#include "tests/bench/compose_figures.h"

#define BOUND_MS 150
#define WAIT_MS 60000 /* a guard against hanging */
#define RUNNING 2     /* of the keeper's process.NAME.state */

struct light {
	struct figure *first, *again, *inside;
};

/* When the kernel began the process, rounded down to its ticks; 0: unknown. */
static uint64_t process_start_ns(pid_t pid) {
	char path[64], text[1024];
	uint64_t ticks = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "re");
	size_t len = file != NULL ? fread(text, 1, sizeof(text) - 1, file) : 0;
	if (file != NULL) {
		fclose(file);
	}
	text[len] = '\0';
	/* field 22; the second, the name, ends with the last parenthesis */
	const char *at = strrchr(text, ')');
	for (unsigned field = 2; at != NULL && field < 22; field++) {
		at = strchr(at + 1, ' ');
	}
	if (at == NULL || sscanf(at, "%" SCNu64, &ticks) != 1) {
		return 0;
	}
	return ticks * (NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK));
}

static bool is_lit(const struct bench_service *service, uint64_t starts) {
	const struct bench_process *keeper = bench_service_process(service, "keeper");
	return bench_service_value(keeper, "process.compositor.starts") >= starts &&
		bench_service_value(keeper, "process.compositor.state") == RUNNING;
}

static int wait_for_light(const struct bench_service *service, uint64_t starts) {
	for (unsigned waited = 0; waited < WAIT_MS; waited += 5) {
		if (is_lit(service, starts)) {
			return 0;
		}
		nanosleep(&(struct timespec) { .tv_nsec = 5 * NS_PER_MS }, NULL);
	}
	return -ETIMEDOUT;
}

/* The sample is too long by up to a tick of the kernel's, never too short. */
static int take(struct light *light, const struct bench_service *service, uint64_t starts) {
	int error = wait_for_light(service, starts);
	const struct bench_process *compositor = bench_service_process(service, "compositor");
	if (error != 0 || compositor == NULL) {
		return error != 0 ? error : -ESRCH;
	}
	const struct stats_page *page = compositor->page;
	uint64_t inside_ns = bench_service_value(compositor, "compositor.first_light_ns");
	uint64_t lit_ns = atomic_load(&page->start_ns) + inside_ns;
	uint64_t start_ns = process_start_ns((pid_t)atomic_load(&page->pid));
	if (inside_ns == 0 || start_ns == 0 || start_ns > lit_ns) {
		return -ENODATA;
	}
	samples_add(&light->inside->samples, inside_ns);
	samples_add(
		starts == 1 ? &light->first->samples : &light->again->samples, lit_ns - start_ns);
	return 0;
}

static int start_once(struct light *light, const char *configuration) {
	struct bench_service service;
	int error = bench_service_init(&service, configuration);
	if (error != 0) {
		return error;
	}
	error = take(light, &service, 1);
	const struct bench_process *compositor = bench_service_process(&service, "compositor");
	if (error == 0 && kill((pid_t)atomic_load(&compositor->page->pid), SIGKILL) != 0) {
		error = -errno;
	}
	if (error == 0) {
		error = take(light, &service, 2);
	}
	bench_service_finish(&service);
	return error;
}

int compose_light(struct figures *figures, unsigned starts, const char *configuration) {
	struct light light = {
		.first = figures_add(figures, "first light of a service, 1920x720", BOUND_MS),
		.again = figures_add(figures, "first light after a death", BOUND_MS),
		.inside = figures_add(figures, "of both, since it got its first descriptor", 0),
	};
	int error = 0;
	for (unsigned i = 0; i < starts && error == 0; i++) {
		error = start_once(&light, configuration);
	}
	return error;
}
