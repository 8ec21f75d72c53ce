#include "audio/mixer/service.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#include "audio/mixer/realtime.h"
#include "core/fd.h"
#include "core/grant.h"
#include "core/log.h"
#include "core/macros.h"

#define THREAD_STACK_BYTES (256u << 10)
/* arg[0] of CONTROL_PEER */
#define PEER_SAMPLE_LINK 1

/* ---- grants ---- */

static int take_config(void *owner, struct control_packet *packet) {
	struct mixer_service *service = owner;
	return grant_take_config(packet, &service->config);
}

static int take_stats(void *owner, struct control_packet *packet) {
	struct mixer_service *service = owner;
	return grant_take_stats(packet, &service->stats, "mixer");
}

static int take_sink(void *owner, struct control_packet *packet) {
	struct mixer_service *service = owner;
	return grant_take_fd(packet, &service->memory_fd);
}

static int take_link(void *owner, struct control_packet *packet) {
	struct mixer_service *service = owner;
	uint32_t guest = packet->message.index;
	if (packet->fds_len != LINK_FDS || guest >= CONFIG_GUESTS_MAX ||
		service->peers[guest].has_link) {
		return -EBADMSG;
	}
	packet->fds_len = 0;
	int error = sample_link_init(&service->peers[guest].link, LINK_CONSUMER, packet->fds);
	service->peers[guest].has_link = error == 0;
	return error;
}

static int take_cues(void *owner, struct control_packet *packet) {
	struct mixer_service *service = owner;
	if (packet->fds_len != CUE_FDS || service->has_cues) {
		return -EBADMSG;
	}
	packet->fds_len = 0;
	int error = cue_player_init(&service->cues, packet->fds);
	service->has_cues = error == 0;
	return error;
}

static int take_chimes(void *owner, struct control_packet *packet) {
	struct mixer_service *service = owner;
	return grant_take_fd(packet, &service->chimes_fd);
}

static void handle_peer_death(void *data, uint32_t events) {
	struct mixer_peer *peer = data;
	mixer_set_dead(&peer->service->mixer, peer->guest, true);
	loop_remove(&peer->source);
	log_info("the sound endpoint of guest %u ended", peer->guest);
}

/* A new process at the other end; what is still to be heard of its predecessor's death is void. */
static int take_peer(void *owner, struct control_packet *packet) {
	struct mixer_service *service = owner;
	uint32_t guest = packet->message.index;
	if (packet->fds_len != 1 || guest >= CONFIG_GUESTS_MAX) {
		return -EBADMSG;
	}
	struct mixer_peer *peer = &service->peers[guest];
	if (packet->message.arg[0] != PEER_SAMPLE_LINK || !peer->has_link) {
		return 0;
	}
	packet->fds_len = 0;
	loop_remove(&peer->source);
	fd_close(&peer->pidfd);
	peer->pidfd = packet->fds[0];
	mixer_set_dead(&service->mixer, guest, false);
	peer->source = loop_add(service->loop, peer->pidfd, EPOLLIN, handle_peer_death, peer);
	return peer->source == NULL ? -errno : 0;
}

static const struct grant grants[] = {
	{ CONTROL_CONFIG, take_config },
	{ CONTROL_STATS, take_stats },
	{ CONTROL_SINK, take_sink },
	{ CONTROL_SAMPLE_LINK, take_link },
	{ CONTROL_PEER, take_peer },
	{ CONTROL_CUES, take_cues },
	{ CONTROL_CHIMES, take_chimes },
};

static void handle_control(void *data, uint32_t events) {
	struct mixer_service *service = data;
	struct control_packet packet;
	int rc = control_receive(service->control, &packet);
	if (rc == 1) {
		/* links and sink are fixed once the mix runs; peers come and go */
		rc = packet.message.type == CONTROL_PEER ? take_peer(service, &packet) : 0;
		control_close_fds(&packet);
		if (rc < 0) {
			log_warning("a peer that the keeper named cannot be watched: %s",
				strerror(-rc));
		}
	} else if (rc != -EAGAIN) {
		/* the keeper is gone: the sound goes on without it */
		loop_remove(&service->control_source);
	}
}

/* ---- the real-time thread ---- */

static void *mix_for_ever(void *data) {
	struct mixer_service *service = data;
	realtime_touch_stack();
	realtime_schedule(REALTIME_PRIORITY_MIXER);
	/* the name is where the checks of the test build begin */
	prctl(PR_SET_NAME, "mixer-rt");
	struct pollfd wait[] = {
		{ .fd = sink_fd(service->sink), .events = POLLIN },
		{ .fd = service->quit_fd, .events = POLLIN },
	};
	for (;;) {
		poll(wait, ARRAY_LEN(wait), -1);
		if (wait[1].revents != 0) {
			break;
		}
		cycle_run(&service->cycle);
	}
	prctl(PR_SET_NAME, "mixer-end");
	return NULL;
}

static int start_thread(struct mixer_service *service) {
	pthread_attr_t attributes;
	int error = pthread_attr_init(&attributes);
	if (error != 0) {
		return -error;
	}
	error = pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
	if (error == 0) {
		error = pthread_create(&service->thread, &attributes, mix_for_ever, service);
	}
	pthread_attr_destroy(&attributes);
	service->has_thread = error == 0;
	return -error;
}

/* ---- start ---- */

static int make_sink(struct mixer_service *service) {
	const struct config_mixer *config = &service->config->mixer;
	struct sink_options options = {
		.rate = config->rate,
		.quantum_frames = config->quantum_frames,
		.waits = config->sink == CONFIG_SINK_MEMORY && config->wait_streams != 0,
		.step_fd = -1,
		.memory_fd = service->memory_fd,
	};
	service->sink = config->sink == CONFIG_SINK_MEMORY ? sink_memory_create(&options)
							   : sink_null_create(&options);
	return service->sink == NULL ? -errno : 0;
}

/* Without a whole bank the programme plays all the same, and every request for a chime is refused: the
 * compositor then asks for the buzzer. */
static void make_voice(struct mixer_service *service) {
	uint32_t rate = service->config->mixer.rate;
	if (service->chimes_fd >= 0) {
		int error = chimes_map(&service->chimes, service->chimes_fd, rate);
		if (error < 0) {
			log_error("the bank of chimes cannot be used, no chime will be heard: %s",
				strerror(-error));
		}
	}
	safety_voice_init(&service->voice, rate, service->has_cues ? &service->cues : NULL,
		&service->chimes, &service->stats);
}

/* After START: the mixer itself was made before the grants, which name links and peers. */
static int make_mix(struct mixer_service *service) {
	if (service->config == NULL || service->config->mixer.sink == CONFIG_SINK_NONE) {
		return -EPROTO;
	}
	if (service->stats.page == NULL) {
		int error = stats_init(&service->stats, -1, "mixer");
		if (error < 0) {
			return error;
		}
	}
	const struct config_mixer *config = &service->config->mixer;
	mixer_init(&service->mixer, config->rate, config->quantum_frames);
	for (unsigned i = 0; i < service->config->guests_len; i++) {
		struct mixer_peer *peer = &service->peers[i];
		if (peer->has_link) {
			mixer_add(&service->mixer, i, &peer->link,
				service->config->guests[i].sound.gain);
		}
	}
	int error = make_sink(service);
	if (error < 0) {
		return error;
	}
	make_voice(service);
	cycle_init(
		&service->cycle, &service->mixer, &service->voice, service->sink, &service->stats);
	return 0;
}

static int start(struct mixer_service *service) {
	service->quit_fd = fd_eventfd_create(false);
	if (service->quit_fd < 0) {
		return service->quit_fd;
	}
	service->control_source =
		loop_add(service->loop, service->control, EPOLLIN, handle_control, service);
	if (service->control_source == NULL) {
		return -errno;
	}
	sink_start(service->sink);
	int error = start_thread(service);
	if (error < 0) {
		return error;
	}
	/* after the thread, so that its stack is locked too */
	error = realtime_lock_memory();
	if (error < 0) {
		log_warning("memory is not locked, the mix may be late: %s", strerror(-error));
	}
	return grant_ready(service->control);
}

static int receive_and_start(struct mixer_service *service) {
	service->loop = loop_create();
	if (service->loop == NULL) {
		return -errno;
	}
	/* signals are blocked before there is a second thread */
	int error = loop_quit_on_signals(service->loop);
	if (error == 0) {
		error = grant_receive(service->control, grants, ARRAY_LEN(grants), service);
	}
	if (error == 0) {
		error = make_mix(service);
	}
	if (error == 0) {
		/* whoever started the keeper prints the rings */
		log_init("mixer", log_level_from_env(), &service->stats, false);
		error = start(service);
	}
	return error;
}

int mixer_service_init(struct mixer_service *service, int control) {
	memset(service, 0, sizeof(*service));
	service->control = control;
	service->memory_fd = -1;
	service->chimes_fd = -1;
	service->quit_fd = -1;
	for (unsigned i = 0; i < CONFIG_GUESTS_MAX; i++) {
		service->peers[i] = (struct mixer_peer) {
			.service = service,
			.guest = i,
			.pidfd = -1,
		};
	}
	int error = receive_and_start(service);
	if (error < 0) {
		log_error("cannot mix what the keeper granted: %s", strerror(-error));
	}
	return error;
}

void mixer_service_finish(struct mixer_service *service) {
	if (service->has_thread) {
		fd_event_signal(service->quit_fd);
		pthread_join(service->thread, NULL);
	}
	for (unsigned i = 0; i < CONFIG_GUESTS_MAX; i++) {
		struct mixer_peer *peer = &service->peers[i];
		loop_remove(&peer->source);
		fd_close(&peer->pidfd);
		if (peer->has_link) {
			sample_link_finish(&peer->link);
		}
	}
	loop_remove(&service->control_source);
	sink_destroy(service->sink);
	fd_close(&service->quit_fd);
	fd_close(&service->memory_fd);
	cue_player_finish(&service->cues);
	chimes_unmap(&service->chimes);
	fd_close(&service->chimes_fd);
	fd_close(&service->control);
	if (service->config != NULL) {
		config_unmap(service->config);
	}
	if (service->loop != NULL) {
		loop_destroy(service->loop);
	}
	log_init("mixer", log_level_from_env(), NULL, true);
	if (service->stats.page != NULL) {
		stats_finish(&service->stats);
	}
}
