/*
 * fascia-compositor: started by the keeper, which grants it everything over CONTROL_FD. See compositor.h
 * for what it does; here is what makes it a real-time process.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compositor/clients.h"
#include "compositor/compositor.h"
#include "core/control.h"
#include "core/grant.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/stats.h"

#define NAME "compositor"
#define STACK_BYTES (256 * 1024) /* far more than the deepest call takes */
#define PRIORITY 20              /* below the mixer: sound breaks sooner than pictures */

/* Touches the stack's pages, so that they are there, and locked, before they are needed. */
__attribute__((noinline)) static void prefault_stack(void) {
	volatile char stack[STACK_BYTES];
	for (size_t i = 0; i < sizeof(stack); i += 1024) {
		stack[i] = 0;
	}
}

/* All of it is in memory from now on, and what is mapped later is too. Here strerror() would allocate, to
 * look for a translation. */
static void lock_memory(void) {
	/* nothing goes back to the system, so that nothing has to be fetched again */
	mallopt(M_TRIM_THRESHOLD, -1);
	mallopt(M_MMAP_MAX, 0);
	prefault_stack();
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0) {
		log_warning(
			"memory cannot be locked (%s): pictures may be late when memory is short",
			strerrordesc_np(errno));
	}
}

/* Freedom from what the rest of the machine does, as far as it is ours to have. */
static void become_real_time(void) {
	const struct sched_param param = { .sched_priority = PRIORITY };
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param) < 0) {
		log_warning("no real-time priority (%s): pictures may be late under load",
			strerrordesc_np(errno));
	}
	/* out of memory is a reason to end a guest, not the instruments */
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		ssize_t written = write(fd, "-1000", 5);
		(void)written;
		close(fd);
	}
}

static int serve(struct compositor *compositor, struct loop *loop, struct stats *stats) {
	struct clients clients;
	int err = clients_init(&clients, compositor, loop, CONTROL_FD);
	if (err < 0) {
		log_error("cannot listen to the keeper: %s", strerror(-err));
		return EXIT_FAILURE;
	}
	/* locking brings in all that was mapped, the guests' pools above all: nobody waits for them here */
	compositor_light(compositor);
	lock_memory();

	/* a line to a pipe may wait for its reader: from here on the ring only */
	log_init(NAME, log_level_from_env(), stats, false);
	err = grant_ready(CONTROL_FD);
	if (err < 0) {
		log_error("cannot tell the keeper: %s", strerror(-err));
	}
	compositor_start(compositor);
	int status = loop_run(loop);
	clients_finish(&clients);
	return status;
}

static int run(struct grants *grants, struct loop *loop) {
	struct stats stats;
	int err = stats_init(&stats, grants->stats, NAME);
	grants->stats = -1;
	if (err < 0) {
		log_error("the statistics page cannot be used: %s", strerror(-err));
		return EXIT_FAILURE;
	}
	/* whoever started the keeper prints the rings */
	log_init(NAME, log_level_from_env(), &stats, false);
	/* from here on: first light is due, whatever else the machine has to do */
	become_real_time();
	int status = EXIT_FAILURE;
	struct compositor *compositor = compositor_create(grants, &stats, loop);
	if (compositor != NULL) {
		grants_finish(grants);
		status = serve(compositor, loop, &stats);
	}
	compositor_destroy(compositor);
	log_init(NAME, log_level_from_env(), NULL, true);
	stats_finish(&stats);
	return status;
}

int main(int argc, char **argv) {
	log_init(NAME, log_level_from_env(), NULL, true);
	if (argc > 1) {
		bool asked = strcmp(argv[1], "--help") == 0;
		fprintf(asked ? stdout : stderr,
			"fascia-compositor is started by fascia-keeper and takes no arguments; "
			"see fascia(1)\n");
		return asked ? EXIT_SUCCESS : 2;
	}
	struct loop *loop = loop_create();
	if (loop == NULL || loop_quit_on_signals(loop) < 0) {
		log_error("no event loop: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	struct grants grants;
	grants_init(&grants);
	int err = grants_receive(&grants, CONTROL_FD);
	int status = EXIT_FAILURE;
	if (err < 0) {
		log_error("no grants from the keeper: %s", strerror(-err));
	} else {
		status = run(&grants, loop);
	}
	grants_finish(&grants);
	loop_destroy(loop);
	return status;
}
