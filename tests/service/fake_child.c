/*
 * Stands in for every program that the keeper starts: takes what it is granted, checks that it is all
 * there, says READY and waits. SIGUSR1: ends well, as an endpoint does whose session is over; SIGUSR2:
 * ends badly; SIGHUP: takes no SIGTERM any more. What it got is counted in its statistics page.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/control.h"
#include "core/cue.h"
#include "core/stats.h"

static const unsigned fds_expected[CONTROL_TYPES] = {
	[CONTROL_CONFIG] = 1,
	[CONTROL_STATS] = 1,
	[CONTROL_ATLAS] = 1,
	[CONTROL_LISTENER] = 1,
	[CONTROL_FRAME_LINK] = LINK_FDS,
	[CONTROL_SAMPLE_LINK] = LINK_FDS,
	[CONTROL_OUTPUT] = 2,
	[CONTROL_SINK] = 1,
	[CONTROL_PEER] = 1,
	[CONTROL_CLIENT] = 1,
	[CONTROL_SAFETY] = 1,
	[CONTROL_SIGNALS] = 1,
	[CONTROL_CUES] = CUE_FDS,
	[CONTROL_CHIMES] = 1,
	[CONTROL_WATCHDOG] = 1,
	[CONTROL_BUZZER] = 1,
	[CONTROL_CHANNEL] = 1,
};

static const char *const type_names[CONTROL_TYPES] = {
	[CONTROL_CONFIG] = "config",
	[CONTROL_STATS] = "stats",
	[CONTROL_ATLAS] = "atlas",
	[CONTROL_LISTENER] = "listener",
	[CONTROL_FRAME_LINK] = "frame_link",
	[CONTROL_SAMPLE_LINK] = "sample_link",
	[CONTROL_OUTPUT] = "output",
	[CONTROL_SINK] = "sink",
	[CONTROL_PEER] = "peer",
	[CONTROL_CLIENT] = "client",
	[CONTROL_SAFETY] = "safety",
	[CONTROL_SIGNALS] = "signals",
	[CONTROL_CUES] = "cues",
	[CONTROL_CHIMES] = "chimes",
	[CONTROL_WATCHDOG] = "watchdog",
	[CONTROL_BUZZER] = "buzzer",
	[CONTROL_CHANNEL] = "channel",
	[CONTROL_START] = "start",
};

static void handle_signal(int signal) {
	_exit(signal == SIGUSR2 ? 3 : 0);
}

static struct stats stats;
static unsigned counts[CONTROL_TYPES];

static volatile sig_atomic_t hung_up;

static void handle_hup(int number) {
	hung_up = 1;
}

static void become_stubborn(void) {
	signal(SIGTERM, SIG_IGN);
	*stats_value(&stats, "", "stubborn") = 1;
	hung_up = 0;
}

static void count(const struct control_packet *packet) {
	uint32_t type = packet->message.type;
	if (packet->fds_len != fds_expected[type]) {
		fprintf(stderr, "fake child: type %u with %zu descriptors\n", type,
			packet->fds_len);
		exit(1);
	}
	counts[type]++;
	if (stats.page != NULL && type_names[type] != NULL) {
		*stats_value(&stats, "", "got.%s", type_names[type]) = counts[type];
	}
}

static void handle_packet(struct control_packet *packet) {
	if (packet->message.type == CONTROL_STATS) {
		char name[CONTROL_NAME_BYTES];
		memcpy(name, packet->message.name, sizeof(name));
		if (stats_init(&stats, packet->fds[0], name) != 0) {
			exit(1);
		}
		*stats_value(&stats, "", "stubborn") = 0;
		packet->fds[0] = -1;
	}
	count(packet);
	if (packet->message.type == CONTROL_START) {
		const struct control_packet ready = { .message = { .type = CONTROL_READY } };
		if (control_send(CONTROL_FD, &ready) != 0) {
			exit(1);
		}
	}
	control_close_fds(packet);
}

int main(void) {
	signal(SIGUSR1, handle_signal);
	signal(SIGUSR2, handle_signal);
	const struct sigaction action = { .sa_handler = handle_hup }; /* ends poll() */
	sigaction(SIGHUP, &action, NULL);
	for (;;) {
		struct pollfd wait = { .fd = CONTROL_FD, .events = POLLIN };
		(void)poll(&wait, 1, 100); /* not for ever: a signal may come just before it */
		if (hung_up) {
			become_stubborn();
		}
		struct control_packet packet;
		int rc = control_receive(CONTROL_FD, &packet);
		if (rc == 1) {
			handle_packet(&packet);
		} else if (rc == 0) {
			pause(); /* the keeper is gone; life goes on */
		}
	}
}
