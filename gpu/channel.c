#include "gpu/channel.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "core/clock.h"
#include "core/fd.h"
#include "core/log.h"

static void handle_listener(void *data, uint32_t events);
static void handle_connection(void *data, uint32_t events);

static void count(_Atomic uint64_t *value) {
	atomic_fetch_add_explicit(value, 1, memory_order_relaxed);
}

/* ---- connections ---- */

static int listen_again(struct channel *channel) {
	channel->listener = loop_add(
		channel->setup.loop, channel->setup.listener, EPOLLIN, handle_listener, channel);
	return channel->listener == NULL ? -errno : 0;
}

static void handle_pause_end(void *data, uint32_t events) {
	struct channel *channel = data;
	if (channel->listener == NULL && channel->socket < 0) {
		listen_again(channel);
	}
}

static void disconnect(struct channel *channel) {
	loop_remove(&channel->connection);
	fd_close(&channel->socket);
	loop_timer_set(channel->pause, channel->setup.relisten_ns, 0);
}

static void handle_listener(void *data, uint32_t events) {
	struct channel *channel = data;
	int socket = fd_accept(channel->setup.listener);
	if (socket < 0) {
		return; /* it hung up before it was accepted */
	}
	loop_remove(&channel->listener);
	channel->socket = socket;
	channel->lines = (struct guest_channel) { 0 };
	channel->greeted = false;
	channel->connection =
		loop_add(channel->setup.loop, socket, EPOLLIN, handle_connection, channel);
	if (channel->connection == NULL) {
		disconnect(channel);
		return;
	}
	count(channel->connections);
}

/* ---- lines ---- */

/* The guest's program may never read: its answers are lost then, and nobody waits. */
static void answer(struct channel *channel, const char *text) {
	size_t len = strlen(text);
	if (send(channel->socket, text, len, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)len) {
		count(channel->unanswered);
	}
}

static void carry_out(struct channel *channel, const struct guest_channel_message *message) {
	switch (message->verb) {
	case GUEST_CHANNEL_HELLO:
		if (!channel->greeted) {
			log_info("guest channel: %s says hello", message->name);
			channel->greeted = true;
		}
		break;
	case GUEST_CHANNEL_HEARTBEAT:
		frame_link_set_heartbeat(
			channel->setup.link, ++channel->heartbeats, message->number);
		count(channel->count);
		atomic_store_explicit(channel->number, message->number, memory_order_relaxed);
		break;
	case GUEST_CHANNEL_FOCUS_GAIN:
	case GUEST_CHANNEL_FOCUS_LOSS:
		count(channel->focus);
		break;
	}
}

static bool is_flood(struct channel *channel) {
	uint64_t now_ns = channel->setup.now_ns(channel->setup.data);
	if (now_ns - channel->second_ns >= NS_PER_S) {
		channel->second_ns = now_ns;
		channel->second_lines = 0;
	}
	return ++channel->second_lines > CHANNEL_LINES_PER_S;
}

/* False: the connection is to be ended. */
static bool serve_line(struct channel *channel, enum guest_channel_verdict verdict,
	const struct guest_channel_message *message) {
	if (is_flood(channel)) {
		answer(channel, "error too many lines\n");
		log_warning("guest channel: disconnected: too many lines");
		return false;
	}
	answer(channel, guest_channel_answer(verdict));
	switch (verdict) {
	case GUEST_CHANNEL_MORE:
		break;
	case GUEST_CHANNEL_MESSAGE:
		carry_out(channel, message);
		break;
	case GUEST_CHANNEL_UNKNOWN:
	case GUEST_CHANNEL_BAD_VALUE:
		count(channel->errors);
		break;
	case GUEST_CHANNEL_TOO_LONG:
	case GUEST_CHANNEL_BINARY:
		log_warning("guest channel: disconnected: what it sends is not lines of text");
		return false;
	}
	return true;
}

static bool serve_bytes(struct channel *channel, const uint8_t *bytes, size_t len) {
	while (len > 0) {
		struct guest_channel_message message;
		size_t taken;
		enum guest_channel_verdict verdict =
			guest_channel_take(&channel->lines, bytes, len, &taken, &message);
		if (verdict != GUEST_CHANNEL_MORE && !serve_line(channel, verdict, &message)) {
			return false;
		}
		bytes += taken;
		len -= taken;
	}
	return true;
}

static void handle_connection(void *data, uint32_t events) {
	struct channel *channel = data;
	uint8_t bytes[CHANNEL_BYTES_PER_WAKE];
	ssize_t len = recv(channel->socket, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (len <= 0) {
		disconnect(channel);
	} else if (!serve_bytes(channel, bytes, (size_t)len)) {
		count(channel->errors);
		disconnect(channel);
	}
}

/* ---- life ---- */

int channel_init(struct channel *channel, const struct channel_setup *setup) {
	*channel = (struct channel) {
		.setup = *setup,
		.socket = -1,
		.connections = stats_value(setup->stats, "", "channel.connections"),
		.count = stats_value(setup->stats, "", "channel.heartbeats"),
		.number = stats_value(setup->stats, "", "channel.heartbeat_number"),
		.focus = stats_value(setup->stats, "", "channel.focus_requests"),
		.errors = stats_value(setup->stats, "", "channel.errors"),
		.unanswered = stats_value(setup->stats, "", "channel.unanswered"),
	};
	uint64_t number;
	frame_link_heartbeat(setup->link, &channel->heartbeats, &number);
	/* a predecessor that was taken over may have left any count there */
	channel->heartbeats %= UINT64_MAX / 4;
	channel->pause = loop_add_timer(setup->loop, handle_pause_end, channel);
	return channel->pause == NULL ? -errno : listen_again(channel);
}

void channel_finish(struct channel *channel) {
	loop_remove(&channel->connection);
	loop_remove(&channel->listener);
	loop_remove(&channel->pause);
	fd_close(&channel->socket);
	fd_close(&channel->setup.listener);
}
