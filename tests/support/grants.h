/*
 * The descriptors that a keeper makes, made by a test: outputs, links, statistics page, atlas, sealed
 * configuration. A test keeps these, gives duplicates to the compositor under test (in this process or
 * in one of its own), and plays the producers and readers itself.
 */
#ifndef TESTS_SUPPORT_GRANTS_H
#define TESTS_SUPPORT_GRANTS_H

#include <stdint.h>
#include <sys/types.h>

#include "core/config.h"
#include "core/control.h"
#include "core/frame_link.h"
#include "core/stats.h"
#include "display/output_memory.h"

struct test_grants {
	struct config config; /* sealed from this */
	int config_fd, stats_fd, atlas_fd;
	int outputs[CONFIG_OUTPUTS_MAX];
	int steps[CONFIG_OUTPUTS_MAX];          /* -1: not a stepped output */
	int links[CONFIG_GUESTS_MAX][LINK_FDS]; /* -1: a guest without graphics */
	int safety_fd;
	int signals[2]; /* where to send them, what is granted; -1: none */
};

/* A configuration to start from: one stepped output "main" of this size, no guests, no layers. */
void test_config_init(struct config *config, uint32_t width, uint32_t height);
/* A guest with `scanouts` displays of this size. Its index. */
uint32_t test_config_add_guest(struct config *config, const char *name, uint32_t scanouts,
	uint32_t width, uint32_t height);
/* A visible, opaque, dark layer on output 0 at `place`: a guest's scanout, or a picture (CONFIG_NONE twice). */
struct config_layer *test_config_add_layer(struct config *config, const char *name, uint32_t guest,
	uint32_t scanout, struct rect place);

/* Makes everything that `config` calls for. `without`: tiles that the atlas lacks, may be NULL. Aborts
 * when something cannot be made: that is no test of anything. */
void test_grants_init(struct test_grants *grants, const struct config *config, const char *without);
void test_grants_finish(struct test_grants *grants);

/* A read-only view of an output. */
void test_grants_reader(
	const struct test_grants *grants, uint32_t output, struct output_reader *reader);
/* The producer's side of a guest's link. */
void test_grants_producer(
	const struct test_grants *grants, uint32_t guest, struct frame_link *link);
/* The statistics page, read-only. */
const struct stats_page *test_grants_stats(const struct test_grants *grants);
/* A value by name; aborts if there is none. */
uint64_t test_stats_value(const struct stats_page *page, const char *name);

/* Lets `steps` ticks of an output pass: written at once, taken one by one. */
void test_grants_step(const struct test_grants *grants, uint32_t output, uint64_t steps);

/* A process under test, and our end of its control socket. */
struct test_child {
	pid_t pid;
	int control;
};

/* Starts `program` (with `environment` added, "NAME=VALUE" or NULL) as a keeper would, grants it
 * everything and waits for READY. */
void test_child_start(struct test_child *child, const struct test_grants *grants,
	const char *program, const char *environment);
/* Sends a grant that comes later; `fd` is borrowed. */
void test_child_grant(
	const struct test_child *child, enum control_type type, uint32_t index, int fd);
/* SIGTERM, waits; the exit status as of waitpid(). */
int test_child_stop(struct test_child *child);

#endif
