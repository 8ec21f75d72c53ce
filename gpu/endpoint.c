#include "gpu/endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/fd.h"
#include "core/grant.h"
#include "core/log.h"
#include "core/macros.h"
#include "core/pixel_format.h"

/* Alone, a guest gets what the configuration would give it. */
#define ALONE_MEMORY_BYTES (UINT64_C(64) << 20)
#define ALONE_RESOURCES 1024
#define ALONE_BACKING_ENTRIES 16384
#define ALONE_COMMANDS_PER_WAKE 64
#define ALONE_FLUSHES_PER_REFRESH 8
/* pictures per display: two that flip, each with one written, one waiting and one shown */
#define ALONE_PICTURES 6
#define ALONE_POOL_SPARE_BYTES (UINT64_C(64) << 20) /* a guest may set larger modes */

static void endpoint_begin(struct endpoint *endpoint) {
	*endpoint = (struct endpoint) {
		.listener = VHOST_LISTENER_NONE, .channel_listener = -1, .control = -1
	};
	endpoint->link.link = (struct link) { .producer_event = -1, .consumer_event = -1 };
}

/* ---- by the keeper ---- */

static int take_config(void *owner, struct control_packet *packet) {
	struct endpoint *endpoint = owner;
	int rc = grant_take_config(packet, &endpoint->config);
	if (rc < 0) {
		return rc;
	}
	if (packet->message.index >= endpoint->config->guests_len) {
		return -EINVAL;
	}
	const struct config_guest *guest = &endpoint->config->guests[packet->message.index];
	endpoint->gpu = guest->gpu;
	snprintf(endpoint->name, sizeof(endpoint->name), "gpu-%s", guest->name);
	return 0;
}

static int take_stats(void *owner, struct control_packet *packet) {
	struct endpoint *endpoint = owner;
	return grant_take_stats(packet, &endpoint->stats, "gpu");
}

static int take_listener(void *owner, struct control_packet *packet) {
	struct endpoint *endpoint = owner;
	return grant_take_fd(packet, &endpoint->listener.socket);
}

static int take_channel(void *owner, struct control_packet *packet) {
	struct endpoint *endpoint = owner;
	return grant_take_fd(packet, &endpoint->channel_listener);
}

static int take_link(void *owner, struct control_packet *packet) {
	struct endpoint *endpoint = owner;
	if (packet->fds_len != LINK_FDS || endpoint->link.link.pool != NULL) {
		return -EBADMSG;
	}
	packet->fds_len = 0;
	return frame_link_init(&endpoint->link, LINK_PRODUCER, packet->fds);
}

static const struct grant grants[] = {
	{ CONTROL_CONFIG, take_config },
	{ CONTROL_STATS, take_stats },
	{ CONTROL_LISTENER, take_listener },
	{ CONTROL_FRAME_LINK, take_link },
	{ CONTROL_CHANNEL, take_channel },
};

static void handle_control(void *data, uint32_t events) {
	struct endpoint *endpoint = data;
	struct control_packet packet;
	int rc = control_receive(endpoint->control, &packet);
	if (rc == 1) {
		control_close_fds(&packet);
	} else if (rc != -EAGAIN) {
		/* the keeper is gone: the guest's display goes on without it */
		loop_remove(&endpoint->control_source);
	}
}

static int begin_granted(struct endpoint *endpoint) {
	if (endpoint->config == NULL || endpoint->listener.socket < 0 ||
		endpoint->link.link.pool == NULL || !endpoint->gpu.enabled) {
		return -EPROTO;
	}
	if (endpoint->stats.page == NULL) {
		int rc = stats_init(&endpoint->stats, -1, endpoint->name);
		if (rc < 0) {
			return rc;
		}
	}
	endpoint->loop = loop_create();
	if (endpoint->loop == NULL) {
		return -errno;
	}
	endpoint->control_source =
		loop_add(endpoint->loop, endpoint->control, EPOLLIN, handle_control, endpoint);
	return endpoint->control_source != NULL ? 0 : -errno;
}

int endpoint_init_granted(struct endpoint *endpoint, int control) {
	endpoint_begin(endpoint);
	endpoint->control = control;
	int rc = grant_receive(control, grants, ARRAY_LEN(grants), endpoint);
	if (rc == 0) {
		rc = begin_granted(endpoint);
	}
	if (rc < 0) {
		log_error("what the keeper granted cannot be used: %s", strerror(-rc));
		return rc;
	}
	/* whoever started the keeper prints the rings */
	log_init(endpoint->name, log_level_from_env(), &endpoint->stats, false);
	return 0;
}

void endpoint_ready(struct endpoint *endpoint) {
	int rc = endpoint->control < 0 ? 0 : grant_ready(endpoint->control);
	if (rc < 0) {
		log_warning("the keeper does not hear that we are ready: %s", strerror(-rc));
	}
}

/* ---- alone ---- */

static uint64_t pool_bytes_of(const struct endpoint_options *options) {
	uint64_t bytes = ALONE_POOL_SPARE_BYTES;
	for (uint32_t i = 0; i < options->modes_len; i++) {
		const struct frame_mode *mode = &options->modes[i];
		uint64_t row_bytes = ((uint64_t)mode->width * PIXEL_BYTES + 63) / 64 * 64;
		uint64_t picture_bytes = (row_bytes * mode->height + 4095) / 4096 * 4096;
		bytes += ALONE_PICTURES * picture_bytes;
	}
	return bytes;
}

static int make_link(struct endpoint *endpoint, const struct endpoint_options *options) {
	int fds[LINK_FDS];
	int ours[LINK_FDS];
	int theirs[LINK_FDS];
	int rc = frame_link_create_fds("fascia-gpu", endpoint->gpu.budget.pool_bytes, fds);
	if (rc < 0) {
		return rc;
	}
	rc = link_grant_fds(fds, LINK_PRODUCER, ours);
	if (rc == 0) {
		rc = frame_link_init(&endpoint->link, LINK_PRODUCER, ours);
	}
	if (rc == 0) {
		rc = link_grant_fds(fds, LINK_CONSUMER, theirs);
	}
	if (rc == 0) {
		rc = null_display_init(&endpoint->display, endpoint->loop, theirs, options->modes,
			options->modes_len);
		endpoint->has_display = rc == 0;
	}
	for (int i = 0; i < LINK_FDS; i++) {
		fd_close(&fds[i]);
	}
	return rc;
}

static void configure_alone(struct endpoint *endpoint, const struct endpoint_options *options) {
	endpoint->gpu = (struct config_gpu) {
		.enabled = 1,
		.profile = options->profile,
		.budget = {
			.pool_bytes = pool_bytes_of(options),
			.memory_bytes = ALONE_MEMORY_BYTES,
			.resources = ALONE_RESOURCES,
			.backing_entries = ALONE_BACKING_ENTRIES,
			.commands_per_wake = ALONE_COMMANDS_PER_WAKE,
			.flushes_per_refresh = ALONE_FLUSHES_PER_REFRESH,
		},
		.scanouts_len = options->modes_len,
	};
	memcpy(endpoint->gpu.scanouts, options->modes, sizeof(options->modes));
}

int endpoint_init_alone(struct endpoint *endpoint, const struct endpoint_options *options) {
	endpoint_begin(endpoint);
	snprintf(endpoint->name, sizeof(endpoint->name), "gpu");
	configure_alone(endpoint, options);
	int rc = stats_init(&endpoint->stats, -1, endpoint->name);
	if (rc < 0) {
		return rc;
	}
	log_init(endpoint->name, log_level_from_env(), &endpoint->stats, true);
	rc = vhost_listener_open(&endpoint->listener, options->socket_path, options->fd);
	if (rc < 0) {
		return rc;
	}
	endpoint->loop = loop_create();
	rc = endpoint->loop != NULL ? make_link(endpoint, options) : -errno;
	if (rc < 0) {
		log_error("cannot make a display: %s", strerror(-rc));
	}
	return rc;
}

void endpoint_finish(struct endpoint *endpoint) {
	if (endpoint->has_display) {
		null_display_finish(&endpoint->display);
	}
	vhost_listener_finish(&endpoint->listener);
	fd_close(&endpoint->channel_listener);
	loop_remove(&endpoint->control_source);
	if (endpoint->loop != NULL) {
		loop_destroy(endpoint->loop);
	}
	frame_link_finish(&endpoint->link);
	fd_close(&endpoint->control);
	if (endpoint->config != NULL) {
		config_unmap(endpoint->config);
	}
	log_init(endpoint->name, log_level_from_env(), NULL, true);
	if (endpoint->stats.page != NULL) {
		stats_finish(&endpoint->stats);
	}
}
