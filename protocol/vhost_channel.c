#include "protocol/vhost_channel.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"

/* what the VMM may make us read per wake-up */
#define REPLIES_PER_WAKE 8

void vhost_channel_init(struct vhost_channel *channel, struct loop *loop) {
	channel->loop = loop;
	channel->fd = -1;
	channel->source = NULL;
	channel->config_changed = false;
	channel->sender.len = 0;
	channel->sender.sent = 0;
	vhost_receiver_init(&channel->receiver);
}

void vhost_channel_finish(struct vhost_channel *channel) {
	loop_remove(&channel->source);
	fd_close(&channel->fd);
	vhost_receiver_finish(&channel->receiver);
	vhost_channel_init(channel, channel->loop);
}

static void channel_fail(struct vhost_channel *channel, int error) {
	/* a VMM that ends closes this one first: no news */
	if (error != -ECONNRESET) {
		log_outsider(LOG_WARNING, "back-end channel closed: error %d", -error);
	}
	vhost_channel_finish(channel);
}

/* Sends what is due; watches for room only while there is none. */
static int channel_flush(struct vhost_channel *channel) {
	int error = vhost_sender_flush(&channel->sender, channel->fd);
	if (error == 0 && channel->config_changed && !vhost_sender_is_busy(&channel->sender)) {
		channel->config_changed = false;
		vhost_sender_queue(&channel->sender, VHOST_BACKEND_CONFIG_CHANGE, 0, NULL, 0);
		error = vhost_sender_flush(&channel->sender, channel->fd);
	}
	if (error < 0) {
		return error;
	}
	uint32_t room = vhost_sender_is_busy(&channel->sender) ? EPOLLOUT : 0;
	return loop_modify(channel->source, EPOLLIN | room);
}

static int channel_drain(struct vhost_channel *channel) {
	for (int i = 0; i < REPLIES_PER_WAKE; i++) {
		int status = vhost_receiver_read(&channel->receiver, channel->fd, true);
		if (status <= 0) {
			return status;
		}
	}
	return 0;
}

static void handle_channel(void *data, uint32_t events) {
	struct vhost_channel *channel = data;
	int error = channel_drain(channel);
	if (error == 0) {
		error = channel_flush(channel);
	}
	if (error < 0) {
		channel_fail(channel, error);
	}
}

int vhost_channel_open(struct vhost_channel *channel, int fd) {
	struct stat status;
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fstat(fd, &status) < 0 || !S_ISSOCK(status.st_mode) ||
		fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		fd_close(&fd);
		return -EBADF;
	}
	vhost_channel_finish(channel);
	channel->source = loop_add(channel->loop, fd, EPOLLIN, handle_channel, channel);
	if (channel->source == NULL) {
		int error = -errno;
		fd_close(&fd);
		return error;
	}
	channel->fd = fd;
	return 0;
}

bool vhost_channel_is_open(const struct vhost_channel *channel) {
	return channel->fd >= 0;
}

void vhost_channel_config_changed(struct vhost_channel *channel) {
	assert(vhost_channel_is_open(channel));
	channel->config_changed = true;
	int error = channel_flush(channel);
	if (error < 0) {
		channel_fail(channel, error);
	}
}
