/*
 * A client of a running service: connects to its keeper and asks.
 *
 * Thread: the owner's. Calls block, at most for CLIENT_TIMEOUT_MS per message.
 */
#ifndef SERVICE_CLIENT_H
#define SERVICE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/control.h"
#include "service/command.h"

#define CLIENT_TIMEOUT_MS 10000

/* Called for each reply; may take descriptors over by setting packet->fds_len to 0. */
typedef void (*client_reply)(void *data, struct control_packet *packet);

/*
 * Connects to the keeper in the runtime directory (--runtime and so on) and returns the socket. Says
 * what is wrong and returns -1 with *status when nobody is there.
 */
int client_connect(const struct command *command, int *status);

/*
 * Sends a request and handles its replies until END. True when END said that it was good; else says
 * what was wrong, and `fascia NAME:` before it. `request` borrows its descriptors.
 */
bool client_ask(const struct command *command, int socket, const struct control_packet *request,
	client_reply reply, void *data);

/* Connects to the compositor through the keeper, as client_connect(). */
int client_connect_compositor(const struct command *command, int *status);

/*
 * Asks for one thing (GET_OUTPUT, GET_SINK, ...): its descriptors in `fds`, -1 where none came. False
 * after saying why not.
 */
bool client_get(const struct command *command, int socket, enum control_type type, const char *name,
	int *fds, size_t fds_len);

#endif
