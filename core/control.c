#include "core/control.h"

#include <assert.h>
#include <errno.h>

#include "core/fd.h"
#include "core/text.h"

_Static_assert(CONTROL_FDS_MAX <= FD_MESSAGE_MAX, "carried by one message");
_Static_assert(CONTROL_FDS_MAX >= LINK_FDS, "a link is one grant");

int control_send(int socket, const struct control_packet *packet) {
	assert(packet->fds_len <= CONTROL_FDS_MAX);
	ssize_t sent = fd_send(
		socket, &packet->message, sizeof(packet->message), packet->fds, packet->fds_len);
	if (sent < 0) {
		return (int)sent;
	}
	return sent == (ssize_t)sizeof(packet->message) ? 0 : -EBADMSG;
}

int control_receive(int socket, struct control_packet *packet) {
	packet->fds_len = CONTROL_FDS_MAX;
	ssize_t got = fd_receive(
		socket, &packet->message, sizeof(packet->message), packet->fds, &packet->fds_len);
	if (got == 0 && packet->fds_len == 0) {
		return 0;
	}
	if (got < 0) {
		packet->fds_len = 0;
		return (int)got;
	}
	struct control_message *message = &packet->message;
	if (got != (ssize_t)sizeof(*message) || message->type == CONTROL_NONE ||
		message->type >= CONTROL_TYPES) {
		control_close_fds(packet);
		return -EBADMSG;
	}
	text_make_printable(message->name, sizeof(message->name));
	text_make_printable(message->text, sizeof(message->text));
	return 1;
}

int control_receive_wait(int socket, struct control_packet *packet, int timeout_ms) {
	int rc;
	while ((rc = control_receive(socket, packet)) == -EAGAIN) {
		int ready = fd_wait_readable(socket, timeout_ms);
		if (ready <= 0) {
			return ready == 0 ? -ETIMEDOUT : ready;
		}
	}
	return rc;
}

void control_close_fds(struct control_packet *packet) {
	for (size_t i = 0; i < packet->fds_len; i++) {
		fd_close(&packet->fds[i]);
	}
	packet->fds_len = 0;
}
