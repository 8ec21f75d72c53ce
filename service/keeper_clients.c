/*
 * Clients of RUNTIME_DIR/keeper: each request is answered at once, without waiting for anybody. A
 * client that sends something else, or does not read its answers, is hung up on.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/log.h"
#include "service/keeper.h"

static int send_reply(const struct keeper_client *client, enum control_type type, uint32_t index,
	const char *name, const int *fds, size_t fds_len) {
	struct control_packet packet = { .message = { .type = type, .index = index } };
	snprintf(packet.message.name, sizeof(packet.message.name), "%s", name);
	for (size_t i = 0; i < fds_len; i++) {
		packet.fds[i] = fds[i];
	}
	packet.fds_len = fds_len;
	return control_send(client->socket, &packet);
}

static int send_end(const struct keeper_client *client, int error, const char *format, ...)
	PRINTF_LIKE(3, 4);

static int send_end(const struct keeper_client *client, int error, const char *format, ...) {
	struct control_packet packet = { .message = { .type = CONTROL_END, .arg = { error } } };
	va_list args;
	va_start(args, format);
	vsnprintf(packet.message.text, sizeof(packet.message.text), format, args);
	va_end(args);
	return control_send(client->socket, &packet);
}

/* `fd` as memory that can only be read. */
static int send_memory(const struct keeper_client *client, enum control_type type, uint32_t index,
	const char *name, int fd, int extra) {
	int fds[2] = { fd_reopen_readonly(fd), extra };
	if (fds[0] < 0) {
		return fds[0];
	}
	int error = send_reply(client, type, index, name, fds, extra >= 0 ? 2 : 1);
	fd_close(&fds[0]);
	return error;
}

static int answer_stats(struct keeper_client *client, const struct control_message *request) {
	struct keeper *keeper = client->keeper;
	int error = send_memory(client, CONTROL_GET_STATS, 0, "keeper", keeper->stats_fd, -1);
	for (unsigned i = 0; error == 0 && i < keeper->children_len; i++) {
		const struct child *child = &keeper->children[i];
		error = send_memory(
			client, CONTROL_GET_STATS, i + 1, child->name, child->stats_fd, -1);
	}
	return error != 0 ? error : send_end(client, 0, "%s", "");
}

static int answer_output(struct keeper_client *client, const struct control_message *request) {
	const struct store *store = &client->keeper->store;
	for (unsigned i = 0; i < store->config->outputs_len; i++) {
		const char *name = store->config->outputs[i].name;
		if (request->name[0] != '\0' && strcmp(request->name, name) != 0) {
			continue;
		}
		int error = send_memory(
			client, CONTROL_GET_OUTPUT, i, name, store->output[i], store->step[i]);
		return error != 0 ? error : send_end(client, 0, "%s", "");
	}
	return send_end(client, ENOENT, "there is no output '%s'; `fascia status` lists them",
		request->name);
}

static int answer_sink(struct keeper_client *client, const struct control_message *request) {
	int sink = client->keeper->store.sink;
	if (sink < 0) {
		return send_end(client, ENOENT,
			"this service has no memory sink; configure sound: {sink: memory}");
	}
	int error = send_memory(client, CONTROL_GET_SINK, 0, "", sink, -1);
	return error != 0 ? error : send_end(client, 0, "%s", "");
}

static int answer_safety(struct keeper_client *client, const struct control_message *request) {
	int error = send_memory(
		client, CONTROL_GET_SAFETY, 0, "", client->keeper->store.safety.page, -1);
	return error != 0 ? error : send_end(client, 0, "%s", "");
}

static int answer_config(struct keeper_client *client, const struct control_message *request) {
	int error =
		send_reply(client, CONTROL_GET_CONFIG, 0, "", &client->keeper->store.config_fd, 1);
	return error != 0 ? error : send_end(client, 0, "%s", "");
}

/* A fresh socket pair: one end for the client, one for the compositor. */
static int answer_client(struct keeper_client *client, const struct control_message *request) {
	struct child *compositor = keeper_find_child(client->keeper, CHILD_COMPOSITOR, 0);
	assert(compositor != NULL);
	if (strcmp(request->name, "compositor") != 0) {
		return send_end(
			client, ENOENT, "'%s' has no clients; allowed: compositor", request->name);
	}
	if (compositor->state != CHILD_RUNNING) {
		return send_end(client, EAGAIN, "the compositor is being started; try again");
	}
	int pair[2];
	int error = fd_socketpair(pair);
	if (error != 0) {
		return error;
	}
	struct control_packet packet = {
		.message = { .type = CONTROL_CLIENT },
		.fds = { pair[0] },
		.fds_len = 1,
	};
	error = child_send(compositor, &packet);
	if (error == 0) {
		error = send_reply(client, CONTROL_GET_CLIENT, 0, "compositor", &pair[1], 1);
	}
	fd_close(&pair[0]);
	fd_close(&pair[1]);
	return error != 0 ? error : send_end(client, 0, "%s", "");
}

static const struct {
	enum control_type type;
	int (*answer)(struct keeper_client *client, const struct control_message *request);
} requests[] = {
	{ CONTROL_GET_STATS, answer_stats },
	{ CONTROL_GET_OUTPUT, answer_output },
	{ CONTROL_GET_SINK, answer_sink },
	{ CONTROL_GET_CONFIG, answer_config },
	{ CONTROL_GET_SAFETY, answer_safety },
	{ CONTROL_GET_CLIENT, answer_client },
};

static void hang_up(struct keeper_client *client) {
	loop_remove(&client->source);
	fd_close(&client->socket);
}

static int answer(struct keeper_client *client, const struct control_packet *packet) {
	if (packet->fds_len > 0) {
		return -EBADMSG;
	}
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		if (requests[i].type == packet->message.type) {
			return requests[i].answer(client, &packet->message);
		}
	}
	return -EBADMSG;
}

static void handle_client(void *data, uint32_t events) {
	struct keeper_client *client = data;
	struct control_packet packet;
	int rc = control_receive(client->socket, &packet);
	if (rc == -EAGAIN) {
		return;
	}
	if (rc == 1) {
		rc = answer(client, &packet);
		control_close_fds(&packet);
		if (rc == 0) {
			return;
		}
	}
	if (rc != 0) {
		log_outsider(LOG_WARNING, "a client was hung up on: %s", strerror(-rc));
	}
	hang_up(client);
}

static void handle_listener(void *data, uint32_t events) {
	struct keeper *keeper = data;
	int socket = fd_accept(keeper->listener);
	if (socket < 0) {
		return;
	}
	for (unsigned i = 0; i < KEEPER_CLIENTS_MAX; i++) {
		struct keeper_client *client = &keeper->clients[i];
		if (client->source != NULL) {
			continue;
		}
		client->socket = socket;
		client->source = loop_add(keeper->loop, socket, EPOLLIN, handle_client, client);
		if (client->source == NULL) {
			fd_close(&client->socket);
		}
		return;
	}
	const struct keeper_client refused = { .socket = socket };
	(void)send_end(&refused, EBUSY, "too many clients; end one of the others");
	fd_close(&socket);
}

int keeper_clients_init(struct keeper *keeper) {
	char path[CONFIG_PATH_BYTES];
	snprintf(path, sizeof(path), "%s/" KEEPER_SOCKET, keeper->store.config->runtime_dir);
	for (unsigned i = 0; i < KEEPER_CLIENTS_MAX; i++) {
		keeper->clients[i] = (struct keeper_client) { .keeper = keeper, .socket = -1 };
	}
	keeper->listener = fd_listen_unix(path, SOCK_SEQPACKET);
	if (keeper->listener < 0) {
		log_error("%s: %s", path, strerror(-keeper->listener));
		return keeper->listener;
	}
	keeper->listener_source =
		loop_add(keeper->loop, keeper->listener, EPOLLIN, handle_listener, keeper);
	assert(keeper->listener_source != NULL); /* the loop has a place for it */
	return 0;
}

void keeper_clients_finish(struct keeper *keeper) {
	if (keeper->listener < 0) {
		return;
	}
	char path[CONFIG_PATH_BYTES];
	snprintf(path, sizeof(path), "%s/" KEEPER_SOCKET, keeper->store.config->runtime_dir);
	(void)unlink(path);
	for (unsigned i = 0; i < KEEPER_CLIENTS_MAX; i++) {
		hang_up(&keeper->clients[i]);
	}
	loop_remove(&keeper->listener_source);
	fd_close(&keeper->listener);
}
