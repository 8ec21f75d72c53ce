#include "service/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/config.h"
#include "core/fd.h"
#include "service/runtime_dir.h"

int client_connect(const struct command *command, int *status) {
	char dir[CONFIG_PATH_BYTES - sizeof("/keeper")], path[CONFIG_PATH_BYTES];
	int error = runtime_dir_choose(command_runtime, NULL, dir, sizeof(dir));
	if (error != 0) {
		*status = command_failed(command, "the runtime directory: %s", strerror(-error));
		return -1;
	}
	snprintf(path, sizeof(path), "%s/keeper", dir);
	int socket = fd_connect_unix(path, SOCK_SEQPACKET);
	if (socket == -ENOENT || socket == -ECONNREFUSED) {
		command_failed(command,
			"no service runs in %s; start one with `fascia run FILE`, or say where it "
			"is with "
			"--runtime DIR",
			dir);
		*status = COMMAND_NO_SERVICE;
	} else if (socket < 0) {
		*status = command_failed(command, "%s: %s", path, strerror(-socket));
	}
	return socket < 0 ? -1 : socket;
}

/* As control_receive_wait(); a reset comes before what the keeper said when it hung up. */
static int receive(int socket, struct control_packet *packet) {
	int rc = control_receive_wait(socket, packet, CLIENT_TIMEOUT_MS);
	return rc != -ECONNRESET ? rc : control_receive_wait(socket, packet, CLIENT_TIMEOUT_MS);
}

bool client_ask(const struct command *command, int socket, const struct control_packet *request,
	client_reply reply, void *data) {
	int rc = control_send(socket, request);
	if (rc != 0) {
		command_failed(
			command, "the service hung up (%s); see `fascia log`", strerror(-rc));
		return false;
	}
	for (;;) {
		struct control_packet packet;
		rc = receive(socket, &packet);
		if (rc == -ETIMEDOUT) {
			command_failed(command, "the service does not answer; see `fascia log`");
			return false;
		}
		if (rc != 1) {
			command_failed(command, "the service hung up; see `fascia log`");
			return false;
		}
		if (packet.message.type == CONTROL_END) {
			control_close_fds(&packet);
			if (packet.message.arg[0] != 0) {
				command_failed(command, "%s", packet.message.text);
			}
			return packet.message.arg[0] == 0;
		}
		if (reply != NULL) {
			reply(data, &packet);
		}
		control_close_fds(&packet);
	}
}

struct taking {
	int *fds;
	size_t fds_len;
};

static void take_fds(void *data, struct control_packet *packet) {
	struct taking *taking = data;
	for (size_t i = 0; i < packet->fds_len && i < taking->fds_len; i++) {
		if (taking->fds[i] < 0) {
			taking->fds[i] = packet->fds[i];
			packet->fds[i] = -1;
		}
	}
}

bool client_get(const struct command *command, int socket, enum control_type type, const char *name,
	int *fds, size_t fds_len) {
	struct control_packet request = { .message = { .type = type } };
	struct taking taking = { fds, fds_len };
	if (strlen(name) >= sizeof(request.message.name)) {
		command_failed(command, "there is no '%s': that name is too long", name);
		return false;
	}
	snprintf(request.message.name, sizeof(request.message.name), "%s", name);
	for (size_t i = 0; i < fds_len; i++) {
		fds[i] = -1;
	}
	if (!client_ask(command, socket, &request, take_fds, &taking)) {
		for (size_t i = 0; i < fds_len; i++) {
			fd_close(&fds[i]);
		}
		return false;
	}
	if (fds[0] < 0) {
		command_failed(command, "the service sent nothing; see `fascia log`");
		return false;
	}
	return true;
}

int client_connect_compositor(const struct command *command, int *status) {
	int compositor;
	int socket = client_connect(command, status);
	if (socket < 0) {
		return -1;
	}
	bool there = client_get(command, socket, CONTROL_GET_CLIENT, "compositor", &compositor, 1);
	fd_close(&socket);
	*status = there ? COMMAND_OK : COMMAND_FAILED;
	return there ? compositor : -1;
}
