/*
 * The figures of `./dev bench compose`. Work is measured in CPU time of this thread: what else the machine
 * does counts as little as it can. First light is time that passes.
 *
 * Thread: one.
 */
#ifndef TESTS_BENCH_COMPOSE_FIGURES_H
#define TESTS_BENCH_COMPOSE_FIGURES_H

#include <stdbool.h>

#include "tests/bench/samples.h"

#define FIGURES_MAX 24

struct figure {
	const char *name;
	double bound_ms; /* of the median; 0: it is there to compare with */
	struct samples samples;
};

struct figures {
	unsigned len;
	bool is_broken; /* something did not do what it is measured for */
	struct figure items[FIGURES_MAX];
};

/* A new figure without samples. */
struct figure *figures_add(struct figures *figures, const char *name, double bound_ms);
/* Measures `work`, `runs` times; false of it breaks the figures. */
void figures_measure(struct figures *figures, struct figure *figure, unsigned runs,
	bool (*work)(void *), void *data);

/* Composition of full frames by the compositor's painter. 0 or -errno. */
int compose_painting(struct figures *figures, unsigned runs);
/* Checks of composed pixels. 0 or -errno. */
int compose_checks(struct figures *figures, unsigned runs);
/* First light of a service started `starts` times; its compositor is killed once in each. 0 or -errno. */
int compose_light(struct figures *figures, unsigned starts, const char *configuration);

#endif
