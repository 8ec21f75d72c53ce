#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "core/clock.h"
#include "core/fd.h"
#include "protocol/vhost_message.h"
#include "tests/vmm/vmm_impl.h"

/* one round of looking at a descriptor while the back-end runs in this thread */
#define PUMP_POLL_MS 1

int vmm_wait_fd(struct vmm_device *device, int fd, short events, int timeout_ms) {
	uint64_t deadline_ns = clock_now_ns() + (uint64_t)timeout_ms * NS_PER_MS;
	for (;;) {
		int left_ms = PUMP_POLL_MS;
		if (device->options.pump != NULL) {
			device->options.pump(device->options.pump_data);
			left_ms = 0;
		} else {
			uint64_t now_ns = clock_now_ns();
			left_ms = now_ns >= deadline_ns
				? 0
				: (int)((deadline_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS);
		}
		/* the main socket is watched too: a back-end that is gone signals nothing else */
		struct pollfd fds[] = {
			{ .fd = fd, .events = events },
			{ .fd = device->channel, .events = POLLIN },
			{ .fd = device->socket, .events = POLLRDHUP },
		};
		int ready = poll(fds, 3, left_ms);
		if (ready > 0 && fds[1].revents != 0 && fd != device->channel) {
			vmm_drain_channel(device);
		}
		if (ready > 0 && fds[0].revents != 0) {
			return 0;
		}
		if (ready > 0 && (fds[2].revents & (POLLHUP | POLLRDHUP | POLLERR)) != 0) {
			return -EPIPE;
		}
		if (clock_now_ns() >= deadline_ns) {
			return -ETIMEDOUT;
		}
	}
}

int vmm_send_bytes(
	struct vmm_device *device, const void *data, size_t bytes, const int *fds, size_t fds_len) {
	size_t sent = 0;
	while (sent < bytes) {
		ssize_t status = fd_send(device->socket, (const uint8_t *)data + sent, bytes - sent,
			fds, sent == 0 ? fds_len : 0);
		if (status == -EAGAIN) {
			int error = vmm_wait_fd(device, device->socket, POLLOUT, VMM_TIMEOUT_MS);
			if (error < 0) {
				return error;
			}
			continue;
		}
		if (status < 0) {
			return status == -ECONNRESET ? -EPIPE : (int)status;
		}
		sent += (size_t)status;
	}
	return 0;
}

int vmm_send(struct vmm_device *device, uint32_t request, uint32_t flags, const void *payload,
	uint32_t payload_bytes, const int *fds, size_t fds_len) {
	uint8_t data[VHOST_HEADER_BYTES + VMM_PAYLOAD_BYTES_MAX];
	struct vhost_header header = { request, flags, payload_bytes };
	assert(payload_bytes <= VMM_PAYLOAD_BYTES_MAX);
	memcpy(data, &header, sizeof(header));
	if (payload_bytes > 0) {
		memcpy(data + sizeof(header), payload, payload_bytes);
	}
	return vmm_send_bytes(device, data, sizeof(header) + payload_bytes, fds, fds_len);
}

static int receive_bytes(struct vmm_device *device, int socket, void *data, size_t bytes) {
	size_t have = 0;
	while (have < bytes) {
		ssize_t got = recv(socket, (uint8_t *)data + have, bytes - have, MSG_DONTWAIT);
		if (got > 0) {
			have += (size_t)got;
		} else if (got == 0 || errno == ECONNRESET) {
			return -EPIPE;
		} else if (errno == EAGAIN) {
			int error = vmm_wait_fd(device, socket, POLLIN, VMM_TIMEOUT_MS);
			if (error < 0) {
				return error;
			}
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

static int receive_message(struct vmm_device *device, int socket, struct vmm_message *message) {
	int error = receive_bytes(device, socket, message, VHOST_HEADER_BYTES);
	if (error < 0) {
		return error;
	}
	if (message->size > VMM_PAYLOAD_BYTES_MAX) {
		return -EBADMSG;
	}
	return receive_bytes(device, socket, message->payload, message->size);
}

int vmm_receive(struct vmm_device *device, struct vmm_message *message) {
	return receive_message(device, device->socket, message);
}

static int receive_reply(struct vmm_device *device, uint32_t request, struct vmm_message *reply) {
	int error = vmm_receive(device, reply);
	if (error == 0 &&
		(reply->request != request ||
			(reply->flags & (VHOST_FLAG_VERSION_MASK | VHOST_FLAG_REPLY)) !=
				(VHOST_VERSION | VHOST_FLAG_REPLY))) {
		return -EBADMSG;
	}
	return error;
}

int vmm_call(struct vmm_device *device, uint32_t request, const void *payload,
	uint32_t payload_bytes, const int *fds, size_t fds_len) {
	bool has_ack = (device->protocol_features >> VHOST_F_REPLY_ACK & 1) != 0;
	uint32_t flags = VHOST_VERSION | (has_ack ? VHOST_FLAG_NEED_REPLY : 0);
	int error = vmm_send(device, request, flags, payload, payload_bytes, fds, fds_len);
	if (error < 0 || !has_ack) {
		return error;
	}
	struct vmm_message reply;
	error = receive_reply(device, request, &reply);
	if (error < 0) {
		return error;
	}
	uint64_t value;
	if (reply.size != sizeof(value)) {
		return -EBADMSG;
	}
	memcpy(&value, reply.payload, sizeof(value));
	return value == 0 ? 0 : -EREMOTEIO;
}

int vmm_ask(struct vmm_device *device, uint32_t request, const void *payload,
	uint32_t payload_bytes, void *reply, uint32_t reply_bytes) {
	struct vmm_message message;
	int error = vmm_send(device, request, VHOST_VERSION, payload, payload_bytes, NULL, 0);
	if (error == 0) {
		error = receive_reply(device, request, &message);
	}
	if (error < 0) {
		return error;
	}
	if (message.size != reply_bytes) {
		return message.size == 0 ? -EREMOTEIO : -EBADMSG;
	}
	memcpy(reply, message.payload, reply_bytes);
	return 0;
}

int vmm_wait_hangup(struct vmm_device *device) {
	uint8_t dropped[256];
	int error;
	do {
		error = receive_bytes(device, device->socket, dropped, 1);
	} while (error == 0);
	return error == -EPIPE ? 0 : error;
}

void vmm_drain_channel(struct vmm_device *device) {
	struct vmm_message message;
	uint8_t first;
	while (device->channel >= 0) {
		ssize_t peeked = recv(device->channel, &first, 1, MSG_PEEK | MSG_DONTWAIT);
		if (peeked < 0 && errno == EAGAIN) {
			return;
		}
		if (peeked <= 0 || receive_message(device, device->channel, &message) < 0) {
			fd_close(&device->channel); /* the back-end let go of it */
			return;
		}
		device->config_changes += message.request == VHOST_BACKEND_CONFIG_CHANGE ? 1 : 0;
		if ((message.flags & VHOST_FLAG_NEED_REPLY) != 0) {
			struct {
				struct vhost_header header;
				uint32_t value[2];
			} reply = { { message.request, VHOST_VERSION | VHOST_FLAG_REPLY, 8 },
				{ 0 } };
			_Static_assert(sizeof(reply) == VHOST_HEADER_BYTES + 8, "as on the wire");
			(void)fd_send(device->channel, &reply, sizeof(reply), NULL, 0);
		}
	}
}
