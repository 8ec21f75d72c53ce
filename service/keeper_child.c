#include "service/keeper_child.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "core/clock.h"
#include "core/fd.h"
#include "core/log.h"
#include "service/launch.h"

#define BACKOFF_MIN_NS (100 * NS_PER_MS)
#define BACKOFF_MAX_NS (5 * NS_PER_S)
/* a compositor that lasted for this is replaced at once: somebody is looking at what it showed */
#define SHORT_RUN_NS NS_PER_S
#define GOOD_RUN_NS (10 * NS_PER_S)
/* far above any start on a loaded machine, sanitizers included: a guard, not a measure */
#define READY_TIMEOUT_NS (30 * NS_PER_S)

static const struct {
	const char *program;
	const char *folder;
	const char *name; /* before the guest's */
	bool endpoint;
} roles[] = {
	[CHILD_COMPOSITOR] = { "fascia-compositor", "compositor", "compositor", false },
	[CHILD_MIXER] = { "fascia-mixer", "audio", "mixer", false },
	[CHILD_GPU] = { "fascia-gpu", "gpu", "gpu", true },
	[CHILD_SOUND] = { "fascia-sound", "audio", "sound", true },
};

static void start(struct child *child);

static void set_state(struct child *child, enum child_state state) {
	child->state = state;
	*child->stats_state = state;
}

/* Forgets the dead process. */
static void close_process(struct child *child) {
	loop_remove(&child->pid_source);
	loop_remove(&child->control_source);
	fd_close(&child->pidfd);
	fd_close(&child->control);
	child->pid = 0;
}

static void wait_and_start(struct child *child, uint64_t delay_ns) {
	set_state(child, CHILD_WAITING);
	/* 0 would disarm the timer */
	loop_timer_set(child->timer, delay_ns > 0 ? delay_ns : 1, 0);
}

static void back_off(struct child *child) {
	uint64_t ran_ns = clock_now_ns() - child->started_ns;
	if (child->state == CHILD_RUNNING && ran_ns >= GOOD_RUN_NS) {
		child->backoff_ns = BACKOFF_MIN_NS;
		child->deaths = 0;
	}
	child->deaths++;
	if (child->role == CHILD_COMPOSITOR && child->state == CHILD_RUNNING &&
		ran_ns >= SHORT_RUN_NS) {
		wait_and_start(child, 0);
		return;
	}
	wait_and_start(child, child->backoff_ns);
	child->backoff_ns = MIN(child->backoff_ns * 2, BACKOFF_MAX_NS);
}

static void log_death(const struct child *child, const siginfo_t *info, bool expected) {
	enum log_level level = expected ? LOG_INFO : LOG_ERROR;
	if (info->si_code == CLD_EXITED) {
		log_printf(level, "%s (pid %d) ended with status %d", child->name, child->pid,
			info->si_status);
	} else {
		log_printf(level, "%s (pid %d) was ended by signal %d (%s)", child->name,
			child->pid, info->si_status, strsignal(info->si_status));
	}
}

static void handle_pid(void *data, uint32_t events) {
	struct child *child = data;
	siginfo_t info = { 0 };
	if (waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG) != 0 ||
		info.si_pid == 0) {
		return;
	}
	bool session_over = roles[child->role].endpoint && child->state == CHILD_RUNNING &&
		info.si_code == CLD_EXITED && info.si_status == 0;
	log_death(child, &info, session_over || child->stopping);
	close_process(child);
	loop_timer_set(child->timer, 0, 0);
	if (child->stopping) {
		set_state(child, CHILD_IDLE);
	} else if (session_over) {
		wait_and_start(child, 0);
	} else {
		(*child->stats_crashes)++;
		back_off(child);
	}
	child->keeper.events->handle_death(child->keeper.data, child);
}

static void handle_control(void *data, uint32_t events) {
	struct child *child = data;
	struct control_packet packet;
	int rc = control_receive(child->control, &packet);
	if (rc == -EAGAIN) {
		return;
	}
	if (rc != 1) {
		/* its pidfd tells what became of it */
		loop_remove(&child->control_source);
		return;
	}
	control_close_fds(&packet);
	if (packet.message.type == CONTROL_READY && child->state == CHILD_STARTING) {
		loop_timer_set(child->timer, 0, 0);
		set_state(child, CHILD_RUNNING);
		log_info("%s is ready (pid %d, %llu ms)", child->name, child->pid,
			(unsigned long long)((clock_now_ns() - child->started_ns) / NS_PER_MS));
		child->keeper.events->handle_ready(child->keeper.data, child);
	}
}

static void handle_timer(void *data, uint32_t events) {
	struct child *child = data;
	if (child->state == CHILD_WAITING) {
		start(child);
	} else if (child->state == CHILD_STARTING) {
		log_error("%s is not ready in time; it is ended", child->name);
		child_kill(child);
	}
}

static int watch_process(struct child *child) {
	child->pid_source = loop_add(child->keeper.loop, child->pidfd, EPOLLIN, handle_pid, child);
	child->control_source =
		loop_add(child->keeper.loop, child->control, EPOLLIN, handle_control, child);
	return child->pid_source == NULL || child->control_source == NULL ? -errno : 0;
}

static int launch_process(struct child *child) {
	int pair[2];
	int error = fd_socketpair(pair);
	if (error != 0) {
		return error;
	}
	struct launch launch = {
		.program = roles[child->role].program,
		.folder = roles[child->role].folder,
		.control = pair[1],
		.lock = child->keeper.lock,
	};
	child->control = pair[0];
	child->pidfd = launch_start(&launch, &child->pid);
	fd_close(&pair[1]);
	if (child->pidfd < 0) {
		error = child->pidfd;
		log_error("%s: cannot start %s: %s", child->name, launch.program, strerror(-error));
		close_process(child);
	}
	return error;
}

static void start(struct child *child) {
	child->started_ns = clock_now_ns();
	int error = launch_process(child);
	if (error != 0) {
		(*child->stats_crashes)++;
		back_off(child);
		child->keeper.events->handle_death(child->keeper.data, child);
		return;
	}
	(*child->stats_starts)++;
	set_state(child, CHILD_STARTING);
	loop_timer_set(child->timer, READY_TIMEOUT_NS, 0);
	error = watch_process(child);
	assert(error == 0); /* the loop has a place for every child */
	error = child->keeper.events->grant(child->keeper.data, child);
	if (error != 0) {
		log_error("%s: cannot give it what it needs: %s", child->name, strerror(-error));
		child_kill(child);
	}
}

void child_start(struct child *child) {
	assert(child->state == CHILD_IDLE);
	start(child);
}

void child_stop(struct child *child) {
	child->stopping = true;
	loop_timer_set(child->timer, 0, 0);
	if (!child_is_alive(child)) {
		set_state(child, CHILD_IDLE);
		return;
	}
	(void)pidfd_send_signal(child->pidfd, SIGTERM, NULL, 0);
	(void)pidfd_send_signal(child->pidfd, SIGCONT, NULL, 0);
}

void child_kill(struct child *child) {
	if (child_is_alive(child)) {
		(void)pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0);
	}
}

bool child_is_alive(const struct child *child) {
	return child->pidfd >= 0;
}

int child_send(struct child *child, const struct control_packet *packet) {
	if (!child_is_alive(child)) {
		return 0;
	}
	int error = control_send(child->control, packet);
	if (error == -EAGAIN) {
		log_error("%s does not read what it is told; it is ended", child->name);
		child_kill(child);
	}
	return error;
}

int child_init(struct child *child, const struct child_keeper *keeper, enum child_role role,
	uint32_t guest, const char *guest_name) {
	*child = (struct child) {
		.role = role,
		.guest = guest,
		.pidfd = -1,
		.control = -1,
		.backoff_ns = BACKOFF_MIN_NS,
		.keeper = *keeper,
	};
	/* the compiler cannot know that configured names are short enough */
	int len = snprintf(child->name, sizeof(child->name), "%s%s%s", roles[role].name,
		guest_name != NULL ? "-" : "", guest_name != NULL ? guest_name : "");
	if (len < 0 || (size_t)len >= sizeof(child->name)) {
		return -ENAMETOOLONG;
	}
	child->stats_fd = stats_create_fd(child->name);
	if (child->stats_fd < 0) {
		return child->stats_fd;
	}
	child->timer = loop_add_timer(keeper->loop, handle_timer, child);
	if (child->timer == NULL) {
		int error = -errno;
		fd_close(&child->stats_fd);
		return error;
	}
	child->stats_state = stats_value(
		keeper->stats, "idle|starting|running|waiting", "process.%s.state", child->name);
	child->stats_starts = stats_value(keeper->stats, "", "process.%s.starts", child->name);
	child->stats_crashes = stats_value(keeper->stats, "", "process.%s.crashes", child->name);
	return 0;
}

void child_finish(struct child *child) {
	close_process(child);
	loop_remove(&child->timer);
	fd_close(&child->stats_fd);
}
