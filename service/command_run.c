#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/control.h"
#include "core/fd.h"
#include "core/loop.h"
#include "service/assets.h"
#include "service/chimes.h"
#include "service/command.h"
#include "service/config_compile.h"
#include "service/config_elements.h"
#include "service/launch.h"
#include "service/log_view.h"
#include "service/runtime_lock.h"

#define LOG_PERIOD_NS (100 * NS_PER_MS)
#define HOLDERS_MAX 32

/* What the keeper is given. */
struct prepared {
	int config;
	int atlas;
	int chimes; /* -1: no chimes */
};

struct run {
	const struct command *command;
	struct config config;
	struct loop *loop;
	struct log_view log;
	int lock;
	int control; /* to the keeper */
	int keeper;  /* pidfd */
	pid_t pid;
	int signals;
	struct loop_source *control_source; /* NULL: the keeper hung up */
	bool stopping;
};

static int complain_locked(const struct run *run) {
	pid_t pids[HOLDERS_MAX];
	size_t len = runtime_lock_holders(run->config.runtime_dir, pids, HOLDERS_MAX);
	command_failed(run->command,
		"%s is in use by a service with %zu processes:", run->config.runtime_dir, len);
	for (size_t i = 0; i < len && i < HOLDERS_MAX; i++) {
		char path[64], name[64] = "?";
		snprintf(path, sizeof(path), "/proc/%d/comm", pids[i]);
		FILE *file = fopen(path, "re");
		if (file != NULL) {
			if (fgets(name, sizeof(name), file) != NULL) {
				name[strcspn(name, "\n")] = '\0';
			}
			fclose(file);
		}
		fprintf(stderr, "  %d %s\n", pids[i], name);
	}
	fprintf(stderr, "End it with `fascia --runtime %s stop`, or choose another --runtime.\n",
		run->config.runtime_dir);
	return COMMAND_FAILED;
}

static int take_lock(struct run *run) {
	run->lock = runtime_lock_take(run->config.runtime_dir);
	if (run->lock == -EWOULDBLOCK) {
		return complain_locked(run);
	}
	if (run->lock < 0) {
		return command_failed(run->command, "%s: %s; choose another --runtime",
			run->config.runtime_dir, strerror(-run->lock));
	}
	return COMMAND_OK;
}

static int grant(struct run *run, enum control_type type, int fd) {
	struct control_packet packet = {
		.message = { .type = type },
		.fds = { fd },
		.fds_len = fd >= 0,
	};
	return control_send(run->control, &packet);
}

/* Starts the keeper and gives it what it is made of. */
static int start_keeper(struct run *run, const struct prepared *prepared) {
	int pair[2];
	int error = fd_socketpair(pair);
	if (error != 0) {
		return error;
	}
	const struct launch launch = {
		.program = "fascia-keeper",
		.folder = "service",
		.control = pair[1],
		.lock = run->lock,
		.session = true,
	};
	run->control = pair[0];
	run->keeper = launch_start(&launch, &run->pid);
	fd_close(&pair[1]);
	if (run->keeper < 0) {
		return run->keeper;
	}
	error = grant(run, CONTROL_CONFIG, prepared->config);
	if (error == 0) {
		error = grant(run, CONTROL_ATLAS, prepared->atlas);
	}
	if (error == 0 && prepared->chimes >= 0) {
		error = grant(run, CONTROL_CHIMES, prepared->chimes);
	}
	return error != 0 ? error : grant(run, CONTROL_START, -1);
}

/* ---- while it runs ---- */

static void print_ready(const struct run *run) {
	const struct config *config = &run->config;
	log_view_print((struct log_view *)&run->log, stderr);
	fprintf(stderr, "fascia: '%s' runs in %s\n", config->name, config->runtime_dir);
	for (unsigned i = 0; i < config->guests_len; i++) {
		const struct config_guest *guest = &config->guests[i];
		if (guest->gpu.enabled) {
			fprintf(stderr, "fascia: guest %s: gpu   %s\n", guest->name,
				guest->gpu.socket);
		}
		if (guest->sound.enabled) {
			fprintf(stderr, "fascia: guest %s: sound %s\n", guest->name,
				guest->sound.socket);
		}
	}
	/* for whoever waits for it: the one line on standard output */
	puts("ready");
	fflush(stdout);
}

static void handle_control(void *data, uint32_t events) {
	struct run *run = data;
	struct control_packet packet;
	int rc = control_receive(run->control, &packet);
	if (rc == -EAGAIN) {
		return;
	}
	if (rc != 1) {
		loop_remove(&run->control_source);
		return;
	}
	switch (packet.message.type) {
	case CONTROL_STATS:
		if (packet.fds_len == 1) {
			(void)log_view_add(&run->log, packet.fds[0]);
			packet.fds_len = 0;
		}
		break;
	case CONTROL_READY:
		print_ready(run);
		break;
	case CONTROL_END:
		log_view_print(&run->log, stderr);
		command_failed(run->command, "%s", packet.message.text);
		run->stopping = true;
		break;
	default:
		break;
	}
	control_close_fds(&packet);
}

static void handle_signals(void *data, uint32_t events) {
	struct run *run = data;
	struct signalfd_siginfo info;
	if (read(run->signals, &info, sizeof(info)) == sizeof(info)) {
		run->stopping = true;
		(void)pidfd_send_signal(run->keeper, SIGTERM, NULL, 0);
	}
}

static void handle_log(void *data, uint32_t events) {
	struct run *run = data;
	log_view_print(&run->log, stderr);
}

static void handle_keeper(void *data, uint32_t events) {
	struct run *run = data;
	siginfo_t info = { 0 };
	if (waitid(P_PIDFD, (id_t)run->keeper, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) {
		return;
	}
	/* what it said last may still be in the socket */
	while (run->control_source != NULL) {
		handle_control(run, EPOLLIN);
		struct pollfd more = { .fd = run->control, .events = POLLIN };
		if (poll(&more, 1, 0) != 1) {
			break;
		}
	}
	log_view_print(&run->log, stderr);
	if (info.si_code == CLD_EXITED) {
		loop_quit(run->loop, info.si_status == 0 ? COMMAND_OK : COMMAND_FAILED);
		return;
	}
	command_failed(run->command,
		"the keeper was ended by signal %d (%s); what it had started goes on, but nothing "
		"that "
		"dies is replaced any more. `fascia --runtime %s stop` ends it",
		info.si_status, strsignal(info.si_status), run->config.runtime_dir);
	loop_quit(run->loop, COMMAND_FAILED);
}

static int init_signals(struct run *run) {
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0) {
		return -errno;
	}
	run->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return run->signals < 0 ? -errno : 0;
}

static int watch(struct run *run) {
	run->loop = loop_create();
	if (run->loop == NULL) {
		return -errno;
	}
	struct loop_source *timer = loop_add_timer(run->loop, handle_log, run);
	run->control_source = loop_add(run->loop, run->control, EPOLLIN, handle_control, run);
	if (timer == NULL || run->control_source == NULL ||
		loop_add(run->loop, run->signals, EPOLLIN, handle_signals, run) == NULL ||
		loop_add(run->loop, run->keeper, EPOLLIN, handle_keeper, run) == NULL) {
		return -errno;
	}
	loop_timer_set(timer, LOG_PERIOD_NS, LOG_PERIOD_NS);
	return 0;
}

static int run_service(struct run *run, const struct prepared *prepared) {
	int error = init_signals(run);
	if (error == 0) {
		error = start_keeper(run, prepared);
	}
	if (error == 0) {
		error = watch(run);
	}
	if (error == -ENOENT) {
		return command_failed(run->command,
			"there is no fascia-keeper beside this program; is it installed as a "
			"whole?");
	}
	if (error != 0) {
		return command_failed(run->command, "cannot start: %s", strerror(-error));
	}
	return loop_run(run->loop);
}

static void finish(struct run *run) {
	if (run->loop != NULL) {
		loop_destroy(run->loop);
	}
	log_view_finish(&run->log);
	fd_close(&run->control);
	fd_close(&run->keeper);
	fd_close(&run->signals);
	fd_close(&run->lock);
}

/* 0 or -errno; what was made until then is the caller's. */
static int prepare(struct run *run, const char *path, const struct config_pictures *pictures,
	struct prepared *prepared) {
	prepared->atlas = assets_create_atlas(&run->config, pictures, stderr);
	if (prepared->atlas < 0) {
		return prepared->atlas;
	}
	int error = config_check_atlas(path, &run->config, prepared->atlas, stderr);
	if (error != 0) {
		return error;
	}
	if (run->config.safety.chimes) {
		prepared->chimes = chimes_create_fd(run->config.mixer.rate);
		if (prepared->chimes < 0) {
			return prepared->chimes;
		}
	}
	prepared->config = config_seal(&run->config);
	return prepared->config < 0 ? prepared->config : 0;
}

static int run_file(const struct command *command, const char *path, bool allow_inject) {
	struct run run = {
		.command = command,
		.lock = -1,
		.control = -1,
		.keeper = -1,
		.signals = -1,
	};
	struct config_pictures pictures;
	log_view_init(&run.log);
	if (!config_compile(path, command_runtime, &run.config, &pictures, stderr)) {
		return COMMAND_FAILED;
	}
	run.config.safety.allow_inject = allow_inject;
	struct prepared prepared = { -1, -1, -1 };
	int status = take_lock(&run);
	if (status == COMMAND_OK) {
		int error = prepare(&run, path, &pictures, &prepared);
		status = error != 0
			? command_failed(command, "cannot prepare: %s", strerror(-error))
			: run_service(&run, &prepared);
	}
	fd_close(&prepared.config);
	fd_close(&prepared.atlas);
	fd_close(&prepared.chimes);
	config_pictures_finish(&pictures);
	finish(&run);
	return status;
}

static int run_run(const struct command *command, int argc, char **argv) {
	static const struct option options[] = {
		{ "allow-inject", no_argument, NULL, 'i' },
		COMMAND_OPTIONS_COMMON,
		{ 0 },
	};
	bool allow_inject = false;
	int option, status;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'i') {
			allow_inject = true;
		} else if (!command_option(command, option, &status)) {
			return status;
		}
	}
	if (optind + 1 != argc) {
		return command_usage_error(command, "expected one configuration file");
	}
	return run_file(command, argv[optind], allow_inject);
}

const struct command command_run = {
	.name = "run",
	.arguments = "[--allow-inject] FILE",
	.summary = "Start a service and stay with it, printing its log",
	.help = "Prints 'ready' on standard output once every process runs. SIGINT, SIGTERM and "
		"SIGHUP\n"
		"stop the service. It is the keeper that keeps it alive: this process may be "
		"killed.\n\n"
		"  --allow-inject     let `fascia inject` make faults: for tests, never in a "
		"vehicle\n",
	.run = run_run,
};
