#include "compositor/grants.h"

#include <errno.h>

#include "core/control.h"
#include "core/fd.h"
#include "core/log.h"
#include "core/macros.h"

static void clear(int *fds, size_t len) {
	for (size_t i = 0; i < len; i++) {
		fds[i] = -1;
	}
}

static void close_all(int *fds, size_t len) {
	for (size_t i = 0; i < len; i++) {
		fd_close(&fds[i]);
	}
}

void grants_init(struct grants *grants) {
	grants->config = grants->stats = grants->atlas = -1;
	clear(grants->outputs, CONFIG_OUTPUTS_MAX);
	clear(grants->steps, CONFIG_OUTPUTS_MAX);
	clear(&grants->links[0][0], CONFIG_GUESTS_MAX * LINK_FDS);
	clear(grants->processes, CONFIG_GUESTS_MAX);
	grants->safety = grants->signals = grants->watchdog = grants->buzzer = -1;
	grants->watchdog_kind = CONFIG_WATCHDOG_NONE;
	clear(grants->cues, CUE_FDS);
}

void grants_finish(struct grants *grants) {
	fd_close(&grants->config);
	fd_close(&grants->stats);
	fd_close(&grants->atlas);
	close_all(grants->outputs, CONFIG_OUTPUTS_MAX);
	close_all(grants->steps, CONFIG_OUTPUTS_MAX);
	close_all(&grants->links[0][0], CONFIG_GUESTS_MAX * LINK_FDS);
	close_all(grants->processes, CONFIG_GUESTS_MAX);
	fd_close(&grants->safety);
	fd_close(&grants->signals);
	close_all(grants->cues, CUE_FDS);
	fd_close(&grants->watchdog);
	fd_close(&grants->buzzer);
}

/* Moves descriptor `from` of the packet to where it belongs; a second grant replaces the first. */
static void move_fd(struct control_packet *packet, size_t from, int *to) {
	fd_close(to);
	*to = packet->fds[from];
	packet->fds[from] = -1;
}

static bool take_output(struct grants *grants, struct control_packet *packet) {
	uint32_t index = packet->message.index;
	if (index >= CONFIG_OUTPUTS_MAX || packet->fds_len < 1 || packet->fds_len > 2) {
		return false;
	}
	move_fd(packet, 0, &grants->outputs[index]);
	if (packet->fds_len == 2) {
		move_fd(packet, 1, &grants->steps[index]);
	}
	return true;
}

static bool take_all(struct control_packet *packet, int *to, size_t len) {
	if (packet->fds_len != len) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		move_fd(packet, i, &to[i]);
	}
	return true;
}

static bool take_one(struct control_packet *packet, int *to) {
	return take_all(packet, to, 1);
}

static bool take_link(struct grants *grants, struct control_packet *packet) {
	uint32_t index = packet->message.index;
	return index < CONFIG_GUESTS_MAX && take_all(packet, grants->links[index], LINK_FDS);
}

static bool take_watchdog(struct grants *grants, struct control_packet *packet) {
	int64_t kind = packet->message.arg[0];
	if (kind <= CONFIG_WATCHDOG_NONE || kind > CONFIG_WATCHDOG_FILE ||
		!take_one(packet, &grants->watchdog)) {
		return false;
	}
	grants->watchdog_kind = (uint32_t)kind;
	return true;
}

static bool take(struct grants *grants, struct control_packet *packet) {
	switch ((enum control_type)packet->message.type) {
	case CONTROL_CONFIG:
		return take_one(packet, &grants->config);
	case CONTROL_STATS:
		return take_one(packet, &grants->stats);
	case CONTROL_ATLAS:
		return take_one(packet, &grants->atlas);
	case CONTROL_OUTPUT:
		return take_output(grants, packet);
	case CONTROL_FRAME_LINK:
		return take_link(grants, packet);
	case CONTROL_PEER:
		return packet->message.index < CONFIG_GUESTS_MAX &&
			take_one(packet, &grants->processes[packet->message.index]);
	case CONTROL_SAFETY:
		return take_one(packet, &grants->safety);
	case CONTROL_SIGNALS:
		return take_one(packet, &grants->signals);
	case CONTROL_CUES:
		return take_all(packet, grants->cues, CUE_FDS);
	case CONTROL_WATCHDOG:
		return take_watchdog(grants, packet);
	case CONTROL_BUZZER:
		return take_one(packet, &grants->buzzer);
	default:
		return false;
	}
}

int grants_receive(struct grants *grants, int socket) {
	for (;;) {
		struct control_packet packet;
		int got = control_receive_wait(socket, &packet, -1);
		if (got <= 0) {
			return got == 0 ? -ECONNRESET : got;
		}
		bool started = packet.message.type == CONTROL_START;
		bool known = started || take(grants, &packet);
		control_close_fds(&packet);
		if (!known) {
			log_error("grant of type %u, index %u is not one a compositor takes",
				packet.message.type, packet.message.index);
			return -EPROTO;
		}
		if (started) {
			return 0;
		}
	}
}
