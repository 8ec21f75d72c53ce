/*
 * The back-end channel of vhost-user: requests from us to the VMM (SET_BACKEND_REQ_FD). At the moment
 * one request is made, "the configuration changed", and no reply is asked for; what the VMM sends
 * nevertheless is read and dropped.
 *
 * Never blocks: while the VMM does not read, changes are remembered as one. A channel that breaks is
 * closed; the session goes on without it.
 *
 * Thread: the session's.
 */
#ifndef PROTOCOL_VHOST_CHANNEL_H
#define PROTOCOL_VHOST_CHANNEL_H

#include <stdbool.h>

#include "core/loop.h"
#include "protocol/vhost_message.h"

struct vhost_channel {
	struct loop *loop;
	int fd; /* -1: none */
	struct loop_source *source;
	bool config_changed; /* to be sent when the sender is free */
	struct vhost_receiver receiver;
	struct vhost_sender sender;
};

void vhost_channel_init(struct vhost_channel *channel, struct loop *loop);
void vhost_channel_finish(struct vhost_channel *channel);

/* Takes over `fd`, on error too; replaces what was there. 0, -EBADF if it is no socket, or -errno. */
int vhost_channel_open(struct vhost_channel *channel, int fd);
bool vhost_channel_is_open(const struct vhost_channel *channel);

/* Sends BACKEND_CONFIG_CHANGE_MSG, soon if not now. The channel must be open. */
void vhost_channel_config_changed(struct vhost_channel *channel);

#endif
