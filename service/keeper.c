#include "service/keeper.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fd.h"
#include "core/frame_link.h"
#include "core/log.h"
#include "core/sample_link.h"
#include "service/launch.h"

/* after SIGTERM, before SIGKILL */
#define STOP_TIMEOUT_NS (2 * NS_PER_S)
/* deaths before the service has come up at all; then it gives up, because a person is waiting */
#define START_TRIES 3
/* what `fascia run` prepares takes milliseconds; a guard */
#define GRANT_TIMEOUT_MS 60000
/* before whatever else the machine has to do, after what is real time */
#define NICENESS (-15)

struct child *keeper_find_child(struct keeper *keeper, enum child_role role, uint32_t guest) {
	for (unsigned i = 0; i < keeper->children_len; i++) {
		if (keeper->children[i].role == role && keeper->children[i].guest == guest) {
			return &keeper->children[i];
		}
	}
	return NULL;
}

/* ---- telling `fascia run` ---- */

static void tell_run(struct keeper *keeper, enum control_type type, int error, const char *text) {
	struct control_packet packet = { .message = { .type = type, .arg = { error } } };
	if (keeper->run < 0) {
		return;
	}
	snprintf(packet.message.text, sizeof(packet.message.text), "%s", text);
	(void)control_send(keeper->run, &packet);
}

/* It prints the log of everybody. */
static void share_page(struct keeper *keeper, int stats_fd) {
	struct control_packet packet = {
		.message = { .type = CONTROL_STATS },
		.fds = { fd_reopen_readonly(stats_fd) },
		.fds_len = 1,
	};
	if (packet.fds[0] >= 0) {
		(void)control_send(keeper->run, &packet);
		control_close_fds(&packet);
	}
}

static void share_pages(struct keeper *keeper) {
	share_page(keeper, keeper->stats_fd);
	for (unsigned i = 0; i < keeper->children_len; i++) {
		share_page(keeper, keeper->children[i].stats_fd);
	}
}

/* It hung up: nobody watches any more, the service goes on. */
static void handle_run(void *data, uint32_t events) {
	struct keeper *keeper = data;
	loop_remove(&keeper->run_source);
	fd_close(&keeper->run);
}

/* ---- stopping ---- */

static void quit_when_done(struct keeper *keeper) {
	for (unsigned i = 0; i < keeper->children_len; i++) {
		if (child_is_alive(&keeper->children[i])) {
			return;
		}
	}
	loop_quit(keeper->loop, keeper->failed ? EXIT_FAILURE : EXIT_SUCCESS);
}

static void stop(struct keeper *keeper) {
	if (keeper->stopping) {
		return;
	}
	keeper->stopping = true;
	log_info("stopping");
	loop_timer_set(keeper->stop_timer, STOP_TIMEOUT_NS, 0);
	for (unsigned i = 0; i < keeper->children_len; i++) {
		child_stop(&keeper->children[i]);
	}
	quit_when_done(keeper);
}

static void handle_stop_timer(void *data, uint32_t events) {
	struct keeper *keeper = data;
	for (unsigned i = 0; i < keeper->children_len; i++) {
		if (child_is_alive(&keeper->children[i])) {
			log_warning("%s does not end; it is killed", keeper->children[i].name);
			child_kill(&keeper->children[i]);
		}
	}
}

static void handle_signal(void *data, uint32_t events) {
	struct keeper *keeper = data;
	struct signalfd_siginfo info;
	if (read(keeper->signals, &info, sizeof(info)) == sizeof(info)) {
		stop(keeper);
	}
}

/* Unlike loop_quit_on_signals(): the loop goes on until the children have ended. */
static int init_signals(struct keeper *keeper) {
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	keeper->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (keeper->signals < 0 || sigprocmask(SIG_BLOCK, &signals, NULL) != 0) {
		return -errno;
	}
	keeper->signals_source =
		loop_add(keeper->loop, keeper->signals, EPOLLIN, handle_signal, keeper);
	assert(keeper->signals_source != NULL); /* the loop has a place for it */
	return 0;
}

static void give_up(struct keeper *keeper, int error, const char *text) {
	log_error("%s", text);
	tell_run(keeper, CONTROL_END, error, text);
	keeper->failed = true;
	stop(keeper);
}

/* ---- starting, in order: the compositor's READY is first light ---- */

static unsigned stage(const struct child *child) {
	switch (child->role) {
	case CHILD_COMPOSITOR:
		return 0;
	case CHILD_MIXER:
		return 1;
	default:
		return 2;
	}
}

/* Starts every child whose predecessors run. */
static void start_next(struct keeper *keeper) {
	unsigned running = 0;
	for (unsigned i = 0; i < keeper->children_len; i++) {
		running += keeper->children[i].state == CHILD_RUNNING;
	}
	if (running == keeper->children_len) {
		keeper->started = true;
		tell_run(keeper, CONTROL_READY, 0, "");
		return;
	}
	for (unsigned i = 0; i < keeper->children_len && !keeper->stopping; i++) {
		struct child *child = &keeper->children[i];
		if (child->state == CHILD_IDLE) {
			child_start(child);
		}
		bool last_of_stage = i + 1 == keeper->children_len ||
			stage(child) != stage(&keeper->children[i + 1]);
		if (last_of_stage && child->state != CHILD_RUNNING) {
			return;
		}
	}
}

/* Once a second. */
static void handle_watch_timer(void *data, uint32_t events) {
	struct keeper *keeper = data;
	for (unsigned i = 0; i < keeper->children_len; i++) {
		struct child *child = &keeper->children[i];
		if (child->state != CHILD_RUNNING) {
			watch_reset(&keeper->watches[i]);
		} else if (watch_look(&keeper->watches[i])) {
			log_error("%s (pid %d) is alive but does nothing; it is ended", child->name,
				child->pid);
			watch_reset(&keeper->watches[i]);
			child_kill(child);
		}
	}
}

/* The compositor's priority is not known before it runs: what it has, it gives itself. */
static void handle_beat_timer(void *data, uint32_t events) {
	struct keeper *keeper = data;
	struct child *child = keeper_find_child(keeper, CHILD_COMPOSITOR, 0);
	if (child->state != CHILD_RUNNING || !beat_is_real_time(child->pid)) {
		beat_reset(&keeper->beat);
	} else if (beat_look(&keeper->beat, clock_now_ns())) {
		log_error("%s (pid %d) stands still; it is replaced", child->name, child->pid);
		beat_reset(&keeper->beat);
		child_kill(child);
	}
}

static int handle_grant(void *data, struct child *child) {
	struct keeper *keeper = data;
	int error = keeper_grant(keeper, child);
	if (error == 0) {
		keeper_announce(keeper, child);
	}
	return error;
}

static void handle_ready(void *data, struct child *child) {
	struct keeper *keeper = data;
	if (!keeper->started && !keeper->stopping) {
		start_next(keeper);
	}
}

/* Its successor must be able to take over what it left. */
static void mend_link(struct keeper *keeper, const struct child *child) {
	const struct store_guest *guest = &keeper->store.guests[child->guest];
	int mended = 0;
	if (child->role == CHILD_GPU) {
		mended = link_mend_page(guest->frame_link, LINK_PRODUCER, FRAME_LINK_MAGIC);
	} else if (child->role == CHILD_SOUND) {
		mended = link_mend_page(guest->sample_link, LINK_PRODUCER, SAMPLE_LINK_MAGIC);
	}
	if (mended > 0) {
		log_warning("%s left its page spoilt; it is made good", child->name);
	}
}

static void handle_death(void *data, struct child *child) {
	struct keeper *keeper = data;
	mend_link(keeper, child);
	if (keeper->stopping) {
		quit_when_done(keeper);
	} else if (!keeper->started && child->deaths >= START_TRIES) {
		char text[128];
		snprintf(text, sizeof(text), "%s does not start (tried %u times)", child->name,
			child->deaths);
		give_up(keeper, ECHILD, text);
	}
}

static const struct child_events child_events = {
	.grant = handle_grant,
	.handle_ready = handle_ready,
	.handle_death = handle_death,
};

static int add_child(
	struct keeper *keeper, enum child_role role, uint32_t guest, const char *name) {
	struct child *child = &keeper->children[keeper->children_len];
	const struct child_keeper keeper_part = {
		.loop = keeper->loop,
		.lock = LAUNCH_LOCK_FD,
		.stats = &keeper->stats,
		.events = &child_events,
		.data = keeper,
	};
	int error = child_init(child, &keeper_part, role, guest, name);
	if (error == 0) {
		error = watch_init(&keeper->watches[keeper->children_len], child, &keeper->store);
		keeper->children_len++;
	}
	return error;
}

static int add_children(struct keeper *keeper) {
	const struct config *config = keeper->store.config;
	int error = add_child(keeper, CHILD_COMPOSITOR, 0, NULL);
	if (error == 0) {
		error = beat_init(&keeper->beat, &keeper->store);
	}
	if (error == 0 && beat_is_needed(&keeper->beat)) {
		loop_timer_set(keeper->beat_timer, BEAT_PERIOD_NS, BEAT_PERIOD_NS);
	}
	if (error == 0 && config->mixer.sink != CONFIG_SINK_NONE) {
		error = add_child(keeper, CHILD_MIXER, 0, NULL);
	}
	for (unsigned i = 0; error == 0 && i < config->guests_len; i++) {
		if (config->guests[i].gpu.enabled) {
			error = add_child(keeper, CHILD_GPU, i, config->guests[i].name);
		}
		if (error == 0 && config->guests[i].sound.enabled) {
			error = add_child(keeper, CHILD_SOUND, i, config->guests[i].name);
		}
	}
	return error;
}

/* ---- the whole ---- */

/* Waits for CONFIG, ATLAS, perhaps CHIMES, and START. 0 or -errno; the descriptors are the caller's. */
static int receive_grants(int run, struct store_given *given) {
	*given = (struct store_given) { -1, -1, -1 };
	for (;;) {
		struct control_packet packet;
		int rc = control_receive_wait(run, &packet, GRANT_TIMEOUT_MS);
		if (rc != 1) {
			return rc == 0 ? -ECONNRESET : rc;
		}
		int *slot = packet.message.type == CONTROL_CONFIG ? &given->config_fd
			: packet.message.type == CONTROL_ATLAS    ? &given->atlas_fd
			: packet.message.type == CONTROL_CHIMES   ? &given->chimes_fd
								  : NULL;
		if (slot != NULL && packet.fds_len == 1) {
			fd_close(slot);
			*slot = packet.fds[0];
			packet.fds_len = 0;
		}
		control_close_fds(&packet);
		if (packet.message.type == CONTROL_START) {
			return given->config_fd >= 0 && given->atlas_fd >= 0 ? 0 : -EPROTO;
		}
	}
}

static int init_store(struct keeper *keeper) {
	struct store_given given;
	int error = receive_grants(keeper->run, &given);
	if (error != 0) {
		fd_close(&given.config_fd);
		fd_close(&given.atlas_fd);
		fd_close(&given.chimes_fd);
		return error;
	}
	return store_init(&keeper->store, &given);
}

static int init_stats(struct keeper *keeper) {
	keeper->stats_fd = stats_create_fd("keeper");
	if (keeper->stats_fd < 0) {
		return keeper->stats_fd;
	}
	return stats_init(&keeper->stats, fcntl(keeper->stats_fd, F_DUPFD_CLOEXEC, 0), "keeper");
}

static int init_loop(struct keeper *keeper) {
	keeper->loop = loop_create();
	if (keeper->loop == NULL) {
		return -errno;
	}
	keeper->stop_timer = loop_add_timer(keeper->loop, handle_stop_timer, keeper);
	keeper->watch_timer = loop_add_timer(keeper->loop, handle_watch_timer, keeper);
	keeper->beat_timer = loop_add_timer(keeper->loop, handle_beat_timer, keeper);
	keeper->run_source = loop_add(keeper->loop, keeper->run, EPOLLIN, handle_run, keeper);
	if (keeper->stop_timer == NULL || keeper->watch_timer == NULL ||
		keeper->beat_timer == NULL || keeper->run_source == NULL) {
		return -errno;
	}
	loop_timer_set(keeper->watch_timer, WATCH_PERIOD_NS, WATCH_PERIOD_NS);
	return init_signals(keeper);
}

/* The compositor and the mixer lock their memory; they inherit the limit. */
static void raise_limits(void) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_MEMLOCK, &limit);
	}
}

/* What stands still has to be noticed under any load, too. Its children begin at the usual priority. */
static void be_prompt(void) {
	const struct sched_param param = { 0 };
	if (sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &param) == 0) {
		(void)setpriority(PRIO_PROCESS, 0, NICENESS);
	}
}

static int keeper_init(struct keeper *keeper) {
	*keeper = (struct keeper) {
		.run = CONTROL_FD,
		.listener = -1,
		.stats_fd = -1,
		.signals = -1,
	};
	log_init("keeper", log_level_from_env(), NULL, true);
	raise_limits();
	be_prompt();
	int error = init_store(keeper);
	if (error == 0) {
		error = init_stats(keeper);
	}
	if (error == 0) {
		error = init_loop(keeper);
	}
	if (error == 0) {
		error = keeper_clients_init(keeper);
	}
	if (error == 0) {
		error = add_children(keeper);
	}
	return error;
}

static void keeper_finish(struct keeper *keeper) {
	if (keeper->loop != NULL) {
		keeper_clients_finish(keeper);
	}
	for (unsigned i = 0; i < keeper->children_len; i++) {
		child_finish(&keeper->children[i]);
		watch_finish(&keeper->watches[i]);
	}
	if (keeper->loop != NULL) {
		loop_remove(&keeper->stop_timer);
		loop_remove(&keeper->watch_timer);
		loop_remove(&keeper->beat_timer);
		loop_remove(&keeper->run_source);
		loop_remove(&keeper->signals_source);
		loop_destroy(keeper->loop);
	}
	beat_finish(&keeper->beat);
	log_init("keeper", log_level_from_env(), NULL, true);
	stats_finish(&keeper->stats);
	fd_close(&keeper->stats_fd);
	store_finish(&keeper->store);
	fd_close(&keeper->signals);
	fd_close(&keeper->run);
}

int main(void) {
	static struct keeper keeper;
	if (fcntl(CONTROL_FD, F_GETFD) < 0 || fcntl(LAUNCH_LOCK_FD, F_GETFD) < 0) {
		fputs("fascia-keeper is started by `fascia run FILE`\n", stderr);
		return EXIT_FAILURE;
	}
	(void)fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC);
	(void)fcntl(LAUNCH_LOCK_FD, F_SETFD, FD_CLOEXEC);

	int status = EXIT_FAILURE;
	int error = keeper_init(&keeper);
	if (error != 0) {
		char text[128];
		snprintf(text, sizeof(text), "cannot start: %s", strerror(-error));
		tell_run(&keeper, CONTROL_END, -error, text);
	} else {
		share_pages(&keeper);
		/* from here on whoever reads the ring decides what to show */
		log_init("keeper", log_level_from_env(), &keeper.stats, false);
		start_next(&keeper);
		status = loop_run(keeper.loop);
	}
	keeper_finish(&keeper);
	return status;
}
