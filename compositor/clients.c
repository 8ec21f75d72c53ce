#include "compositor/clients.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/fd.h"
#include "core/log.h"
#include "core/macros.h"

static void client_close(struct client *client) {
	loop_remove(&client->source);
	fd_close(&client->socket);
}

static bool send_lines(struct client *client, const struct control_message *request) {
	struct analysis analysis = { 0 }; /* all of it is sent */
	compositor_analyze(client->clients->compositor, request->name, &analysis);
	for (size_t i = 0; i < analysis.len; i++) {
		struct control_packet line = { .message = { .type = CONTROL_ANALYZE } };
		memcpy(line.message.name, request->name, sizeof(line.message.name));
		memcpy(line.message.text, analysis.lines[i], sizeof(line.message.text));
		if (control_send(client->socket, &line) < 0) {
			return false;
		}
	}
	return true;
}

static bool answer(struct client *client, const struct control_message *request) {
	struct control_packet reply = { 0 };
	compositor_command(client->clients->compositor, request, &reply.message);
	bool has_lines = request->type == CONTROL_ANALYZE && reply.message.arg[0] == 0;
	return (!has_lines || send_lines(client, request)) &&
		control_send(client->socket, &reply) >= 0;
}

static void handle_request(void *data, uint32_t events) {
	struct client *client = data;
	struct control_packet packet;
	int got = control_receive(client->socket, &packet);
	if (got == -EAGAIN) {
		return;
	}
	if (got <= 0) {
		client_close(client);
		return;
	}
	control_close_fds(&packet);
	/* one who does not read its answers is not waited for */
	if (!answer(client, &packet.message)) {
		client_close(client);
	}
}

static void refuse(int socket) {
	struct control_packet reply = { .message = { .type = CONTROL_END, .arg = { EBUSY } } };
	snprintf(reply.message.text, sizeof(reply.message.text),
		"the compositor has %d clients already; try again later", CLIENTS_MAX);
	control_send(socket, &reply);
	fd_close(&socket);
}

static void add_client(struct clients *clients, int socket) {
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &clients->items[i];
		if (client->socket >= 0) {
			continue;
		}
		client->source = loop_add(clients->loop, socket, EPOLLIN, handle_request, client);
		if (client->source == NULL) {
			break;
		}
		client->socket = socket;
		return;
	}
	refuse(socket);
}

static void take_grant(struct clients *clients, struct control_packet *packet) {
	const struct control_message *message = &packet->message;
	int *fd = &packet->fds[0];

	if (message->type == CONTROL_CLIENT && packet->fds_len == 1) {
		add_client(clients, *fd);
		*fd = -1;
	} else if (message->type == CONTROL_PEER && packet->fds_len == 1) {
		if (compositor_set_process(clients->compositor, message->index, *fd) < 0) {
			log_error("the process of guest %u cannot be watched", message->index);
		}
		*fd = -1;
	} else {
		log_error("grant of type %u is not one a running compositor takes", message->type);
	}
}

static void handle_keeper(void *data, uint32_t events) {
	struct clients *clients = data;
	struct control_packet packet;
	int got = control_receive(clients->keeper, &packet);
	if (got == -EAGAIN) {
		return;
	}
	if (got <= 0) {
		log_warning("the keeper is gone: going on without it");
		loop_remove(&clients->keeper_source);
		return;
	}
	take_grant(clients, &packet);
	control_close_fds(&packet);
}

int clients_init(
	struct clients *clients, struct compositor *compositor, struct loop *loop, int keeper) {
	*clients = (struct clients) { .compositor = compositor, .loop = loop, .keeper = keeper };
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		clients->items[i] = (struct client) { .clients = clients, .socket = -1 };
	}
	clients->keeper_source = loop_add(loop, keeper, EPOLLIN, handle_keeper, clients);
	return clients->keeper_source == NULL ? -errno : 0;
}

void clients_finish(struct clients *clients) {
	loop_remove(&clients->keeper_source);
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		client_close(&clients->items[i]);
	}
}
