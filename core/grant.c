#include "core/grant.h"

#include <errno.h>

static int take(
	const struct grant *grants, size_t grants_len, void *owner, struct control_packet *packet) {
	int error = 0;
	for (size_t i = 0; i < grants_len && error == 0; i++) {
		if (grants[i].type == packet->message.type) {
			error = grants[i].take(owner, packet);
		}
	}
	control_close_fds(packet);
	return error;
}

int grant_receive(int control, const struct grant *grants, size_t grants_len, void *owner) {
	for (;;) {
		struct control_packet packet;
		int rc = control_receive_wait(control, &packet, -1);
		if (rc <= 0) {
			return rc == 0 ? -EPIPE : rc;
		}
		if (packet.message.type == CONTROL_START) {
			control_close_fds(&packet);
			return 0;
		}
		rc = take(grants, grants_len, owner, &packet);
		if (rc < 0) {
			return rc;
		}
	}
}

int grant_take_fd(struct control_packet *packet, int *fd) {
	if (packet->fds_len != 1 || *fd >= 0) {
		return -EBADMSG;
	}
	packet->fds_len = 0;
	*fd = packet->fds[0];
	return 0;
}

int grant_take_stats(struct control_packet *packet, struct stats *stats, const char *role) {
	if (packet->fds_len != 1 || stats->page != NULL) {
		return -EBADMSG;
	}
	packet->fds_len = 0;
	return stats_init(stats, packet->fds[0], role);
}

int grant_take_config(struct control_packet *packet, const struct config **config) {
	if (packet->fds_len != 1 || *config != NULL) {
		return -EBADMSG;
	}
	*config = config_map(packet->fds[0]);
	return *config == NULL ? -errno : 0;
}

int grant_ready(int control) {
	const struct control_packet ready = { .message.type = CONTROL_READY };
	return control_send(control, &ready);
}
