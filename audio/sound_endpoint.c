#include "audio/sound_endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "audio/mixer/realtime.h"
#include "core/clock.h"
#include "core/fd.h"
#include "core/grant.h"
#include "core/log.h"
#include "core/macros.h"

static void endpoint_begin(struct sound_endpoint *endpoint) {
	memset(endpoint, 0, sizeof(*endpoint));
	snprintf(endpoint->name, sizeof(endpoint->name), "sound");
	endpoint->listener = VHOST_LISTENER_NONE;
	endpoint->control = -1;
}

/* ---- by the keeper ---- */

static int take_config(void *owner, struct control_packet *packet) {
	struct sound_endpoint *endpoint = owner;
	int error = grant_take_config(packet, &endpoint->config);
	if (error < 0) {
		return error;
	}
	if (packet->message.index >= endpoint->config->guests_len) {
		return -EINVAL;
	}
	const struct config_guest *guest = &endpoint->config->guests[packet->message.index];
	snprintf(endpoint->name, sizeof(endpoint->name), "sound-%s", guest->name);
	endpoint->streams = guest->sound.streams;
	endpoint->rate = endpoint->config->mixer.rate;
	endpoint->quantum_frames = endpoint->config->mixer.quantum_frames;
	return guest->sound.enabled ? 0 : -EINVAL;
}

static int take_stats(void *owner, struct control_packet *packet) {
	struct sound_endpoint *endpoint = owner;
	return grant_take_stats(packet, &endpoint->stats, "sound");
}

static int take_listener(void *owner, struct control_packet *packet) {
	struct sound_endpoint *endpoint = owner;
	return grant_take_fd(packet, &endpoint->listener.socket);
}

static int take_link(void *owner, struct control_packet *packet) {
	struct sound_endpoint *endpoint = owner;
	if (packet->fds_len != LINK_FDS || endpoint->has_link) {
		return -EBADMSG;
	}
	packet->fds_len = 0;
	int error = sample_link_init(&endpoint->link, LINK_PRODUCER, packet->fds);
	endpoint->has_link = error == 0;
	return error;
}

static const struct grant grants[] = {
	{ CONTROL_CONFIG, take_config },
	{ CONTROL_STATS, take_stats },
	{ CONTROL_LISTENER, take_listener },
	{ CONTROL_SAMPLE_LINK, take_link },
};

static void handle_control(void *data, uint32_t events) {
	struct sound_endpoint *endpoint = data;
	struct control_packet packet;
	int rc = control_receive(endpoint->control, &packet);
	if (rc == 1) {
		control_close_fds(&packet);
	} else if (rc != -EAGAIN) {
		/* the keeper is gone: the guest's sound goes on without it */
		loop_remove(&endpoint->control_source);
	}
}

static int begin_granted(struct sound_endpoint *endpoint) {
	if (endpoint->config == NULL || endpoint->listener.socket < 0 || !endpoint->has_link) {
		return -EPROTO;
	}
	if (endpoint->stats.page == NULL) {
		int error = stats_init(&endpoint->stats, -1, endpoint->name);
		if (error < 0) {
			return error;
		}
	}
	endpoint->loop = loop_create();
	if (endpoint->loop == NULL) {
		return -errno;
	}
	endpoint->control_source =
		loop_add(endpoint->loop, endpoint->control, EPOLLIN, handle_control, endpoint);
	return endpoint->control_source == NULL ? -errno : 0;
}

int sound_endpoint_init_granted(struct sound_endpoint *endpoint, int control) {
	endpoint_begin(endpoint);
	endpoint->control = control;
	int error = grant_receive(control, grants, ARRAY_LEN(grants), endpoint);
	if (error == 0) {
		error = begin_granted(endpoint);
	}
	if (error < 0) {
		log_error("what the keeper granted cannot be used: %s", strerror(-error));
		return error;
	}
	/* whoever started the keeper prints the rings */
	log_init(endpoint->name, log_level_from_env(), &endpoint->stats, false);
	return 0;
}

static void say_ready(struct sound_endpoint *endpoint) {
	int error = endpoint->control < 0 ? 0 : grant_ready(endpoint->control);
	if (error < 0) {
		log_warning("the keeper does not hear that we are ready: %s", strerror(-error));
	}
}

/* ---- alone ---- */

static int make_link(struct sound_endpoint *endpoint) {
	int fds[LINK_FDS], ours[LINK_FDS], theirs[LINK_FDS];
	int error = sample_link_create_fds("fascia-sound", fds);
	if (error < 0) {
		return error;
	}
	error = link_grant_fds(fds, LINK_CONSUMER, theirs);
	if (error == 0) {
		error = null_consumer_init(&endpoint->consumer, endpoint->loop, theirs,
			endpoint->rate, endpoint->quantum_frames, &endpoint->stats);
	}
	if (error == 0) {
		error = link_grant_fds(fds, LINK_PRODUCER, ours);
	}
	if (error == 0) {
		error = sample_link_init(&endpoint->link, LINK_PRODUCER, ours);
		endpoint->has_link = error == 0;
	}
	for (unsigned i = 0; i < LINK_FDS; i++) {
		fd_close(&fds[i]);
	}
	return error;
}

int sound_endpoint_init_alone(
	struct sound_endpoint *endpoint, const struct sound_endpoint_options *options) {
	endpoint_begin(endpoint);
	endpoint->streams = options->streams;
	endpoint->rate = options->rate;
	endpoint->quantum_frames = options->quantum_frames;
	int error = stats_init(&endpoint->stats, -1, endpoint->name);
	if (error < 0) {
		return error;
	}
	log_init(endpoint->name, log_level_from_env(), &endpoint->stats, true);
	error = vhost_listener_open(&endpoint->listener, options->socket_path, options->fd);
	if (error < 0) {
		return error;
	}
	endpoint->loop = loop_create();
	error = endpoint->loop == NULL ? -errno : make_link(endpoint);
	if (error < 0) {
		log_error("cannot make a link: %s", strerror(-error));
	}
	return error;
}

/* ---- serving ---- */

static void handle_end(void *data, int error) {
	struct sound_endpoint *endpoint = data;
	if (error < 0) {
		log_warning("the VMM broke the protocol: %s", strerror(-error));
	} else {
		log_info("the VMM hung up");
	}
	loop_quit(endpoint->loop, EXIT_SUCCESS);
}

static int serve(struct sound_endpoint *endpoint, int socket) {
	const struct sound_device_options options = {
		.loop = endpoint->loop,
		.link = &endpoint->link,
		.stats = &endpoint->stats,
		.streams = endpoint->streams,
		.rate = endpoint->rate,
		.quantum_frames = endpoint->quantum_frames,
		.now_ns = clock_now_ns,
		.handle_end = handle_end,
		.data = endpoint,
	};
	endpoint->device = sound_device_create(&options, socket);
	return endpoint->device == NULL ? -errno : 0;
}

static void handle_connection(void *data, int socket) {
	struct sound_endpoint *endpoint = data;
	int error = serve(endpoint, socket);
	if (error < 0) {
		log_error("cannot serve a VMM: %s", strerror(-error));
		loop_quit(endpoint->loop, EXIT_FAILURE);
	}
}

static int begin_serving(struct sound_endpoint *endpoint) {
	int error = loop_quit_on_signals(endpoint->loop);
	if (error < 0) {
		return error;
	}
	return vhost_listener_start(
		&endpoint->listener, endpoint->loop, handle_connection, endpoint);
}

/* Sleeps when the guest gave it more to do than is its share. */
static void rest(void *data) {
	struct sound_endpoint *endpoint = data;
	struct timespec used;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	uint64_t cpu_ns = (uint64_t)used.tv_sec * NS_PER_S + (uint64_t)used.tv_nsec;
	uint64_t rest_ns = cpu_share_rest_ns(&endpoint->share, clock_now_ns(), cpu_ns);
	if (rest_ns > 0) {
		const struct timespec time = { .tv_nsec = (long)rest_ns };
		clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
	}
}

int sound_endpoint_run(struct sound_endpoint *endpoint) {
	int error = begin_serving(endpoint);
	if (error < 0) {
		log_error("cannot start: %s", strerror(-error));
		return EXIT_FAILURE;
	}
	error = realtime_schedule(REALTIME_PRIORITY_SOUND);
	if (error < 0) {
		log_info("no real-time priority: %s", strerror(-error));
	} else {
		loop_set_after(endpoint->loop, rest, endpoint);
	}
	say_ready(endpoint);
	return loop_run(endpoint->loop);
}

void sound_endpoint_finish(struct sound_endpoint *endpoint) {
	sound_device_destroy(endpoint->device);
	null_consumer_finish(&endpoint->consumer);
	vhost_listener_finish(&endpoint->listener);
	loop_remove(&endpoint->control_source);
	if (endpoint->has_link) {
		sample_link_finish(&endpoint->link);
	}
	if (endpoint->loop != NULL) {
		loop_destroy(endpoint->loop);
	}
	fd_close(&endpoint->control);
	if (endpoint->config != NULL) {
		config_unmap(endpoint->config);
	}
	log_init(endpoint->name, log_level_from_env(), NULL, true);
	if (endpoint->stats.page != NULL) {
		stats_finish(&endpoint->stats);
	}
}
