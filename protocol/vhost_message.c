#include "protocol/vhost_message.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "core/macros.h"

void vhost_message_close_fds(struct vhost_message *message) {
	for (size_t i = 0; i < message->fds_len; i++) {
		fd_close(&message->fds[i]);
	}
	message->fds_len = 0;
}

int vhost_message_take_fd(struct vhost_message *message, size_t index) {
	if (index >= message->fds_len) {
		return -1;
	}
	int fd = message->fds[index];
	message->fds[index] = -1;
	return fd;
}

void vhost_receiver_init(struct vhost_receiver *receiver) {
	receiver->have = 0;
	receiver->message.fds_len = 0;
}

void vhost_receiver_finish(struct vhost_receiver *receiver) {
	vhost_message_close_fds(&receiver->message);
}

static int header_check(const struct vhost_header *header, bool is_reply) {
	if ((header->flags & VHOST_FLAG_VERSION_MASK) != VHOST_VERSION ||
		((header->flags & VHOST_FLAG_REPLY) != 0) != is_reply ||
		header->size > VHOST_PAYLOAD_BYTES_MAX) {
		return -EBADMSG;
	}
	return 0;
}

/* Reads up to byte `end` of the message. 1: it is there, 0: not yet. */
static int receiver_fill(
	struct vhost_receiver *receiver, int socket, uint8_t *part, size_t part_begin, size_t end) {
	struct vhost_message *message = &receiver->message;

	while (receiver->have < end) {
		int fds[FD_MESSAGE_MAX];
		size_t fds_len = ARRAY_LEN(fds);
		ssize_t got = fd_receive(socket, part + (receiver->have - part_begin),
			end - receiver->have, fds, &fds_len);
		if (got == -EAGAIN) {
			return 0;
		}
		if (got == -EINTR) {
			continue;
		}
		if (got < 0) {
			return (int)got;
		}
		if (fds_len > 0 &&
			(receiver->have > 0 || message->fds_len > 0 || fds_len > VHOST_FDS_MAX)) {
			for (size_t i = 0; i < fds_len; i++) {
				fd_close(&fds[i]);
			}
			return -EBADMSG;
		}
		if (got == 0) {
			return receiver->have == 0 ? -ECONNRESET : -EPROTO;
		}
		if (fds_len > 0) {
			memcpy(message->fds, fds, fds_len * sizeof(fds[0]));
			message->fds_len = fds_len;
		}
		receiver->have += (size_t)got;
	}
	return 1;
}

int vhost_receiver_read(struct vhost_receiver *receiver, int socket, bool is_reply) {
	struct vhost_message *message = &receiver->message;

	if (receiver->have == 0) {
		vhost_message_close_fds(message);
	}
	int status =
		receiver_fill(receiver, socket, (uint8_t *)&message->header, 0, VHOST_HEADER_BYTES);
	if (status <= 0) {
		return status;
	}
	status = header_check(&message->header, is_reply);
	if (status < 0) {
		return status;
	}
	status = receiver_fill(receiver, socket, message->payload, VHOST_HEADER_BYTES,
		VHOST_HEADER_BYTES + message->header.size);
	if (status == 1) {
		receiver->have = 0;
	}
	return status;
}

bool vhost_sender_is_busy(const struct vhost_sender *sender) {
	return sender->sent < sender->len;
}

void vhost_sender_queue(struct vhost_sender *sender, uint32_t request, uint32_t flags,
	const void *payload, size_t payload_bytes) {
	struct vhost_header header = {
		.request = request,
		.flags = flags | VHOST_VERSION,
		.size = (uint32_t)payload_bytes,
	};
	assert(!vhost_sender_is_busy(sender) && payload_bytes <= VHOST_PAYLOAD_BYTES_MAX);
	memcpy(sender->data, &header, VHOST_HEADER_BYTES);
	if (payload_bytes > 0) {
		memcpy(sender->data + VHOST_HEADER_BYTES, payload, payload_bytes);
	}
	sender->len = VHOST_HEADER_BYTES + payload_bytes;
	sender->sent = 0;
}

int vhost_sender_flush(struct vhost_sender *sender, int socket) {
	while (vhost_sender_is_busy(sender)) {
		ssize_t sent = send(socket, sender->data + sender->sent, sender->len - sender->sent,
			MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR) {
			continue;
		}
		if (sent < 0) {
			return errno == EAGAIN ? 0 : -errno;
		}
		sender->sent += (size_t)sent;
	}
	return 0;
}
