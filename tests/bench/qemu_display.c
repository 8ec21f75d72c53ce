#include "tests/bench/qemu_display.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum request {
	GET_PROTOCOL_FEATURES = 1,
	GET_DISPLAY_INFO = 3,
	SCANOUT_UPDATE = 8,
};

#define FLAG_REPLY (1u << 2)
#define DISPLAY_INFO_BYTES 408
#define RESPONSE_DISPLAY_INFO 0x1101
#define UPDATE_HEADER_BYTES 20
#define PAYLOAD_BYTES_MAX (64u << 20)

struct header {
	uint32_t request, flags, size;
};

int qemu_display_init(struct qemu_display *display, int socket, uint32_t width, uint32_t height) {
	*display = (struct qemu_display) { .socket = socket, .width = width, .height = height };
	display->pixels_bytes = (size_t)width * height * 4;
	display->pixels = malloc(display->pixels_bytes);
	if (!display->pixels) {
		close(socket);
		return -ENOMEM;
	}
	return 0;
}

void qemu_display_finish(struct qemu_display *display) {
	close(display->socket);
	free(display->pixels);
	*display = (struct qemu_display) { .socket = -1 };
}

static int read_all(int fd, void *data, size_t len) {
	for (size_t done = 0; done < len;) {
		ssize_t n = recv(fd, (char *)data + done, len - done, MSG_WAITALL);
		if (n == 0) {
			return -EPIPE;
		}
		if (n < 0 && errno != EINTR) {
			return -errno;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int reply(struct qemu_display *display, uint32_t request, const void *data, uint32_t len) {
	struct header header = { request, FLAG_REPLY, len };
	if (send(display->socket, &header, sizeof(header), MSG_NOSIGNAL) != sizeof(header) ||
		send(display->socket, data, len, MSG_NOSIGNAL) != (ssize_t)len) {
		return -EPIPE;
	}
	return 0;
}

static int reply_display_info(struct qemu_display *display) {
	uint32_t info[DISPLAY_INFO_BYTES / 4] = { RESPONSE_DISPLAY_INFO };
	info[8] =
		display->width; /* after the 24-byte header: x, y, width, height, enabled, flags */
	info[9] = display->height;
	info[10] = 1;
	return reply(display, GET_DISPLAY_INFO, info, sizeof(info));
}

static int read_update(struct qemu_display *display, uint32_t size) {
	uint32_t head[UPDATE_HEADER_BYTES / 4]; /* scanout, x, y, width, height */
	if (size < sizeof(head) || size - sizeof(head) > display->pixels_bytes) {
		return -EPROTO;
	}
	int error = read_all(display->socket, head, sizeof(head));
	if (error) {
		return error;
	}
	display->update = (struct rect) { (int32_t)head[1], (int32_t)head[2], head[3], head[4] };
	return read_all(display->socket, display->pixels, size - sizeof(head));
}

static int skip(struct qemu_display *display, uint32_t size) {
	char bytes[4096];
	if (size > PAYLOAD_BYTES_MAX) {
		return -EPROTO;
	}
	while (size > 0) {
		uint32_t n = size < sizeof(bytes) ? size : (uint32_t)sizeof(bytes);
		int error = read_all(display->socket, bytes, n);
		if (error) {
			return error;
		}
		size -= n;
	}
	return 0;
}

/* One message. 1: it was an update with its pixels. */
static int handle_message(struct qemu_display *display) {
	struct header header;
	uint64_t features = 0;
	int error = read_all(display->socket, &header, sizeof(header));
	if (error) {
		return error;
	}
	if (header.request == SCANOUT_UPDATE) {
		error = read_update(display, header.size);
		return error ? error : 1;
	}
	error = skip(display, header.size);
	if (error) {
		return error;
	}
	switch (header.request) {
	case GET_PROTOCOL_FEATURES:
		return reply(display, GET_PROTOCOL_FEATURES, &features, sizeof(features));
	case GET_DISPLAY_INFO:
		return reply_display_info(display);
	default:
		return 0;
	}
}

static bool readable(int fd, int timeout_ms) {
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	return poll(&poll_fd, 1, timeout_ms) > 0;
}

int qemu_display_wait_update(struct qemu_display *display, int timeout_ms) {
	while (readable(display->socket, timeout_ms)) {
		int got = handle_message(display);
		if (got != 0) {
			return got < 0 ? got : 0;
		}
	}
	return -ETIMEDOUT;
}

int qemu_display_settle(struct qemu_display *display, int timeout_ms) {
	while (readable(display->socket, timeout_ms)) {
		int got = handle_message(display);
		if (got < 0) {
			return got;
		}
	}
	return 0;
}
