#include "tests/safety/cluster_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fd.h"

#ifndef SAFETY_GUEST_PROGRAM
#error "the build names the guest's program"
#endif

#define WAIT_MS 60000 /* a guard against hanging */

int cluster_guest_init(struct cluster_guest *guest, const struct cluster_guest_options *options) {
	*guest = (struct cluster_guest) { .pid = -1, .shared_fd = -1, .options = *options };
	guest->shared_fd = memfd_create("safety-guest", MFD_CLOEXEC);
	if (guest->shared_fd < 0 ||
		ftruncate(guest->shared_fd, sizeof(struct cluster_guest_shared)) != 0) {
		return -errno;
	}
	guest->shared = mmap(NULL, sizeof(struct cluster_guest_shared), PROT_READ | PROT_WRITE,
		MAP_SHARED, guest->shared_fd, 0);
	if (guest->shared == MAP_FAILED) {
		guest->shared = NULL;
		return -errno;
	}
	return 0;
}

void cluster_guest_finish(struct cluster_guest *guest) {
	if (guest->pid > 0) {
		cluster_guest_kill(guest);
	}
	if (guest->shared != NULL) {
		munmap(guest->shared, sizeof(*guest->shared));
		guest->shared = NULL;
	}
	fd_close(&guest->shared_fd);
}

static void exec_guest(const struct cluster_guest *guest) {
	const struct cluster_guest_options *options = &guest->options;
	char shared[16], config[16], atlas[16], size[32];
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* duplicates without close-on-exec, out of the way of each other */
	snprintf(shared, sizeof(shared), "%d", fcntl(guest->shared_fd, F_DUPFD, 10));
	snprintf(config, sizeof(config), "%d", fcntl(options->config, F_DUPFD, 10));
	snprintf(atlas, sizeof(atlas), "%d", fcntl(options->atlas, F_DUPFD, 10));
	snprintf(size, sizeof(size), "%ux%u", options->width, options->height);
	const char *const argv[] = { SAFETY_GUEST_PROGRAM, options->socket,
		options->channel != NULL ? options->channel : "", shared, config, atlas, size,
		options->sound != NULL ? options->sound : "", options->is_plain ? "plain" : "hmi",
		options->is_stepped ? "stepped" : "timed", NULL };
	execv(argv[0], (char *const *)argv);
	_exit(127);
}

int cluster_guest_start(struct cluster_guest *guest) {
	atomic_store(&guest->shared->fault, GUEST_GOOD);
	atomic_store(&guest->shared->fault_ns, 0);
	atomic_store(&guest->shared->is_ready, 0);
	atomic_store(&guest->shared->pictures, 0);
	atomic_store(&guest->shared->failed, 0);
	atomic_store(&guest->shared->done, atomic_load(&guest->shared->asked));
	pid_t pid = fork();
	if (pid == 0) {
		exec_guest(guest);
	}
	guest->pid = pid;
	return pid < 0 ? -errno : 0;
}

uint64_t cluster_guest_kill(struct cluster_guest *guest) {
	uint64_t now_ns = clock_now_ns();
	if (guest->pid > 0) {
		kill(guest->pid, SIGKILL);
		waitpid(guest->pid, NULL, 0);
	}
	guest->pid = -1;
	return now_ns;
}

bool cluster_guest_is_alive(struct cluster_guest *guest) {
	if (guest->pid > 0 && waitpid(guest->pid, NULL, WNOHANG) == guest->pid) {
		guest->pid = -1;
	}
	return guest->pid > 0;
}

void cluster_guest_set_fault(struct cluster_guest *guest, enum guest_fault fault,
	uint32_t element_index, const struct rect *element, uint32_t lasts) {
	struct cluster_guest_shared *shared = guest->shared;
	atomic_store(&shared->fault, GUEST_GOOD);
	shared->element_index = element_index;
	shared->element = element != NULL ? *element : (struct rect) { 0 };
	atomic_store(&shared->lasts, lasts);
	atomic_store(&shared->delay_ns, (uint64_t)random() % (NS_PER_S / 60));
	atomic_store(&shared->fault_ns, 0);
	atomic_store(&shared->fault, fault);
}

int cluster_guest_draw(struct cluster_guest *guest) {
	struct cluster_guest_shared *shared = guest->shared;
	uint32_t asked = atomic_fetch_add(&shared->asked, 1) + 1;
	for (unsigned waited = 0; waited < WAIT_MS * 10; waited++) {
		if (atomic_load(&shared->done) == asked) {
			return 0;
		}
		if (atomic_load(&shared->failed) != 0 || !cluster_guest_is_alive(guest)) {
			int failed = atomic_load(&shared->failed);
			return failed != 0 ? failed : -ESRCH;
		}
		nanosleep(&(struct timespec) { .tv_nsec = 100000 }, NULL);
	}
	return -ETIMEDOUT;
}
