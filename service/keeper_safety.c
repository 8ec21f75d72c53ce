#include "service/keeper_safety.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/log.h"
#include "core/safety_page.h"

#define NOTIFY_SOCKET "NOTIFY_SOCKET" /* sd_notify(3) */

void safety_store_clear(struct safety_store *safety) {
	*safety = (struct safety_store) {
		.page = -1,
		.signals = -1,
		.cues = { -1, -1 },
		.watchdog = -1,
		.buzzer = -1,
	};
}

static void signals_address(const struct config *config, struct sockaddr_un *address) {
	*address = (struct sockaddr_un) { .sun_family = AF_UNIX };
	snprintf(address->sun_path, sizeof(address->sun_path), "%s/" SAFETY_SIGNALS,
		config->runtime_dir);
}

static int open_signals(const struct config *config) {
	struct sockaddr_un address;
	signals_address(config, &address);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return -errno;
	}
	/* the runtime directory is ours alone: what lies there is left over. The socket's mode becomes
	 * the file's, so there is no moment in which others may send */
	(void)unlink(address.sun_path);
	if (fchmod(fd, S_IRUSR | S_IWUSR) != 0 ||
		bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		int error = -errno;
		log_error("%s: %s", address.sun_path, strerror(-error));
		fd_close(&fd);
		return error;
	}
	return fd;
}

/* A FIFO that nobody reads yet cannot be opened for writing only. */
static int open_writable(const char *path, int flags) {
	flags |= O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd = open(path, O_WRONLY | flags, S_IRUSR | S_IWUSR);
	if (fd < 0 && errno == ENXIO) {
		fd = open(path, O_RDWR | flags, S_IRUSR | S_IWUSR);
	}
	return fd < 0 ? -errno : fd;
}

/* systemd's, as a connected socket: whoever pets needs no path. */
static int connect_notify(void) {
	const char *path = getenv(NOTIFY_SOCKET);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = path != NULL ? strlen(path) : 0;
	if (len < 2 || len >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@')) {
		log_error("watchdog: {kind: systemd} needs " NOTIFY_SOCKET
			  "; run as a unit with WatchdogSec= and NotifyAccess=all");
		return -ENOENT;
	}
	memcpy(address.sun_path, path, len);
	if (path[0] == '@') {
		address.sun_path[0] = '\0'; /* in the abstract name space */
	}
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return -errno;
	}
	socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (connect(fd, (const struct sockaddr *)&address, bytes) != 0) {
		int error = -errno;
		log_error("watchdog: %s: %s", path, strerror(-error));
		fd_close(&fd);
		return error;
	}
	return fd;
}

static int open_path(const char *what, const char *path, int flags) {
	int fd = open_writable(path, flags);
	if (fd < 0) {
		log_error("%s: %s: %s%s", what, path, strerror(-fd),
			fd == -EBUSY ? "; another program pets it"
				     : "; name another path in `safety:`, or leave it out");
	}
	return fd;
}

static int open_watchdog(const struct config_safety *config) {
	switch ((enum config_watchdog_kind)config->watchdog) {
	case CONFIG_WATCHDOG_DEVICE:
		return open_path("watchdog", config->watchdog_path, 0);
	case CONFIG_WATCHDOG_SYSTEMD:
		return connect_notify();
	case CONFIG_WATCHDOG_FILE:
		return open_path("watchdog", config->watchdog_path, O_CREAT);
	case CONFIG_WATCHDOG_NONE:
		break;
	}
	return -1;
}

int safety_store_init(struct safety_store *safety, const struct config *config) {
	safety_store_clear(safety);
	safety->page = safety_page_create_fd();
	if (safety->page < 0) {
		return safety->page;
	}
	if (config->safety.signals) {
		safety->signals = open_signals(config);
		if (safety->signals < 0) {
			return safety->signals;
		}
	}
	if (config->safety.chimes) {
		int error = cue_create_fds(safety->cues);
		if (error != 0) {
			return error;
		}
	}
	if (config->safety.buzzer_path[0] != '\0') {
		safety->buzzer = open_path("buzzer", config->safety.buzzer_path, 0);
		if (safety->buzzer < 0) {
			return safety->buzzer;
		}
	}
	/* last: from here on it wants to be petted */
	if (config->safety.watchdog != CONFIG_WATCHDOG_NONE) {
		safety->watchdog = open_watchdog(&config->safety);
		if (safety->watchdog < 0) {
			return safety->watchdog;
		}
	}
	return 0;
}

static void finish_watchdog(struct safety_store *safety, const struct config *config) {
	if (safety->watchdog >= 0 && config->safety.watchdog == CONFIG_WATCHDOG_DEVICE &&
		write(safety->watchdog, "V", 1) != 1) {
		log_warning("watchdog: %s cannot be disarmed: %s; it will bite",
			config->safety.watchdog_path, strerror(errno));
	}
	fd_close(&safety->watchdog);
}

void safety_store_finish(struct safety_store *safety, const struct config *config) {
	if (safety->signals >= 0) {
		struct sockaddr_un address;
		signals_address(config, &address);
		(void)unlink(address.sun_path);
	}
	finish_watchdog(safety, config);
	fd_close(&safety->page);
	fd_close(&safety->signals);
	fd_close(&safety->buzzer);
	for (unsigned i = 0; i < CUE_FDS; i++) {
		fd_close(&safety->cues[i]);
	}
	safety_store_clear(safety);
}
